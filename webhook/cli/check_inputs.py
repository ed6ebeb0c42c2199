"""Every pod and pod template of some inputs decided as the webhook would decide them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from webhook.cli.bystanders import TO_BE_RENDERED, Bystander, unrendered
from webhook.cli.facts import group_kind, is_fact
from webhook.cli.manifests import InputError, Inputs, Manifest
from webhook.cli.pods import POD, has_pods, misshapen_told, pod_of
from webhook.cli.report import Checked
from webhook.core.decision import CREATE, Change, Operation, decide
from webhook.core.pod import PodShapeError, PodView, mapping, view_pod
from webhook.core.snapshot import Snapshot
from webhook.core.workload import pods_made_of
from webhook.wire.patch import json_patch


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of all inputs.

    ``skipped`` are objects that are no business of the gate, ``left_out`` what is no manifest.
    """

    results: tuple[Checked, ...]
    errors: tuple[InputError, ...]
    skipped: int
    left_out: tuple[Bystander, ...] = ()


def check_inputs(inputs: Inputs, snapshot: Snapshot, *, namespace: str) -> Outcome:
    """Decide every pod and pod template; ``namespace`` is that of objects that name none."""
    results: list[Checked] = []
    errors, skipped = list(inputs.errors), 0
    for manifest in inputs.manifests:
        if not has_pods(manifest, snapshot.inventory.workload_kinds):
            skipped += not is_fact(manifest)
            continue
        with misshapen_told(manifest, errors):
            results.extend(_decided(manifest, snapshot, namespace))
    return Outcome(
        results=tuple(results), errors=tuple(errors), skipped=skipped, left_out=inputs.left_out
    )


def _decided(manifest: Manifest, snapshot: Snapshot, namespace: str) -> Iterator[Checked]:
    namespace = manifest.namespace(namespace)
    if group_kind(manifest) == POD:
        pod = pod_of(manifest, namespace)
        yield _checked(manifest, pod, _operation(manifest, namespace), snapshot)
        return
    declared = snapshot.inventory.workload_kinds
    for template in pods_made_of(manifest.obj, namespace=namespace, declared=declared):
        decided = _checked(manifest, template.view, CREATE, snapshot)
        outlined = template.outlined
        yield replace(decided, class_at=outlined.class_at) if outlined else decided


def _checked(manifest: Manifest, pod: PodView, operation: Operation, snapshot: Snapshot) -> Checked:
    _refuse_unrendered(manifest, pod)
    decision = decide(pod, operation, snapshot)
    obj = {"metadata": {"annotations": pod.annotations}} if pod.at else manifest.obj
    return Checked(
        manifest=manifest,
        pod=pod,
        decision=decision,
        patch=json_patch(decision, obj),
        class_at=pod.path("spec.runtimeClassName"),
    )


def _refuse_unrendered(manifest: Manifest, pod: PodView) -> None:
    """Raise PodShapeError for what is to be rendered first; a review was sent as it is."""
    if manifest.review is None and (path := unrendered(manifest.obj, [pod])):
        raise PodShapeError(path, TO_BE_RENDERED)


def _operation(manifest: Manifest, namespace: str) -> Operation:
    """Creating the pod, or what the review says is being done, and by whom."""
    review = manifest.review
    if review is None:
        return CREATE
    old = None
    if review.operation == Change.UPDATE and review.old_object is not None:
        before = mapping(review.old_object)
        old = view_pod(before.get("spec"), before.get("metadata"), namespace=namespace)
    return Operation(
        change=Change(review.operation),
        old=old,
        resized=review.sub_resource == "resize",
        user=review.user,
        groups=review.groups,
    )
