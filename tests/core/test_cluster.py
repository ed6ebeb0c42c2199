"""What is read of Namespaces, RuntimeClasses and Nodes, and which nodes offer a class."""

from typing import Any

import pytest

from tests.build import cluster, node
from webhook.core.cluster import (
    ClusterView,
    NodeView,
    view_namespace,
    view_node,
    view_runtime_class,
)
from webhook.core.names import Handler


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
            "scheduling": {"nodeSelector": {"sandbox": "gvisor"}},
        }
    )
    assert (view.name, view.handler) == ("gvisor", "runsc")
    assert view.node_selector == {"sandbox": "gvisor"}


def test_a_node_is_read() -> None:
    view = view_node(
        {
            "metadata": {"name": "worker-1", "labels": {"kubernetes.io/arch": "arm64"}},
            "status": {
                "conditions": [
                    {"type": "DiskPressure", "status": "False"},
                    {"type": "Ready", "status": "True"},
                ],
                "runtimeHandlers": [{"name": ""}, {"name": "runsc"}],
            },
        }
    )
    assert (view.name, view.arch, view.ready) == ("worker-1", "arm64", True)
    assert view.handlers == frozenset({Handler(""), Handler("runsc")})


@pytest.mark.parametrize("status", ["False", "Unknown", None])
def test_a_node_is_ready_only_when_it_says_so(status: str | None) -> None:
    assert not view_node({"status": {"conditions": [{"type": "Ready", "status": status}]}}).ready


@pytest.mark.parametrize("handlers", [None, [], "runsc"])
def test_a_node_that_reports_no_handlers_is_not_known_to_lack_one(handlers: object) -> None:
    assert view_node({"status": {"runtimeHandlers": handlers}}).handlers is None


@pytest.mark.parametrize("obj", [{}, {"metadata": None}, {"metadata": [], "status": 5}])
def test_an_object_without_its_parts_is_read_as_empty(obj: dict[str, Any]) -> None:
    assert view_namespace(obj).name == ""
    assert view_runtime_class(obj).handler == ""
    assert view_node(obj) == NodeView(name="")


def test_a_node_without_the_label_has_no_known_architecture() -> None:
    assert node().arch is None


def test_a_class_is_offered_by_a_ready_node_with_its_handler() -> None:
    assert cluster(node("a", "runc"), node("b", "runsc")).offers("gvisor", {})


def test_a_class_is_not_offered_where_no_node_has_its_handler() -> None:
    assert not cluster(node("a", "runc")).offers("gvisor", {})


def test_a_node_that_is_not_ready_offers_nothing() -> None:
    assert not cluster(node("a", "runsc", ready=False)).offers("gvisor", {})


def test_a_node_that_reports_no_handlers_may_offer_any() -> None:
    assert cluster(node("a")).offers("gvisor", {})


def test_the_classs_scheduling_must_fit_the_node() -> None:
    fitting = {"sandbox": "gvisor"}
    assert not cluster(node("a", "runsc"), scheduling=fitting).offers("gvisor", {})
    assert cluster(node("a", "runsc", labels=fitting), scheduling=fitting).offers("gvisor", {})


def test_the_pods_selector_must_fit_the_node() -> None:
    view = cluster(node("a", "runsc", labels={"disk": "ssd"}))
    assert view.offers("gvisor", {"disk": "ssd"})
    assert not view.offers("gvisor", {"disk": "hdd"})


def test_a_pod_bound_to_a_node_needs_that_node() -> None:
    view = cluster(node("a", "runsc"), node("b", "runc"))
    assert view.offers("gvisor", {}, "a")
    assert not view.offers("gvisor", {}, "b")


def test_nothing_follows_from_nodes_that_nobody_listed() -> None:
    assert cluster().offers("gvisor", {})


def test_nothing_follows_from_a_class_that_is_not_there() -> None:
    view = cluster(node("a", "runc"))
    assert view.offers("kata-clh", {})
    assert view.offers(None, {})
    assert ClusterView(nodes=(node("a", "runc"),)).offers("gvisor", {})


def test_what_a_view_has_found_does_not_make_it_another() -> None:
    used, fresh = cluster(node("a", "runsc")), cluster(node("a", "runsc"))
    used.offers("gvisor", {})
    assert used == fresh
    assert repr(used) == repr(fresh)
