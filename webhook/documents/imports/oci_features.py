"""The OCI ``features`` structure: what is read of it, and who printed it.

opencontainers/runtime-spec, features.md: what a runtime recognises in a bundle, whatever the node
has. All properties but two may be missing, which proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from webhook.core.images import glob_matches
from webhook.core.trial import RECONFIGURING
from webhook.documents.imports.reading import Printed, validated
from webhook.documents.source import SourceDocument

_Word = Annotated[str, Field(strict=True, max_length=256)]
_Words = Annotated[tuple[_Word, ...], Field(max_length=1000)]
_Answer = Annotated[bool, Field(strict=True)]


class Enabled(Printed):
    """Something that is supported or not."""

    enabled: _Answer | None = Field(default=None, description="Whether it is supported.")


class MountExtensions(Printed):
    """What mounts may have besides options."""

    idmap: Enabled | None = Field(default=None, description="Id-mapped mounts.")


class LinuxFeatures(Printed):
    """What is Linux's."""

    namespaces: _Words | None = Field(default=None, description="Namespaces recognised.")
    capabilities: _Words | None = Field(default=None, description="Capabilities recognised.")
    seccomp: Enabled | None = Field(default=None, description="Seccomp.")
    apparmor: Enabled | None = Field(default=None, description="AppArmor.")
    selinux: Enabled | None = Field(default=None, description="SELinux.")
    mountExtensions: MountExtensions | None = Field(  # noqa: N815 - the structure's own name
        default=None, description="What mounts may have besides options."
    )

    @property
    def idmap(self) -> bool | None:
        """Whether mounts can be id-mapped; None where that is not said."""
        idmap = self.mountExtensions.idmap if self.mountExtensions else None
        return idmap.enabled if idmap else None


class Features(Printed):
    """The structure."""

    ociVersionMin: _Word = Field(description="The oldest specification.")  # noqa: N815 - the structure's own name
    ociVersionMax: _Word = Field(description="The newest specification.")  # noqa: N815
    mountOptions: _Words | None = Field(  # noqa: N815
        default=None, description="Mount options recognised."
    )
    linux: LinuxFeatures | None = Field(default=None, description="What is Linux's.")
    annotations: dict[_Word, Annotated[str, Field(strict=True, max_length=4096)]] | None = Field(
        default=None, description="Anything else."
    )
    potentiallyUnsafeConfigAnnotations: _Words | None = Field(  # noqa: N815
        default=None, description="Annotations that change what the runtime does."
    )

    def unguarded(self) -> list[str]:
        """Annotations that change what the runtime does and that no policy refuses by itself.

        A name that ends in a dot stands for all that begin so.
        """
        names = self.potentiallyUnsafeConfigAnnotations or ()
        return [name for name in names if not any(_covers(glob, name) for glob in RECONFIGURING)]


def _covers(glob: str, name: str) -> bool:
    return glob_matches(glob, f"{name}x" if name.endswith(".") else name)


_VERSION_ANNOTATIONS: Mapping[str, str] = {
    "org.opencontainers.runc.version": "runc",
    "run.oci.crun.version": "crun",
}
_GVISOR_ANNOTATIONS = "dev.gvisor.flag."
"""gVisor prints its flags and their defaults so, and no version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedBy:
    """The runtime that printed a structure, as far as it says so itself."""

    runtime: str | None = None
    version: str | None = None


def printed_by(source: SourceDocument) -> PrintedBy:
    """Which runtime, and which release of it, by its annotations; raises DocumentErrors."""
    annotations = validated(source, Features).annotations or {}
    for key, runtime in _VERSION_ANNOTATIONS.items():
        if key in annotations:
            return PrintedBy(runtime=runtime, version=annotations[key])
    if any(key.startswith(_GVISOR_ANNOTATIONS) for key in annotations):
        return PrintedBy(runtime="gvisor")
    return PrintedBy()
