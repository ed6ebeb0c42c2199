"""Run the trial of a real node, and keep what was seen: the work behind ``make e2e-node``.

    python -m tests.node [--output FILE] [PROBE...]

PROBE: just these, without the scenes of the gate; ``subresources``: what is done with running pods.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.controlplane.binaries import BinariesMissing, find_binaries
from tests.node.probes import probes
from tests.node.programs import (
    SHIM_PATCHED,
    NodeForbidden,
    NodeMissing,
    require_machine,
    require_programs,
    shim,
)
from tests.node.shelter import end_with_parent, shelter
from tests.node.trial import SUBRESOURCES


def main() -> int:
    """Run it; 0 done (whatever was seen), 1 the node failed, 2 it cannot run here."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.node", description="Run the trial of a real node."
    )
    parser.add_argument("--output", type=Path, default=Path(".build/node/observed.json"))
    parser.add_argument("--end-with-parent", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("probes", nargs="*", metavar="PROBE")
    asked = parser.parse_args()
    known = {probe.name for probe in probes(Path())} | {SUBRESOURCES}
    if unknown := set(asked.probes) - known:
        parser.error(f"no probe is called {', '.join(sorted(unknown))}; see tests/node/probes.py")
    if asked.end_with_parent:
        end_with_parent()
    try:
        require_machine()
        require_programs()
        find_binaries(os.environ)
    except (NodeForbidden, NodeMissing, BinariesMissing) as reason:
        print(reason, file=sys.stderr)
        return 2
    if shim() is SHIM_PATCHED:
        print(
            f"root has no CAP_SYS_RESOURCE here: of gVisor's shim one line is changed, in"
            f" {SHIM_PATCHED.file}:\n  {SHIM_PATCHED.after}",
            flush=True,
        )
    output = asked.output.absolute()
    output.unlink(missing_ok=True)
    with shelter() as place:
        command = (sys.executable, "-m", "tests.node.inside", str(place.folder), place.cgroup)
        return place.run((*command, str(output), *asked.probes))


if __name__ == "__main__":
    sys.exit(main())
