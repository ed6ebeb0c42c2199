"""A decision as JSON Patch (RFC 6902): the class and our annotation, nothing else.

Overhead and scheduling are left to the API server's RuntimeClass plugin, which runs again after a
mutating webhook has changed the pod.
"""

from collections.abc import Mapping
from typing import Any

from webhook.core.decision import Assign, Decision
from webhook.core.names import ASSIGNED_BY
from webhook.core.pod import mapping

Operations = list[dict[str, Any]]


def json_patch(decision: Decision, obj: Mapping[str, Any]) -> Operations:
    """The operations that carry out ``decision`` on the pod ``obj``; empty for all but Assign."""
    if not isinstance(decision, Assign):
        return []
    return [_add(_CLASS, decision.runtime_class), _annotated(obj, decision.assigned_by)]


def _annotated(obj: Mapping[str, Any], assigned_by: str) -> dict[str, Any]:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        return _add(_METADATA, {"annotations": {ASSIGNED_BY: assigned_by}})
    if not mapping(metadata.get("annotations")):
        return _add(_ANNOTATIONS, {ASSIGNED_BY: assigned_by})
    return _add(_ASSIGNED_BY, assigned_by)


def _add(path: str, value: object) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


def pointer(*keys: str) -> str:
    """A JSON Pointer (RFC 6901) to ``keys``."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


_CLASS = pointer("spec", "runtimeClassName")
_METADATA = pointer("metadata")
_ANNOTATIONS = pointer("metadata", "annotations")
_ASSIGNED_BY = pointer("metadata", "annotations", ASSIGNED_BY)
