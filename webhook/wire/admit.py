"""One review answered: the five calls in their order, nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from webhook.core.advice import advise
from webhook.core.cluster import view_namespace, view_runtime_class
from webhook.core.decision import (
    Change,
    Decision,
    Deny,
    Grounds,
    Keep,
    Operation,
    decide,
    decide_binding,
    decide_stored,
    lacks_namespace,
    no_warnings,
)
from webhook.core.guards import (
    guard_namespace,
    guard_new_runtime_class,
    guard_runtime_class,
    guard_runtime_class_deletion,
)
from webhook.core.pod import PodShapeError, PodView, view_binding, view_pod
from webhook.core.preview import ExistingPods, needs_pods, needs_preview, preview
from webhook.core.snapshot import Snapshot
from webhook.core.values import per_review
from webhook.core.workload import workload_kind
from webhook.wire.asked import asked_about
from webhook.wire.patch import json_patch
from webhook.wire.response import allowed_response, mutating_response, validating_response
from webhook.wire.review import AdmissionRequest, ReviewError, parse_review


class Door(StrEnum):
    """Which of the two webhooks is asked."""

    MUTATE = "mutate"
    VALIDATE = "validate"


class FactWanted(LookupError):  # noqa: N818 - a question to the caller, no error
    """An answer needs what the snapshot does not hold: get it, ask again."""


class NamespaceNotSeen(FactWanted):
    """The decision needs a namespace that the snapshot does not know: fetch it, ask again."""

    def __init__(self, namespace: str) -> None:
        super().__init__(f"namespace {namespace!r} is not known and the policies need its labels")
        self.namespace = namespace


class PodsWanted(FactWanted):
    """A preview is of the pods of a namespace: list them, ask again with what was found."""

    def __init__(self, namespace: str) -> None:
        super().__init__(f"the pods of namespace {namespace!r} are to be looked at")
        self.namespace = namespace


@per_review(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answer, and what is recorded of it; ``resource`` is of a closed set."""

    body: bytes
    door: Door
    request: AdmissionRequest
    decision: Decision
    revision: str
    resource: str


_NOT_OURS = Keep(grounds=Grounds(why="none of the gate's business"))
_CHANGES = {change.value: change for change in Change}
_MAKES = frozenset(_CHANGES)
_POD_CHANGES: Mapping[str, frozenset[str]] = {
    "": _MAKES,
    "ephemeralcontainers": _MAKES,
    "resize": _MAKES,
    # Whoever may write the status of a pod writes its annotations too.
    "status": frozenset({Change.UPDATE.value}),
}
"""The operations by which a pod is made or changed, by subresource."""


def admit(
    body: bytes, snapshot: Snapshot, door: Door, existing: ExistingPods | None = None
) -> Outcome:
    """Answer one review. Raises ReviewError (the caller's fault) and FactWanted.

    ``existing`` answers PodsWanted.
    """
    request = parse_review(body)
    if not _is_pod(request):
        return _beside_pods(request, snapshot, door, existing)
    pod, operation = _pod_and_operation(request)
    if lacks_namespace(request.namespace, snapshot):
        raise NamespaceNotSeen(request.namespace)
    if door is Door.MUTATE:
        return _mutated(request, pod, operation, snapshot)
    return _validated(request, decide_stored(pod, operation, snapshot), snapshot)


def _beside_pods(
    request: AdmissionRequest, snapshot: Snapshot, door: Door, existing: ExistingPods | None
) -> Outcome:
    """Workloads, RuntimeClasses, Namespaces, bindings; all else passes, unseen by a policy."""
    if door is Door.VALIDATE:
        match (request.group, request.resource, request.sub_resource):
            case ("node.k8s.io", "runtimeclasses", ""):
                return _validated(request, _guarded_runtime_class(request, snapshot), snapshot)
            # Whoever may write the status or the finalizers of a Namespace writes its labels too.
            case ("", "namespaces", "" | "status" | "finalize") if request.operation in _MAKES:
                decision = _guarded_namespace(request, snapshot, existing)
                return _validated(request, decision, snapshot)
            case ("", "pods", "binding") | ("", "bindings", "") if request.object is not None:
                return _validated(request, _bound(request, request.object, snapshot), snapshot)
            case (_, _, "") if request.operation in _MAKES and _holds_templates(request, snapshot):
                return _workload(request, snapshot)
    return _outcome(allowed_response(request.uid), door, request, _NOT_OURS, snapshot)


def _bound(
    request: AdmissionRequest, binding: Mapping[str, Any], snapshot: Snapshot
) -> Keep | Deny:
    if request.namespace and lacks_namespace(request.namespace, snapshot):
        raise NamespaceNotSeen(request.namespace)
    return decide_binding(
        view_binding(binding, namespace=request.namespace, default_name=request.name), snapshot
    )


def _holds_templates(request: AdmissionRequest, snapshot: Snapshot) -> bool:
    kind = (f"{request.group}/v1", request.kind)
    return bool(request.namespace and workload_kind(*kind, snapshot.inventory.workload_kinds))


def _workload(request: AdmissionRequest, snapshot: Snapshot) -> Outcome:
    if request.object is None:
        raise ReviewError(f"request.object: must be a workload on {request.operation}, not null")
    if lacks_namespace(request.namespace, snapshot):
        raise NamespaceNotSeen(request.namespace)
    decision = advise(
        request.object, request.old_object, namespace=request.namespace, snapshot=snapshot
    )
    return _validated(request, decision, snapshot)


def _guarded_runtime_class(request: AdmissionRequest, snapshot: Snapshot) -> Keep | Deny:
    if request.operation == "DELETE":
        return guard_runtime_class_deletion(request.name, snapshot)
    if request.object is None:
        raise ReviewError(
            f"request.object: must be a RuntimeClass on {request.operation}, not null"
        )
    view = view_runtime_class(request.object)
    # The handler of one that is there cannot change, so its labels may.
    guard = guard_new_runtime_class if request.operation == "CREATE" else guard_runtime_class
    return guard(view.name, view.handler, snapshot)


def _guarded_namespace(
    request: AdmissionRequest, snapshot: Snapshot, existing: ExistingPods | None
) -> Keep | Deny:
    if request.object is None:
        raise ReviewError(f"request.object: must be a Namespace on {request.operation}, not null")
    old = view_namespace(request.old_object) if request.old_object is not None else None
    new = view_namespace(request.object)
    decision = guard_namespace(new, old, request.groups, snapshot)
    if old is None or isinstance(decision, Deny) or not needs_preview(old, new, snapshot):
        return decision
    if existing is None and needs_pods(new, snapshot):
        if not snapshot.cluster.live:
            return decision
        raise PodsWanted(new.name)
    lines = preview(existing or ExistingPods(), old, new, snapshot)
    warnings = (*decision.grounds.warnings, *lines)
    return replace(decision, grounds=replace(decision.grounds, warnings=warnings))


def _mutated(
    request: AdmissionRequest, pod: PodView, operation: Operation, snapshot: Snapshot
) -> Outcome:
    # The answer has room for what was assigned alone; the author hears the rest from /validate.
    decision = decide(pod, operation, snapshot, warn=no_warnings)
    operations = json_patch(decision, request.object or {})
    answer = mutating_response(request.uid, decision, operations, snapshot.revision)
    return _outcome(answer, Door.MUTATE, request, decision, snapshot)


def _validated(request: AdmissionRequest, decision: Keep | Deny, snapshot: Snapshot) -> Outcome:
    answer = validating_response(request.uid, decision, snapshot.revision)
    return _outcome(answer, Door.VALIDATE, request, decision, snapshot)


def _is_pod(request: AdmissionRequest) -> bool:
    return (
        request.resource == "pods"
        and request.group == ""
        and request.operation in _POD_CHANGES.get(request.sub_resource, ())
    )


def _pod_and_operation(request: AdmissionRequest) -> tuple[PodView, Operation]:
    pod = _view(request, "object")
    change = _CHANGES[request.operation]
    old = _view(request, "oldObject") if change is Change.UPDATE else None
    operation = Operation(
        change=change,
        old=old,
        resized=request.sub_resource == "resize",
        user=request.user,
        groups=request.groups,
    )
    return pod, operation


def _view(request: AdmissionRequest, key: str) -> PodView:
    obj = request.object if key == "object" else request.old_object
    if obj is None:
        raise ReviewError(f"request.{key}: must be a pod on {request.operation}, not null")
    if not request.namespace:
        raise ReviewError("request.namespace: must be set for a pod")
    try:
        return view_pod(
            obj.get("spec"),
            obj.get("metadata"),
            namespace=request.namespace,
            default_name=request.name,
        )
    except PodShapeError as error:
        raise ReviewError(f"request.{key}.{error}") from error


def _outcome(
    body: bytes, door: Door, request: AdmissionRequest, decision: Decision, snapshot: Snapshot
) -> Outcome:
    return Outcome(
        body=body,
        door=door,
        request=request,
        decision=decision,
        revision=snapshot.revision,
        resource=asked_about(request, snapshot.inventory.workload_kinds),
    )
