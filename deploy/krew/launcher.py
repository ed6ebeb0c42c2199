#!/usr/bin/env python3
"""kubectl-runtimegate as krew installs it: the packages beside it, on the machine's own Python."""

import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
OLDEST, NEWEST = (3, 11), (3, 14)

if not OLDEST <= sys.version_info[:2] <= NEWEST:
    found = f"{sys.version.split()[0]} ({sys.executable})"
    sys.exit(f"kubectl runtimegate needs Python 3.11 to 3.14 as python3; this is {found}")

sys.path.insert(0, os.path.join(HERE, "lib"))
if os.path.basename(sys.argv[0]).startswith("kubectl_complete"):
    from webhook.cli.plugin import complete as run
else:
    sys.argv[0] = "kubectl-runtimegate"
    from webhook.cli import main as run
run()
