"""Whatever stands in the files, loading ends with problems that have a place, and never raises."""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportupdater.config import schema
from reportupdater.config.databases import entry_keys
from reportupdater.config.load import load_project
from reportupdater.engines import registry
from reportupdater.errors import Severity
from reportupdater.model import Project
from reportupdater.sinks.graphite.config import GraphiteSink

CONFIG = """\
# All keys, in all forms.
databases:
  main: &main {host: db1.example.org, port: 3306, creds_file: ~/.my.cnf, db: stats, concurrency: 2}
  wikis: {<<: *main, wiki_db_placeholder: wiki}
  lite:
    engine: sqlite
    path: "events.sqlite"
  farm: {auto_find_db_shard: yes, wiki_db_placeholder: wiki, nameserver: "[::1]:5353"}
  hive: {engine: hive, client: cli, command: beeline -u 'jdbc:x', settings: {queue: 7}}
graphite: {host: graphite.example.org, port: 2003, lookups: {wiki: names.yaml}}
defaults:
  starts: 2015-01-02
  lag: 3600
  db: lite
reports:
  edits: &edits
    granularity: days
    explode_by: {wiki: wikis.txt, editor: 'anonymous, registered'}
    graphite: {path: "{_metric}.{wiki}.{editor}", metrics: {edits: edit_count, bots: bot_count}}
    max_data_points: 90
  more_edits:
    <<: *edits
    ends: 2030-01-01
    execute: edits
    explode_by:
      wiki: [enwiki, no, 0012]
  hourly: {granularity: hours, execute: q, db: main, timeout: 60, retries: 1, by_wiki: true}
  views: {granularity: days, type: hive, execute: q}
  sizes:
    type: script
    granularity: weeks
    starts: "2016-01-03"
    group: analytics
"""
FILES = {
    "edits.sql": "select '{from_date}', count(*) from edits where wiki = '{wiki}' and t < {to_timestamp}\n",
    "q.sql": "select '{from_timestamp:.10}', '{{x}}'\n",
    "q.hql": "select '{from_date}'\n",
    "wikis.txt": "enwiki\ndewiki\n",
    "names.yaml": "enwiki: english\ndewiki: german\n",
    "sizes": "#!/bin/sh\n",
    "host.yaml": """\
databases: {main: {host: db2.example.org, db: stats}}
engines:
  mysql: {creds_file: my.cnf, srv_name: '_{section}._tcp.example.org'}
  hive:
    host: hive1.example.org
defaults: {group: analysts, explode_by: {wiki: wikis.txt}}
graphite: {port: 2103}
""",
}
TOKENS = [
    *"\n\t \r:-[]{}#&*!|>'\"%@`,?~<=\\\0é\x85\u2028🦊",
    *("- ", ": ", "  ", "<<: ", "*main", "&x ", "*x", "!!python/name:os.system ", "!!binary ", "\n---\n"),
    *("null", "true", "1e999", "-1", "9" * 40, "0001-01-01", "9999-12-31T23", "../../x", "[[[[[[", "{a: "),
    *("wikis.txt", "'", '"\\ud800"', '"\\0"', "reports:", "explode_by: ", "{from_date}", "{x:99999999}"),
]  # fmt: skip
NASTY = [
    *(token.encode() for token in TOKENS),
    *(b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xfe\xff"),
]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """The unharmed project."""
    with tempfile.TemporaryDirectory() as name:
        for file, text in {"config.yaml": CONFIG, **FILES}.items():
            (Path(name) / file).write_text(text)
        (Path(name) / "sizes").chmod(0o755)
        yield Path(name)


def test_the_unharmed_project_is_valid(folder: Path) -> None:
    for host_files in ([], [folder / "host.yaml"]):
        project = load_project(folder, host_files=host_files)
        assert [problem.severity for problem in project.problems] == [Severity.NOTICE]
        assert len(project.reports) == len(project.names) == 5


CONTROL = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")


def checked(project: Project) -> None:
    """Each problem is one line with a place, and every report is valid or has one to blame."""
    for problem in project.problems:
        assert problem.where is not None
        of_whole_file = problem.what.endswith(" empty")
        assert of_whole_file or min(problem.where.line, problem.where.column) >= 1, str(problem)
        assert not CONTROL.search(str(problem)), str(problem)
    errors = [problem for problem in project.problems if problem.severity is Severity.ERROR]
    valid = {report.name for report in project.reports}
    # What is wrong with its datapoints does not take a report out.
    sending = {report.name for report in project.reports if report.outputs}
    assert sending.isdisjoint(problem.report for problem in errors)
    assert valid <= set(project.names)
    if None not in (blamed := {problem.report for problem in errors}):
        assert set(project.names) - valid <= blamed
    assert errors or project.reports


def mutated(data: bytes, seed: int, times: int) -> bytes:
    """The bytes with something cut out, put in, doubled or moved, some times."""
    choose = random.Random(seed)
    for _ in range(times):
        at, past = sorted(choose.randrange(len(data) + 1) for _ in "ab")
        past = min(past, at + choose.choice((0, 1, 4, 40, 400)))
        piece = data[at:past]
        new = choose.choice((b"", piece + piece, choose.choice(NASTY), choose.choice(NASTY)))
        data = data[:at] + new + data[past:]
        if choose.random() < 0.1:
            to = choose.randrange(len(data) + 1)
            data = data[:to] + piece + data[to:]
    return data


@pytest.mark.parametrize("name", [*FILES, "config.yaml"])
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), times=st.integers(1, 4))
def test_a_file_that_was_mutilated_gives_problems_with_places(
    folder: Path, name: str, seed: int, times: int
) -> None:
    path = folder / name
    text = CONFIG if name == "config.yaml" else FILES[name]
    path.write_bytes(mutated(text.encode(), seed, times))
    try:
        checked(load_project(folder, host_files=[folder / "host.yaml"]))
    finally:
        path.write_text(text)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), times=st.integers(1, 4))
def test_so_it_does_where_only_the_parser_in_python_is_there(
    folder: Path, seed: int, times: int
) -> None:
    path = folder / "elsewhere.yaml"
    path.write_bytes(mutated(CONFIG.encode(), seed, times))
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeLoader")
        checked(load_project(folder, path))


KEYS = sorted(
    {"a", "b", "A", "x y", "", "wiki", "day", "a.tsv", *schema.TOP_KEYS, *schema.REPORT_KEYS}
    | GraphiteSink.KEYS.keys()
    | GraphiteSink.REPORT_KEYS.keys()
    | {key for name in registry.entry_names() for key in entry_keys(name)}
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.text(max_size=5)
    | st.binary(max_size=3)
    | st.sampled_from(
        ["sql", "script", "hive", "days", "hours", "q", "sizes", "a", "wikis.txt", "a/b"]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | SCALARS.filter(bool), inner, max_size=4)
    ),
    max_leaves=8,
)
REPORTS = st.dictionaries(
    st.sampled_from(KEYS),
    st.dictionaries(st.sampled_from(sorted(schema.REPORT_KEYS)), VALUES, max_size=8) | VALUES,
    max_size=4,
)
DATABASES = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.sampled_from(registry.entry_names()).flatmap(
        lambda engine: st.dictionaries(st.sampled_from(sorted(entry_keys(engine))), VALUES).map(
            lambda entry: {**entry, "engine": engine}
        )
    )
    | VALUES,
    max_size=2,
)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    host=st.dictionaries(
        st.sampled_from(sorted(schema.HOST_KEYS)),
        st.dictionaries(st.sampled_from(registry.entry_names()), DATABASES | VALUES) | DATABASES | VALUES,
    ),
    config=st.fixed_dictionaries(
        {},
        optional={
            "reports": REPORTS | VALUES,
            "databases": DATABASES | VALUES,
            "defaults": st.dictionaries(st.sampled_from(sorted(schema.REPORT_KEYS)), VALUES) | VALUES,
            "graphite": st.dictionaries(st.sampled_from(sorted(GraphiteSink.KEYS)), VALUES) | VALUES,
            "more": VALUES,
        },
    )
)  # fmt: skip
def test_any_data_in_any_place_gives_problems_with_places(
    folder: Path, host: object, config: object
) -> None:
    paths = folder / "other.yaml", folder / "other host.yaml"
    for path, data in zip(paths, (config, host), strict=True):
        path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), "utf-8")
    checked(load_project(folder, paths[0], host_files=paths[1:]))
