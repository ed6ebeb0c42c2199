"""HTTP/1.1 of one connection: uvicorn's, with bounds, and with a short way for reviews.

Most reviews are small, come whole and are answered at once. Such a one needs no task, no event
and no messages between server and application: it is answered where its last byte is parsed, by
the same function as everywhere, and written in one piece. Whatever is not so simple (a large or
chunked body, a namespace to fetch, a stopping server) goes the whole way through the front.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from webhook.server.answer import Answer, Reviews
from webhook.server.front import LARGE_BYTES, Front
from webhook.wire.admit import Door, FactWanted

MAX_HEAD_BYTES = 64 * 1024

_DIGITS = 7  # of a length; LARGE_BYTES has six

_DOORS = {f"/{door}".encode(): door for door in Door}


@dataclass(slots=True, kw_only=True)
class _Arriving:
    """A review on the short way, whose body is still to come."""

    reviews: Reviews
    door: Door
    content_type: str
    token: object
    chunks: list[bytes] = field(default_factory=list)


class ReviewProtocol(HttpToolsProtocol):
    """One connection. The size of a request's head and the time until it is whole are bounded."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.incomplete_since: float | None = None
        self._head_bytes = 0
        self._arriving: _Arriving | None = None
        self._last = False

    @property
    def settled(self) -> bool:
        """Whether every request has been answered, and every answer has left."""
        answered = self._arriving is None and self._cycle_is_over()
        return answered and not self.transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # asyncio says BaseTransport
        """A new connection owes a request."""
        super().connection_made(transport)
        self.incomplete_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever was arriving will not."""
        self._arrived()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server stops: close, or let what is arriving be the last."""
        if self._arriving is None:
            super().shutdown()
        else:
            self._last = True

    def data_received(self, data: bytes) -> None:
        """Parse, and refuse a head that does not end."""
        super().data_received(data)
        if self._head_bytes >= 0:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The request's headers are too large.")

    def on_message_begin(self) -> None:
        """A request starts on a connection that may have been idle."""
        super().on_message_begin()
        self._head_bytes = 0
        self.incomplete_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """The head is whole: its size no longer counts, and it tells which way to go."""
        self._head_bytes = -1
        self._arriving = self._on_the_short_way()
        if self._arriving is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self._arriving is None:
            super().on_body(body)
        else:
            self._arriving.chunks.append(body)

    def on_message_complete(self) -> None:
        """The request is whole: it is our turn."""
        self.incomplete_since = None
        arrived = self._arrived()
        if arrived is None:
            super().on_message_complete()
            return
        body = b"".join(arrived.chunks)
        try:
            answer = arrived.reviews.answer_at_once(arrived.door, arrived.content_type, body)
        except FactWanted:
            super().on_headers_complete()
            super().on_body(body)
            super().on_message_complete()
        else:
            self._write(answer)

    def _on_the_short_way(self) -> _Arriving | None:
        """The review that begins here, where nothing about it is out of the ordinary."""
        front = self.app
        door = _DOORS.get(self.url.partition(b"?")[0])
        if door is None or not isinstance(front, Front) or front.health.draining:
            return None
        if self.parser.get_method() != b"POST" or not self._is_ordinary():
            return None
        headers = dict(self.headers)
        length = headers.get(b"content-length")
        if length is None or len(length) > _DIGITS or int(length) > LARGE_BYTES:
            return None
        return _Arriving(
            reviews=front.reviews,
            door=door,
            content_type=headers.get(b"content-type", b"").decode("latin-1"),
            token=front.reviews.begin(),
        )

    def _cycle_is_over(self) -> bool:
        """Whether nothing is under way on uvicorn's own way."""
        # Its annotation leaves out that there is none before the first request.
        return self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]  # see above

    def _is_ordinary(self) -> bool:
        return (
            self._cycle_is_over()
            and not self.expect_100_continue
            and not self.flow.write_paused
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
        )

    def _arrived(self) -> _Arriving | None:
        """What was arriving, no longer under way."""
        arrived, self._arriving = self._arriving, None
        if arrived is not None:
            arrived.reviews.end(arrived.token)
        return arrived

    def _write(self, answer: Answer) -> None:
        if self.transport.is_closing():
            return
        head = [STATUS_LINE[answer.status]]
        for name, value in self.server_state.default_headers:
            head += (name, b": ", value, b"\r\n")
        head.append(
            b"content-type: %b\r\ncontent-length: %d\r\n%b\r\n"
            % (
                answer.content_type.encode("latin-1"),
                len(answer.body),
                b"connection: close\r\n" if self._last else b"",
            )
        )
        head.append(answer.body)
        self.transport.write(b"".join(head))
        if self._last:
            self.transport.close()
        else:
            self.on_response_complete()
