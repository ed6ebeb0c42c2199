"""The install on a real node: its own image, Jobs, probes and accounts, to a pod in gVisor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.applications.root import BRINGS_IT
from tests.applications.root import ROOT as DEBIAN
from tests.controlplane.binaries import BinariesMissing, find_binaries
from tests.demo.story import ROOT
from tests.deploy.image import NEEDED
from tests.node.programs import NodeForbidden, NodeMissing, require_machine, require_programs

pytestmark = [
    pytest.mark.node,
    pytest.mark.slow,
    pytest.mark.may_skip(reason="a machine may forbid namespaces and cgroups"),
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The JSON of ``python -m tests.node.installation``; skipped with the reason without a node."""
    try:
        require_machine()
    except NodeForbidden as reason:
        pytest.skip(str(reason))  # in CI too: nothing could bring it
    missing = ""
    try:
        require_programs()
        find_binaries(os.environ)
    except (NodeMissing, BinariesMissing) as lacking:
        missing = str(lacking)
    if not all((DEBIAN / "usr/bin" / name).exists() for name in NEEDED):
        missing = f"needs {' and '.join(NEEDED)} in {DEBIAN}; `{BRINGS_IT}`"
    if missing and os.environ.get("CI"):
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing)
    output = tmp_path_factory.mktemp("installation") / "seen.json"
    command = (sys.executable, "-m", "tests.node.installation", "--output", str(output))
    done = subprocess.run(command, cwd=ROOT, check=False)
    assert done.returncode == 0, "python -m tests.node.installation"
    found: dict[str, Any] = json.loads(Path(output).read_text())
    return found


def test_a_pod_of_a_tenant_runs_in_gvisor(seen: dict[str, Any]) -> None:
    assert seen["created"]["runtimeClassName"] == "gvisor"
    assert "Starting gVisor" in seen["runs_on"]


def test_a_pod_that_asks_for_another_runtime_is_refused_with_the_reason(
    seen: dict[str, Any],
) -> None:
    assert 'admission webhook "pods.runtimegate.dev" denied the request' in seen["refused"]
    assert "RuntimeClass runc is not allowed in namespace tenant-a" in seen["refused"]


def test_a_rollout_fails_no_admission(seen: dict[str, Any]) -> None:
    assert seen["roll"]["failed"] == []
    assert seen["roll"]["asked"] > 10


def test_no_container_was_started_twice(seen: dict[str, Any]) -> None:
    assert len(seen["restarts"]) >= 3
    assert {count for counts in seen["restarts"].values() for count in counts} == {0}
