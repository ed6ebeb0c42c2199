"""Runs every application under every runsc that is here, and natively, beside the table.

    python -m tests.applications.verify [NAME...]

Prints a line a run, and last the differences. Exit codes: 0 none, 1 some, 2 cannot run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console

from tests.applications.images import STANDS_FOR
from tests.applications.root import RootMissing, require_root
from tests.applications.sandbox import Ran, natively, script_names, under
from tests.applications.verdicts import agrees, recognised, verdict
from tests.runsc.releases import Runsc, find_releases


def main(names: Sequence[str], console: Console) -> int:
    """Run them; the exit code."""
    try:
        require_root()
    except RootMissing as missing:
        console.print(str(missing))
        return 2
    differences: list[str] = []
    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        for name, native in zip(names, pool.map(natively, names), strict=True):
            runs = pool.map(lambda runsc, name=name: (runsc, under(runsc, name)), find_releases())
            for runsc, ran in runs:
                line = _line(name, runsc, ran, native)
                console.print(line, markup=False, soft_wrap=True)
                if native.works and not agrees(verdict(STANDS_FOR[name], runsc), ran.works):
                    differences.append(f"{line}\n{ran.said}")
    for difference in differences:
        console.print(f"DIFFERS {difference}", markup=False, soft_wrap=True)
    return 1 if differences else 0


def _line(name: str, runsc: Runsc, ran: Ran, native: Ran) -> str:
    known = ", ".join(recognised(STANDS_FOR[name])) or "not recognised"
    outcome = "works" if ran.works else "fails"
    control = f"{native.seconds:.1f} s natively" if native.works else "fails natively"
    said = verdict(STANDS_FOR[name], runsc)
    return f"{name} ({known}) {runsc.version}: {outcome}, {ran.seconds:.1f} s ({control}); {said}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or script_names(), Console()))
