"""One cluster, counted alike by all that look at it: audit, its page, plan and policy diff."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from webhook.cli import run

ROOT = Path(__file__).parents[2]
DAY = ("--today", "2026-11-26")
POLICIES = str(ROOT / "policies")


def owned(obj: dict[str, Any], api_version: str, kind: str, name: str) -> dict[str, Any]:
    owner = {"apiVersion": api_version, "kind": kind, "name": name, "uid": "u", "controller": True}
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": [owner]}}


def thing(api_version: str, kind: str, name: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "team"}
    template = {"spec": {"containers": [{"name": "main", "image": "nginx:1.31"}]}}
    inner: dict[str, Any] = {"template": template, **spec}
    if kind == "Pod":
        inner = template["spec"]
    if kind == "CronJob":
        inner = {"jobTemplate": {"spec": inner}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": inner}


def ended(obj: dict[str, Any]) -> dict[str, Any]:
    if obj["kind"] == "Pod":
        return {**obj, "status": {"phase": "Succeeded"}}
    return {**obj, "status": {"conditions": [{"type": "Complete", "status": "True"}]}}


def deployed(name: str) -> dict[str, Any]:
    pod = owned(thing("v1", "Pod", name), "apps/v1", "ReplicaSet", "bare-5d")
    pod["metadata"]["labels"] = {"pod-template-hash": "5d"}
    return pod


def leaving(name: str) -> dict[str, Any]:
    pod = thing("v1", "Pod", name)
    pod["metadata"]["deletionTimestamp"] = "2026-11-26T08:00:00Z"
    return pod


ODD = [
    # A Deployment with an older ReplicaSet, and one of which only pods are told.
    thing("apps/v1", "Deployment", "web", replicas=3),
    owned(thing("apps/v1", "ReplicaSet", "web-1"), "apps/v1", "Deployment", "web"),
    owned(thing("apps/v1", "ReplicaSet", "web-0", replicas=0), "apps/v1", "Deployment", "web"),
    owned(thing("v1", "Pod", "web-1-a"), "apps/v1", "ReplicaSet", "web-1"),
    deployed("bare-5d-a"),
    # Idle, ended, leaving.
    thing("batch/v1", "CronJob", "nightly"),
    ended(owned(thing("batch/v1", "Job", "nightly-1"), "batch/v1", "CronJob", "nightly")),
    ended(owned(thing("v1", "Pod", "nightly-1-a"), "batch/v1", "Job", "nightly-1")),
    ended(thing("batch/v1", "Job", "migrate")),
    ended(thing("v1", "Pod", "once")),
    leaving("leaving"),
    # Of operators, of a node, of each other.
    owned(thing("apps/v1", "StatefulSet", "db"), "acid.zalan.do/v1", "postgresql", "db"),
    owned(thing("apps/v1", "StatefulSet", "idle", replicas=0), "x/v1", "Cluster", "idle"),
    owned(thing("v1", "Pod", "db-0"), "apps/v1", "StatefulSet", "db"),
    owned(thing("v1", "Pod", "task-a"), "tekton.dev/v1", "TaskRun", "task"),
    owned(thing("v1", "Pod", "proxy"), "v1", "Node", "worker-1"),
    owned(thing("apps/v1", "ReplicaSet", "ring-a"), "apps/v1", "ReplicaSet", "ring-b"),
    owned(thing("apps/v1", "ReplicaSet", "ring-b"), "apps/v1", "ReplicaSet", "ring-a"),
    owned(thing("v1", "Pod", "ring-a-1"), "apps/v1", "ReplicaSet", "ring-a"),
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}},
]  # fmt: skip


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run([*arguments, *DAY]) in {0, 1}
    return capsys.readouterr().out


def value(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(printed(capsys, *arguments, "-o", "json"))


@pytest.fixture(params=["sample", "odd", "odd backwards"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sample":
        return str(ROOT / "docs" / "sample-cluster.yaml")
    items = ODD if request.param == "odd" else ODD[::-1]
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return str(path)


def test_every_report_counts_the_same_workloads_and_pods(
    cluster: str, capsys: pytest.CaptureFixture[str]
) -> None:
    audited = value(capsys, "audit", "-p", POLICIES, "--cluster", cluster)
    planned = value(capsys, "plan", "--cluster", cluster)
    compared = value(capsys, "policy", "diff", POLICIES, POLICIES, "--cluster", cluster)
    page = printed(capsys, "audit", "-p", POLICIES, "--cluster", cluster, "-o", "html",
                   "--prefer", "gvisor,kata-qemu,runc")  # fmt: skip

    totals = audited["totals"]
    assert totals["subjects"] > 5
    of_audit = {(s["namespace"], s["kind"], s["name"]): s["pods"]["running"]
                for s in audited["subjects"]}  # fmt: skip
    of_plan = {(w["namespace"], w["kind"], w["name"]): w["pods"]
               for w in (*planned["workloads"], *planned["leftAlone"])}  # fmt: skip
    assert of_plan == of_audit
    alone, inside = planned["totals"]["leftAlone"], planned["totals"]
    assert inside["workloads"] + alone["workloads"] == totals["subjects"]
    assert inside["pods"] + alone["pods"] == totals["pods"]
    assert inside["finished"] == totals["finished"]

    looked = compared["lookedAt"]
    assert (looked["workloads"], looked["pods"]) == (totals["subjects"], totals["pods"])
    assert looked["ended"] == totals["finished"]["pods"]

    (lead,) = re.findall(r"([0-9,]+) running pods in ([0-9,]+) entries", page)
    assert lead == (str(totals["pods"]), str(totals["subjects"]))
    by_class = re.findall(r"<td[^>]*>(\d+) \(\d+%\)</td>\s*<td[^>]*>(\d+) \(\d+%\)</td>", page)
    assert sum(int(workloads) for workloads, _ in by_class) == inside["workloads"]
    assert sum(int(pods) for _, pods in by_class) == inside["pods"]


def test_what_the_odd_cluster_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": ODD}))
    audited = value(capsys, "audit", "-p", POLICIES, "--cluster", str(path))
    found = {f"{s['kind']} {s['name']}": s["pods"]["running"] for s in audited["subjects"]}
    assert found == {
        "CronJob nightly": 0, "Deployment bare": 1, "Deployment web": 1, "Pod proxy": 1,
        "ReplicaSet ring-a": 1, "ReplicaSet ring-b": 0, "StatefulSet db": 1,
        "StatefulSet idle": 0, "TaskRun task": 1,
    }  # fmt: skip
    assert audited["totals"]["finished"] == {"pods": 3, "workloads": 1}


def test_of_manifests_a_plan_counts_the_pods_that_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "web.json"
    path.write_text(json.dumps(thing("apps/v1", "Deployment", "web", replicas=3)))
    assert value(capsys, "plan", "-f", str(path))["totals"]["pods"] == 3
    assert value(capsys, "plan", "--cluster", str(path))["totals"]["pods"] == 3
