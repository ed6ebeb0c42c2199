"""An API server with its controllers, the running gate, a tenant, and one who may do more."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.table import EXEMPTING, OLDER, SANDBOXED
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.fixtures import binaries, control_plane, controller_manager
from tests.demo.gate import Gate
from tests.e2e.cases import RUNTIME_CLASSES
from tests.registration import RIGHTS, registered_as_shipped

__all__ = ["binaries", "control_plane", "controller_manager"]

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
_LAX_ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: lax}
rules:
  - {apiGroups: [""], resources: [namespaces], verbs: ["*"]}
  - {apiGroups: [node.k8s.io], resources: [runtimeclasses], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: lax}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: lax}
subjects: [{kind: User, name: mallory}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: debugger}
rules:
  - {apiGroups: [""], resources: [pods/ephemeralcontainers], verbs: [get, patch, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: laxer}
rules:
  - {apiGroups: [""], resources: [pods, pods/status, pods/binding, bindings], verbs: ["*"]}
  - apiGroups: [""]
    resources: [namespaces, namespaces/status, namespaces/finalize]
    verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: laxer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: laxer}
subjects:
  - {kind: User, name: trudy}
  - {kind: User, name: "system:nodes:worker-1"}
  - {kind: User, name: "system:node:worker-1"}
  - {kind: ServiceAccount, namespace: kube-system, name: replicaset-controller}
"""
_OLDER_POD = """
apiVersion: v1
kind: Pod
metadata: {name: older}
spec: {runtimeClassName: runc, containers: [{name: main, image: "nginx:1.31"}]}
"""


@pytest.fixture(scope="session")
def attacked(controller_manager: ControlPlane) -> ControlPlane:
    """The cluster under attack, the gate not yet registered."""
    plane = controller_manager
    rights = {"apiVersion": "v1", "kind": "List", "items": list(RIGHTS)}
    plane.kubectl("create", "-f", "-", stdin=json.dumps(rights))
    plane.kubectl("create", "-f", "-", stdin=RUNTIME_CLASSES)
    plane.kubectl("create", "-f", "-", stdin=_LAX_ROLE)
    for name in (SANDBOXED, EXEMPTING, OLDER):
        plane.create_namespace(name)
        plane.grant("tenant", name)
        plane.grant("tenant", name, "debugger")
        debugging = ("patch", "pods", "--subresource=ephemeralcontainers", f"--namespace={name}")
        plane.wait_until_may(*debugging, user="tenant")
    plane.wait_until_may("create", "pods", "--all-namespaces", "--as=trudy")
    plane.wait_until_may("delete", "runtimeclasses", "--as=mallory")
    plane.kubectl("create", "-n", OLDER, "-f", "-", stdin=_OLDER_POD)
    return plane


@pytest.fixture(scope="session")
def gate(attacked: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """The gate on the shipped policies and one with exemptions, registered whole."""
    folder = tmp_path_factory.mktemp("attacks") / "policies"
    shutil.copytree(ROOT / "policies", folder)
    shutil.copy(HERE / "policy.yaml", folder)
    with (
        Gate(folder, kubeconfig=attacked.kubeconfig("webhook")) as gate,
        registered_as_shipped(attacked, url=gate.url, ca_pem=gate.ca_pem, probe=SANDBOXED),
    ):
        yield gate
