"""The outbox: what is owed, at which version, how often, and that an old value never wins."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from reportupdater.model import Datapoint
from reportupdater.state import outbox
from reportupdater.state.database import State
from reportupdater.state.outbox import Batch
from tests.making import cells

HERE, THERE = "graphite://graphite.example.org:2003", "graphite://other.example.org:2003"
A = Datapoint("edits.daily", "1", 1735689600)
B = Datapoint("edits.daily", "1", 1735776000)


POINTS = st.builds(Datapoint, cells, cells, st.integers(0, 2**40), st.none() | st.integers(0, 990))


def changed(value: str, point: Datapoint = A) -> Datapoint:
    return Datapoint(point.key, value, point.timestamp)


def put(state: State, *points: Datapoint, destination: str = HERE) -> None:
    with state.transaction() as connection:
        outbox.put(connection, destination, "edits.tsv", points)


def batch(state: State, destination: str = HERE, most: int = 100) -> Batch:
    return outbox.batch(state, destination, most)


def owed(state: State, destination: str = HERE) -> list[Datapoint]:
    return batch(state, destination).points


def values(state: State, destination: str = HERE) -> list[str]:
    return [point.value for point in owed(state, destination)]


def sendings(state: State) -> int:
    """How many sendings, all of them read, settle what is owed."""
    for number in range(10):
        next_one = batch(state)
        if not next_one.points:
            return number
        outbox.acknowledge(state, HERE, next_one)
    raise AssertionError("it is never settled")


def test_what_is_put_is_owed_until_it_is_acknowledged(state: State) -> None:
    put(state, A, B)
    assert owed(state) == [A, B]
    assert outbox.waiting(state, HERE) == 2
    outbox.acknowledge(state, HERE, batch(state, most=1))
    assert owed(state) == [B]
    outbox.acknowledge(state, HERE, batch(state))
    assert outbox.waiting(state, HERE) == 0


def test_a_batch_has_no_more_points_than_it_may(state: State) -> None:
    put(state, A, B)
    assert batch(state, most=1).points == [A]


@given(st.lists(POINTS, max_size=6))
def test_a_batch_has_what_was_put_whatever_it_holds(points: list[Datapoint]) -> None:
    last: dict[tuple[str, int], Datapoint] = {}
    for point in points:
        place = point.key, point.timestamp
        # What is to be asked for stays so, whatever its value.
        is_asked = place in last and last[place].revision is None
        last[place] = point._replace(revision=None) if is_asked else point
    with TemporaryDirectory() as folder, State(Path(folder)) as state:
        put(state, *points)
        assert {*owed(state)} == {*last.values()}
        if points:
            outbox.acknowledge(state, HERE, batch(state))
        assert owed(state) == []


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
        outbox.put(connection, HERE, "edits.tsv", [A])
        raise ZeroDivisionError
    assert owed(state) == []


def test_what_was_replaced_while_it_was_sent_stays_owed(state: State) -> None:
    put(state, A)
    sent = batch(state)
    put(state, changed("2"))
    outbox.acknowledge(state, HERE, sent)
    assert values(state) == ["2"]
    assert sendings(state) == 1


def test_what_comes_between_the_points_of_a_batch_is_not_settled_with_them(state: State) -> None:
    put(state, A, B)
    sent = batch(state)
    between = Datapoint(A.key, "1", A.timestamp + 1)
    put(state, between)
    outbox.acknowledge(state, HERE, sent)
    assert owed(state) == [between]


def test_what_comes_between_points_in_doubt_is_sent_all_the_same(state: State) -> None:
    put(state, A, B)
    sent = batch(state)
    put(state, Datapoint(A.key, "1", A.timestamp + 1))
    outbox.doubt(state, HERE, sent)
    assert len(owed(state)) == 3
    assert sendings(state) <= 2


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
    outbox.doubt(state, HERE, batch(state, most=1))
    put(state, changed("2"), changed("2", B))
    outbox.acknowledge(state, HERE, batch(state))
    assert owed(state) == [changed("2")]
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
    outbox.acknowledge(state, HERE, batch(state, most=2))
    assert outbox.sent_metrics(state.output, HERE) == {"edits.daily"}
    assert outbox.sent_metrics(state.output, THERE) == set()


PATHS = st.sampled_from("abc")


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
        self._sending: Batch | None = None
        self._begun = False

    @initialize()
    def _open(self) -> None:
        self._folder = Path(self._stack.enter_context(TemporaryDirectory()))
        self._state = State(self._folder)

    def _read(self, points: Sequence[Datapoint]) -> None:
        self._stored.update((point.key, point.value) for point in points)

    @rule(path=PATHS, value=st.sampled_from("123"))
    def commit(self, path: str, value: str) -> None:
        put(self._state, Datapoint(path, value, 0))
        self._wanted[path] = value

    @precondition(lambda self: self._sending is None)
    @rule(most=st.integers(1, 3))
    def send(self, most: int) -> None:
        if not self._begun:
            outbox.begin(self._state, HERE)
            self._begun = True
        found = outbox.batch(self._state, HERE, most)
        self._sending = found if found.points else None

    def _ended(self) -> Batch:
        assert self._sending
        sent, self._sending = self._sending, None
        return sent

    @precondition(lambda self: self._sending is not None)
    @rule()
    def succeed(self) -> None:
        sent = self._ended()
        paths = {point.key for point in sent.points}
        self._late = [
            (point, acknowledged)
            for point, acknowledged in self._late
            if point.key not in paths or not acknowledged[0]
        ]
        self._read(sent.points)
        for point, acknowledged in self._late:
            if point.key in paths:
                acknowledged[0] += 1
                self._read([point])  # the worst that can be
        outbox.acknowledge(self._state, HERE, sent)
        if not outbox.waiting(self._state, HERE):
            assert self._stored == self._wanted

    @precondition(lambda self: self._sending is not None)
    @rule(killed=st.booleans())
    def fail(self, killed: bool) -> None:
        sent = self._ended()
        self._late += [(point, [0]) for point in sent.points]
        if not killed:
            outbox.doubt(self._state, HERE, sent)
            return
        self._state.__exit__(None, None, None)
        self._state = State(self._folder)
        self._begun = False

    def teardown(self) -> None:
        try:
            if self._wanted:
                self._take_outcome()
        finally:
            self._state.__exit__(None, None, None)
            self._stack.close()

    def _take_outcome(self) -> None:
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
