"""What lies beside the manifests of a folder and is none: left out, and counted by its kind.

Only what surely is no manifest is left out in silence but for the count. A document that says
``apiVersion`` and ``kind`` and cannot be read is an error in a folder too.
"""

from __future__ import annotations

import pathlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from webhook.cli.yaml_stream import Broken, Document
from webhook.core.pod import PodShapeError, PodView, mapping, text, view_pod
from webhook.core.workload import pod_templates, workload_kind

CHART = "Chart.yaml"
CHART_TEMPLATE = "Helm template"
KUSTOMIZATION = "kustomization"
LINK = "link to a folder"
OTHER = "other"
TEMPLATE = "other template"
VALUES = "values"

_KUSTOMIZATION_FILES = frozenset({"kustomization.yaml", "kustomization.yml"})
_KUSTOMIZE_GROUP = "kustomize.config.k8s.io/"
_VALUES = re.compile(r"(?:.*[._-])?values(?:[._-].*)?\.(?:ya?ml|json)")
_MANIFEST_WORDS = (b"apiVersion", b"kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bystander:
    """A file, or a document of one, that was left out."""

    source: str
    kind: str


def bystander_kind(document: Document | Broken, source: str) -> str:
    """What a document is that is no manifest; empty for those that are, or claim to be."""
    if isinstance(document, Broken):
        return _kind_of_broken(document, source)
    value = document.value
    if not isinstance(value, dict) or not ("apiVersion" in value or "kind" in value):
        return _other(source)
    api_version, kind = text(value.get("apiVersion")), text(value.get("kind"))
    if api_version.startswith(_KUSTOMIZE_GROUP) or (not api_version and kind == "Kustomization"):
        return KUSTOMIZATION
    if pathlib.PurePath(source).name == "Chart.yaml" and "kind" not in value:
        return CHART
    written = document.content[document.begin : document.end]
    return _kind_of_template(value, source) if b"{{" in written else ""


def _kind_of_template(value: Mapping[str, Any], source: str) -> str:
    if _in_chart(source):
        return CHART_TEMPLATE
    return TEMPLATE if unrendered(value, _pods(value)) else ""


def unrendered(obj: Mapping[str, Any], pods: Sequence[PodView]) -> str:
    """The field path of a name or an image that is a template between quotes; empty for none.

    Such an object can be read, and would be judged as of a namespace that no policy governs, or as
    an image that no row knows. Kinds of others may have templates of their own in their images.
    """
    metadata = mapping(obj.get("metadata"))
    written = [(f"metadata.{key}", text(metadata.get(key))) for key in _NAMES]
    if _is_core(obj):
        written += [(c.image_path, c.image) for pod in pods for c in pod.containers]
    return next((path for path, said in written if "{{" in said), "")


_NAMES = ("name", "generateName", "namespace")
TO_BE_RENDERED = "a template with {{ }} must be rendered first: pass what helm prints"


def _is_core(obj: Mapping[str, Any]) -> bool:
    version, kind = text(obj.get("apiVersion")), text(obj.get("kind"))
    return (version, kind) == ("v1", "Pod") or workload_kind(version, kind) is not None


def _pods(obj: Mapping[str, Any]) -> list[PodView]:
    """The pods that an object is or makes; none where it is misshapen, which is told later."""
    try:
        if text(obj.get("kind")) == "Pod":
            return [view_pod(obj.get("spec"), obj.get("metadata"), namespace="")]
        return list(pod_templates(obj, namespace=""))
    except PodShapeError:
        return []


def _kind_of_broken(document: Broken, source: str) -> str:
    if is_template(document.written):
        return CHART_TEMPLATE if _in_chart(source) else TEMPLATE
    claims = all(word in document.written for word in _MANIFEST_WORDS)
    return "" if claims or not document.written else _other(source)


def is_template(written: bytes) -> bool:
    """Whether a text that cannot be read may be one that is to be rendered first."""
    return b"{{" in written and b"}}" in written


def _in_chart(source: str) -> bool:
    return _is_of_chart(pathlib.Path(source).parent)


@lru_cache(maxsize=64)
def _is_of_chart(folder: pathlib.Path) -> bool:
    return any(
        above.name == "templates" and (above.parent / "Chart.yaml").is_file()
        for above in (folder, *folder.parents)
    )


def _other(source: str) -> str:
    name = pathlib.PurePath(source).name
    if name in _KUSTOMIZATION_FILES:
        return KUSTOMIZATION
    return VALUES if _VALUES.fullmatch(name) else OTHER


def counted_kinds(found: Iterable[Bystander]) -> str:
    """``2 kustomization, 1 values``; a file of many such documents is one."""
    counts = Counter(kind for _, kind in {(one.source, one.kind) for one in found})
    return ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
