"""What a run found out about each report, as the state keeps it for `status`."""

from __future__ import annotations

from collections.abc import Container, Sequence

from reportupdater.errors import Severity
from reportupdater.execution.summary import Summary
from reportupdater.model import Project, Report
from reportupdater.planning.explode import explode
from reportupdater.state.findings import Finding, Findings
from reportupdater.terminal import wording


def findings(
    project: Project,
    asked: Sequence[str],
    reports: Sequence[Report],
    owned: Container[Report],
    summary: Summary,
    *,
    whole: bool,
) -> Findings:
    """Return what a run found out: of `reports`, those `owned`, and invalid ones among `asked`.

    Those are the ones whose lock it had and of which it knew what is due. Nothing is said of a report
    that another run held: it will say more.
    """
    found = []
    for report in reports:
        error = _error(report.name, summary)
        if report not in owned and error is None:
            continue
        counts = summary.counts(report.name)
        found.append(
            Finding(
                report.name,
                series=len(explode(report)) if report in owned else 0,
                done=counts.done,
                empty=counts.empty,
                failed=counts.failed,
                error=error,
                owner=report.owner,
                ticket=report.ticket,
                description=report.description,
                is_ours=report in owned,
            )
        )
    valid = {report.name for report in project.reports}
    wrong: dict[str, list[str]] = {}
    for problem in project.problems:
        if problem.severity is Severity.ERROR and problem.report not in valid and problem.report:
            wrong.setdefault(problem.report, []).append(str(problem))
    found += [
        Finding(name, error=_first(lines), is_ours=False)
        for name, lines in wrong.items()
        if not asked or name in asked
    ]
    return Findings(found, project.names, whole)


def _error(report: str, summary: Summary) -> str | None:
    lines = [*summary.failed.of(report), *summary.troubles.of(report)]
    return _first(lines) if lines else None


def _first(lines: Sequence[str]) -> str:
    more = len(lines) - 1
    return lines[0] + (f" (and {wording.count(more, 'other error')})" if more else "")
