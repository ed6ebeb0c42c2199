"""Nothing of a node stays on the machine, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.demo.story import ROOT
from tests.node.programs import NodeForbidden, require_machine
from tests.node.shelter import cgroup_folders

pytestmark = [
    pytest.mark.node,
    pytest.mark.slow,
    pytest.mark.may_skip(reason="a machine may forbid namespaces and cgroups"),
]

WITHIN_SECONDS = 120
SLEEPS = """
import sys
from tests.node.shelter import end_with_parent, shelter
if "with-parent" in sys.argv: end_with_parent()
with shelter() as place:
    print(place.folder, place.cgroup, flush=True)
    place.run(["sh", "-c", "ip link add pods type bridge; mount -t tmpfs t /var/lib; sleep 300"])
"""
STARTS_AND_SLEEPS = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1], "with-parent"])
time.sleep(300)
"""


@pytest.fixture(autouse=True)
def _machine() -> None:
    try:
        require_machine()
    except NodeForbidden as reason:
        pytest.skip(str(reason))


@contextmanager
def started(*command: str) -> Iterator[tuple[subprocess.Popen[str], Path, str]]:
    """A process that prints its folder and cgroup once it has them."""
    with subprocess.Popen(
        [sys.executable, "-c", *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        assert process.stdout is not None
        folder, cgroup = process.stdout.readline().split()
        yield process, Path(folder), cgroup


def left_behind(folder: Path, cgroup: str) -> list[Path]:
    """What is still there after a while."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while True:
        left = [path for path in (folder, *cgroup_folders(cgroup)) if path.exists()]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(number: signal.Signals) -> None:
    with started(SLEEPS) as (process, folder, cgroup):
        assert folder.exists()
        process.send_signal(number)
        process.wait(WITHIN_SECONDS)
    assert left_behind(folder, cgroup) == []


def test_a_run_whose_tests_are_killed_leaves_nothing() -> None:
    with started(STARTS_AND_SLEEPS, SLEEPS) as (tests, folder, cgroup):
        assert folder.exists()
        os.kill(tests.pid, signal.SIGKILL)
        tests.wait()
    assert left_behind(folder, cgroup) == []


def test_a_run_that_fails_leaves_nothing() -> None:
    with started(SLEEPS.replace("sleep 300", "exit 3")) as (process, folder, cgroup):
        process.wait(WITHIN_SECONDS)
    assert left_behind(folder, cgroup) == []
