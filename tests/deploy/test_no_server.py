"""The registration applied while no server is there, the worst moment: what goes on, what stops."""

import base64
import json
from collections.abc import Iterator

import pytest

from tests.controlplane.binaries import Binaries
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.keys import serving_pair
from tests.deploy.typed import (
    CONFIGURATIONS,
    DEPLOY,
    ca_bundles,
    create,
    install,
    pod,
    register,
    replace_in_entries,
    until,
)
from tests.helm.programs import NAMESPACE

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]

MIRROR = "kubernetes.io/config.mirror"


@pytest.fixture(scope="module")
def registered(binaries: Binaries) -> Iterator[ControlPlane]:
    """A cluster of its own with the install and the registration, and no server."""
    with ControlPlane(binaries) as plane:
        install(plane)
        register(plane)
        yield plane


def test_without_a_server_no_pod_of_a_tenant_is_made(registered: ControlPlane) -> None:
    refused = create(registered, "tenant-a", pod("a"))
    assert refused.stderr.startswith(
        'Error from server (InternalError): error when creating "STDIN": Internal error occurred:'
        ' failed calling webhook "pods.runtimegate.dev"'
    )


@pytest.mark.parametrize("namespace", [NAMESPACE, "kube-system"])
def test_without_a_server_the_pods_that_bring_it_back_are_made(
    registered: ControlPlane, namespace: str
) -> None:
    made = pod("replica")
    made["spec"]["securityContext"] = {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    made["spec"]["containers"][0]["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    done = create(registered, namespace, made, "--dry-run=server")
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_server_a_node_mirrors_its_static_pods(registered: ControlPlane) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}}
    made = registered.kubectl("create", "-f", "-", "-o", "json", stdin=json.dumps(node)).json()
    owner = {
        "apiVersion": "v1",
        "kind": "Node",
        "name": "one",
        "uid": made["metadata"]["uid"],
        "controller": True,
    }
    static = pod("static-one", annotations={MIRROR: "x"}, ownerReferences=[owner])
    static["spec"]["nodeName"] = "one"
    as_node = ("--as=system:node:one", "--as-group=system:nodes", "--as-group=system:authenticated")
    done = create(registered, "tenant-a", static, *as_node)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_server_the_annotation_alone_passes_nobody(registered: ControlPlane) -> None:
    lie = pod("lie", annotations={MIRROR: "x"})
    assert "failed calling webhook" in create(registered, "tenant-a", lie).stderr


def test_without_a_server_workloads_and_all_else_go_on(registered: ControlPlane) -> None:
    registered.kubectl("create", "deployment", "web", "-n", "tenant-a", "--image=web:1")
    registered.kubectl("create", "configmap", "c", "-n", "tenant-a")


def test_without_a_server_the_install_can_be_applied_again(registered: ControlPlane) -> None:
    again = registered.kubectl("apply", "-f", str(DEPLOY / "install.yaml"))
    assert "failed" not in again.stdout + again.stderr


def test_registering_again_keeps_the_ca_bundle(registered: ControlPlane) -> None:
    bundle = base64.b64encode(serving_pair().ca_pem.encode()).decode()
    for kind in CONFIGURATIONS:
        replace_in_entries(registered, kind, "/clientConfig/caBundle", bundle)
    registered.kubectl("apply", "-f", str(DEPLOY / "register.yaml"))
    assert ca_bundles(registered) == {bundle}


def test_without_the_registration_the_gate_is_off(registered: ControlPlane) -> None:
    registered.kubectl("delete", "-f", str(DEPLOY / "register.yaml"))
    until(lambda: not create(registered, "tenant-a", pod("off"), "--dry-run=server").returncode)
    register(registered)
