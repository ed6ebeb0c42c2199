"""`kubectl create` through the registration, on the real API server.

Nodes are missing here, so two things are stood in for: the server runs as a process beside, with
the token of its own service account, and the Service in the registered configurations is replaced
by that process's URL. Certificates come by hand where the certificate Job would bring them.
"""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.binaries import Binaries
from tests.controlplane.cluster import ControlPlane
from tests.demo.gate import Gate
from tests.deploy.typed import (
    CONFIGURATIONS,
    create,
    install,
    pod,
    register,
    replace_in_entries,
    server_kubeconfig,
)
from tests.helm.programs import ROOT
from tests.metrics import reviews_answered
from tests.registration import wait_until_called

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]


@pytest.fixture(scope="module")
def registered(binaries: Binaries) -> Iterator[ControlPlane]:
    """A cluster of its own with the install and the registration."""
    with ControlPlane(binaries) as plane:
        install(plane)
        register(plane)
        yield plane


@pytest.fixture(scope="module")
def gate(registered: ControlPlane) -> Iterator[Gate]:
    """The server with the token of its service account; the registration calls it by URL."""
    with Gate(Path(ROOT / "policies"), kubeconfig=server_kubeconfig(registered)) as gate:
        bundle = base64.b64encode(gate.ca_pem.encode()).decode()
        for kind, path in zip(CONFIGURATIONS, ("/mutate", "/validate"), strict=True):
            config = {"url": f"{gate.url}{path}", "caBundle": bundle}
            replace_in_entries(registered, kind, "/clientConfig", config)
        wait_until_called(registered, "tenant-a")
        yield gate


def calls(gate: Gate) -> int:
    """How many reviews the server has answered."""
    _, page = gate.get("/metrics")
    return reviews_answered(page)


def test_the_rights_of_the_service_account_are_enough(gate: Gate) -> None:
    status, report = gate.get("/readyz?verbose")
    assert status == 200
    assert b"forbidden" not in report.lower()


def test_a_pod_is_assigned_its_class(registered: ControlPlane, gate: Gate) -> None:
    made = create(registered, "tenant-a", pod("web")).json()
    assert made["spec"]["runtimeClassName"] == "gvisor"
    assert made["spec"]["overhead"] == {"memory": "64Mi"}


def test_a_pod_is_refused_with_the_reason(registered: ControlPlane, gate: Gate) -> None:
    asked = pod("asked")
    asked["spec"]["runtimeClassName"] = "runc"
    refused = create(registered, "tenant-a", asked)
    assert 'admission webhook "pods.runtimegate.dev" denied the request' in refused.stderr


@pytest.mark.parametrize(("verb", "asked"), [("label", 0), ("annotate", 1)])
def test_the_server_is_asked_only_of_changes_that_it_judges(
    registered: ControlPlane, gate: Gate, verb: str, asked: int
) -> None:
    create(registered, "tenant-a", pod(f"changed-{verb}"))
    before = calls(gate)
    registered.kubectl(verb, "pod", f"changed-{verb}", "-n", "tenant-a", "example.com/a=b")
    assert calls(gate) - before == asked


def test_a_debug_container_is_judged(registered: ControlPlane, gate: Gate) -> None:
    create(registered, "tenant-a", pod("debugged"))
    before = calls(gate)
    registered.kubectl(
        *("debug", "debugged", "-n", "tenant-a", "--image=busybox:1", "--profile=general"),
        *("-q", "--attach=false"),
    )
    assert calls(gate) - before == 1


def test_scaling_a_deployment_asks_nothing(registered: ControlPlane, gate: Gate) -> None:
    registered.kubectl("create", "deployment", "web", "-n", "tenant-a", "--image=web:1")
    before = calls(gate)
    registered.kubectl("annotate", "deployment", "web", "-n", "tenant-a", "example.com/a=b")
    registered.kubectl("scale", "deployment", "web", "-n", "tenant-a", "--replicas=2")
    assert calls(gate) - before == 0


def test_a_runtime_class_that_contradicts_the_inventory_is_refused(
    registered: ControlPlane, gate: Gate
) -> None:
    contradiction = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "kata-mine"},
        "handler": "runc",
    }
    refused = create(registered, "default", contradiction)
    assert 'admission webhook "guards.runtimegate.dev" denied the request' in refused.stderr
