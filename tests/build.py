"""Minimal valid values for tests; every test says only what it changes.

``pod(...)`` and ``review(...)`` are raw JSON objects as the API server sends them; the rest are
core values.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import orjson

from webhook.core.applications import Application, Clause, Evidence, Need, Recognition
from webhook.core.cluster import ClusterView, NamespaceView, NodeView, RuntimeClassView
from webhook.core.compat import CompatTable, Fact, Release
from webhook.core.decision import Change, Decision, Operation, decide
from webhook.core.images import parse_image_pattern
from webhook.core.names import Action, Feature, Handler, Mode, Strength, Support, Verdict
from webhook.core.pod import PodView, view_pod
from webhook.core.policy import (
    DEFAULT_ACTIONS,
    Exemption,
    LabelSelector,
    NamespaceSelector,
    Override,
    PodSelector,
    Policy,
    PolicySet,
    Rules,
    RuntimeClasses,
)
from webhook.core.runtimes import Inventory, RuntimeProfile
from webhook.core.snapshot import Snapshot
from webhook.core.versions import ALL_VERSIONS, interval_set, parse_interval, parse_version

TODAY = date(2026, 11, 24)
EVIDENCE = Evidence(kind="issue", source="google/gvisor#88", date="2018-08-22")


def container(name: str = "web", image: str = "docker.io/library/nginx:1.31", **fields: Any) -> Any:
    """One container as JSON."""
    return {"name": name, "image": image, **fields}


def pod(
    *,
    name: str = "web",
    namespace: str | None = None,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    containers: Iterable[Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A Pod object as JSON; keyword arguments are fields of its spec."""
    optional = {"namespace": namespace, "labels": labels, "annotations": annotations}
    metadata = {"name": name, **{k: v for k, v in optional.items() if v is not None}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": list(containers) if containers else [container()], **spec},
    }


def pod_view(obj: Mapping[str, Any] | None = None, *, namespace: str = "tenant-a") -> PodView:
    """The view of a pod object, the minimal one when none is given."""
    obj = pod() if obj is None else obj
    return view_pod(obj["spec"], obj["metadata"], namespace=namespace)


def review(
    obj: Mapping[str, Any] | None = None,
    *,
    operation: str = "CREATE",
    namespace: str = "tenant-a",
    old: Mapping[str, Any] | None = None,
    sub_resource: str = "",
    user: str = "alice",
    groups: Iterable[str] = ("system:authenticated",),
    **request: Any,
) -> dict[str, Any]:
    """An AdmissionReview v1 for a pod, as the API server posts it."""
    obj = pod() if obj is None else obj
    body: dict[str, Any] = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "name": obj["metadata"].get("name", ""),
        "namespace": namespace,
        "operation": operation,
        "userInfo": {"username": user, "groups": list(groups)},
        "object": obj,
        "oldObject": old,
        "dryRun": False,
        "options": {"kind": f"{operation.title()}Options", "apiVersion": "meta.k8s.io/v1"},
        **request,
    }
    if sub_resource:
        body["subResource"] = sub_resource
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": body}


def review_bytes(obj: Mapping[str, Any] | None = None, **tweaks: Any) -> bytes:
    """``review(...)`` as the bytes of a request body."""
    return orjson.dumps(review(obj, **tweaks))


def profile(
    runtime: str = "gvisor",
    *versions: str,
    handler: str | None = None,
    runtime_class: str = "",
    **fields: Any,
) -> RuntimeProfile:
    """A runtime of the inventory."""
    return RuntimeProfile(
        runtime=runtime,
        runtime_class=runtime_class,
        handler=Handler(handler) if handler else None,
        versions=tuple(parse_version(v) for v in versions),
        **fields,
    )


def inventory(**by_class: RuntimeProfile) -> Inventory:
    """An inventory; ``kata_qemu=`` is class ``kata-qemu``. Without arguments gvisor, kata, runc."""
    profiles = by_class or {
        "gvisor": profile("gvisor", "20260817.0", handler="runsc"),
        "kata-qemu": profile("kata", "4.1.0", handler="kata-qemu", hypervisor="qemu"),
        "runc": profile("runc", "1.3.0", handler="runc"),
    }
    return Inventory(
        name="cluster",
        node_default=profile("runc", "1.3.0"),
        by_class={name.replace("_", "-"): value for name, value in profiles.items()},
    )


def fact(
    feature: str,
    support: Support = Support.ABSENT,
    *versions: str,
    runtime: str = "gvisor",
    **fields: Any,
) -> Fact:
    """One row of the compatibility table."""
    intervals = interval_set(parse_interval(v) for v in versions) if versions else ALL_VERSIONS
    return Fact(
        runtime=runtime,
        feature=feature,
        support=support,
        versions=intervals,
        evidence=fields.pop("evidence", (EVIDENCE,)),
        **fields,
    )


def application(
    name: str = "postgresql",
    *images: str,
    needs: Iterable[tuple[str, Strength]] = (),
    clause: Clause | None = None,
) -> Application:
    """An application that is recognised by its image."""
    patterns = tuple(parse_image_pattern(p) for p in images or ("*/postgres",))
    return Application(
        name=name,
        title=name,
        recognise=(Recognition(images=patterns, clause=clause or Clause()),),
        needs=tuple(Need(feature=Feature(f), strength=s) for f, s in needs),
    )


def table(
    *facts: Fact,
    applications: Iterable[Application] = (),
    releases: Mapping[str, Iterable[tuple[str, date]]] | None = None,
) -> CompatTable:
    """A compatibility table of just these rows."""
    return CompatTable(
        facts=facts,
        applications=applications,
        releases={
            runtime: tuple(Release(version=parse_version(v), date=d) for v, d in rows)
            for runtime, rows in (releases or {}).items()
        },
        version="test",
    )


def classes(default: str | None = "gvisor", *allowed: str, **fields: Any) -> RuntimeClasses:
    """The class rules of a policy; without ``allowed`` just the default."""
    resolved = allowed or ((default,) if default else ("*",))
    return RuntimeClasses(default=default, allowed=resolved, **fields)


def rules(
    runtime_classes: RuntimeClasses | None = None,
    *,
    mode: Mode = Mode.ENFORCE,
    actions: Mapping[Verdict, Action] | None = None,
    **fields: Any,
) -> Rules:
    """The rules of a policy: gVisor by default, the default actions."""
    return Rules(
        mode=mode,
        runtime_classes=runtime_classes or classes("gvisor", "gvisor", "kata-*"),
        actions={**DEFAULT_ACTIONS, **(actions or {})},
        **fields,
    )


def pods(
    *images: str,
    service_accounts: Iterable[str] = (),
    labels: Mapping[str, str] | None = None,
) -> PodSelector:
    """Which pods an override or an exemption is for."""
    return PodSelector(
        images=tuple(parse_image_pattern(image) for image in images),
        service_accounts=tuple(service_accounts),
        selector=LabelSelector(match_labels=labels) if labels else None,
    )


def override(
    name: str = "databases", *, of: PodSelector | None = None, governs: Rules | None = None
) -> Override:
    """An override for Postgres images: kata-qemu by default and alone."""
    return Override(
        name=name,
        pods=of or pods("*/postgres"),
        rules=governs or rules(classes("kata-qemu")),
    )


def exemption(
    name: str = "node-agent",
    *runtime_classes: str,
    of: PodSelector | None = None,
    features: Iterable[str] = (),
    expires: date | None = None,
) -> Exemption:
    """An exemption for pods of the service account node-agent."""
    return Exemption(
        name=name,
        pods=of or pods(service_accounts=["node-agent"]),
        runtime_classes=runtime_classes,
        features=tuple(features),
        owner="storage-team",
        reason="Mounts volumes for everyone.",
        expires=expires,
    )


def policy(
    name: str = "tenants",
    *names: str,
    priority: int = 100,
    namespaces: NamespaceSelector | None = None,
    governs: Rules | None = None,
    overrides: Iterable[Override] = (),
    exemptions: Iterable[Exemption] = (),
) -> Policy:
    """A policy for the namespaces ``names`` (globs), ``tenant-*`` when none is given."""
    return Policy(
        name=name,
        priority=priority,
        namespaces=namespaces or NamespaceSelector(names=names or ("tenant-*",)),
        rules=governs or rules(),
        overrides=tuple(overrides),
        exemptions=tuple(exemptions),
    )


def snapshot(
    *policies: Policy,
    compat: CompatTable | None = None,
    has: Inventory | None = None,
    cluster: ClusterView | None = None,
    today: date = TODAY,
    revision: str = "3f2a9c1d",
) -> Snapshot:
    """A snapshot with one tenants policy, the usual inventory and an empty table."""
    return Snapshot(
        policies=PolicySet(policies or (policy(),)),
        inventory=has or inventory(),
        compat=compat or table(),
        cluster=cluster or ClusterView(),
        today=today,
        revision=revision,
    )


def node(
    name: str = "worker-1",
    *handlers: str,
    ready: bool = True,
    labels: Mapping[str, str] | None = None,
) -> NodeView:
    """A Ready node; without ``handlers`` its kubelet reports none."""
    reported = frozenset(Handler(h) for h in handlers) if handlers else None
    return NodeView(name=name, labels=labels or {}, ready=ready, handlers=reported)


def cluster(
    *nodes: NodeView,
    namespaces: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]] | None = None,
    handlers: Mapping[str, str] | None = None,
    live: bool = False,
    scheduling: Mapping[str, str] | None = None,
) -> ClusterView:
    """A cluster with the RuntimeClasses of ``inventory()``; no ``nodes``: nothing known of them.

    ``namespaces`` gives labels and annotations by name, ``handlers`` the handlers by RuntimeClass.
    """
    handlers = handlers or {"gvisor": "runsc", "kata-qemu": "kata-qemu", "runc": "runc"}
    return ClusterView(
        namespaces={
            name: NamespaceView(name=name, labels=labels, annotations=annotations)
            for name, (labels, annotations) in (namespaces or {}).items()
        },
        runtime_classes={
            name: RuntimeClassView(
                name=name, handler=Handler(handler), node_selector=scheduling or {}
            )
            for name, handler in handlers.items()
        },
        nodes=nodes or None,
        live=live,
    )


def created(obj: Mapping[str, Any] | None = None, within: Snapshot | None = None) -> Decision:
    """The decision on creating a pod in tenant-a."""
    return decide(pod_view(obj), Operation(), within or snapshot())


def updated(
    old: Mapping[str, Any], new: Mapping[str, Any], within: Snapshot | None = None
) -> Decision:
    """The decision on changing a pod of tenant-a from ``old`` to ``new``."""
    operation = Operation(change=Change.UPDATE, old=pod_view(old))
    return decide(pod_view(new), operation, within or snapshot())
