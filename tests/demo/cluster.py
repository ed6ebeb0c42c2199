"""``make demo-cluster``: the demo's scenes by the real kubectl on a real API server.

etcd, kube-apiserver and kubectl come from ``tests/controlplane``; the webhook runs beside them as
in a cluster: it lists and watches Namespaces, RuntimeClasses and Nodes, and is registered by URL.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.controlplane.binaries import BinariesMissing, find_binaries
from tests.controlplane.cluster import ControlPlane, KubectlError
from tests.controlplane.processes import StartError
from tests.demo.gate import Gate, GateError
from tests.demo.kubectl import VALIDATING_WEBHOOK, Printed
from tests.demo.printing import conclude, introduce, show
from tests.demo.story import EXAMPLES, IN_2018, POLICIES, POLICIES_2018, ROOT, TODAY, Scene

OF_2018 = "tenant-2018"
TENANTS = ("tenant-a", OF_2018)
NAMESPACES = (*TENANTS, "platform-ingress")
REGISTERED_WITHIN_SECONDS = 30

_NAME_LABEL = "kubernetes.io/metadata.name"
_READ = ["get", "list", "watch"]

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
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "runtimegate"},
        "rules": [
            {"apiGroups": [""], "resources": ["namespaces", "nodes"], "verbs": _READ},
            {"apiGroups": ["node.k8s.io"], "resources": ["runtimeclasses"], "verbs": _READ},
        ],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "runtimegate"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "runtimegate",
        },
        "subjects": [{"kind": "User", "name": "webhook"}],
    },
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
        "README.md, policies/README.md   how to write policies and run the webhook",
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
        with registered(plane, gate, "runtimegate", "NotIn", ["kube-system", OF_2018]):
            wrong += sum(show(scene, *create(plane, scene)) for scene in TODAY)
    with Gate(POLICIES_2018, kubeconfig=kubeconfig) as gate:
        introduce("The cluster of October 2018", gate)
        with registered(plane, gate, "runtimegate-2018", "In", [OF_2018]):
            wrong += sum(show(scene, *create(plane, scene)) for scene in IN_2018)
    return wrong


def create(plane: ControlPlane, scene: Scene) -> tuple[Printed, Mapping[str, Any] | None]:
    """What the real kubectl prints, and the spec of the stored pod; None when there is none."""
    user = "tenant" if scene.namespace in TENANTS else "admin"
    done = plane.kubectl(*scene.arguments, user=user, check=False)
    printed = Printed(stdout=done.stdout, stderr=done.stderr, returncode=done.returncode)
    if done.returncode:
        return printed, None
    stored = plane.kubectl("get", "-n", scene.namespace, "-f", str(scene.path), "-o", "json")
    return printed, stored.json()["spec"]


@contextmanager
def registered(
    plane: ControlPlane, gate: Gate, name: str, operator: str, namespaces: list[str]
) -> Iterator[None]:
    """Register the gate's two webhooks, wait until both are called, and take them away again."""
    selector = {
        "matchExpressions": [{"key": _NAME_LABEL, "operator": operator, "values": namespaces}]
    }
    for kind, path, operations in (
        ("MutatingWebhookConfiguration", "/mutate", ["CREATE"]),
        ("ValidatingWebhookConfiguration", "/validate", ["CREATE", "UPDATE"]),
    ):
        webhook = _webhook(gate, path, operations, selector)
        if kind.startswith("Mutating"):
            webhook["reinvocationPolicy"] = "Never"
        configuration = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name},
            "webhooks": [webhook],
        }
        plane.kubectl("create", "-f", "-", stdin=json.dumps(configuration))
    try:
        _wait_until_called(plane, OF_2018 if operator == "In" else "tenant-a")
        yield
    finally:
        both = "mutatingwebhookconfiguration,validatingwebhookconfiguration"
        plane.kubectl("delete", both, name)


def _webhook(
    gate: Gate, path: str, operations: list[str], selector: Mapping[str, Any]
) -> dict[str, Any]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "scope": "Namespaced"}
    return {
        "name": VALIDATING_WEBHOOK,
        "clientConfig": {
            "url": f"{gate.url}{path}",
            "caBundle": base64.b64encode(gate.ca_pem.encode()).decode(),
        },
        "rules": [{**rule, "operations": operations}],
        "namespaceSelector": selector,
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": 5,
        "admissionReviewVersions": ["v1"],
    }


def _wait_until_called(plane: ControlPlane, namespace: str) -> None:
    """A webhook just registered is called within about a second, not at once."""
    deadline = time.monotonic() + REGISTERED_WITHIN_SECONDS
    dry_run = ("create", "-n", namespace, "--dry-run=server", "-o", "json", "-f")
    while time.monotonic() < deadline:
        web = plane.kubectl(*dry_run, str(EXAMPLES / "web.yaml"), check=False)
        runc = plane.kubectl(*dry_run, str(EXAMPLES / "runc.yaml"), check=False)
        mutated = web.returncode == 0 and "runtimeClassName" in web.json()["spec"]
        if mutated and VALIDATING_WEBHOOK in runc.stderr:
            return
        time.sleep(0.2)
    raise TimeoutError(
        f"the webhooks are not called {REGISTERED_WITHIN_SECONDS} s after registration"
    )


if __name__ == "__main__":
    sys.exit(main())
