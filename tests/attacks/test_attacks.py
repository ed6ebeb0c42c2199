"""Every attack of the table, on the real API server: what stops it, and what is left afterwards."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.more import MORE
from tests.attacks.table import EXEMPTING, OLDER, SANDBOXED, TABLE, Attack, By
from tests.controlplane.cluster import ControlPlane, Result
from tests.demo.gate import Gate

ATTACKS: tuple[Attack, ...] = (*TABLE, *MORE)
"""Every attack, on the real API server: what stops it, and what is left afterwards."""
THREAT_MODEL = Path(__file__).parents[2] / "docs" / "threat-model.md"
CONTROLLER_WITHIN_SECONDS = 90
_KINDS = "pods,deployments,replicasets,statefulsets,jobs,replicationcontrollers"


def run(plane: ControlPlane, attack: Attack, step: int) -> Result:
    words = [word.replace("{ns}", attack.namespace) for word in attack.steps[step]]
    body = attack.stdin[step] if step < len(attack.stdin) else None
    user = "tenant"
    if attack.user == "admin":
        user = "admin"
    elif attack.user != user:  # whoever has no token of its own is impersonated
        user, words = "admin", [*words, f"--as={attack.user}"]
    return plane.kubectl(*words, stdin=body, user=user, check=False)


def pods(plane: ControlPlane, namespace: str) -> list[Any]:
    found = plane.kubectl("get", "pods", "-n", namespace, "-o", "json").json()["items"]
    return [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]


def clean(plane: ControlPlane) -> None:
    for namespace in (SANDBOXED, EXEMPTING):
        plane.kubectl(
            *("delete", _KINDS, "--all", "-n", namespace, "--force", "--grace-period=0"),
            *("--wait=true", "--timeout=90s"),
        )


@pytest.mark.controlplane
@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_stopped(attacked: ControlPlane, gate: Gate, attack: Attack) -> None:
    clean(attacked)
    *before, last = range(len(attack.steps))
    for step in before:
        prepared = run(attacked, attack, step)
        assert prepared.returncode == 0, prepared.stderr
    done = run(attacked, attack, last)
    if attack.by is By.CONTROLLER:
        assert done.returncode == 0, done.stderr
        assert _failure_event(attacked, attack)
    else:
        stopped = attack.by not in {By.ASSIGNED, By.NOTHING}
        assert (done.returncode != 0) == stopped, done.stderr
        assert attack.says in done.stderr
    left = [p["spec"].get("runtimeClassName", "") for p in pods(attacked, attack.namespace)]
    assert left == ([] if attack.left is None else [attack.left])
    _nothing_changed(attacked)


def _failure_event(plane: ControlPlane, attack: Attack) -> str:
    """The event of the controller whose pod was refused: it carries the refusal's first line."""
    deadline = time.monotonic() + CONTROLLER_WITHIN_SECONDS
    while time.monotonic() < deadline:
        for event in plane.kubectl("get", "events", "-n", attack.namespace, "-o", "json").json()[
            "items"
        ]:
            if event["reason"] == "FailedCreate" and attack.says in event["message"]:
                return str(event["message"])
        time.sleep(0.5)
    pytest.fail(f"no FailedCreate event within {CONTROLLER_WITHIN_SECONDS} s")


def _nothing_changed(plane: ControlPlane) -> None:
    """No pod of a tenant is outside, and what the gate goes by is as it was."""
    assert {p["spec"].get("runtimeClassName") for p in pods(plane, SANDBOXED)} <= {
        "gvisor", "kata-qemu", "runc",
    }  # fmt: skip
    classes = plane.kubectl("get", "runtimeclass", "-o", "json").json()["items"]
    assert {c["metadata"]["name"]: c["handler"] for c in classes} == {
        "gvisor": "runsc", "kata-qemu": "kata-qemu", "runc": "runc",
    }  # fmt: skip
    for namespace in (SANDBOXED, EXEMPTING, OLDER):
        found = json.loads(plane.kubectl("get", "namespace", namespace, "-o", "json").stdout)
        assert set(found["metadata"]["labels"]) == {"kubernetes.io/metadata.name"}
        assert not found["metadata"].get("annotations")


def test_every_attack_is_in_the_threat_model() -> None:
    page = THREAT_MODEL.read_text()
    assert [attack.name for attack in ATTACKS if f"`{attack.name}`" not in page] == []


def test_what_nothing_stops_is_named_as_such() -> None:
    page = THREAT_MODEL.read_text()
    section = page.partition("## What the gate does not stop")[2]
    left = [attack.name for attack in ATTACKS if attack.by is By.NOTHING]
    assert left
    assert [name for name in left if f"`{name}`" not in section] == []
