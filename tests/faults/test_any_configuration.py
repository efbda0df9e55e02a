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
from reportupdater.errors import Severity
from reportupdater.intervals import Granularity
from reportupdater.model import Project, Report
from reportupdater.planning.explode import explode
from tests.faults.configurations import DATABASES, FILES, RUNNABLE_DATABASES, check, mutated, valid
from tests.faults.soak import LONG, cases, record
from tests.helpers import SQLITE, written
from tests.helpers import Project as Folder

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600 if LONG else 300)]

LONGEST = 20.0
"""Seconds for reading a configuration: far more than any takes, far less than for ever."""

SHORT = (Granularity.HOURS, Granularity.DAYS)


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
