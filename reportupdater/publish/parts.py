"""What all pages are made of: the frame, sections, tables, states, numbers, moments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from urllib.parse import quote

from reportupdater.publish.markup import Markup, element, joined, name
from reportupdater.publish.values import State

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'"
)
NONE = "-"
NUMBERS = ("missing", "latest", "reports", "exit code", "intervals")
"""Titles of columns with numbers, on any page."""
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


def page(
    title: str,
    root: str,
    body: Iterable[object],
    *,
    kind: str,
    scripts: Sequence[str] = (),
) -> str:
    """Return a whole page; `root` leads to the folder of the site, from which it may load alone."""
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
    main = element("body", element("main", *body), data_kind=kind, data_root=root)
    return f"<!doctype html>\n{element('html', element('head', *head), main, lang='en')}\n"


def section(title: str, *content: object) -> Markup:
    """Return a part of a page."""
    return element("section", element("h2", title), *content)


def table(
    id_: str,
    caption: str,
    head: Sequence[str],
    rows: Iterable[object],
    numbers: Collection[str] = NUMBERS,
) -> Markup:
    """Return a table; `numbers` are the titles of columns with numbers."""
    return element(
        "div",
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", [_title(one, numbers) for one in head])),
            element("tbody", rows),
            id=id_,
        ),
        class_="scrolls",
        tabindex=0,
        role="region",
        aria_label=caption,
    )


def _title(text: str, numbers: Collection[str]) -> Markup:
    return element("th", name(text), scope="col", class_="number" if text in numbers else None)


def row(head: object, *cells: Markup, text: str | None = None) -> Markup:
    """Return a row of a table, given what it is about; `text` is what a filter looks for in it."""
    return element("tr", element("th", head, scope="row"), cells, data_text=text)


def cell(*content: object) -> Markup:
    """Return a cell."""
    return element("td", *content)


def date(text: str, title: str | None = None) -> Markup:
    """Return a cell with a date, or with the first and the last of several.

    `title` is that of its column, where a phone has no room for a head.
    """
    return element("td", text, class_="date", data_head=title)


def number(value: int | None, title: str | None = None) -> Markup:
    """Return a cell with a number, or with a sign that there is none."""
    shown = NONE if value is None else f"{value:,}"
    return element("td", shown, class_="number", data_head=title)


def stored(text: str) -> Markup:
    """Return a cell of a TSV."""
    return element("td", spelled(text), class_="number" if is_number(text) else None)


def is_number(text: str) -> bool:
    """Return whether a cell of a TSV has a number, or nothing."""
    if not text:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


@lru_cache(4096)
def spelled(text: str) -> Markup:
    """Return what a TSV has; a whole number with its thousands apart."""
    if text.isascii() and text.removeprefix("-").isdigit() and not text.startswith(("0", "-0")):
        return joined([f"{int(text):,}"])
    return name(text) if text else Markup("")


def listed(texts: Sequence[str], class_: str) -> Markup | None:
    """Return texts as a list; nothing where there is none."""
    items = [element("li", name(one)) for one in texts]
    return element("ul", items, class_=class_) if items else None


def more(many: int, one: str, several: str, hint: str) -> Markup | None:
    """Return that there are more, and what shows them; nothing where there are none."""
    if many <= 0:
        return None
    text = f"and {many:,} more {one if many == 1 else several}: {hint}"
    return element("p", text, class_="note")


@lru_cache
def badge(state: State) -> Markup:
    """Return a state."""
    return element("span", _WORDS[state], class_=f"badge {state.value}")


def linked(value: str) -> Markup:
    """Return a text, which leads to where it is the address of, if it is one."""
    if value.startswith(_LINK) and not any(letter.isspace() for letter in value):
        return element("a", name(value), href=value, rel="noopener noreferrer")
    return name(value)


def minute(stamp: str) -> str:
    """Return a moment as the state spells it, for people; empty where there is none."""
    return f"{stamp.replace('T', ' ')[:16]} UTC" if stamp else ""


def moment(stamp: str) -> Markup:
    """Return a moment as the state spells it."""
    return element("time", minute(stamp), datetime=stamp) if stamp else Markup("")
