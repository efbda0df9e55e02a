"""The pages of a site, written from what status and plan find, and from the TSVs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from reportupdater.errors import ReportupdaterError
from reportupdater.execution.select import Source
from reportupdater.intervals import Granularity
from reportupdater.model import Project, Report
from reportupdater.operations.report_status import ReportStatus
from reportupdater.operations.site import SiteRequest
from reportupdater.operations.site_data import Rows
from reportupdater.operations.site_folder import SiteFolder
from reportupdater.operations.site_missing import Around
from reportupdater.operations.site_report import Gathering
from reportupdater.operations.status import Status, StatusRequest, status
from reportupdater.planning.plan import Clock
from reportupdater.publish.index_page import index_page
from reportupdater.publish.paths import about_file, report_file
from reportupdater.publish.report_page import about_script, report_page
from reportupdater.publish.values import Entry, Index, Latest, ProjectLine, State
from reportupdater.state import reruns
from reportupdater.state.coverage import Identity
from reportupdater.state.overlay import Overlay
from reportupdater.tsv import files, listing


class Writing:
    """The writing of a site."""

    def __init__(
        self, request: SiteRequest, folder: SiteFolder, now: Mapping[str, Identity]
    ) -> None:
        self._request = request
        self._folder = folder
        self._now = dict(now)
        self._entries: dict[str, Entry] = {}
        self._runs: dict[str, ProjectLine] = {}
        self.troubles: list[str] = []

    def write_project(self, source: Source, project: Project) -> None:
        """Write the pages of a project's reports."""
        found = self._status(source)
        rerun_files, _ = reruns.read_files(project.folder)
        valid = {report.name: report for report in project.reports}
        with Overlay(self._request.output) as output:
            clock = Clock(self._request.now)
            around = Around(output, found.survey, clock, project, rerun_files)
            for one in found.reports:
                self._write_report(around, one, valid.get(one.name))

    def write_others(self) -> None:
        """Write the pages of the reports that no project has which was given."""
        if not {*listing.reports(self._request.output)} - self._entries.keys():
            return
        found = self._status(None)
        with Overlay(self._request.output) as output:
            around = Around(output, found.survey, Clock(self._request.now))
            for one in found.reports:
                if one.name not in self._entries:
                    self._write_report(around, one, None)

    def _status(self, source: Source | None) -> Status:
        found = status(
            StatusRequest(output=self._request.output, now=self._request.now, source=source)
        )
        self.troubles += found.troubles
        for config, run in found.survey.runs.items():
            self._runs[config] = ProjectLine(config, run["ended"], run["exit_code"], 0)
        return found

    def _write_report(self, around: Around, one: ReportStatus, report: Report | None) -> None:
        unit = report.granularity if report else self._unit(around, one)
        tsvs = [series.tsv for series in one.series]
        rows = Rows(self._folder, one.name, unit, files.Walk(around.output.root), self._now)
        rows.update(tsvs)
        page = Gathering(around, one, report, unit).page(rows.known)
        self._folder.write(about_file(one.name), about_script(page))
        self._folder.write(report_file(one.name), report_page(page, self._request.title))
        rows.remember()
        entry = page.entry
        self._entries[one.name] = entry
        # The index is of all reports, also of those of other projects, which are not looked at now.
        self._folder.remember(f"reports/{one.name}", asdict(entry) | {"state": entry.state.value})

    def _unit(self, around: Around, one: ReportStatus) -> Granularity:
        """Return the granularity of a report that no project has."""
        shape = around.survey.shapes.get(one.name)
        if shape is not None:
            return Granularity(shape.granularity)
        for series in one.series:
            with suppress(ReportupdaterError, OSError):
                return listing.granularity(files.place(around.output.root, series.tsv))
        return Granularity.DAYS

    def remove_others(self) -> None:
        """Remove the pages of reports that are no more."""
        for name in self._folder.remembered("reports"):
            if name not in self._entries:
                Rows(self._folder, name, Granularity.DAYS, files.Walk(None), {}).update([])
                for file in (about_file(name), report_file(name)):
                    self._folder.remove(file)
                self._folder.forget(f"rows/{name}")
                self._folder.forget(f"reports/{name}")

    def write_index(self) -> int:
        """Write the first page; return how many reports it has."""
        entries = dict(self._entries)
        for name in self._folder.remembered("reports"):
            if name not in entries:
                entry = _entry(self._folder.recall(f"reports/{name}"))
                if entry is not None:
                    entries[name] = entry
        count: dict[str, int] = {}
        for entry in entries.values():
            count[entry.project] = count.get(entry.project, 0) + 1
        index = Index(
            title=self._request.title,
            entries=tuple(entries.values()),
            projects=tuple(
                one._replace(reports=count.get(one.config, 0)) for one in self._projects(count)
            ),
            troubles=tuple(dict.fromkeys(self.troubles)),
        )
        self._folder.write("index.html", index_page(index))
        return len(entries)

    def _projects(self, names: Mapping[str, int]) -> Iterator[ProjectLine]:
        runs = {os.path.realpath(config): one for config, one in self._runs.items()}
        for name in sorted(filter(None, names)):
            run = runs.pop(os.path.realpath(name), None)
            yield run._replace(config=name) if run else ProjectLine(name, "", None, 0)
        yield from (runs[config] for config in sorted(runs))


def _entry(value: Any) -> Entry | None:
    """Return an entry as it was remembered; None where someone has changed it, or it is another version's."""
    try:
        latest = value["latest"]
        if latest is not None:
            text, column, series, date, before = latest
            latest = Latest(text, column, series, date, tuple(before))
        return Entry(**value | {"state": State(value["state"]), "latest": latest})
    except (TypeError, ValueError, KeyError):
        return None
