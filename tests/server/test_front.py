"""What only the event-loop front has: limits, waiting, and how connections end."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.build import pod, policy, review_bytes, snapshot
from tests.server.doors import (
    PATIENCE,
    Built,
    FakeNamespaces,
    FrontDoor,
    ask_on,
    build,
    front_door,
    until,
)
from webhook.core.cluster import ClusterView
from webhook.core.policy import LabelSelector, NamespaceSelector
from webhook.server.process import front_of
from webhook.server.protocol import MAX_HEAD_BYTES
from webhook.server.worker import DrainingServer, Stop
from webhook.wire.review import MAX_BODY_BYTES

JSON = {"Content-Type": "application/json"}
READ_SECONDS = 2.0
"""Short enough to wait for, and longer than a busy machine takes to send a request."""
WAITING = "/mutate?timeout=30s"
"""The longest that an API server waits: what is held up here is not too late on a busy machine."""
NEEDS_LABELS = policy(
    namespaces=NamespaceSelector(selector=LabelSelector(match_labels={"tier": "tenant"}))
)


@pytest.fixture
def built() -> Built:
    return build()


@pytest.fixture
def door(built: Built, tmp_path: Path) -> Iterator[FrontDoor]:
    """One that waits for a request longer than any client here waits for an answer."""
    with front_door(built, tmp_path, server_of=reading_for(2 * PATIENCE)) as opened:
        yield opened


@pytest.fixture
def impatient_door(built: Built, tmp_path: Path) -> Iterator[FrontDoor]:
    """One that waits for a request no longer than ``READ_SECONDS``."""
    with front_door(built, tmp_path, server_of=reading_for(READ_SECONDS)) as opened:
        yield opened


def reading_for(seconds: float) -> Callable[[Any], uvicorn.Server]:
    """The server, with its time for a request to come whole."""

    def server_of(config: Any) -> uvicorn.Server:
        stop = Stop(drain_seconds=0, finish_seconds=1, begin=lambda: None)
        return DrainingServer(config, stop, read_seconds=seconds)

    return server_of


def raw(door: FrontDoor) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", door.port), timeout=PATIENCE)
    return door.trust.wrap_socket(plain, server_hostname="127.0.0.1")


def received(connection: ssl.SSLSocket) -> bytes:
    """Everything until the other side closes, also by reset."""
    data = b""
    try:
        while chunk := connection.recv(65536):
            data += chunk
    except (ConnectionError, ssl.SSLError):
        pass
    return data


def test_a_connection_is_kept_for_the_next_review(door: FrontDoor) -> None:
    connection = door.connect()
    for _ in range(3):
        assert ask_on(connection, "POST", "/mutate", review_bytes(), JSON).status == 200
    sock = connection.sock
    assert ask_on(connection, "GET", "/healthz").status == 200
    assert connection.sock is sock
    connection.close()


HEAD = (
    b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n%b\r\n"
)


def posted(body: bytes, extra: bytes = b"") -> bytes:
    """A whole request."""
    return HEAD % (len(body), extra) + body


def test_requests_sent_without_waiting_are_answered_in_their_order(tmp_path: Path) -> None:
    slow, quick = review_bytes(), review_bytes(namespace="kube-system")
    with waiting_door(tmp_path) as (built, namespaces, door), raw(door) as connection:
        healthz = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(posted(quick) + posted(slow) + posted(b"{") + healthz + posted(quick))
        until(lambda: bool(namespaces.asked))
        time.sleep(0.3)  # in which those after it could be answered, if they were
        namespaces.answering.set()
        stream = connection.makefile("rb")
        lines: list[tuple[bytes, bytes]] = []
        while len(lines) < 5:
            line = stream.readline()
            length = 0
            while header := stream.readline().strip():
                if header.lower().startswith(b"content-length:"):
                    length = int(header.partition(b":")[2])
            lines.append((line.split()[1], stream.read(length)[:1]))
        stream.close()
    assert [status for status, _ in lines] == [b"200", b"200", b"400", b"200", b"200"]
    assert [first for _, first in lines] == [b"{", b"{", b"t", b"o", b"{"]
    assert len(built.lines) == 4


def test_a_review_in_many_pieces_is_one(door: FrontDoor) -> None:
    request = posted(review_bytes())
    with raw(door) as connection:
        for n in range(0, len(request), 97):
            connection.sendall(request[n : n + 97])
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_says_close_is_closed_after_its_answer(door: FrontDoor) -> None:
    with raw(door) as connection:
        connection.sendall(posted(review_bytes(), b"Connection: close\r\n"))
        data = received(connection)
    assert data.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in data


def test_a_review_that_arrives_while_the_server_stops_is_answered_last(
    built: Built, tmp_path: Path
) -> None:
    request = posted(review_bytes())
    with raw_of(built, tmp_path) as (connection, stop):
        connection.sendall(request[:-10])
        until(lambda: built.service.reviews.in_flight == 1)
        stop()
        time.sleep(1.2)  # longer than peers are given that do not say goodbye
        connection.sendall(request[-10:])
        data = received(connection)
    assert data.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in data


@contextmanager
def raw_of(built: Built, tmp_path: Path) -> Iterator[tuple[ssl.SSLSocket, Callable[[], None]]]:
    """A connection, and the way to stop its server."""
    servers: list[uvicorn.Server] = []

    def server_of(config: Any) -> uvicorn.Server:
        stop = Stop(drain_seconds=0, finish_seconds=60, begin=lambda: None)
        servers.append(DrainingServer(config, stop, read_seconds=60))
        return servers[-1]

    def stop() -> None:
        servers[0].should_exit = True

    with (
        front_door(built, tmp_path, server_of=server_of) as door,
        raw(door) as connection,
    ):
        yield connection, stop


def test_while_draining_every_answer_asks_for_another_connection(
    door: FrontDoor, built: Built
) -> None:
    built.service.health.draining = True
    for method, path, body in (("POST", "/mutate", review_bytes()), ("GET", "/healthz", None)):
        reply = door.ask(method, path, body, JSON)
        assert (reply.status, reply.headers["connection"]) == (200, "close")


def test_a_body_said_to_be_too_large_is_refused_before_it_is_read(door: FrontDoor) -> None:
    with raw(door) as connection:
        connection.sendall(
            b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999\r\n\r\n"
        )
        answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in answer


def test_a_client_that_asks_first_is_not_told_to_go_on_with_too_much(door: FrontDoor) -> None:
    with raw(door) as connection:
        connection.sendall(
            b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_asks_first_is_told_to_go_on(door: FrontDoor) -> None:
    request = posted(review_bytes(), b"Expect: 100-continue\r\n")
    end = request.index(b"\r\n\r\n") + 4
    with raw(door) as connection:
        connection.sendall(request[:end])
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(request[end:])
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_sends_all_of_a_body_too_large_still_gets_its_answer(
    door: FrontDoor,
) -> None:
    reply = door.ask("POST", "/mutate", b" " * (4 * MAX_BODY_BYTES), JSON)
    assert (reply.status, reply.body) == (413, b"the review is larger than 3145728 bytes\n")


def answered_once(connection: ssl.SSLSocket) -> None:
    """Use a connection for a whole review: what comes next is on one that is kept."""
    connection.sendall(posted(review_bytes()))
    assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
def test_headers_without_end_are_refused(door: FrontDoor, kept: bool) -> None:
    with raw(door) as connection:
        if kept:
            answered_once(connection)
        connection.sendall(b"POST /mutate HTTP/1.1\r\nHost: x\r\nX-Big: ")
        sent = len(b"POST /mutate HTTP/1.1\r\nHost: x\r\nX-Big: ")
        # One byte too much: more, sent to who has closed meanwhile, would reset the connection.
        connection.sendall(b"x" * (MAX_HEAD_BYTES + 1 - sent))
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


HALF_A_HEAD = b"POST /mut"
HALF_A_BODY = b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"


@pytest.mark.parametrize(
    ("beginning", "kept"),
    [
        (b"", False),
        (HALF_A_HEAD, False),
        (HALF_A_BODY, False),
        (HALF_A_HEAD, True),
        (HALF_A_BODY, True),
    ],
    ids=["silent", "half a head", "half a body", "half a head, kept", "half a body, kept"],
)
def test_a_connection_that_owes_a_request_too_long_is_dropped(
    impatient_door: FrontDoor, beginning: bytes, kept: bool
) -> None:
    began = time.monotonic()
    with raw(impatient_door) as connection:
        if kept:
            began = time.monotonic()
            answered_once(connection)
        connection.sendall(beginning)
        received(connection)  # which fails where it is not closed
        # The loop's clock goes by whole milliseconds.
        assert time.monotonic() - began > READ_SECONDS - 0.1


def test_an_idle_connection_that_owes_nothing_is_kept(impatient_door: FrontDoor) -> None:
    connection = impatient_door.connect()
    ask_on(connection, "GET", "/healthz")
    time.sleep(READ_SECONDS + 1.2)
    assert ask_on(connection, "GET", "/healthz").status == 200
    connection.close()


def test_silent_connections_keep_no_review_waiting(door: FrontDoor) -> None:
    silent = [raw(door) for _ in range(50)]
    # The client waits for half the time after which the silent are dropped.
    assert door.ask("POST", "/mutate", review_bytes(), JSON).status == 200
    for connection in silent:
        connection.close()


def test_a_sender_that_goes_away_half_way_is_no_error(
    door: FrontDoor, built: Built, caplog: pytest.LogCaptureFixture
) -> None:
    with raw(door) as connection:
        connection.sendall(
            b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        until(lambda: built.service.reviews.in_flight == 1)
    until(lambda: built.service.reviews.in_flight == 0)
    assert built.lines == []
    assert caplog.records == []


def draining(config: Any) -> uvicorn.Server:
    """A worker's server, which lets peers go that do not say goodbye."""
    return DrainingServer(config, Stop(drain_seconds=0, finish_seconds=60, begin=lambda: None))


@contextmanager
def waiting_door(
    tmp_path: Path, server_of: Callable[[Any], uvicorn.Server] = uvicorn.Server
) -> Iterator[tuple[Built, FakeNamespaces, FrontDoor]]:
    """A door to reviews that wait for their namespace until ``answering`` is set."""
    namespaces = FakeNamespaces()
    namespaces.answering.clear()
    built = build(snapshot(NEEDS_LABELS, cluster=ClusterView(live=True)), namespaces=namespaces)
    namespaces.current = built.current
    with front_door(built, tmp_path, server_of=server_of) as door:
        try:
            yield built, namespaces, door
        finally:
            namespaces.answering.set()


def test_waiting_for_a_namespace_does_not_hold_up_other_reviews(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool, waiting_door(tmp_path) as (_, namespaces, door):
        slow = pool.submit(door.ask, "POST", WAITING, review_bytes(), JSON)
        until(lambda: bool(namespaces.asked))
        other = review_bytes(namespace="kube-system")
        assert door.ask("POST", "/mutate", other, JSON).status == 200
        assert not slow.done()
        namespaces.answering.set()
        assert slow.result().status == 200


def test_a_namespace_that_drips_in_longer_than_the_deadline_is_not_waited_for(
    tmp_path: Path,
) -> None:
    with waiting_door(tmp_path) as (built, namespaces, door):
        reply = door.ask("POST", "/mutate?timeout=250ms", review_bytes(), JSON)
        assert not namespaces.answering.is_set()
        assert (reply.status, reply.body) == (500, b"no answer within 0.2 s\n")
    assert [entry["status"] for entry in built.log if "status" in entry] == [500]


def test_a_large_review_is_worked_on_beside_the_others(tmp_path: Path) -> None:
    large = review_bytes(pod(annotations={"a": "x" * 200_000}))
    other = review_bytes(namespace="kube-system")
    with ThreadPoolExecutor(1) as pool, waiting_door(tmp_path) as (_, namespaces, door):
        slow = pool.submit(door.ask, "POST", WAITING, large, JSON)
        until(lambda: bool(namespaces.asked))
        connection = door.connect()
        for _ in range(4):
            assert ask_on(connection, "POST", "/mutate", other, JSON).status == 200
        connection.close()
        assert not slow.done()
        namespaces.answering.set()
        assert slow.result().status == 200


def test_websockets_are_none_of_its_business(built: Built) -> None:
    front = front_of(built.service, threads=1)
    sent: list[object] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    asyncio.run(front({"type": "websocket", "path": "/mutate"}, receive, send))
    assert sent == []
    front.close()


def test_what_drains_first_answers_what_is_under_way(tmp_path: Path) -> None:
    """In-flight reviews are answered although the server is told to stop."""
    servers: list[uvicorn.Server] = []

    def server_of(config: Any) -> uvicorn.Server:
        servers.append(draining(config))
        return servers[-1]

    with (
        ThreadPoolExecutor(4) as pool,
        waiting_door(tmp_path, server_of) as (built, namespaces, door),
    ):
        asked = [pool.submit(door.ask, "POST", WAITING, review_bytes(), JSON) for _ in range(4)]
        until(lambda: built.service.reviews.in_flight == 4)
        servers[0].should_exit = True
        until(lambda: not listens(door.port))
        time.sleep(1.2)  # longer than peers are given that do not say goodbye
        assert not any(future.done() for future in asked)
        namespaces.answering.set()
        assert [future.result().status for future in asked] == [200] * 4


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except ConnectionError:
        return False
    return True
