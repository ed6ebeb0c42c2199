"""RuntimeFacts: the model of the document and its conversion to the core's ``Fact``s.

The same model reads the shipped tables and an operator's own in the policy folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from webhook.core import compat
from webhook.core.names import Support
from webhook.core.versions import ALL_VERSIONS, parse_version
from webhook.documents.evidence import (
    NO_EVIDENCE,
    EvidenceList,
    Releases,
    evidence_of,
    unfit_boundary,
)
from webhook.documents.inventory import CriName, FlagName, Hypervisor, RuntimeName, unfit_version
from webhook.documents.models import (
    Arch,
    EmptyOrText,
    FeatureRow,
    LabelName,
    Metadata,
    Model,
    Read,
    ScalarText,
    Text,
    described,
    first_repeated,
    misplaced,
    needs_a_part,
    parse_day,
)
from webhook.documents.source import scalar_text


class CriCondition(Model):
    """A CRI implementation, perhaps some of its releases."""

    name: CriName = Field(description="containerd, cri-o or cri-dockerd.")
    versions: Releases = Field(default=ALL_VERSIONS, description="Its releases. Omitted: all.")


class Conditions(Model):
    """Under which installations a fact holds; a part not given holds under all."""

    vendor: LabelName | None = Field(default=None, description="The inventory's vendor.")
    hypervisor: tuple[Hypervisor, ...] = Field(
        default=(), min_length=1, description="One of these hypervisors."
    )
    cri: CriCondition | None = Field(default=None, description="The CRI implementation.")
    arch: tuple[Arch, ...] = Field(
        default=(), min_length=1, description="One of these architectures."
    )
    flags: dict[FlagName, ScalarText] = Field(
        default={}, min_length=1, description="All of these flags have these values."
    )

    _some_part = model_validator(mode="after")(needs_a_part)


class Gate(Model):
    """The flag that turns a gated feature on."""

    flag: FlagName = Field(description="The runtime's flag, without dashes.")
    values: tuple[ScalarText, ...] = Field(
        min_length=1, description="Values of the flag that turn the feature on."
    )
    support: Literal["full", "partial", "stub", "scoped", "ignored", "errno", "absent"] = Field(
        description="The support that the feature then has."
    )


class FactRow(Model):
    """What some releases of a runtime do with one feature."""

    feature: FeatureRow = Field(
        description="The feature's id; may end in * for all that begin so.",
        examples=["syscall:sync_file_range"],
    )
    versions: Releases = Field(
        default=ALL_VERSIONS,
        description="The releases, as a union of closed-open intervals. Omitted: all.",
        examples=[["<20181108"]],
    )
    support: Support = Field(
        description="full; partial (limits that matter to some); stub (succeeds without effect); "
        "scoped (means something else inside the sandbox); ignored (accepted, silently without "
        "effect); gated (off unless a flag); errno (always an error); absent; unknown."
    )
    gate: Gate | None = Field(
        default=None, description="For gated, and only then: the flag that turns it on."
    )
    when: Conditions | None = Field(
        default=None,
        description="Conditions, over those of the document; the matching row with the most wins.",
    )
    note: Text = Field(
        default="",
        description="What the runtime does; its first sentence follows the runtime's name in "
        "refusals.",
        examples=["answers ENOSYS"],
    )
    summary: Annotated[str, Field(strict=True, min_length=1, max_length=60)] = Field(
        default="",
        description="The cause in the first line of a refusal. Omitted: made from feature and "
        "support.",
    )
    workaround: EmptyOrText = Field(
        default=None, description="What an administrator or author can do."
    )
    evidence: EvidenceList = Field(
        default=(), description="Where this is known from. Omitted: the document's evidence."
    )
    probe: EmptyOrText = Field(
        default=None, description="The name of a script that measures the row."
    )

    @model_validator(mode="after")
    def _gate_fits(self) -> Self:
        gated = self.support is Support.GATED
        if gated and self.gate is None:
            raise misplaced("gate", message="must be given for support gated")
        if not gated and self.gate is not None:
            raise misplaced("gate", message=f"must not be given for support {self.support}")
        return self


def _release(value: object) -> compat.Release:
    """``20190304.1`` or ``{version: 4.1.0, date: 2026-08-21}``."""
    if isinstance(value, Mapping) and set(value) == {"version", "date"}:
        version = parse_version(scalar_text(value["version"]) or "")
        return compat.Release(version=version, date=parse_day(scalar_text(value["date"]) or ""))
    text = scalar_text(value)
    dated = parse_version(text) if text is not None else None
    if dated is None or dated.date is None:
        raise ValueError(
            "must be a dated release such as 20190304.1, or {version: 4.1.0, date: 2026-08-21}, "
            f"not {described(value)}"
        )
    return compat.Release(version=dated, date=parse_day(dated.date))


_RELEASE_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {
                "version": {"type": "string", "description": "The release."},
                "date": {
                    "type": "string", "format": "date", "description": "The day it came out.",
                },
            },
            "required": ["version", "date"],
            "additionalProperties": False,
        },
    ]
}  # fmt: skip


class FactsSpec(Model):
    """What one runtime, or several alike, do with features."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["runtime"]}, {"required": ["runtimes"]}]}
    )

    runtime: RuntimeName | None = Field(default=None, description="The runtime.")
    runtimes: tuple[RuntimeName, ...] = Field(
        default=(),
        min_length=1,
        description="Instead of runtime: several, of which every row holds alike; then no row "
        "speaks of releases, which each runtime has of its own.",
        examples=[["runc", "crun"]],
    )
    when: Conditions | None = Field(
        default=None, description="Conditions of all rows; a row's own go over them."
    )
    evidence: EvidenceList = Field(
        default=(), description="Evidence of the rows that give none of their own."
    )
    releases: tuple[Annotated[compat.Release, Read(_release, _RELEASE_SCHEMA)], ...] = Field(
        default=(),
        min_length=1,
        description="Known releases: a dated one as it is, others with the day they came out.",
        examples=[["20190304.1"]],
    )
    facts: tuple[FactRow, ...] = Field(default=(), min_length=1, description="The rows.")

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if not self.facts and not self.releases:
            raise ValueError("must hold facts or releases")
        self._names_runtimes()
        for index, row in enumerate(self.facts):
            if not row.evidence and not self.evidence:
                raise misplaced("facts", index, "evidence", message=NO_EVIDENCE)
        if self.runtime is not None:
            self._releases_fit(self.runtime)
        else:
            self._no_releases()
        return self

    def _names_runtimes(self) -> None:
        if self.runtime is None and not self.runtimes:
            raise misplaced("runtime", message="must be given, or runtimes for several")
        if self.runtime is not None and self.runtimes:
            raise misplaced("runtimes", message="must not be given beside runtime")
        if repeated := first_repeated(self.runtimes):
            first, second = repeated
            message = f"{self.runtimes[second]} is named in runtimes[{first}] already"
            raise misplaced("runtimes", second, message=message)

    def _releases_fit(self, runtime: str) -> None:
        for index, release in enumerate(self.releases):
            if fault := unfit_version(runtime, release.version):
                raise misplaced("releases", index, message=fault)
        for index, row in enumerate(self.facts):
            if fault := unfit_boundary(runtime, row.versions):
                raise misplaced("facts", index, "versions", message=fault)

    def _no_releases(self) -> None:
        if self.releases:
            raise misplaced("releases", message=_NOT_OF_SEVERAL)
        for index, row in enumerate(self.facts):
            if row.versions != ALL_VERSIONS:
                raise misplaced("facts", index, "versions", message=_NOT_OF_SEVERAL)

    @property
    def of_runtimes(self) -> tuple[str, ...]:
        """The runtimes that every row is of."""
        return self.runtimes if self.runtime is None else (self.runtime,)


_NOT_OF_SEVERAL = "must not be given for several runtimes: each has releases of its own"


class RuntimeFacts(Model):
    """What the releases of a runtime do with features (DESIGN 4)."""

    api_version: Literal["runtimegate.dev/v1"] = Field(description="The version of the format.")
    kind: Literal["RuntimeFacts"] = Field(description="What the document is.")
    metadata: Metadata = Field(description="What the document is called.")
    spec: FactsSpec = Field(description="The facts.")

    def core(self, origins: Iterable[str], *, overlay: bool) -> tuple[compat.Fact, ...]:
        """The core values, of each row one a runtime; ``origins`` says where each row is."""
        spec = self.spec
        return tuple(
            compat.Fact(
                runtime=runtime,
                feature=row.feature,
                support=row.support,
                versions=row.versions,
                when=_conditions(spec.when, row.when),
                gate=_gate(row.gate),
                note=row.note,
                summary=row.summary,
                workaround=row.workaround,
                evidence=evidence_of(row.evidence, spec.evidence),
                probe=row.probe,
                origin=origin,
                overlay=overlay,
            )
            for row, origin in zip(spec.facts, origins, strict=True)
            for runtime in spec.of_runtimes
        )


def _gate(gate: Gate | None) -> compat.Gate | None:
    if gate is None:
        return None
    return compat.Gate(flag=gate.flag, values=gate.values, support=Support(gate.support))


def _conditions(*layers: Conditions | None) -> compat.Conditions:
    """The conditions of a document and a row; of the same part the row's counts."""
    given = {
        name: getattr(layer, name) for layer in layers if layer for name in layer.model_fields_set
    }
    if not given:
        return compat.UNCONDITIONAL
    flags = {k: v for layer in layers if layer for k, v in layer.flags.items()}
    cri: CriCondition | None = given.get("cri")
    return compat.Conditions(
        vendor=given.get("vendor"),
        hypervisor=frozenset(given.get("hypervisor", ())),
        cri=cri.name if cri else None,
        cri_versions=cri.versions if cri else ALL_VERSIONS,
        arch=frozenset(given.get("arch", ())),
        flags=flags,
    )
