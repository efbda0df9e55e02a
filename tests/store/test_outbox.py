"""The outbox: what is owed, at which version, how often, and that an old value never wins."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from reportupdater.model import Datapoint
from reportupdater.store import outbox
from reportupdater.store.outbox import Owed
from reportupdater.store.state import State

HERE, THERE = "graphite.example.org:2003", "other.example.org:2003"
A = Datapoint("edits.daily", "1", 1735689600)
B = Datapoint("edits.daily", "1", 1735776000)


def changed(value: str, point: Datapoint = A) -> Datapoint:
    return Datapoint(point.path, value, point.timestamp)


def put(state: State, *points: Datapoint, destination: str = HERE) -> None:
    with state.transaction() as connection:
        outbox.put(connection, destination, points)


def batch(state: State, destination: str = HERE) -> list[Owed]:
    return outbox.batch(state, destination, 100)


def values(state: State, destination: str = HERE) -> list[str]:
    return [one.point.value for one in batch(state, destination)]


def sendings(state: State) -> int:
    """How many sendings, all of them read, settle what is owed."""
    for number in range(10):
        owed = batch(state)
        if not owed:
            return number
        outbox.acknowledge(state, HERE, owed)
    raise AssertionError("it is never settled")


def test_what_is_put_is_owed_until_it_is_acknowledged(state: State) -> None:
    put(state, A, B)
    owed = batch(state)
    assert [one.point for one in owed] == [A, B]
    assert outbox.waiting(state, HERE) == 2
    outbox.acknowledge(state, HERE, owed[:1])
    assert [one.point for one in batch(state)] == [B]
    outbox.acknowledge(state, HERE, owed[1:])
    assert outbox.waiting(state, HERE) == 0


def test_a_batch_has_no_more_points_than_it_may(state: State) -> None:
    put(state, A, B)
    assert len(outbox.batch(state, HERE, 1)) == 1


def test_destinations_are_owed_apart(state: State) -> None:
    put(state, A)
    put(state, changed("2"), destination=THERE)
    outbox.acknowledge(state, HERE, batch(state))
    assert (values(state), values(state, THERE)) == ([], ["2"])
    assert (outbox.waiting(state, HERE), outbox.waiting(state, THERE)) == (0, 1)


def test_a_point_that_is_put_again_is_owed_once_with_its_last_value(state: State) -> None:
    put(state, A, changed("2"))
    put(state, changed("3"))
    assert values(state) == ["3"]
    assert sendings(state) == 1


def test_a_transaction_that_is_rolled_back_leaves_nothing_owed(state: State) -> None:
    with suppress(ZeroDivisionError), state.transaction() as connection:
        outbox.put(connection, HERE, [A])
        raise ZeroDivisionError
    assert batch(state) == []


def test_what_was_replaced_while_it_was_sent_stays_owed(state: State) -> None:
    put(state, A)
    sent = batch(state)
    put(state, changed("2"))
    outbox.acknowledge(state, HERE, sent)
    assert values(state) == ["2"]
    assert sendings(state) == 1


def test_an_old_acknowledgement_does_not_settle_the_same_value_put_again(state: State) -> None:
    put(state, A)
    sent = batch(state)
    put(state, changed("2"))
    put(state, A)
    outbox.acknowledge(state, HERE, sent)
    assert values(state) == ["1"]


def test_a_value_in_doubt_that_does_not_change_is_sent_once_more(state: State) -> None:
    put(state, A)
    outbox.doubt(state, HERE, batch(state))
    put(state, A)
    assert sendings(state) == 1


def test_a_value_that_replaces_one_in_doubt_is_sent_twice(state: State) -> None:
    put(state, A, B)
    outbox.doubt(state, HERE, batch(state)[:1])
    put(state, changed("2"), changed("2", B))
    owed = batch(state)
    outbox.acknowledge(state, HERE, owed)
    assert [one.point for one in batch(state)] == [changed("2")]
    assert sendings(state) == 1


def test_a_value_that_was_replaced_while_its_sending_failed_is_sent_twice(state: State) -> None:
    put(state, A)
    sent = batch(state)
    put(state, changed("2"))
    outbox.doubt(state, HERE, sent)
    assert sendings(state) == 2


def test_doubt_lasts_over_any_number_of_values_and_failures(state: State) -> None:
    put(state, A)
    for value in ("2", "3", "4"):
        outbox.doubt(state, HERE, batch(state))
        put(state, changed(value))
    outbox.doubt(state, HERE, batch(state))
    assert values(state) == ["4"]
    assert sendings(state) == 2


def test_doubt_of_what_is_owed_to_another_changes_nothing(state: State) -> None:
    put(state, A)
    put(state, A, destination=THERE)
    outbox.doubt(state, THERE, batch(state, THERE))
    put(state, changed("2"))
    assert sendings(state) == 1


def test_what_was_replaced_after_its_sender_was_killed_is_sent_twice(output: Path) -> None:
    with State(output) as state:
        put(state, A)
        outbox.begin(state, HERE)
        batch(state)
    with State(output) as state:
        put(state, changed("2"))
        put(state, A, destination=THERE)
        outbox.begin(state, THERE)
        outbox.begin(state, HERE)
        assert sendings(state) == 2


def test_after_a_sender_that_ended_in_peace_all_is_sent_once(output: Path) -> None:
    with State(output) as state:
        put(state, A)
        outbox.begin(state, HERE)
        outbox.end(state, HERE)
    with State(output) as state:
        outbox.begin(state, HERE)
        assert sendings(state) == 1


def test_the_metrics_that_a_destination_has_got_are_known(state: State) -> None:
    other = Datapoint("views.daily", "1", 1735689600)
    put(state, A, B, other)
    put(state, other, destination=THERE)
    outbox.doubt(state, HERE, batch(state))
    assert outbox.sent_metrics(state.output, HERE) == set()
    outbox.acknowledge(state, HERE, [one for one in batch(state) if one.point != other])
    assert outbox.sent_metrics(state.output, HERE) == {"edits.daily"}
    assert outbox.sent_metrics(state.output, THERE) == set()


PATHS = st.sampled_from("ab")


class OutboxAgainstAnyGraphite(RuleBasedStateMachine):
    """Sendings fail, and what they have left on the way is read whenever that hurts most.

    It is read before the second sending that is acknowledged after it, or never: the rule that the
    outbox counts on. Processes are killed while they send.
    """

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self._wanted: dict[str, str] = {}
        self._stored: dict[str, str] = {}
        self._late: list[tuple[Datapoint, list[int]]] = []
        self._sending: list[Owed] | None = None
        self._begun = False

    @initialize()
    def _open(self) -> None:
        self._folder = Path(self._stack.enter_context(TemporaryDirectory()))
        self._state = State(self._folder)

    def _read(self, points: Sequence[Datapoint]) -> None:
        self._stored.update((point.path, point.value) for point in points)

    @rule(path=PATHS, value=st.sampled_from("123"))
    def commit(self, path: str, value: str) -> None:
        put(self._state, Datapoint(path, value, 0))
        self._wanted[path] = value

    @precondition(lambda self: self._sending is None)
    @rule(most=st.integers(1, 2))
    def send(self, most: int) -> None:
        if not self._begun:
            outbox.begin(self._state, HERE)
            self._begun = True
        self._sending = outbox.batch(self._state, HERE, most) or None

    @precondition(lambda self: self._sending is not None)
    @rule()
    def succeed(self) -> None:
        sent, self._sending = self._sending or [], None
        points = [one.point for one in sent]
        paths = {point.path for point in points}
        self._late = [
            (point, acknowledged)
            for point, acknowledged in self._late
            if point.path not in paths or not acknowledged[0]
        ]
        self._read(points)
        for point, acknowledged in self._late:
            if point.path in paths:
                acknowledged[0] += 1
                self._read([point])  # the worst that can be
        outbox.acknowledge(self._state, HERE, sent)
        if not outbox.waiting(self._state, HERE):
            assert self._stored == self._wanted

    @precondition(lambda self: self._sending is not None)
    @rule(killed=st.booleans())
    def fail(self, killed: bool) -> None:
        sent, self._sending = self._sending or [], None
        self._late += [(one.point, [0]) for one in sent]
        if not killed:
            outbox.doubt(self._state, HERE, sent)
            return
        self._state.__exit__(None, None, None)
        self._state = State(self._folder)
        self._begun = False

    def teardown(self) -> None:
        try:
            if self._wanted:
                self._settle()
        finally:
            self._state.__exit__(None, None, None)
            self._stack.close()

    def _settle(self) -> None:
        for _ in range(20):
            if self._sending is None:
                self.send(2)
            if self._sending is None:
                break
            self.succeed()
        assert self._stored == self._wanted


OutboxAgainstAnyGraphite.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None
)
TestAnOldValueNeverWins = OutboxAgainstAnyGraphite.TestCase
