"""Whole configurations, valid ones, up to three mistakes in each, and what must be told of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml
from hypothesis import strategies as st

from reportupdater.config import schema
from reportupdater.errors import Severity, Where
from reportupdater.model import Project
from reportupdater.sinks.graphite.config import GraphiteSink

FILES = {
    "q.sql": "SELECT '{year}-{month}-{day} {hour}:00' AS date, 1 AS n\n",
    "q.hql": "SELECT '{year}-{month}-{day}', {to_timestamp:.8}\n",
    "s": "#!/bin/sh\nprintf 'date\\tn\\n%s\\t1\\n' $1\n",
    "wikis.txt": "enwiki\ndewiki\n",
    "names.yaml": "enwiki: english\ndewiki: german\n",
    "data.sqlite": "",
}
"""What stands beside each of them. `q` and `s` are what its reports execute."""

RUNNABLE_DATABASES: dict[str, Any] = {"lite": {"engine": "sqlite", "path": "data.sqlite"}}
DATABASES: dict[str, Any] = {
    **RUNNABLE_DATABASES,
    "main": {"host": "db1.example.org", "port": 3306, "db": "stats", "creds_file": "~/.my.cnf"},
    "wikis": {"auto_find_db_shard": True, "wiki_db_placeholder": "wiki", "use_x1": False},
    "hive": {"engine": "hive", "host": "hive1.example.org", "settings": {"queue": "nightly"}},
}
NAMES = ("edits", "views", "sizes_2", "a.b-c")
Config = dict[str, Any]

_dates = st.sampled_from(["2025-01-01", "2025-1-2", "2024-02-29", "2024-12-31"])
_dimensions = st.dictionaries(
    st.sampled_from(["editor", "wiki-type", "_x"]),
    st.sampled_from(["enwiki", "a, b", "wikis.txt", ["no", "0012", "x.y+z"], {"values": "a, b"}]),
    max_size=2,
)


@st.composite
def _reports(draw: st.DrawFn, databases: Mapping[str, Any]) -> Config:
    kinds = ["lite", "script", *(name for name in databases if name != "lite")]
    kind = draw(st.sampled_from(kinds))
    keys: Config = {
        "granularity": draw(st.sampled_from(["days", "weeks", "months", "hours"])),
        "execute": "s" if kind == "script" else "q",
        "starts": draw(_dates),
    }
    dimensions = dict(draw(_dimensions))
    if kind in ("script", "hive"):
        keys["type"] = kind
    else:
        keys["db"] = kind
    if kind == "wikis" or draw(st.booleans()):
        dimensions["wiki"] = draw(st.sampled_from(["enwiki, dewiki", "wikis.txt", ["enwiki"]]))
    if dimensions:
        keys["explode_by"] = dimensions
    keys |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "ends": st.just("2030-01-01"),
                "lag": st.sampled_from([0, 3600]),
                "max_data_points": st.sampled_from([1, 90, None]),
                "timeout": st.just(600),
                "retries": st.integers(0, 3),
                "max_rows": st.just(1000),
                "concurrency": st.just(2),
                "owner": st.just("the analysts, é 🦊"),
                "description": st.sampled_from(["a text: with a colon", "two  spaces # none"]),
                "funnel": st.booleans(),
            },
        )
    )
    if draw(st.booleans()):
        levels = ["{_metric}", *(f"{{{name}}}" for name in dimensions)]
        keys["graphite"] = {"path": ".".join(levels), "metrics": {"n": "n", "more": "m"}}
    return keys


@st.composite
def valid(draw: st.DrawFn, databases: Mapping[str, Any]) -> Config:
    """A configuration without a mistake, as data; values of reports may be shared between them."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, unique=True))
    reports = {name: draw(_reports(databases)) for name in names}
    for number, report in enumerate(reports.values()):
        if "graphite" in report:  # no two reports have one metric path
            report["graphite"]["path"] = f"r{number}.{report['graphite']['path']}"
    config: Config = {"databases": databases, "reports": reports}
    if draw(st.booleans()):
        config["defaults"] = {"lag": 60, "max_data_points": 1000, "granularity": "days"}
    if draw(st.booleans()):
        config["graphite"] = {"lookups": {"wiki": "names.yaml"}, "port": 2003}
    if draw(st.booleans()):  # the dumper writes it as an anchor and aliases
        shared = draw(_dimensions)
        for report in reports.values():
            if report.get("db") != "wikis" and "graphite" not in report and shared:
                report["explode_by"] = shared
    return config


_LAUGHS = "[&l0 [x, x, x, x, x, x, x, x, x, x]" + "".join(
    f", &l{level} [{', '.join([f'*l{level - 1}'] * 10)}]" for level in range(1, 10)
)

WRONG = (
    *("null", "~", "''", "true", "no", "-1", "0", "1.5", ".nan", "1e999", "0x1F", "0o17", "1_0__0"),
    *("9" * 400, "-" + "9" * 19, "0." + "3" * 300, "2015-02-30", "0001-01-01", "9999-12-31", "20150101"),
    *("2015-W01-1", "'2015-01-01T24'", "'2015-01-01T05'", "'२०२५-०१-०१'", "3.5 months"),
    *("[]", "{}", "[[], {}, [null]]", "{a: {b: {c: d}}}", "{values: {values: a}}", "[" * 30 + "]" * 30),
    *("*nobody", "&own [*own]", "&own {a: *own}", "&a x", "{a: &a {b: c}, <<: *a}", "{<<: 1}"),
    *("{<<: [1, {b: 2}]}", "{a: 1, a: 2, a: 3}", "{[a]: b}", "{? {a: b} : c}", "{1: 2, null: 3, '': 4}"),
    *("!!python/object/apply:os.system ['touch HACKED']", "!!python/name:os.system ''", "!<x> {}"),
    *("!!python/object/new:open [HACKED, w]", "!!binary aGk=", "!!set {a}", "!own x", "!!int 'x'"),
    *("'../../x'", "/etc/passwd", "'.'", "'..'", "'-rf'", "'a b'", "'{wiki.__class__}'", "'{0}'"),
    *("'{a[b]}'", "'{'", '"\\0"', '"a\\nb"', '"\\u2028"', '"\\e[2J"', "'" + "x" * 5000 + "'", "🦊"),
    *("sql", "script", "days", "lite", "edits", "wikis.txt", "'a, b'", "'a,,b'", "'a, A'", "values"),
    *("{values: a b, allow_values: any}", "{values: [é], allow_values: none}", "{allow_values: any}"),
    *(_LAUGHS[: _LAUGHS.index(", &l5")] + "]", "x" * 300 + ".txt"),
)  # fmt: skip
"""YAML that can stand wherever a value can, and is wrong in most places."""

RUINOUS = (
    *("{", "[", "]", "}", "'", '"', "a: b: c", "@x", "`x", "%x", "&", "*", "!!", "|", "\t- x", "\tx: y"),
    *('"\\ud800"', '"\\xZZ"', "\x07", "\x00", "\x1b[2J", "[" * 60 + "]" * 60, "{a: " * 60 + "}" * 60),
    *("[" * 20_000, "? " * 300, _LAUGHS + "]", "\n---\na: b", "\n...\n", "|\n\n", ">\n x", "!!str !!int x", "- - - x"),
    *("\ufeff", "\ufffe", "\x85", "\u2028", "{" + "a, " * 3000 + "}", "!" * 300, "&" + "a" * 300),
)  # fmt: skip
"""Text that may make all of the file unreadable, or mean something else."""

KEYS = ("grnaularity", "Starts", "", " ", "x" * 300, "password", "é🦊", "a\nb", "<<", "1", "null")


@dataclass(frozen=True)
class Mutated:
    """The text of a configuration with mistakes in it.

    `harmed` are the reports in which they were made; None where they may concern all.
    """

    text: bytes
    harmed: frozenset[str] | None


@dataclass(frozen=True)
class _Draft:
    """A configuration under way: `raw` replace its placeholders once it has become text."""

    config: Config
    raw: tuple[str, ...] = ()
    harmed: frozenset[str] | None = frozenset()

    def with_raw(self, text: str) -> tuple[str, _Draft]:
        """A placeholder for a text that the dumper would not write, and the draft that knows it."""
        return f"RAW{len(self.raw)}RAW", replace(self, raw=(*self.raw, text))

    def harming(self, name: str) -> _Draft:
        harmed = None if self.harmed is None else self.harmed | {name}
        return replace(self, harmed=harmed)

    def text(self, flow: bool | None) -> str:
        dumped = yaml.safe_dump(
            self.config, default_flow_style=flow, allow_unicode=True, sort_keys=False
        )
        return re.sub("RAW([0-9]+)RAW", lambda match: self.raw[int(match[1])], dumped)


def _a_report(draw: st.DrawFn, draft: _Draft) -> tuple[Config, str, Config]:
    """The reports, and one of them with its name; empty where a mistake has made them no mapping."""
    reports = draft.config["reports"]
    reports = dict(reports) if isinstance(reports, dict) else {"edits": {}}
    name = draw(st.sampled_from(sorted(reports)))
    return reports, name, dict(reports[name]) if isinstance(reports[name], dict) else {}


def _in_a_report(draw: st.DrawFn, draft: _Draft) -> _Draft:
    """A mistake that concerns one report alone."""
    reports, name, report = _a_report(draw, draft)
    wrong, draft = draft.with_raw(draw(st.sampled_from(WRONG)))
    match draw(st.sampled_from(["value", "value", "key", "missing", "dimension", "whole", "<<"])):
        case "value":
            report[draw(st.sampled_from(sorted(schema.REPORT_KEYS)))] = wrong
        case "key":
            report[draw(st.sampled_from(KEYS))] = wrong
        case "missing" if report:
            del report[draw(st.sampled_from(sorted(report)))]
        case "dimension":
            name_of_dimension = draw(st.sampled_from(["wiki", "day", "_metric", "2x", "", "é"]))
            report["explode_by"] = {name_of_dimension: wrong}
        case "<<":
            report["<<"] = wrong
        case _:
            reports[name] = wrong
            return replace(draft, config={**draft.config, "reports": reports}).harming(name)
    reports[name] = report
    return replace(draft, config={**draft.config, "reports": reports}).harming(name)


def _around(draw: st.DrawFn, draft: _Draft) -> _Draft:
    """A mistake outside of the reports."""
    config = dict(draft.config)
    wrong, draft = draft.with_raw(draw(st.sampled_from(WRONG)))
    part = draw(st.sampled_from(["databases", "defaults", "graphite", "reports", "top"]))
    if part == "top":
        config[draw(st.sampled_from([*KEYS, *schema.TOP_KEYS]))] = wrong
    else:
        entries = dict(config[part]) if isinstance(config.get(part), dict) else {}
        known = {"defaults": schema.REPORT_KEYS, "graphite": GraphiteSink.KEYS}.get(part, {})
        entries[draw(st.sampled_from([*KEYS, *known, *entries, "Edits"]))] = wrong
        config[part] = entries
    return replace(draft, config=config, harmed=None)


def _ruinous(draw: st.DrawFn, draft: _Draft) -> _Draft:
    """Text in the place of a value that may be no YAML at all."""
    wrong, draft = draft.with_raw(draw(st.sampled_from(RUINOUS)))
    reports, name, report = _a_report(draw, draft)
    report[draw(st.sampled_from(["starts", "owner", "explode_by", "new"]))] = wrong
    reports[name] = report
    return replace(draft, config={**draft.config, "reports": reports}, harmed=None)


_BYTES = (
    b"\xff",
    b"\xc3(",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xfe\xff",
    b"\0",
    b"\t",
    b"\r",
    b"\x85",
)


def _bytes(draw: st.DrawFn, data: bytes) -> bytes:
    """The same with something done to it that knows nothing of YAML."""
    at = draw(st.integers(0, len(data)))
    match draw(st.sampled_from(["insert", "cut", "cr lf", "utf-16", "line twice", "tabs"])):
        case "insert":
            return data[:at] + draw(st.sampled_from(_BYTES)) + data[at:]
        case "cut":
            return data[:at]
        case "cr lf":
            return data.replace(b"\n", b"\r\n")
        case "utf-16":
            return data.decode("utf-8", "replace").encode("utf-16")
        case "line twice":
            start = data.rfind(b"\n", 0, at) + 1
            end = data.find(b"\n", at) + 1 or len(data)
            return data[:end] + data[start:end] + data[end:]
        case _:
            return data.replace(b"  ", b"\t", draw(st.integers(1, 3)))


@st.composite
def mutated(draw: st.DrawFn, config: Config) -> Mutated:
    """A valid configuration with one to three mistakes."""
    draft = _Draft(config)
    kinds: list[Callable[[st.DrawFn, _Draft], _Draft] | None] = [
        *(_in_a_report, _in_a_report, _in_a_report),
        *(_around, _ruinous, None),
    ]
    of_bytes = 0
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3)):
        if kind is None:
            of_bytes += 1
        else:
            draft = kind(draw, draft)
    flow = draw(st.sampled_from([None, False, True]))
    data = draft.text(flow).encode("utf-8", "surrogatepass")
    for _ in range(of_bytes):
        data = _bytes(draw, data)
    if draw(st.integers(0, 9)) == 0:  # a byte-order mark changes nothing
        data = b"\xef\xbb\xbf" + data
    return Mutated(data, None if of_bytes else draft.harmed)


LONGEST_MESSAGE = 2000
"""Characters, those of paths included. Whoever reads it has a terminal of eighty columns."""

BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line of YAML."""
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


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
