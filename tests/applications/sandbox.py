"""Runs a script of ``scripts/`` on the root file system of Debian's packages: natively or in runsc.

The root is made by ``build`` (see ``root.py``): unpacked packages, nothing installed, no service
manager. Natively it is entered by chroot, in namespaces of its own; `runsc do` takes it as root.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.applications.root import ROOT
from tests.runsc.releases import Runsc

SCRIPTS = Path(__file__).resolve().parent / "scripts"
SECONDS = 180

_ENTER = (
    'ip link set lo up; cd "$0" && mount --rbind /dev dev && mount -t proc proc proc &&'
    " mount -t sysfs sys sys && mount -t tmpfs tmp tmp && mount -t tmpfs run run &&"
    ' mount -t tmpfs shm dev/shm; exec chroot "$0" "$@"'
)
_NATIVELY = (
    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--uts"),
    *("sh", "-c", _ENTER),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a script ended: whether all of it worked, the last lines otherwise, and how long."""

    works: bool
    said: str
    seconds: float


def script_names() -> tuple[str, ...]:
    """Every application that there is a script for."""
    return tuple(sorted(path.stem for path in SCRIPTS.glob("[a-z]*.sh")))


def natively(name: str) -> Ran:
    """Run the script ``name`` on this machine's kernel."""
    return _run((*_NATIVELY, str(ROOT)), name)


def under(runsc: Runsc, name: str) -> Ran:
    """Run the script ``name`` in a sandbox of ``runsc``; what it writes is thrown away."""
    return _run((*runsc.command(), "-root", str(ROOT)), name)


def _run(prefix: Sequence[str], name: str) -> Ran:
    text = f"{_script('_lib')}{_script(name)}echo OK\n"
    began = time.monotonic()
    try:
        done = subprocess.run(
            [*prefix, "/bin/sh", "-c", text],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=SECONDS,
        )
        said = done.stdout
    except subprocess.TimeoutExpired:
        said = f"FAILED: not done after {SECONDS} s"
    works = said.rstrip().endswith("OK")
    return Ran(works=works, said=said.strip()[-1500:], seconds=time.monotonic() - began)


def _script(name: str) -> str:
    return SCRIPTS.joinpath(f"{name}.sh").read_text()
