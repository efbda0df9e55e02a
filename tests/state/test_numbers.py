"""The revisions of datapoints: whatever happens, no receiver is given two values for one time."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from reportupdater.model import Datapoint
from reportupdater.state import numbers, outbox
from reportupdater.state.database import State
from reportupdater.state.forgetting import forget_destination
from tests.faults.soak import cases

HERE = "http://metrics1.example.org:9090/api/v1/write"
KEYS = ("n", 'n{wiki="enwiki"}')
DAY = 86_400

keys = st.sampled_from(KEYS)
days = st.integers(0, 6)
values = st.sampled_from(("1", "2", "3", "2.0", "NaN"))


class Revisions(RuleBasedStateMachine):
    """A receiver that notes every time it was given, and a state that puts, asks, sends, is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.state = State(self.folder).__enter__()
        self.given: dict[tuple[str, int, int], float] = {}
        """Key, moment, revision → value: NaN counts as -1."""
        self.wanted: dict[tuple[str, int], str] = {}

    def teardown(self) -> None:
        self.deliver()
        for (key, at), value in self.wanted.items():
            newest = max((n for k, t, n in self.given if (k, t) == (key, at)), default=None)
            if newest is None:
                assert value == "NaN"  # there was nothing to empty
            else:
                assert self.given[key, at, newest] == number(value)
        self.state.__exit__()
        shutil.rmtree(self.folder)

    @rule(key=keys, some=st.lists(st.tuples(days, values), min_size=1, max_size=4))
    def put(self, key: str, some: list[tuple[int, str]]) -> None:
        """Results come, of new dates or again, in any order."""
        points = [Datapoint(key, value, day * DAY) for day, value in dict(some).items()]
        with self.state.transaction() as connection:
            numbered, unknown = numbers.number(connection, HERE, points, new_from=None)
            unknown = [point._replace(revision=None) for point in unknown]
            outbox.put(connection, HERE, "n.tsv", [*numbered, *unknown])
        self.wanted |= {(key, day * DAY): value for day, value in dict(some).items()}

    @rule(key=keys)
    def resend(self, key: str) -> None:
        """All that the rows have of a key is made again, and the receiver is asked for it."""
        points = [
            Datapoint(key, value, at, None) for (k, at), value in self.wanted.items() if k == key
        ]
        with self.state.transaction() as connection:
            outbox.put(connection, HERE, "n.tsv", points)

    @rule(most=st.integers(1, 5))
    def send(self, most: int) -> None:
        """A batch is sent, or what is not known of it asked for."""
        batch = outbox.batch(self.state, HERE, most)
        if not batch.points:
            return
        unknown = [point for point in batch.points if point.revision is None]
        if unknown:
            self.ask(unknown)
            return
        for point in batch.points:
            self.take(point)
        outbox.acknowledge(self.state, HERE, batch)

    @rule(most=st.integers(1, 5))
    def send_and_be_killed(self, most: int) -> None:
        """The receiver reads a batch, and the sender does not live to note that."""
        for point in outbox.batch(self.state, HERE, most).points:
            if point.revision is not None:
                self.take(point)

    @rule(key=keys, day=days, value=st.sampled_from(("7", "8")))
    def another_writes(self, key: str, day: int, value: str) -> None:
        """Another sender has written the next revision; a resend puts that right."""
        at = day * DAY
        if any(point.key == key and point.timestamp == at for point in self.pending()):
            return
        newest = max((n for k, t, n in self.given if (k, t) == (key, at)), default=-1)
        self.given[key, at, newest + 1] = float(value)
        with self.state.transaction() as connection:
            wanted = self.wanted.setdefault((key, at), "NaN")
            outbox.put(connection, HERE, "n.tsv", [Datapoint(key, wanted, at, None)])

    @rule()
    def lose(self) -> None:
        """The state is lost; what is pending is made again of the rows."""
        self.state.__exit__()
        shutil.rmtree(self.folder / ".reportupdater")
        self.state = State(self.folder).__enter__()
        for key in KEYS:
            self.resend(key)

    @rule()
    def deliver(self) -> None:
        """Send until nothing is pending."""
        while self.pending():
            self.send(100)

    def pending(self) -> list[Datapoint]:
        return outbox.batch(self.state, HERE, 1000).points

    def ask(self, points: list[Datapoint]) -> None:
        since: dict[str, int] = {}
        for point in points:
            since[point.key] = min(point.timestamp, since.get(point.key, point.timestamp))
        there: dict[str, dict[int, tuple[int, float]]] = {}
        for (key, at, revision), value in sorted(self.given.items()):
            if at >= since.get(key, 10**12):
                there.setdefault(key, {})[at] = revision, value if value >= 0 else float("nan")
        with self.state.transaction() as connection:
            numbers.resolve(connection, HERE, since, there)

    def take(self, point: Datapoint) -> None:
        assert point.revision is not None
        place = point.key, point.timestamp, point.revision
        value = number(point.value)
        assert self.given.setdefault(place, value) == value, (point, self.given)

    @invariant()
    def newest_is_higher(self) -> None:
        """Nothing is pending under a revision that an older value may have."""
        for point in self.pending():
            if point.revision is not None:
                newest = max(
                    (n for k, t, n in self.given if (k, t) == (point.key, point.timestamp)),
                    default=-1,
                )
                assert point.revision >= newest


def number(value: str) -> float:
    return -1.0 if value == "NaN" else float(value)


def test_no_time_is_given_two_values_and_the_newest_value_wins() -> None:
    run_state_machine_as_test(
        Revisions,
        settings=settings(max_examples=cases(60, 20_000), stateful_step_count=30, deadline=None),
    )


def test_without_a_way_to_ask_only_the_newest_is_taken_for_new(tmp_path: Path) -> None:
    with State(tmp_path) as state, state.transaction() as connection:
        points = [Datapoint("n", "1", day * DAY) for day in range(4)]
        numbered, unknown = numbers.number(connection, HERE, points, new_from=3 * DAY)
        assert (numbered, unknown) == ([points[3]], points[:3])
        numbered, unknown = numbers.number(connection, HERE, points, new_from=4 * DAY)
        assert (numbered, unknown) == ([points[3]._replace(revision=1)], points[:3])
        numbered, unknown = numbers.number(connection, HERE, points, new_from=numbers.EVER)
        assert not unknown
        assert [point.revision for point in numbered] == [1, 1, 1, 2]


def test_numbers_outlive_a_destination_that_is_forgotten(tmp_path: Path) -> None:
    with State(tmp_path) as state:
        with state.transaction() as connection:
            numbers.number(connection, HERE, [Datapoint("n", "1", 0)], new_from=numbers.EVER)
        forget_destination(state, HERE)
        with state.transaction() as connection:
            found = numbers.number(connection, HERE, [Datapoint("n", "2", 0)], new_from=None)
        assert found == ([Datapoint("n", "2", 0, 1)], [])
