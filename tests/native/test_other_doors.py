"""Annotations that come by a pod's status, by Bindings and by other subresources: the compiled
policies alone refuse what the webhook would, and nothing else.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.build import container, pod
from tests.controlplane.cluster import ControlPlane
from tests.native.plane import Answer, Plane, runtime_classes
from tests.native.topics import compiled
from webhook.core.cluster import ClusterView, NamespaceView
from webhook.core.decision import Change, Deny, Keep, Operation, decide_binding, decide_stored
from webhook.core.names import Mode, Reason
from webhook.core.pod import view_binding, view_pod
from webhook.core.snapshot import Snapshot
from webhook.core.trial import RECONFIGURING
from webhook.documents.folder import load_policies
from webhook.live.shipped import shipped

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]

POLICIES = b"""
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: strict}
spec:
  namespaces: {names: ["door-*"]}
  runtimeClasses: {default: gvisor}
---
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: some}
spec:
  priority: 2
  namespaces: {names: [door-some]}
  runtimeClasses: {default: gvisor}
  runtimeAnnotations: {allowed: ["dev.gvisor.flag.deb*"]}
  overrides:
    - {name: free, pods: {images: ["*/nginx"]}, runtimeAnnotations: {allowed: ["*.crio.io"]}}
---
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: lax}
spec:
  priority: 2
  namespaces: {names: [door-lax]}
  runtimeClasses: {default: gvisor}
  overrides:
    - {name: told, pods: {images: ["*/unheard-of"]}, mode: warn}
---
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: told}
spec:
  priority: 2
  namespaces: {names: [door-told]}
  mode: warn
  runtimeClasses: {default: gvisor}
---
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: above}
spec:
  priority: 9
  namespaces: {names: ["door-*"], selector: {matchLabels: {tier: open}}}
  runtimeClasses: {default: gvisor}
  runtimeAnnotations: {allowed: ["*"]}
  compatibility: {incompatible: deny, degraded: deny, unknown: deny, ignoredSecurity: deny}
---
apiVersion: runtimegate.dev/v1
kind: RuntimeInventory
metadata: {name: cluster}
spec:
  runtimes:
    - {runtimeClass: gvisor, handler: runsc, runtime: gvisor, versions: ["20260817.0"]}
"""
NAMESPACES: Mapping[str, Mapping[str, str]] = {
    "door-strict": {},
    "door-some": {},
    "door-lax": {},
    "door-told": {},
    "door-open": {"tier": "open"},
    "elsewhere": {},
}
OLD = {"dev.gvisor.flag.old": "1", "run.oci.handler": "x", "example.com/free": "y", "x": ""}
"""What the pods have that are older than the policies."""
UNTRUSTED = "io.kubernetes.cri.untrusted-workload"
NODE = "system:node:worker-1"
RIGHTS = (
    {"apiGroups": [""], "resources": ["pods", "pods/ephemeralcontainers", "pods/resize"]},
    {"apiGroups": [""], "resources": ["pods/status", "pods/binding", "bindings"]},
)


def wanted() -> Iterator[dict[str, str]]:
    """Annotations that a pod or a Binding is to have: one added to those of before, or changed."""
    yield OLD
    yield {}
    for key in OLD:
        yield {**OLD, key: "changed"}
        yield {k: v for k, v in OLD.items() if k != key}
    for glob in RECONFIGURING:
        for value in ("1", ""):
            yield {**OLD, glob.replace("*", "x"): value}
    for key in ("dev.gvisor.flag.debug", "dev.gvisorx", "xcrio.io", "a.crio.io/b", "crio.io/a"):
        yield {**OLD, key: "1"}
    yield {**OLD, UNTRUSTED: "true"}
    yield {**OLD, UNTRUSTED: "false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """The API server with the compiled policies in force, and the core's snapshot."""

    plane: Plane
    within: Snapshot
    old: Mapping[str, Mapping[str, Any]]
    """By namespace, the pod that is older than the policies."""


def snapshot_of_doors() -> Snapshot:
    """POLICIES, in namespaces of the labels that they have."""
    loaded = load_policies([("doors.yaml", POLICIES)], shipped())
    views = {name: NamespaceView(name=name, labels=of) for name, of in NAMESPACES.items()}
    return Snapshot(
        policies=loaded.policies,
        inventory=loaded.inventory,
        compat=loaded.compat,
        cluster=ClusterView(namespaces=views),
        today=datetime.now(UTC).date(),  # noqa: TID251 - the server's clock is what is tested
    )


@pytest.fixture(scope="module")
def doors(control_plane: ControlPlane) -> Iterator[Doors]:
    within = snapshot_of_doors()
    with Plane(plane=control_plane) as plane:
        _prepare(plane)
        plane.apply(compiled(within).documents)
        old = {name: plane.must("GET", f"{pods(name)}/old").body for name in NAMESPACES}
        yield Doors(plane=plane, within=within, old=old)
        plane.apply([])


def _prepare(plane: Plane) -> None:
    """Namespaces, the rights of a tenant who has too many, and pods that are older."""
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "doors"},
        "rules": [{**rule, "verbs": ["*"]} for rule in RIGHTS],
    }
    binding = {
        **role,
        "kind": "ClusterRoleBinding",
        "rules": None,
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "doors",
        },
        "subjects": [{"kind": "User", "name": name} for name in ("trudy", NODE)],
    }
    plane.must("POST", f"{rbac}/clusterroles", role)
    plane.must("POST", f"{rbac}/clusterrolebindings", binding)
    for user in ("trudy", NODE):
        plane.until_may(user, "update", "pods", "status")
    plane.put_classes(runtime_classes({"gvisor": "runsc"}))
    for name, labels in NAMESPACES.items():
        namespace = {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        plane.must("POST", "/api/v1/namespaces", namespace)
        _make(plane, name, "old", OLD)
    crowded = {f"example.com/key-{number}": "" for number in range(8_000)}
    _make(plane, "door-strict", "crowded", {**OLD, **crowded})
    for name in ("old-one", "crowded"):
        if name != "crowded":
            _make(plane, "door-strict", name, OLD)
        target = {"kind": "Binding", "metadata": {"name": name}, "target": {"name": "worker-1"}}
        plane.must("POST", f"{pods('door-strict')}/{name}/binding", target)


def _make(plane: Plane, namespace: str, name: str, annotations: Mapping[str, str]) -> None:
    made = pod(containers=[container()], runtimeClassName="gvisor", annotations={})
    made["metadata"] = {"name": name, "annotations": dict(annotations)}
    plane.must("POST", pods(namespace), made)


def pods(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods"


# ---------------------------------------------------------------------------- as the webhook does


def by_update(doors: Doors, namespace: str, sub: str, to: Mapping[str, str]) -> tuple[Any, Answer]:
    """Both verdicts on a pod whose annotations an update of ``sub`` changes."""
    path = f"{pods(namespace)}/old"
    old = doors.old[namespace]
    new = copy.deepcopy(old)
    new["metadata"]["annotations"] = dict(to)
    views = [view_pod(o["spec"], o["metadata"], namespace=namespace) for o in (new, old)]
    operation = Operation(change=Change.UPDATE, old=views[1])
    core = decide_stored(views[0], operation, doors.within)
    return core, doors.plane.ask("PUT", f"{path}{sub}?dryRun=All", new, user="trudy")


def by_binding(doors: Doors, namespace: str, at: str, to: Mapping[str, str]) -> tuple[Any, Answer]:
    """Both verdicts on a Binding with annotations."""
    metadata = {"name": "old", "annotations": dict(to)}
    target = {"kind": "Node", "name": "worker-1"}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}
    core = decide_binding(view_binding(binding, namespace=namespace), doors.within)
    path = f"/api/v1/namespaces/{namespace}/{at}?dryRun=All"
    return core, doors.plane.ask("POST", path, binding, user="trudy")


@pytest.mark.parametrize("door", ["", "/status", "pods/old/binding", "bindings"])
def test_annotations_are_refused_by_every_door_where_the_webhook_refuses_them(
    doors: Doors, door: str
) -> None:
    seen: Counter[str] = Counter()
    for namespace in NAMESPACES:
        for to in wanted():
            ask = by_update if door in {"", "/status"} else by_binding
            core, answer = ask(doors, namespace, door, to)
            said = (namespace, to, answer.message)
            if isinstance(core, Deny):
                assert f"[{core.reason}]" in answer.message, said
                assert answer.status in {403, 422}, said
                assert core.first in answer.message or "and " in core.first, said
                seen[core.reason] += 1
            else:
                assert answer.ok, said
                seen["keep"] += 1
                seen["told"] += bool(answer.warnings)
                _warned_alike(core, answer)
    assert seen[Reason.RUNTIME_ANNOTATION_NOT_ALLOWED] >= 30
    assert seen["keep"] >= 60
    by_pod = door in {"", "/status"}
    assert (seen["told"] > 0) == by_pod, "a Binding says nothing of the mode of its pod"
    assert (seen.total() - seen["keep"] - seen["told"] > seen["RuntimeAnnotationNotAllowed"]) == (
        by_pod
    ), "what an annotation asks of the runtime is judged too, of a pod"


def _warned_alike(core: Keep, answer: Answer) -> None:
    told = [warning for warning in answer.warnings if "would refuse this pod" in warning]
    assert bool(told) == isinstance(core.would, Deny), (core, answer.warnings)


def test_a_binding_of_softened_policies_is_told_and_not_refused(doors: Doors) -> None:
    doors.plane.apply(compiled(doors.within, softened=Mode.WARN).documents)
    try:
        _, answer = by_binding(doors, "door-strict", "bindings", {"run.oci.handler": "x"})
        assert answer.ok
        (told,) = answer.warnings
        assert "policy strict (mode warn) would refuse this pod: annotation run.oci.ha" in told
        _, answer = by_update(doors, "door-strict", "/status", {"run.oci.handler": "z"})
        assert answer.ok
        assert "would refuse this pod: annotation run.oci.handler" in " ".join(answer.warnings)
    finally:
        doors.plane.apply(compiled(doors.within).documents)


@pytest.mark.parametrize("sub", ["/ephemeralcontainers", "/resize"])
def test_other_subresources_write_no_annotation(doors: Doors, sub: str) -> None:
    """Else they would be doors too; should the API server ever do so, this test says it."""
    _, answer = by_update(doors, "elsewhere", sub, {**OLD, "dev.gvisor.flag.debug": "1"})
    assert answer.ok, answer.message
    assert answer.body["metadata"]["annotations"] == OLD


# ----------------------------------------------------------------------------------- what goes on


@pytest.mark.parametrize("name", ["old-one", "crowded"])
def test_the_status_of_a_node_is_not_refused_whatever_old_annotations_a_pod_has(
    doors: Doors, name: str
) -> None:
    """The kubelet's own reports, of a pod that nobody may make any more."""
    path = f"{pods('door-strict')}/{name}"
    for phase in ("Pending", "Running", "Succeeded"):
        found = doors.plane.must("GET", path).body
        assert OLD.items() <= found["metadata"]["annotations"].items()
        ready = {"type": "Ready", "status": "True", "reason": phase}
        found["status"] = {"phase": phase, "conditions": [ready], "podIP": "10.0.0.7"}
        answer = doors.plane.ask("PUT", f"{path}/status", found, user=NODE, groups=["system:nodes"])
        assert answer.ok, answer.message
        assert answer.body["status"]["phase"] == phase
        assert answer.warnings == ()


def test_a_pod_is_bound_with_annotations_of_other_things(doors: Doors) -> None:
    doors.plane.must("POST", pods("door-strict"), pod(name="bound", annotations=None))
    said = {"example.com/scheduled-by": "us"}
    metadata = {"name": "bound", "annotations": said}
    binding = {"kind": "Binding", "metadata": metadata, "target": {"name": "worker-1"}}
    path = f"{pods('door-strict')}/bound"
    answer = doors.plane.ask("POST", f"{path}/binding", binding, user="trudy")
    assert answer.ok, answer.message
    stored = doors.plane.must("GET", path).body
    assert stored["spec"]["nodeName"] == "worker-1"
    assert said.items() <= stored["metadata"]["annotations"].items()
