"""Where the API server is and who asks: by a kubeconfig, or by the service account of a pod.

The ``kubernetes`` client is imported within functions only, for kubeconfig files. It costs 14 MiB
and a quarter of a second (all its siblings come along: pydantic models, OAuth, websockets), and a
server in a pod needs three files and two variables instead, so that case is read here.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import urllib3

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_MOST_CONNECTIONS = 8
# What a kubeconfig of another shape makes the client's loader raise.
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError)


class KubeError(Exception):
    """What is wrong with the way to the cluster; one line for the person who set it up."""


class NoClusterError(KubeError):
    """There are no credentials for an API server; the message says where they were sought."""


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
        host=settings.host,
        connect=lambda: RESTClientObject(settings).pool_manager,
        authorization=lambda: settings.get_api_key_with_prefix("BearerToken", "authorization"),
        files=tuple(Path(name) for name in named if name),
    )
