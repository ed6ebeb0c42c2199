"""A pod that runs already, as it would be if it were made again: what a change would mean to it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from webhook.core.cluster import ClusterView
from webhook.core.decision import Operation
from webhook.core.names import ASSIGNED_BY, MIRROR_POD
from webhook.core.pod import PodView, mapping, sequence, text

_UNKNOWN = ClusterView()


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """The object that keeps another alive (``metadata.ownerReferences`` with ``controller``)."""

    api_version: str
    kind: str
    name: str
    uid: str


def controller_of(metadata: Mapping[str, Any]) -> Controller | None:
    """The controller of an object; None where it was made by itself."""
    for owner in map(mapping, sequence(metadata.get("ownerReferences"))):
        if owner.get("controller") is True:
            return Controller(
                api_version=text(owner.get("apiVersion")),
                kind=text(owner.get("kind")),
                name=text(owner.get("name")),
                uid=text(owner.get("uid")),
            )
    return None


def made_anew(pod: PodView, cluster: ClusterView = _UNKNOWN) -> PodView:
    """The pod as its template makes it: what the cluster gave it is not the pod's own.

    That is the node (a mirror pod's excepted, which its node makes), the class that the gate
    assigned, and the node selector that this class, as ``cluster`` knows it, brought along.
    """
    spec = dict(pod.spec)
    node_name, runtime_class = pod.node_name, pod.runtime_class_name
    if MIRROR_POD not in pod.annotations:
        spec.pop("nodeName", None)
        node_name = ""
    if ASSIGNED_BY in pod.annotations:
        if brought := _selector_of(runtime_class, cluster):
            own = {k: v for k, v in pod.node_selector.items() if brought.get(k) != v}
            spec["nodeSelector"] = own
        spec.pop("runtimeClassName", None)
        runtime_class = None
    if node_name == pod.node_name and runtime_class == pod.runtime_class_name:
        return pod
    return replace(pod, node_name=node_name, runtime_class_name=runtime_class, spec=spec)


def _selector_of(runtime_class: str | None, cluster: ClusterView) -> Mapping[str, str]:
    view = (cluster.runtime_classes or {}).get(runtime_class or "")
    return view.node_selector if view else {}


def by_its_maker(pod: PodView) -> Operation:
    """Who would make it anew: a mirror pod is made by its node."""
    if MIRROR_POD not in pod.annotations:
        return Operation()
    groups = frozenset({"system:nodes"})
    return Operation(user=f"system:node:{pod.node_name}", groups=groups)
