"""One node beside a control plane: containerd, kubelet and scheduler, in a shelter's namespaces."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.processes import Component
from tests.node import settings
from tests.node.images import write_images
from tests.node.programs import BUILD_DIR, CONTAINERD, CTR, KUBE_SCHEDULER, KUBELET, shim
from tests.node.settings import NAME, Place

NODE_USER = f"system:node:{NAME}"
USERS: Mapping[str, tuple[str, ...]] = {
    "system:kube-scheduler": (),
    NODE_USER: ("system:nodes",),
}
READY_SECONDS = 120
OBJECTS: tuple[dict[str, Any], ...] = tuple(
    {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": name},
        "handler": handler,
        **more,
    }
    for name, handler, more in (
        ("gvisor", "runsc", {"overhead": {"podFixed": {"memory": "64Mi"}}}),
        ("runc", "runc", {}),
        ("kata-qemu", "kata-qemu", {}),
    )
)
"""The RuntimeClasses; no handler of the node is called kata-qemu."""


@dataclass(slots=True, kw_only=True)
class Node:
    """Running between entering and leaving the ``with`` block."""

    place: Place
    plane: ControlPlane
    _components: dict[str, Component] = field(default_factory=dict)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the programs; pods end with the namespaces."""
        for component in reversed(self._components.values()):
            component.kill()
        self._components.clear()

    def log(self, program: str) -> str:
        """All that ``kubelet``, ``containerd`` or ``kube-scheduler`` has printed."""
        return self._components[program].log()

    def status(self) -> dict[str, Any]:
        """The ``status`` of the Node object."""
        got = self.plane.kubectl("get", "node", NAME, "-o", "json", check=False)
        return dict(got.json().get("status", {})) if not got.returncode else {}

    def ready(self) -> bool:
        """Whether the kubelet says Ready and no taint keeps pods away."""
        conditions = self.status().get("conditions", [])
        up = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
        if not up:
            return False
        got = self.plane.kubectl("get", "node", NAME, "-o", "json").json()
        return not got["spec"].get("taints")

    def _start(self) -> None:
        folder = self.place.folder
        _write(folder / "containerd.toml", settings.containerd_toml(self.place))
        _write(folder / "runsc.toml", settings.runsc_toml())
        _write(folder / "net.d" / "pods.conflist", settings.network(self.place))
        _write(folder / "kubelet.json", settings.kubelet_configuration(self.place))
        containerd = self._run(CONTAINERD.path, "--config", str(folder / "containerd.toml"))
        containerd.wait_until(self._containerd_answers, seconds=READY_SECONDS)
        for archive in write_images(folder):
            import_image(archive)
            archive.unlink()
        items = {"apiVersion": "v1", "kind": "List", "items": list(OBJECTS)}
        self.plane.kubectl("create", "-f", "-", stdin=json.dumps(items))
        self.plane.start_controller_manager()
        scheduler = self.plane.kubeconfig("system:kube-scheduler")
        self._run(KUBE_SCHEDULER.path, *settings.kube_scheduler_arguments(scheduler))
        kubeconfig = self.plane.kubeconfig(NODE_USER)
        kubelet = self._run(KUBELET.path, *settings.kubelet_arguments(self.place, kubeconfig))
        kubelet.wait_until(self.ready, seconds=READY_SECONDS)

    def _containerd_answers(self) -> bool:
        return Path(settings.SOCKET).exists() and _ctr("version", check=False)

    def _run(self, program: Path, *arguments: str) -> Component:
        component = Component(
            program.name,
            [str(program), *arguments],
            log=self.place.folder / f"{program.name}.log",
            environ=environ(),
        )
        self._components[program.name] = component
        return component


def environ() -> dict[str, str]:
    """Nothing of the caller's; the shims are found by PATH, the right one of gVisor first."""
    folders = (shim().path.parent, BUILD_DIR / "bin")
    path = os.pathsep.join((*map(str, folders), "/usr/sbin:/usr/bin:/sbin:/bin"))
    return {"PATH": path, "HOME": "/run", "LANG": "C.UTF-8"}


def import_image(archive: Path) -> None:
    """Give containerd an image in `docker save` form."""
    _ctr("image", "import", str(archive))


def _ctr(*arguments: str, check: bool = True) -> bool:
    done = subprocess.run(
        [CTR.path, "--address", settings.SOCKET, "--namespace", "k8s.io", *arguments],
        env=environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        raise RuntimeError(f"ctr {' '.join(arguments)}: {done.stderr.strip()}")
    return done.returncode == 0


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
