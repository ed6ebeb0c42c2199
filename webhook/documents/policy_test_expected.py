"""What a PolicyTest expects, in the words of ``check -o json``; ``''`` is none."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from webhook.documents.models import (
    ClassOrNone,
    FeatureGlob,
    Flag,
    Matching,
    Model,
    ObjectName,
    Text,
    needs_a_part,
)

_STRICT = Field(strict=True)
NameOrNone = Annotated[
    str,
    _STRICT,
    Matching(r"(?:[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?)?", "a name, or '' for none"),
]
PodReason = Literal[
    "RuntimeClassNotAllowed",
    "RuntimeClassRequired",
    "RuntimeClassNotFound",
    "RuntimeClassUnknown",
    "HandlerMismatch",
    "RuntimeAnnotationNotAllowed",
    "RuntimeIncompatible",
    "RuntimeDegraded",
    "RuntimeUnverified",
    "SecurityFieldIgnored",
]
VerdictWord = Literal["incompatible", "degraded", "ignoredSecurity", "unknown", "compatible"]


class ExpectedFinding(Model):
    """A finding that must be among those of the pod; or, with absent, must not."""

    feature: FeatureGlob = Field(
        description="A feature id, or a glob of them.", examples=["pod:hostNetwork"]
    )
    verdict: VerdictWord | None = Field(default=None, description="Its verdict. Omitted: any.")
    action: Literal["deny", "warn", "audit", "ignore"] | None = Field(
        default=None, description="What the policy does with it. Omitted: anything."
    )
    container: Text | None = Field(default=None, description="Its container. Omitted: any.")
    absent: Flag = Field(default=False, description="true: there must be no such finding.")


class Expected(Model):
    """What must become of every pod of a case. What is not given is not asked."""

    decision: Literal["keep", "assign", "deny"] | None = Field(
        default=None, description="What happens."
    )
    would: Literal["assign", "deny", ""] | None = Field(
        default=None,
        description="In mode warn or audit, what enforce would do; '' is nothing.",
    )
    reason: PodReason | None = Field(
        default=None,
        description="Why it is refused; also of a refusal that mode warn or audit holds back.",
    )
    runtime_class: ClassOrNone | None = Field(
        default=None,
        description="The class that is judged: the pod's own, or the one assigned; '' is none.",
    )
    policy: NameOrNone | None = Field(
        default=None, description="The policy that governs the pod; '' is none."
    )
    override: NameOrNone | None = Field(
        default=None, description="The override that applies; '' is none."
    )
    exemption: NameOrNone | None = Field(
        default=None, description="The exemption that the pod has; '' is none."
    )
    verdict: VerdictWord | None = Field(
        default=None, description="The worst verdict of the compatibility table."
    )
    recognised: Flag | None = Field(
        default=None, description="Whether some row of the table knows one of the images."
    )
    message: tuple[Text, ...] | None = Field(
        default=None,
        min_length=1,
        description="Texts that must each stand in what the author of the pod is told.",
    )
    suggestions: tuple[ObjectName, ...] | None = Field(
        default=None,
        description="Classes that a refusal must each suggest; [] is that it suggests none.",
    )
    warnings: tuple[Text, ...] | None = Field(
        default=None,
        description="Texts that must each stand in some warning; [] is that there is none.",
    )
    findings: tuple[ExpectedFinding, ...] | None = Field(
        default=None,
        description="Findings of the compatibility table; [] is that there is none.",
    )
    workload: Literal["deny", "warn", "ignore"] | None = Field(
        default=None,
        description="What the author of a workload, such as a Deployment, hears of its pods: it "
        "is refused, it is created with a warning, or nothing is said.",
    )

    _some_part = model_validator(mode="after")(needs_a_part)

    def over(self, defaults: Expected | None) -> Expected:
        """These over ``defaults``, key by key."""
        shared = defaults.given() if defaults else {}
        return self.model_copy(update={**shared, **self.given()})

    def given(self) -> dict[str, Any]:
        """The keys that are asked, by their names here, in the order of this model."""
        fields = type(self).model_fields
        return {name: getattr(self, name) for name in fields if name in self.model_fields_set}

    def contradiction(self) -> tuple[str, str] | None:
        """A key that can never hold beside the others, and why."""
        for key, value, decisions, says in (
            ("reason", self.reason, {"deny", "keep"}, "is given to a refusal"),
            ("would", self.would, {"keep"}, "is said of a pod that is kept"),
            ("suggestions", self.suggestions, {"deny", "keep"}, "are made by a refusal"),
        ):
            if value and self.decision and self.decision not in decisions:
                return key, f"{says}; the decision expected is {self.decision}"
        if self.decision == "assign" and self.runtime_class == "":
            return "runtimeClass", "is never '' where the decision is assign"
        if self.reason and self.would in {"assign", ""} and self.decision != "deny":
            return "reason", "is given to a refusal; would is expected to be no deny"
        return None
