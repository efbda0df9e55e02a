"""The client of remote write, with receivers whose answers the test decides on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cramjam
import pytest

from reportupdater.errors import ConnectionFailed
from reportupdater.model import Datapoint
from reportupdater.sinks.client import Sent
from reportupdater.sinks.prometheus.query import QueryApi
from reportupdater.sinks.prometheus.sink import Receiver
from reportupdater.web.access import Access
from tests.helpers import patient

Answer = tuple[int, str, dict[str, str]]
Decide = Callable[[bytes, dict[str, str]], Answer]
GOOD: Answer = (204, "", {})


@contextmanager
def answering(decide: Decide) -> Iterator[str]:
    """A server whose answers to bodies and headers are decided on; its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, text, headers = decide(body, dict(self.headers))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/v1/write"
    finally:
        server.shutdown()
        server.server_close()


def points(number: int) -> list[Datapoint]:
    return [Datapoint("n", str(day), day * 86_400) for day in range(number)]


def sent(url: str, some: list[Datapoint], access: Access | None = None) -> Sent:
    receiver = Receiver(url, access or Access(), url, None)
    try:
        return receiver.send(some)
    finally:
        receiver.close()


def holds(body: bytes, day: int) -> bool:
    """Whether a message has the value of a day."""
    import struct

    text = bytes(cramjam.snappy.decompress_raw(body))
    return b"\x09" + struct.pack("<d", float(day)) in text


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "out of bounds"),
        (500, "too old sample"),
        (400, "too old sample"),
        (422, "err-mimir-too-far-in-future"),
    ],
)
def test_what_is_refused_is_found_and_takes_no_others_with_it(status: int, text: str) -> None:
    stored: list[int] = []

    def decide(body: bytes, _: dict[str, str]) -> Answer:
        days = [day for day in range(100) if holds(body, day)]
        if 99 in days:
            return 400, "sample is too far in the future", {}
        if any(day < 37 for day in days):
            return status, text, {}
        stored.extend(days)
        return GOOD

    with answering(decide) as url:
        found = sent(url, points(100))
    refused = {int(one.point.value): one for one in found.refused}
    assert sorted(refused) == [*range(37), 99]
    assert all(text in refused[day].why and "export" in refused[day].hint for day in range(37))
    assert "too far in the future" in refused[99].why
    assert sorted(stored) == [*range(37, 99)]
    assert not found.taken
    assert not found.left


def test_a_time_that_is_taken_is_no_refusal() -> None:
    def decide(body: bytes, _: dict[str, str]) -> Answer:
        return (400, "duplicate sample for timestamp", {}) if holds(body, 3) else GOOD

    with answering(decide) as url:
        found = sent(url, points(8))
    assert [point.value for point in found.taken] == ["3"]
    assert not found.refused


def test_a_request_that_is_refused_as_a_whole_loses_nothing() -> None:
    asked = []

    def decide(body: bytes, _: dict[str, str]) -> Answer:
        asked.append(len(body))
        return 400, "snappy: corrupt input", {}

    with answering(decide) as url, pytest.raises(ConnectionFailed, match="corrupt input"):
        sent(url, points(5_000))
    assert len(asked) < 100


@pytest.mark.parametrize(
    ("status", "headers", "hint", "wait", "retry"),
    [
        (401, {}, "`creds_file` or `bearer_file`", 0, False),
        (403, {}, "`creds_file` or `bearer_file`", 0, False),
        (404, {}, "end like /api/v1/write", 0, False),
        (301, {"Location": "http://elsewhere.example.org/"}, "end like /api/v1/write", 0, False),
        (429, {"Retry-After": "17"}, "log", 17, True),
        (503, {"Retry-After": formatdate(time.time() + 86_400, usegmt=True)}, "log", 3600, True),
        (503, {"Retry-After": "soon"}, "log", 0, True),
        (502, {}, "log", 0, True),
        (500, {}, "log", 0, True),
    ],
)
def test_all_other_answers_are_failures(
    status: int, headers: dict[str, str], hint: str, wait: float, retry: bool
) -> None:
    with (
        answering(lambda *_: (status, "<html>\n\x1b[31mno</html>", headers)) as url,
        pytest.raises(ConnectionFailed) as failure,
    ):
        sent(url, points(3))
    error = failure.value
    assert f"answered {status}" in str(error)
    assert "\x1b" not in str(error)
    assert hint in error.hint
    assert error.wait == wait
    assert error.retry is retry


def test_credentials_are_sent_and_never_shown(tmp_path: Path) -> None:
    seen: list[str] = []

    def decide(_: bytes, headers: dict[str, str]) -> Answer:
        seen.append(headers.get("Authorization", ""))
        return 401, "no", {}

    creds, token = tmp_path / "creds.cnf", tmp_path / "token"
    creds.write_text("[client]\nuser=reports\npassword=s3cret\n")
    token.write_text("t0ken\n")
    with answering(decide) as url:
        for access in (Access(creds_file=creds), Access(bearer_file=token)):
            with pytest.raises(ConnectionFailed) as failure:
                sent(url, points(1), access)
            assert "s3cret" not in str(failure.value)
            assert "t0ken" not in str(failure.value)
        token.write_text("two words\n")
        with pytest.raises(ConnectionFailed, match="holds no token"):
            sent(url, points(1), Access(bearer_file=token))
        with pytest.raises(ConnectionFailed, match="No such file"):
            sent(url, points(1), Access(bearer_file=tmp_path / "none"))
    assert seen == ["Basic cmVwb3J0czpzM2NyZXQ=", "Bearer t0ken"]


def test_headers_of_the_settings_are_sent() -> None:
    seen: list[str] = []

    def decide(_: bytes, headers: dict[str, str]) -> Answer:
        seen.append(headers["X-Scope-OrgID"])
        return GOOD

    with answering(decide) as url:
        sent(url, points(1), Access(headers={"X-Scope-OrgID": "reports"}))
    assert seen == ["reports"]


def test_a_slow_answer_is_given_up_in_time_even_byte_by_byte() -> None:
    def decide(*_: object) -> Answer:
        time.sleep(3)
        return GOOD

    with answering(decide) as url:
        receiver = Receiver(url, Access(), url, None)
        began = time.monotonic()
        with pytest.raises(ConnectionFailed, match="did not answer within"):
            receiver.send(points(1), timeout=0.4)
        assert time.monotonic() - began < patient(2)
        receiver.close()


def test_what_there_was_no_time_for_is_left() -> None:
    def decide(body: bytes, _: dict[str, str]) -> Answer:
        if holds(body, 3):
            return 400, "sample is too far in the future", {}
        time.sleep(5)
        return GOOD

    with answering(decide) as url:
        receiver = Receiver(url, Access(), url, None)
        found = receiver.send(points(4), timeout=patient(1))
        receiver.close()
    assert [refused.point.value for refused in found.refused] == ["3"]
    assert sorted(point.value for point in found.left) == ["0", "1", "2"]


def test_a_connection_is_kept_and_made_again_when_the_server_has_ended_it() -> None:
    ports: list[str] = []

    def decide(*_: object) -> Answer:
        ports.append(threading.current_thread().name)
        return 204, "", {"Connection": "close"} if len(ports) == 2 else {}

    with answering(decide) as url:
        receiver = Receiver(url, Access(), url, None)
        for _ in range(4):
            receiver.send(points(1))
        receiver.close()
    assert len(set(ports)) == 2  # the server has a thread for each connection


@pytest.mark.parametrize(
    ("status", "text", "what"),
    [
        (200, "<html>", "gave something else|answered 200"),
        (200, '{"status":"success","data":{"resultType":"vector","result":[]}}', "something else"),
        (
            200,
            '{"status":"success","data":{"resultType":"matrix","result":[{"metric":1}]}}',
            "something",
        ),
        (
            422,
            '{"status":"error","error":"query processing would load too many samples"}',
            "too many",
        ),
        (200, '{"status":"success","warnings":["a store is away"],"data":{}}', "answers in part"),
        (200, '{"status":"success","isPartial":true,"data":{}}', "answers in part"),
        (503, "no store is up", "answered 503: no store is up"),
    ],
)
def test_answers_of_the_query_api_that_show_nothing_are_failures(
    status: int, text: str, what: str
) -> None:
    with answering(lambda *_: (status, text, {})) as url:
        api = QueryApi(url.removesuffix("/api/v1/write"), Access())
        with pytest.raises(ConnectionFailed, match=what):
            list(api.read(["n"], 0, 86_400, 86_400))
        api.close()


def test_close_ends_a_query_and_all_later_ones() -> None:
    began = threading.Event()

    def decide(*_: object) -> Answer:
        began.set()
        time.sleep(5)
        return GOOD

    with answering(decide) as url, ThreadPoolExecutor(1) as pool:
        api = QueryApi(url.removesuffix("/api/v1/write"), Access())
        asking = pool.submit(api.present, {"n": 0})
        began.wait(10)
        api.close()
        for _ in range(2):
            with pytest.raises(ConnectionFailed, match="the run is ending"):
                asking.result(patient(2))
            asking = pool.submit(api.present, {"n": 0})


def test_a_batch_of_which_all_is_too_old_takes_few_requests() -> None:
    asked = []

    def decide(body: bytes, _: dict[str, str]) -> Answer:
        asked.append(body)
        return (400, "out of bounds", {}) if not holds(body, -1) else GOOD

    old = points(5_000)
    with answering(decide) as url:
        found = sent(url, old)
    assert sorted(refused.point for refused in found.refused) == sorted(old)
    assert len(asked) < 40
