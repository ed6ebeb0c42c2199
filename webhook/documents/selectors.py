"""Selectors of namespaces and pods, as policies write them, and their conversion to core values."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from webhook.core import policy as core
from webhook.documents.models import (
    ImageGlob,
    LabelKey,
    LabelValue,
    Model,
    NameGlob,
    NamespaceGlob,
    misplaced,
    needs_a_part,
)

_WITH_VALUES = frozenset({"In", "NotIn"})


class LabelRequirement(Model):
    """One condition on one label."""

    key: LabelKey = Field(description="The label's key.", examples=["tier"])
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(
        description="As in the Kubernetes API: NotIn and DoesNotExist also hold where the label "
        "is missing."
    )
    values: tuple[LabelValue, ...] = Field(
        default=(), description="For In and NotIn: at least one value. Not given for the others."
    )

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        if self.operator in _WITH_VALUES and not self.values:
            raise misplaced(
                "values", message=f"must hold at least one value for operator {self.operator}"
            )
        if self.operator not in _WITH_VALUES and "values" in self.model_fields_set:
            raise misplaced("values", message=f"must not be given for operator {self.operator}")
        return self


class LabelSelector(Model):
    """The Kubernetes API's LabelSelector: all of it must hold."""

    match_labels: dict[LabelKey, LabelValue] = Field(
        default={}, min_length=1, description="Labels that must be there with these values."
    )
    match_expressions: tuple[LabelRequirement, ...] = Field(
        default=(), min_length=1, description="Conditions on labels."
    )

    _some_part = model_validator(mode="after")(needs_a_part)

    def core(self) -> core.LabelSelector:
        """The core value."""
        return core.LabelSelector(
            match_labels=dict(self.match_labels),
            match_expressions=tuple(
                core.LabelRequirement(key=r.key, operator=r.operator, values=frozenset(r.values))
                for r in self.match_expressions
            ),
        )


class NamespaceSelector(Model):
    """Which namespaces a policy is for: every part given must hold; at least one part."""

    names: tuple[NamespaceGlob, ...] = Field(
        default=(),
        min_length=1,
        description="Globs of names; one of them must match. Only * and ? are special.",
        examples=[["tenant-*"]],
    )
    exclude_names: tuple[NamespaceGlob, ...] = Field(
        default=(), min_length=1, description="Globs of names; none of them may match."
    )
    selector: LabelSelector | None = Field(
        default=None, description="A selector over the namespace's labels."
    )

    _some_part = model_validator(mode="after")(needs_a_part)

    def core(self) -> core.NamespaceSelector:
        """The core value."""
        return core.NamespaceSelector(
            names=self.names,
            exclude_names=self.exclude_names,
            selector=self.selector.core() if self.selector else None,
        )


class PodSelector(Model):
    """Which pods an override or exemption is for: every part given must hold; at least one part."""

    images: tuple[ImageGlob, ...] = Field(
        default=(),
        min_length=1,
        description="Image patterns by path component: */postgres is any registry's postgres and "
        "never postgres-exporter. An override needs one container with such an image, an "
        "exemption needs every container to have one.",
        examples=[["*/postgres", "docker.io/bitnami/*"]],
    )
    service_accounts: tuple[NameGlob, ...] = Field(
        default=(), min_length=1, description="Globs of service account names."
    )
    selector: LabelSelector | None = Field(
        default=None, description="A selector over the pod's labels."
    )

    _some_part = model_validator(mode="after")(needs_a_part)

    def core(self) -> core.PodSelector:
        """The core value."""
        return core.PodSelector(
            images=self.images,
            service_accounts=self.service_accounts,
            selector=self.selector.core() if self.selector else None,
        )
