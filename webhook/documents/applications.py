"""ApplicationRequirements: the model of the document and its conversion to core values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from webhook.core import applications
from webhook.core.names import Strength
from webhook.core.versions import ALL_VERSIONS, Version
from webhook.documents.evidence import (
    NO_EVIDENCE,
    Evidence,
    EvidenceList,
    Releases,
    evidence_of,
    unfit_boundary,
)
from webhook.documents.inventory import RuntimeName
from webhook.documents.models import (
    FeatureId,
    ImageGlob,
    LabelKey,
    Metadata,
    Model,
    ObjectName,
    ScalarText,
    Text,
    described,
    misplaced,
    needs_a_part,
    parsed,
)


class Clause(Model):
    """What a container must show; every part given must hold."""

    args: tuple[Text, ...] = Field(
        default=(),
        min_length=1,
        description="Globs; one of them matches a word of command or args.",
        examples=[["*io_method=io_uring*"]],
    )
    env: dict[Text, ScalarText] = Field(
        default={}, min_length=1, description="Variables that are set, and globs of their values."
    )
    labels: dict[LabelKey, ScalarText] = Field(
        default={}, min_length=1, description="Labels of the pod, and globs of their values."
    )

    _some_part = model_validator(mode="after")(needs_a_part)

    def clause(self) -> applications.Clause:
        """The core value."""
        return applications.Clause(words=self.args, env=dict(self.env), labels=dict(self.labels))


class Recognition(Clause):
    """One way to recognise the application: all parts given must hold."""

    images: tuple[ImageGlob, ...] = Field(
        default=(),
        min_length=1,
        description="Image patterns by path component; a bare postgres is "
        "docker.io/library/postgres. May end in a glob of the tag.",
        examples=[["postgres", "*/bitnami/postgresql"]],
    )
    exclude_images: tuple[ImageGlob, ...] = Field(
        default=(), min_length=1, description="Image patterns that are something else."
    )

    @model_validator(mode="after")
    def _excludes_from_something(self) -> Self:
        if self.exclude_images and not self.images:
            raise misplaced("images", message="must be given where excludeImages is")
        return self

    def core(self) -> applications.Recognition:
        """The core value."""
        return applications.Recognition(
            images=self.images, exclude_images=self.exclude_images, clause=self.clause()
        )


class Need(Model):
    """One feature that the application needs."""

    feature: FeatureId = Field(
        description="The feature's id.", examples=["syscall:sync_file_range"]
    )
    strength: Strength = Field(
        description="required (does not start, or loses data, without), preferred (works worse), "
        "optional (has a fallback that nobody notices), observed (seen in a recording; nobody "
        "knows)."
    )
    versions: Releases | None = Field(
        default=None,
        description="Releases of the application, read off the image's tag; a tag without a "
        "number is the newest. Omitted: all.",
    )
    when: Clause | None = Field(default=None, description="Only if the container shows this.")
    unless: Clause | None = Field(default=None, description="Not if the container shows this.")
    note: Text = Field(default="", description="What the application does with it.")
    evidence: EvidenceList = Field(
        default=(), description="Where this is known from. Omitted: the document's evidence."
    )


def _works(text: str) -> str:
    if text not in {"yes", "partial", "no"}:
        raise ValueError(f"must be one of yes, partial, no, not {described(text)}")
    return text


class Verified(Model):
    """A run that somebody made."""

    runtime: RuntimeName = Field(description="The runtime it ran on.")
    versions: Releases = Field(description="The runtime's releases.")
    works: Annotated[
        Literal["yes", "partial", "no"],
        parsed(_works, "yes, partial or no", {"enum": ["yes", "partial", "no"]}),
    ] = Field(description="Whether it works: yes, partial or no.")
    application_version: ScalarText = Field(
        default="", description="The application's version that ran."
    )
    note: Text = Field(default="", description="What was seen.")
    evidence: EvidenceList = Field(description="Where this is known from.")

    @model_validator(mode="after")
    def _versions_fit(self) -> Self:
        if fault := unfit_boundary(self.runtime, self.versions):
            raise misplaced("versions", message=fault)
        return self

    def core(self) -> applications.Verified:
        """The core value."""
        return applications.Verified(
            runtime=self.runtime,
            versions=self.versions,
            works=self.works,
            application_version=self.application_version,
            note=self.note,
            evidence=tuple(e.core() for e in self.evidence),
        )


class RequirementsSpec(Model):
    """How an application is recognised, what it needs and where it was seen to run."""

    title: Text = Field(
        description='As named in messages: "cannot run postgresql".', examples=["postgresql"]
    )
    recognise: tuple[Recognition, ...] = Field(
        min_length=1, description="Ways to recognise it; one is enough."
    )
    evidence: EvidenceList = Field(
        default=(), description="Evidence of the needs that give none of their own."
    )
    needs: tuple[Need, ...] = Field(default=(), min_length=1, description="What it needs.")
    verified: tuple[Verified, ...] = Field(
        default=(), min_length=1, description="Runs that somebody made."
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        _check_needs(self.needs, self.evidence)
        return self


def _check_needs(needs: Iterable[Need], shared: Sequence[Evidence]) -> None:
    for index, need in enumerate(needs):
        if not need.evidence and not shared:
            raise misplaced("needs", index, "evidence", message=NO_EVIDENCE)
        dated = [v for v in (need.versions or ALL_VERSIONS).boundaries() if _is_date(v)]
        if dated:
            message = f"must be releases of the application, not {described(dated[0].text)}"
            raise misplaced("needs", index, "versions", message=message)


def _is_date(version: Version) -> bool:
    return version.date is not None


class ApplicationRequirements(Model):
    """What an application needs of a container runtime (DESIGN 4)."""

    api_version: Literal["runtimegate.dev/v1"] = Field(description="The version of the format.")
    kind: Literal["ApplicationRequirements"] = Field(description="What the document is.")
    metadata: Metadata = Field(description="What the document is called.")
    spec: RequirementsSpec = Field(description="The requirements.")

    def core(self, origin: str) -> applications.Application:
        """The core value; ``origin`` says where the document is."""
        spec = self.spec
        return applications.Application(
            name=self.metadata.name,
            title=spec.title,
            recognise=tuple(r.core() for r in spec.recognise),
            needs=tuple(_need(need, spec.evidence) for need in spec.needs),
            verified=tuple(v.core() for v in spec.verified),
            origin=origin,
        )


class ExtensionSpec(Model):
    """What is added to an application that another document describes."""

    extends: ObjectName = Field(
        description="The application, by the name of its document, shipped or in the folder; its "
        "title and recognition are there.",
        examples=["postgresql"],
    )
    evidence: EvidenceList = Field(
        default=(), description="Evidence of the needs that give none of their own."
    )
    needs: tuple[Need, ...] = Field(default=(), min_length=1, description="What it needs besides.")
    verified: tuple[Verified, ...] = Field(
        default=(), min_length=1, description="Runs that somebody made besides."
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if not self.needs and not self.verified:
            raise ValueError("must hold needs or verified")
        _check_needs(self.needs, self.evidence)
        return self


class ApplicationExtension(Model):
    """An ApplicationRequirements document with ``extends``: it adds and replaces nothing."""

    api_version: Literal["runtimegate.dev/v1"] = Field(description="The version of the format.")
    kind: Literal["ApplicationRequirements"] = Field(description="What the document is.")
    metadata: Metadata = Field(description="What the document is called.")
    spec: ExtensionSpec = Field(description="What is added.")

    def core(self, origin: str) -> applications.Extension:
        """The core value; ``origin`` says where the document is."""
        spec = self.spec
        return applications.Extension(
            extends=spec.extends,
            needs=tuple(_need(need, spec.evidence) for need in spec.needs),
            verified=tuple(v.core() for v in spec.verified),
            origin=origin,
        )


def _need(need: Need, shared: Iterable[Evidence]) -> applications.Need:
    return applications.Need(
        feature=need.feature,
        strength=need.strength,
        note=need.note,
        versions=need.versions,
        when=need.when.clause() if need.when else None,
        unless=need.unless.clause() if need.unless else None,
        evidence=evidence_of(need.evidence, shared),
    )
