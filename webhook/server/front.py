"""The event-loop front: the two review routes by the same function, all else by the Flask app.

A review is answered on the loop, in a tenth of a millisecond, so a silent or slow connection
holds no thread. Two kinds are not: one that needs a namespace to be fetched waits for it in a
thread, and an unusually large one (a pod of ten thousand containers may take seconds) is worked on
in a thread of which there is one, so that it shares the processor with the others at worst.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

from webhook.server.answer import Answer, Reviews, waiting_seconds
from webhook.server.health import Health
from webhook.wire.admit import Door, FactWanted
from webhook.wire.review import MAX_BODY_BYTES

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_DOORS = {f"/{door}": door for door in Door}
LARGE_BYTES = 128 * 1024
_GRACE = 1.1  # so that what knows the reason says it first
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 16 * MAX_BODY_BYTES


class _SenderGoneError(Exception):
    """The connection ended before the body did."""


class Front:
    """An ASGI application."""

    def __init__(
        self, *, reviews: Reviews, health: Health, rest: Application, threads: int
    ) -> None:
        self.reviews = reviews
        self.health = health
        self._rest = rest
        self._waiting = ThreadPoolExecutor(threads, thread_name_prefix="namespace")
        self._working = ThreadPoolExecutor(1, thread_name_prefix="large")

    def close(self) -> None:
        """Let the threads go."""
        self._waiting.shutdown(wait=False)
        self._working.shutdown(wait=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if self.health.draining:
            send = _closing(send)
        door = _DOORS.get(scope["path"])
        if door is None or scope["method"] != "POST":
            await self._rest(scope, receive, send)
            return
        token = self.reviews.begin()
        try:
            await self._review(door, scope, receive, send)
        except _SenderGoneError:
            return
        finally:
            self.reviews.end(token)

    async def _review(self, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        body = await _read(headers.get(b"content-length"), receive)
        if body is None:
            await _send(_closing(send), self.reviews.too_large(door), receive)
            return
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        await _send(send, await self._answered(door, content_type, body, scope["query_string"]))

    async def _answered(self, door: Door, content_type: str, body: bytes, query: bytes) -> Answer:
        if len(body) > LARGE_BYTES:
            return await self._in_thread(self._working, door, content_type, body, query)
        try:
            return self.reviews.answer_at_once(door, content_type, body)
        except FactWanted:
            return await self._in_thread(self._waiting, door, content_type, body, query)

    async def _in_thread(
        self, threads: Executor, door: Door, content_type: str, body: bytes, query: bytes
    ) -> Answer:
        """Answer in a thread, or say in time that there is no answer: what an API server drips
        outlasts the timeouts of its sockets, and a queue has none."""
        timeout = _parameter(query, "timeout")
        work = asyncio.get_running_loop().run_in_executor(
            threads, self.reviews.answer, door, content_type, body, timeout
        )
        try:
            return await asyncio.wait_for(work, waiting_seconds(timeout) * _GRACE)
        except TimeoutError:
            return self.reviews.too_late(door, waiting_seconds(timeout))


def _headers(scope: Scope) -> dict[bytes, bytes]:
    return dict(scope["headers"])


async def _read(length: bytes | None, receive: Receive) -> bytes | None:
    """The whole body; None when it is larger than a review can be, as soon as that is known."""
    if length is not None and int(length) > MAX_BODY_BYTES:
        return None
    message = await receive()
    if not message.get("more_body") and message["type"] == "http.request":
        return bytes(message["body"])
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] != "http.request":
            raise _SenderGoneError
        chunks.append(message["body"])
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            return None
        if not message.get("more_body"):
            return b"".join(chunks)
        message = await receive()


async def _send(send: Send, answer: Answer, unread: Receive | None = None) -> None:
    """Send ``answer``. ``unread`` is the rest of a body that nobody wants: it is thrown away for
    a moment before the connection is closed, lest the close destroys the answer on its way."""
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [
                (b"content-type", answer.content_type.encode("latin-1")),
                (b"content-length", str(len(answer.body)).encode("latin-1")),
            ],
        }
    )
    if unread is not None:
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        await _linger(unread)
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.body", "body": answer.body})


async def _linger(receive: Receive) -> None:
    left = _LINGER_BYTES
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return
    except TimeoutError:
        return


def _closing(send: Send) -> Send:
    """``send`` that asks the client for another connection next time."""

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            message = {**message, "headers": [*headers, (b"connection", b"close")]}
        await send(message)

    return closing


def _parameter(query: bytes, name: str) -> str:
    return parse_qs(query.decode("latin-1")).get(name, [""])[0]
