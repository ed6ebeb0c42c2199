"""``policy diff`` against the real API server: what runs there, and what may not be listed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.build import pod
from tests.cli.test_policy_diff import DB, INVENTORY, LAX, STRICT, deployment
from tests.controlplane.cluster import ControlPlane
from tests.documents.build import policy
from webhook.cli import run

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]
NAMESPACE = "tenant-diff"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Lax and strict policies."""
    root = tmp_path_factory.mktemp("policies")
    for name, text in (("lax", LAX), ("strict", STRICT)):
        (root / name).mkdir()
        (root / name / "tenants.yaml").write_text(text)
        (root / name / "inventory.yaml").write_text(INVENTORY)
    return str(root / "lax"), str(root / "strict")


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> ControlPlane:
    """A Deployment with its ReplicaSet and pods, made by hand: nothing here runs controllers."""
    plane = control_plane
    plane.create_namespace(NAMESPACE, {"tier": "tenant"})
    plane.grant("tenant", NAMESPACE)
    for handler, name in (("runsc", "gvisor"), ("kata-qemu", "kata-qemu")):
        made = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}}
        plane.kubectl("apply", "-f", "-", stdin=json.dumps({**made, "handler": handler}))
    spec = {"metadata": {"labels": {"app": "db"}}, "spec": pod(containers=[DB])["spec"]}
    selector = {"selector": {"matchLabels": {"app": "db"}}, "template": spec}
    db = {**deployment("db", NAMESPACE), "spec": selector}
    uid = _made(plane, db)
    replicas = {**db, "kind": "ReplicaSet", "metadata": _owned("db-1", "Deployment", "db", uid)}
    uid = _made(plane, replicas)
    for name in ("db-1-a", "db-1-b"):
        metadata = _owned(name, "ReplicaSet", "db-1", uid)
        _made(plane, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, **_spec(spec)})
    _made(plane, pod(name="web", namespace=NAMESPACE))
    return plane


def _spec(template: Mapping[str, Any]) -> dict[str, Any]:
    return {"spec": template["spec"]}


def _owned(name: str, kind: str, owner: str, uid: str) -> dict[str, Any]:
    reference = {"apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": uid}
    return {
        "name": name, "namespace": NAMESPACE, "labels": {"app": "db"},
        "ownerReferences": [{**reference, "controller": True}],
    }  # fmt: skip


def _made(plane: ControlPlane, obj: Mapping[str, Any]) -> str:
    done = plane.kubectl("create", "-f", "-", "-o", "json", stdin=json.dumps(obj))
    return str(done.json()["metadata"]["uid"])


def test_what_runs_is_told_by_its_deployment(
    cluster: ControlPlane, folders: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(cluster.kubeconfig("admin"))
    options = ("--kubeconfig", config, "-n", NAMESPACE, "-o", "json")
    assert run(["policy", "diff", *folders, *options]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    found = json.loads(out)
    (change,) = found["changes"]
    assert (change["kind"], change["workload"]) == (
        "newlyRefused", {"kind": "Deployment", "name": "db"},
    )  # fmt: skip
    assert (change["pods"], change["podNames"]) == (2, ["db-1-a", "db-1-b"])
    assert change["templates"] == ["spec.template"]
    assert change["after"]["suggestions"] == ["kata-qemu"]
    assert found["lookedAt"] == {
        "workloads": 2, "pods": 3, "namespaces": 1, "ended": 0, "otherObjects": 0
    }  # fmt: skip
    assert (found["missing"], found["origin"], found["live"]) == ([], "test", True)


def test_labels_of_the_clusters_namespaces_choose_the_policy(
    cluster: ControlPlane,
    folders: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    chosen = policy(
        "by-label",
        priority=900,
        namespaces={"selector": {"matchLabels": {"tier": "tenant"}}},
        runtimeClasses={"default": "kata-qemu"},
    )
    (tmp_path / "policy.yaml").write_text(chosen)
    (tmp_path / "inventory.yaml").write_text(INVENTORY)
    config = str(cluster.kubeconfig("admin"))
    command = ["policy", "diff", folders[0], str(tmp_path), "--kubeconfig", config, "-o", "json"]
    assert run([*command, "-n", NAMESPACE]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {change["policy"] for change in found["changes"]} == {"by-label"}
    assert found["summary"]["classChanged"] == {"workloads": 2, "pods": 3}


def test_what_may_not_be_listed_is_said_and_is_exit_code_2(
    cluster: ControlPlane, folders: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(cluster.kubeconfig("tenant"))
    command = ["policy", "diff", *folders, "--kubeconfig", config, "-n", NAMESPACE]
    assert run(command) == 2
    out, err = capsys.readouterr()
    assert "newly refused: 1 workload, 2 pods\n" in out
    assert "not looked at: runtimeclasses: " in err
    assert 'cannot list resource "runtimeclasses"' in err
    assert run(command[:-2]) == 2
    out, err = capsys.readouterr()
    assert "looked at 0 workloads and 0 pods" in out
    assert "not looked at: pods: " in err
    assert "not looked at: namespaces: " in err


def test_a_cluster_that_cannot_be_reached_is_one_line(
    cluster: ControlPlane,
    folders: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "kubeconfig"
    text = cluster.kubeconfig("admin").read_text()
    config.write_text(text.replace(cluster.url, "https://127.0.0.1:1"))
    assert run(["policy", "diff", *folders, "--kubeconfig", str(config)]) == 2
    out, err = capsys.readouterr()
    assert "127.0.0.1:1" in err
    assert "Traceback" not in out + err
