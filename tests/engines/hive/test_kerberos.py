"""Tickets: what the engine says of them before a run, and servers that ask for one."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from reportupdater.engines.hive import kerberos
from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.engines.hive.engine import HiveEngine
from reportupdater.engines.hive.session import HiveSession
from reportupdater.errors import ConnectionFailed
from tests.engines.hive.asking import ENTRY, answer, failure, stopped
from tests.engines.tasks import sql_task
from tests.helpers import patient, wait_until
from tests.servers.balancer import balanced
from tests.servers.kerberos import Realm
from tests.servers.spark import Spark, running_spark

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def strict(realm: Realm) -> Iterator[Spark]:
    """A server that lets in who has a ticket, and encrypts."""
    with running_spark({"hive.server2.thrift.sasl.qop": "auth-conf"}, realm) as server:
        yield server


@pytest.fixture
def no_ticket(realm: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The realm, without a ticket."""
    for name, text in realm.environment.items():
        monkeypatch.setenv(name, text)


@pytest.fixture
def ticket(
    realm: Realm, no_ticket: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Gets a ticket that is good for so long."""

    def get(lifetime: str = "1h") -> None:
        path = tmp_path / "ccache"
        realm.ticket(path, lifetime)
        monkeypatch.setenv("KRB5CCNAME", f"FILE:{path}")

    return get


def preflight(entry: HiveDatabase, engine: HiveEngine | None = None) -> ConnectionFailed | None:
    """What the engine says before it connects to anything."""
    try:
        (engine or HiveEngine()).server(sql_task(entry, "SELECT 1"))
    except ConnectionFailed as error:
        return error
    return None


def test_a_ticket_lets_in(strict: Spark, ticket: Callable[..., None]) -> None:
    ticket()
    entry = strict.entry(auth="KERBEROS")
    assert preflight(entry) is None
    assert answer(entry, "current_user()") == "reports"
    long = "x" * 200_000  # more than one wrapped message may hold
    assert answer(entry, f"length('{long}')") == "200000"


def test_a_keytab_in_the_environment_lets_in(
    strict: Spark, realm: Realm, no_ticket: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", str(realm.user_keytab))
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/ccache")
    entry = strict.entry(auth="KERBEROS")
    assert preflight(entry) is None
    assert answer(entry) == "2"


def test_no_ticket_is_told_once_and_nobody_is_asked(no_ticket: None) -> None:
    entry = replace(ENTRY, auth="KERBEROS", host="nowhere.invalid")
    engine = HiveEngine()
    first, second = preflight(entry, engine), preflight(replace(entry, port=1), engine)
    assert first is not None
    assert first.what.startswith("there is no Kerberos ticket that is good: No Kerberos cred")
    assert first.hint == "get one with kinit, or name a keytab in KRB5_CLIENT_KTNAME"
    assert str(first) == str(second)
    assert preflight(ENTRY, engine) is None


def test_a_ticket_that_has_ended_is_no_ticket(ticket: Callable[..., None]) -> None:
    ticket("1s")
    wait_until(lambda: preflight(replace(ENTRY, auth="KERBEROS")) is not None)
    error = preflight(replace(ENTRY, auth="KERBEROS"))
    assert error is not None
    assert error.what == "there is no Kerberos ticket that is good: it has ended"
    assert "kinit" in error.hint


@pytest.mark.parametrize("client", ["pyhive", "cli"])
def test_a_ticket_that_ends_soon_is_told_once(
    ticket: Callable[..., None], caplog: pytest.LogCaptureFixture, client: str
) -> None:
    ticket("5m")
    engine = HiveEngine()
    entry = replace(ENTRY, auth="KERBEROS", client=client, command=("hive",))
    for _ in range(3):
        assert preflight(entry, engine) is None
    [record] = caplog.records
    assert re.fullmatch(
        r"the Kerberos ticket of reports@EXAMPLE\.ORG ends in \d{3} s: kinit gets a new one",
        record.getMessage(),
    )
    caplog.clear()
    assert preflight(replace(entry, kerberos_min_lifetime=60)) is None
    assert not caplog.records


def test_the_ticket_is_looked_at_once_a_run(
    ticket: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket()
    looks = 0

    def look() -> kerberos.Ticket:
        nonlocal looks
        looks += 1
        return kerberos.Ticket("reports@EXAMPLE.ORG", 3600)

    monkeypatch.setattr(kerberos, "ticket", look)
    engine = HiveEngine()
    for _ in range(5):
        assert preflight(replace(ENTRY, auth="KERBEROS"), engine) is None
    assert looks == 1


def test_a_package_that_is_missing_is_told(
    ticket: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    error = preflight(replace(ENTRY, auth="KERBEROS"))
    assert error is not None
    assert "reportupdater[kerberos]" in error.hint
    assert preflight(replace(ENTRY, auth="KERBEROS", client="cli", command=("hive",))) is None


def test_a_library_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kerberos, "_LIBRARY", "libnothing.so.9")
    error = preflight(replace(ENTRY, auth="KERBEROS"))
    assert error is not None
    assert "libnothing.so.9" in error.what
    assert "libgssapi-krb5-2" in error.hint


def test_a_ticket_that_ends_during_the_run_is_told_at_the_login(
    strict: Spark, no_ticket: None, ticket: Callable[..., None]
) -> None:
    entry = strict.entry(auth="KERBEROS")
    error = failure(entry)
    assert "No Kerberos credentials available" in error.what
    assert "kinit" in error.hint
    assert not error.retry
    ticket("1s")
    wait_until(lambda: preflight(entry) is not None)
    error = failure(entry)
    assert "expired" in error.what
    assert "kinit" in error.hint
    assert not error.retry


def test_a_wrong_service_name_is_told(strict: Spark, ticket: Callable[..., None]) -> None:
    ticket()
    error = failure(strict.entry(auth="KERBEROS", kerberos_service_name="hdfs"))
    assert "Server hdfs/localhost@EXAMPLE.ORG not found in Kerberos database" in error.what
    assert "`kerberos_service_name`" in error.hint
    assert not error.retry


def test_behind_a_balancer_the_host_of_the_principal_has_a_key_of_its_own(
    strict: Spark, ticket: Callable[..., None]
) -> None:
    ticket()
    with balanced([strict.port]) as port:
        entry = strict.entry(auth="KERBEROS", host="127.0.0.1", port=port)
        error = failure(entry)
        assert error.what.startswith(f"cannot log in on 127.0.0.1:{port}: ")
        assert "hive/127.0.0.1@EXAMPLE.ORG not found in Kerberos database" in error.what
        assert "`kerberos_host`" in error.hint
        assert not error.retry
        assert answer(replace(entry, kerberos_host="localhost"), "current_user()") == "reports"


def test_a_server_that_wants_a_ticket_says_so(strict: Spark) -> None:
    error = failure(strict.entry(auth="NONE"))
    assert error.what.endswith("Unsupported mechanism type PLAIN")
    assert "hive.server2.authentication" in error.hint
    assert not error.retry


def test_a_query_is_cancelled_with_a_ticket(strict: Spark, ticket: Callable[..., None]) -> None:
    ticket()
    with closing(HiveSession(strict.entry(auth="KERBEROS"))) as session:
        error, seconds = stopped(strict, session, session.cancel)
    assert isinstance(error, ConnectionFailed)
    assert seconds < patient(3)
    wait_until(lambda: strict.running() == [])
