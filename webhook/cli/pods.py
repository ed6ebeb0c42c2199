"""Manifests → the pods that they are, or that would be stamped from them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from webhook.cli.facts import group_kind
from webhook.cli.manifests import InputError, Inputs, Manifest
from webhook.core.pod import PodShapeError, PodView, view_pod
from webhook.core.workload import pod_templates

POD = ("", "Pod")


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
        try:
            found.extend(Found(manifest=manifest, pod=pod) for pod in _pods_of(manifest))
        except PodShapeError as error:
            errors.append(
                InputError(source=manifest.source, line=manifest.line, problem=str(error))
            )
    return found, errors


def _pods_of(manifest: Manifest) -> Iterator[PodView]:
    namespace = manifest.namespace("default")
    if group_kind(manifest) == POD:
        obj = manifest.obj
        yield view_pod(obj.get("spec"), obj.get("metadata"), namespace=namespace)
    else:
        yield from pod_templates(manifest.obj, namespace=namespace)


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
