"""docs/operating.md has every message of a run that somebody must act on, and only real ones."""

from __future__ import annotations

import re
from pathlib import Path

from tests.operating.messages import Message, messages

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "operating.md").read_text(encoding="utf-8")

ERRORS = {"StateError", "TsvError", "UsageError", "ResultError", "warning", "add", "failure", "why"}
"""Who says what must stand in the page. What else is raised comes from servers."""
# Of other commands, whose page is cli.md.
OTHERS = {
    "operations/check.py",
    "operations/held.py",
    "operations/accept.py",
    "operations/forget.py",
    "operations/dataframe.py",
    "operations/rerun.py",
    "operations/metrics.py",
    "operations/plan.py",
    "operations/status.py",
    "operations/try_interval.py",
    "operations/verify.py",
    "operations/why.py",
    "operations/drift.py",
    "…: there is nothing to send",
    "…: there is no such output folder",
}
# Nothing but what is filled in: these carry other messages on.
CARRIERS = {"…", "…: …"}


def rows(page: str) -> list[str]:
    """The messages in a page's tables, as they are written there."""
    cells = re.findall(r"^\| (`{1,2}) ?(.*?) ?\1 \|", page, re.MULTILINE)
    return [text for _, text in cells]


def fits(row: str, message: str) -> bool:
    """Whether a row has a message, or begins as it does and leaves the rest to `…`."""
    return row == message or (row.endswith("…") and message.startswith(row.removesuffix("…")))


SECTION = PAGE.partition("\n## Messages\n")[2]
ELSEWHERE = rows("".join((DOCS / f"{name}.md").read_text() for name in ("hive", "mediawiki")))
SAID = messages()


def needed(message: Message) -> bool:
    """Whether an operator may meet it in a run."""
    return (
        message.by in ERRORS
        and message.module not in OTHERS
        and not message.module.startswith("commands/")
        and message.text not in OTHERS | CARRIERS
    )


def test_the_messages_of_the_page_stand_in_the_source() -> None:
    assert len(rows(SECTION)) > 60
    assert [row for row in rows(SECTION) if not any(fits(row, one.text) for one in SAID)] == []


def test_the_messages_of_the_source_stand_in_the_page() -> None:
    wanted = [message for message in SAID if needed(message)]
    assert {message.by for message in wanted} == ERRORS  # else the source was not understood
    known = rows(SECTION) + ELSEWHERE
    # Whoever adds a message adds its row: what somebody is to do who meets it at night.
    assert [one for one in wanted if not any(fits(row, one.text) for row in known)] == []
