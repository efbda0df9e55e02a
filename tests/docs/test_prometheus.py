"""docs/prometheus.md: each query of its tables, asked of real stores, gives what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.delivery.stores import DAYS, Sending, label, moment
from tests.docs.test_links import ROOT
from tests.servers.stores import Store

PAGE = (ROOT / "docs" / "prometheus.md").read_text()
QUERIES = sorted({*re.findall(r"`([a-z_ ()]*\(.*?wiki_edits.*?)`", PAGE)})
DAYS_AGO = 43_200 + 86_400 * (DAYS - 1)


@pytest.fixture(params=["prometheus", "victoria"])
def one(request: pytest.FixtureRequest, tmp_path: Path) -> Sending:
    return sending(request.getfixturevalue(request.param), tmp_path)


def sending(store: Store, folder: Path) -> Sending:
    """A project whose series have the labels of the page, and a run of it."""
    found = Sending(store, folder)
    config = found.project.folder / "config.yaml"
    labels = "labels: {wiki: enwiki, editor: registered}"
    text = config.read_text().replace(": n}}", f": n}}, {labels}}}")
    config.write_text(text)
    found.run()
    return found


def values(store: Store, query: str) -> list[float]:
    """What a query gives at noon of the last day."""
    return [float(series["value"][1]) for series in store.query(query, moment(0) + DAYS_AGO)]


def test_each_query_of_the_page_gives_a_value(one: Sending) -> None:
    assert len(QUERIES) > 8
    for query in QUERIES:
        asked = query.replace("wiki_edits", one.metric).replace("offset 7d", "offset 3d")
        found = values(one.store, asked)
        if "sum_over_time(wiki_edits" not in query:
            assert len(found) == 1, query
    metric = one.metric
    wanted = list(one.wanted.values())
    assert values(one.store, metric) == []
    assert values(one.store, f"last_over_time({metric}[1d])") == wanted[-1:]


def test_an_emptied_value_is_left_out_of_a_sum(prometheus: Store, tmp_path: Path) -> None:
    one = sending(prometheus, tmp_path)  # VictoriaMetrics keeps no NaN
    one.gives(where=f"'{{from_date}}' != '{label(DAYS - 1)}'")
    one.again(DAYS - 1, DAYS, "--allow-empty")
    metric = one.metric
    assert str(values(one.store, f"sum(last_over_time({metric}[1d]))")) == "[nan]"
    assert values(one.store, f"sum(last_over_time({metric}[1d]) >= -Inf)") == []


def test_sums_count_a_corrected_day_once(one: Sending) -> None:
    one.gives(100)
    one.again(1, 3)
    week = f"sum_over_time(last_over_time({one.metric}[1d])[7d:1d])"
    assert values(one.store, week) == [sum(one.wanted.values())]
    naive = values(one.store, f"sum_over_time({one.metric}[7d])")
    assert (naive == [sum(one.wanted.values())]) is not one.store.shows_emptied
