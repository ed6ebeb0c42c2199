"""What loading the compatibility tables costs: from their YAML, and in their compiled form.

python -m tests.bench.tables PACKAGE     loads that package's tables in this process, prints JSON

Both forms are loaded over an interpreter that has imported the same modules, those of the YAML too:
what the models cost to import is told apart, since a process that reads policies needs them anyway.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import webhook
from webhook.live.compile import write_compiled
from webhook.live.shipped import COMPILED, load_tables

ROUNDS = 11
PACKAGE = Path(webhook.__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """Medians over the rounds: processor time, resident memory over the imports, facts read."""

    milliseconds: float
    mebibytes: float
    facts: int
    applications: int


def loadings() -> dict[str, Loading]:
    """Both forms of the shipped tables, a process each time, in turn."""
    with tempfile.TemporaryDirectory(prefix="runtimegate-bench-") as folder:
        packages = {name: _copy(Path(folder, name)) for name in ("YAML", "compiled")}
        write_compiled(packages["compiled"])
        runs = [{name: _run(package) for name, package in packages.items()} for _ in range(ROUNDS)]
    return {name: _median([run[name] for run in runs]) for name in packages}


def _copy(to: Path) -> Path:
    leave = shutil.ignore_patterns(COMPILED, "__pycache__")
    return shutil.copytree(PACKAGE, to, ignore=leave)


def _run(package: Path) -> Mapping[str, float]:
    command = [sys.executable, "-m", "tests.bench.tables", str(package)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def _median(runs: list[Mapping[str, float]]) -> Loading:
    middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return Loading(
        milliseconds=middle["milliseconds"],
        mebibytes=middle["mebibytes"],
        facts=int(middle["facts"]),
        applications=int(middle["applications"]),
    )


def _load(package: Path) -> dict[str, float]:
    """Load once and say what it cost; ``load_tables`` imports what it needs as it goes."""
    import webhook.documents.compiled  # noqa: PLC0415 - imported is what is measured
    import webhook.documents.folder  # noqa: F401, PLC0415

    memory, began = _resident(), time.process_time()
    compat = load_tables(package).compat
    return {
        "milliseconds": (time.process_time() - began) * 1e3,
        "mebibytes": _resident() - memory,
        "facts": len(compat.facts),
        "applications": len(compat.catalogue.applications),
    }


def _resident() -> float:
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    print(json.dumps(_load(Path(sys.argv[1]))))
