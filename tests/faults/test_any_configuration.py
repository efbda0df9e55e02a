"""Whatever is wrong with a configuration, it is told with its place, and other reports go on."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportupdater.config.load import load_project
from reportupdater.errors import Severity, Where
from reportupdater.intervals import Granularity
from reportupdater.model import Project, Report
from reportupdater.planning.explode import explode
from tests.faults.configurations import DATABASES, FILES, RUNNABLE_DATABASES, mutated, valid
from tests.faults.soak import cases, record
from tests.helpers import SQLITE, written
from tests.helpers import Project as Folder

LONGEST = 20.0
"""Seconds for reading a configuration: far more than any takes, far less than for ever."""

LONGEST_MESSAGE = 2000
"""Characters, those of paths included. Whoever reads it has a terminal of eighty columns."""

SHORT = (Granularity.HOURS, Granularity.DAYS)
BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line of YAML."""
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A project folder without a configuration."""
    with tempfile.TemporaryDirectory() as name:
        for file, text in FILES.items():
            written(Path(name) / file, text)
        yield Path(name)


def load(folder: Path, text: bytes) -> Project:
    (folder / "config.yaml").write_bytes(text)
    return load_project(folder)


def fingerprint(report: Report) -> str:
    """All that a report is, but for the lines on which it stands."""
    return re.sub(r"Where\(path='[^']*', line=\d+, column=\d+\)", "Where", repr(report))


def stands(where: Where, lines: list[str]) -> bool:
    """Whether a place is one of a file with these lines."""
    return 1 <= where.line <= len(lines) and 1 <= where.column <= len(lines[where.line - 1]) + 1


def check(project: Project, text: bytes) -> None:
    """Each problem is a line of bearable length, and its place is one of the file."""
    decoded = text.removeprefix(b"\xef\xbb\xbf").decode(errors="replace")
    # YAML ends lines at more than others do; which of the two a place counts depends on what found it.
    splits = [[*BREAK.split(decoded), ""], [*decoded.split("\n"), ""]]
    for problem in project.problems:
        assert problem.where is not None
        assert not CONTROL.search(str(problem)), str(problem)
        assert len(str(problem)) < LONGEST_MESSAGE, str(problem)
        if problem.where.path == str(project.config_path):
            assert any(stands(problem.where, lines) for lines in splits), str(problem)
    errors = [problem for problem in project.problems if problem.severity is Severity.ERROR]
    assert errors or project.reports
    assert {report.name for report in project.reports} <= set(project.names)


def test_a_mistake_is_told_with_its_place_and_harms_no_other_report(folder: Path) -> None:
    tried = local = 0
    slowest = 0.0

    @settings(
        max_examples=cases(300, 20_000), deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(data=st.data())
    def one(data: st.DataObject) -> None:
        nonlocal tried, local, slowest
        config = data.draw(valid(DATABASES))
        dumped = yaml.safe_dump(config, allow_unicode=True, sort_keys=False).encode()
        before = load(folder, dumped)
        assert [str(p) for p in before.problems if p.severity is Severity.ERROR] == []
        assert len(before.reports) == len(config["reports"])
        made = data.draw(mutated(config))
        began = time.monotonic()
        project = load(folder, made.text)
        took = time.monotonic() - began
        check(project, made.text)
        assert took < LONGEST
        if made.harmed is not None:
            others = {r.name: fingerprint(r) for r in before.reports if r.name not in made.harmed}
            after = {r.name: fingerprint(r) for r in project.reports}
            assert others.items() <= after.items(), list(map(str, project.problems))
            local += bool(others)
        tried, slowest = tried + 1, max(slowest, took)

    one()
    assert not (folder / "HACKED").exists()
    assert not Path("HACKED").exists()
    record("configurations", cases=tried, others_unharmed=local, slowest_seconds=round(slowest, 3))


def test_the_program_tells_it_without_a_traceback_and_runs_the_others() -> None:
    tried = 0

    @settings(max_examples=cases(8, 200), deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def one(data: st.DataObject) -> None:
        nonlocal tried
        config = data.draw(valid(RUNNABLE_DATABASES))
        made = data.draw(mutated(config))
        with tempfile.TemporaryDirectory() as name:
            project = Folder(Path(name), SQLITE, FILES)
            config_path = project.folder / "config.yaml"
            config_path.write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
            # Not from the year 1900 on, should a mistake ask for that.
            span = ("--since", "2025-01-03", "--until", "2025-01-05")
            before = load_project(project.folder)
            config_path.write_bytes(made.text)
            after = load_project(project.folder)
            errors = any(p.severity is Severity.ERROR for p in after.problems)
            with project.started(*span, now="2025-01-05") as run:
                run.process.wait(120)
                said = run.ended(run.process.returncode)
            assert run.process.returncode == (2 if not after.reports else int(errors)), said
            if made.harmed is not None:
                for report in before.reports:
                    if report.name not in made.harmed and report.granularity in SHORT:
                        tsvs = {series.tsv for series in explode(report)}
                        assert tsvs <= project.tsvs().keys(), said
        tried += 1

    one()
    record("configurations run", cases=tried)
