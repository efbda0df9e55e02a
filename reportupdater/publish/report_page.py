"""The page of a report, as HTML that is whole without any script, and what its script draws."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from reportupdater.publish.markup import Markup, element, joined, name
from reportupdater.publish.parts import (
    NONE,
    NUMBERS,
    badge,
    cell,
    date,
    is_number,
    linked,
    listed,
    moment,
    more,
    number,
    page,
    row,
    section,
    spelled,
    stored,
    table,
)
from reportupdater.publish.paths import about_file, data_file
from reportupdater.publish.values import Keys, ReportPage, SeriesLine, Value


def report_page(report: ReportPage, title: str) -> str:
    """Return the page of a report; `title` is that of the site."""
    entry = report.entry
    facts = [(what, linked(value)) for what, value in report.facts.items() if value]
    body = (
        element("p", element("a", title, href="../index.html"), class_="path"),
        element("h1", name(entry.name), " ", badge(entry.state)),
        element("p", name(entry.description), class_="lead") if entry.description else None,
        listed(report.troubles, "trouble"),
        listed(report.notices, "note"),
        element("dl", [(element("dt", what), element("dd", value)) for what, value in facts]),
        _chart(report),
        _last_rows(report),
        _missing(report),
        _withheld(report),
        _changed(report),
        _series(report),
        _outcomes(report),
        _keys(report.keys),
        _query(report),
    )
    scripts = [about_file(entry.name)]
    return page(f"{entry.name} · {title}", "../", body, kind="report", scripts=scripts)


def about_script(report: ReportPage) -> str:
    """Return the script with what a report's page draws beside the rows."""
    found = {
        "name": report.entry.name,
        "granularity": report.entry.granularity,
        "header": report.header,
        "series": [
            [one.label, one.tsv, quote(data_file(one.tsv)), *one.latest[1:]]
            for one in report.series
        ],
        "missing": [[one.series, one.first, one.last, one.why] for one in report.missing or ()],
        "held": [[one.series, one.date, one.why, one.values] for one in report.withheld],
        "changed": [[one.series, one.date, *one.value] for one in report.changed],
    }
    return f"reportupdater.about({json.dumps(found, separators=(',', ':'))});\n"


def _chart(report: ReportPage) -> Markup | None:
    if len(report.header) < 2 or not report.series:
        return None
    return element(
        "section",
        element("h2", "Chart", id="chart-title"),
        element(
            "noscript",
            element("p", "The chart needs JavaScript; the tables below do not.", class_="note"),
        ),
        element("div", id="controls", class_="controls needs-script"),
        element(
            "div", id="chart", class_="needs-script", role="group", aria_labelledby="chart-title"
        ),
        element("div", id="values", class_="needs-script", role="status"),
        element("p", id="notes", class_="note needs-script", role="status"),
        element("div", id="picker", class_="needs-script"),
    )


def _last_rows(report: ReportPage) -> Markup | None:
    if not report.rows:
        return None
    latest = report.entry.latest
    of = f" of {latest.series}" if latest is not None and latest.series else ""
    rows = (
        element(
            "tr",
            element("th", cells[0], scope="row", class_="date"),
            [stored(one) for one in cells[1:]],
        )
        for cells in report.rows
    )
    numbers = _of_numbers(report.header, report.rows)
    return section(
        "Last rows",
        table("rows", f"Last rows{of}", report.header, rows, numbers),
        element("p", id="downloads", class_="needs-script"),
    )


def _missing(report: ReportPage) -> Markup:
    if report.missing is None:
        unknown = "Only with a valid report of a project is known what is missing."
        return section("Missing", element("p", unknown))
    if not report.missing:
        return section("Missing", element("p", "No interval is missing."))
    rows = (
        row(
            name(one.series or report.entry.name),
            date(one.first if one.intervals == 1 else f"{one.first} to {one.last}"),
            number(one.intervals),
            cell(name(one.why)),
            text=f"{one.series} {one.first} {one.last} {one.why}".lower(),
        )
        for one in report.missing
    )
    return section(
        "Missing",
        element(
            "div",
            element("label", "Filter ", element("input", type="search", id="missing-filter")),
            class_="controls needs-script",
        ),
        table(
            "missing",
            "Intervals without a result",
            ("series", "dates", "intervals", "why"),
            rows,
        ),
        more(report.missing_more, "stretch", "stretches", "`plan` lists them"),
    )


def _withheld(report: ReportPage) -> Markup | None:
    if not report.withheld:
        return None
    rows = (
        row(
            name(one.series or NONE),
            date(one.date),
            cell(name(one.check)),
            cell(name(one.why)),
            cell([element("div", _value(value)) for value in one.values]),
            cell(moment(one.at)),
        )
        for one in report.withheld
    )
    head = ("series", "date", "check", "why", "values", "since")
    return section(
        "Held",
        element("p", "These results failed a check, and are not published until someone decides."),
        table("held", "Held results", head, rows),
        more(report.withheld_more, "result", "results", "`held` lists them"),
    )


def _changed(report: ReportPage) -> Markup | None:
    if not report.changed:
        return None
    rows = (
        row(
            name(one.series or NONE),
            date(one.date),
            cell(_value(one.value)),
            cell(moment(one.at)),
            cell(one.reason),
        )
        for one in report.changed
    )
    head = ("series", "date", "old → new", "at", "by")
    return section(
        "Revised",
        table("changed", "Published values that were replaced", head, rows),
        more(
            report.changed_more, "revised result", "revised results", "`why` shows each of a date"
        ),
    )


def _value(value: Value) -> Markup:
    what = f"{value.key}, {value.column}" if value.key else value.column
    old, new = (spelled(one) or "nothing" for one in (value.old, value.new))
    return joined((name(what), " ", old, " → ", element("strong", new)))


def _series(report: ReportPage) -> Markup | None:
    if not report.series:
        return None
    wide = len(report.header) - 1

    def line(one: SeriesLine) -> Markup:
        values = (*one.latest[1:], *("",) * wide)[:wide]
        return row(
            name(one.label or report.entry.name),
            cell(badge(one.state), (" ", name(one.why)) if one.why else None),
            date(one.done_up_to),
            number(one.missing),
            *map(stored, values),
        )

    head = ("series", "state", "done up to", "missing", *report.header[1:])
    in_order = sorted(report.series, key=lambda one: not one.state.in_trouble)
    latest = [one.latest for one in report.series if one.latest]
    numbers = {*NUMBERS, *_of_numbers(report.header, latest)}
    return section(
        "Series",
        table("series", "Series with their last rows", head, map(line, in_order), numbers),
    )


def _of_numbers(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the columns that have numbers, as far as they have anything."""
    return [
        title
        for place, title in enumerate(header)
        if place and all(is_number(cells[place]) for cells in rows if place < len(cells))
    ]


def _outcomes(report: ReportPage) -> Markup | None:
    if not report.outcomes:
        return None
    rows = (
        row(
            name(one.name),
            cell(name(one.what)),
            element("td", name(one.outcome), class_=None if one.is_good else "bad"),
        )
        for one in report.outcomes
    )
    title = "Checks and conditions"
    return section(title, table("outcomes", title, ("name", "looks at", "last outcome"), rows))


def _keys(all_keys: Sequence[Keys]) -> Markup | None:
    if not all_keys:
        return None
    return section(
        "In other places",
        [
            element(
                "details",
                element("summary", f"{one.sink}: {one.number:,} series, {one.destination}"),
                element("ul", [element("li", element("code", name(key))) for key in one.some]),
                more(one.number - len(one.some), "series", "series", "`metrics` lists them"),
            )
            for one in all_keys
        ],
    )


def _query(report: ReportPage) -> Markup | None:
    if not report.query:
        return None
    return section(
        "Query",
        element("p", element("code", report.query_name), f", digest {report.digest}"),
        element("pre", element("code", report.query), tabindex=0),
    )
