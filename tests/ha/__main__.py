"""The table: ``python -m tests.ha --seconds 300``."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.controlplane.binaries import find_binaries
from tests.controlplane.cluster import ControlPlane
from tests.ha.phases import Extent, prepare, run, staged
from tests.ha.table import HEAD, faults, line

_SHORT_SECONDS = 100  # what the least extent takes, about


def main() -> int:
    """Run everything, print a row as it comes; 1 when something failed that may not."""
    asked = argparse.ArgumentParser(prog="python -m tests.ha", description=__doc__)
    asked.add_argument("--seconds", type=int, default=_SHORT_SECONDS, help="about how long")
    times = max(1, asked.parse_args().seconds // _SHORT_SECONDS)
    extent = Extent(rolls=times, kills=3 * times, rotations=1000 * times, policy_changes=10 * times)
    with (
        ControlPlane(find_binaries(os.environ)) as plane,
        tempfile.TemporaryDirectory(prefix="runtimegate-ha-") as folder,
    ):
        prepare(plane)
        with staged(plane, Path(folder)) as stage:
            print(HEAD, flush=True)
            rows = run(stage, extent, lambda row: print(line(row), flush=True))
    found = faults(rows)
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
