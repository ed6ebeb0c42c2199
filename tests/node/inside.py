"""The first process of a shelter's namespaces: brings the node up and runs the trial.

python -m tests.node.inside FOLDER CGROUP OUTPUT [PROBE...]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.controlplane.binaries import find_binaries
from tests.controlplane.cluster import ControlPlane
from tests.node import settings
from tests.node.keys import write_kubelet_client
from tests.node.node import USERS, Node
from tests.node.prepare import run
from tests.node.programs import lacks_sys_resource
from tests.node.settings import Place
from tests.node.trial import trial


def main(arguments: Sequence[str]) -> int:
    """Run the trial in a child; this process reaps, as the first one of a namespace must."""
    child = os.fork()
    if child == 0:
        return _bring_up(Path(arguments[0]), arguments[1], Path(arguments[2]), arguments[3:])
    while True:
        ended, status = os.wait()
        if ended == child:
            return os.waitstatus_to_exitcode(status)


def _bring_up(folder: Path, cgroup: str, output: Path, only: Sequence[str]) -> int:
    began = time.monotonic()
    place = Place(folder=folder, cgroup=cgroup, lacks_sys_resource=lacks_sys_resource())
    cover_folders(folder)
    make_network()
    tempfile.tempdir = str(folder / "tmp")
    certificate, key = write_kubelet_client(folder)
    with ControlPlane(
        find_binaries(os.environ),
        more_users=USERS,
        more_arguments=[
            f"--kubelet-client-certificate={certificate}",
            f"--kubelet-client-key={key}",
            "--kubelet-preferred-address-types=InternalIP",
        ],
    ) as plane:
        print(f"API server: {time.monotonic() - began:.1f} s", flush=True)
        with Node(place=place, plane=plane) as node:
            ready = time.monotonic() - began
            print(f"node Ready: {ready:.1f} s", flush=True)
            found: dict[str, Any] = {"ready_seconds": round(ready, 1), **trial(node, only)}
    found["seconds"] = round(time.monotonic() - began, 1)
    output.write_text(json.dumps(found, indent=1))
    return 0


def cover_folders(folder: Path) -> None:
    """Cover every folder of the machine that a node writes to, whatever it is told."""
    run("mount", "--make-rshared", "/")
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for name in ("var/lib", "var/log", "opt"):
        upper, work = folder / "over" / name / "upper", folder / "over" / name / "work"
        for made in (upper, work):
            made.mkdir(parents=True)
        options = f"lowerdir=/{name},upperdir={upper},workdir={work}"
        run("mount", "-t", "overlay", "-o", options, "overlay", f"/{name}")
    for name, target in {"kubelet": settings.ROOT_DIR, "cni": "/var/lib/cni"}.items():
        folder.joinpath(name).mkdir()
        Path(target).mkdir()
        run("mount", "--bind", folder / name, target)
    folder.joinpath("tmp").mkdir()
    for name, value in settings.KUBELET_SYSCTLS.items():
        shadow = folder / "sysctl" / name
        shadow.parent.mkdir(parents=True, exist_ok=True)
        shadow.write_text(f"{value}\n")
        run("mount", "--bind", shadow, f"/proc/sys/{name}")


def make_network() -> None:
    """The bridge of the pods, in a network namespace of its own."""
    for command in (
        "link set lo up",
        f"link add {settings.BRIDGE} type bridge",
        f"addr add {settings.ADDRESS}/24 dev {settings.BRIDGE}",
        f"link set {settings.BRIDGE} up",
    ):
        run("ip", *command.split())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (subprocess.SubprocessError, RuntimeError) as error:
        sys.exit(str(error))
