"""``make demo-cluster``: the demo's scenes by the real kubectl on a real API server.

etcd, kube-apiserver and kubectl come from ``tests/controlplane``; the webhook runs beside them as
in a cluster: it lists and watches Namespaces, RuntimeClasses and Nodes, and is registered by URL.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from tests.controlplane.binaries import BinariesMissing, find_binaries
from tests.controlplane.cluster import ControlPlane, KubectlError
from tests.controlplane.processes import StartError
from tests.demo.gate import Gate, GateError
from tests.demo.kubectl import Printed
from tests.demo.printing import conclude, introduce, show
from tests.demo.story import EXAMPLES, IN_2018, POLICIES, POLICIES_2018, ROOT, TODAY, Scene
from tests.registration import RIGHTS, registered

OF_2018 = "tenant-2018"
TENANTS = ("tenant-a", OF_2018)
NAMESPACES = (*TENANTS, "platform-ingress")

OBJECTS: tuple[dict[str, Any], ...] = (
    {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "gvisor"},
        "handler": "runsc",
        "overhead": {"podFixed": {"memory": "64Mi"}},
        "scheduling": {"nodeSelector": {"sandbox.example/gvisor": "true"}},
    },
    {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "kata-qemu"},
        "handler": "kata-qemu",
        "overhead": {"podFixed": {"memory": "160Mi", "cpu": "250m"}},
        "scheduling": {"nodeSelector": {"sandbox.example/kata": "true"}},
    },
    {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "runc"},
        "handler": "runc",
    },
    {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": "sandboxes-1",
            "labels": {
                "kubernetes.io/arch": "amd64",
                "sandbox.example/gvisor": "true",
                "sandbox.example/kata": "true",
            },
        },
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "runtimeHandlers": [{"name": name} for name in ("", "runc", "runsc", "kata-qemu")],
        },
    },
    *RIGHTS,
)
"""RuntimeClasses, a node as its kubelet reports it, and what the webhook may read."""


def main() -> int:
    """Play all scenes; the exit code."""
    began = time.monotonic()
    try:
        binaries = find_binaries(os.environ)
    except BinariesMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    try:
        with ControlPlane(binaries) as plane:
            prepare(plane)
            print(f"a real API server at {plane.url}, ready after {time.monotonic() - began:.1f} s")
            wrong = play(plane)
    except (GateError, StartError, KubectlError) as error:
        print(error, file=sys.stderr)
        return 2
    further = (
        "docs/tutorial.md   from here to a policy of your own",
        "tests/controlplane/README.md    a control plane of your own to try them on",
    )
    conclude(wrong, seconds=time.monotonic() - began, further=further)
    return 1 if wrong else 0


def prepare(plane: ControlPlane) -> None:
    """Make what a cluster has before the gate comes to it."""
    items = {"apiVersion": "v1", "kind": "List", "items": list(OBJECTS)}
    plane.kubectl("create", "-f", "-", stdin=json.dumps(items))
    for namespace in NAMESPACES:
        plane.create_namespace(namespace)
    for namespace in TENANTS:
        plane.grant("tenant", namespace)
    # kubectl runs in the plane's folder, and its errors name the file as it was typed.
    shutil.copytree(EXAMPLES, plane.folder / EXAMPLES.relative_to(ROOT))


def play(plane: ControlPlane) -> int:
    """Both parts of the story; how many scenes went otherwise than they should."""
    kubeconfig = plane.kubeconfig("webhook")
    wrong = 0
    with Gate(POLICIES, kubeconfig=kubeconfig) as gate:
        introduce("The shipped policies, today's gVisor", gate)
        with registered_for_today(plane, gate):
            wrong += sum(show(scene, *create(plane, scene)) for scene in TODAY)
    with Gate(POLICIES_2018, kubeconfig=kubeconfig) as gate:
        introduce("The cluster of October 2018", gate)
        with registered(
            plane,
            name="runtimegate-2018",
            url=gate.url,
            ca_pem=gate.ca_pem,
            operator="In",
            namespaces=[OF_2018],
            probe=OF_2018,
        ):
            wrong += sum(show(scene, *create(plane, scene)) for scene in IN_2018)
    return wrong


def registered_for_today(plane: ControlPlane, gate: Gate) -> AbstractContextManager[None]:
    """The gate of the shipped policies, asked about all namespaces but two."""
    return registered(
        plane,
        name="runtimegate",
        url=gate.url,
        ca_pem=gate.ca_pem,
        operator="NotIn",
        namespaces=["kube-system", OF_2018],
        probe="tenant-a",
    )


def create(plane: ControlPlane, scene: Scene) -> tuple[Printed, Mapping[str, Any] | None]:
    """What the real kubectl prints, and the spec of the stored pod; None when there is none."""
    user = "tenant" if scene.namespace in TENANTS else "admin"
    done = plane.kubectl(*scene.arguments, user=user, check=False)
    printed = Printed(stdout=done.stdout, stderr=done.stderr, returncode=done.returncode)
    if done.returncode:
        return printed, None
    stored = plane.kubectl("get", "-n", scene.namespace, "-f", str(scene.path), "-o", "json")
    return printed, stored.json()["spec"]


if __name__ == "__main__":
    sys.exit(main())
