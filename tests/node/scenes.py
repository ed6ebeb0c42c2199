"""What users create with the gate registered, and what the node then runs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.demo.gate import Gate
from tests.node.node import Node
from tests.node.programs import CONTAINERD_VERSION, HERE, SHIM_VERSION
from tests.node.settings import BUSYBOX
from tests.registration import RIGHTS, registered

SANDBOXED, MIXED, UNLABELLED = "team-sandboxed", "team-mixed", "team-plain"
NAMESPACES: Mapping[str, Mapping[str, str]] = {
    SANDBOXED: {"tier": "sandboxed"},
    MIXED: {"tier": "mixed"},
    UNLABELLED: {},
}
DONE_SECONDS = 90
_WHICH_KERNEL = "cat /proc/version; dmesg 2>&1 | head -n 1"


def inventory(runc_version: str) -> dict[str, Any]:
    """What the RuntimeClasses of the node mean: the releases that were built, not copied."""
    cri = {"name": "containerd", "version": CONTAINERD_VERSION.removeprefix("v")}
    runc = {"runtime": "runc", "versions": [runc_version], "cri": cri}
    gvisor = {"runtime": "gvisor", "versions": [SHIM_VERSION], "cri": cri}
    kata = {"runtime": "kata", "versions": ["4.1.0"], "hypervisor": "qemu", "cri": cri}
    return {
        "apiVersion": "runtimegate.dev/v1",
        "kind": "RuntimeInventory",
        "metadata": {"name": "node"},
        "spec": {
            "nodeDefault": runc,
            "runtimes": [
                {"runtimeClass": "gvisor", "handler": "runsc", **gvisor},
                {"runtimeClass": "runc", "handler": "runc", **runc},
                {"runtimeClass": "kata-qemu", "handler": "kata-qemu", **kata},
            ],
        },
    }


def play(node: Node, runc_version: str) -> dict[str, Any]:
    """Start the gate, register it, create the pods; what kubectl printed and what ran, by scene."""
    plane = node.plane
    policies = node.place.folder / "policies"
    policies.mkdir()
    policies.joinpath("inventory.yaml").write_text(json.dumps(inventory(runc_version)))
    policies.joinpath("node.yaml").write_text((HERE / "policies" / "node.yaml").read_text())
    rights = {"apiVersion": "v1", "kind": "List", "items": list(RIGHTS)}
    plane.kubectl("create", "-f", "-", stdin=json.dumps(rights))
    for name, labels in NAMESPACES.items():
        plane.create_namespace(name, labels)
        plane.grant("tenant", name)
    with (
        Gate(Path(policies), kubeconfig=plane.kubeconfig("webhook")) as gate,
        registered(
            plane,
            name="runtimegate",
            url=gate.url,
            ca_pem=gate.ca_pem,
            operator="NotIn",
            namespaces=["kube-system"],
            probe=SANDBOXED,
        ),
    ):
        return {
            "sandboxed": _run(node, SANDBOXED, "plain"),
            "unlabelled": _run(node, UNLABELLED, "plain-too"),
            "fallback": _run(node, MIXED, "on-the-fallback", hostNetwork=True),
            "refused": _run(node, SANDBOXED, "refused-host-network", hostNetwork=True),
            "deployment": _deployment(node),
            "no-handler": _run(node, SANDBOXED, "no-handler", runtimeClassName="kata-qemu"),
            "gate": gate.log,
        }


def _template(script: str = _WHICH_KERNEL, **spec: Any) -> dict[str, Any]:
    main = {"name": "main", "image": BUSYBOX, "imagePullPolicy": "Never"}
    command = ["sh", "-c", script]
    return {"containers": [{**main, "command": command}], "restartPolicy": "Never", **spec}


def _run(node: Node, namespace: str, name: str, **spec: Any) -> dict[str, Any]:
    """Create a pod as a tenant does; what became of it."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": _template(**spec),
    }
    done = node.plane.kubectl(
        "create", "-n", namespace, "-f", "-", stdin=json.dumps(pod), user="tenant", check=False
    )

    def seen() -> bool:
        return f"{namespace}/{name}" in node.log("kubelet")

    printed = {"returncode": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
    if done.returncode:
        return {**printed, "seen_by_kubelet": seen()}
    stored, events = _finished(node, namespace, name)
    logs = node.plane.kubectl("logs", "-n", namespace, name, check=False)
    node.plane.kubectl("delete", "pod", "-n", namespace, name, "--wait=false", "--now")
    return {
        **printed,
        "seen_by_kubelet": seen(),
        "runtime_class": stored["spec"].get("runtimeClassName"),
        "overhead": stored["spec"].get("overhead"),
        "phase": stored["status"]["phase"],
        "log": logs.stdout,
        "events": events,
    }


def _finished(node: Node, namespace: str, name: str) -> tuple[Mapping[str, Any], list[str]]:
    """The pod once it has ended, or once an event says why it does not start."""
    deadline = time.monotonic() + DONE_SECONDS
    while True:
        pod = node.plane.kubectl("get", "pod", "-n", namespace, name, "-o", "json").json()
        got = node.plane.kubectl(
            *("get", "events", "-n", namespace, "-o", "json"),
            f"--field-selector=involvedObject.name={name},type=Warning",
        ).json()
        events = [f"{e['reason']}: {e['message']}" for e in got["items"]]
        failed = any(e.startswith("Failed") for e in events)
        over = pod["status"]["phase"] in {"Succeeded", "Failed"}
        if over or failed or time.monotonic() > deadline:
            return pod, events
        time.sleep(0.3)


def _deployment(node: Node) -> dict[str, Any]:
    """A Deployment: its pods go the same way."""
    labels = {"app": "deployed"}
    template = _template(f"{_WHICH_KERNEL}; sleep 3600", restartPolicy="Always")
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "deployed"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": template},
        },
    }
    place = ("-n", SANDBOXED)
    node.plane.kubectl("create", *place, "-f", "-", stdin=json.dumps(deployment), user="tenant")
    node.plane.kubectl(
        "wait", *place, "--for=condition=Available", "deployment/deployed", "--timeout=110s"
    )
    pods = node.plane.kubectl("get", "pods", *place, "-l", "app=deployed", "-o", "json").json()
    logs = node.plane.kubectl("logs", *place, "deployment/deployed")
    node.plane.kubectl("delete", "deployment", *place, "deployed")
    return {
        "runtime_class": pods["items"][0]["spec"].get("runtimeClassName"),
        "log": logs.stdout,
    }
