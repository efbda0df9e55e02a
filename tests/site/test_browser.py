"""The site in Chromium, as readers use it: each control, what is shown, and that nothing goes elsewhere."""

from __future__ import annotations

import csv
import io
import json
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from reportupdater.intervals import Granularity
from reportupdater.publish.columns import block
from tests.helpers import ONE, SQLITE, Project
from tests.servers.browser import Tab, tab
from tests.site.conftest import HOSTILE, RTL, WithSite

REPORT = "reports/daily_edits.html"


@pytest.fixture
def one(browser: Browser, with_site: WithSite) -> Iterator[Tab]:
    with tab(browser, with_site.site) as opened:
        yield opened
        opened.is_quiet()


def drawn(one: Tab) -> list[str]:
    """The titles of the lines in the chart."""
    found: list[str] = one.of_chart("chart.lines.map((line) => line.title)")
    return found


def values(one: Tab, line: int = 0) -> list[float | None]:
    found: list[float | None] = one.of_chart(f"[...chart.data[{line + 1}]]")
    return found


def pressed(one: Tab) -> list[str]:
    found: list[str] = one.page.locator("button[aria-pressed=true]").all_inner_texts()
    return found


# The index


def test_the_index_shows_reports_in_trouble_first_and_filters(one: Tab) -> None:
    one.show("index.html")
    rows = one.page.locator("#reports tbody tr")
    assert rows.count() == 6
    assert [rows.nth(n).locator(".badge").inner_text() for n in range(3)] == [
        "invalid",
        "failing",
        "up to date",
    ]
    assert rows.nth(1).locator("svg polyline").count() == 1
    assert "1,010 enwiki, edits" in rows.nth(1).inner_text()
    one.page.fill("#filter", "wiki edits")
    assert one.text("#shown") == "1 of 6 shown"
    assert one.state == "filter=wiki+edits"
    one.show("index.html", "#filter=hourly")
    assert one.page.input_value("#filter") == "hourly"
    assert one.page.locator("#reports tbody tr:visible").count() == 1


def test_a_reader_finds_why_a_wikis_value_is_missing(one: Tab) -> None:
    one.show("index.html")
    one.page.click("text=daily_edits")
    one.is_drawn()
    one.page.fill("#missing-filter", "dewiki 2025-01-20")
    [row] = one.page.locator("#missing tbody tr:visible").all_inner_texts()
    assert "it failed: integer overflow" in row
    one.page.fill("#missing-filter", "frwiki 2025-02-10")
    assert "held" in one.text("#missing tbody tr:visible")
    # The same by looking at the chart: two lines have a gap there.
    at = one.of_chart("chart.data[0].indexOf(Date.UTC(2025, 0, 20) / 1000)")
    assert values(one, drawn(one).index("dewiki"))[at] is None
    one.of_chart(
        f"(chart.u.setCursor({{left: chart.u.valToPos(chart.data[0][{at}], 'x'), top: 5}}), 0)"
    )
    assert "dewiki: no result: it failed: integer overflow" in one.text("#values")


# The chart


def test_series_are_chosen(one: Tab) -> None:
    one.show(REPORT)
    assert drawn(one) == ["enwiki", "dewiki", "frwiki"]
    one.click("none", "#picker")
    assert one.text("#notes") == "No series is chosen."
    one.page.check("#picker input[value=dewiki]")
    one.is_drawn()
    assert one.of_chart("chart.series.map((series) => series[0])") == ["dewiki"]
    assert json.loads(
        one.page.evaluate("new URLSearchParams(location.hash.slice(1)).get('series')")
    ) == ["dewiki"]
    one.page.fill("#series-filter", "fr")
    assert [text.strip() for text in one.page.locator("#picker li:visible").all_inner_texts()] == [
        "frwiki"
    ]
    one.click("all", "#picker")
    assert len(drawn(one)) == 3
    one.click("largest 8", "#picker")
    assert one.state == ""


def test_columns_ranges_means_and_the_log_scale(one: Tab) -> None:
    one.show(REPORT)
    assert pressed(one) == ["all", "raw"]
    assert len(values(one)) == 58
    one.click("month")
    assert len(values(one)) == 30
    one.page.select_option("#column", "editors")
    one.is_drawn()
    assert max(filter(None, values(one))) == 4
    one.page.check("#log")
    one.is_drawn()
    assert one.of_chart("chart.u.scales.y.distr") == 3
    assert "values of 0 or less have no place on a log scale" in one.text("#notes")
    one.click("mean of 7")
    assert one.state == "range=30&column=editors&scale=log&mean=7"
    one.show(REPORT, "#range=30&mean=7&series=%5B%22enwiki%22%5D")
    assert pressed(one) == ["month", "mean of 7"]
    raw = [1000 + 10 * (n % 7) for n in range(58)]
    raw[50] = 1234
    assert values(one)[-1] == pytest.approx(sum(raw[-7:]) / 7)


def test_an_address_that_was_cut_or_is_hostile_shows_the_chart(one: Tab) -> None:
    for state in (
        "#series=%5B%22enw",
        "#column=x&range=9&mean=-1&scale=y",
        f"#series={HOSTILE}",
        "#series=[1]",
    ):
        one.show(REPORT, state)
        assert len(drawn(one)) == 3
        assert pressed(one) == ["all", "raw"]


def test_values_are_shown_at_the_pointer_and_by_keys(one: Tab) -> None:
    one.show(REPORT)
    box = one.page.locator(".u-over").bounding_box()
    assert box
    one.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    said = one.text("#values")
    assert said.startswith("2025-01-29")
    assert "enwiki 1,000" in said
    one.page.focus(".u-over")
    one.page.keyboard.press("Home")
    assert one.text("#values").startswith("2025-01-01")
    one.page.keyboard.press("ArrowRight")
    assert one.text("#values").startswith("2025-01-02")
    one.page.keyboard.press("End")
    assert one.text("#values").startswith("2025-02-27")


def test_held_and_revised_points_are_marked(one: Tab) -> None:
    one.show(REPORT)
    assert "2 points are marked" in one.text("#notes")
    marks = one.of_chart("chart.marks.map((mark) => [mark.kind, mark.value, mark.text])")
    assert [mark[:2] for mark in marks] == [["held", 5050], ["revised", 1234]]
    assert "frwiki held: nothing → 5050" in marks[0][2]
    assert marks[1][2] == "enwiki revised: 1010 → 1234"
    assert one.of_chart("chart.u.scales.y.max") >= 5050


def test_a_single_point_between_gaps_is_drawn(one: Tab, tmp_path: Path) -> None:
    one.show(REPORT)
    shown = one.of_chart(
        "(chart.data[1].fill(null, 3, 10), chart.data[1][6] = 5, chart.u.setData(chart.data),"
        " chart.u.series[1].points.filter(chart.u, 1))"
    )
    assert shown == [6]


def test_several_rows_a_date_are_one_line_for_each_text(one: Tab) -> None:
    one.show("reports/by_kind.html")
    assert sorted(drawn(one)) == ["anonymous", "bot", "registered"]
    one.show("reports/many_kinds.html")
    assert len(drawn(one)) == 50
    assert drawn(one)[0] == "kind 70"
    assert "The 50 largest are drawn; 20 more are in the TSV." in one.text("#notes")


def test_hours_and_months_have_their_places(one: Tab) -> None:
    one.show("reports/hourly.html")
    assert len(values(one)) == 48
    one.click("day")
    assert len(values(one)) == 24
    one.page.focus(".u-over")
    one.page.keyboard.press("End")
    assert one.text("#values").startswith("2025-02-28 23:00:00")
    one.show("reports/many_kinds.html")
    one.page.focus(".u-over")
    one.page.keyboard.press("End")
    assert one.text("#values").startswith("2025-02-01")


@pytest.mark.parametrize("name", ["daily_edits/enwiki", "by_kind", "many_kinds", "odd", "hourly"])
def test_the_tsv_is_downloaded_as_it_is(one: Tab, with_site: WithSite, name: str) -> None:
    report = name.partition("/")[0]
    one.show(f"reports/{report}.html")
    for ending in ("TSV", "CSV"):
        with one.page.expect_download() as waiting:
            label = f"{name.replace('/', '-')}.{ending.lower()}"
            one.page.click(f"button[aria-label='Download {label}']")
        text = Path(waiting.value.path()).read_text()
        wanted = with_site.project.text(name)
        if ending == "TSV":
            assert text == wanted
        else:
            rows = list(csv.reader(io.StringIO(wanted), dialect="excel-tab"))
            assert list(csv.reader(io.StringIO(text))) == rows
        assert waiting.value.suggested_filename == label


# What pages may hold


def test_hostile_names_and_values_are_text(one: Tab) -> None:
    one.show("reports/odd.html")
    assert drawn(one) == [f"n {HOSTILE}"]
    assert one.page.locator("#rows th[scope=col]").nth(1).inner_text() == f"n {HOSTILE}"
    assert "<img src=x onerror=alert(1)>" in one.text("#rows tbody")
    assert one.page.locator("img, script:not([src])").count() == 0
    assert one.page.locator(".lead bdi").inner_text() == RTL
    one.page.focus(".u-over")
    one.page.keyboard.press("End")
    assert HOSTILE in one.text("#values")


def test_rows_are_found_whatever_their_series_is_called(browser: Browser, tmp_path: Path) -> None:
    values = ["50%", "a#b?c", "q'<b>", "São", "%41", "x y&z"]
    config = f"{SQLITE}reports:\n  r: {{explode_by: {{w: {{values: {json.dumps(values)}, allow_values: any}}}}}}\n"
    one = Project(tmp_path, config, {"r.sql": ONE})
    one.run(now="2025-01-04")
    one.call("site", one.output, one.folder, "--to", tmp_path / "site", "--now", "2025-01-04")
    with tab(browser, tmp_path / "site") as opened:
        opened.show("reports/r.html")
        assert drawn(opened) == values
        assert opened.of_chart("chart.data.slice(1).map((line) => line[2])") == [1] * len(values)
        opened.is_quiet()


def test_no_page_may_load_or_run_what_is_not_of_the_site(one: Tab) -> None:
    one.show(REPORT)
    one.page.evaluate(
        "() => { const bad = document.createElement('script'); bad.textContent = 'window.ran = 1';"
        " document.head.append(bad); const image = new Image(); image.src = 'http://127.0.0.1:9/x'; }"
    )
    one.page.wait_for_timeout(200)
    assert one.page.evaluate("window.ran") is None
    assert len(one.troubles) == 2
    assert all("Content Security Policy" in trouble for trouble in one.troubles)
    one.troubles.clear()
    one.asked = [url for url in one.asked if url.startswith("file:")]


# Everyone, everywhere


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("page", ["index.html", REPORT, "reports/by_kind.html", "reports/odd.html"])
def test_no_serious_violation_of_accessibility(
    browser: Browser, with_site: WithSite, page: str, width: int, scheme: Any
) -> None:
    with tab(browser, with_site.site, scheme=scheme, width=width) as one:
        one.show(page)
        one.is_quiet()  # before axe, which reads the style sheets again
        found = Axe().run(one.page)
        bad = [
            (
                violation["id"],
                violation["impact"],
                [node["html"][:200] for node in violation["nodes"]],
            )
            for violation in found.response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert bad == []
        assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")


def test_without_scripts_there_are_tables(browser: Browser, with_site: WithSite) -> None:
    with tab(browser, with_site.site, scripts=False) as one:
        one.page.goto(f"file://{with_site.site / 'index.html'}")
        assert not one.page.locator("#filter").is_visible()
        one.page.click("text=daily_edits")
        assert "The chart needs JavaScript" in one.text("main")
        assert not one.page.locator("#chart").is_visible()
        assert "2025-02-27" in one.text("#rows")
        assert "integer overflow" in one.text("#missing")
        assert "1,010 → 1,234" in one.text("#changed")
        one.is_quiet()


def test_all_can_be_done_with_the_keyboard(one: Tab) -> None:
    one.show(REPORT)
    names = []
    for _ in range(40):
        one.page.keyboard.press("Tab")
        names.append(
            one.page.evaluate(
                "document.activeElement.id || document.activeElement.innerText.trim()"
            )
        )
    for wanted in (
        "column",
        "month",
        "mean of 7",
        "log",
        "series-filter",
        "none",
        "missing-filter",
    ):
        assert wanted in names, (wanted, names)


def test_a_web_server_will_do(browser: Browser, with_site: WithSite) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(with_site.site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with tab(browser, with_site.site) as one:
            address = f"http://127.0.0.1:{server.server_address[1]}"
            one.page.goto(f"{address}/{REPORT}")
            one.is_drawn()
            assert drawn(one) == ["enwiki", "dewiki", "frwiki"]
            assert all(url.startswith(address) for url in one.asked)
            assert [
                trouble
                for trouble in one.troubles
                if "favicon" not in trouble and "404" not in trouble
            ] == []
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_many_long_series_are_drawn_in_time(
    browser: Browser, with_site: WithSite, tmp_path: Path
) -> None:
    """217 series of 3,650 days: less than a second on an idle machine, several when others are busy."""
    site = tmp_path / "site"
    shutil.copytree(with_site.site, site)
    days = [Granularity.DAYS.label(Granularity.DAYS.start(735_600 + n)) for n in range(3650)]
    series = []
    for number in range(217):
        name = f"daily_edits/w{number:03}wiki"
        rows = [(day, str((n * 7919 + number) % 1000)) for n, day in enumerate(days)]
        (site / "data/daily_edits" / f"w{number:03}wiki.js").write_text(
            block(name, ("date", "edits"), rows, Granularity.DAYS)
        )
        series.append([f"w{number:03}wiki", name, f"data/{name}.js", "5"])
    about = {
        "name": "daily_edits",
        "granularity": "days",
        "header": ["date", "edits"],
        "series": series,
    }
    about |= {name: [] for name in ("missing", "held", "changed")}
    (site / "about/daily_edits.js").write_text(f"reportupdater.about({json.dumps(about)});\n")
    with tab(browser, site) as one:
        one.show(REPORT)
        one.page.set_default_timeout(60_000)
        one.click("all", "#picker")
        assert len(drawn(one)) == 217
        assert one.of_chart("chart.data[0].length") == 3650
        assert one.seconds_to_draw() < 5
        one.is_quiet()
