"""A fake API server: plain HTTP, the list and watch protocol of three collections, and faults.

It speaks what https://kubernetes.io/docs/reference/using-api/api-concepts/ says, as far as the
watchers use it: ``limit`` and ``continue``, ``watch``, bookmarks, 410 as status and as event.
"""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]
_POLL = 0.01


class FakeApi:
    """The state behind the HTTP server; a test changes it by ``put``, ``delete`` and the faults."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.version = 100
        self.collections: dict[str, dict[str, Object]] = {
            "/api/v1/namespaces": {},
            "/api/v1/nodes": {},
            "/api/v1/namespaces/shop/pods": {},
            "/apis/node.k8s.io/v1/runtimeclasses": {},
        }
        self.events: list[tuple[int, str, Object]] = []
        self.oldest = 0
        self.requests: list[str] = []
        self.authorizations: list[str | None] = []
        self.refuse: Callable[[str], int | None] = lambda url: None
        self.delay_seconds = 0.0
        self.break_watches = 0
        self.stopping = False

    def put(self, path: str, obj: Object) -> None:
        """Create or change an object."""
        with self.lock:
            self.version += 1
            name = obj["metadata"]["name"]
            kind = "MODIFIED" if name in self.collections[path] else "ADDED"
            stored = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
            self.collections[path][name] = stored
            self.events.append((self.version, path, {"type": kind, "object": stored}))

    def delete(self, path: str, name: str) -> None:
        """Delete an object."""
        with self.lock:
            self.version += 1
            stored = self.collections[path].pop(name)
            stored = {
                **stored,
                "metadata": {**stored["metadata"], "resourceVersion": str(self.version)},
            }
            self.events.append((self.version, path, {"type": "DELETED", "object": stored}))

    def bookmark(self, path: str) -> None:
        """Tell watchers the version only."""
        with self.lock:
            self.version += 1
            obj = {"metadata": {"resourceVersion": str(self.version)}}
            self.events.append((self.version, path, {"type": "BOOKMARK", "object": obj}))

    def expire(self) -> None:
        """Forget all events, as etcd's compaction does: watches from before get 410."""
        with self.lock:
            self.version += 1
            self.events.clear()
            self.oldest = self.version

    def asked(self, part: str) -> int:
        """How many requests had ``part`` in their URL."""
        return sum(part in url for url in list(self.requests))


def namespace(name: str, **labels: str) -> Object:
    """A Namespace as JSON."""
    return {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def runtime_class(name: str, handler: str) -> Object:
    """A RuntimeClass as JSON."""
    return {"kind": "RuntimeClass", "metadata": {"name": name}, "handler": handler}


def node(name: str, *handlers: str, heartbeat: str = "") -> Object:
    """A Ready Node as JSON."""
    return {
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/arch": "amd64"}},
        "status": {
            "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": heartbeat}],
            "runtimeHandlers": [{"name": h} for h in handlers],
        },
    }


@contextmanager
def serving(api: FakeApi, *, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve ``api`` on loopback; yields its URL."""

    class Handler(_Handler):
        state = api

    server = _Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        api.stopping = True
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: what is printed when a client has gone may come into another test's output."""


class _Handler(BaseHTTPRequestHandler):
    state: FakeApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        self.state.requests.append(self.path)
        self.state.authorizations.append(self.headers.get("Authorization"))
        self._take_time()
        status = self.state.refuse(self.path)
        if status:
            self._send(status, {"kind": "Status", "code": status, "message": f"refused {status}"})
        elif "watch" in query:
            self._watch(url.path, int(query["resourceVersion"]))
        elif url.path in self.state.collections:
            self._list(url.path, query)
        else:
            self._get(url.path)

    def _take_time(self) -> None:
        began = time.monotonic()
        while time.monotonic() - began < self.state.delay_seconds and not self.state.stopping:
            time.sleep(_POLL)

    def _list(self, path: str, query: Mapping[str, str]) -> None:
        with self.state.lock:
            items = sorted(self.state.collections[path].items())
            version = self.state.version
        start, limit = int(query.get("continue", "0")), int(query["limit"])
        metadata = {"resourceVersion": str(version)}
        if start + limit < len(items):
            metadata["continue"] = str(start + limit)
        page = [obj for _, obj in items[start : start + limit]]
        self._send(200, {"kind": "List", "metadata": metadata, "items": page})

    def _get(self, path: str) -> None:
        collection, _, name = path.rpartition("/")
        with self.state.lock:
            obj = self.state.collections[collection].get(name)
        self._send(*((200, obj) if obj else (404, {"kind": "Status", "code": 404})))

    def _watch(self, path: str, after: int) -> None:
        if after < self.state.oldest:
            self._send(410, {"kind": "Status", "code": 410, "message": "too old"})
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not self.state.stopping:
            with self.state.lock:
                due = [e for e in self.state.events if e[0] > after and e[1] == path]
                expired = after < self.state.oldest
            if expired:
                error = {"kind": "Status", "code": 410, "message": "too old resource version"}
                self._event({"type": "ERROR", "object": error})
                break
            for version, _, event in due:
                self._event(event)
                after = version
            if self.state.break_watches:
                self.state.break_watches -= 1
                self.close_connection = True
                return
            time.sleep(_POLL)
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, event: Object) -> None:
        line = json.dumps(event).encode() + b"\n"
        # In two pieces, since a watch's lines have nothing to do with its chunks.
        for part in (line[:7], line[7:]):
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")

    def _send(self, status: int, obj: Object | None) -> None:
        body = json.dumps(obj).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""
