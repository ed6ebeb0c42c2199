"""Both doors to the reviews: the Flask app as it is, and the event-loop front over real TLS."""

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from certs.bootstrap import self_signed_pair
from certs.files import serving_files
from tests.build import snapshot
from webhook.core.cluster import ClusterView, NamespaceView
from webhook.core.snapshot import Snapshot
from webhook.live.cluster import NamespaceUnavailableError
from webhook.live.current import Current
from webhook.server.answer import Namespaces, PodLister, Reviews
from webhook.server.app import Service, create_app
from webhook.server.front import Front
from webhook.server.health import Health
from webhook.server.logs import ReviewLog
from webhook.server.metrics import Metrics
from webhook.server.process import front_of
from webhook.server.protocol import ReviewProtocol
from webhook.server.tls import ServingContext


def present() -> datetime:
    """The real time: OpenSSL judges certificates by it, and so does a process under test.

    Taken at each use, since a constant is as old as the import: a whole run of the suite takes
    longer than the five minutes that an issuer dates its certificates back.
    """
    return datetime.now(UTC)  # noqa: TID251 - the real clock, as the server has it


MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)
PATIENCE = 90.0  # a busy machine


def until(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "did not come about in time"
        time.sleep(0.005)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as JSON."""
        value = orjson.loads(self.body)
        assert isinstance(value, dict)
        return value

    @property
    def response(self) -> dict[str, Any]:
        """The ``response`` of an AdmissionReview."""
        value = self.json["response"]
        assert isinstance(value, dict)
        return value


@dataclass(slots=True, kw_only=True)
class Built:
    """A service, and what it wrote."""

    service: Service
    current: Current
    lines: list[bytes] = field(default_factory=list)

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log lines as JSON."""
        return [orjson.loads(line) for line in self.lines]


def build(
    of: Snapshot | None = None,
    *,
    namespaces: Namespaces | None = None,
    pods: PodLister | None = None,
    **health: Any,
) -> Built:
    """A service for one snapshot."""
    current = Current(of or snapshot())
    lines: list[bytes] = []
    metrics = Metrics()
    reviews = Reviews(
        current,
        metrics=metrics,
        review_log=ReviewLog(lines.append, now=lambda: MOMENT),
        namespaces=namespaces,
        pods=pods,
    )
    service = Service(
        current=current,
        reviews=reviews,
        metrics=metrics,
        health=Health(current, version="1.2.3", now=lambda: MOMENT, **health),
    )
    return Built(service=service, current=current, lines=lines)


class FakeNamespaces:
    """Where namespaces are fetched from: each put into ``current``, or not.

    Whoever fetches while ``answering`` is not set waits for it.
    """

    def __init__(self, current: Current | None = None) -> None:
        self.current = current
        self.answering = threading.Event()
        self.answering.set()
        self.problem = ""
        self.asked: list[tuple[str, float]] = []

    def fetch_namespace(self, name: str, seconds: float) -> None:
        """See Namespaces."""
        self.asked.append((name, seconds))
        assert self.answering.wait(PATIENCE)
        if self.problem:
            raise NamespaceUnavailableError(self.problem)
        assert self.current is not None
        view = NamespaceView(name=name, labels={"tier": "tenant"})
        self.current.replace(cluster=ClusterView(namespaces={name: view}, live=True))


class Door(Protocol):
    """One way in."""

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        chunked: bool = False,
    ) -> Reply:
        """One request on a connection of its own."""


class FlaskDoor:
    """The Flask application through its test client."""

    def __init__(self, built: Built) -> None:
        self._client = create_app(built.service).test_client()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        chunked: bool = False,
    ) -> Reply:
        """See Door."""
        length = {} if chunked or body is None else {"Content-Length": str(len(body))}
        answer = self._client.open(
            path,
            method=method,
            headers={**(headers or {}), **length},
            input_stream=io.BytesIO(body or b""),
            environ_overrides={"wsgi.input_terminated": True},
        )
        return Reply(status=answer.status_code, headers=dict(answer.headers), body=answer.data)


class FrontDoor:
    """The event-loop front under uvicorn, over TLS on loopback."""

    def __init__(self, port: int, trust: ssl.SSLContext) -> None:
        self.port = port
        self.trust = trust

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        chunked: bool = False,
    ) -> Reply:
        """See Door."""
        connection = self.connect()
        try:
            return ask_on(connection, method, path, body, headers, chunked=chunked)
        finally:
            connection.close()

    def connect(self) -> http.client.HTTPSConnection:
        """A connection to keep."""
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=PATIENCE, context=self.trust
        )


def ask_on(
    connection: http.client.HTTPSConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    chunked: bool = False,
) -> Reply:
    """One request on a connection that is kept."""
    content: Any = (
        iter([body[n : n + 50_000] for n in range(0, len(body), 50_000)])
        if chunked and body is not None
        else body
    )
    connection.request(method, path, content, dict(headers or {}), encode_chunked=chunked)
    answer = connection.getresponse()
    return Reply(status=answer.status, headers=dict(answer.getheaders()), body=answer.read())


@contextmanager
def front_door(
    built: Built,
    folder: Path,
    *,
    server_of: Callable[[Any], uvicorn.Server] = uvicorn.Server,
    protocol: type[HttpToolsProtocol] = ReviewProtocol,
) -> Iterator[FrontDoor]:
    """Serve on a free port of loopback, as a worker does.

    With uvicorn's own ``protocol`` every review goes the whole way through the front.
    """
    folder.mkdir(parents=True, exist_ok=True)
    self_signed_pair(folder, now=present(), hostname="localhost")
    tls = ServingContext(serving_files(folder), now=present())
    listener = socket.create_server(("127.0.0.1", 0))
    front: Front = front_of(built.service, threads=2)
    config: Any = uvicorn.Config(
        front,
        http=protocol,
        loop="uvloop",
        lifespan="off",
        ws="none",
        interface="asgi3",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        ssl_context_factory=tls.hook,
    )
    server = server_of(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until(lambda: server.started or not thread.is_alive())
    trust = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    try:
        yield FrontDoor(listener.getsockname()[1], trust)
    finally:
        server.should_exit = True
        thread.join()
        front.close()
