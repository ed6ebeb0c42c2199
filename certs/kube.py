"""The door to the API server: get, create and patch single objects, as the raw JSON it sends.

The credentials are found by the ``kubernetes`` client (a kubeconfig with all its ways to log in,
or the service account of a pod), and its connections are used; its models are not, for what they
do not know they would drop. Every patch names the version it was made for, or is refused.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import urllib3
from kubernetes.client import Configuration
from kubernetes.client.rest import RESTClientObject
from kubernetes.config import ConfigException, load_kube_config
from kubernetes.config.incluster_config import (
    SERVICE_CERT_FILENAME,
    SERVICE_TOKEN_FILENAME,
    InClusterConfigLoader,
)
from yaml import YAMLError

from certs.access import ADMISSION, KINDS
from certs.errors import ApiError, ConflictError
from certs.inspect import printable

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"

_SECONDS = urllib3.Timeout(connect=10, read=30)
_FIELD_MANAGER = "fieldManager=runtimegate-certs"
_DOING = {"get": "read", "create": "created", "patch": "changed"}
_METHODS = {"get": "GET", "create": "POST", "patch": "PATCH"}
# What a kubeconfig of another shape makes the client's loader raise.
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError)
_LOST = (404, 409)
_TEST_FAILED = 422  # a JSON patch whose ``test`` does not hold

Patch = Mapping[str, Any] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """One object; ``namespace`` is empty for a cluster-wide one."""

    resource: str
    name: str
    namespace: str = ""

    @property
    def collection(self) -> str:
        """The path of the objects that it is one of."""
        if self.resource == "secrets":
            return f"/api/v1/namespaces/{quote(self.namespace, safe='')}/secrets"
        return f"/apis/{ADMISSION}/v1/{self.resource}"

    @property
    def path(self) -> str:
        """Its own path."""
        return f"{self.collection}/{quote(self.name, safe='')}"

    def __str__(self) -> str:
        if self.resource == "secrets":
            return f"Secret {self.namespace}/{self.name}"
        return f"{KINDS[self.resource]} {self.name}"


class ApiServer(Protocol):
    """What the rest of this package asks of an API server; all of it raises ApiError."""

    def get(self, ref: Ref) -> Mapping[str, Any] | None:
        """The object; None when there is none."""

    def create(self, ref: Ref, body: Mapping[str, Any]) -> None:
        """Make the object; ConflictError when it is there already."""

    def patch(self, ref: Ref, body: Patch, content_type: str) -> None:
        """Change the object; ConflictError when it is gone or not the version of the patch."""


class KubeApi:
    """An ApiServer over HTTPS."""

    def __init__(self, settings: Configuration) -> None:
        self._settings = settings
        self._host: str = settings.host.rstrip("/")
        self._pool: urllib3.PoolManager = RESTClientObject(settings).pool_manager
        self.server_time: datetime | None = None
        """What the API server's clock said in its last answer."""

    def get(self, ref: Ref) -> Mapping[str, Any] | None:
        """See ApiServer."""
        status, body = self._ask("get", ref, ref.path)
        if status == 404:
            return None
        return self._checked("get", ref, status, body)

    def create(self, ref: Ref, body: Mapping[str, Any]) -> None:
        """See ApiServer."""
        url = f"{ref.collection}?{_FIELD_MANAGER}"
        self._checked("create", ref, *self._ask("create", ref, url, body))

    def patch(self, ref: Ref, body: Patch, content_type: str) -> None:
        """See ApiServer."""
        url = f"{ref.path}?{_FIELD_MANAGER}"
        status, answer = self._ask("patch", ref, url, body, content_type)
        if status in _LOST or (status == _TEST_FAILED and content_type == JSON_PATCH):
            problem = f"cannot be changed (HTTP {status}: {_said(answer)})"
            raise ConflictError(str(ref), problem, status=status)
        self._checked("patch", ref, status, answer)

    def _ask(
        self,
        verb: str,
        ref: Ref,
        url: str,
        body: Patch | None = None,
        content_type: str = "application/json",
    ) -> tuple[int, bytes]:
        headers = {"Accept": "application/json", "User-Agent": "runtimegate-certs"}
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            if token := self._settings.get_api_key_with_prefix("BearerToken", "authorization"):
                headers["Authorization"] = token
            response = self._pool.request(
                _METHODS[verb],
                self._host + url,
                headers=headers,
                body=None if body is None else json.dumps(body),
                retries=False,
                redirect=False,
                timeout=_SECONDS,
            )
        except (urllib3.exceptions.HTTPError, OSError, ConfigException) as error:
            problem = f"{_why(error)}, while {ref} was to be {_DOING[verb]}"
            raise ApiError(self._host, problem) from error
        self.server_time = _date(response.headers.get("Date")) or self.server_time
        return response.status, response.data

    def _checked(self, verb: str, ref: Ref, status: int, body: bytes) -> Mapping[str, Any]:
        """The object that was answered; raises what a refusal means."""
        if status in (200, 201):
            answer = json.loads(body)
            if isinstance(answer, dict):
                return answer
        if status == 409:
            raise ConflictError(str(ref), f"is there already ({_said(body)})", status=status)
        if status == 403:
            problem = f"may not be {_DOING[verb]} (HTTP 403: {_said(body)}); {_to_grant(verb, ref)}"
            raise ApiError(str(ref), problem, status=status)
        if status == 404 and verb == "create":
            problem = f"cannot be created: there is no namespace {ref.namespace}"
            raise ApiError(str(ref), problem, status=status)
        problem = f"cannot be {_DOING[verb]} (HTTP {status}: {_said(body)})"
        raise ApiError(str(ref), problem, status=status)


def connect(kubeconfig: Path | None, environ: Mapping[str, str] = os.environ) -> KubeApi:
    """By the file given, by the service account of the pod, or as kubectl would.

    Raises ApiError when there are no credentials, or they cannot be read.
    """
    settings = type.__call__(Configuration)
    in_pod = kubeconfig is None and bool(environ.get("KUBERNETES_SERVICE_HOST"))
    label = "service account of this pod" if in_pod else str(kubeconfig or "kubeconfig")
    try:
        _load(settings, kubeconfig, environ if in_pod else None)
        api = KubeApi(settings) if settings.host else None
    except (ConfigException, OSError, YAMLError, urllib3.exceptions.HTTPError) as error:
        raise ApiError(label, printable(" ".join(str(error).split()))) from error
    except _MALFORMED as error:
        raise ApiError(label, f"is no kubeconfig ({type(error).__name__})") from error
    if api is None:
        raise ApiError(label, "names no server; expected a kubeconfig with a cluster")
    return api


def _load(settings: Configuration, path: Path | None, pod: Mapping[str, str] | None) -> None:
    """From the pod's account when ``pod`` is its environment, else from a kubeconfig."""
    if pod is None:
        load_kube_config(
            config_file=str(path) if path else None,
            client_configuration=settings,
            persist_config=False,
        )
        return
    loader = InClusterConfigLoader(
        token_filename=SERVICE_TOKEN_FILENAME, cert_filename=SERVICE_CERT_FILENAME, environ=pod
    )
    loader.load_and_set(settings)


def _to_grant(verb: str, ref: Ref) -> str:
    where = f" in namespace {ref.namespace}" if ref.namespace else ""
    if verb == "create":
        remedy = f"grant the verb create on secrets{where}, or make that Secret beforehand, "
        return remedy + "of type Opaque and without data"
    group = "" if ref.resource == "secrets" else f".{ADMISSION}"
    return f"grant the verb {verb} on {ref.resource}{group} {ref.name}{where}"


def _said(body: bytes) -> str:
    """The message of a Status, or the start of what came instead."""
    try:
        said = json.loads(body).get("message", "")
    except (ValueError, AttributeError):
        said = body[:200].decode("utf-8", "replace")
    return printable(" ".join(str(said).split())[:400]) or "no message"


def _date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if text else None
    except ValueError:
        return None


def _why(error: Exception) -> str:
    """The innermost reason, without the object addresses that urllib3 prints."""
    reason = getattr(error, "reason", None)
    text = str(reason if isinstance(reason, Exception) else error)
    short = text.partition("): ")[2] or text.partition(">: ")[2] or text
    return printable(" ".join(short.split())) or type(error).__name__
