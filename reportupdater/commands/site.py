"""`reportupdater site`: pages of all reports, for readers."""

from __future__ import annotations

import argparse
import gc

from reportupdater.commands import arguments
from reportupdater.commands.printing import put
from reportupdater.execution.clock import utcnow
from reportupdater.execution.select import Source
from reportupdater.operations.site import Site, SiteRequest, site
from reportupdater.terminal.wording import count

_NEW_VALUES = 1_000_000
"""How many the garbage collector lets pass: pages of a wiki farm are millions, of which none is a cycle."""

EXAMPLES = """\
examples:
  reportupdater site output/ queries/edits queries/search --to /srv/www/reports
  reportupdater site output/ --to site/

exit codes:
  0  the site is as the reports are
  1  not all could be looked at, or a run has met what belongs to no report: the site says so
  2  called wrongly, or the site cannot be written
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "site",
        help="write pages of all reports: what they have, and what is wrong with them",
        description="Writes a page of each report and an index, for a browser: from files, or from any web"
        " server.\nOnly what has changed is written again; no database is asked.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    parser.add_argument("output", type=arguments.path, help="the folder of the TSVs")
    parser.add_argument(
        "projects",
        type=arguments.path,
        nargs="*",
        metavar="PROJECT",
        help="folders with config.yaml: only with them are descriptions, queries and what is missing known",
    )
    parser.add_argument(
        "--to", type=arguments.path, required=True, metavar="DIR", help="the folder of the site"
    )
    parser.add_argument("--title", default="Reports", help="the title of the index")
    arguments.add_host_config(parser)
    arguments.add_now(parser)
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Site:
    """Run the command, and return what it ended with."""
    gc.set_threshold(_NEW_VALUES)
    hosts = arguments.host_files(given)
    found = site(
        SiteRequest(
            output=given.output,
            folder=given.to,
            projects=tuple(Source(project=one, host_files=hosts) for one in given.projects),
            title=given.title,
            now=given.now or utcnow(),
        )
    )
    for trouble in found.troubles:
        put(f"! {trouble}")
    put(f"{found.index}: {count(found.reports, 'report')}, {count(found.written, 'file')} written")
    return found
