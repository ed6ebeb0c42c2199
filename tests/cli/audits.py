"""A small saved cluster in which every state but one occurs, and audits of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from webhook.cli import run

Object = dict[str, Any]
POLICIES = """
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: tenants}
spec:
  namespaces: {names: ["tenant-*"]}
  runtimeClasses: {default: gvisor, allowed: [gvisor, "kata-*"]}
  compatibility: {degraded: deny}
  exemptions:
    - name: agent
      pods: {serviceAccounts: [agent]}
      features: ["pod:hostNetwork"]
      owner: net-team
      reason: "=cmd|' /C calc'!A0"
      ticket: https://tracker.example/PLAT-12
      expires: 2027-06-30
    - name: old-agent
      pods: {serviceAccounts: [old-agent]}
      features: ["pod:hostNetwork"]
      owner: net-team
      reason: It was there before.
      expires: 2026-06-30
---
apiVersion: runtimegate.dev/v1
kind: RuntimeInventory
metadata: {name: cluster}
spec:
  nodeDefault: {runtime: runc, versions: [1.3.0]}
  runtimes:
    - {runtimeClass: gvisor, handler: runsc, runtime: gvisor, versions: ["20260817.0"]}
    - runtimeClass: kata-qemu
      handler: kata-qemu
      runtime: kata
      versions: [4.1.0]
      hypervisor: qemu
"""
GATE = {"runtimegate.dev/assigned-by": "tenants"}


def fact(kind: str, name: str, **more: Any) -> Object:
    version = "node.k8s.io/v1" if kind == "RuntimeClass" else "v1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more}


def running(name: str, namespace: str = "tenant-a", **more: Any) -> Object:
    metadata: Object = {"name": name, "namespace": namespace, "uid": f"uid-{name}"}
    metadata.update(more.pop("metadata", {}))
    image = more.pop("image", "nginx:1.31")
    spec = {"containers": [{"name": "main", "image": image}], **more}
    status = {"phase": more.pop("phase", "Running")}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def deployed(name: str, namespace: str, count: int, **more: Any) -> list[Object]:
    """A Deployment, its ReplicaSet, and the pods that it has."""
    image = more.pop("image", "nginx:1.31")
    template = {"metadata": {}, "spec": {"containers": [{"name": "main", "image": image}]}}
    made = [
        {"apiVersion": "apps/v1", "kind": kind, "spec": {"template": template},
         "metadata": {"name": at, "namespace": namespace, "uid": f"uid-{at}", **owner}}
        for kind, at, owner in (
            ("Deployment", name, {}), ("ReplicaSet", f"{name}-1", owned("Deployment", name)),
        )
    ]  # fmt: skip
    owner = owned("ReplicaSet", f"{name}-1")
    metadata = {**owner, "annotations": GATE}
    pods = [
        running(f"{name}-1-{n}", namespace, image=image, metadata=metadata, **more)
        for n in range(count)
    ]
    return [*made, *pods]


def owned(kind: str, name: str) -> Object:
    owner = {"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": True}
    return {"ownerReferences": [owner]}


CLUSTER: list[Object] = [
    *(fact("Namespace", name) for name in ("tenant-a", "tenant-b", "kube-system", "free")),
    fact("RuntimeClass", "gvisor", handler="runsc"),
    fact("RuntimeClass", "kata-qemu", handler="kata-qemu"),
    *deployed("web", "tenant-a", 3, runtimeClassName="gvisor"),
    *deployed("db", "tenant-b", 2, image="postgres:17"),
    running("shell", runtimeClassName="runc"),
    running("net", runtimeClassName="gvisor", hostNetwork=True),
    running("agent", serviceAccountName="agent", runtimeClassName="gvisor", hostNetwork=True),
    running("old", "tenant-b", serviceAccountName="old-agent", runtimeClassName="gvisor",
            hostNetwork=True),
    running("tuned", runtimeClassName="gvisor",
            metadata={"annotations": {"dev.gvisor.flag.debug": "true"}}),
    running("strange", runtimeClassName="kata-odd"),
    running("dns", "kube-system"),
    running("free", "free"),
    running("done", "tenant-a", phase="Succeeded"),
]  # fmt: skip


class Audit:
    """``runtimegate audit`` of saved objects, under policies in a folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.policies = folder / "policies"
        self.policies.mkdir()
        (self.policies / "all.yaml").write_text(POLICIES)
        self.saved = folder / "cluster.json"
        self.save(CLUSTER)
        self.capsys = capsys
        self.err = ""

    def save(self, objects: list[Object]) -> None:
        """Put other objects into the saved cluster."""
        self.saved.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def run(self, *arguments: str, code: int = 1) -> str:
        """What it prints, having ended with ``code``."""
        command = ("audit", "-p", str(self.policies), "--today=2026-11-24", *arguments)
        if not {"-f", "--kubeconfig"} & set(arguments):
            command = (*command, "--cluster", str(self.saved))
        ended = run(command)
        printed = self.capsys.readouterr()
        self.err = printed.err
        assert ended == code, printed.err
        return printed.out

    def value(self, *arguments: str, code: int = 1) -> Any:
        """The JSON."""
        return json.loads(self.run("-o", "json", *arguments, code=code))

    def states(self, *arguments: str, code: int = 1) -> Mapping[str, list[str]]:
        """The states of each subject."""
        subjects = self.value(*arguments, code=code)["subjects"]
        return {f"{s['kind']} {s['namespace']}/{s['name']}": s["states"] for s in subjects}
