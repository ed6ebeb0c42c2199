"""Reviews of workloads, RuntimeClasses and Namespaces."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.build import inventory, override, pod, policy, review, rules, snapshot
from webhook.core.cluster import ClusterView
from webhook.core.names import Action, Mode
from webhook.core.policy import LabelSelector, NamespaceSelector, Policy
from webhook.core.preview import ExistingPods
from webhook.core.runtimes import Guards, NamespaceLabelsGuard
from webhook.core.snapshot import Snapshot
from webhook.wire.admit import Door, NamespaceNotSeen, PodsWanted, admit
from webhook.wire.review import ReviewError

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {"template": {"spec": pod()["spec"]}},
}
LABELS = NamespaceLabelsGuard(action=Action.DENY, groups=("platform-admins",))
GUARDED = snapshot(
    policy(
        namespaces=NamespaceSelector(selector=LabelSelector(match_labels={"tier": "tenant"})),
    ),
    has=replace(inventory(), guards=Guards(runtime_classes=Action.DENY, namespace_labels=LABELS)),
)


def asked(
    obj: dict[str, Any] | None,
    group: str,
    resource: str,
    kind: str,
    *,
    of: Snapshot | None = None,
    door: Door = Door.VALIDATE,
    existing: ExistingPods | None = None,
    **request: Any,
) -> dict[str, Any]:
    body = review(
        obj,
        resource={"group": group, "version": "v1", "resource": resource},
        kind={"group": group, "version": "v1", "kind": kind},
        **request,
    )
    body["request"]["object"] = obj
    outcome = admit(orjson.dumps(body), of or snapshot(), door, existing)
    answer = orjson.loads(outcome.body)["response"]
    assert isinstance(answer, dict)
    return answer


def test_the_author_of_a_deployment_is_told_what_its_pods_get() -> None:
    assert asked(DEPLOYMENT, "apps", "deployments", "Deployment")["warnings"] == [
        "pods of this Deployment: policy tenants assigned runtimeClassName: gvisor"
    ]


def test_scaling_a_deployment_is_none_of_the_gates_business() -> None:
    answer = asked(
        {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}},
        "apps",
        "deployments",
        "Scale",
        operation="UPDATE",
        sub_resource="scale",
    )
    assert answer == {"uid": answer["uid"], "allowed": True}


def test_the_mutating_door_leaves_workloads_alone() -> None:
    answer = asked(DEPLOYMENT, "apps", "deployments", "Deployment", door=Door.MUTATE)
    assert answer == {"uid": answer["uid"], "allowed": True}


def test_a_workload_in_a_namespace_not_seen_yet_has_to_wait_for_it() -> None:
    live = replace(GUARDED, cluster=ClusterView(live=True))
    with pytest.raises(NamespaceNotSeen):
        asked(DEPLOYMENT, "apps", "deployments", "Deployment", of=live)


def test_a_workload_without_its_object_is_the_callers_fault() -> None:
    with pytest.raises(ReviewError) as caught:
        asked(None, "apps", "deployments", "Deployment")
    assert str(caught.value) == "request.object: must be a workload on CREATE, not null"


RUNTIME_CLASS = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "gvisor"},
    "handler": "runc",
}


def test_a_runtime_class_that_contradicts_the_inventory_is_refused() -> None:
    answer = asked(
        RUNTIME_CLASS, "node.k8s.io", "runtimeclasses", "RuntimeClass", of=GUARDED, namespace=""
    )
    assert answer["status"]["message"] == (
        "RuntimeClass gvisor must have handler runsc, as the inventory declares, not runc"
    )
    assert answer["auditAnnotations"]["reason"] == "HandlerMismatch"


def test_a_runtime_class_that_a_policy_names_cannot_be_deleted() -> None:
    old = dict(RUNTIME_CLASS)
    answer = asked(
        None, "node.k8s.io", "runtimeclasses", "RuntimeClass",
        of=GUARDED, namespace="", operation="DELETE", old=old, name="gvisor",
    )  # fmt: skip
    assert answer["status"]["message"] == (
        "RuntimeClass gvisor is named by policies (tenants): change them first"
    )


def namespaced(labels: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": "tenant-a", "labels": labels}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def relabelled(new: dict[str, str], *, groups: tuple[str, ...] = ("tenants",)) -> dict[str, Any]:
    return asked(
        namespaced(new), "", "namespaces", "Namespace",
        of=GUARDED, operation="UPDATE", old=namespaced({"tier": "tenant"}), groups=groups,
    )  # fmt: skip


def test_a_label_that_policies_select_on_is_guarded() -> None:
    assert relabelled({"tier": "free"})["status"]["message"] == (
        "label tier of namespace tenant-a decides on its runtime policy; "
        "only members of platform-admins may change it"
    )


def test_other_labels_and_the_groups_named_pass() -> None:
    assert relabelled({"tier": "tenant", "team": "shop"})["allowed"]
    assert relabelled({"tier": "free"}, groups=("platform-admins",))["allowed"]


def test_making_a_namespace_with_such_a_label_is_guarded_too() -> None:
    answer = asked(namespaced({"tier": "free"}), "", "namespaces", "Namespace", of=GUARDED)
    assert not answer["allowed"]


@pytest.mark.parametrize(
    ("group", "resource", "kind"),
    [
        ("node.k8s.io", "runtimeclasses", "RuntimeClass"),
        ("", "namespaces", "Namespace"),
    ],
)
def test_a_guarded_object_that_is_missing_is_the_callers_fault(
    group: str, resource: str, kind: str
) -> None:
    with pytest.raises(ReviewError) as caught:
        asked(None, group, resource, kind, of=GUARDED)
    assert str(caught.value) == f"request.object: must be a {kind} on CREATE, not null"


LIVE = replace(GUARDED, cluster=ClusterView(live=True))
MOVES: dict[str, Any] = {"operation": "UPDATE", "groups": ("platform-admins",)}


def moved(of: Snapshot, new: Any, old: Any, existing: ExistingPods | None = None) -> dict[str, Any]:
    return asked(
        namespaced(new), "", "namespaces", "Namespace",
        of=of, old=namespaced(old), existing=existing, **MOVES,
    )  # fmt: skip


def test_a_namespace_that_moves_to_a_policy_asks_for_its_pods() -> None:
    with pytest.raises(PodsWanted) as caught:
        moved(LIVE, {"tier": "tenant"}, {})
    assert caught.value.namespace == "tenant-a"
    assert str(caught.value) == "the pods of namespace 'tenant-a' are to be looked at"


def test_the_preview_stands_among_the_warnings() -> None:
    answer = moved(LIVE, {"tier": "tenant"}, {}, ExistingPods(problem="forbidden"))
    assert (answer["allowed"], answer["warnings"]) == (
        True,
        [
            (
                "namespace tenant-a moves from no policy to policy tenants; existing pods were not "
                "looked at: forbidden"
            )
        ],
    )


def test_a_namespace_that_leaves_all_policies_needs_no_look_at_its_pods() -> None:
    assert moved(LIVE, {}, {"tier": "tenant"})["warnings"] == [
        (
            "namespace tenant-a moves from policy tenants to no policy: its pods are not judged "
            "any more"
        )
    ]


def test_without_an_api_server_there_is_no_preview() -> None:
    assert "warnings" not in moved(GUARDED, {"tier": "tenant"}, {})


def test_a_namespace_that_is_made_has_no_pods_to_preview() -> None:
    answer = asked(
        namespaced({"tier": "tenant"}), "", "namespaces", "Namespace",
        of=LIVE, groups=("platform-admins",),
    )  # fmt: skip
    assert answer["allowed"] is True
    assert "warnings" not in answer


def test_a_change_that_the_guard_refuses_is_not_previewed() -> None:
    answer = asked(
        namespaced({"tier": "tenant"}), "", "namespaces", "Namespace",
        of=LIVE, operation="UPDATE", old=namespaced({}), groups=("tenants",),
    )  # fmt: skip
    assert not answer["allowed"]


@pytest.mark.parametrize(("resource", "sub"), [("deployments", "status"), ("rollouts", "status")])
def test_the_status_of_a_workload_is_none_of_the_gates_business(resource: str, sub: str) -> None:
    answer = asked(DEPLOYMENT, "apps", resource, "Deployment", operation="UPDATE", sub_resource=sub)
    assert answer == {"uid": answer["uid"], "allowed": True}


@pytest.mark.parametrize("sub_resource", ["", "status", "finalize"])
def test_every_way_to_change_a_namespaces_labels_is_guarded(sub_resource: str) -> None:
    answer = asked(
        namespaced({"tier": "free"}), "", "namespaces", "Namespace",
        of=GUARDED, operation="UPDATE", oldObject=namespaced({"tier": "tenant"}),
        sub_resource=sub_resource,
    )  # fmt: skip
    assert answer["status"]["message"].startswith("label tier of namespace")


FLAG = "dev.gvisor.flag.network"


def bound(annotations: object, *, of: Snapshot, legacy: bool = False) -> dict[str, Any]:
    """The answer to a Binding, by the subresource or by the resource that was before it."""
    binding = {"metadata": {"name": "web", "annotations": annotations}, "target": {"name": "n1"}}
    where = "bindings" if legacy else "pods"
    sub_resource = "" if legacy else "binding"
    return asked(binding, "", where, "Binding", of=of, sub_resource=sub_resource)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_binding_may_not_reconfigure_the_sandbox(legacy: bool) -> None:
    answer = bound({"a": "b", FLAG: "host"}, of=snapshot(), legacy=legacy)
    assert answer["status"]["message"] == (
        "policy tenants: annotation dev.gvisor.flag.network reconfigures the sandbox and is not "
        "allowed; leave the annotation out"
    )


LAX = (
    policy(governs=rules(runtime_annotations=("dev.gvisor.*",))),
    policy(overrides=[override(governs=rules(runtime_annotations=("dev.gvisor.flag.*",)))]),
    policy(overrides=[override(governs=rules(mode=Mode.AUDIT))]),
    policy(governs=rules(mode=Mode.WARN)),
    policy(namespaces=NamespaceSelector(names=("elsewhere",))),
)


@pytest.mark.parametrize("lax", LAX)
def test_a_binding_may_do_what_some_pod_of_its_namespace_may(lax: Policy) -> None:
    """Of which pod it speaks is not in the review."""
    assert bound({FLAG: "host"}, of=snapshot(lax))["allowed"]


@pytest.mark.parametrize("annotations", [None, {}, [], {"a": "b"}, {"a": 1}])
def test_a_binding_without_such_annotations_is_kept(annotations: object) -> None:
    assert bound(annotations, of=snapshot())["allowed"]


def test_a_binding_in_a_namespace_that_is_excluded_is_kept() -> None:
    of = replace(snapshot(), excluded_namespaces=frozenset({"tenant-a"}))
    assert bound({FLAG: "host"}, of=of)["allowed"]


def test_a_binding_in_a_namespace_not_seen_asks_for_it() -> None:
    with pytest.raises(NamespaceNotSeen):
        bound({FLAG: "host"}, of=replace(GUARDED, cluster=ClusterView(live=True)))
