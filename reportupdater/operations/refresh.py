"""The site that host settings name, refreshed at the end of a run."""

from __future__ import annotations

import logging

from reportupdater.errors import ReportupdaterError
from reportupdater.execution.result import RunResult
from reportupdater.execution.summary import Summary
from reportupdater.model import Project
from reportupdater.operations.run import Request
from reportupdater.operations.site import SiteRequest, site

log = logging.getLogger(__name__)


def refresh(request: Request, project: Project, summary: Summary, result: RunResult) -> RunResult:
    """Write what has changed of the pages of a project; return the run's result, with what went wrong.

    A site that stays as it was would show numbers that are no more, so the run has failed then.
    """
    assert project.site is not None
    folder, title = project.site
    try:
        site(
            SiteRequest(
                output=request.output, folder=folder, projects=(request,), title=title, whole=False
            )
        )
    except ReportupdaterError as error:
        what = f"the site {folder} is not refreshed: {error}"
        log.error("%s", what)
        summary.troubles.add("", what)
        return result._replace(troubles=summary.troubles.messages(summary.contacts))
    return result
