"""``compat probe --facts``: the probes of the table's rows under one runsc, and natively."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from webhook.cli.compat_probe_report import runsc_value
from webhook.core.agreement import Comparison, Result
from webhook.core.compat import CompatTable
from webhook.core.images import glob_matches
from webhook.core.names import shown
from webhook.live.child import run_folder
from webhook.live.probing import (
    RunFailed,
    Variant,
    comparisons,
    natively,
    probed_features,
    variants,
)
from webhook.live.runsc import OWN_NAMESPACES, Runsc, Sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class _Started:
    """A runsc as ``probing`` starts it: as root, on this machine's root file system."""

    runsc: Runsc
    folder: Path

    @property
    def version(self) -> str:
        """The release, as the table reads it."""
        return str(self.runsc.version)

    def command(self, *flags: str) -> tuple[str, ...]:
        """``runsc do``, in namespaces that end with it, its files in a folder that is removed."""
        files = ("env", f"TMPDIR={self.folder}")
        return (*OWN_NAMESPACES, *files, str(self.runsc.path), "--network=none", *flags, "do")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedFacts:
    """Every probe that ran, beside the row in force."""

    runsc: Runsc
    flags: Mapping[str, str]
    found: tuple[Comparison, ...]

    @property
    def counts(self) -> Counter[Result]:
        """How many came to which result."""
        return Counter(comparison.result for comparison in self.found)

    @property
    def contradicted(self) -> bool:
        """Whether some probe saw what its row does not say."""
        return self.counts[Result.CONTRADICTED] > 0


def probe_facts(
    table: CompatTable, runsc: Runsc, flags: Mapping[str, str], glob: str | None
) -> ProbedFacts:
    """Run the probes of the rows; raises click.ClickException where that cannot be done."""
    features = [f for f in probed_features(table) if glob is None or glob_matches(glob, f)]
    if not features:
        message = f"must match a row of gVisor that has a probe, not {shown(glob or '', 80)!r}"
        raise click.BadParameter(message, param_hint="--feature")
    try:
        with run_folder() as folder:
            found = tuple(_compared(table, _Started(runsc=runsc, folder=folder), flags, features))
    except RunFailed as failed:
        raise click.ClickException(str(failed)) from None
    return ProbedFacts(runsc=runsc, flags=flags, found=found)


def _compared(
    table: CompatTable, started: _Started, flags: Mapping[str, str], features: Sequence[str]
) -> Iterator[Comparison]:
    """The probes natively, then in a sandbox a variant of flags; with given flags in one."""
    given = Variant(flags=flags, features=tuple(features))
    runs = (given,) if flags else variants(table, started, features)
    with _progress(1 + len(runs)) as done:
        native = natively(features)
        done()
        for variant in runs:
            yield from comparisons(table, started, variant, native)
            done()


@contextmanager
def _progress(steps: int) -> Iterator[Any]:
    """A bar at a terminal: a step is one start of a sandbox with its probes."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415 - longer to import than --help takes
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn  # noqa: PLC0415

    columns = (SpinnerColumn(), "sandboxes", BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sandboxes", total=steps)
        yield lambda: bar.advance(task)


def facts_lines(probed: ProbedFacts) -> Iterator[str]:
    """The counts, and every contradiction with both sides."""
    flags = "".join(f" --{name}={shown(value, 40)}" for name, value in probed.flags.items())
    told = ", ".join(f"{probed.counts[result]} {result}" for result in Result)
    yield f"{len(probed.found)} probes under runsc {probed.runsc.version}{flags}: {told}"
    for comparison in probed.found:
        if comparison.result is Result.CONTRADICTED:
            yield f"CONTRADICTED {shown(str(comparison), 600)}"
    yield from _untested(probed.found)


def _untested(found: Sequence[Comparison]) -> Iterator[str]:
    """Why some could not be told, the reasons once each."""
    reasons = Counter(c.observed for c in found if c.result is Result.UNTESTED)
    for reason, number in sorted(reasons.items())[:20]:
        yield f"{number} {shown(reason, 200)}"


def facts_value(probed: ProbedFacts) -> dict[str, Any]:
    """The JSON of ``compat probe --facts -o json``: a contract."""
    return {
        "runsc": runsc_value(probed.runsc, Sandbox(flags=probed.flags)),
        "counts": {str(result): probed.counts[result] for result in Result},
        "results": [
            {
                "feature": c.feature,
                "run": c.run,
                "observed": c.observed,
                "native": c.native,
                "support": str(c.fact.support) if c.fact else None,
                "note": c.fact.note if c.fact else "",
                "result": str(c.result),
            }
            for c in probed.found
        ],
    }
