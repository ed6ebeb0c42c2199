"""``make verify-facts``: every probe under every runsc here, and natively, against the table.

    python -m tests.facts.verify [--write]

Prints a line a run, what contradicts, and a table. Exit codes: 0 nothing contradicts, 1 something
does, 2 there is no runsc, or the probes cannot run. ``--write`` keeps the result as data.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from tests.facts.record import OUTPUT, document
from tests.facts.run import Variant, comparisons, contradictions, native, variants
from tests.runsc.releases import BRINGS_IT, Runsc, can_be_root, find_releases
from webhook.core.agreement import Comparison, Result
from webhook.live.probing import RunFailed


def main(arguments: Sequence[str], console: Console) -> int:
    """Run everything; the exit code."""
    releases = find_releases()
    if not releases or not can_be_root():
        console.print(f"verify-facts must be run by root, with a runsc: `{BRINGS_IT}`")
        return 2
    try:
        found = _run(releases, console)
    except RunFailed as failed:
        console.print(str(failed), markup=False)
        return 2
    console.print(_table(found))
    wrong = contradictions(found)
    for comparison in wrong:
        console.print(f"CONTRADICTED {comparison}", markup=False, soft_wrap=True)
    if not wrong and "--write" in arguments:
        _write(found, releases, console)
    return 1 if wrong else 0


def _run(releases: Sequence[Runsc], console: Console) -> list[Comparison]:
    began = time.monotonic()
    console.print(f"natively: {len(native())} probes, {time.monotonic() - began:.0f} s")
    return [
        comparison
        for runsc in releases
        for variant in variants(runsc)
        for comparison in _run_one(runsc, variant, console)
    ]


def _run_one(runsc: Runsc, variant: Variant, console: Console) -> list[Comparison]:
    began = time.monotonic()
    with console.status(f"runsc {variant.label(runsc)}"):
        found = list(comparisons(runsc, variant))
    seconds = time.monotonic() - began
    console.print(f"{variant.label(runsc)}: {len(found)} probes, {seconds:.0f} s", soft_wrap=True)
    return found


def _table(found: Sequence[Comparison]) -> Table:
    counts = Counter((c.run, c.result) for c in found)
    table = Table(title=f"{len({c.feature for c in found})} features")
    table.add_column("runsc")
    for result in Result:
        table.add_column(result.value, justify="right")
    for run in dict.fromkeys(c.run for c in found):
        table.add_row(run, *(str(counts[run, result]) for result in Result))
    return table


def _write(found: Sequence[Comparison], releases: Sequence[Runsc], console: Console) -> None:
    OUTPUT.parent.mkdir(exist_ok=True)
    today = datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), tz=UTC).date()
    names = [runsc.version for runsc in releases]
    OUTPUT.write_text(document(found, today=today, releases=names))
    console.print(f"written: {OUTPUT}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Console()))
