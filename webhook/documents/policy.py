"""RuntimePolicy: the model of the document and its conversion to the core's ``Policy``.

Keys that an override gives replace the policy's, key by key; the merge is made here, so that the
core holds complete ``Rules`` and looks nothing up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from webhook.core import policy as core
from webhook.core.names import Action, Mode, Verdict
from webhook.documents.models import (
    AnnotationGlob,
    ClassOrNone,
    DayOrNever,
    FeatureGlob,
    Flag,
    LabelName,
    Metadata,
    Model,
    NameGlob,
    NameGlobOrNone,
    ObjectName,
    Priority,
    Text,
    first_repeated,
    misplaced,
)
from webhook.documents.selectors import NamespaceSelector, PodSelector


class RuntimeClasses(Model):
    """Which RuntimeClass a pod gets, and which it may ask for."""

    default: ClassOrNone = Field(
        default="",
        description="Injected into pods that set no class. Omitted or '': nothing is injected.",
        examples=["gvisor"],
    )
    required: Flag = Field(
        default=False,
        description="Where there is no default: true refuses pods that set no class, false leaves "
        "them to the node's default runtime.",
    )
    allowed: tuple[NameGlob, ...] = Field(
        default=(),
        min_length=1,
        description="Globs of the classes that a pod may ask for; ['*'] is any. Omitted: just the "
        "default, or any where there is no default either.",
        examples=[["gvisor", "kata-*"]],
    )
    fallback: tuple[ObjectName, ...] = Field(
        default=(),
        description="Where a pod sets no class and the default would be refused: the first of "
        "these classes that would not be.",
        examples=[["kata-qemu"]],
    )
    namespace_default: Flag = Field(
        default=False,
        description="true: the Namespace's annotation runtimegate.dev/default-runtime-class may "
        "choose another default among the allowed classes.",
    )


class Compatibility(Model):
    """What is done with each verdict of the compatibility table."""

    incompatible: Action = Field(
        default=Action.DENY, description="The pod would not start or would lose data."
    )
    degraded: Action = Field(default=Action.WARN, description="The pod runs, but worse.")
    unknown: Action = Field(
        default=Action.WARN, description="Nobody knows, or the class is not in the inventory."
    )
    ignored_security: Action = Field(
        default=Action.WARN,
        description="A security field that the runtime silently ignores, such as a seccomp "
        "profile under gVisor.",
    )


class RuntimeAnnotations(Model):
    """Pod annotations that reconfigure the sandbox, such as dev.gvisor.* or io.katacontainers.*."""

    allowed: tuple[AnnotationGlob, ...] = Field(
        default=(), description="Globs of those that a pod may carry. All others are refused."
    )


class Rules(Model):
    """What a policy says of a pod: the keys that an override may replace."""

    mode: Mode = Field(
        default=Mode.ENFORCE,
        description="enforce, warn (say what enforce would do) or audit (only record it); warn "
        "and audit change nothing and refuse nothing.",
    )
    runtime_classes: RuntimeClasses = Field(
        default=RuntimeClasses(), description="Which class a pod gets and which it may ask for."
    )
    compatibility: Compatibility = Field(
        default=Compatibility(), description="What is done with each verdict."
    )
    runtime_annotations: RuntimeAnnotations = Field(
        default=RuntimeAnnotations(), description="Annotations that reconfigure the sandbox."
    )
    workloads: Literal["warn", "deny", "ignore"] = Field(
        default="warn",
        description="What the author of a Deployment, Job or other workload hears when its pods "
        "would be refused.",
    )


AcceptedWarning = Literal[
    "override-by-author",
    "override-shadowed",
    "exemption-by-author",
    "exemption-expires-soon",
    "exemption-never-expires",
    "unknown-class",
]
"""Rules of ``policy lint`` that may be meant; each is in ``lint.RULES``."""

_ACCEPTED: Any = Field(
    default=(),
    min_length=1,
    description="Warnings of `policy lint` that are meant here, and so are only counted. Say why "
    "in a comment.",
)


class Override(Rules):
    """Other rules for some pods; the keys given replace the policy's, the others stay."""

    name: LabelName = Field(
        description="Unique within the policy; named in annotations and messages.",
        examples=["databases"],
    )
    pods: PodSelector = Field(description="The pods that it is for; the first match wins.")
    accepted_warnings: tuple[AcceptedWarning, ...] = _ACCEPTED

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.model_fields_set <= {"name", "pods", "accepted_warnings"}:
            keys = "mode, runtimeClasses, compatibility, runtimeAnnotations or workloads"
            raise ValueError(f"must replace something: give {keys}")
        return self


class Exemption(Model):
    """Pods outside the rules on purpose: by whom, why, until when."""

    name: LabelName = Field(
        description="Unique within the policy; named in messages and audit annotations.",
        examples=["node-agent"],
    )
    pods: PodSelector = Field(description="The pods that it is for.")
    runtime_classes: tuple[NameGlobOrNone, ...] = Field(
        default=(),
        min_length=1,
        description="Globs of the classes that they may use besides the allowed ones; '' is none: "
        "the node's default runtime.",
    )
    features: tuple[FeatureGlob, ...] = Field(
        default=(),
        min_length=1,
        description="Findings that are left out: feature ids or globs of them; ['*'] is all.",
    )
    owner: Text = Field(description="Who answers for it.", examples=["storage-team"])
    reason: Text = Field(description="Why it is needed.")
    ticket: Text = Field(default="", description="Where it was discussed.")
    expires: DayOrNever = Field(
        description="The last day (UTC) on which it counts, or never, which must be written out.",
        examples=["2027-06-30", "never"],
    )
    accepted_warnings: tuple[AcceptedWarning, ...] = _ACCEPTED

    @model_validator(mode="after")
    def _exempts_something(self) -> Self:
        if not self.runtime_classes and not self.features:
            raise ValueError("must exempt from something: give runtimeClasses, features or both")
        return self

    def core(self) -> core.Exemption:
        """The core value."""
        return core.Exemption(
            name=self.name,
            pods=self.pods.core(),
            runtime_classes=self.runtime_classes,
            features=self.features,
            owner=self.owner,
            reason=self.reason,
            ticket=self.ticket or None,
            expires=self.expires,
        )


class PolicySpec(Rules):
    """What a RuntimePolicy demands of the pods of some namespaces."""

    priority: Priority = Field(
        default=0,
        description="Of the policies that match a namespace the one with the highest priority "
        "governs it, whole; of equals the first by name.",
    )
    namespaces: NamespaceSelector = Field(
        description="The namespaces that it is for.", examples=["{names: [tenant-*]}"]
    )
    overrides: tuple[Override, ...] = Field(
        default=(), min_length=1, description="Other rules for some pods, the first match wins."
    )
    exemptions: tuple[Exemption, ...] = Field(
        default=(), min_length=1, description="Pods outside the rules, with owner and expiry."
    )

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for key, entries in (("overrides", self.overrides), ("exemptions", self.exemptions)):
            if repeated := first_repeated([entry.name for entry in entries]):
                first, second = repeated
                name = entries[second].name
                raise misplaced(
                    key, second, "name", message=f"{name} is the name of {key}[{first}] too"
                )
        return self


class RuntimePolicy(Model):
    """Which container runtimes the pods of some namespaces run on."""

    api_version: Literal["runtimegate.dev/v1"] = Field(description="The version of the format.")
    kind: Literal["RuntimePolicy"] = Field(description="What the document is.")
    metadata: Metadata = Field(description="What the document is called.")
    spec: PolicySpec = Field(description="The policy.")

    def core(self, origin: str) -> core.Policy:
        """The core value; ``origin`` says where the document is."""
        spec = self.spec
        return core.Policy(
            name=self.metadata.name,
            description=self.metadata.description,
            origin=origin,
            priority=spec.priority,
            namespaces=spec.namespaces.core(),
            rules=_rules(spec),
            overrides=tuple(
                core.Override(name=o.name, pods=o.pods.core(), rules=_rules(spec, o))
                for o in spec.overrides
            ),
            exemptions=tuple(e.core() for e in spec.exemptions),
        )


def _rules(*layers: Rules) -> core.Rules:
    """The rules of ``layers``, a key of a later one over the same key of those before it."""
    top = _given(*layers)
    annotations = _given(*(layer.runtime_annotations for layer in layers))
    return core.Rules(
        mode=top.get("mode", Mode.ENFORCE),
        runtime_classes=_classes(_given(*(layer.runtime_classes for layer in layers))),
        actions=_actions(_given(*(layer.compatibility for layer in layers))),
        runtime_annotations=annotations.get("allowed", ()),
        workloads=Action(top.get("workloads", "warn")),
    )


def _given(*layers: Model) -> dict[str, Any]:
    """The fields that were written, by their names here."""
    return {name: getattr(layer, name) for layer in layers for name in layer.model_fields_set}


def _classes(given: Mapping[str, Any]) -> core.RuntimeClasses:
    default = given.get("default") or None
    # A policy that names no class at all is about compatibility: it restricts none.
    only_default = (default,) if default else ("*",)
    return core.RuntimeClasses(
        default=default,
        required=given.get("required", False),
        allowed=given.get("allowed", only_default),
        fallback=given.get("fallback", ()),
        namespace_default=given.get("namespace_default", False),
    )


_VERDICT_OF: Mapping[str, Verdict] = {
    "incompatible": Verdict.INCOMPATIBLE,
    "degraded": Verdict.DEGRADED,
    "unknown": Verdict.UNKNOWN,
    "ignored_security": Verdict.IGNORED_SECURITY,
}


def _actions(given: Mapping[str, Action]) -> Mapping[Verdict, Action]:
    if not given:
        return core.DEFAULT_ACTIONS
    return {
        **core.DEFAULT_ACTIONS,
        **{_VERDICT_OF[name]: action for name, action in given.items()},
    }
