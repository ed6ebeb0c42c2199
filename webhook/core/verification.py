"""What probes saw under real releases, and which rows of the table that confirms."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from webhook.core.compat import Fact
from webhook.core.versions import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRun:
    """One probe under one release, with flags beyond the default, that contradicted nothing."""

    runtime: str
    feature: str
    release: Version
    observed: str
    day: date
    arch: str
    flags: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """``20240729.0 --net-raw=true``; of a Go pseudo-version the day alone."""
        pseudo = str(self.release).startswith("v0.0.0-") and self.release.date
        release = pseudo.replace("-", "") if pseudo else str(self.release)
        return " ".join([release, *(f"--{k}={v}" for k, v in self.flags.items())])

    def confirms(self, fact: Fact) -> bool:
        """Whether a shipped row speaks of just what was run."""
        when = fact.when
        gate = {fact.gate.flag} if fact.gate else set()
        return (
            not fact.overlay
            and self.release in fact.versions
            and not (when.vendor or when.hypervisor or when.cri)
            and (not when.arch or self.arch in when.arch)
            and all(self.flags.get(name) == value for name, value in when.flags.items())
            and self.flags.keys() <= when.flags.keys() | gate
        )


class Verification:
    """All runs of probes, by feature."""

    __slots__ = ("_runs",)

    def __init__(self, runs: Iterable[ProbeRun] = ()) -> None:
        self._runs: dict[tuple[str, str], list[ProbeRun]] = {}
        for run in runs:
            self._runs.setdefault((run.runtime, run.feature), []).append(run)

    def of(self, fact: Fact) -> tuple[ProbeRun, ...]:
        """The runs that confirm a row, in the order in which they were made."""
        runs = self._runs.get((fact.runtime, fact.feature), ())
        return tuple(run for run in runs if run.confirms(fact))
