"""A Hive whose answers break off anywhere: nothing half is stored."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.soak import cases, record
from tests.faults.test_outages import DATES, ROWS, Figures, in_trouble
from tests.helpers import Project
from tests.servers.receivers import receiver
from tests.servers.spark import Spark

pytestmark = pytest.mark.long

QUERY = f"""
    SELECT '{{from_date}}' AS `date`, '{{wiki}}' AS wiki, id AS seq,
        md5(concat('{{from_date}}{{wiki}}', id)) AS sum
    FROM range(1, {ROWS + 1}) ORDER BY id
"""


def test_an_answer_that_is_cut_off_anywhere_is_never_stored_in_part(
    spark: Spark, tmp_path: Path
) -> None:
    figures = Figures(connecting=3)
    for seed in range(cases(1, 30)):
        rng = random.Random(seed)
        with receiver(in_trouble(rng, spark.port, figures)) as relay:
            config = f"""
databases: {{hive: {{engine: hive, host: {relay.host}, port: {relay.port}}}}}
reports:
  edits:
    {{type: hive, granularity: days, starts: {DATES[0]}, timeout: 2,
      explode_by: {{wiki: "a, b, c"}}}}
"""
            project = Project(tmp_path / str(seed), config, {"edits.hql": QUERY})
            figures.run_until_good(project)
        figures.check(project)
    record("answers of Hive that are cut off, reset or hang anywhere", **figures.good())
