"""The door to the API server: list, watch and get, as the raw JSON it sends.

``import kubernetes`` stands in one function only, for kubeconfig files. It costs 14 MiB and a
quarter of a second (all its siblings come along: pydantic models, OAuth, websockets), and a
server in a pod needs three files and two variables instead, so that case is read here. The
transport is urllib3, which that client uses too.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import orjson
import urllib3

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_CONNECT_SECONDS = 10.0
_LIST_SECONDS = 60.0
# Bookmarks come about once a minute. A watch silent for longer is dead, or from a version that is
# yet to come for a server whose etcd was restored from a backup: only a new list helps then.
_WATCH_SILENCE_SECONDS = 90.0
_MOST_CONNECTIONS = 8
_CHUNK = 65536
# What a kubeconfig of another shape makes the client's loader raise.
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError)


class KubeError(Exception):
    """What is wrong with the way to the cluster; one line for the person who set it up."""


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


class NoClusterError(KubeError):
    """There are no credentials for an API server; the message says where they were sought."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach an API server. ``files`` are those that ``connect`` reads: when one of them
    changes (a rotated CA or client certificate), it is called again."""

    host: str
    connect: Callable[[], urllib3.PoolManager]
    authorization: Callable[[], str | None]
    files: tuple[Path, ...] = ()


def find_access(
    *,
    kubeconfig: Path | None = None,
    context: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Access:
    """Access by the file or context given, by the service account of the pod, or as kubectl would.

    Raises NoClusterError.
    """
    if _is_pod(kubeconfig, context, environ):
        return in_cluster(environ)
    return _from_kubeconfig(kubeconfig, context)


def _is_pod(kubeconfig: Path | None, context: str | None, environ: Mapping[str, str]) -> bool:
    return kubeconfig is None and context is None and bool(environ.get("KUBERNETES_SERVICE_HOST"))


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeContext:
    """The context in use: its name, and the namespace that kubectl would take."""

    name: str
    namespace: str = "default"


def find_context(
    *,
    kubeconfig: Path | None = None,
    context: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> KubeContext:
    """The context that ``find_access`` of the same arguments uses. Raises NoClusterError."""
    if _is_pod(kubeconfig, context, environ):
        return KubeContext(name="this cluster")
    from kubernetes.config import (  # noqa: PLC0415 - see the head of this file
        ConfigException,
        list_kube_config_contexts,
    )
    from yaml import YAMLError  # noqa: PLC0415

    try:
        every, current = list_kube_config_contexts(
            config_file=str(kubeconfig) if kubeconfig else None
        )
        found = next((c for c in every if c["name"] == context), None) if context else current
        if found is None:
            known = ", ".join(str(c["name"]) for c in every[:20])
            raise NoClusterError(
                f"{kubeconfig or 'kubeconfig'}: no context {context!r}; there are: {known}"
            )
        namespace = (found.get("context") or {}).get("namespace")
        return KubeContext(name=str(found["name"]), namespace=str(namespace or "default"))
    except (ConfigException, OSError, YAMLError, *_MALFORMED) as error:
        raise NoClusterError(_said(kubeconfig, error)) from error


def _said(path: Path | None, error: Exception) -> str:
    """What is wrong with a kubeconfig; the commonest in our own words: that there is none."""
    if path is not None:
        said = " ".join(str(error).split())
        return f"{path}: {said if path.exists() else 'no such kubeconfig'}"
    named = os.environ.get("KUBECONFIG") or "~/.kube/config"
    if not any(Path(name).expanduser().exists() for name in named.split(os.pathsep) if name):
        return f"no kubeconfig: {named} is not there; KUBECONFIG or --kubeconfig names another"
    return f"kubeconfig: {' '.join(str(error).split())}"


def context_names(kubeconfig: Path | None = None) -> tuple[str, ...]:
    """The contexts that ``find_context`` finds there. Raises what reading a kubeconfig raises."""
    from kubernetes.config import list_kube_config_contexts  # noqa: PLC0415 - as above

    every, _ = list_kube_config_contexts(config_file=str(kubeconfig) if kubeconfig else None)
    return tuple(str(context["name"]) for context in every)


def in_cluster(environ: Mapping[str, str], account: Path = _SERVICE_ACCOUNT) -> Access:
    """Access by a pod's service account; the token is read again for every request."""
    host = environ.get("KUBERNETES_SERVICE_HOST", "")
    port = environ.get("KUBERNETES_SERVICE_PORT", "443")
    token, ca = account / "token", account / "ca.crt"
    for path in (token, ca):
        if not path.is_file():
            raise NoClusterError(f"{path}: missing, so this pod has no service account to use")
    return Access(
        host=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        connect=lambda: urllib3.PoolManager(
            maxsize=_MOST_CONNECTIONS, cert_reqs="CERT_REQUIRED", ca_certs=str(ca)
        ),
        authorization=lambda: f"Bearer {token.read_text().strip()}",
        files=(ca,),
    )


def _from_kubeconfig(path: Path | None, context: str | None) -> Access:
    from kubernetes.client import Configuration  # noqa: PLC0415 - see the head of this file
    from kubernetes.client.rest import RESTClientObject  # noqa: PLC0415
    from kubernetes.config import ConfigException, load_kube_config  # noqa: PLC0415
    from yaml import YAMLError  # noqa: PLC0415

    settings = Configuration()
    try:
        load_kube_config(
            config_file=str(path) if path else None,
            context=context,
            client_configuration=settings,
            persist_config=False,
        )
    except (ConfigException, OSError, YAMLError, *_MALFORMED) as error:
        raise NoClusterError(_said(path, error)) from error
    if not settings.host:
        raise NoClusterError(f"{path or 'kubeconfig'}: the cluster has no server")
    settings.connection_pool_maxsize = _MOST_CONNECTIONS
    named = (settings.ssl_ca_cert, settings.cert_file, settings.key_file)
    return Access(
        host=settings.host.rstrip("/"),
        connect=lambda: RESTClientObject(settings).pool_manager,
        authorization=lambda: settings.get_api_key_with_prefix("BearerToken", "authorization"),
        files=tuple(Path(name) for name in named if name),
    )


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


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def _why(error: Exception) -> str:
    """The innermost reason, without the object addresses that urllib3 prints."""
    reason = getattr(error, "reason", None)
    inner = reason if isinstance(reason, Exception) else error
    text = str(inner)
    return text.partition("): ")[2] or text.partition(">: ")[2] or text or type(inner).__name__
