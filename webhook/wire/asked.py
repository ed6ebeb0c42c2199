"""What a review is about, in a word of a closed set: a label stays bounded, whatever is posted."""

from collections.abc import Sequence

from webhook.core.workload import WorkloadKind, workload_kind
from webhook.wire.review import AdmissionRequest

OTHER = "other"

_OURS: dict[tuple[str, str, str], str] = {
    ("", "pods", ""): "pods",
    ("", "pods", "ephemeralcontainers"): "pods/ephemeralcontainers",
    ("", "pods", "resize"): "pods/resize",
    ("", "pods", "status"): "pods/status",
    ("", "pods", "binding"): "pods/binding",
    ("", "bindings", ""): "pods/binding",
    ("", "namespaces", ""): "namespaces",
    ("", "namespaces", "status"): "namespaces/status",
    ("", "namespaces", "finalize"): "namespaces/finalize",
    ("node.k8s.io", "runtimeclasses", ""): "runtimeclasses",
}


def asked_about(request: AdmissionRequest, declared: Sequence[WorkloadKind]) -> str:
    """``pods``, ``deployments``, ``rollouts.argoproj.io``, …; ``other`` for all that is not judged.

    A workload is named by its row, built in or of the inventory, never by what the request says.
    """
    named = _OURS.get((request.group, request.resource, request.sub_resource))
    if named or request.sub_resource:
        return named or OTHER
    kind = workload_kind(f"{request.group}/v1", request.kind, declared)
    return _named(kind) if kind else OTHER


def _named(kind: WorkloadKind) -> str:
    resource = kind.resource or kind.kind.lower()
    return f"{resource}.{kind.group}" if kind.group and not kind.built_in else resource
