"""The releases of runsc that facts are checked against: which they are, where they lie.

Only the standard library: `build` runs this before anything is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.binaries import Program, pinned_version

HERE = Path(__file__).resolve().parent
BUILD_DIR = HERE.parents[1] / ".build" / "runsc"
BRINGS_IT = "make runsc"
VERSION = pinned_version(HERE / "go.mod", "gvisor.dev/gvisor")

RUNSC = Program(
    name="runsc",
    package="gvisor.dev/gvisor/runsc",
    module=HERE,
    version=VERSION,
    ldflags=f"-s -w -X gvisor.dev/gvisor/runsc/version.version={VERSION}",
    takes="2 to 4 minutes",
    folder=BUILD_DIR / "current",
)
"""The current release, built from the Go module that go.mod names."""

DEBIAN_RELEASES = ("20221219.0", "20240729.0")
"""What Debian 12 and its backports carry; the newer is a year and a half younger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runsc:
    """One runsc that can be run; ``version`` as the compatibility table reads it."""

    name: str
    version: str
    path: Path

    def command(self, *flags: str) -> tuple[str, ...]:
        """``runsc do`` on the root file system of this machine, without a network but lo."""
        return (*as_root(), str(self.path), "--network=none", *flags, "do")


def as_root() -> tuple[str, ...]:
    """What a command is put after so that root runs it: nothing where we are root."""
    return ("sudo", "-n") if os.geteuid() else ()


def can_be_root() -> bool:
    """Whether a command can be run as root, without a question asked."""
    if os.geteuid() == 0:
        return True
    if shutil.which("sudo") is None:
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


class RunscMissing(Exception):
    """A release is not there; the message names it and the command that brings it."""


def find_releases() -> tuple[Runsc, ...]:
    """Those that are there, the oldest first."""
    debian = (
        Runsc(name=version, version=version, path=BUILD_DIR / version / "runsc")
        for version in DEBIAN_RELEASES
    )
    found = [runsc for runsc in debian if os.access(runsc.path, os.X_OK)]
    if RUNSC.is_current():
        found.append(Runsc(name="current", version=VERSION, path=RUNSC.path))
    return tuple(found)


def find_release(name: str) -> Runsc:
    """The release ``name`` (``current``, ``20240729.0``); raises RunscMissing."""
    for runsc in find_releases():
        if runsc.name == name:
            return runsc
    what = "built from another go.mod or not at all" if name == "current" else "not fetched"
    raise RunscMissing(f"runsc {name}: {what}; `{BRINGS_IT}` brings it")
