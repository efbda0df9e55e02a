"""docs/configuration.md says what the schema says, no more and no less."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from reportupdater import model, template
from reportupdater.checks.cells import NotEmpty
from reportupdater.checks.change import Change
from reportupdater.checks.rows import RowCount
from reportupdater.checks.values import Range, Values
from reportupdater.config import dimensions, schema
from reportupdater.config.databases import entry_keys
from reportupdater.config.load import load_project
from reportupdater.config.ready import READY_KEYS
from reportupdater.configfile.keys import GIVEN, Key, Keys, OldKey
from reportupdater.engines import registry
from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.engines.mysql.config import MysqlDatabase
from reportupdater.engines.sqlite.config import SqliteDatabase
from reportupdater.sinks.graphite.config import GraphiteSink
from reportupdater.sinks.prometheus.config import PrometheusSink

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"

TABLES: dict[str, Keys] = {
    "The top level": schema.TOP_KEYS,
    "`engine: mysql`": entry_keys("mysql"),
    "`engine: sqlite`": entry_keys("sqlite"),
    "`engine: hive`": entry_keys("hive"),
    "`graphite`": GraphiteSink.KEYS,
    "`prometheus`": PrometheusSink.KEYS,
    "`reports` and `defaults`": schema.REPORT_KEYS,
    "`backfill`": schema.BACKFILL_KEYS,
    "`checks`": schema.check_keys(),
    "`ready`": READY_KEYS,
    "`rows` of `checks`": RowCount.KEYS,
    "`not_empty` and `unique` of `checks`": NotEmpty.KEYS,
    "`values` of `checks`": Values.KEYS,
    "`range` of `checks`": Range.KEYS,
    "`change` of `checks`": Change.KEYS,
    "Other values": schema.DIMENSION_KEYS,
    "`graphite` of a report": GraphiteSink.REPORT_KEYS,
    "`prometheus` of a report": PrometheusSink.REPORT_KEYS,
    "Host settings": schema.HOST_KEYS,
    "`site`": schema.SITE_KEYS,
}


def sections() -> dict[str, str]:
    """The page's parts by their headings."""
    parts = re.split(r"^#+ (.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> list[str]:
    """The rows of the first table in a text, without its two header lines."""
    lines = text.strip().splitlines()
    first = next((at for at, line in enumerate(lines) if line.startswith("|")), len(lines))
    table = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        table.append(line)
    return table[2:]


def default(key: Key) -> str:
    if key.unless:
        others = [
            f"`{name}`" if given is GIVEN else f"`{name}: {str(given).lower()}`"
            for name, given in key.unless
        ]
        return f"needed, unless {' or '.join(others)}"
    if key.example:
        return "needed"
    value = key.default
    if value is None:
        return "–"
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, float):
        value = int(value)
    if isinstance(value, tuple):
        value = " ".join(value)
    return f"`{value}`" if not isinstance(value, bool) else f"`{str(value).lower()}`"


def row(key: Key) -> str:
    return f"| `{key.name}` | {key.kind.takes} | {default(key)} | {key.meaning} |"


@pytest.mark.parametrize("heading", TABLES)
def test_the_page_has_every_key_of_the_schema_with_what_it_takes_and_its_default(
    heading: str,
) -> None:
    wanted = [row(key) for key in TABLES[heading].values() if isinstance(key, Key)]
    assert rows(sections()[heading]) == wanted


def test_the_page_has_every_key_of_older_versions() -> None:
    wanted = [
        f"| `{key.name}` | {key.replaced_by} |"
        for key in schema.REPORT_KEYS.values()
        if isinstance(key, OldKey)
    ]
    assert rows(sections()["Keys of older versions"]) == wanted


def test_the_page_has_every_placeholder() -> None:
    table = rows(sections()["Placeholders"])
    names = set(re.findall(r"`\{(\w+)\}`", "".join(line.split("|")[1] for line in table)))
    assert names == template.TIME_PLACEHOLDERS


def test_the_page_has_every_ending_of_a_list_and_the_limits_of_dimensions() -> None:
    text = sections()["Dimensions"]
    limits = (dimensions.MAX_NAME, f"{dimensions.MAX_SERIES:,}")
    for word in (*(f"`{ending}`" for ending in dimensions.LIST_ENDINGS), *limits):
        assert f" {word}" in text


def test_defaults_of_the_schema_are_those_of_the_model() -> None:
    of_model: dict[str, Any] = {
        field.name: field.default
        for field in dataclasses.fields(model.Report)
        if field.default is not dataclasses.MISSING
    }
    common = of_model.keys() & schema.REPORT_KEYS.keys()
    keys = [schema.REPORT_KEYS[name] for name in common]
    assert {key.name: key.default for key in keys if isinstance(key, Key)} == {
        name: of_model[name] for name in common
    }
    assert common >= {"ends", "max_rows", "timeout"}  # else nothing was compared


def test_defaults_of_databases_are_those_of_the_model() -> None:
    classes = {"mysql": MysqlDatabase, "sqlite": SqliteDatabase, "hive": HiveDatabase}
    assert set(classes) == set(registry.entry_names())
    common = 0
    for engine, made in classes.items():
        keys = entry_keys(engine)
        for field in dataclasses.fields(made):
            key = keys.get(field.name)
            if isinstance(key, Key) and field.default and field.default is not dataclasses.MISSING:
                assert (engine, key.name, key.default) == (engine, field.name, field.default)
                common += 1
    assert common >= 10


def test_every_example_of_the_page_is_valid(tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for name, text in {
        "edits.sql": "select '{from_date}', '{wiki}'",
        "cities.sql": "select '{from_date}', '{city}'",
        "active_users.sql": "select '{from_timestamp}'",
        "pageviews.hql": "select '{from_date}'",
        "wikis.txt": "enwiki\ndewiki\n",
        "names.yaml": "enwiki: en\n",
    }.items():
        (tmp_path / name).write_text(text)
    script = tmp_path / "sizes.py"
    script.write_text("#!/usr/bin/env python3\n")
    script.chmod(0o755)
    hosts = 0
    for number, example in enumerate(examples):
        config, host_file = tmp_path / f"config{number}.yaml", tmp_path / "host.yaml"
        is_host = example.startswith("# host settings\n")
        hosts += is_host
        config.write_text(examples[0] if is_host else example)
        host_file.write_text(example if is_host else "")
        project = load_project(tmp_path, config, host_files=[host_file])
        warned = "allow_values: any" in example
        assert [str(problem) for problem in project.problems][warned:] == []
        assert project.reports
    assert hosts == 1
