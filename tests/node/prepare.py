"""What probes find on the node: files, sockets, mounts, a block volume, a resource."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.processes import Component
from tests.node.node import environ
from tests.node.probes import DONGLE, SHM_KEY
from tests.node.programs import PROBE
from tests.node.settings import NAME, ROOT_DIR

BLOCK_BYTES = 4 << 20
NO_MKDIR = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}],
}


def run(*command: object) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout.strip()


@dataclass(slots=True, kw_only=True)
class Host:
    """The folder that pods mount, and what the node does in it while they run."""

    folder: Path
    listener: Component

    def tick(self) -> None:
        """Make a mount for each pod that waits for one; tell each pod whose mount is seen."""
        shared = self.folder / "shared"
        shared.joinpath("huge-pages-free").write_text(_huge_pages_free())
        for waiting in shared.joinpath("waiting").iterdir():
            later = shared / f"later-{waiting.name}"
            if not later.exists():
                later.mkdir()
                run("mount", "-t", "tmpfs", "tmpfs", later)
                later.joinpath("file").touch()
        for made in shared.glob("from-*"):
            if made.joinpath("inside").exists():
                shared.joinpath(made.name.replace("from-", "seen-", 1)).touch()

    def stop(self) -> None:
        """End what listens."""
        self.listener.kill()


def _huge_pages_free() -> str:
    found = re.search(r"^HugePages_Free: *(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return found[1] if found else "0"


def prepare(plane: ControlPlane, folder: Path, namespace: str) -> Host:
    """Fill ``folder``, the kubelet's seccomp folder, and the cluster."""
    for name in ("folder", "shared/waiting", "nested/below"):
        folder.joinpath(name).mkdir(parents=True)
    folder.joinpath("folder", "file").write_text("of the node\n")
    run("mount", "-t", "tmpfs", "tmpfs", folder / "nested" / "below")
    run(PROBE.path, "shm-create", SHM_KEY)
    profiles = Path(ROOT_DIR, "seccomp")
    profiles.mkdir(exist_ok=True)
    profiles.joinpath("no-mkdir.json").write_text(json.dumps(NO_MKDIR))
    folder.joinpath("shared", "huge-pages-free").write_text(_huge_pages_free())
    _extended_resource(plane)
    _block_volume(plane, folder, namespace)
    socket = folder / "listening.sock"
    listener = Component(
        "probe",
        [str(PROBE.path), "listen", str(socket)],
        log=folder.parent / "listener.log",
        environ=environ(),
    )
    listener.wait_until(socket.exists, seconds=10)
    return Host(folder=folder, listener=listener)


def _extended_resource(plane: ControlPlane) -> None:
    patch = [
        {
            "op": "add",
            "path": f"/status/capacity/{DONGLE.replace('/', '~1')}",
            "value": "4",
        }
    ]
    plane.kubectl(
        "patch", "node", NAME, "--subresource=status", "--type=json", "-p", json.dumps(patch)
    )


def _block_volume(plane: ControlPlane, folder: Path, namespace: str) -> None:
    """A raw block volume on a loop device, in a claim named ``block``."""
    image = folder.parent / "block.img"
    image.write_bytes(b"block" * (BLOCK_BYTES // 5))
    device = run("losetup", "--find", "--show", image)
    modes = {"accessModes": ["ReadWriteOnce"], "volumeMode": "Block", "storageClassName": ""}
    term = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NAME]}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "block"},
        "spec": {
            **modes,
            "capacity": {"storage": "4Mi"},
            "local": {"path": device},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [term]}]}},
        },
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "block", "namespace": namespace},
        "spec": {
            **modes,
            "volumeName": "block",
            "resources": {"requests": {"storage": "4Mi"}},
        },
    }
    items = {"apiVersion": "v1", "kind": "List", "items": [volume, claim]}
    plane.kubectl("create", "-f", "-", stdin=json.dumps(items))
