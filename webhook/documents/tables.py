"""The compatibility tables as core values, by the documents that they come from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain

from webhook.core.applications import Application, Extension
from webhook.core.compat import CompatTable, Fact, Release
from webhook.core.versions import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Facts, releases and applications, by the names of the documents that they come from."""

    facts: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)
    releases: Mapping[str, tuple[str, tuple[Release, ...]]] = field(default_factory=dict)
    applications: Mapping[str, Application] = field(default_factory=dict)
    extensions: Mapping[str, Extension] = field(default_factory=dict)

    def over(self, below: "Tables") -> "Tables":
        """These and those of ``below`` that none of the same name replaces."""
        return Tables(
            facts={**below.facts, **self.facts},
            releases={**below.releases, **self.releases},
            applications={**below.applications, **self.applications},
            extensions={**below.extensions, **self.extensions},
        )

    def table(self, version: str) -> CompatTable:
        """The core value; every extension must be of an application that there is."""
        applications = dict(sorted(self.applications.items()))
        for extension in self.extensions.values():
            extended = applications[extension.extends].extended(extension)
            applications[extension.extends] = extended
        return CompatTable(
            facts=chain.from_iterable(self.facts.values()),
            applications=applications.values(),
            releases=_by_runtime(self.releases.values()),
            version=version,
        )


def _by_runtime(
    listed: Iterable[tuple[str, tuple[Release, ...]]],
) -> Mapping[str, tuple[Release, ...]]:
    """Each runtime's releases in order, each once."""
    known: dict[str, dict[Version, Release]] = {}
    for runtime, releases in listed:
        known.setdefault(runtime, {}).update((r.version, r) for r in releases)
    return {
        runtime: tuple(release for _, release in sorted(releases.items()))
        for runtime, releases in known.items()
        if releases
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedData:
    """The compatibility tables of this release."""

    tables: Tables = field(default_factory=Tables)
    compat: CompatTable = field(default_factory=CompatTable)
