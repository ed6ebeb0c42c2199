"""A saved cluster with what people run, and with what an attacker would have the report run."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

from webhook.cli import run

Object = dict[str, Any]

MARKUP = "</script><script>alert(1)</script>"
HOSTILE = ("<img src=x onerror=alert(1)>", "'\"><svg/onload=alert(2)>", "\u202egnp.exe", "\x1b[31m")
TODAY = "2026-11-24"

POLICY = """
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: tenants}
spec:
  namespaces: {names: ["tenant-*"]}
  runtimeClasses: {default: gvisor, allowed: [gvisor, kata-qemu]}
  compatibility: {degraded: deny}
  exemptions:
    - name: agents
      pods: {serviceAccounts: [agent]}
      runtimeClasses: [runc]
      features: ["*"]
      owner: storage <team>
      reason: Mounts volumes for everyone.
      expires: 2026-12-24
    - name: builders
      pods: {serviceAccounts: [builder]}
      runtimeClasses: [runc]
      features: ["*"]
      owner: build team
      reason: Builds images until they use another builder.
      expires: 2026-11-01
---
apiVersion: runtimegate.dev/v1
kind: RuntimeInventory
metadata: {name: cluster}
spec:
  runtimes:
    - {runtimeClass: gvisor, handler: runsc, runtime: gvisor, versions: ["20260817.0"]}
    - runtimeClass: kata-qemu
      handler: kata-qemu
      runtime: kata
      versions: [4.1.0]
      hypervisor: qemu
    - {runtimeClass: runc, handler: runc, runtime: runc}
"""


def pod(name: str, image: str, namespace: str = "tenant-a", **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "app", "image": image}], **spec},
        "status": {"phase": "Running"},
    }


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def usual() -> list[Object]:
    """One of each state that matters, by name."""
    on_gvisor, on_runc = {"runtimeClassName": "gvisor"}, {"runtimeClassName": "runc"}
    return [
        *(namespace(name) for name in ("tenant-a", "tenant-b", "other", "kube-system")),
        pod("web", "nginx:1.29", **on_gvisor),
        pod("db", "postgres:17", **on_gvisor),
        pod("bare", "nginx:1.29", "tenant-b"),
        pod("on-runc", "nginx:1.29", "tenant-b", **on_runc),
        pod("agent", "nginx:1.29", serviceAccountName="agent", **on_runc),
        pod("builder", "nginx:1.29", serviceAccountName="builder", **on_runc),
        pod("free", "nginx:1.29", "other"),
        pod("proxy", "registry.k8s.io/kube-proxy:v1.34.0", "kube-system"),
    ]


def hostile() -> list[Object]:
    """Texts that no API server would store as names, but that a saved file may hold."""
    return [pod(f"{MARKUP}{n}", f"{text}/{MARKUP}:1") for n, text in enumerate(HOSTILE)]


def report_of(tmp_path: Path, objects: list[Object], *more: str) -> Any:
    """``audit -o json`` of a saved cluster that holds ``objects``."""
    folder = tmp_path / "policies"
    folder.mkdir(exist_ok=True)
    (folder / "policies.yaml").write_text(POLICY)
    saved = tmp_path / "cluster.json"
    saved.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    printed = io.StringIO()
    arguments = ["audit", "-p", str(folder), "--cluster", str(saved), "--today", TODAY]
    with contextlib.redirect_stdout(printed):
        run([*arguments, "-o", "json", *more])
    return json.loads(printed.getvalue())
