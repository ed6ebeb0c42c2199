"""The objects of an installation in the cluster, read as they are and changed field by field.

A change touches nothing but the keys of ours in a Secret's ``data`` and the ``caBundle`` of
webhooks that call the servers, and only in the version that was read.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from certs.access import MUTATING, VALIDATING, SecretName, Target
from certs.files import CA_KEY, TLS_CRT
from certs.inspect import printable
from certs.kube import JSON_PATCH, MERGE_PATCH, ApiServer, Ref

_CERT_MANAGER = "cert-manager.io/"
_TYPES = {TLS_CRT: "kubernetes.io/tls", CA_KEY: "Opaque"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretView:
    """A Secret as it was read; ``version`` is empty when there is none."""

    name: SecretName
    version: str = ""
    data: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    cert_manager: bool = False

    @property
    def ref(self) -> Ref:
        """Where it is."""
        return Ref(resource="secrets", namespace=self.name.namespace, name=self.name.name)

    def __str__(self) -> str:
        return f"Secret {self.name}"

    def label(self, key: str) -> str:
        """What messages call one of its keys."""
        return f"{self} {key}"

    def empty(self, *keys: str) -> bool:
        """True when none of the keys has anything in it."""
        return not any(self.data.get(key, b"").strip() for key in keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookView:
    """One webhook of a configuration; ``host`` is the name its server must prove to have."""

    ref: Ref
    version: str
    index: int
    name: str
    host: str
    ca_bundle: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{self.ref} webhook {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """All objects of a target, read one after the other; ``absent`` are configurations."""

    secret: SecretView
    ca_secret: SecretView
    webhooks: tuple[WebhookView, ...]
    absent: tuple[Ref, ...]


def read_objects(api: ApiServer, target: Target) -> Objects:
    """Read them: what is trusted first and what is served last.

    A run beside this one adds trust before it serves, and serves before it takes trust away: read
    in this order, what is seen as served is at least as new as what is seen as trusted.
    """
    refs = [
        Ref(resource=resource, name=name)
        for name in target.webhook_configs
        for resource in (MUTATING, VALIDATING)
    ]
    found = [(ref, api.get(ref)) for ref in refs]
    ca_secret = _read_secret(api, target.ca_secret)
    return Objects(
        secret=_read_secret(api, target.secret),
        ca_secret=ca_secret,
        webhooks=tuple(each for ref, raw in found if raw for each in _webhooks(ref, raw)),
        absent=tuple(ref for ref, raw in found if raw is None),
    )


def write_secret(api: ApiServer, secret: SecretView, data: Mapping[str, bytes]) -> None:
    """Make the Secret, or set these keys in the version that was read; else ConflictError."""
    encoded = {key: base64.b64encode(value).decode("ascii") for key, value in data.items()}
    if secret.version:
        patch = {"metadata": {"resourceVersion": secret.version}, "data": encoded}
        api.patch(secret.ref, patch, MERGE_PATCH)
        return
    kind = next(kind for key, kind in _TYPES.items() if key in data)
    labels = {"app.kubernetes.io/managed-by": "runtimegate-certs"}
    metadata = {**_named(secret.name), "labels": labels}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind}
    api.create(secret.ref, {**body, "data": encoded})


def write_ca_bundles(api: ApiServer, changes: Mapping[WebhookView, bytes]) -> None:
    """Set the ``caBundle`` of these webhooks, a configuration at a time; else ConflictError."""
    for ref, webhooks in groupby(changes, key=lambda webhook: webhook.ref):
        api.patch(ref, list(_operations(webhooks, changes)), JSON_PATCH)


def _operations(
    webhooks: Iterable[WebhookView], changes: Mapping[WebhookView, bytes]
) -> Iterator[dict[str, Any]]:
    """The version makes the API server refuse the patch if anything else has changed meanwhile."""
    for number, webhook in enumerate(webhooks):
        if number == 0:
            at = "/metadata/resourceVersion"
            yield {"op": "replace", "path": at, "value": webhook.version}
        at = f"/webhooks/{webhook.index}"
        bundle = base64.b64encode(changes[webhook]).decode("ascii")
        yield {"op": "test", "path": f"{at}/name", "value": webhook.name}
        yield {"op": "add", "path": f"{at}/clientConfig/caBundle", "value": bundle}


def _read_secret(api: ApiServer, name: SecretName) -> SecretView:
    raw = api.get(SecretView(name=name).ref)
    if raw is None:
        return SecretView(name=name)
    annotations = raw["metadata"].get("annotations") or {}
    return SecretView(
        name=name,
        version=raw["metadata"]["resourceVersion"],
        data={key: base64.b64decode(value) for key, value in (raw.get("data") or {}).items()},
        cert_manager=any(key.startswith(_CERT_MANAGER) for key in annotations),
    )


def _webhooks(ref: Ref, raw: Mapping[str, Any]) -> Iterator[WebhookView]:
    for index, webhook in enumerate(raw.get("webhooks") or ()):
        client = webhook["clientConfig"]
        yield WebhookView(
            ref=ref,
            version=raw["metadata"]["resourceVersion"],
            index=index,
            name=printable(webhook["name"]),
            host=_host(client),
            ca_bundle=base64.b64decode(client.get("caBundle") or ""),
        )


def _host(client: Mapping[str, Any]) -> str:
    """What the API server asks the certificate for: a Service's name, or the host of a URL."""
    if service := client.get("service"):
        return f"{service['name']}.{service['namespace']}.svc"
    return (urlsplit(client.get("url") or "").hostname or "").lower()


def _named(name: SecretName) -> dict[str, str]:
    return {"namespace": name.namespace, "name": name.name}
