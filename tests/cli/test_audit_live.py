"""``runtimegate audit`` of a real API server: what it sees, what it may not, what it writes."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cli.audits import Audit, running
from tests.controlplane.cluster import ControlPlane, KubectlError

pytestmark = pytest.mark.controlplane

CRDS = Path(__file__).parents[1] / "data" / "crds"
KINDS = ("policyreports.wgpolicyk8s.io", "reports.openreports.io")
SECONDS = 90


@pytest.fixture
def audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Audit:
    return Audit(tmp_path, capsys)


@pytest.fixture
def plane(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """The control plane with both CRDs, which are gone again afterwards."""
    control_plane.kubectl("apply", "--server-side", "-f", str(CRDS))
    for kind in KINDS:
        until(partial(served, control_plane, kind))
    yield control_plane
    control_plane.kubectl("delete", "-f", str(CRDS))
    for kind in KINDS:  # the API server goes on to serve what is no more, for a moment
        until(partial(gone, control_plane, kind))


def served(plane: ControlPlane, kind: str) -> bool:
    return plane.kubectl("get", kind, check=False).returncode == 0


def gone(plane: ControlPlane, kind: str) -> bool:
    return not served(plane, kind)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def create(plane: ControlPlane, namespace: str, *names: str, **tweak: Any) -> None:
    with suppress(KubectlError):
        plane.create_namespace(namespace)
    for name in names:
        obj = running(name, namespace, **tweak)
        del obj["status"], obj["metadata"]["uid"]
        plane.kubectl("create", "-f", "-", stdin=json.dumps(obj))


def reports(plane: ControlPlane, kind: str, namespace: str) -> dict[str, Any]:
    found = plane.kubectl("get", kind, "-n", namespace, "-o", "json").json()["items"]
    return {report["metadata"]["name"]: report for report in found}


def test_reports_are_made_replaced_and_removed_and_those_of_others_left_alone(
    plane: ControlPlane, audit: Audit
) -> None:
    create(plane, "tenant-x", "shell", "host", hostNetwork=True)
    foreign = {
        "apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport",
        "metadata": {"name": "kyverno", "namespace": "tenant-x"}, "results": [],
    }  # fmt: skip
    plane.kubectl("create", "-f", "-", stdin=json.dumps(foreign))
    where = ("--kubeconfig", str(plane.kubeconfig("admin")), "-n", "tenant-x")

    audit.run(*where, "--write-reports")
    assert "1 PolicyReport of wgpolicyk8s.io written: 1 made, 0 replaced, 0 removed" in audit.err
    for kind in KINDS:
        report = reports(plane, kind, "tenant-x")["runtimegate"]
        # Which RuntimeClasses the shared cluster has is other tests' doing, and a cause or none.
        assert report["summary"]["fail"] == len(report["results"]) >= 4
        assert {r["rule"] for r in report["results"]} >= {"incompatible", "unassigned"}
        uid = plane.kubectl("get", "pod", "shell", "-n", "tenant-x", "-o", "json").json()
        references = [r["resources"][0]["uid"] for r in report["results"]]
        assert uid["metadata"]["uid"] in references

    plane.kubectl("delete", "pod", "host", "-n", "tenant-x", "--grace-period=0", "--force")
    audit.run(*where, "--write-reports")
    assert "0 made, 1 replaced, 0 removed" in audit.err
    for kind in KINDS:
        results = reports(plane, kind, "tenant-x")["runtimegate"]["results"]
        assert {r["resources"][0]["name"] for r in results} == {"shell"}

    plane.kubectl("delete", "pod", "shell", "-n", "tenant-x", "--grace-period=0", "--force")
    audit.run(*where, "--write-reports", code=0)
    assert "0 made, 0 replaced, 1 removed" in audit.err
    assert list(reports(plane, KINDS[0], "tenant-x")) == ["kyverno"]
    assert not reports(plane, KINDS[1], "tenant-x")


def test_a_report_of_our_name_that_is_not_ours_stays_and_is_told(
    plane: ControlPlane, audit: Audit
) -> None:
    create(plane, "tenant-y", "shell")
    foreign = {
        "apiVersion": "openreports.io/v1alpha1", "kind": "Report", "source": "another",
        "metadata": {"name": "runtimegate", "namespace": "tenant-y"},
    }  # fmt: skip
    plane.kubectl("create", "-f", "-", stdin=json.dumps(foreign))
    where = ("--kubeconfig", str(plane.kubeconfig("admin")), "-n", "tenant-y")
    audit.run(*where, "--write-reports", code=2)
    assert "is not ours to replace" in audit.err
    assert reports(plane, KINDS[1], "tenant-y")["runtimegate"]["source"] == "another"
    assert reports(plane, KINDS[0], "tenant-y")["runtimegate"]["results"]


def test_what_may_not_be_listed_is_told_and_no_report_is_written(
    plane: ControlPlane, audit: Audit
) -> None:
    create(plane, "tenant-z", "shell")
    plane.grant("tenant", "tenant-z", "view")
    where = ("--kubeconfig", str(plane.kubeconfig("tenant")), "-n", "tenant-z")
    value = audit.value(*where, "--write-reports", code=2)
    assert [s["name"] for s in value["subjects"]] == ["shell"]
    missing = {entry["what"] for entry in value["missing"]}
    assert {"nodes", "runtimeclasses"} <= missing
    assert "no report was written, because not everything could be looked at" in audit.err


def test_without_either_crd_it_says_so(control_plane: ControlPlane, audit: Audit) -> None:
    create(control_plane, "tenant-w", "shell")
    where = ("--kubeconfig", str(control_plane.kubeconfig("admin")), "-n", "tenant-w")
    audit.run(*where, "--write-reports", code=2)
    assert "the cluster has neither policyreports.wgpolicyk8s.io nor" in audit.err
