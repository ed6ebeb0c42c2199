"""The product's own probes (``webhook/data/probes``) under a real runsc, beside the table."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Protocol

import webhook
from webhook.core.agreement import Comparison, Result, compare
from webhook.core.compat import BoundRuntime, CompatTable, Fact
from webhook.core.names import Feature
from webhook.core.runtimes import DEFAULT_ARCH, RuntimeProfile
from webhook.core.versions import parse_version
from webhook.data.probes.registry import probe_name

PROBES = Path(webhook.__file__).parent / "data" / "probes"
SECONDS = 300
# What a probe does to interfaces, rules, mounts and queues stays in namespaces that end with it.
NATIVELY = (
    *("unshare", "--net", "--mount", "--ipc", "--uts"),
    *("sh", "-c", 'ip link set lo up 2>/dev/null; exec "$@"', "sh"),
)
ANY_DAY = date(2026, 11, 24)
"""Matters to no profile with a release."""
_NEEDS_FLAG: Mapping[str, str] = {"net:iptables/": "net-raw"}
"""Features that can be seen only under a flag, though the flag is another row's gate."""
_NOT_HERE = frozenset({"kvm-use-cpu-nums"})
"""Flags that do something on the KVM platform only."""


class RunFailed(Exception):  # noqa: N818 - what happened, not whose fault it is
    """The probes did not run; the message has what was printed."""


class Startable(Protocol):
    """A runsc that can be started: by which command, and which release it is."""

    @property
    def version(self) -> str:
        """The release, as the table reads it."""

    def command(self, *flags: str) -> tuple[str, ...]:
        """What a command is put after to run in a sandbox, without a network but lo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One start of a runsc: its flags beyond the default, and what is probed there."""

    flags: Mapping[str, str]
    features: tuple[str, ...]

    def label(self, runsc: Startable) -> str:
        """``20240729.0 --net-raw=true``."""
        return " ".join((runsc.version, *(f"--{k}={v}" for k, v in self.flags.items())))


@cache
def probed_features(table: CompatTable) -> tuple[str, ...]:
    """Every feature of gVisor's rows that has a probe, in order."""
    named = {fact.feature for fact in table.facts if fact.runtime == "gvisor"}
    return tuple(sorted(feature for feature in named if probe_name(feature)))


def bound_to(
    table: CompatTable, runsc: Startable, flags: Mapping[str, str], arch: str = DEFAULT_ARCH
) -> BoundRuntime:
    """``table`` for one release with flags."""
    versions = (parse_version(runsc.version),)
    profile = RuntimeProfile(runtime="gvisor", versions=versions, flags=flags, arch=arch)
    return table.bind(profile, ANY_DAY)


def variants(table: CompatTable, runsc: Startable, features: Sequence[str]) -> tuple[Variant, ...]:
    """The default flags with most probes; each flag that opens a gate with those behind it."""
    flagged = _behind_gates(table, runsc, features)
    plain = tuple(f for f in features if _needed_flag(f) is None)
    return (
        *([Variant(flags={}, features=plain)] if plain else []),
        *(
            Variant(flags={flag: value}, features=tuple(of_flag))
            for (flag, value), of_flag in flagged.items()
        ),
    )


def _behind_gates(
    table: CompatTable, runsc: Startable, features: Iterable[str]
) -> Mapping[tuple[str, str], list[str]]:
    plain = bound_to(table, runsc, {})
    found: dict[tuple[str, str], list[str]] = {}
    for feature in features:
        fact = _in_force(plain, feature)
        if fact is not None and fact.gate is not None and fact.gate.flag not in _NOT_HERE:
            found.setdefault((fact.gate.flag, fact.gate.values[0]), []).append(feature)
        elif needed := _needed_flag(feature):
            found.setdefault((needed, "true"), []).append(feature)
    return found


def _needed_flag(feature: str) -> str | None:
    return next((flag for start, flag in _NEEDS_FLAG.items() if feature.startswith(start)), None)


def _in_force(bound: BoundRuntime, feature: str) -> Fact | None:
    version = bound.versions[0]
    facts = bound.facts_about(Feature(feature))
    return next((f for f in facts if version is not None and version in f.versions), None)


def comparisons(
    table: CompatTable, runsc: Startable, variant: Variant, native: Mapping[str, str]
) -> Iterator[Comparison]:
    """Every probe of one variant beside the table. A flag that cannot start here is untested."""
    bound = bound_to(table, runsc, variant.flags)
    try:
        seen = under(runsc, variant.features, variant.flags)
    except RunFailed as failed:
        if not variant.flags:
            raise
        seen = dict.fromkeys(variant.features, f"untested {failed}".splitlines()[0])
    for feature in variant.features:
        yield compare(
            feature, seen[feature], native[feature], bound=bound, run=variant.label(runsc)
        )


def contradictions(found: Iterable[Comparison]) -> list[Comparison]:
    """Those where the table and the real thing differ."""
    return [c for c in found if c.result is Result.CONTRADICTED]


def natively(features: Sequence[str], as_root: Sequence[str] = ()) -> Mapping[str, str]:
    """The verdict of each feature's probe on this machine's kernel."""
    return _verdicts((*as_root, *NATIVELY), features)


def under(
    runsc: Startable, features: Sequence[str], flags: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """The verdict of each feature's probe in one sandbox of ``runsc``. Raises RunFailed."""
    spelled = (f"--{name}={value}" for name, value in (flags or {}).items())
    return _verdicts(runsc.command(*spelled), features)


def _verdicts(prefix: Sequence[str], features: Sequence[str]) -> Mapping[str, str]:
    # Pipes, not files: runsc writes over what another process wrote into the same file.
    try:
        done = subprocess.run(  # noqa: S603 - the program that the operator named
            [*prefix, sys.executable, str(PROBES), "-"],
            input="\n".join(features),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise RunFailed(f"the probes were not done after {SECONDS} s") from None
    found = dict(_lines(done.stdout.splitlines()))
    missing = [feature for feature in features if feature not in found]
    if missing:
        raise RunFailed(f"no verdict on {missing[0]}: exit {done.returncode}, {_said(done)}")
    return found


def _lines(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        feature, _, verdict = line.partition(" ")
        yield feature, verdict


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr or done.stdout).strip()[-300:]
