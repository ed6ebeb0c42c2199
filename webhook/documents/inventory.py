"""RuntimeInventory: what the RuntimeClasses of a cluster mean; its conversion to core values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from webhook.core import runtimes as core
from webhook.core.names import Action, Handler
from webhook.core.versions import Version
from webhook.documents.models import (
    Arch,
    LabelName,
    Matching,
    Metadata,
    Model,
    ObjectName,
    ScalarText,
    Text,
    VersionText,
    first_repeated,
    misplaced,
    quoted,
)
from webhook.documents.workload_kinds import DeclaredWorkload, kinds_once


def _still_alive(value: object) -> object:
    """Refuse the name of a retired runtime with what replaced it."""
    if isinstance(value, str) and (ended := core.retired(value)):
        raise ValueError(f"must not be {quoted(value)}: {ended}")
    return value


_NOT_RETIRED = BeforeValidator(_still_alive)
RuntimeName = Annotated[
    Literal["gvisor", "kata", "runc", "crun", "youki", "nvidia", "wasm", "windows", "other"],
    _NOT_RETIRED,
]
Hypervisor = Annotated[
    Literal["qemu", "clh", "fc", "dragonball", "stratovirt", "remote"], _NOT_RETIRED
]
CriName = Annotated[Literal["containerd", "cri-o", "cri-dockerd"], _NOT_RETIRED]
FlagName = Annotated[
    str,
    Field(strict=True),
    Matching(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "the name of a flag, without leading dashes", 120),
]


class Cri(Model):
    """The CRI implementation of the nodes."""

    name: CriName = Field(description="containerd, cri-o or cri-dockerd.")
    version: VersionText | None = Field(
        default=None, description="Its release. Omitted: unknown.", examples=["2.1.4"]
    )

    @model_validator(mode="after")
    def _version_is_dotted(self) -> Self:
        if self.version is not None and self.version.date:
            raise misplaced("version", message=_must_be_dotted(self.name, self.version))
        return self

    def core(self) -> core.Cri:
        """The core value."""
        return core.Cri(name=self.name, version=self.version)


class Installed(Model):
    """A runtime as it is installed on the nodes."""

    runtime: RuntimeName = Field(description="Which runtime it is.")
    versions: tuple[VersionText, ...] = Field(
        default=(),
        min_length=1,
        description="Its releases on the nodes; several during an upgrade: the worst counts. "
        "Omitted: unknown.",
        examples=[["20260817.0"]],
    )
    flags: dict[FlagName, ScalarText] = Field(
        default={},
        min_length=1,
        description="Flags that it is started with, without dashes, as far as the compatibility "
        "table speaks of them.",
        examples=[{"platform": "systrap"}],
    )
    hypervisor: Hypervisor | None = Field(default=None, description="For kata: its hypervisor.")
    vendor: LabelName | None = Field(
        default=None,
        description="Who builds it, where that changes what it can do: gke, eks, alibaba, "
        "openshift or your own word.",
        examples=["gke"],
    )
    cri: Cri | None = Field(default=None, description="The CRI implementation of its nodes.")
    arch: Arch = Field(
        default="amd64",
        description="The architecture of its nodes; a pod's nodeSelector on kubernetes.io/arch "
        "goes before it.",
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.hypervisor is not None and self.runtime != "kata":
            raise misplaced("hypervisor", message=f"must not be given for {self.runtime}")
        for index, version in enumerate(self.versions):
            if fault := unfit_version(self.runtime, version):
                raise misplaced("versions", index, message=fault)
        return self

    def profile(self, runtime_class: str = "", handler: str | None = None) -> core.RuntimeProfile:
        """The core value."""
        return core.RuntimeProfile(
            runtime=self.runtime,
            runtime_class=runtime_class,
            handler=Handler(handler) if handler else None,
            versions=self.versions,
            flags=dict(self.flags),
            hypervisor=self.hypervisor,
            vendor=self.vendor,
            cri=self.cri.core() if self.cri else None,
            arch=self.arch,
        )


def unfit_version(runtime: str, version: Version) -> str | None:
    """Why a release of ``runtime`` cannot be ``version``: gVisor's are dates, others' are not."""
    if runtime == "gvisor" and not version.date:
        return f"must be a date such as 20260817.0 for gvisor, not {quoted(version.text)}"
    if runtime not in {"gvisor", "other"} and version.date:
        return _must_be_dotted(runtime, version)
    return None


def _must_be_dotted(name: str, version: Version) -> str:
    return f"must be a dotted version such as 2.1.4 for {name}, not {quoted(version.text)}"


class DeclaredRuntime(Installed):
    """What one RuntimeClass means."""

    runtime_class: ObjectName = Field(description="The RuntimeClass's name.", examples=["gvisor"])
    handler: LabelName | None = Field(
        default=None,
        description="The handler that the RuntimeClass must name; a pod is refused where the "
        "cluster's names another. Omitted: not checked.",
        examples=["runsc"],
    )


_GuardAction = Literal["deny", "warn", "ignore"]


class NamespaceLabelsGuard(Model):
    """Who may change the labels that policies select on."""

    action: _GuardAction = Field(description="What others hear who change them.")
    groups: tuple[Text, ...] = Field(
        min_length=1,
        description="Groups whose members may.",
        examples=[["system:masters", "platform-admins"]],
    )


class Guards(Model):
    """What the gate protects besides judging pods."""

    runtime_classes: _GuardAction = Field(
        default="ignore",
        description="Making a RuntimeClass that contradicts this inventory, and deleting one that "
        "a policy names.",
    )
    namespace_labels: NamespaceLabelsGuard | None = Field(
        default=None,
        description="Changing the labels that policies select on. Omitted: not watched.",
    )

    def core(self) -> core.Guards:
        """The core value."""
        labels = self.namespace_labels
        return core.Guards(
            runtime_classes=Action(self.runtime_classes),
            namespace_labels=core.NamespaceLabelsGuard(
                action=Action(labels.action), groups=labels.groups
            )
            if labels
            else None,
        )


class InventorySpec(Model):
    """The RuntimeClasses of a cluster."""

    node_default: Installed | None = Field(
        default=None, description="What a pod without a class runs on. Omitted: unknown."
    )
    runtimes: tuple[DeclaredRuntime, ...] = Field(
        default=(), min_length=1, description="What each RuntimeClass means."
    )
    guards: Guards = Field(default=Guards(), description="What is protected beside pods.")
    workload_kinds: tuple[DeclaredWorkload, ...] = Field(
        default=(),
        min_length=1,
        description="Kinds that pods are made of, besides Kubernetes' own.",
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        _once("runtimes", "runtimeClass", [r.runtime_class for r in self.runtimes])
        kinds_once(self.workload_kinds)
        return self


def _once(key: str, below: str, names: Sequence[str]) -> None:
    if repeated := first_repeated(names):
        first, second = repeated
        message = f"{names[second]} is described in {key}[{first}] already"
        raise misplaced(key, second, below, message=message)


class RuntimeInventory(Model):
    """What the RuntimeClasses of a cluster mean: the API tells only the handler's name."""

    api_version: Literal["runtimegate.dev/v1"] = Field(description="The version of the format.")
    kind: Literal["RuntimeInventory"] = Field(description="What the document is.")
    metadata: Metadata = Field(description="What the document is called.")
    spec: InventorySpec = Field(description="The inventory.")

    def core(self) -> core.Inventory:
        """The core value."""
        spec = self.spec
        default = spec.node_default
        return core.Inventory(
            name=self.metadata.name,
            node_default=default.profile() if default else None,
            by_class={
                r.runtime_class: r.profile(r.runtime_class, r.handler) for r in spec.runtimes
            },
            guards=spec.guards.core(),
            workload_kinds=tuple(kind for w in spec.workload_kinds for kind in w.core()),
        )
