"""What a policy says and no native policy can: listed, never dropped in silence."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """The parts of policies that may be left out; the words of ``-o json``."""

    APPLICATIONS = "applications"
    DECLARED_NEEDS = "declared-needs"
    FEATURES = "features"
    FALLBACK = "fallback"
    RESIZE = "resize"
    EXCESS = "excess"
    LONG_TEXTS = "long-texts"
    WARNINGS = "warnings"
    WORKLOADS = "workloads"
    GUARDS = "guards"


WHY: Mapping[Part, str] = {
    Part.APPLICATIONS: "the release is read off the tag by rules that CEL has no words for, "
    "and a verdict that is not the same on every node is none to refuse by",
    Part.DECLARED_NEEDS: "any feature may be named in the annotation, and only the compatibility "
    "table knows them all",
    Part.FEATURES: "the verdict depends on nodes, on a release that nobody declared, or on "
    "what an application needs besides",
    Part.FALLBACK: "whether the default would refuse a pod is for the whole table to say",
    Part.RESIZE: "what a runtime does with new limits is judged by the change, not by the pod",
    Part.EXCESS: "there is no counting beyond the API server's own cost limit, which refuses",
    Part.LONG_TEXTS: "the API server's cost limit would refuse pods that the webhook lets through",
    Part.WARNINGS: "a native policy says what it refuses, nothing of what it lets through",
    Part.GUARDS: "changes to RuntimeClasses and Namespaces are not looked at",
    Part.WORKLOADS: "pod templates are not looked at, the pods are when they are made",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """One part of one policy that is left out: ``what`` it would have said, and ``effect``."""

    policy: str | None
    """None for what the inventory says."""
    part: Part
    what: str
    override: str | None = None
    names: tuple[str, ...] = ()
    """The features, applications or classes that are meant, where there are such."""

    @property
    def why(self) -> str:
        """Why it is left out."""
        return WHY[self.part]

    def __str__(self) -> str:
        return f"{self.of}: {self.part}: {self.what}; {self.why}"

    @property
    def of(self) -> str:
        """Whose part it is: ``tenants``, ``tenants/databases`` or ``inventory``."""
        if self.policy is None:
            return "inventory"
        return f"{self.policy}/{self.override}" if self.override else self.policy
