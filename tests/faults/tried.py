"""What one row of the table of faults has tried, and what went wrong; and how that is found out.

A row does not end with its first failure: it counts all of them, leaves its figures, and then fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from tests.delivery.projects import Points
from tests.faults.soak import record
from tests.helpers import Project

_SHOWN = 5
_STATE = ("state.sqlite", "status.json")


class Tried:
    """Counts cases, and what in them was lost, wrong or left over."""

    def __init__(self, what: str) -> None:
        """`what` is the name of the row."""
        self._what = what
        self._figures = Counter(dict.fromkeys(("cases", "lost", "wrong", "left_over"), 0))
        self._told: list[str] = []

    def __getitem__(self, figure: str) -> int:
        return self._figures[figure]

    def count(self, figure: str = "cases", by: int = 1) -> None:
        """Raise a figure."""
        self._figures[figure] += by

    def found(self, figure: str, case: object, what: Iterable[object]) -> None:
        """Count each of `what` as lost, wrong or left over."""
        for one in what:
            self._figures[figure] += 1
            if len(self._told) < _SHOWN:
                self._told.append(f"{figure} in {case}: {one}")

    @contextmanager
    def case(self, case: object) -> Iterator[None]:
        """A case whose assertions count as wrong where they fail."""
        try:
            yield
        except AssertionError as error:
            self.found("wrong", case, [error])

    def compare(self, project: Project, whole: Mapping[str, bytes], case: object) -> None:
        """See whether an output folder is what an undisturbed run makes, and holds nothing else."""
        found = project.tsvs()
        for name in sorted({*found, *whole}):
            has, should = found.get(name, b""), whole.get(name, b"")
            if has != should:
                lines, wanted = Counter(has.splitlines()), Counter(should.splitlines())
                self.found("lost", case, [f"{name}: {line!r}" for line in wanted - lines])
                self.found("wrong", case, [f"{name}: {line!r}" for line in lines - wanted])
                if lines == wanted:
                    self.found("wrong", case, [f"{name}: another order or other line ends"])
        self.found("left_over", case, left_over(project))

    def computed_once(self, project: Project, case: object) -> None:
        """See whether nothing was asked again that had been committed."""
        again = project.state(
            "SELECT tsv, start, reason FROM attempts JOIN series ON id = series WHERE NOT failed"
            " GROUP BY series, start, reason HAVING COUNT(*) > 1"
        )
        self.found("wrong", case, [f"computed twice: {row}" for row in again])

    def compare_points(self, found: Points, expected: Points, case: object) -> None:
        """See whether exactly these datapoints are stored."""
        self.found("lost", case, [f"the datapoint {key}" for key in expected.keys() - found.keys()])
        others = [key for key, value in found.items() if expected.get(key) != value]
        self.found("wrong", case, [f"the datapoint {key}: {found[key]}" for key in others])

    def settle(self) -> None:
        """Leave the figures; fails if anything was lost, wrong or left over."""
        record(self._what, **self._figures)
        assert self._figures["cases"], "nothing was tried"
        assert not self._told, "\n".join(self._told)


def left_over(project: Project) -> list[str]:
    """What a finished run should not leave: files of no use, results and datapoints on their way."""
    state = project.output / ".reportupdater"
    known = {state / name for name in _STATE}
    files = [
        str(path.relative_to(project.output))
        for path in project.output.rglob("*")
        if not path.is_dir()
        and path not in known
        and path.parent != state / "locks"
        and (path.suffix != ".tsv" or path.name.startswith("."))
        and ".damaged-" not in path.name  # set aside for a person to look at
    ]
    rows = project.state(
        "SELECT 'in the journal', count(*) FROM journal"
        " UNION ALL SELECT 'in the outbox', count(*) FROM outbox"
        " UNION ALL SELECT 'marks', count(*) FROM marks"
    )
    return files + [f"{count} {where}" for where, count in rows if count]


def partly(project: Project, before: Mapping[str, bytes], whole: Mapping[str, bytes]) -> list[str]:
    """What is not as it may be after a run that stopped: each TSV as before, or further, never torn."""
    wrong = []
    found = project.tsvs()
    for name in sorted({*found, *before}):
        has, had, should = (
            set(tsvs.get(name, b"").splitlines()) for tsvs in (found, before, whole)
        )
        if not found.get(name, b"").endswith(b"\n"):
            wrong.append(f"{name} is gone or torn: {found.get(name, b'')[-80:]!r}")
        wrong += [f"{name}: {line!r}" for line in has - had - should]
        wrong += [f"{name} has {line!r} no more" for line in (had & should) - has]
    return wrong
