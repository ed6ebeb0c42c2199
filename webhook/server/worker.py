"""The gunicorn worker: uvicorn on uvloop, with the limits and the drain that it lacks.

Chosen over gunicorn's own asgi worker by measurement (gunicorn 27.0.1, uvicorn 0.54.0, TLS, 8
connections, the same 5.8 kB review decided by the same application on one core; the best of five
interleaved rounds, on a busy machine: only ratios mean anything):

                                 this worker   without the short way     asgi
    reviews a second                   3,796                   3,439    2,923
    CPU a review, µs                     246                     287      338
    p99 ms at 200 a second               2.9                     4.1      3.2
    resident MiB                          54                      55       63
    a silent connection is dropped      10 s                    10 s    not within 25 s
    half a body is dropped              10 s                    10 s    not within 25 s
    SIGTERM                           drains                  drains    refuses at once

All serve a replaced certificate to the next handshake. The last three rows are what this package
adds to uvicorn, which has public seams for it: uvicorn itself bounds neither the time nor the size
of a request that has not come whole (Kludex/uvicorn#157, #1684), nor drains.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, ClassVar

from gunicorn.arbiter import Arbiter
from uvicorn.config import Config
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from webhook.server.protocol import ReviewProtocol

READ_SECONDS = 10.0
# Longer than the 90 s after which Go's client, and so the API server, gives up an idle connection:
# the side that sends must be the one that closes, or a review can meet a closed connection.
KEEP_ALIVE_SECONDS = 120
_FAREWELL_SECONDS = 0.5
_TICKS_PER_SWEEP = 10  # uvicorn ticks every 0.1 s


@dataclass(slots=True, kw_only=True)
class Stop:
    """How a worker stops: after the request to stop it goes on serving for ``drain_seconds``, not
    ready, so that the Endpoints are told; then in-flight requests have ``finish_seconds``."""

    drain_seconds: float
    finish_seconds: float
    begin: Callable[[], None]


class DrainingServer(Server):
    """uvicorn's server that drains before it stops, and drops connections that owe a request."""

    def __init__(self, config: Config, stop: Stop, *, read_seconds: float = READ_SECONDS) -> None:
        super().__init__(config)
        self._stop = stop
        self._read_seconds = read_seconds
        self._stop_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
        """SIGTERM drains, however often it comes: one to the whole process group reaches a worker
        twice. SIGINT, from a person at a terminal, stops at once."""
        if sig != signal.SIGTERM:
            self.should_exit = True
        elif self._stop_at is None:
            self._stop.begin()
            self._stop_at = asyncio.get_event_loop().time() + self._stop.drain_seconds

    def stop_now(self) -> None:
        """Stop without waiting for anything (SIGQUIT)."""
        self.should_exit = self.force_exit = True

    async def on_tick(self, counter: int) -> bool:
        """uvicorn's heartbeat."""
        now = asyncio.get_running_loop().time()
        if counter % _TICKS_PER_SWEEP == 0:
            self._sweep(now)
        if self._stop_at is not None and now >= self._stop_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything; wait for answers under way, not for peers who do not say goodbye."""
        letting_go = asyncio.create_task(self._let_go())
        try:
            await super().shutdown(sockets)
        finally:
            letting_go.cancel()

    async def _let_go(self) -> None:
        """Drop closed connections whose peer leaves the end of TLS unanswered (for up to 30 s)."""
        while True:
            await asyncio.sleep(_FAREWELL_SECONDS)
            for connection in list(self.server_state.connections):
                if isinstance(connection, ReviewProtocol) and connection.settled:
                    connection.transport.abort()

    def _sweep(self, now: float) -> None:
        for connection in list(self.server_state.connections):
            if not isinstance(connection, ReviewProtocol) or connection.incomplete_since is None:
                continue
            if now - connection.incomplete_since > self._read_seconds:
                connection.transport.abort()


class ReviewWorker(UvicornWorker):  # type: ignore[misc]  # it has no types
    """One worker process. The application says how to stop, what TLS context to serve with and
    what to do on SIGHUP (``webhook.server.process.Gate``)."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": ReviewProtocol,
        "ws": "none",
        "lifespan": "off",
        "interface": "asgi3",
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gate = self.app
        self.config.ssl_context_factory = self._gate.tls_hook
        self.config.timeout_graceful_shutdown = int(self._gate.stop.finish_seconds)
        self._server: DrainingServer | None = None

    def init_signals(self) -> None:
        """SIGHUP must not end a worker that is still starting."""
        super().init_signals()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        self._server = server = DrainingServer(self.config, self._gate.stop)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGQUIT, server.stop_now)
        loop.add_signal_handler(signal.SIGHUP, self._gate.look_now)
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    async def callback_notify(self) -> None:
        """Tell the arbiter that the loop turns; stop when there is none left to tell."""
        self.notify()
        if os.getppid() != self.ppid and self._server is not None:
            self._server.should_exit = True
