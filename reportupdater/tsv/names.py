"""Names of reports and paths of TSVs that come from the state, which other users may write to.

Each passes here before it becomes a path of a lock, a TSV or a temporary file. No configuration makes one
that does not pass.
"""

from __future__ import annotations

import re

_LONGEST = 255
"""Bytes of a name that a file system takes."""
_NOT_IN_A_NAME = "[/\x00-\x1f\x7f-\x9f\u2028\u2029]"  # nearly all names are plain ASCII, see below


def is_report(name: str) -> bool:
    """Return whether a text can be the name of a report; the names of this program's own locks are none.

    >>> is_report("edits"), is_report("../edits"), is_report(".state")
    (True, False, False)
    """
    if name[:1] in ("", ".", "-"):
        return False
    if name.isascii() and name.isprintable():
        return "/" not in name and len(name) <= _LONGEST
    size = len(name.encode("utf-8", "surrogatepass"))
    return size <= _LONGEST and not re.search(_NOT_IN_A_NAME, name)


def is_tsv(path: str) -> bool:
    """Return whether a text can be the path of a TSV, relative to the output folder.

    >>> is_tsv("edits/enwiki.tsv"), is_tsv("edits/.enwiki.tsv.tmp"), is_tsv("/etc/passwd")
    (True, False, False)
    """
    return path.endswith(".tsv") and all(map(is_report, path.removesuffix(".tsv").split("/")))


def belongs_to(path: str, report: str) -> bool:
    """Return whether the path of a TSV is one of a report's."""
    return path == f"{report}.tsv" or path.startswith(f"{report}/")
