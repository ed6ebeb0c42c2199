"""Cluster facts out of manifests: what ``kubectl get ns,runtimeclass,node`` printed, and what the
manifests that are checked bring themselves.
"""

from __future__ import annotations

from collections.abc import Iterable

from webhook.cli.manifests import Manifest
from webhook.core.cluster import (
    ClusterView,
    RuntimeClassView,
    view_namespace,
    view_runtime_class,
)
from webhook.core.names import Handler
from webhook.core.nodes import Nodes, view_node
from webhook.core.runtimes import Inventory

NAMESPACE = ("", "Namespace")
NODE = ("", "Node")
RUNTIME_CLASS = ("node.k8s.io", "RuntimeClass")
FACTS = frozenset({NAMESPACE, NODE, RUNTIME_CLASS})
"""What says something of the cluster that a decision reads."""


def group_kind(manifest: Manifest) -> tuple[str, str]:
    """The API group and kind; the core group is empty."""
    return manifest.api_version.rpartition("/")[0], manifest.kind


def is_fact(manifest: Manifest) -> bool:
    """Whether the object says something of the cluster that a decision reads."""
    return manifest.review is None and group_kind(manifest) in FACTS


def cluster_view(
    printed: Iterable[Manifest], checked: Iterable[Manifest], inventory: Inventory
) -> ClusterView:
    """What is known of the cluster that the objects ``checked`` are meant for.

    ``printed`` is the cluster as it is: where it lists RuntimeClasses or Nodes there are no others.
    Without it the RuntimeClasses that ``checked`` brings come to those that the inventory declares.
    """
    there, brought = list(filter(is_fact, printed)), list(filter(is_fact, checked))
    every = [*there, *brought]
    namespaces = [view_namespace(m.obj) for m in every if group_kind(m) == NAMESPACE]
    classes = [view_runtime_class(m.obj) for m in every if group_kind(m) == RUNTIME_CLASS]
    nodes = {m.name: view_node(m.obj) for m in every if group_kind(m) == NODE}
    if classes and not any(group_kind(m) == RUNTIME_CLASS for m in there):
        classes = [*_declared(inventory), *classes]
    return ClusterView(
        namespaces={namespace.name: namespace for namespace in namespaces},
        runtime_classes={view.name: view for view in classes} if classes else None,
        nodes=Nodes(nodes.values()) if nodes else None,
    )


def _declared(inventory: Inventory) -> list[RuntimeClassView]:
    return [
        RuntimeClassView(name=name, handler=profile.handler or Handler(""))
        for name, profile in inventory.by_class.items()
    ]
