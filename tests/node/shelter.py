"""Namespaces for a node, and nothing of it left on the machine afterwards.

A command runs with mounts, network, processes and System V IPC of its own, so most of what it does
ends with its first process. What would outlast it is undone here: cgroups, loop devices, the
number of huge pages, the folder.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tests.controlplane.processes import LAUNCHER
from tests.node.programs import NAMESPACES

CGROUPS = Path("/sys/fs/cgroup")
HUGE_PAGES = Path("/proc/sys/vm/nr_hugepages")
MORE_HUGE_PAGES = 4
GONE_SECONDS = 60
_UNSHARE = (
    *("unshare", *NAMESPACES, "--propagation", "private"),
    *("--fork", "--kill-child=KILL", "--mount-proc"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelter:
    """A folder and a cgroup for one node."""

    folder: Path
    cgroup: str

    def run(self, command: Sequence[str]) -> int:
        """Run a command as the first process of new namespaces; its exit code.

        However this ends, by an exception or by SIGKILL, the kernel ends all within.
        """
        launcher = (sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid()))
        program = shutil.which(_UNSHARE[0])
        assert program is not None, "require_machine was not asked"
        with subprocess.Popen(
            [*launcher, program, *_UNSHARE[1:], *command],
            stdin=subprocess.DEVNULL,
            process_group=0,
        ) as process:
            try:
                return process.wait()
            except BaseException:
                process.kill()
                raise


@contextmanager
def shelter() -> Iterator[Shelter]:
    """Make the shelter; at the end undo all that a node did to the machine."""
    place = Shelter(
        folder=Path(tempfile.mkdtemp(prefix="runtimegate-node-")),
        cgroup=f"runtimegate-node-{os.getpid()}",
    )
    with _ended_by_exception():
        added = 0
        try:
            _make_cgroups(place.cgroup)
            added = _add_huge_pages(MORE_HUGE_PAGES)
            yield place
        finally:
            _free_loop_devices(place.folder)
            _remove_cgroups(place.cgroup)
            _add_huge_pages(-added)
            shutil.rmtree(place.folder, ignore_errors=True)


@contextmanager
def _ended_by_exception() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C unwind the stack, once."""

    def end(number: int, frame: FrameType | None) -> None:
        # Once is enough: what undoes things is not to be interrupted.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_with_parent() -> None:
    """Ask for SIGTERM when the process that started this one ends, even by SIGKILL."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        raise SystemExit("the parent has ended")


def _add_huge_pages(number: int) -> int:
    """How many the kernel found, or took back; relative, since two runs may be at it."""
    if not number or not HUGE_PAGES.exists():
        return 0
    before = int(HUGE_PAGES.read_text())
    HUGE_PAGES.write_text(str(max(0, before + number)))
    return int(HUGE_PAGES.read_text()) - before


def cgroup_folders(name: str) -> list[Path]:
    """Where a cgroup of this name is: once in version 2, for each controller in version 1."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS / name]
    return [f / name for f in sorted(CGROUPS.iterdir()) if (f / "cgroup.procs").exists()]


def _make_cgroups(name: str) -> None:
    for folder in cgroup_folders(name):
        folder.mkdir()
        for setting in ("cpuset.cpus", "cpuset.mems"):
            # A new cpuset of version 1 is empty, and nothing can run in it.
            if folder.parent.name == "cpuset" and (folder / setting).exists():
                (folder / setting).write_text((folder.parent / setting).read_text())


def _remove_cgroups(name: str) -> None:
    deadline = time.monotonic() + GONE_SECONDS
    for folder in cgroup_folders(name):
        while folder.exists() and time.monotonic() < deadline:
            for below in sorted(folder.rglob("*/"), reverse=True):
                _remove_empty(below)
            _remove_empty(folder)
            time.sleep(0.05)


def _remove_empty(folder: Path) -> None:
    # A cgroup goes once the last process of it has.
    try:
        folder.rmdir()
    except OSError:
        return


def _free_loop_devices(folder: Path) -> None:
    """Detach the loop devices of files in a folder, and those made of such devices."""
    ours = {str(folder)}
    for device in sorted(Path("/sys/block").glob("loop*/loop/backing_file")):
        backing = device.read_text().strip()
        name = f"/dev/{device.parent.parent.name}"
        if any(backing.startswith(start) for start in ours) or "/kubelet/" in backing:
            ours.add(name)
            subprocess.run(["losetup", "--detach", name], check=False, capture_output=True)
