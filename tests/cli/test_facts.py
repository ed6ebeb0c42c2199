from typing import Any

from tests.build import inventory, profile
from webhook.cli.facts import cluster_view, is_fact
from webhook.cli.manifests import Manifest

GVISOR: dict[str, Any] = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "gvisor"},
    "handler": "runsc-new",
}
TENANT: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "a", "labels": {"tier": "tenant"}},
}
NODE: dict[str, Any] = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}


def manifest(obj: dict[str, Any]) -> Manifest:
    return Manifest(source="x.yaml", document=0, line=1, obj=obj)


def test_without_facts_nothing_is_known_of_the_cluster() -> None:
    view = cluster_view([], [], inventory())
    assert (view.namespaces, view.runtime_classes, view.nodes) == ({}, None, None)


def test_what_kubectl_printed_is_all_that_there_is() -> None:
    view = cluster_view(map(manifest, (GVISOR, TENANT, NODE)), [], inventory())
    assert list(view.namespaces) == ["a"]
    assert list(view.runtime_classes or ()) == ["gvisor"]
    assert [node.name for node in view.nodes or ()] == ["n1"]


def test_a_namespace_among_the_manifests_replaces_the_one_in_the_cluster() -> None:
    changed = {**TENANT, "metadata": {"name": "a", "labels": {"tier": "platform"}}}
    view = cluster_view([manifest(TENANT)], [manifest(changed)], inventory())
    assert view.namespaces["a"].labels == {"tier": "platform"}


def test_a_runtime_class_among_the_manifests_comes_to_those_of_the_inventory() -> None:
    known = inventory(gvisor=profile(handler="runsc"), kata_qemu=profile("kata"))
    view = cluster_view([manifest(NODE)], [manifest(GVISOR)], known)
    assert {name: c.handler for name, c in (view.runtime_classes or {}).items()} == {
        "gvisor": "runsc-new",
        "kata-qemu": "",
    }


def test_kinds_of_the_same_name_in_other_groups_are_no_facts() -> None:
    assert not is_fact(manifest({**NODE, "apiVersion": "example.com/v1"}))
