"""Columns before whose names Apache Hive itself puts the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import Project
from tests.servers.hive import Hive


@pytest.mark.parametrize("stored", [None, "n", "o.n"])
def test_a_qualified_column_goes_on_where_its_tsv_has_it(
    hive: Hive, tmp_path: Path, stored: str | None
) -> None:
    config = f"""
databases: {{hive: {{engine: hive, host: {hive.host}, port: {hive.port}, username: reports}}}}
reports: {{edits: {{type: hive, granularity: days, starts: 2025-01-02}}}}
"""
    query = "SELECT '{from_date}' AS `date`, o.n, o.n AS `p.m` FROM one o"
    project = Project(tmp_path, config, {"edits.hql": query})
    if stored:
        project.write_tsv("edits", f"date\t{stored}\tp.m\n2025-01-02\t7\t7\n")
    assert project.run() == ""
    assert project.rows("edits")[0] == ["date", stored or "n", "p.m"]
    assert project.rows("edits")[-1] == ["2025-01-03", "1", "1"]
