"""Pods at random, under policies as strict as can be: no compiled policy refuses or assigns what
the core would not.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.build import container, pod
from tests.controlplane.cluster import ControlPlane
from tests.native.plane import Plane, runtime_classes
from tests.native.topics import compiled
from webhook.core.cluster import ClusterView, NamespaceView
from webhook.core.decision import CREATE, Assign, Change, Deny, Operation, decide
from webhook.core.names import ASSIGNED_BY
from webhook.core.pod import view_pod
from webhook.core.snapshot import Snapshot
from webhook.documents.folder import load_policies
from webhook.live.shipped import shipped
from webhook.native.uses import OPEN_USES, USES

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]

POLICY = b"""
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: strict}
spec:
  namespaces: {names: ["tenant-*"]}
  runtimeClasses: {default: gvisor, allowed: [gvisor, kata-qemu], fallback: [kata-qemu]}
  compatibility: {incompatible: deny, degraded: deny, unknown: deny, ignoredSecurity: deny}
  overrides:
    - name: builders
      pods: {serviceAccounts: ["build-*"]}
      runtimeClasses: {default: kata-qemu, allowed: ["*"]}
      compatibility: {unknown: warn}
    - name: databases
      pods: {images: ["*/postgres", "docker.io/bitnami/*:1*"]}
      compatibility: {degraded: warn, ignoredSecurity: warn}
      runtimeAnnotations: {allowed: ["dev.gvisor.*"]}
    - name: free
      pods: {selector: {matchLabels: {app: free}}}
      runtimeClasses: {default: "", allowed: [runc]}
  exemptions:
    - name: some-features
      pods: {selector: {matchExpressions: [{key: team, operator: In, values: [storage]}]}}
      features: ["pod:host*", "cap:SYS_*", "pod:sysctl/net.*"]
      owner: us
      reason: A test.
      expires: never
    - name: any-class
      pods: {images: ["registry.example.com/agents/*"]}
      runtimeClasses: ["", runc]
      features: ["*"]
      owner: us
      reason: A test.
      expires: never
---
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: above}
spec:
  priority: 9
  namespaces: {names: ["tenant-?"], excludeNames: [tenant-a], selector: {matchLabels: {tier: open}}}
  runtimeClasses: {default: kata-qemu, allowed: ["kata-*"], namespaceDefault: true}
---
apiVersion: runtimegate.dev/v1
kind: RuntimeInventory
metadata: {name: cluster}
spec:
  nodeDefault: {runtime: runc, versions: [1.3.0]}
  runtimes:
    - runtimeClass: gvisor
      handler: runsc
      runtime: gvisor
      versions: ["20260817.0", "20240729.0"]
    - {runtimeClass: kata-qemu, handler: kata-qemu, runtime: kata, hypervisor: qemu}
"""
CLASSES = {"gvisor": "runsc", "kata-qemu": "kata-qemu", "runc": "runc"}
NAMESPACES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "tenant-a": ({"tier": "open"}, {}),
    "tenant-b": ({"tier": "open"}, {"runtimegate.dev/default-runtime-class": "kata-fc"}),
    "tenant-c": ({}, {"runtimegate.dev/default-runtime-class": "gvisor"}),
    "tenant-d": ({"tier": "open"}, {"runtimegate.dev/default-runtime-class": "runc"}),
    "other": ({}, {}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """The API server with the policies in force, and the core's snapshot."""

    plane: Plane
    within: Snapshot
    seen: Counter[str] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def both(control_plane: ControlPlane) -> Iterator[Both]:
    loaded = load_policies([("strict.yaml", POLICY)], shipped())
    views = {n: NamespaceView(name=n, labels=x, annotations=a) for n, (x, a) in NAMESPACES.items()}
    within = Snapshot(
        policies=loaded.policies,
        inventory=loaded.inventory,
        compat=loaded.compat,
        cluster=ClusterView(namespaces=views),
        today=datetime.now(UTC).date(),  # noqa: TID251 - the server's clock is what is tested
    )
    made = compiled(within)
    with Plane(plane=control_plane) as plane:
        _prepare(plane)
        plane.apply(made.documents)
        both = Both(plane=plane, within=within)
        yield both
        plane.apply([])
    # The tests were about something: pods of every sort came by, on both sides.
    print(dict(both.seen))
    assert {sort: count for sort, count in both.seen.items() if count < LEAST} == {}
    assert len(both.seen) == 4


def _prepare(plane: Plane) -> None:
    _namespaces(plane)
    plane.put_classes(runtime_classes(CLASSES))
    for number, old in enumerate(OLD_PODS):
        plane.ask("DELETE", f"{OLD}/older-{number}?gracePeriodSeconds=0")
        plane.must("POST", OLD, {**old, "metadata": {**old["metadata"], "name": f"older-{number}"}})


def _namespaces(plane: Plane) -> None:
    namespaces = "/api/v1/namespaces"
    for name, (labels, chosen) in NAMESPACES.items():
        metadata = {"name": name, "labels": labels, "annotations": chosen}
        obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        if plane.ask("POST", namespaces, obj).status == 409:
            plane.must("PUT", f"{namespaces}/{name}", obj)


OLD = "/api/v1/namespaces/tenant-a/pods"
_ASKED: tuple[dict[str, Any], ...] = tuple(
    {"runtimeClassName": name} if name else {} for name in ("", "gvisor", "runc")
)
OLD_PODS: list[dict[str, Any]] = [
    pod(containers=[container("c0", image)], labels=labels, **spec)
    for image in ("nginx:1.31", "postgres:18", "registry.example.com/agents/a:1")
    for labels in ({}, {"team": "storage"})
    for spec in _ASKED
]
"""Pods that are older than the policies."""

LEAST = 20

SAMPLES = [
    *(use.sample for use in USES),
    *(use.named(name).sample for use in OPEN_USES for name in ("SYS_TIME", "NET_RAW", "ZZ")),
    *(OPEN_USES[1].sample(name) for name in ("net.core.somaxconn", "kernel.shm_rmid_forced")),
    *(OPEN_USES[3].sample(name) for name in ("nvidia.com/gpu", "example.com/thing")),
]
IMAGES = (
    "nginx:1.31", "postgres:18", "bitnami/redis:1.2", "bitnami/redis:7", "docker:dind",
    "registry.example.com/agents/a:1", "mysql:8.4", "busybox", "prom/node-exporter:v1",
)  # fmt: skip


def _pod(
    samples: list[int], images: list[str], labels: dict[str, str], spec: dict[str, Any]
) -> Any:
    """One pod of all these parts; of two that say something of one field the last counts."""
    extra: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    annotations: dict[str, str] = {}
    for number in samples:
        sample = SAMPLES[number]
        extra.update(sample.spec)
        fields.update(sample.container)
        annotations.update(sample.annotations)
    extra.setdefault("volumes", [{"name": "v", "emptyDir": {}}])
    containers = [container(f"c{i}", image) for i, image in enumerate(images)]
    containers[-1].update(fields)
    merged = {**extra, **spec}
    return pod(containers=containers, labels=labels, annotations=annotations, **merged)


PODS = st.builds(
    _pod,
    st.lists(st.integers(0, len(SAMPLES) - 1), max_size=2),
    st.lists(st.sampled_from(IMAGES), min_size=1, max_size=2),
    st.dictionaries(
        st.sampled_from(["app", "team"]), st.sampled_from(["free", "storage", "x"]), max_size=2
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "serviceAccountName": st.sampled_from(["build-a", "default"]),
            "runtimeClassName": st.sampled_from(["gvisor", "kata-qemu", "runc"]),
        },
    ),
)


MANY = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@MANY
@given(obj=PODS, namespace=st.sampled_from(sorted(NAMESPACES)))
def test_a_pod_at_random_gets_what_the_core_gives_it_or_passes(
    both: Both, obj: dict[str, Any], namespace: str
) -> None:
    view = view_pod(obj["spec"], obj["metadata"], namespace=namespace)
    core = decide(view, CREATE, both.within)
    answer = both.plane.ask("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", obj)
    if not answer.ok:
        if "AdmissionPolicy" in answer.message:
            assert isinstance(core, Deny), answer.message
            both.seen["created, both refuse"] += 1
        return
    given = answer.body["spec"].get("runtimeClassName")
    asked = obj["spec"].get("runtimeClassName")
    by = answer.body["metadata"].get("annotations", {}).get(ASSIGNED_BY)
    if isinstance(core, Assign) and not core.grounds.notices[0].endswith(f": {core.runtime_class}"):
        # A fallback for a cause that is not compiled: the default is given instead.
        assert given in {core.runtime_class, "gvisor"}
    elif isinstance(core, Assign):
        assert (given, by) == (core.runtime_class, core.assigned_by)
        both.seen["created, both assign"] += 1
    elif asked is not None:
        assert given == asked


@MANY
@given(
    number=st.integers(0, len(OLD_PODS) - 1),
    labels=st.none() | st.dictionaries(st.just("team"), st.sampled_from(["storage", "x"])),
    image=st.none() | st.sampled_from(IMAGES),
    added=st.none() | st.tuples(st.integers(0, len(SAMPLES) - 1), st.sampled_from(IMAGES)),
)
def test_a_change_at_random_is_refused_only_where_the_core_refuses_it(
    both: Both,
    number: int,
    labels: dict[str, str] | None,
    image: str | None,
    added: tuple[int, str] | None,
) -> None:
    path = f"{OLD}/older-{number}"
    old = both.plane.must("GET", path).body
    new = copy.deepcopy(old)
    if added is not None:
        path += "/ephemeralcontainers"
        fields = SAMPLES[added[0]].container
        debugger = {**container("debugger", added[1]), **fields}
        new["spec"]["ephemeralContainers"] = [
            {k: v for k, v in debugger.items() if k in {"name", "image", "securityContext"}}
        ]
    elif image is not None:
        new["spec"]["containers"][0]["image"] = image
    if labels is not None and added is None:
        new["metadata"]["labels"] = labels
    views = [view_pod(o["spec"], o["metadata"], namespace="tenant-a") for o in (new, old)]
    operation = Operation(change=Change.UPDATE, old=views[1])
    core = decide(views[0], operation, both.within)
    answer = both.plane.ask("PUT", f"{path}?dryRun=All", new)
    if "AdmissionPolicy" in answer.message:
        assert isinstance(core, Deny), answer.message
        both.seen["changed, both refuse"] += 1
    elif answer.ok and not isinstance(core, Deny):
        both.seen["changed, both keep"] += 1
