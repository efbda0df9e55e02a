"""The first page of the site: all reports, those in trouble first."""

from __future__ import annotations

from urllib.parse import quote

from reportupdater.publish.markup import Markup, element, name
from reportupdater.publish.parts import (
    badge,
    cell,
    date,
    listed,
    moment,
    number,
    page,
    row,
    section,
    spelled,
    table,
)
from reportupdater.publish.paths import report_file
from reportupdater.publish.sparkline import sparkline
from reportupdater.publish.values import Entry, Index, State
from reportupdater.terminal.wording import count

_MOST_WHY = 160
"""Characters of what is wrong with a report; its page has all of it."""
_HEAD = ("state", "report", "granularity", "done up to", "missing", "latest", "trend", "owner")


def index_page(index: Index) -> str:
    """Return the first page."""
    worst = [*State]
    entries = sorted(index.entries, key=lambda one: (worst.index(one.state), one.name))
    bad = sum(one.state.in_trouble for one in entries)
    projects = (
        row(
            name(one.config),
            number(one.reports),
            cell(moment(one.ended)),
            number(one.exit_code),
        )
        for one in index.projects
    )
    body = (
        element("h1", index.title),
        element("p", f"{count(len(entries), 'report')}, {bad or 'none'} in trouble", class_="lead"),
        listed(index.troubles, "trouble"),
        element(
            "div",
            element("label", "Filter ", element("input", type="search", id="filter")),
            element("output", id="shown", for_="filter"),
            class_="controls needs-script",
        ),
        table("reports", "Reports", _HEAD, map(_entry, entries)),
        section(
            "Projects",
            table(
                "projects",
                "Projects and their last runs",
                ("project", "reports", "last run ended", "exit code"),
                projects,
            ),
        ),
    )
    return page(index.title, "", body, kind="index")


def _entry(one: Entry) -> Markup:
    latest = one.latest
    trend: Markup | None = None
    value: tuple[object, ...] = ()
    if latest is not None:
        of = f"{latest.series}, {latest.column}" if latest.series else latest.column
        value = (element("span", spelled(latest.value)), element("small", " ", name(of)))
        trend = sparkline(latest.before, f"{of} up to {latest.date}")
    return element(
        "tr",
        cell(badge(one.state)),
        element(
            "th",
            element("a", name(one.name), href=quote(report_file(one.name))),
            element("small", name(one.description)) if one.description else None,
            element("small", name(_cut(one.why)), class_="why") if one.why else None,
            scope="row",
        ),
        element("td", one.granularity, data_head="granularity"),
        date(one.done_up_to, "done up to"),
        number(one.missing, "missing"),
        element("td", *value, class_="number", data_head="latest"),
        cell(trend),
        element("td", name(one.owner) if one.owner else None, data_head="owner"),
        data_text=" ".join((one.name, one.description, one.owner, one.project, one.why)).lower(),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_WHY else f"{text[:_MOST_WHY].rstrip()} …"
