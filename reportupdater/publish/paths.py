"""Where the files of a site lie in its folder."""

from __future__ import annotations


def report_file(report: str) -> str:
    """Return the path of a report's page in the site."""
    return f"reports/{report}.html"


def data_file(tsv: str) -> str:
    """Return the path of the script that has the rows of a TSV, given without its suffix."""
    return f"data/{tsv}.js"


def about_file(report: str) -> str:
    """Return the path of the script that has what a report's page draws beside the rows."""
    return f"about/{report}.js"
