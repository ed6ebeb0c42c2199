"""Manifests → the pods that they are, or that would be stamped from them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from webhook.cli.facts import group_kind
from webhook.cli.manifests import InputError, Inputs, Manifest
from webhook.core.decision import Change
from webhook.core.pod import PodShapeError, PodView, view_pod
from webhook.core.workload import WorkloadKind, pods_made_of, workload_kind

POD = ("", "Pod")
_JUDGED_SUBRESOURCES = frozenset({"", "ephemeralcontainers", "resize"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A pod, and the object that it is or is stamped from."""

    manifest: Manifest
    pod: PodView

    @property
    def name(self) -> str:
        """The name of the object, of the pod where it has none."""
        return self.manifest.name or self.pod.name


def pods_in(inputs: Inputs) -> tuple[list[Found], list[InputError]]:
    """Every pod and pod template of ``inputs``; objects of other kinds are passed over."""
    found: list[Found] = []
    errors = list(inputs.errors)
    for manifest in inputs.manifests:
        with misshapen_told(manifest, errors):
            pods = pods_of(manifest, manifest.namespace("default"))
            found.extend(Found(manifest=manifest, pod=pod) for pod in pods)
    return found, errors


def has_pods(manifest: Manifest, declared: Sequence[WorkloadKind] = ()) -> bool:
    """Whether an object is or makes pods, and what is done to it, by a review, is judged."""
    review = manifest.review
    if review is not None and not (
        review.operation in set(Change) and review.sub_resource in _JUDGED_SUBRESOURCES
    ):
        return False
    return group_kind(manifest) == POD or bool(
        workload_kind(manifest.api_version, manifest.kind, declared)
    )


def pods_of(
    manifest: Manifest, namespace: str, declared: Sequence[WorkloadKind] = ()
) -> list[PodView]:
    """The pod that an object is, or the pods that would be made of it.

    Raises PodShapeError where it is misshapen, or has no pod template where its kind has one.
    """
    if group_kind(manifest) == POD:
        return [pod_of(manifest, namespace)]
    made = pods_made_of(manifest.obj, namespace=namespace, declared=declared)
    return [pod.view for pod in made]


def pod_of(manifest: Manifest, namespace: str) -> PodView:
    """The pod that an object is. Raises PodShapeError where it is misshapen."""
    default = manifest.review.name if manifest.review else ""
    obj = manifest.obj
    return view_pod(obj.get("spec"), obj.get("metadata"), namespace=namespace, default_name=default)


@contextmanager
def misshapen_told(manifest: Manifest, errors: list[InputError]) -> Iterator[None]:
    """What is wrong with the shape of an object's pods becomes an error, and hides no other."""
    try:
        yield
    except PodShapeError as error:
        errors.append(InputError(source=manifest.source, line=manifest.line, problem=str(error)))


def found_value(found: Found) -> dict[str, Any]:
    """Where a pod stands, as JSON."""
    return {
        "source": found.manifest.source,
        "document": found.manifest.document,
        "kind": found.manifest.kind,
        "namespace": found.pod.namespace,
        "name": found.name,
        "template": found.pod.at,
    }
