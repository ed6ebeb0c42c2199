"""The cluster cache on a real API server: its lists, watches and refusals are the real ones."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.build import snapshot
from tests.controlplane.cluster import ControlPlane
from webhook.live.cluster import ClusterCache, NamespaceUnavailableError
from webhook.live.credentials import find_access
from webhook.live.current import Current
from webhook.live.kube import ApiError, KubeApi

pytestmark = pytest.mark.controlplane

SECONDS = 90.0  # a busy machine
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "real-node", "labels": {"kubernetes.io/arch": "amd64"}},
}
CLASS = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "real-class"},
    "handler": "runsc",
    "scheduling": {"nodeSelector": {"sandbox": "yes"}},
}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "did not come about in time"
        time.sleep(0.02)


@pytest.fixture
def api(control_plane: ControlPlane) -> KubeApi:
    return KubeApi(find_access(kubeconfig=control_plane.kubeconfig("admin"), environ={}))


@pytest.fixture
def cache(api: KubeApi) -> Iterator[tuple[ClusterCache, Current]]:
    current = Current(snapshot())
    made = ClusterCache(api, current, chance=lambda: 0.0, coalesce_seconds=0.01)
    made.start()
    until(lambda: made.synced and bool(current.snapshot.cluster.namespaces))
    yield made, current
    made.stop()


def create(plane: ControlPlane, obj: dict[str, Any]) -> None:
    plane.kubectl("create", "-f", "-", stdin=json.dumps(obj))


def test_what_kubectl_makes_changes_and_deletes_is_seen(
    control_plane: ControlPlane, cache: tuple[ClusterCache, Current]
) -> None:
    made, current = cache
    control_plane.create_namespace("live-seen", {"tier": "tenant"})
    until(lambda: "live-seen" in current.snapshot.cluster.namespaces)
    assert current.snapshot.cluster.namespaces["live-seen"].labels == {
        "tier": "tenant",
        "kubernetes.io/metadata.name": "live-seen",
    }
    control_plane.kubectl("label", "namespace", "live-seen", "tier=other", "--overwrite")
    until(lambda: current.snapshot.cluster.namespaces["live-seen"].labels.get("tier") == "other")
    create(control_plane, CLASS)
    create(control_plane, NODE)
    until(lambda: "real-class" in (current.snapshot.cluster.runtime_classes or {}))
    until(lambda: "real-node" in {n.name for n in current.snapshot.cluster.nodes or ()})
    control_plane.kubectl("delete", "runtimeclass", "real-class")
    control_plane.kubectl("delete", "node", "real-node")
    until(lambda: "real-class" not in (current.snapshot.cluster.runtime_classes or {}))
    until(lambda: "real-node" not in {n.name for n in current.snapshot.cluster.nodes or ()})
    assert made.state().problems == ()


def test_a_list_in_pages_holds_every_namespace(control_plane: ControlPlane, api: KubeApi) -> None:
    for n in range(3):
        control_plane.create_namespace(f"live-page-{n}")
    names: list[str] = []
    resume = ""
    while True:
        page = api.list_page("/api/v1/namespaces", limit=2, resume=resume)
        names += [item["metadata"]["name"] for item in page.items]
        assert len(page.items) <= 2
        resume = page.resume
        if not resume:
            break
    assert {"default", "kube-system", "live-page-0", "live-page-1", "live-page-2"} <= set(names)
    assert len(names) == len(set(names))


def test_a_watch_ends_when_it_was_told_to(api: KubeApi) -> None:
    version = api.list_page("/apis/node.k8s.io/v1/runtimeclasses", limit=5).resource_version
    began = time.monotonic()
    for event in api.watch(
        "/apis/node.k8s.io/v1/runtimeclasses", resource_version=version, seconds=1
    ):
        assert event["type"] != "ERROR"
    assert 0.5 < time.monotonic() - began < SECONDS


def test_a_namespace_that_was_just_made_can_be_fetched(
    control_plane: ControlPlane, api: KubeApi
) -> None:
    control_plane.create_namespace("live-fetched", {"tier": "tenant"})
    current = Current(snapshot())
    cache = ClusterCache(api, current, chance=lambda: 0.0)
    cache.fetch_namespace("live-fetched", SECONDS)
    assert current.snapshot.cluster.namespaces["live-fetched"].labels["tier"] == "tenant"
    with pytest.raises(NamespaceUnavailableError, match=r"does not exist in the cluster$"):
        cache.fetch_namespace("live-nowhere", SECONDS)


def test_a_user_without_rights_is_told_which_it_lacks(control_plane: ControlPlane) -> None:
    access = find_access(kubeconfig=control_plane.kubeconfig("tenant"), environ={})
    with pytest.raises(ApiError, match=r"HTTP 403: nodes is forbidden: User .tenant. cannot list"):
        KubeApi(access).list_page("/api/v1/nodes", limit=1)
