"""What people at the real kubectl see, on the real API server, with the real webhook."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.cluster import ControlPlane, Result
from tests.demo.gate import Gate
from tests.e2e.cases import CASES, CASES_2018, Case
from tests.registration import registered_for_a_while

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]

SEEN_WITHIN_SECONDS = 90


def create(plane: ControlPlane, case: Case, *, user: str = "admin") -> Result:
    return plane.kubectl(
        "create", "-n", case.namespace, "-f", "-", stdin=case.manifest, user=user, check=False
    )


def stored(plane: ControlPlane, namespace: str, name: str) -> Any:
    return plane.kubectl("get", "pod", "-n", namespace, name, "-o", "json").json()


def remove(plane: ControlPlane, namespace: str, name: str) -> None:
    plane.kubectl(
        *("delete", "pod", "-n", namespace, name),
        *("--ignore-not-found", "--force", "--grace-period=0", "--wait=false"),
    )


def name_of(case: Case) -> str:
    line = next(line for line in case.manifest.splitlines() if line.startswith("metadata:"))
    return line.split("{name: ")[1].split(",")[0].rstrip("}")


def identify(case: Case) -> str:
    return case.name.replace(" ", "-")


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_what_becomes_of_a_manifest(cluster: ControlPlane, gate: Gate, case: Case) -> None:
    check(cluster, case)


@pytest.mark.parametrize("case", CASES_2018, ids=identify)
def test_the_cluster_of_october_2018(cluster: ControlPlane, gate_2018: Gate, case: Case) -> None:
    check(cluster, case)


def check(plane: ControlPlane, case: Case) -> None:
    """Create the manifest, compare everything that the case says, and take the pod away."""
    name = name_of(case)
    remove(plane, case.namespace, name)
    done = create(plane, case, user="admin" if case.namespace == "kube-system" else _user(case))
    assert (done.returncode == 0) == (case.decision != "deny"), done.stderr
    for said in case.says:
        assert said in done.stderr
    if case.decision == "deny":
        assert "Warning:" not in done.stderr
        return
    pod = stored(plane, case.namespace, name)
    remove(plane, case.namespace, name)
    assert pod["spec"].get("runtimeClassName") == case.runtime_class
    annotations = pod["metadata"].get("annotations", {})
    assert annotations.get("runtimegate.dev/assigned-by") == case.assigned_by
    if case.overhead is not None:
        assert pod["spec"]["overhead"] == case.overhead
    if case.node_selector is not None:
        assert pod["spec"]["nodeSelector"] == case.node_selector


def _user(case: Case) -> str:
    return "admin" if case.namespace == "tenant-2018" else "tenant"


WEB = """
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  containers: [{name: main, image: "nginx:1.31"}]
"""


@pytest.fixture
def web(cluster: ControlPlane, gate: Gate) -> Iterator[str]:
    """A pod of a tenant that runs under gVisor."""
    name = "changing"
    remove(cluster, "tenant-e2e", name)
    manifest = WEB.replace("NAME", name)
    cluster.kubectl("create", "-n", "tenant-e2e", "-f", "-", stdin=manifest)
    yield name
    remove(cluster, "tenant-e2e", name)


def test_a_debug_container_that_the_runtime_cannot_run_well_is_refused(
    cluster: ControlPlane, web: str
) -> None:
    done = cluster.kubectl(
        *("debug", "-n", "tenant-e2e", web, "--image=postgres:18", "-c", "debugger"),
        user="admin",
        check=False,
    )
    assert done.returncode != 0
    assert "policy tenants: RuntimeClass gvisor runs postgresql badly: " in done.stderr
    assert (
        " (container debugger); debug with another image, or make the pod anew from its manifest "
        "with runtimeClassName: kata-qemu"
    ) in done.stderr
    pod = stored(cluster, "tenant-e2e", web)
    assert "ephemeralContainers" not in pod["spec"]


def test_what_a_refused_debug_profile_says_can_be_done(cluster: ControlPlane, web: str) -> None:
    debug = ("debug", "-n", "tenant-e2e", web, "--image=busybox:1", "-c", "shell")
    refused = cluster.kubectl(*debug, "--profile=sysadmin", check=False)
    assert " (container shell); debug with another --profile\n" in refused.stderr
    cluster.kubectl(*debug, "--profile=general")
    assert "ephemeralContainers" in stored(cluster, "tenant-e2e", web)["spec"]


def test_what_is_not_advised_for_a_live_pod_cannot_be_done(cluster: ControlPlane, web: str) -> None:
    """Its class cannot change, ``--copy-to`` keeps it, and the live pod is no manifest."""
    where = ("-n", "tenant-e2e")
    other = json.dumps({"spec": {"runtimeClassName": "kata-qemu"}})
    patched = cluster.kubectl("patch", "pod", *where, web, "-p", other, check=False)
    assert "pod updates may not change fields other than" in patched.stderr
    try:
        cluster.kubectl("debug", *where, web, "--image=busybox:1", "--copy-to=changing-copy")
        assert (
            stored(cluster, "tenant-e2e", "changing-copy")["spec"]["runtimeClassName"] == "gvisor"
        )
    finally:
        remove(cluster, "tenant-e2e", "changing-copy")
    live = stored(cluster, "tenant-e2e", web)
    live["metadata"] = {"name": "changing-anew"}
    live["spec"]["runtimeClassName"] = "kata-qemu"
    anew = cluster.kubectl("create", *where, "-f", "-", stdin=json.dumps(live), check=False)
    assert "Pod's Overhead doesn't match RuntimeClass's defined Overhead" in anew.stderr


def test_a_debug_container_that_is_fine_is_let_in(cluster: ControlPlane, web: str) -> None:
    cluster.kubectl("debug", "-n", "tenant-e2e", web, "--image=busybox:1", "-c", "debugger")
    pod = stored(cluster, "tenant-e2e", web)
    assert [c["name"] for c in pod["spec"]["ephemeralContainers"]] == ["debugger"]


def test_a_new_image_that_the_runtime_cannot_run_well_is_refused(
    cluster: ControlPlane, web: str
) -> None:
    done = cluster.kubectl(
        "set", "image", "-n", "tenant-e2e", f"pod/{web}", "main=postgres:18", check=False
    )
    assert "policy tenants: RuntimeClass gvisor runs postgresql badly: " in done.stderr
    assert (
        " (container main); make the pod anew from its manifest with runtimeClassName: kata-qemu"
    ) in done.stderr
    assert "; use runtimeClassName" not in done.stderr


def test_a_pod_that_is_older_than_the_policy_can_be_labelled_and_deleted(
    cluster: ControlPlane, gate: Gate
) -> None:
    manifest = WEB.replace("NAME", "old").replace("spec:", "spec:\n  hostNetwork: true")
    cluster.kubectl("create", "-n", "tenant-old", "-f", "-", stdin=manifest)
    with registered_for_a_while(
        cluster,
        name="runtimegate-late",
        url=gate.url,
        ca_pem=gate.ca_pem,
        operator="In",
        namespaces=["tenant-old"],
        probe="tenant-old",
    ):
        again = manifest.replace("name: old", "name: new")
        refused = cluster.kubectl("create", "-n", "tenant-old", "-f", "-", stdin=again, check=False)
        assert "needs pod:hostNetwork" in refused.stderr
        cluster.kubectl("label", "pod", "-n", "tenant-old", "old", "team=shop")
        cluster.kubectl("annotate", "pod", "-n", "tenant-old", "old", "note=x")
        assert stored(cluster, "tenant-old", "old")["metadata"]["labels"] == {"team": "shop"}
        remove(cluster, "tenant-old", "old")


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds; it fails with the time that it was given."""
    deadline = time.monotonic() + SEEN_WITHIN_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"not seen within {SEEN_WITHIN_SECONDS} s"
        time.sleep(0.2)


def dry_run(plane: ControlPlane, namespace: str, manifest: str) -> Result:
    return plane.kubectl(
        *("create", "-n", namespace, "--dry-run=server", "-o", "json", "-f", "-"),
        stdin=manifest,
        check=False,
    )


def assigned_class(plane: ControlPlane, namespace: str) -> str | None:
    done = dry_run(plane, namespace, WEB.replace("NAME", "dry"))
    return done.json()["spec"].get("runtimeClassName") if done.returncode == 0 else None


def test_a_policy_edit_takes_effect_without_a_restart_and_a_broken_one_does_not(
    cluster: ControlPlane, gate: Gate, policies: Path
) -> None:
    path = policies / "e2e.yaml"
    text = path.read_text()
    try:
        edited = text.replace("name: e2e-labelled", "name: e2e-edited")
        edited = edited.replace("    default: gvisor\n    allowed: [gvisor]\n---", _KATA, 1)
        assert edited != text
        path.write_text(edited)
        eventually(lambda: assigned_class(cluster, "labelled-e2e") == "kata-qemu")
        path.write_text(edited.replace("default: kata-qemu", "defualt: gvisor"))
        eventually(lambda: "did you mean default?" in _ready(gate))
        assert "e2e.yaml:" in _ready(gate)
        assert assigned_class(cluster, "labelled-e2e") == "kata-qemu"
    finally:
        path.write_text(text)
    eventually(lambda: assigned_class(cluster, "labelled-e2e") == "gvisor")


_KATA = "    default: kata-qemu\n    allowed: [kata-qemu]\n---"


def _ready(gate: Gate) -> str:
    status, body = gate.get("/readyz?verbose")
    assert status == 200
    return body.decode()


def test_a_label_that_a_namespace_gets_takes_effect(cluster: ControlPlane, gate: Gate) -> None:
    assert assigned_class(cluster, "unmatched-e2e") is None
    label = "e2e.runtimegate.dev/tier"
    cluster.kubectl("label", "namespace", "unmatched-e2e", f"{label}=sandboxed")
    try:
        eventually(lambda: assigned_class(cluster, "unmatched-e2e") == "gvisor")
    finally:
        cluster.kubectl("label", "namespace", "unmatched-e2e", f"{label}-")
    eventually(lambda: assigned_class(cluster, "unmatched-e2e") is None)


def test_a_pod_in_a_namespace_made_a_moment_ago_is_judged_by_its_labels(
    cluster: ControlPlane, gate: Gate
) -> None:
    for number in range(5):
        name = f"fresh-{number}"
        cluster.create_namespace(name, {"e2e.runtimegate.dev/tier": "sandboxed"})
        assert assigned_class(cluster, name) == "gvisor"


def test_the_author_of_a_deployment_is_told_what_its_pods_will_get(
    cluster: ControlPlane, gate: Gate
) -> None:
    done = cluster.kubectl(
        *("create", "deployment", "db", "-n", "tenant-e2e", "--image=postgres:18"), user="tenant"
    )
    assert done.stdout == "deployment.apps/db created\n"
    assert "Warning: pods of this Deployment would be refused: policy tenants: " in done.stderr
    assert "Warning: use runtimeClassName: kata-qemu in its pod template" in done.stderr
    scaled = cluster.kubectl("scale", "deployment", "db", "-n", "tenant-e2e", "--replicas=3")
    labelled = cluster.kubectl("label", "deployment", "db", "-n", "tenant-e2e", "team=shop")
    assert scaled.stderr == labelled.stderr == ""
    cluster.kubectl("delete", "deployment", "db", "-n", "tenant-e2e", "--wait=false")


def test_a_runtime_class_that_a_policy_names_cannot_be_swapped(
    cluster: ControlPlane, gate: Gate
) -> None:
    deleted = cluster.kubectl("delete", "runtimeclass", "gvisor", check=False)
    assert "RuntimeClass gvisor is named by policies (" in deleted.stderr
    manifest = "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: NAME}\n"
    made = ("create", "-f", "-")
    undeclared = manifest.replace("NAME", "kata-mine") + "handler: runc\n"
    refused = cluster.kubectl(*made, stdin=undeclared, check=False)
    assert "RuntimeClass kata-mine is not in the inventory" in refused.stderr
    cluster.kubectl(*made, stdin=manifest.replace("NAME", "nobodys") + "handler: kata-qemu\n")
    cluster.kubectl("delete", "runtimeclass", "nobodys")


def test_the_label_that_a_policy_selects_on_is_changed_by_admins_alone(
    cluster: ControlPlane, gate: Gate
) -> None:
    label = "e2e.runtimegate.dev/tier"
    rights = ("create", "clusterrolebinding", "mallory", "--clusterrole=cluster-admin")
    cluster.kubectl(*rights, "--user=mallory")
    try:
        cluster.wait_until_may("update", "namespaces", "--as=mallory")
        guarded = cluster.kubectl(
            *("label", "namespace", "labelled-e2e", f"{label}-", "--as=mallory"), check=False
        )
        assert f"label {label} of namespace labelled-e2e decides" in guarded.stderr
        free = ("label", "namespace", "labelled-e2e", "team=shop", "--as=mallory")
        cluster.kubectl(*free)
    finally:
        cluster.kubectl("delete", "clusterrolebinding", "mallory")


def test_the_audit_log_says_who_decided_what_and_why(cluster: ControlPlane, gate: Gate) -> None:
    case = next(c for c in CASES if c.reason == "RuntimeDegraded")
    create(cluster, case)
    found = [
        event["annotations"]
        for event in cluster.audit_events()
        if event.get("annotations", {}).get("pods.runtimegate.dev/reason") == "RuntimeDegraded"
    ]
    assert found[-1]["pods.runtimegate.dev/decision"] == "deny"
    assert found[-1]["pods.runtimegate.dev/policy"] == "tenants"
    assert found[-1]["pods.runtimegate.dev/runtime-class"] == "gvisor"
    assert "perf:syscall-rate=degraded" in found[-1]["pods.runtimegate.dev/findings"]
    assert found[-1]["pods.runtimegate.dev/revision"]


def audited(plane: ControlPlane, namespace: str, name: str) -> dict[str, str]:
    """Our annotations of the last creation of a pod in the audit log, a key's webhooks apart."""
    found = [
        event["annotations"]
        for event in plane.audit_events()
        if event["objectRef"].get("namespace") == namespace
        and event["objectRef"].get("name") == name
        and event["verb"] == "create"
    ]
    prefix = "pods.runtimegate.dev/"
    return {k.removeprefix(prefix): v for k, v in found[-1].items() if k.startswith(prefix)}


def test_the_audit_log_says_which_class_was_assigned(cluster: ControlPlane, gate: Gate) -> None:
    manifest = WEB.replace("NAME", "audited")
    cluster.kubectl("create", "-n", "tenant-e2e", "-f", "-", stdin=manifest)
    remove(cluster, "tenant-e2e", "audited")
    found = audited(cluster, "tenant-e2e", "audited")
    assert found["decision"] == "assign"
    assert (found["policy"], found["runtime-class"]) == ("tenants", "gvisor")


def test_the_audit_log_says_what_mode_audit_held_back(cluster: ControlPlane, gate: Gate) -> None:
    manifest = WEB.replace("NAME", "audited").replace("nginx:1.31", "postgres:18")
    done = cluster.kubectl("create", "-n", "watched-e2e", "-f", "-", stdin=manifest)
    remove(cluster, "watched-e2e", "audited")
    assert "Warning" not in done.stderr
    found = audited(cluster, "watched-e2e", "audited")
    assert found["decision"] == "keep"
    assert (found["would"], found["reason"]) == ("deny", "RuntimeDegraded")
    assert found["policy"] == "e2e-audit"
    assert "perf:syscall-rate=degraded" in found["findings"]


def test_fields_newer_than_this_program_survive(cluster: ControlPlane, gate: Gate) -> None:
    """The patch adds; what the API server knows and we do not is stored as it was sent."""
    manifest = json.loads(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "dry"},
                "spec": {
                    "containers": [{"name": "main", "image": "nginx:1.31"}],
                    "securityContext": {"supplementalGroupsPolicy": "Strict"},
                    "schedulingGates": [{"name": "example.com/gate"}],
                },
            }
        )
    )
    done = dry_run(cluster, "tenant-e2e", json.dumps(manifest))
    spec = done.json()["spec"]
    assert spec["runtimeClassName"] == "gvisor"
    assert spec["securityContext"]["supplementalGroupsPolicy"] == "Strict"
    assert spec["schedulingGates"] == [{"name": "example.com/gate"}]


def test_with_the_webhook_stopped_creation_fails_closed_and_other_namespaces_go_on(
    cluster: ControlPlane, policies: Path
) -> None:
    manifest = WEB.replace("NAME", "dry")
    with (
        Gate(policies, kubeconfig=cluster.kubeconfig("webhook")) as own,
        registered_for_a_while(
            cluster,
            name="runtimegate-outage",
            url=own.url,
            ca_pem=own.ca_pem,
            operator="In",
            namespaces=["tenant-outage"],
            probe="tenant-outage",
        ),
    ):
        own.stop()
        refused = dry_run(cluster, "tenant-outage", manifest)
        assert refused.returncode != 0
        assert 'failed calling webhook "pods.runtimegate.dev"' in refused.stderr
        assert dry_run(cluster, "kube-system", manifest).returncode == 0
        cluster.kubectl("create", "configmap", "goes-on", "-n", "tenant-outage")
    assert dry_run(cluster, "tenant-outage", manifest).returncode == 0
