"""helm itself installs, upgrades and removes the chart on a real API server of its own."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.controlplane.binaries import Binaries
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.keys import serving_pair
from tests.deploy.test_chart import require
from tests.helm.programs import CHART, HELM, NAMESPACE, find

pytestmark = [pytest.mark.helm, pytest.mark.controlplane, pytest.mark.slow]

CONFIGURATIONS = ("mutatingwebhookconfiguration", "validatingwebhookconfiguration")
REGISTER = ("--reuse-values", "--set=webhooks.register=true")


def helm(plane: ControlPlane, verb: str, *arguments: str) -> str:
    """What helm prints; a failure or a warning fails the test."""
    done = subprocess.run(
        [str(find(HELM)), verb, "runtimegate", *arguments, f"--namespace={NAMESPACE}"],
        env={
            "PATH": os.defpath,
            "HOME": str(plane.folder),
            "KUBECONFIG": str(plane.kubeconfig("admin")),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower()
    return done.stdout


@pytest.fixture
def plane(binaries: Binaries) -> Iterator[ControlPlane]:
    """A cluster with the namespace that docs/operations.md has people make."""
    require(HELM)
    with ControlPlane(binaries) as plane:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        plane.create_namespace(NAMESPACE, labels)
        yield plane


def registrations(plane: ControlPlane) -> list[str]:
    """The names of all registered configurations."""
    listed = plane.kubectl("get", ",".join(CONFIGURATIONS), "-o", "name").stdout
    return listed.split()


def test_helm_registers_only_when_told_and_keeps_what_others_filled_in(
    plane: ControlPlane,
) -> None:
    notes = helm(plane, "install", str(CHART))
    assert "THE GATE IS NOT ON" in notes
    assert registrations(plane) == []

    secret = ("secret", "runtimegate-tls", f"--namespace={NAMESPACE}")
    plane.kubectl("patch", *secret, "-p", json.dumps({"data": {"tls.crt": "cGFpcg=="}}))
    assert "The gate is on" in helm(plane, "upgrade", str(CHART), *REGISTER)
    assert len(registrations(plane)) == 2

    bundle = base64.b64encode(serving_pair().ca_pem.encode()).decode()
    operation = {"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle}
    for kind in CONFIGURATIONS:
        plane.kubectl("patch", kind, "runtimegate", "--type=json", "-p", json.dumps([operation]))
    helm(plane, "upgrade", str(CHART), "--reuse-values", "--set=image.tag=0.1.1,replicas=4")
    for kind in CONFIGURATIONS:
        found = plane.kubectl("get", kind, "runtimegate", "-o", "json").json()
        assert found["webhooks"][0]["clientConfig"]["caBundle"] == bundle
    assert plane.kubectl("get", *secret, "-o", "json").json()["data"] == {"tls.crt": "cGFpcg=="}

    helm(plane, "uninstall")
    assert registrations(plane) == []
