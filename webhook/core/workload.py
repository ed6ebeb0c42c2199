"""Where the pods of workload kinds are: their pod templates, and their outlines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from webhook.core.field_paths import FieldPath, found_at
from webhook.core.outline import Outline, OutlinedPod, outlined_pods
from webhook.core.pod import PodShapeError, PodView, mapping, text, view_pod

MOST_TEMPLATES = 100
"""How many pods of one object are looked at: each costs as much as a pod does."""

POD_TEMPLATES_AT: Mapping[tuple[str, str], tuple[FieldPath, ...]] = {
    ("apps", "Deployment"): (("spec", "template"),),
    ("apps", "ReplicaSet"): (("spec", "template"),),
    ("apps", "StatefulSet"): (("spec", "template"),),
    ("apps", "DaemonSet"): (("spec", "template"),),
    ("batch", "Job"): (("spec", "template"),),
    ("batch", "CronJob"): (("spec", "jobTemplate", "spec", "template"),),
    ("", "ReplicationController"): (("spec", "template"),),
    ("", "PodTemplate"): (("template",),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadKind:
    """A kind of which pods are made: by templates that it embeds, or as outlines tell.

    ``resource`` is its plural, for a webhook's rules; ``source`` where the paths were read.
    ``class_where`` is how a class is named in its templates, where that takes more than the field.
    ``built_in``: every cluster has it.
    """

    group: str
    kind: str
    templates: tuple[FieldPath, ...] = ()
    outlines: tuple[Outline, ...] = ()
    resource: str = ""
    source: str = ""
    class_where: str = ""
    built_in: bool = False


BUILT_IN: Mapping[tuple[str, str], WorkloadKind] = {
    (group, kind): WorkloadKind(
        group=group, kind=kind, templates=paths, resource=f"{kind.lower()}s", built_in=True
    )
    for (group, kind), paths in POD_TEMPLATES_AT.items()
}


def workload_kind(
    api_version: str, kind: str, declared: Sequence[WorkloadKind] = ()
) -> WorkloadKind | None:
    """What is known of a kind; None for one of which no pods are made."""
    group = api_version.rpartition("/")[0]
    built_in = BUILT_IN.get((group, kind))
    return built_in or next((w for w in declared if w.group == group and w.kind == kind), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPod:
    """A pod that will be made of an object: of a template, or told by an outline."""

    view: PodView
    outlined: OutlinedPod | None = None


def workload_pods(
    obj: Mapping[str, Any], *, namespace: str, declared: Sequence[WorkloadKind] = ()
) -> Iterator[WorkloadPod]:
    """The pods that ``obj`` will make, the first ``MOST_TEMPLATES`` of them.

    Raises PodShapeError where a template that is there is no pod template.
    """
    kind = workload_kind(text(obj.get("apiVersion")), text(obj.get("kind")), declared)
    if kind is not None:
        yield from islice(_pods(obj, kind, namespace), MOST_TEMPLATES)


def pods_made_of(
    obj: Mapping[str, Any], *, namespace: str, declared: Sequence[WorkloadKind] = ()
) -> list[WorkloadPod]:
    """``workload_pods`` of an object that must have a pod template where its kind has one.

    Raises PodShapeError where it has none.
    """
    pods = list(workload_pods(obj, namespace=namespace, declared=declared))
    group = text(obj.get("apiVersion")).rpartition("/")[0]
    paths = POD_TEMPLATES_AT.get((group, text(obj.get("kind"))))
    if not pods and paths:
        raise PodShapeError(".".join(paths[0]), "must be a pod template")
    return pods


def pod_templates(
    obj: Mapping[str, Any], *, namespace: str, declared: Sequence[WorkloadKind] = ()
) -> Iterator[PodView]:
    """``workload_pods`` as PodViews that know their field paths."""
    found = workload_pods(obj, namespace=namespace, declared=declared)
    return (pod.view for pod in found)


def _pods(obj: Mapping[str, Any], kind: WorkloadKind, namespace: str) -> Iterator[WorkloadPod]:
    name = text(mapping(obj.get("metadata")).get("name"))
    for path in kind.templates:
        for at, template in found_at(obj, path):
            if isinstance(template, dict):
                spec, metadata = template.get("spec"), template.get("metadata")
                view = view_pod(spec, metadata, namespace=namespace, at=at, default_name=name)
                if kind.class_where:
                    view = replace(view, class_where=kind.class_where)
                yield WorkloadPod(view=view)
    for outline in kind.outlines:
        for pod in outlined_pods(obj, outline, namespace=namespace, name=name):
            yield WorkloadPod(view=pod.view, outlined=pod)
