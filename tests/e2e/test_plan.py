"""From a cluster without a sandbox to one with: plan, draft, serve the draft, make all anew."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.binaries import Binaries
from tests.controlplane.cluster import ControlPlane
from tests.demo.gate import Gate
from tests.registration import RIGHTS, registered
from webhook.cli import run
from webhook.cli.manifests import parse_manifests

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]

SAMPLE = Path(__file__).parents[2] / "docs" / "sample-cluster.yaml"
CLASSES = {"gvisor": "runsc", "kata-qemu": "kata-qemu"}


def items(*kinds: str) -> list[dict[str, Any]]:
    """The objects of the sample of these kinds, as somebody would create them."""
    found = []
    for manifest in parse_manifests(SAMPLE.read_bytes(), "sample"):
        obj: Any = dict(getattr(manifest, "obj"))  # noqa: B009 - an error would have no object
        mirror = "kubernetes.io/config.mirror" in str(obj["metadata"].get("annotations"))
        if obj["kind"] in kinds and not mirror and obj["metadata"]["name"] != "default":
            written = {"creationTimestamp", "uid", "resourceVersion"}
            metadata = {k: v for k, v in obj["metadata"].items() if k not in written}
            status = {"status": obj["status"]} if obj["kind"] == "Node" else {}
            kept = {k: v for k, v in obj.items() if k != "status"}
            found.append({**kept, "metadata": metadata, **status})
    return found


PODS = ("Pod",)
WORKLOADS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "CronJob", "Job")


def create(plane: ControlPlane, objects: list[dict[str, Any]]) -> str:
    """Create them all; what kubectl said of those that were refused."""
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    result = plane.kubectl("create", "-f", "-", stdin=listed, check=False)
    return "\n".join(line for line in result.stderr.splitlines() if "Warning:" not in line)


@pytest.fixture(scope="module")
def plane(binaries: Binaries) -> Iterator[ControlPlane]:
    """An API server of its own that holds the sample and no class that isolates."""
    with ControlPlane(binaries) as plane:
        known = {"kube-system"}
        namespaces = [n for n in items("Namespace") if n["metadata"]["name"] not in known]
        assert create(plane, [*RIGHTS, *namespaces, *items("RuntimeClass", "Node")]) == ""
        assert create(plane, items(*WORKLOADS)) == ""
        assert create(plane, items(*PODS)) == ""
        yield plane


def test_what_a_plan_drafts_refuses_nothing_on_a_real_api_server(
    plane: ControlPlane, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = tmp_path / "draft"
    kubeconfig = plane.kubeconfig("admin")
    asked = ["plan", "--kubeconfig", str(kubeconfig), "--write", str(draft), "-o", "json"]
    assert run(asked) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["draft"]["refused"] == []
    assert planned["draft"]["lint"] == []
    assert planned["totals"]["sandboxed"]["workloads"] > 30
    for name, handler in CLASSES.items():
        made = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "handler": handler}
        assert create(plane, [{**made, "metadata": {"name": name}}]) == ""
    for kind in (*WORKLOADS, *PODS):
        at_once = ("--force", "--grace-period=0", "--cascade=background", "--wait=false")
        plane.kubectl("delete", kind, "-A", "--all", *at_once)
    with (
        Gate(draft, kubeconfig=plane.kubeconfig("webhook")) as gate,
        registered(
            plane,
            name="runtimegate",
            url=gate.url,
            ca_pem=gate.ca_pem,
            operator="NotIn",
            namespaces=("kube-system",),
            probe="argocd",
        ),
    ):
        assert create(plane, items(*WORKLOADS)) == ""
        assert create(plane, items(*PODS)) == ""
    _every_pod_has_the_class_that_was_planned(plane, planned)


def test_what_may_not_be_listed_is_told_and_the_rest_planned(
    plane: ControlPlane, capsys: pytest.CaptureFixture[str]
) -> None:
    plane.grant("tenant", "shop")
    assert run(["plan", "--kubeconfig", str(plane.kubeconfig("tenant")), "-n", "shop"]) == 2
    printed = capsys.readouterr()
    assert "Deployment shop/frontend" in printed.out
    assert "INCOMPLETE" in printed.out
    assert "nodes: " in printed.err
    assert "forbidden" in printed.err


def _every_pod_has_the_class_that_was_planned(
    plane: ControlPlane, planned: Mapping[str, Any]
) -> None:
    """Those of workloads; by the beginning of its name a pod is of one."""
    runtime_class = {step["class"]: step["runtimeClass"] for step in planned["classes"]}
    expected = {
        (w["namespace"], w["name"]): w["asks"][0] if w["asks"] else runtime_class[w["class"]]
        for w in planned["workloads"]
    }
    stored = plane.kubectl("get", "pod", "-A", "-o", "json").json()["items"]
    looked = 0
    for pod in stored:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        owners = [n for (s, n) in expected if s == namespace and f"{name}-".startswith(f"{n}-")]
        if owners:
            looked += 1
            found = pod["spec"].get("runtimeClassName")
            assert found == expected[namespace, max(owners, key=len)], (namespace, name)
    assert looked > 60
