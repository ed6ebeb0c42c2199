"""All that is tried on the node: the scenes with the gate, the probes, and the subresources."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tests.node.node import Node
from tests.node.observe import observe
from tests.node.predict import predict
from tests.node.prepare import prepare
from tests.node.probes import probes
from tests.node.programs import (
    CNI_VERSION,
    CONTAINERD_VERSION,
    KUBERNETES_VERSION,
    SHIM_VERSION,
    debian_program,
)
from tests.node.scenes import play
from tests.node.subresources import use_subresources

PROBES_IN = "probes"
SUBRESOURCES = "subresources"
CLASSES = ("gvisor", "runc")
FACILITIES = {
    "AppArmor": "/sys/module/apparmor",
    "SELinux": "/sys/fs/selinux",
    "modules": "/proc/modules",
    "huge pages": "/sys/kernel/mm/hugepages/hugepages-2048kB",
}
"""What not every kernel has, and the file that shows it."""


def trial(node: Node, only: Sequence[str]) -> dict[str, Any]:
    """Everything, or just the probes named; a JSON value."""
    found: dict[str, Any] = {
        "releases": releases(),
        "kernel": os.uname().release,
        "cgroup": 2 if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else 1,
        "facilities": {name: os.path.exists(path) for name, path in FACILITIES.items()},
        "lacks_sys_resource": node.place.lacks_sys_resource,
        "handlers": node.status().get("runtimeHandlers", []),
    }
    runc = found["releases"]["runc"]
    if not only:
        found["scenes"] = _timed("scenes", lambda: play(node, runc))
    node.plane.create_namespace(PROBES_IN)
    host = prepare(node.plane, node.place.folder / "host", PROBES_IN)
    try:
        rows = [p for p in probes(host.folder) if not only or p.name in only]
        found["probes"] = {
            c: _timed(
                f"probes on {c}",
                lambda c=c: observe(node.plane, PROBES_IN, rows, c, host.tick),  # type: ignore[misc]  # mypy infers no default of a lambda
            )
            for c in CLASSES
        }
    finally:
        host.stop()
    found["predicted"] = {c: predict(rows, c, found["releases"]) for c in CLASSES}
    found["probes"] = {
        c: {name: asdict(o) for name, o in of_class.items()}
        for c, of_class in found["probes"].items()
    }
    if not only or SUBRESOURCES in only:
        found["subresources"] = {
            c: _timed(f"subresources on {c}", lambda c=c: use_subresources(node, PROBES_IN, c))  # type: ignore[misc]  # mypy infers no default of a lambda
            for c in CLASSES
        }
    return found


def releases() -> Mapping[str, str]:
    """What was run, as the compatibility table reads it."""
    said = subprocess.run(
        [debian_program("runc"), "--version"], capture_output=True, text=True, check=True
    )
    return {
        "gvisor": SHIM_VERSION,
        "runc": said.stdout.split()[2].partition("+")[0],
        "containerd": CONTAINERD_VERSION.removeprefix("v"),
        "kubernetes": KUBERNETES_VERSION.removeprefix("v"),
        "cni-plugins": CNI_VERSION.removeprefix("v"),
    }


def _timed(what: str, do: Callable[[], Any]) -> Any:
    began = time.monotonic()
    done = do()
    print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)
    return done
