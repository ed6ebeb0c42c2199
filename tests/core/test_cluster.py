"""What is read of Namespaces and RuntimeClasses, and whether nodes are known for a class."""

from typing import Any

import pytest

from tests.build import cluster, node
from webhook.core.cluster import ClusterView, view_namespace, view_runtime_class
from webhook.core.nodes import Nodes
from webhook.core.placement import ANYWHERE, Placement, Toleration


def test_a_namespace_is_read() -> None:
    view = view_namespace(
        {"metadata": {"name": "a", "labels": {"tier": "t"}, "annotations": {"k": "v"}}}
    )
    assert (view.name, view.labels, view.annotations) == ("a", {"tier": "t"}, {"k": "v"})


def test_a_runtime_class_is_read() -> None:
    view = view_runtime_class(
        {
            "metadata": {"name": "gvisor"},
            "handler": "runsc",
            "scheduling": {
                "nodeSelector": {"sandbox": "gvisor"},
                "tolerations": [{"key": "sandbox", "operator": "Exists"}],
            },
        }
    )
    assert (view.name, view.handler) == ("gvisor", "runsc")
    assert view.node_selector == {"sandbox": "gvisor"}
    assert view.tolerations == (Toleration(key="sandbox", operator="Exists"),)


@pytest.mark.parametrize("obj", [{}, {"metadata": None}, {"metadata": [], "status": 5}])
def test_an_object_without_its_parts_is_read_as_empty(obj: dict[str, Any]) -> None:
    assert view_namespace(obj).name == ""
    assert view_runtime_class(obj).handler == ""


def lands(view: ClusterView, runtime_class: str | None, placement: Placement = ANYWHERE) -> bool:
    """Whether the view knows nodes for a pod of the class."""
    return bool(view.landing(runtime_class, placement))


def test_a_class_lands_by_its_handler() -> None:
    assert lands(cluster(node("a", "runc"), node("b", "runsc")), "gvisor")
    assert not lands(cluster(node("a", "runc")), "gvisor")


def test_a_class_lands_within_its_scheduling_and_the_pods_placement() -> None:
    fitting = {"sandbox": "gvisor"}
    view = cluster(node("a", "runsc", labels=fitting), scheduling=fitting)
    assert lands(view, "gvisor")
    assert not lands(view, "gvisor", Placement(selector=(("disk", "ssd"),)))


def test_a_pod_without_a_class_lands_on_the_default_handler() -> None:
    assert lands(cluster(node("a", "", "runsc")), None)


def test_nothing_follows_from_nodes_that_nobody_listed() -> None:
    assert cluster().landing("gvisor", ANYWHERE) is None


def test_nothing_follows_from_a_class_that_is_not_there() -> None:
    assert cluster(node("a", "runc")).landing("kata-clh", ANYWHERE) is None
    assert ClusterView(nodes=Nodes([node("a", "runc")])).landing("gvisor", ANYWHERE) is None


def test_nothing_follows_from_a_placement_that_is_too_much_to_be_judged() -> None:
    assert cluster(node("a", "runc")).landing("gvisor", None) is None


def test_what_a_view_has_found_does_not_make_it_another() -> None:
    used, fresh = cluster(node("a", "runsc")), cluster(node("a", "runsc"))
    used.landing("gvisor", ANYWHERE)
    assert used == fresh
    assert repr(used) == repr(fresh)
