from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.controlplane.binaries import KUBERNETES_VERSION, Binaries
from tests.controlplane.cluster import ControlPlane, KubectlError, Result
from tests.controlplane.processes import free_port

pytestmark = pytest.mark.controlplane

SANDBOX = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "sandbox"},
    "handler": "sandbox",
    "overhead": {"podFixed": {"memory": "64Mi"}},
    "scheduling": {"nodeSelector": {"sandbox": "ready"}},
}


@pytest.fixture(scope="module")
def sandbox(control_plane: ControlPlane) -> str:
    """The name of a RuntimeClass that has overhead and scheduling."""
    control_plane.kubectl("create", "-f", "-", stdin=json.dumps(SANDBOX))
    return "sandbox"


@pytest.fixture(scope="module")
def team_a(control_plane: ControlPlane) -> str:
    """The name of a namespace that the tenant may edit."""
    control_plane.create_namespace("team-a", {"team": "a"})
    control_plane.grant("tenant", "team-a")
    return "team-a"


@pytest.fixture(scope="module")
def neighbour(control_plane: ControlPlane, binaries: Binaries) -> Iterator[ControlPlane]:
    """A second plane, whose first choice of a port is the one that the first plane has."""
    taken = int(control_plane.url.rpartition(":")[2])
    ports = iter((taken, free_port()))
    with ControlPlane(binaries, new_port=ports.__next__) as plane:
        yield plane


def create(
    plane: ControlPlane,
    name: str,
    namespace: str,
    *,
    user: str = "tenant",
    check: bool = True,
    spec: Mapping[str, Any] | None = None,
) -> Result:
    """What `kubectl create` answers to a minimal pod."""
    containers = [{"name": "main", "image": "registry.test/main:1"}]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": containers, **(spec or {})},
    }
    arguments = ("create", "-f", "-", "-o", "json")
    return plane.kubectl(*arguments, stdin=json.dumps(pod), user=user, check=check)


@pytest.mark.may_skip(reason="of programs that somebody else chose nothing is pinned")
def test_kubectl_and_the_server_are_of_the_pinned_release(
    control_plane: ControlPlane, binaries: Binaries
) -> None:
    if not binaries.pinned:
        pytest.skip("KUBEBUILDER_ASSETS names the programs: their release is its owner's choice")
    versions = control_plane.kubectl("version", "-o", "json").json()
    assert versions["clientVersion"]["gitVersion"] == KUBERNETES_VERSION
    assert versions["serverVersion"]["gitVersion"] == KUBERNETES_VERSION


def test_a_pod_gets_the_overhead_of_its_runtime_class(
    control_plane: ControlPlane, sandbox: str, team_a: str
) -> None:
    pod = create(control_plane, "overhead", team_a, spec={"runtimeClassName": sandbox}).json()
    assert pod["spec"]["overhead"] == {"memory": "64Mi"}


def test_a_pod_gets_the_node_selector_of_its_runtime_class(
    control_plane: ControlPlane, sandbox: str, team_a: str
) -> None:
    pod = create(control_plane, "selector", team_a, spec={"runtimeClassName": sandbox}).json()
    assert pod["spec"]["nodeSelector"] == {"sandbox": "ready"}


def test_a_pod_without_a_runtime_class_gets_neither(
    control_plane: ControlPlane, team_a: str
) -> None:
    pod = create(control_plane, "plain", team_a).json()
    assert {"overhead", "nodeSelector", "runtimeClassName"}.isdisjoint(pod["spec"])


def test_a_namespace_has_the_labels_it_was_created_with(
    control_plane: ControlPlane, team_a: str
) -> None:
    namespace = control_plane.kubectl("get", "namespace", team_a, "-o", "json").json()
    assert namespace["metadata"]["labels"] == {"kubernetes.io/metadata.name": team_a, "team": "a"}


def test_the_tenant_is_refused_where_nothing_was_granted(control_plane: ControlPlane) -> None:
    refused = create(control_plane, "stray", "kube-system", check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        'Error from server (Forbidden): error when creating "STDIN": pods is forbidden: User'
        ' "tenant" cannot create resource "pods" in API group "" in the namespace "kube-system"\n'
    )


def test_a_viewer_is_refused_to_create(control_plane: ControlPlane) -> None:
    control_plane.create_namespace("read-only")
    control_plane.grant("tenant", "read-only", role="view")
    refused = create(control_plane, "written", "read-only", check=False)
    assert refused.stderr == (
        'Error from server (Forbidden): error when creating "STDIN": pods is forbidden: User'
        ' "tenant" cannot create resource "pods" in API group "" in the namespace "read-only"\n'
    )


def test_a_viewer_may_become_an_editor(control_plane: ControlPlane) -> None:
    control_plane.create_namespace("promoted")
    control_plane.grant("tenant", "promoted", role="view")
    control_plane.grant("tenant", "promoted", role="edit")
    assert create(control_plane, "written", "promoted").json()["metadata"]["name"] == "written"


def test_an_admin_of_a_namespace_may_grant_in_it(control_plane: ControlPlane) -> None:
    control_plane.create_namespace("owned")
    control_plane.grant("tenant", "owned", role="admin")
    asked = ("auth", "can-i", "create", "rolebindings", "--namespace=owned")
    assert control_plane.kubectl(*asked, user="tenant").stdout == "yes\n"


def test_a_failed_kubectl_raises_with_what_it_printed(control_plane: ControlPlane) -> None:
    with pytest.raises(KubectlError) as caught:
        control_plane.kubectl("get", "namespace", "nowhere")
    assert str(caught.value) == (
        "kubectl get namespace nowhere as admin:"
        ' Error from server (NotFound): namespaces "nowhere" not found'
    )


def test_the_audit_log_has_an_event_once_its_request_is_answered(
    control_plane: ControlPlane, team_a: str
) -> None:
    create(control_plane, "audited", team_a)
    assert [event["user"]["username"] for event in pod_events(control_plane, "audited")] == [
        "tenant"
    ]


def test_the_audit_log_has_the_annotations_of_admission(
    control_plane: ControlPlane, team_a: str
) -> None:
    create(control_plane, "annotated", team_a)
    (event,) = pod_events(control_plane, "annotated")
    # Pod Security's is there for every pod: it stands for those of webhooks.
    assert event["annotations"]["pod-security.kubernetes.io/enforce-policy"] == "privileged:latest"


@pytest.mark.slow
def test_the_controllers_make_the_pods_of_a_deployment(
    controller_manager: ControlPlane, team_a: str
) -> None:
    controller_manager.kubectl(
        *("create", "deployment", "web", f"--namespace={team_a}"),
        *("--image=registry.test/web:1", "--replicas=2"),
        user="tenant",
    )
    made = wait_for_pods(controller_manager, team_a, "app=web", count=2)
    owners = {pod["metadata"]["ownerReferences"][0]["kind"] for pod in made}
    assert owners == {"ReplicaSet"}


@pytest.mark.slow
def test_a_second_plane_takes_another_port_when_its_first_is_taken(
    control_plane: ControlPlane, neighbour: ControlPlane
) -> None:
    assert neighbour.url != control_plane.url


@pytest.mark.slow
def test_what_one_plane_has_the_other_has_not(
    control_plane: ControlPlane, neighbour: ControlPlane, team_a: str
) -> None:
    elsewhere = neighbour.kubectl("get", "namespace", team_a, check=False)
    assert elsewhere.stderr == 'Error from server (NotFound): namespaces "team-a" not found\n'


def pod_events(plane: ControlPlane, name: str) -> list[dict[str, Any]]:
    """The audit events about a pod."""
    wanted = ("pods", name)
    return [
        event
        for event in plane.audit_events()
        if (event["objectRef"]["resource"], event["objectRef"].get("name")) == wanted
    ]


def wait_for_pods(
    plane: ControlPlane, namespace: str, selector: str, *, count: int, seconds: float = 90
) -> list[dict[str, Any]]:
    """The pods under a label selector as soon as there are so many."""
    deadline = time.monotonic() + seconds
    query = ("get", "pods", f"--namespace={namespace}", f"--selector={selector}", "-o", "json")
    while True:
        pods: list[dict[str, Any]] = plane.kubectl(*query).json()["items"]
        if len(pods) == count:
            return pods
        assert time.monotonic() < deadline, f"{len(pods)} of {count} pods after {seconds:.0f} s"
        time.sleep(0.2)
