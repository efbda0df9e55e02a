"""Names of columns before which a server puts a table: Hive has `e.wiki` for a column `wiki`. Pure.

Which columns have such a prefix depends on the server's version and on how the query is written, so
that one column may be stored as `wiki` and come as `e.wiki`, or the other way round.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence, Set

_PREFIX = re.compile(r"[A-Za-z_]\w*\.(?=.)")


def bare(name: str) -> str:
    """Return a name without the table before it.

    >>> bare("e.wiki"), bare("wiki"), bare("0.5 quantile")
    ('wiki', 'wiki', '0.5 quantile')
    """
    prefix = _PREFIX.match(name)
    return name[prefix.end() :] if prefix else name


def quoted(text: str) -> frozenset[str]:
    """Return the names in backticks in a query that look as if a table were before them, in small letters.

    >>> sorted(quoted("SELECT e.wiki AS `edits.All`, `date` FROM `raw` e"))
    ['edits.all']
    """
    return frozenset(name for name in text.lower().split("`")[1:-1] if _PREFIX.match(name))


def resolved(header: Sequence[str], own: Set[str], stored: Collection[str]) -> tuple[str, ...]:
    """Return the names under which a result's columns are stored.

    `own` are the names that the query itself has `quoted`, `stored` those of the columns behind the
    first that the TSV has. The first column is the date by position and loses its table. Each other
    one goes to the stored column of the same name, else to the only one whose bare name is the
    same, else it is a new one. Where a result has a bare name twice, its columns stay apart.

    >>> resolved(["e.date", "e.wiki", "n"], frozenset(), [])
    ('date', 'wiki', 'n')
    >>> resolved(["date", "wiki", "n"], frozenset(), ["e.wiki", "n"])
    ('date', 'e.wiki', 'n')
    >>> resolved(["date", "a.wiki", "b.wiki"], frozenset(), ["wiki"])
    ('date', 'a.wiki', 'b.wiki')
    """
    bares = [name if name.lower() in own else bare(name) for name in header]
    times = Counter(bares)
    date = bares[0] if times[bares[0]] == 1 and bares[0] not in header[1:] else header[0]
    taken = {date, *header[1:]}  # names that no other column of the result gets
    alike: dict[str, list[str]] = {}
    for name in stored:
        if name not in taken:
            alike.setdefault(bare(name), []).append(name)
    names = [date]
    for name, short in zip(header[1:], bares[1:], strict=True):
        known = alike.get(short, [])
        resolved = name
        if not (name in stored or name.lower() in own or times[short] > 1 or len(known) > 1):
            resolved = known[0] if known else short
        if resolved in taken:
            resolved = name
        taken.add(resolved)
        names.append(resolved)
    return tuple(names)


def place(name: str, header: Sequence[str]) -> int | None:
    """Return where a header has a column, under that name or else as the only one with that bare name.

    >>> place("wiki", ["date", "e.wiki"]), place("a.n", ["date", "n"]), place("n", ["a.n", "b.n"])
    (1, 1, None)
    """
    if name in header:
        return header.index(name)
    places = [at for at, other in enumerate(header) if bare(other) == bare(name)]
    return places[0] if len(places) == 1 else None


def twins(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of columns that may be one: a bare name, and the same with a table before it.

    >>> twins(["n", "a.n", "b.x", "c.x"])
    [('n', 'a.n')]
    """
    known = list(names)
    return [(bare(name), name) for name in known if bare(name) != name and bare(name) in known]
