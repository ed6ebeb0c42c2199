"""What the node showed, as it is kept: ``python -m tests.node.observed SHOWN.json DATE``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.node.comparison import compare, markdown
from tests.node.probes import probes

OBSERVED = Path(__file__).parent / "observed.yaml"
HEADER = """\
# What pods showed on the node of tests/node, kept by `python -m tests.node.observed SHOWN DATE`.
#
# releases    what was run, as the compatibility table reads it
# kernel      of the machine; cgroup: the version of its cgroups; facilities: what the kernel has
# handlers    the node's status.runtimeHandlers
# observed    runtime -> probe (tests/node/probes.py) -> level of support, the stage at which it
#             was seen (API server, kubelet, sandbox, container, inside), what was seen
# subresources  what is done with a pod that runs; the table has no rows for it
"""
KEPT = ("releases", "kernel", "cgroup", "facilities", "handlers")


@cache
def kept() -> Any:
    """The file's content."""
    return yaml.load(OBSERVED.read_text(), Loader=yaml.CSafeLoader)


def as_text(shown: dict[str, Any], day: date) -> str:
    """The file for what ``python -m tests.node`` wrote."""
    document = {
        "date": day,
        **{key: shown[key] for key in KEPT},
        "observed": shown["probes"],
        "subresources": shown["subresources"],
    }
    text = yaml.safe_dump(document, sort_keys=False, width=110)
    # Of the machine's kernel the release counts, not who built it.
    kernel: str = shown["kernel"]
    return HEADER + text.replace(kernel, ".".join(kernel.split(".")[:2]))


def main(arguments: Sequence[str]) -> int:
    """Print the comparison; with a day, keep what was seen."""
    shown = json.loads(Path(arguments[0]).read_text())
    rows = compare(
        probes(Path("/folder/host")), shown["predicted"], shown["probes"], shown["facilities"]
    )
    print(markdown(list(rows)))
    if len(arguments) > 1:
        OBSERVED.write_text(as_text(shown, date.fromisoformat(arguments[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
