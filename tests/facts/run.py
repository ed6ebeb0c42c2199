"""One full run: every probe under one release of runsc, in the table's own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from tests.facts.agreement import Comparison, Result, compare
from tests.facts.sandbox import RunFailed, natively, under
from tests.runsc.releases import Runsc
from webhook.core.compat import BoundRuntime, Fact
from webhook.core.names import Feature
from webhook.core.runtimes import RuntimeProfile
from webhook.core.versions import parse_version
from webhook.data.probes.registry import probe_name
from webhook.live.shipped import shipped

TODAY = date(2026, 11, 24)
"""Matters to no profile with a release."""

_NEEDS_FLAG: Mapping[str, str] = {"net:iptables/": "net-raw"}
"""Features that can be seen only under a flag, though the flag is another row's gate."""

_NOT_HERE = frozenset({"kvm-use-cpu-nums"})
"""Flags that do something on the KVM platform only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One start of a runsc: its flags beyond the default, and what is probed there."""

    flags: Mapping[str, str]
    features: tuple[str, ...]

    def label(self, runsc: Runsc) -> str:
        """``20240729.0 --net-raw=true``."""
        return " ".join((runsc.version, *(f"--{k}={v}" for k, v in self.flags.items())))


@cache
def probed_features() -> tuple[str, ...]:
    """Every feature of gVisor's rows that has a probe, in order."""
    facts = shipped().compat.facts
    named = {fact.feature for fact in facts if fact.runtime == "gvisor"}
    return tuple(sorted(feature for feature in named if probe_name(feature)))


@cache
def native() -> Mapping[str, str]:
    """The control: the same probes on this machine's kernel, once a process."""
    return natively(probed_features())


def bound(runsc: Runsc, flags: Mapping[str, str]) -> BoundRuntime:
    """The shipped table for one release with flags."""
    profile = RuntimeProfile(
        runtime="gvisor", versions=(parse_version(runsc.version),), flags=flags
    )
    return shipped().compat.bind(profile, TODAY)


def variants(runsc: Runsc) -> tuple[Variant, ...]:
    """The default flags with all probes; each flag that opens a gate with those behind it."""
    flagged = _behind_gates(runsc)
    plain = tuple(f for f in probed_features() if _needed_flag(f) is None)
    return (
        Variant(flags={}, features=plain),
        *(
            Variant(flags={flag: value}, features=tuple(features))
            for (flag, value), features in flagged.items()
        ),
    )


def _behind_gates(runsc: Runsc) -> Mapping[tuple[str, str], list[str]]:
    table = bound(runsc, {})
    found: dict[tuple[str, str], list[str]] = {}
    for feature in probed_features():
        fact = _in_force(table, feature)
        if fact is not None and fact.gate is not None and fact.gate.flag not in _NOT_HERE:
            found.setdefault((fact.gate.flag, fact.gate.values[0]), []).append(feature)
        elif needed := _needed_flag(feature):
            found.setdefault((needed, "true"), []).append(feature)
    return found


def _needed_flag(feature: str) -> str | None:
    return next((flag for start, flag in _NEEDS_FLAG.items() if feature.startswith(start)), None)


def _in_force(table: BoundRuntime, feature: str) -> Fact | None:
    version = table.versions[0]
    facts = table.facts_about(Feature(feature))
    return next((f for f in facts if version is not None and version in f.versions), None)


def comparisons(runsc: Runsc, variant: Variant) -> Iterator[Comparison]:
    """Every probe of one variant beside the table. A flag that cannot start here is untested."""
    table = bound(runsc, variant.flags)
    try:
        seen = under(runsc, variant.features, variant.flags)
    except RunFailed as failed:
        if not variant.flags:
            raise
        seen = dict.fromkeys(variant.features, f"untested {failed}".splitlines()[0])
    for feature in variant.features:
        yield compare(
            feature, seen[feature], native()[feature], bound=table, run=variant.label(runsc)
        )


def contradictions(found: list[Comparison]) -> list[Comparison]:
    """Those where the table and the real thing differ."""
    return [c for c in found if c.result is Result.CONTRADICTED]
