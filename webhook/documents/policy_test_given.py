"""What a PolicyTest gives: pods, namespaces, users, cluster facts, in short or at length."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from webhook.core.pod import PodShapeError, view_pod
from webhook.documents.models import (
    LabelKey,
    LabelName,
    LabelValue,
    Matching,
    Model,
    NameGlob,
    ObjectName,
    Text,
    misplaced,
    needs_a_part,
)

_STRICT = Field(strict=True)
RelativePath = Annotated[
    str,
    _STRICT,
    Matching(
        r"(?!/)[^\x00-\x1f\x7f\\]*\.(?:yaml|yml|json)",
        "a path from this file to a .yaml, .yml or .json file",
        1024,
    ),
]
RawObject = dict[str, Any]
"""Part of a Kubernetes object, as the API has it."""


class GivenNamespace(Model):
    """The namespace that a pod is created in: what policies select by."""

    name: LabelName = Field(description="Its name.", examples=["tenant-a"])
    labels: dict[LabelKey, LabelValue] = Field(
        default={}, min_length=1, description="Its labels. Omitted: none."
    )
    annotations: dict[LabelKey, Annotated[str, _STRICT]] = Field(
        default={},
        min_length=1,
        description="Its annotations, such as runtimegate.dev/default-runtime-class.",
    )


class GivenUser(Model):
    """Who asks the API server: it matters for mirror pods only."""

    name: Text = Field(description="The user's name.", examples=["system:node:node-1"])
    groups: tuple[Text, ...] = Field(
        default=(), min_length=1, description="The user's groups.", examples=[["system:nodes"]]
    )


class GivenCluster(Model):
    """What is known of the cluster. Where RuntimeClasses or Nodes are given there are no others."""

    runtime_classes: dict[ObjectName, LabelName] = Field(
        default={},
        min_length=1,
        description="RuntimeClasses in short: the name and the handler of each.",
        examples=[{"gvisor": "runsc"}],
    )
    objects: tuple[RawObject, ...] = Field(
        default=(),
        min_length=1,
        description="RuntimeClasses, Nodes and Namespaces, whole.",
    )
    files: tuple[RelativePath, ...] = Field(
        default=(),
        min_length=1,
        description="Files of them, such as kubectl get ns,runtimeclass,node -o yaml prints; "
        "paths from this document's file, within the policy folder.",
    )

    _some_part = model_validator(mode="after")(needs_a_part)


class GivenPod(Model):
    """A pod: in short (image, …), or with metadata and spec as in the API, or some of both."""

    api_version: Literal["v1"] = Field(default="v1", description="May be given, as in a manifest.")
    kind: Literal["Pod"] = Field(default="Pod", description="May be given, as in a manifest.")
    metadata: RawObject = Field(
        default={}, min_length=1, description="The pod's metadata, as in the API."
    )
    spec: RawObject = Field(
        default={},
        min_length=1,
        description="The pod's spec, as in the API; with image it need hold no containers.",
    )
    image: Text = Field(
        default="",
        description="In short for one container of this image, called main.",
        examples=["docker.io/library/nginx:1.29"],
    )
    runtime_class_name: ObjectName = Field(
        default="", description="In short for spec.runtimeClassName."
    )
    service_account_name: ObjectName = Field(
        default="", description="In short for spec.serviceAccountName."
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default={}, min_length=1, description="In short for metadata.labels."
    )
    annotations: dict[LabelKey, Annotated[str, _STRICT]] = Field(
        default={}, min_length=1, description="In short for metadata.annotations."
    )

    @model_validator(mode="after")
    def _is_a_pod(self) -> Self:
        for key, _, within in self._short():
            if within:
                raise misplaced(key, message=f"is given in {within} already")
        try:
            view_pod(self.manifest()["spec"], self.metadata, namespace="")
        except PodShapeError as error:
            hint = "" if self.spec.get("containers") else "; or give image"
            raise ValueError(f"{error}{hint}") from None
        return self

    def manifest(self) -> dict[str, Any]:
        """The Pod as the API has it."""
        metadata, spec = plain(self.metadata), plain(self.spec)
        metadata.setdefault("name", "main")
        for key, value, _ in self._short():
            (metadata if key in {"labels", "annotations"} else spec)[key] = value
        if self.image:
            spec["containers"] = [{"name": "main", "image": self.image}]
            spec.pop("image", None)
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    def _short(self) -> Iterator[tuple[str, Any, str]]:
        """What is given in short: the key, its value, and where it is given at length as well."""
        for key, value, long, at, name in (
            ("image", self.image, self.spec, "spec", "containers"),
            ("runtimeClassName", self.runtime_class_name, self.spec, "spec", ""),
            ("serviceAccountName", self.service_account_name, self.spec, "spec", ""),
            ("labels", self.labels, self.metadata, "metadata", ""),
            ("annotations", self.annotations, self.metadata, "metadata", ""),
        ):
            if value:
                yield key, value, f"{at}.{name or key}" if (name or key) in long else ""


class Selection(Model):
    """Which objects a case is about, where there are several: every part given must hold."""

    kinds: tuple[Text, ...] = Field(
        default=(), min_length=1, description="Kinds of objects.", examples=[["Deployment"]]
    )
    names: tuple[NameGlob, ...] = Field(
        default=(), min_length=1, description="Globs of the objects' names.", examples=[["web-*"]]
    )

    _some_part = model_validator(mode="after")(needs_a_part)


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """``value`` of a document as JSON has it: numbers that do not know their text."""
    copied: dict[str, Any] = json.loads(json.dumps(value))
    return copied
