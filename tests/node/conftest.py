"""What the node showed: one run for all tests, in namespaces of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.binaries import BinariesMissing, find_binaries
from tests.demo.story import ROOT
from tests.node.programs import NodeForbidden, NodeMissing, require_machine, require_programs

STOP_SECONDS = 60


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The JSON of ``python -m tests.node``; skipped with the reason where it cannot be had."""
    try:
        require_machine()
    except NodeForbidden as reason:
        pytest.skip(str(reason))  # in CI too: nothing could bring it
    try:
        require_programs()
        find_binaries(os.environ)
    except (NodeMissing, BinariesMissing) as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))
    return run_node(tmp_path_factory.mktemp("node") / "shown.json")


def run_node(output: Path, *probes: str) -> dict[str, Any]:
    """Run the trial in a process that undoes all it did, also when this one is interrupted."""
    asked = ("--output", str(output), "--end-with-parent", *probes)
    command = (sys.executable, "-m", "tests.node", *asked)
    with subprocess.Popen(command, cwd=ROOT, process_group=0) as process:
        try:
            code = process.wait()
        except BaseException:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)
            raise
    assert code == 0, f"python -m tests.node ended with {code}"
    shown: dict[str, Any] = json.loads(output.read_text())
    return shown
