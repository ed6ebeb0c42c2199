"""``make e2e-node``'s other half: run the node's trial and keep, or print, what was seen.

python -m tests.node [--output FILE] [PROBE...]      (PROBE: just these, without the scenes)
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.controlplane.binaries import BinariesMissing, find_binaries
from tests.node.programs import (
    SHIM_PATCHED,
    NodeForbidden,
    NodeMissing,
    require_machine,
    require_programs,
    shim,
)
from tests.node.shelter import end_with_parent, shelter


def main() -> int:
    """Run it; 0 done (whatever was seen), 1 the node failed, 2 it cannot run here."""
    parser = argparse.ArgumentParser(prog="python -m tests.node", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(".build/node/observed.json"))
    parser.add_argument("--end-with-parent", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("probes", nargs="*", metavar="PROBE")
    asked = parser.parse_args()
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
