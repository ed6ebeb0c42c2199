"""The event of a controller whose pod is refused: what kubectl would have shown, whole."""

import json
import time
from typing import Any

import pytest

from tests.attacks.table import SANDBOXED
from tests.controlplane.cluster import ControlPlane
from tests.demo.gate import Gate

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]

WITHIN_SECONDS = 90
SPEC = {
    "hostNetwork": True,
    "hostPID": True,
    "containers": [{"name": "web", "image": "docker.io/library/nginx:1.31"}],
}


def test_the_event_says_all_that_kubectl_shows(attacked: ControlPlane, gate: Gate) -> None:
    refused = attacked.kubectl(
        *("create", "-n", SANDBOXED, "-f", "-"),
        stdin=json.dumps(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "event"}, "spec": SPEC}
        ),
        check=False,
    )
    shown = refused.stderr[refused.stderr.index("admission webhook") :].rstrip("\n")
    assert len(shown.splitlines()) > 2
    labels = {"app": "event"}
    template = {"metadata": {"labels": labels}, "spec": SPEC}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    made = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "event"},
        "spec": spec,
    }
    attacked.kubectl("create", "-n", SANDBOXED, "-f", "-", stdin=json.dumps(made))
    try:
        said = _event(attacked)
        assert said == f"Error creating: {shown}"
        first, *_ = said.split("\n")
        for part in (
            "policy tenants: ",
            "RuntimeClass gvisor cannot run this pod: ",
            "1 more cause",
        ):
            assert part in first
        assert first.endswith("change the pod, or ask for an exemption")
    finally:
        attacked.kubectl("delete", "replicaset", "-n", SANDBOXED, "event")


def _event(plane: ControlPlane) -> Any:
    deadline = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < deadline:
        found = plane.kubectl("get", "events", "-n", SANDBOXED, "-o", "json").json()["items"]
        for event in found:
            if event["reason"] == "FailedCreate" and event["involvedObject"]["name"] == "event":
                return event["message"]
        time.sleep(0.5)
    pytest.fail(f"no FailedCreate event within {WITHIN_SECONDS} s")
