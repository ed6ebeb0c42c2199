"""``workloadKinds`` of an inventory: kinds that pods are made of, by their paths or by a preset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from webhook.core.field_paths import FieldPath, field_path
from webhook.core.workload import POD_TEMPLATES_AT, WorkloadKind
from webhook.core.workload_presets import PRESETS
from webhook.documents.models import Matching, Model, ObjectName, misplaced, parsed, quoted

_TEMPLATE = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:\[\*\])?(?:\.[A-Za-z][A-Za-z0-9]*(?:\[\*\])?)*")
_TEMPLATE_SAYS = "the field path of a pod template, such as spec.template or spec.tasks[*].template"


def _template_path(text: str) -> FieldPath:
    if not _TEMPLATE.fullmatch(text):
        raise ValueError(f"must be {_TEMPLATE_SAYS}, not {quoted(text)}")
    return field_path(text)


_OWN_KEYS = ("group", "kind", "templates")
_MUST_BE_GIVEN = "must be given, or preset instead of group, kind and templates"


def _known_preset(name: str) -> str:
    if name not in PRESETS:
        raise ValueError(f"must be one of {', '.join(PRESETS)}, not {quoted(name)}")
    return name


class DeclaredWorkload(Model):
    """A kind of custom resource that pods are made of, or a preset of such kinds."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["preset"], "maxProperties": 1}, {"required": list(_OWN_KEYS)}]
        }
    )

    preset: (
        Annotated[str, parsed(_known_preset, "the name of a preset", {"enum": list(PRESETS)})]
        | None
    ) = Field(
        default=None,
        description="Kinds that runtimegate knows by what brings them; instead of the other keys.",
        examples=["argo-workflows"],
    )
    group: ObjectName | None = Field(
        default=None, description="Its API group.", examples=["argoproj.io"]
    )
    kind: (
        Annotated[
            str, Field(strict=True), Matching("[A-Z][A-Za-z0-9]*", "a kind such as Rollout", 63)
        ]
        | None
    ) = Field(default=None, description="Its kind.", examples=["Rollout"])
    templates: tuple[Annotated[tuple[str, ...], parsed(_template_path, _TEMPLATE_SAYS)], ...] = (
        Field(
            default=(),
            min_length=1,
            description="Field paths of its pod templates; [*] is every element of a list, and "
            "every value of a mapping.",
            examples=[["spec.template"]],
        )
    )

    @model_validator(mode="after")
    def _preset_or_own(self) -> Self:
        given = self.model_fields_set
        if self.preset is not None:
            if beside := next((key for key in _OWN_KEYS if key in given), None):
                raise misplaced(beside, message="must not be given beside preset")
            return self
        if missing := next((key for key in _OWN_KEYS if key not in given), None):
            raise misplaced(missing, message=_MUST_BE_GIVEN)
        if (self.group, self.kind) in POD_TEMPLATES_AT:
            raise misplaced("kind", message=f"{self.group} {self.kind} is built in: leave it out")
        return self

    def core(self) -> tuple[WorkloadKind, ...]:
        """The core values."""
        if self.preset is not None:
            return PRESETS[self.preset]
        own = WorkloadKind(group=self.group or "", kind=self.kind or "", templates=self.templates)
        return (own,)


def kinds_once(entries: Sequence[DeclaredWorkload]) -> None:
    """Each kind once, by an entry of its own or by a preset."""
    seen: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(entries):
        for kind in entry.core():
            first = seen.setdefault((kind.group, kind.kind), index)
            if first != index:
                at = "preset" if entry.preset else "kind"
                said = f"{kind.group} {kind.kind} is described in workloadKinds[{first}] already"
                raise misplaced("workloadKinds", index, at, message=said)
