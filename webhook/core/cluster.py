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

    def offers(self, runtime_class: RuntimeClassView) -> bool:
        """Whether it is Ready, within the class's scheduling, and not known to lack the handler."""
        return (
            self.ready
            and (self.handlers is None or runtime_class.handler in self.handlers)
            and all(self.labels.get(k) == v for k, v in runtime_class.node_selector.items())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """Everything known of a cluster; a part that is None is not known, and nothing follows from it.

    ``live`` tells that namespaces missing here may yet be fetched from an API server.
    """

    namespaces: Mapping[str, NamespaceView] = field(default_factory=dict)
    runtime_classes: Mapping[str, RuntimeClassView] | None = None
    nodes: tuple[NodeView, ...] | None = None
    live: bool = False
    _by_class: dict[str, tuple[NodeView, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def namespace(self, name: str) -> NamespaceView | None:
        """The namespace, where it is known."""
        return self.namespaces.get(name)

    def offers(
        self, runtime_class: str | None, node_selector: Mapping[str, Any], node_name: str = ""
    ) -> bool:
        """Whether some Ready node has the handler of a RuntimeClass, as far as nodes tell.

        Only nodes within both selectors count, and for a pod with ``node_name`` only that one.
        """
        view = (self.runtime_classes or {}).get(runtime_class or "")
        if view is None or self.nodes is None:
            return True
        return any(
            (not node_name or node.name == node_name)
            and all(node.labels.get(k) == v for k, v in node_selector.items())
            for node in self._offering(view, self.nodes)
        )

    def _offering(
        self, runtime_class: RuntimeClassView, nodes: tuple[NodeView, ...]
    ) -> tuple[NodeView, ...]:
        """The Ready nodes of a class, found once: there may be thousands of nodes."""
        found = self._by_class.get(runtime_class.name)
        if found is None:
            found = tuple(node for node in nodes if node.offers(runtime_class))
            self._by_class[runtime_class.name] = found
        return found


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
