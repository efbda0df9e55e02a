"""The pages of the site, as HTML that is whole without any script."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from urllib.parse import quote

from reportupdater.publish.markup import Markup, element, joined, name
from reportupdater.publish.sparkline import sparkline
from reportupdater.publish.values import Entry, Index, Keys, ReportPage, SeriesLine, State, Value

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'"
)
_NONE = "-"
_NUMBERS = ("missing", "latest", "reports", "exit code", "intervals")
_MOST_WHY = 160
"""Characters of what is wrong with a report in the index; its page has all of it."""
_LINK = ("https://", "http://")
_WORDS = {
    State.INVALID: "invalid",
    State.FAILING: "failing",
    State.DAMAGED: "damaged",
    State.HELD: "held",
    State.LATE: "late",
    State.WAITING: "waits for data",
    State.NEW: "new",
    State.FINE: "up to date",
}


def report_file(report: str) -> str:
    """Return the path of a report's page in the site."""
    return f"reports/{report}.html"


def data_file(tsv: str) -> str:
    """Return the path of the script that has the rows of a TSV, given without its suffix."""
    return f"data/{tsv}.js"


def about_file(report: str) -> str:
    """Return the path of the script that has what a report's page draws beside the rows."""
    return f"about/{report}.js"


def index_page(index: Index) -> str:
    """Return the first page."""
    entries = sorted(
        index.entries, key=lambda one: (not one.state.in_trouble, _rank(one), one.name)
    )
    bad = sum(one.state.in_trouble for one in entries)
    what = f"{_count(len(entries), 'report')}, {bad or 'none'} in trouble"
    body = (
        element("h1", index.title),
        element("p", what, class_="lead"),
        _list(index.troubles, "trouble"),
        element(
            "div",
            element("label", "Filter ", element("input", type="search", id="filter")),
            element("output", id="shown", for_="filter"),
            class_="controls needs-script",
        ),
        _table(
            "reports",
            "Reports",
            ("state", "report", "granularity", "done up to", "missing", "latest", "trend", "owner"),
            map(_entry, entries),
        ),
        element("h2", "Projects"),
        _table(
            "projects",
            "Projects and their last runs",
            ("project", "reports", "last run ended", "exit code"),
            (
                element(
                    "tr",
                    element("th", name(one.config), scope="row"),
                    element("td", f"{one.reports:,}", class_="number"),
                    element("td", _moment(one.ended)),
                    element("td", "" if one.exit_code is None else one.exit_code, class_="number"),
                )
                for one in index.projects
            ),
        ),
    )
    return _page(index.title, "", body, kind="index")


def _rank(entry: Entry) -> int:
    return [*State].index(entry.state)


def _entry(one: Entry) -> Markup:
    latest = one.latest
    trend = Markup("")
    shown: tuple[object, ...] = ()
    if latest is not None:
        of = f"{latest.series}, {latest.column}" if latest.series else latest.column
        shown = (element("span", _number(latest.value)), element("small", " ", name(of)))
        trend = sparkline(latest.before, f"{of} up to {latest.date}")
    return element(
        "tr",
        element("td", _badge(one.state)),
        element(
            "th",
            element("a", name(one.name), href=quote(report_file(one.name))),
            element("small", name(one.description)) if one.description else None,
            element("small", name(_cut(one.why)), class_="why") if one.why else None,
            scope="row",
        ),
        element("td", one.granularity, data_head="granularity"),
        element("td", one.done_up_to, class_="date", data_head="done up to"),
        element(
            "td",
            _NONE if one.missing is None else f"{one.missing:,}",
            class_="number",
            data_head="missing",
        ),
        element("td", *shown, class_="number", data_head="latest"),
        element("td", trend),
        element("td", name(one.owner) if one.owner else None, data_head="owner"),
        data_text=" ".join((one.name, one.description, one.owner, one.project, one.why)).lower(),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_WHY else f"{text[:_MOST_WHY].rstrip()} …"


def report_page(page: ReportPage, title: str) -> str:
    """Return the page of a report; `title` is that of the site."""
    entry = page.entry
    facts = [(what, _linked(value)) for what, value in page.facts.items() if value]
    body = (
        element("p", element("a", title, href="../index.html"), class_="path"),
        element("h1", name(entry.name), " ", _badge(entry.state)),
        element("p", name(entry.description), class_="lead") if entry.description else None,
        _list(page.troubles, "trouble"),
        _list(page.notices, "note"),
        element("dl", [(element("dt", what), element("dd", value)) for what, value in facts]),
        _chart(page),
        _last_rows(page),
        _missing(page),
        _withheld(page),
        _changed(page),
        _series(page),
        _outcomes(page),
        _keys(page.keys),
        _query(page),
    )
    scripts = [about_file(entry.name)]
    return _page(f"{entry.name} · {title}", "../", body, kind="report", scripts=scripts)


def about_script(page: ReportPage) -> str:
    """Return the script with what a report's page draws beside the rows."""
    found = {
        "name": page.entry.name,
        "granularity": page.entry.granularity,
        "header": page.header,
        "dimensions": page.dimensions,
        "series": [
            [one.label, one.tsv, quote(data_file(one.tsv)), *one.latest[1:]] for one in page.series
        ],
        "missing": [[one.series, one.first, one.last, one.why] for one in page.missing or ()],
        "held": [[one.series, one.date, one.why, one.values] for one in page.withheld],
        "changed": [[one.series, one.date, *one.value] for one in page.changed],
        "annotations": page.annotations,
    }
    return f"reportupdater.about({json.dumps(found, separators=(',', ':'))});\n"


def _page(
    title: str,
    root: str,
    body: Iterable[object],
    *,
    kind: str,
    scripts: Sequence[str] = (),
) -> str:
    names = ["assets/uPlot.iife.min.js"] if scripts else []
    names += ["assets/site.js", *scripts]
    styles = ["assets/uPlot.min.css"] if scripts else []
    styles.append("assets/site.css")
    head = (
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name_="color-scheme", content="light dark"),
        element("meta", name_="referrer", content="no-referrer"),
        element("title", title),
        [element("link", rel="stylesheet", href=root + quote(one)) for one in styles],
        [element("script", src=root + quote(one), defer=True) for one in names],
    )
    page = element(
        "html",
        element("head", *head),
        element(
            "body",
            element("main", *body),
            data_kind=kind,
            data_root=root,
        ),
        lang="en",
    )
    return f"<!doctype html>\n{page}\n"


def _chart(page: ReportPage) -> Markup | None:
    if len(page.header) < 2 or not page.series:
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


def _last_rows(page: ReportPage) -> Markup | None:
    if not page.rows:
        return None
    latest = page.entry.latest
    of = f" of {latest.series}" if latest is not None and latest.series else ""
    rows = (
        element(
            "tr",
            element("th", row[0], scope="row", class_="date"),
            [element("td", _number(cell), class_=_class(cell)) for cell in row[1:]],
        )
        for row in page.rows
    )
    return element(
        "section",
        element("h2", "Last rows", id="rows-title"),
        _table("rows", f"Last rows{of}", page.header, rows, _of_numbers(page.header, page.rows)),
        element("p", id="downloads", class_="needs-script"),
    )


def _missing(page: ReportPage) -> Markup:
    if page.missing is None:
        unknown = "Only with a valid report of a project is known what is missing."
        return element("section", element("h2", "Missing"), element("p", unknown))
    if not page.missing:
        return element("section", element("h2", "Missing"), element("p", "No interval is missing."))
    rows = (
        element(
            "tr",
            element("th", name(one.series), scope="row") if len(page.series) > 1 else None,
            element(
                "td",
                one.first if one.intervals == 1 else f"{one.first} to {one.last}",
                class_="date",
            ),
            element("td", f"{one.intervals:,}", class_="number"),
            element("td", name(one.why)),
            data_text=f"{one.series} {one.first} {one.last} {one.why}".lower(),
        )
        for one in page.missing
    )
    head = ("series",) if len(page.series) > 1 else ()
    return element(
        "section",
        element("h2", "Missing"),
        element(
            "div",
            element("label", "Filter ", element("input", type="search", id="missing-filter")),
            class_="controls needs-script",
        ),
        _table("missing", "Intervals without a result", (*head, "dates", "intervals", "why"), rows),
        _more(page.missing_more, "stretch", "stretches", "reportupdater plan lists them"),
    )


def _withheld(page: ReportPage) -> Markup | None:
    if not page.withheld:
        return None
    rows = (
        element(
            "tr",
            element("th", name(one.series or _NONE), scope="row"),
            element("td", one.date, class_="date"),
            element("td", name(one.check)),
            element("td", name(one.why)),
            element("td", [element("div", _value(value)) for value in one.values]),
            element("td", _moment(one.at)),
        )
        for one in page.withheld
    )
    return element(
        "section",
        element("h2", "Held"),
        element("p", "These results failed a check, and are not published until someone decides."),
        _table("held", "Held results", ("series", "date", "check", "why", "values", "since"), rows),
    )


def _changed(page: ReportPage) -> Markup | None:
    if not page.changed:
        return None
    rows = (
        element(
            "tr",
            element("th", name(one.series or _NONE), scope="row"),
            element("td", one.date, class_="date"),
            element("td", _value(one.value)),
            element("td", _moment(one.at)),
            element("td", one.reason),
        )
        for one in page.changed
    )
    return element(
        "section",
        element("h2", "Revised"),
        _table(
            "changed",
            "Published values that were replaced",
            ("series", "date", "old → new", "at", "by"),
            rows,
        ),
        _more(page.changed_more, "revised result", "revised results", "`run -l info` showed them"),
    )


def _value(value: Value) -> Markup:
    what = f"{value.key}, {value.column}" if value.key else value.column
    old, new = (_number(one) or "nothing" for one in (value.old, value.new))
    return joined((name(what), " ", old, " → ", element("strong", new)))


def _series(page: ReportPage) -> Markup | None:
    if not page.series:
        return None

    def row(one: SeriesLine) -> Markup:
        return element(
            "tr",
            element("th", name(one.label or page.entry.name), scope="row"),
            element("td", _badge(one.state), (" ", name(one.why)) if one.why else None),
            element("td", one.done_up_to, class_="date"),
            element("td", _NONE if one.missing is None else f"{one.missing:,}", class_="number"),
            [
                element("td", _number(cell), class_=_class(cell))
                for cell in (*one.latest[1:], *("",) * len(page.header))[: len(page.header) - 1]
            ],
        )

    head = ("series", "state", "done up to", "missing", *page.header[1:])
    rows = sorted(page.series, key=lambda one: not one.state.in_trouble)
    return element(
        "section",
        element("h2", "Series"),
        _table(
            "series",
            "Series with their last rows",
            head,
            map(row, rows),
            {*_NUMBERS, *_of_numbers(page.header, [one.latest for one in rows if one.latest])},
        ),
    )


def _of_numbers(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the columns that have numbers, as far as they have anything."""
    return [
        title
        for place, title in enumerate(header)
        if place and all(_class(row[place]) for row in rows if place < len(row))
    ]


def _outcomes(page: ReportPage) -> Markup | None:
    if not page.outcomes:
        return None
    rows = (
        element(
            "tr",
            element("th", name(one.name), scope="row"),
            element("td", name(one.what)),
            element("td", name(one.outcome), class_=None if one.is_good else "bad"),
        )
        for one in page.outcomes
    )
    return element(
        "section",
        element("h2", "Checks and conditions"),
        _table("outcomes", "Checks and conditions", ("name", "looks at", "last outcome"), rows),
    )


def _keys(all_keys: Sequence[Keys]) -> Markup | None:
    if not all_keys:
        return None
    return element(
        "section",
        element("h2", "In other places"),
        [
            element(
                "details",
                element(
                    "summary", f"{one.sink}: {_count(one.number, 'series')}", f" {one.destination}"
                ),
                element("ul", [element("li", element("code", name(key))) for key in one.some]),
                _more(
                    one.number - len(one.some), "series", "series", "reportupdater metrics lists"
                ),
            )
            for one in all_keys
        ],
    )


def _query(page: ReportPage) -> Markup | None:
    if not page.query:
        return None
    return element(
        "section",
        element("h2", "Query"),
        element("p", element("code", page.query_name), f", digest {page.digest}"),
        element("pre", element("code", page.query), tabindex=0),
    )


def _head(title: str, numbers: Collection[str]) -> Markup:
    return element("th", name(title), scope="col", class_="number" if title in numbers else None)


def _table(
    id_: str,
    caption: str,
    head: Sequence[str],
    rows: Iterable[object],
    numbers: Collection[str] = _NUMBERS,
) -> Markup:
    """Return a table; `numbers` are the titles of columns with numbers."""
    return element(
        "div",
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", [_head(one, numbers) for one in head])),
            element("tbody", rows),
            id=id_,
        ),
        class_="scrolls",
        tabindex=0,
        role="region",
        aria_label=caption,
    )


def _list(texts: Sequence[str], class_: str) -> Markup | None:
    return (
        element("ul", [element("li", name(one)) for one in texts], class_=class_) if texts else None
    )


def _more(number: int, one: str, several: str, hint: str) -> Markup | None:
    if number <= 0:
        return None
    return element(
        "p", f"and {number:,} more {one if number == 1 else several}: {hint}", class_="note"
    )


@lru_cache
def _badge(state: State) -> Markup:
    return element("span", _WORDS[state], class_=f"badge {state.value}")


def _linked(value: str) -> Markup:
    if value.startswith(_LINK) and not any(letter.isspace() for letter in value):
        return element("a", name(value), href=value, rel="noopener noreferrer")
    return name(value)


def _moment(stamp: str) -> Markup:
    shown = stamp.replace("T", " ").removesuffix("Z")[:16]
    return element("time", f"{shown} UTC", datetime=stamp) if stamp else Markup("")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@lru_cache(4096)
def _number(cell: str) -> Markup:
    """Return a cell; a whole number with its thousands apart."""
    if cell.isascii() and cell.removeprefix("-").isdigit() and not cell.startswith(("0", "-0")):
        return joined([f"{int(cell):,}"])
    return name(cell) if cell else Markup("")


def _class(cell: str) -> str | None:
    return "number" if not cell or _is_number(cell) else None


def _count(number: int, what: str) -> str:
    plural = what if what.endswith("s") or number == 1 else f"{what}s"
    return f"{number:,} {plural}"
