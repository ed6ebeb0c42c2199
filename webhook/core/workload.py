"""Where the pod templates of workload kinds are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webhook.core.pod import PodView, mapping, text, view_pod

TemplatePath = tuple[str, ...]
"""Field names from the object to a pod template; ``*`` is every element of a list."""

POD_TEMPLATES_AT: Mapping[tuple[str, str], tuple[TemplatePath, ...]] = {
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
    """A kind of custom resource that embeds pod templates, as an inventory declares it."""

    group: str
    kind: str
    templates: tuple[TemplatePath, ...]


def template_paths(
    api_version: str, kind: str, declared: Sequence[WorkloadKind] = ()
) -> tuple[TemplatePath, ...]:
    """Where a kind keeps its pod templates; empty for a kind that has none."""
    group = api_version.rpartition("/")[0]
    built_in = POD_TEMPLATES_AT.get((group, kind), ())
    return built_in or next(
        (w.templates for w in declared if w.group == group and w.kind == kind), ()
    )


def pod_templates(
    obj: Mapping[str, Any], *, namespace: str, declared: Sequence[WorkloadKind] = ()
) -> Iterator[PodView]:
    """Every pod template of ``obj`` as a PodView that knows its field path.

    Raises PodShapeError where a template that is there is no pod template.
    """
    name = text(mapping(obj.get("metadata")).get("name"))
    for path in template_paths(text(obj.get("apiVersion")), text(obj.get("kind")), declared):
        for at, template in _found(obj, path, ""):
            yield view_pod(
                template.get("spec"),
                template.get("metadata"),
                namespace=namespace,
                at=at,
                default_name=name,
            )


def _found(value: object, path: TemplatePath, at: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not path:
        if isinstance(value, dict):
            yield at, value
        return
    key, rest = path[0], path[1:]
    if key == "*":
        for index, element in enumerate(value if isinstance(value, list) else ()):
            yield from _found(element, rest, f"{at}[{index}]")
    elif isinstance(value, dict) and key in value:
        yield from _found(value[key], rest, f"{at}.{key}" if at else key)
