"""A fake of the API server's objects, for what a real one cannot do: die at a chosen call.

It keeps versions and refuses old ones as the real one does; that it does so rightly is seen where
the same programs run against the real one (tests/certs/test_cluster.py).
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import jsonpatch

from certs.access import MUTATING, VALIDATING, SecretName, Target
from certs.errors import ConflictError
from certs.inspect import signed_by
from certs.kube import JSON_PATCH, Patch, Ref
from certs.rotate import Time

TARGET = Target(
    secret=SecretName(namespace="ns", name="tls"),
    ca_secret=SecretName(namespace="ns", name="tls-ca"),
    webhook_configs=("gate",),
)
SECRET = Ref(resource="secrets", namespace="ns", name="tls")
CA_SECRET = Ref(resource="secrets", namespace="ns", name="tls-ca")
CONFIGS = (Ref(resource=MUTATING, name="gate"), Ref(resource=VALIDATING, name="gate"))


class Killed(Exception):
    """The program ends here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What was stored from ``at`` on: the served chain, and every caBundle by its webhook."""

    at: datetime
    chain: bytes
    bundles: Mapping[str, bytes]


@dataclass(slots=True, kw_only=True)
class FakeApi:
    """Objects in memory; every call takes a second of the fake clock."""

    clock: FakeClock
    objects: dict[Ref, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, Ref]] = field(default_factory=list)
    history: list[Moment] = field(default_factory=list)
    die_before: int = -1  # the number of the call that is not made any more
    die_after: int = -1  # the number of the call whose answer is lost
    versions: int = 0

    def get(self, ref: Ref) -> Mapping[str, Any] | None:
        self._enter("get", ref)
        found = copy.deepcopy(self.objects.get(ref))
        self._leave()
        return found

    def create(self, ref: Ref, body: Mapping[str, Any]) -> None:
        self._enter("create", ref)
        if ref in self.objects:
            raise ConflictError(str(ref), "is there already", status=409)
        self.put(ref, dict(body))
        self._leave()

    def patch(self, ref: Ref, body: Patch, content_type: str) -> None:
        self._enter("patch", ref)
        old = self.objects[ref]
        if content_type == JSON_PATCH:
            assert not isinstance(body, Mapping)
            new = jsonpatch.apply_patch(old, list(body))
        else:
            assert isinstance(body, Mapping)
            metadata = {**old["metadata"], **body["metadata"]}
            data = {**(old.get("data") or {}), **body["data"]}
            new = {**old, "metadata": metadata, "data": data}
        if new["metadata"]["resourceVersion"] != old["metadata"]["resourceVersion"]:
            raise ConflictError(str(ref), "was changed", status=409)
        self.put(ref, new)
        self._leave()

    def put(self, ref: Ref, body: dict[str, Any]) -> None:
        """Store the object with a new version."""
        self.versions += 1
        body["metadata"] = {**body["metadata"], "resourceVersion": str(self.versions)}
        self.objects[ref] = body
        self.history.append(
            Moment(at=self.clock.moment, chain=self.chain(), bundles=self.bundles())
        )

    def register(self, *names: str, ca_bundle: bytes = b"", service: str = "gate") -> None:
        """Both configurations with these webhooks, for a Service in ``ns``."""
        for ref in CONFIGS:
            called = {"name": service, "namespace": "ns", "path": "/x", "port": 443}
            client: dict[str, Any] = {"service": called}
            if ca_bundle:
                client["caBundle"] = base64.b64encode(ca_bundle).decode()
            hooks = [{"name": name, "clientConfig": dict(client)} for name in names]
            self.put(ref, {"metadata": {"name": "gate"}, "webhooks": hooks})

    def data(self, ref: Ref, key: str) -> bytes:
        """One key of a Secret; empty when it is not there."""
        data = (self.objects.get(ref) or {}).get("data") or {}
        return base64.b64decode(data.get(key, ""))

    def set_data(self, ref: Ref, **values: bytes) -> None:
        """Set keys of a Secret by hand; ``_`` stands for the dot."""
        body = self.objects.get(ref) or {"metadata": {"name": ref.name}}
        encoded = {k.replace("_", "."): base64.b64encode(v).decode() for k, v in values.items()}
        self.put(ref, {**body, "data": {**(body.get("data") or {}), **encoded}})

    def chain(self) -> bytes:
        return self.data(SECRET, "tls.crt")

    def bundles(self) -> dict[str, bytes]:
        return {
            f"{ref}/{hook['name']}": base64.b64decode(hook["clientConfig"].get("caBundle", ""))
            for ref in CONFIGS
            for hook in (self.objects.get(ref) or {}).get("webhooks", ())
        }

    def _enter(self, verb: str, ref: Ref) -> None:
        self.clock.sleep(1)
        if len(self.calls) == self.die_before:
            self.die_before = -1
            raise Killed
        self.calls.append((verb, ref))

    def _leave(self) -> None:
        if len(self.calls) - 1 == self.die_after:
            raise Killed


@dataclass(slots=True, kw_only=True)
class FakeClock:
    """A clock that moves when somebody sleeps."""

    moment: datetime

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=max(seconds, 0))

    @property
    def time(self) -> Time:
        return Time(now=lambda: self.moment, sleep=self.sleep)


def outages(
    history: list[Moment], *, settle: timedelta, grace: timedelta, since: datetime
) -> list[str]:
    """When an API server could not have verified a server, by the delays that each may have.

    At any moment an API server may still go by any caBundle of the last ``settle``, and a server
    may still present any certificate of the last ``grace``: every such pair must fit.
    """
    found = []
    for now in (moment for moment in history if moment.at >= since):
        chains = {m.chain for m in _in_force(history, now.at - grace, now.at)}
        recent = _in_force(history, now.at - settle, now.at)
        for place in now.bundles:
            for bundle in {m.bundles[place] for m in recent if place in m.bundles}:
                found += [
                    f"{now.at:%F %T} {place}"
                    for chain in chains
                    if chain and not (bundle and _verified(chain, bundle))
                ]
    return found


_verified = cache(signed_by)


def _in_force(history: list[Moment], start: datetime, end: datetime) -> list[Moment]:
    """What was stored at any time of a span."""
    ends = [following.at for _, following in pairwise(history)] + [end + timedelta(days=1)]
    return [m for m, until in zip(history, ends, strict=True) if m.at <= end and until > start]
