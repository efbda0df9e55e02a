"""Stores that end, hang, start again and merge, and runs that are killed: each point is there, corrected.

On servers of the tests' own, which are treated badly. Others are in tests/delivery/test_stores.py.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.stores import DAYS, Sending, label, moment
from tests.faults.failing import Failing, Fault, failing
from tests.faults.soak import cases, record
from tests.servers.certificates import authority, openssl, signed
from tests.servers.stores import STORES, Prometheus, Store, running

pytestmark = pytest.mark.long


__all__ = ["failing"]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with running(STORES[request.param]) as server:
        yield server


@pytest.fixture
def one(store: Store, tmp_path: Path) -> Sending:
    keys = store.section.replace("{", "{drain_timeout: 5, ", 1)
    return Sending(store, tmp_path, section=keys)


def brought_back(one: Sending) -> None:
    """Bring back what a store lost that was killed: VictoriaMetrics writes to its disk after seconds."""
    if not one.store.shows_emptied:
        one.store.flush()
        values = one.values
        lost = any(values.get(at) != value for at, value in one.wanted.items())
        one.call("verify", "--resend", code=int(lost))


def test_corrections_outlive_restarts_merges_and_compaction(one: Sending) -> None:
    one.run()
    for add in (100, -100, 50):
        one.gives(add)
        one.again(0, DAYS)
        one.store.restart(kill=add == -100)
        if add == -100:
            brought_back(one)
        one.is_whole()
        one.store.merge()
        one.is_whole()
    assert "6 equal, 0 missing" in one.said_by_verify()


def test_an_outage_holds_up_nothing_and_loses_nothing(one: Sending) -> None:
    one.store.stop()
    said = one.run(code=1)
    assert "waiting: 6 datapoints" in said
    assert "refused the connection" in said
    one.gives(1)
    one.again(1, 3, code=1)
    one.store.start()
    one.run()
    one.is_whole()


def test_a_store_that_hangs_is_given_up_and_goes_on(one: Sending) -> None:
    one.run()
    one.gives(1)
    one.call("rerun", "--since", label(1), "--until", label(4))
    one.store.pause()
    began = time.monotonic()
    with one.project.started(now=None) as run:
        run.says("waiting: ")
        assert time.monotonic() - began < 60
        one.store.resume()
        run.ended(1)
    one.run()
    one.is_whole()


@pytest.mark.parametrize("window", ["0s", "2d"])
def test_what_is_older_than_the_window_is_reported_and_takes_nothing_with_it(
    tmp_path: Path, window: str
) -> None:
    with running(Prometheus, window=window) as store:
        newer = Sending(store, tmp_path / "newer")
        newer.run()  # oldest first: all of it is taken
        newer.is_whole()
        newer.gives(1)
        said = newer.again(0, DAYS, code=1)
        assert "will never be taken by http://127.0.0.1:" in said
        assert "or write older values by `export`" in said
        assert newer.project.state("SELECT count(*) FROM outbox") == [(0,)]
        lacking = newer.project.state("SELECT first, last FROM unsent")
        assert lacking[0][0] == label(0)
        assert newer.values[moment(DAYS - 1)] == newer.wanted[moment(DAYS - 1)]
        assert newer.values[moment(0)] == newer.wanted[moment(0)] - 1
        newer.run()  # it is not tried for ever
        status = newer.project.call("status", newer.project.output, code=0).stdout
        assert "prometheus" in status


def test_history_goes_in_as_blocks_and_later_corrections_win(tmp_path: Path) -> None:
    with running(Prometheus, window="2d") as store:
        section = store.section.replace("{", "{max_age: 2d, ", 1)
        one = Sending(store, tmp_path, section=section)
        one.run()
        assert len(one.values) < DAYS
        file = tmp_path / "history.om"
        project = one.project
        project.call("export", "--openmetrics", project.folder, project.output, file)
        store.backfill(file)
        until = time.monotonic() + 120
        while one.values != one.wanted:
            assert time.monotonic() < until
            time.sleep(0.5)
        assert f"{DAYS} equal, 0 missing" in one.said_by_verify()
        one.gives(1)
        one.again(DAYS - 1, DAYS)
        one.is_whole()
        assert one.revisions(DAYS - 1) == [0, 1]
        # What is older than the window goes in through a new file.
        one.again(0, 2)
        project.call("export", "--openmetrics", project.folder, project.output, file)
        store.backfill(file)
        while one.values != one.wanted:
            assert time.monotonic() < until
            time.sleep(0.5)
        store.restart()
        one.is_whole()


def test_tls_passwords_and_certificates(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    folder.mkdir()
    authority(folder, "ca")
    signed(folder, "server", "IP:127.0.0.1")
    signed(folder, "client", "DNS:client")
    openssl(
        folder,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=o",
        "-keyout",
        "other.key",
        "-out",
        "other.pem",
    )
    creds = folder / "creds.cnf"
    creds.write_text("[client]\nuser = reports\npassword = pass word\n")
    # The hash of that password, as bcrypt makes it.
    (folder / "web.yml").write_text(
        f"tls_server_config: {{cert_file: {folder}/server.pem, key_file: {folder}/server.key,"
        f" client_ca_file: {folder}/ca.pem, client_auth_type: RequireAndVerifyClientCert}}\n"
        "basic_auth_users: {reports: '$2b$05$abcdefghijklmnopqrstuuIt/9/tGzLcigNq/.RWIDjeEVR30RSf.'}\n"
    )
    with running(Prometheus, web=folder) as store:
        files = f"ca_file: {folder}/ca.pem, cert_file: {folder}/client.pem, key_file: {folder}/client.key"
        files += f", creds_file: {creds}"
        one = Sending(store, tmp_path, section=store.section.replace("{", f"{{{files}, ", 1))
        one.run()
        one.is_whole()
        for wrong, what in (
            (files.replace("ca.pem", "other.pem"), "has a certificate that cannot be trusted"),
            (f"ca_file: {folder}/ca.pem, creds_file: {creds}", "TLS"),
            (files.partition(", creds")[0], "`creds_file` or `bearer_file`"),
            (files.replace("client.key", "nothing.key"), "`cert_file` cannot be used"),
        ):
            other = Sending(
                store,
                tmp_path / f"{len(what)}",
                section=store.section.replace("{", f"{{drain_timeout: 1, {wrong}, ", 1),
            )
            said = other.run(code=1)
            assert what in said, said
            assert "pass word" not in said


def test_runs_that_are_killed_at_any_call_send_nothing_wrong(
    one: Sending,
) -> None:
    """A run is killed at some moment of a correction; the next one goes on."""
    one.run()
    luck = random.Random(one.metric)
    for attempt in range(cases(6, 300)):
        one.gives(attempt + 1)
        one.call("rerun", "--since", label(1), "--until", label(5))
        with one.project.started(now=None) as run:
            time.sleep(luck.uniform(0.1, 0.6))
            run.kill()
        one.run()
        one.is_whole()
    record("kill -9 while what a store has is corrected", runs=2 * cases(6, 300), wrong=0)


STEPS = {
    "before a commit": Fault("kill", "sync", "*/state.sqlite-wal"),
    "within a commit": Fault("tear", "write", "*/state.sqlite-wal"),
    "after a commit": Fault("kill after", "sync", "*/state.sqlite-wal"),
    "between write and fsync of the TSV": Fault("kill", "sync", "*/.*.tsv*"),
    "after the TSV": Fault("kill after", "rename", "*/.*.tsv*"),
    "before a delivery": Fault("kill", "connect", "port"),
    "during a delivery": Fault("tear", "send", "port"),
    "after a delivery": Fault("kill after", "send", "port"),
    "between answer and acknowledgement": Fault("kill after", "receive", "port"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_is_killed_at_each_step_of_a_correction(
    one: Sending, failing: Failing, step: str
) -> None:
    one.run()
    for nth in range(1, cases(3, 200) + 1):
        one.gives(nth)
        one.call("rerun", "--since", label(1), "--until", label(5))
        fault = STEPS[step]._replace(nth=nth, port=one.store.port)
        through = failing.through(one.project.output, fault)
        with one.project.started(now=None, through=through) as run:
            run.process.wait(60)
            is_over = run.process.returncode == 0
        one.run()
        one.is_whole()
        if is_over:  # it has no such call any more
            assert nth > 1
            break


def test_anything_may_happen_in_any_order(one: Sending, tmp_path: Path) -> None:
    """Corrections, hand edits, kills, lost states, stores that end, hang and merge, in any order."""
    luck = random.Random(one.metric)
    one.run()
    one.is_shown()
    steps = cases(25, 2_000)
    add = 0

    def correct() -> None:
        nonlocal add
        add = luck.choice((add + 1, add - 1, add + 100, add - 100))
        one.gives(add)
        first = luck.randrange(DAYS)
        one.again(first, luck.randrange(first, DAYS) + 1)

    def empty() -> None:
        day = luck.randrange(DAYS)
        one.gives(add, where=f"'{{from_date}}' != '{label(day)}'")
        one.again(day, day + 1, "--allow-empty")

    def edit() -> None:
        tsv = one.project.tsv(one.report)
        lines = tsv.read_text().splitlines()
        at = luck.randrange(1, len(lines))
        lines[at] = lines[at].partition("\t")[0] + f"\t{luck.randrange(1000)}"
        tsv.write_text("\n".join(lines) + "\n")
        one.store.flush()
        one.call("resend")

    def kill() -> None:
        one.call("rerun", "--since", label(0), "--until", label(DAYS))
        one.gives(add + 7)
        with one.project.started(now=None) as run:
            time.sleep(luck.uniform(0.1, 0.5))
            run.kill()
        one.run()

    def lose() -> None:
        one.store.flush()  # each series has been shown by now
        shutil.rmtree(one.project.output / ".reportupdater")
        one.gives(add + luck.randrange(9))
        one.again(0, DAYS)

    def hang() -> None:
        one.store.pause()
        one.gives(add + 3)
        one.call("rerun", "--since", label(2), "--until", label(3))
        with one.project.started(now=None) as run:
            time.sleep(0.5)
            run.kill()
        one.store.resume()
        one.run()

    ways = [correct, correct, correct, empty, edit, kill, lose, hang]

    def kill_store() -> None:
        one.store.restart(kill=True)
        brought_back(one)

    ways += [one.store.merge, one.store.restart, kill_store]
    for _ in range(steps):
        luck.choice(ways)()
        emptied = {
            at
            for (points,) in one.project.state("SELECT points FROM emptied")
            for at in _moments(points)
        }
        shown = {at: value for at, value in one.values.items() if at not in emptied}
        assert shown == one.wanted
        assert one.store.shows_emptied is False or not emptied
    record("anything that happens to a store and its sender", cases=steps, wrong=0)


def _moments(points: str) -> set[int]:
    import json

    return {at for _, at in json.loads(points)} if points else set()
