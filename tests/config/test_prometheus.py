"""The sections `prometheus` of a project, of host settings and of a report: everything wrong, with its place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from reportupdater.config.load import load_project
from reportupdater.model import Project
from reportupdater.sinks.prometheus.config import PrometheusSettings, PrometheusSink
from tests.helpers import ONE, SQLITE

URL = "http://metrics1.example.org:9090/api/v1/write"


def loaded(
    folder: Path, section: str, report: str = "{metrics: {m: n}}", more: str = ""
) -> Project:
    (folder / "config.yaml").write_text(
        f"{SQLITE}prometheus: {section}\nreports:\n  edits: {{prometheus: {report}{more}}}\n"
    )
    (folder / "edits.sql").write_text(ONE)
    (folder / "data.sqlite").touch()
    return load_project(folder, host_files=[])


def problems(project: Project) -> list[str]:
    return [str(problem).partition("config.yaml:")[2] for problem in project.problems]


def test_all_keys_are_read(tmp_path: Path) -> None:
    section = (
        "{url: 'https://Metrics1.example.org/api/v1/write', query_url: 'https://metrics1.example.org/',"
        " bearer_file: token, ca_file: ca.pem, cert_file: c.pem, key_file: k.pem, max_age: 10d,"
        " headers: {X-Scope-OrgID: reports}, labels: {source: x}, enabled: true, drain_timeout: 3}"
    )
    project = loaded(tmp_path, section)
    assert problems(project) == []
    settings = project.sinks["prometheus"]
    assert isinstance(settings, PrometheusSettings)
    assert settings.destination == "https://metrics1.example.org:443/api/v1/write#reports"
    assert settings.query_url == "https://metrics1.example.org"
    assert settings.can_be_asked
    assert settings.max_age == timedelta(days=10)
    assert settings.access.bearer_file == tmp_path / "token"
    assert settings.access.key_file == tmp_path / "k.pem"
    assert (settings.enabled, settings.drain_timeout) == (True, 3)


def test_labels_are_the_dimensions_unless_others_are_named(tmp_path: Path) -> None:
    def keys(report: str) -> list[str]:
        explode = ', explode_by: {wiki: "enwiki, dewiki"}'
        project = loaded(tmp_path, f"{{url: '{URL}', labels: {{source: x}}}}", report, explode)
        assert problems(project) == []
        sink, [one] = PrometheusSink(), project.reports
        from reportupdater.planning.explode import explode as all_series

        return [
            key
            for series in all_series(one)
            for key in sink.series_keys(series, project.sinks["prometheus"])[0]
        ]

    assert keys("{metrics: {m: n}}") == [
        'm{source="x",wiki="enwiki"}',
        'm{source="x",wiki="dewiki"}',
    ]
    assert keys('{metrics: {m: n}, labels: {source: "{wiki}", k: "a \\"b\\""}}') == [
        'm{k="a \\"b\\"",source="enwiki"}',
        'm{k="a \\"b\\"",source="dewiki"}',
    ]
    assert keys("{metrics: {m: n}, labels: {db: '{wiki}'}}")[0] == 'm{db="enwiki",source="x"}'


@pytest.mark.parametrize(
    ("section", "what"),
    [
        (
            "{url: metrics1.example.org}",
            "'url' of prometheus must be the URL of a service (it begins",
        ),
        ("{url: 'ftp://h/'}", "it begins with http:// or https://"),
        ("{url: 'http://me:secret@h/'}", "a login lies in a file: see `creds_file`"),
        ("{url: 'http://h:port/'}", "its host or its port is none"),
        ("{url: 'http://h/#x'}", "no part that begins with #"),
        ("{query_url: 'http://h'}", "'query_url' of prometheus is of no 'url'"),
        (
            f"{{url: '{URL}', bearer_file: t}}",
            "would be sent without encryption: 'url' is no https",
        ),
        (
            "{url: 'https://h/w', query_url: 'http://h', creds_file: c}",
            "'creds_file' of prometheus would be sent without encryption: 'query_url' is no https",
        ),
        (
            f"{{url: '{URL}', ca_file: t}}",
            "'ca_file' of prometheus has no use: 'url' is no https URL",
        ),
        ("{url: 'https://h/w', key_file: t}", "'key_file' of prometheus is of no certificate"),
        (
            "{url: 'https://h/w', creds_file: c, bearer_file: b}",
            "'bearer_file' of prometheus and 'creds_file' exclude each other",
        ),
        (
            "{url: 'http://h', headers: {Authorization: x}}",
            "'Authorization' of headers of prometheus is not",
        ),
        ("{url: 'http://h', headers: {'a b': x}}", "is no name of a header"),
        ("{url: 'http://h', headers: {a: ü}}", "holds other characters than ASCII's"),
        ("{url: 'http://h', labels: {a-b: x}}", "'a-b' of labels of prometheus cannot be the name"),
        ("{url: 'http://h', labels: {__a: x}}", "what begins with __ is Prometheus' own"),
        (
            "{url: 'http://h', max_age: 5}",
            "'max_age' of prometheus must be a number of seconds from",
        ),
        ("{url: 'http://h', host: x}", "unknown key 'host' of prometheus"),
        (
            "{url: 'http://h', others: {a: {url: 'http://h:80'}}}",
            "'url' of 'a' of others of prometheus is that of another receiver",
        ),
        ("{url: 'http://h', others: {a: x}}", "must be a mapping of keys to values"),
        (
            "{url: 'http://h', others: {a: {max_age: 5d}}}",
            "'a' of others of prometheus has no 'url' (",
        ),
        ("{url: 'http://h', others: {'a.b': {url: 'http://i'}}}", "cannot be a name (letters,"),
        (
            "{url: 'http://h', others: {a: {url: 'http://i', labels: {b: c}}}}",
            "unknown key 'labels' of 'a' of others of prometheus",
        ),
        (
            "{url: 'http://h', others: {a: {url: 'http://i', creds_file: c}}}",
            "'creds_file' of 'a' of others of prometheus would be sent without encryption",
        ),
    ],
)
def test_wrong_settings_take_out_the_sink_and_no_report(
    tmp_path: Path, section: str, what: str
) -> None:
    project = loaded(tmp_path, section)
    assert any(what in problem for problem in problems(project)), problems(project)
    assert "secret" not in "".join(problems(project))
    assert not project.sinks
    assert len(project.reports) == 1


def test_a_further_receiver_has_keys_of_its_own_and_the_same_series(tmp_path: Path) -> None:
    section = (
        "{url: 'https://a/', query_url: 'https://a', bearer_file: secret, max_age: 5d, labels: {x: y},"
        " enabled: false, others: {next: {url: 'https://b/', drain_timeout: 3}}}"
    )
    project = loaded(tmp_path, section)
    assert problems(project) == []
    first, further = project.sinks["prometheus"], project.sinks["prometheus.next"]
    assert isinstance(first, PrometheusSettings)
    assert isinstance(further, PrometheusSettings)
    assert further.access.bearer_file is None
    assert (further.query_url, further.max_age, further.drain_timeout) == (None, None, 3)
    assert further.labels == first.labels == {"x": "y"}
    assert (first.enabled, further.enabled) == (False, False)
    [report] = project.reports
    assert report.outputs["prometheus.next"] == report.outputs["prometheus"]


def test_a_password_may_be_sent_to_this_host(tmp_path: Path) -> None:
    for host in ("127.0.0.1", "localhost", "[::1]"):
        assert problems(loaded(tmp_path, f"{{url: 'http://{host}:1/', creds_file: c}}")) == []


@pytest.mark.parametrize(
    ("report", "more", "what"),
    [
        ("{}", "", "prometheus of report 'edits' has no 'metrics'"),
        ("{metrics: {}}", "", "names no metric"),
        (
            "{metrics: {a-b: n}}",
            "",
            "'a-b' of metrics of prometheus of report 'edits' cannot be the name",
        ),
        ("{metrics: {m: n}, labels: {__a: x}}", "", "cannot be the name of a label"),
        ("{metrics: {m: n}, labels: {a: '{b'}}", "", "a single { in the text"),
        ("{metrics: {m: n}, labels: {a: '{_metric}'}}", "", "has {_metric}"),
        (
            "{metrics: {m: n}, labels: {a: x}}",
            ", explode_by: {wiki: 'a, b'}",
            "'labels' of prometheus of report 'edits' lack {wiki}",
        ),
        (
            "{metrics: {m: n}, labels: {a: '{wiki:.2}'}}",
            ", explode_by: {wiki: 'enwiki, enwiktionary'}",
            "are the same for 'enwiki' and 'enwiktionary'",
        ),
        (
            "{metrics: {m: n}}",
            ", explode_by: {wiki-db: 'a, b'}",
            "the dimension 'wiki-db' of prometheus of report 'edits' cannot be the name of a label",
        ),
        (
            f"{{metrics: {{m: n}}, labels: {{{', '.join(f'l{n}: x' for n in range(30))}}}}}",
            "",
            "makes 30 labels, more than 29",
        ),
        (f"{{metrics: {{m: n}}, labels: {{a: {'x' * 1025}}}}}", "", "more than 1,024 bytes"),
    ],
)
def test_a_wrong_section_of_a_report_takes_out_its_datapoints(
    tmp_path: Path, report: str, more: str, what: str
) -> None:
    project = loaded(tmp_path, f"{{url: '{URL}'}}", report, more)
    assert any(what in problem for problem in problems(project)), problems(project)
    assert [one.outputs for one in project.reports] == [{}]


def test_two_reports_with_one_series_are_an_error(tmp_path: Path) -> None:
    other = "}\n  other: {execute: edits, prometheus: {metrics: {m: n}}"
    project = loaded(tmp_path, f"{{url: '{URL}'}}", more=other)
    assert any(
        "edits and other have one series key, 'm'" in text or "have one series key, 'm'" in text
        for text in problems(project)
    )
