"""The door to the API server: list, watch and get, as the raw JSON it sends.

The transport is urllib3, which the ``kubernetes`` client uses too.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import orjson
import urllib3

from webhook.live.credentials import Access, KubeError

_CONNECT_SECONDS = 10.0
_LIST_SECONDS = 60.0
# Bookmarks come about once a minute. A watch silent for longer is dead, or from a version that is
# yet to come for a server whose etcd was restored from a backup: only a new list helps then.
_WATCH_SILENCE_SECONDS = 90.0
_CHUNK = 65536


class ApiError(KubeError):
    """The API server cannot be reached, or refused; the message is one line."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class GoneError(ApiError):
    """The resource version asked for is too old (410): list again.

    ``resume`` is what the API server offers instead: the rest of the list, as it is by now.
    """

    def __init__(self, message: str, status: int | None = None, resume: str = "") -> None:
        super().__init__(message, status)
        self.resume = resume


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list; ``resume`` is empty on the last. ``size`` is its length in bytes.

    ``remaining`` is how many come after it, None where the API server does not say.
    """

    items: tuple[Mapping[str, Any], ...]
    resource_version: str
    resume: str
    size: int = 0
    remaining: int | None = None


class ApiServer(Protocol):
    """What the rest of this package asks of an API server; all of it raises ApiError."""

    def list_page(self, path: str, *, limit: int, resume: str = "") -> Page:
        """One page of the collection at ``path``; GoneError when ``resume`` has expired."""

    def watch(
        self, path: str, *, resource_version: str, seconds: int
    ) -> Iterator[Mapping[str, Any]]:
        """The watch events after ``resource_version``, until the server ends the stream."""

    def get(self, path: str, *, seconds: float) -> Mapping[str, Any] | None:
        """One object; None when there is none (404)."""


class KubeApi:
    """An ApiServer over HTTPS; safe to use from several threads."""

    def __init__(self, access: Access, *, silence_seconds: float = _WATCH_SILENCE_SECONDS) -> None:
        self._access = access
        self._silence_seconds = silence_seconds
        self._pool: tuple[object, urllib3.PoolManager] | None = None

    def list_page(self, path: str, *, limit: int, resume: str = "") -> Page:
        """See ApiServer."""
        return self._page(path, limit, resume, _LIST_SECONDS, None)

    def list_page_within(
        self, path: str, *, limit: int, resume: str, seconds: float, most_bytes: int
    ) -> Page:
        """``list_page`` where a longer answer, in bytes or seconds, is an ApiError."""
        return self._page(path, limit, resume, seconds, most_bytes)

    def _page(
        self, path: str, limit: int, resume: str, seconds: float, most_bytes: int | None
    ) -> Page:
        query = {"limit": str(limit), **({"continue": resume} if resume else {})}
        data = self._bytes(f"{path}?{urlencode(query)}", seconds, most_bytes)
        body = _decoded(data)
        metadata = body.get("metadata") or {}
        return Page(
            items=tuple(body.get("items") or ()),
            resource_version=metadata.get("resourceVersion") or "",
            resume=metadata.get("continue") or "",
            size=len(data),
            remaining=metadata.get("remainingItemCount"),
        )

    def watch(
        self, path: str, *, resource_version: str, seconds: int
    ) -> Iterator[Mapping[str, Any]]:
        """See ApiServer."""
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(seconds),
        }
        url = f"{path}?{urlencode(query)}"
        response = self._send(url, read_seconds=self._silence_seconds)
        try:
            self._raise_for(response, url)
            yield from (_decoded(line) for line in _lines(response))
        except urllib3.exceptions.ReadTimeoutError as error:
            raise GoneError(f"watch of {path} was silent too long") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ApiError(f"watch of {path} broke off: {_why(error)}") from error
        finally:
            response.close()
            response.release_conn()

    def get(self, path: str, *, seconds: float) -> Mapping[str, Any] | None:
        """See ApiServer."""
        try:
            return self._json(path, seconds=seconds)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def _json(self, url: str, *, seconds: float) -> Mapping[str, Any]:
        return _decoded(self._bytes(url, seconds, None))

    def _bytes(self, url: str, seconds: float, most_bytes: int | None) -> bytes:
        began = time.monotonic()
        response = self._send(url, read_seconds=seconds)
        try:
            self._raise_for(response, url)
            if most_bytes is None:
                return response.read(decode_content=True)
            return _read_within(response, url, began + seconds, most_bytes)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ApiError(f"{_place(url)}: {_why(error)}") from error
        finally:
            response.release_conn()

    def _send(
        self,
        url: str,
        *,
        read_seconds: float,
        method: str = "GET",
        body: bytes | None = None,
        accept: str = "application/json",
    ) -> urllib3.BaseHTTPResponse:
        headers = {"Accept": accept, "User-Agent": "runtimegate"}
        if "watch=1" not in url:
            headers["Accept-Encoding"] = "gzip"
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            if value := self._access.authorization():
                headers["Authorization"] = value
            return self._connected().request(
                method,
                self._access.host + url,
                body=body,
                headers=headers,
                preload_content=False,
                retries=False,
                redirect=False,
                timeout=urllib3.Timeout(
                    connect=min(_CONNECT_SECONDS, read_seconds), read=read_seconds
                ),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ApiError(f"{self._access.host}: {_why(error)}") from error

    def _connected(self) -> urllib3.PoolManager:
        """The connections, made anew when the CA or client certificate has been replaced."""
        stamp = tuple(_stamp(path) for path in self._access.files)
        if self._pool is None or self._pool[0] != stamp:
            self._pool = (stamp, self._access.connect())
        return self._pool[1]

    def _raise_for(self, response: urllib3.BaseHTTPResponse, url: str) -> None:
        if response.status in {200, 201}:
            return
        body = response.read(_CHUNK, decode_content=True)
        text = f"{_place(url)}: HTTP {response.status}{_message(body)}"
        if response.status == 410:
            raise GoneError(text, status=410, resume=_resume(body))
        raise ApiError(text, status=response.status)


def raise_for_event(status: Mapping[str, Any], path: str) -> None:
    """Raise what an ERROR event of a watch means."""
    code = status.get("code")
    text = f"watch of {path}: {status.get('message') or status.get('reason') or code}"
    if code == 410:
        raise GoneError(text, status=410)
    raise ApiError(text, status=code if isinstance(code, int) else None)


def object_path(collection: str, name: str) -> str:
    """The path of the object ``name`` in a collection of cluster-wide objects."""
    return f"{collection}/{quote(name, safe='')}"


def _read_within(
    response: urllib3.BaseHTTPResponse, url: str, deadline: float, most_bytes: int
) -> bytes:
    """The answer, unless it is too long or dripped: the connection is closed then."""
    chunks: list[bytes] = []
    size = 0
    for chunk in response.stream(_CHUNK, decode_content=True):
        chunks.append(chunk)
        size += len(chunk)
        late = time.monotonic() > deadline
        if late or size > most_bytes:
            response.close()
            said = "no answer in time" if late else f"more than {most_bytes} bytes"
            raise ApiError(f"{_place(url)}: {said}")
    return b"".join(chunks)


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """The lines of a stream; an event is as long as its object, so chunks are joined once."""
    held: list[bytes] = []
    for chunk in response.stream(_CHUNK, decode_content=True):
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            yield b"".join((*held, line))
            held.clear()
        if rest:
            held.append(rest)


def _decoded(data: bytes) -> Mapping[str, Any]:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ApiError(f"the API server sent what is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ApiError("the API server sent JSON that is no object")
    return value


def _message(body: bytes) -> str:
    try:
        said = orjson.loads(body).get("message", "")
    except (orjson.JSONDecodeError, AttributeError):
        return ""
    return f": {said}" if isinstance(said, str) and said else ""


def _resume(body: bytes) -> str:
    """What an expired list offers instead (``metadata.continue`` of the Status)."""
    try:
        offered = orjson.loads(body)["metadata"]["continue"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    return offered if isinstance(offered, str) else ""


def _place(url: str) -> str:
    return url.partition("?")[0]


def _stamp(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def _why(error: Exception) -> str:
    """The innermost reason, without the object addresses that urllib3 prints."""
    reason = getattr(error, "reason", None)
    inner = reason if isinstance(reason, Exception) else error
    text = str(inner)
    return text.partition("): ")[2] or text.partition(">: ")[2] or text or type(inner).__name__
