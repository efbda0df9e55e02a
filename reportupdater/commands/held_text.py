"""Held results as lines: those of a report that failed a check for the same reason are one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reportupdater.state.held import Held
from reportupdater.terminal.wording import count, some

_MOST_NAMES = 3


def lines(results: Iterable[Held], what: str) -> Iterator[str]:
    """Yield a line for each report, check and reason."""
    groups: dict[tuple[str, str, str], list[Held]] = {}
    for one in results:
        groups.setdefault((one.report, one.check, one.why), []).append(one)
    for (report, check, why), members in groups.items():
        starts = [one.start for one in members]
        first, last = min(starts), max(starts)
        reach = first if first == last else f"{first} to {last}"
        names = some(list(dict.fromkeys(one.tsv for one in members)), _MOST_NAMES)
        yield f"{report}: {count(len(members), 'result')} {what}, {reach}, of {names}: {check}: {why}"
    if not groups:
        yield f"nothing is {what}"
