"""What is known of the cluster: namespaces, RuntimeClasses and nodes, as frozen readings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.core.names import Handler
from webhook.core.nodes import Landing, Nodes
from webhook.core.placement import ANYWHERE, Placement, Toleration, view_tolerations
from webhook.core.pod import mapping, strings, text

DEFAULT_HANDLER = Handler("")
"""How a kubelet names the handler of pods without a RuntimeClass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceView:
    """A Namespace: its labels select policies, its annotations may choose a default class."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeClassView:
    """A RuntimeClass: its handler, and what its scheduling demands and tolerates."""

    name: str
    handler: Handler
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """Everything known of a cluster; a part that is None is not known, and nothing follows from it.

    ``live`` tells that namespaces missing here may yet be fetched from an API server.
    """

    namespaces: Mapping[str, NamespaceView] = field(default_factory=dict)
    runtime_classes: Mapping[str, RuntimeClassView] | None = None
    nodes: Nodes | None = None
    live: bool = False
    _anywhere: dict[str | None, Landing] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def namespace(self, name: str) -> NamespaceView | None:
        """The namespace, where it is known."""
        return self.namespaces.get(name)

    def landing(self, runtime_class: str | None, placement: Placement | None) -> Landing | None:
        """The nodes on which a pod of this class may land; None where that is not known.

        ``runtime_class`` None is the node's default runtime. ``placement`` None cannot be judged.
        """
        if self.nodes is None or placement is None:
            return None
        if placement is not ANYWHERE:
            return self._landing(self.nodes, runtime_class, placement)
        found = self._anywhere.get(runtime_class)
        if found is None:
            found = self._landing(self.nodes, runtime_class, placement)
            if found is not None:
                self._anywhere[runtime_class] = found
        return found

    def _landing(
        self, nodes: Nodes, runtime_class: str | None, placement: Placement
    ) -> Landing | None:
        if runtime_class is None:
            return nodes.landing(DEFAULT_HANDLER, {}, (), placement)
        view = (self.runtime_classes or {}).get(runtime_class)
        if view is None:
            return None
        return nodes.landing(view.handler, view.node_selector, view.tolerations, placement)


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
    scheduling = mapping(obj.get("scheduling"))
    return RuntimeClassView(
        name=text(mapping(obj.get("metadata")).get("name")),
        handler=Handler(text(obj.get("handler"))),
        node_selector=strings(scheduling.get("nodeSelector")),
        tolerations=tuple(view_tolerations(scheduling.get("tolerations"))),
    )
