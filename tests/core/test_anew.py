"""A pod that runs, as it would be if it were made again."""

from typing import Any

from tests.build import pod
from webhook.core.anew import Controller, controller_of, made_anew
from webhook.core.cluster import ClusterView, RuntimeClassView
from webhook.core.names import ASSIGNED_BY, MIRROR_POD, Handler
from webhook.core.pod import PodView, view_pod

ASSIGNED = {ASSIGNED_BY: "tenants"}
CLUSTER = ClusterView(
    runtime_classes={
        "gvisor": RuntimeClassView(
            name="gvisor", handler=Handler("runsc"), node_selector={"sandbox": "gvisor"}
        )
    }
)


def view(annotations: dict[str, str] | None = None, **spec: Any) -> PodView:
    obj = pod(**spec)
    metadata = {**obj["metadata"], "annotations": annotations or {}}
    return view_pod(obj["spec"], metadata, namespace="tenant-a")


def test_a_pod_that_nothing_was_given_is_itself() -> None:
    own = view(runtimeClassName="gvisor", nodeSelector={"sandbox": "gvisor"})
    assert made_anew(own, CLUSTER) is own


def test_the_class_that_the_gate_assigned_goes_with_its_node_selector() -> None:
    assigned = view(
        ASSIGNED, runtimeClassName="gvisor", nodeSelector={"sandbox": "gvisor", "disk": "ssd"}
    )
    anew = made_anew(assigned, CLUSTER)
    assert anew.runtime_class_name is None
    assert "runtimeClassName" not in anew.spec
    assert anew.node_selector == {"disk": "ssd"}


def test_of_a_class_that_is_not_known_only_the_name_goes() -> None:
    anew = made_anew(view(ASSIGNED, runtimeClassName="gone", nodeSelector={"disk": "ssd"}), CLUSTER)
    assert anew.runtime_class_name is None
    assert anew.node_selector == {"disk": "ssd"}


def test_the_scheduler_chooses_the_node_again() -> None:
    anew = made_anew(view(nodeName="worker-1", runtimeClassName="gvisor"))
    assert (anew.node_name, "nodeName" in anew.spec) == ("", False)
    assert anew.runtime_class_name == "gvisor"


def test_a_mirror_pod_stays_on_the_node_that_makes_it() -> None:
    mirror = view({MIRROR_POD: "x"}, nodeName="worker-1")
    assert made_anew(mirror) is mirror


def test_the_controller_is_the_one_owner_that_says_so() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "u"}
    of = controller_of({"ownerReferences": [{**owner, "name": "x"}, {**owner, "controller": True}]})
    assert of == Controller(api_version="apps/v1", kind="ReplicaSet", name="web-1", uid="u")
    assert controller_of({"ownerReferences": [{**owner, "controller": "true"}, "junk"]}) is None
    assert controller_of({"ownerReferences": "junk"}) is None
