"""A real API server with the running gate registered; the tests type what a user types."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.fixtures import binaries, control_plane
from tests.demo.gate import Gate
from tests.e2e.cases import NAMESPACES, RUNTIME_CLASSES
from tests.registration import ADVICE, RIGHTS, registered

__all__ = ["binaries", "control_plane"]

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "policies"
POLICIES_2018 = ROOT / "policies" / "examples" / "2018-article"
OTHERS = ("kube-system", "tenant-2018", "tenant-outage", "tenant-old")
"""Namespaces that the session's gate is not registered for: tests of their own use them."""


@pytest.fixture(scope="session")
def cluster(control_plane: ControlPlane) -> ControlPlane:
    """The API server with RuntimeClasses, namespaces, and what the webhook may read."""
    rights = {"apiVersion": "v1", "kind": "List", "items": list(RIGHTS)}
    control_plane.kubectl("create", "-f", "-", stdin=json.dumps(rights))
    control_plane.kubectl("create", "-f", "-", stdin=RUNTIME_CLASSES)
    for name, labels in NAMESPACES.items():
        control_plane.create_namespace(name, labels)
        control_plane.grant("tenant", name)
    for name in OTHERS[1:]:
        control_plane.create_namespace(name)
    return control_plane


@pytest.fixture(scope="session")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped policies and those of the tests in one folder that tests may edit."""
    folder = tmp_path_factory.mktemp("e2e") / "policies"
    shutil.copytree(POLICIES, folder)
    shutil.copy(Path(__file__).parent / "policies" / "e2e.yaml", folder)
    return folder


@pytest.fixture(scope="session")
def gate(cluster: ControlPlane, policies: Path) -> Iterator[Gate]:
    """The gate on these policies, registered for all namespaces of the tests."""
    with (
        Gate(policies, kubeconfig=cluster.kubeconfig("webhook")) as gate,
        registered(
            cluster,
            name="runtimegate",
            url=gate.url,
            ca_pem=gate.ca_pem,
            operator="NotIn",
            namespaces=OTHERS,
            probe="tenant-e2e",
            others=ADVICE,
        ),
    ):
        yield gate


@pytest.fixture(scope="session")
def gate_2018(cluster: ControlPlane) -> Iterator[Gate]:
    """The gate of the cluster of October 2018, for the namespace tenant-2018."""
    with (
        Gate(POLICIES_2018, kubeconfig=cluster.kubeconfig("webhook")) as gate,
        registered(
            cluster,
            name="runtimegate-2018",
            url=gate.url,
            ca_pem=gate.ca_pem,
            operator="In",
            namespaces=["tenant-2018"],
            probe="tenant-2018",
        ),
    ):
        yield gate
