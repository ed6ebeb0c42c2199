"""A pod that runs already, as it would be if it were made again: what a change would mean to it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from webhook.core.decision import Operation
from webhook.core.names import ASSIGNED_BY, MIRROR_POD
from webhook.core.pod import PodView, mapping, sequence, text


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


def made_anew(pod: PodView) -> PodView:
    """The pod as its template makes it: a class that the gate assigned is not the pod's own."""
    if ASSIGNED_BY not in pod.annotations:
        return pod
    spec = {key: value for key, value in pod.spec.items() if key != "runtimeClassName"}
    return replace(pod, runtime_class_name=None, spec=spec)


def by_its_maker(pod: PodView) -> Operation:
    """Who would make it anew: a mirror pod is made by its node."""
    if MIRROR_POD not in pod.annotations:
        return Operation()
    groups = frozenset({"system:nodes"})
    return Operation(user=f"system:node:{pod.node_name}", groups=groups)
