"""The install and the registration as they are typed, on the real API server."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.controlplane.cluster import ControlPlane, Result
from tests.controlplane.settings import kubeconfig_text
from tests.helm.programs import NAMESPACE, ROOT

DEPLOY = ROOT / "deploy"
CONFIGURATIONS = ("mutatingwebhookconfiguration", "validatingwebhookconfiguration")
SECONDS = 90
CERTS = f"system:serviceaccount:{NAMESPACE}:runtimegate-certs"
SERVER = f"system:serviceaccount:{NAMESPACE}:runtimegate"
"""The accounts of the install."""


def install(plane: ControlPlane) -> None:
    """`kubectl apply -f deploy/install.yaml`, and what else a cluster with tenants has.

    When this returns, both accounts may what the install grants them.
    """
    done = plane.kubectl("apply", "-f", str(DEPLOY / "install.yaml"))
    assert "arning" not in done.stderr
    plane.kubectl("apply", "-k", str(DEPLOY / "runtimeclasses"))
    plane.create_namespace("tenant-a")
    plane.wait_until_may("watch", "namespaces", f"--as={SERVER}")
    for verb, what in (
        ("patch", "mutatingwebhookconfiguration/runtimegate"),
        ("patch", "secret/runtimegate-tls"),
        ("patch", "secret/runtimegate-ca"),
    ):
        plane.wait_until_may(verb, what, f"--namespace={NAMESPACE}", f"--as={CERTS}")


def register(plane: ControlPlane) -> None:
    """`kubectl apply -f deploy/register.yaml`, with no server there: until calls fail."""
    done = plane.kubectl("apply", "-f", str(DEPLOY / "register.yaml"))
    assert "arning" not in done.stderr
    # A webhook just registered is called within about a second, not at once.
    until(lambda: create(plane, "tenant-a", pod("probe"), "--dry-run=server").returncode != 0)


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition to come about."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "did not come about in time"
        time.sleep(0.2)


def pod(name: str, **metadata: Any) -> dict[str, Any]:
    """A pod that gVisor runs."""
    spec = {"containers": [{"name": "main", "image": "docker.io/library/busybox:1"}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


def create(plane: ControlPlane, namespace: str, obj: dict[str, Any], *options: str) -> Result:
    """What `kubectl create` answers."""
    arguments = ("create", "-n", namespace, "-o", "json", *options, "-f", "-")
    return plane.kubectl(*arguments, stdin=json.dumps(obj), check=False)


def replace_in_entries(plane: ControlPlane, kind: str, path: str, value: object) -> None:
    """Set what is at this path of every webhook of a registered configuration."""
    count = len(plane.kubectl("get", kind, "runtimegate", "-o", "json").json()["webhooks"])
    operations = [
        {"op": "add", "path": f"/webhooks/{index}{path}", "value": value} for index in range(count)
    ]
    plane.kubectl("patch", kind, "runtimegate", "--type=json", "-p", json.dumps(operations))


def ca_bundles(plane: ControlPlane) -> set[str]:
    """The caBundles of all registered webhooks."""
    return {
        webhook["clientConfig"].get("caBundle", "")
        for kind in CONFIGURATIONS
        for webhook in plane.kubectl("get", kind, "runtimegate", "-o", "json").json()["webhooks"]
    }


def server_kubeconfig(plane: ControlPlane) -> Path:
    """A kubeconfig with a token of the server's service account."""
    token = plane.kubectl("create", "token", "runtimegate", f"--namespace={NAMESPACE}")
    path = plane.folder / "server.kubeconfig"
    text = kubeconfig_text(
        url=plane.url, ca_pem=plane.ca_pem, user="server", token=token.stdout.strip()
    )
    path.write_text(text)
    return path
