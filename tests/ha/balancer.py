"""One address for several replicas: what the Service and kube-proxy are in a cluster.

A stand-in, and two things differ from kube-proxy. A connection that a replica does not accept goes
to the next one at once; within ``refusing`` it is refused, as kube-proxy does until the
EndpointSlice is told. And bytes are copied here, so that it is known which connections had asked
and were not answered when a replica went away. As there, a replica that is taken out keeps the
connections that it has.
"""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")

_CHUNK = 1 << 16
_FAREWELL_BYTES = 31  # TLS's close_notify has 24 or 31; every question is longer
_STOP_SECONDS = 120
_CUT_SECONDS = 60  # a busy machine: whoever was not told yet would ask on a connection that is gone
_UNLIMITED = 1 << 16


@dataclass(slots=True, kw_only=True, eq=False)
class _Link:
    """One connection through the balancer; ``asked`` while the last word was the client's.

    What was said is encrypted: the end of a handshake with no request after it counts as asked.
    """

    port: int
    client: asyncio.StreamWriter
    replica: asyncio.StreamWriter
    asked: bool = False
    gone: bool = False  # the replica has ended it, the client has not yet
    over: bool = False

    def end(self) -> None:
        """Let both sides go, with what was written to them."""
        self.over = True
        self.client.close()
        self.replica.close()


class Balancer:
    """Round robin over the ports given to ``use``, from entering to leaving the ``with``."""

    def __init__(self) -> None:
        self.port = 0
        self.unanswered = Counter[int]()  # connections that a port left with a question open
        self.accepted = 0
        self.refused = 0  # connections that nobody took
        self._tries = _UNLIMITED
        self._ports: Sequence[int] = ()
        self._turn = 0
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="balancer")
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """What is registered."""
        return f"https://127.0.0.1:{self.port}"

    def use(self, ports: Sequence[int]) -> None:
        """Send new connections to these from now on."""
        self._ports = tuple(ports)

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Within the ``with`` a connection is refused that its replica does not take."""
        self._tries = 1
        try:
            yield
        finally:
            self._tries = _UNLIMITED

    def cut(self) -> int:
        """End every connection, and return how many; whoever wants no failure sees to idleness.

        The client is told first, and has let go when this returns, however busy the machine is;
        TimeoutError if it does not.
        """
        links, late = self._run(self._cut())
        if late:
            raise TimeoutError(f"{late} of {links} connections not let go in {_CUT_SECONDS} s")
        return links

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_STOP_SECONDS)

    async def _cut(self) -> tuple[int, int]:
        """How many were told, and how many of them had not let go in time."""
        links = [link for link in self._links if not link.over]
        for link in links:
            link.gone = True
            with contextlib.suppress(OSError):
                link.client.write_eof()
        deadline = self._loop.time() + _CUT_SECONDS
        while any(not link.over for link in links) and self._loop.time() < deadline:
            await asyncio.sleep(0.005)
        late = sum(not link.over for link in links)
        for link in links:
            link.end()
        return len(links), late

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._cut()
        mine = asyncio.current_task()
        await asyncio.gather(
            *(task for task in asyncio.all_tasks() if task is not mine), return_exceptions=True
        )

    async def _connected(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.accepted += 1
        reached = await self._reach()
        if reached is None:
            self.refused += 1
            client.transport.abort()
            return
        port, answers, replica = reached
        link = _Link(port=port, client=client, replica=replica)
        self._links.add(link)
        try:
            await asyncio.gather(self._forward(reader, link), self._back(answers, link))
        finally:
            self._links.discard(link)

    async def _reach(self) -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter] | None:
        ports = self._ports
        self._turn += 1
        for n in range(min(len(ports), self._tries)):
            port = ports[(self._turn + n) % len(ports)]
            try:
                return port, *await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue
        return None

    async def _forward(self, reader: asyncio.StreamReader, link: _Link) -> None:
        """What the client says, to the replica."""
        with contextlib.suppress(OSError):
            while not link.over and (data := await reader.read(_CHUNK)):
                await self._ask(data, link)
        link.end()

    async def _ask(self, data: bytes, link: _Link) -> None:
        question = len(data) > _FAREWELL_BYTES
        if link.gone and question:  # said before the client knew
            self._left(link)
        if link.gone:
            return
        link.asked = link.asked or question
        with contextlib.suppress(OSError):  # `_back` sees that the replica has gone, and counts
            link.replica.write(data)
            await link.replica.drain()

    async def _back(self, answers: asyncio.StreamReader, link: _Link) -> None:
        """What the replica answers, to the client; and that it has gone."""
        with contextlib.suppress(OSError):
            while data := await answers.read(_CHUNK):
                link.asked = False
                link.client.write(data)
                await link.client.drain()
        if link.over:
            return
        if link.asked:
            self._left(link)
            return
        link.gone = True
        with contextlib.suppress(OSError):
            link.client.write_eof()

    def _left(self, link: _Link) -> None:
        self.unanswered[link.port] += 1
        link.end()
