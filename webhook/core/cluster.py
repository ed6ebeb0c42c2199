"""What is known of the cluster: namespaces, RuntimeClasses and nodes, as frozen readings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.core.names import Handler
from webhook.core.pod import ARCH_LABEL, mapping, sequence, strings, text


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceView:
    """A Namespace: its labels select policies, its annotations may choose a default class."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeClassView:
    """A RuntimeClass: its handler, and the node labels its scheduling demands."""

    name: str
    handler: Handler
    node_selector: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A Node: ``handlers`` is None where its kubelet does not report them (before 1.30)."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    ready: bool = False
    handlers: frozenset[Handler] | None = None

    @property
    def arch(self) -> str | None:
        """``kubernetes.io/arch``, as the kubelet sets it."""
        return self.labels.get(ARCH_LABEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """Everything known of a cluster; a part that is None is not known, and nothing follows from it.

    ``live`` tells that namespaces missing here may yet be fetched from an API server.
    """

    namespaces: Mapping[str, NamespaceView] = field(default_factory=dict)
    runtime_classes: Mapping[str, RuntimeClassView] | None = None
    nodes: tuple[NodeView, ...] | None = None
    live: bool = False

    def namespace(self, name: str) -> NamespaceView | None:
        """The namespace, where it is known."""
        return self.namespaces.get(name)

    def offers(self, runtime_class: RuntimeClassView, node_selector: Mapping[str, Any]) -> bool:
        """Whether some Ready node within the selectors has the handler, as far as nodes tell."""
        if self.nodes is None:
            return True
        wanted = {**runtime_class.node_selector, **node_selector}
        fitting = [
            n
            for n in self.nodes
            if n.ready and all(n.labels.get(k) == v for k, v in wanted.items())
        ]
        return any(n.handlers is None or runtime_class.handler in n.handlers for n in fitting)


def view_namespace(obj: Mapping[str, Any]) -> NamespaceView:
    """Read a Namespace object."""
    metadata = mapping(obj.get("metadata"))
    return NamespaceView(
        name=text(metadata.get("name")),
        labels=strings(metadata.get("labels")),
        annotations=strings(metadata.get("annotations")),
    )


def view_runtime_class(obj: Mapping[str, Any]) -> RuntimeClassView:
    """Read a RuntimeClass object (node.k8s.io/v1)."""
    return RuntimeClassView(
        name=text(mapping(obj.get("metadata")).get("name")),
        handler=Handler(text(obj.get("handler"))),
        node_selector=strings(mapping(obj.get("scheduling")).get("nodeSelector")),
    )


def view_node(obj: Mapping[str, Any]) -> NodeView:
    """Read a Node object: readiness and the runtime handlers that its kubelet reports."""
    metadata, status = mapping(obj.get("metadata")), mapping(obj.get("status"))
    handlers = status.get("runtimeHandlers")
    return NodeView(
        name=text(metadata.get("name")),
        labels=strings(metadata.get("labels")),
        ready=any(
            mapping(c).get("type") == "Ready" and mapping(c).get("status") == "True"
            for c in sequence(status.get("conditions"))
        ),
        handlers=(
            frozenset(Handler(text(mapping(h).get("name"))) for h in handlers)
            if isinstance(handlers, list) and handlers
            else None
        ),
    )
