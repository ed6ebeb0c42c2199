from collections.abc import Iterable
from typing import Any

from tests.build import TODAY, container, inventory, pod
from tests.core.test_isolation import CLASSES, STRICT, TABLE
from webhook.core.cluster import ClusterView
from webhook.core.isolation import ladder
from webhook.core.policy import PolicySet
from webhook.core.snapshot import Snapshot
from webhook.core.survey import Survey, Workload

SNAPSHOT = Snapshot(
    policies=PolicySet(), inventory=inventory(), compat=TABLE, cluster=ClusterView(), today=TODAY
)


def made(kind: str, name: str, owner: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """A workload whose pods need nothing, or the ``template`` given."""
    group = "batch/v1" if kind in {"Job", "CronJob"} else "apps/v1"
    template = {"spec": spec.pop("template", pod()["spec"])}
    inner = {"template": template, **spec}
    if kind == "CronJob":
        inner = {"jobTemplate": {"spec": inner}}
    metadata = {"name": name, **({"ownerReferences": [owner]} if owner else {})}
    return {"apiVersion": group, "kind": kind, "metadata": metadata, "spec": inner}


def of(kind: str, name: str) -> dict[str, Any]:
    group = "batch/v1" if kind in {"Job", "CronJob"} else "apps/v1"
    return {"apiVersion": group, "kind": kind, "name": name, "uid": "u", "controller": True}


def running(name: str, owner: dict[str, Any] | None = None, phase: str = "Running",
            labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:  # fmt: skip
    obj = pod(name=name, labels=labels, **spec)
    if owner:
        obj["metadata"]["ownerReferences"] = [owner]
    return {**obj, "status": {"phase": phase}}


def surveyed(*objects: dict[str, Any], namespace: str = "team") -> dict[str, Workload]:
    """The workloads of these objects, in any order alike."""
    results = [_surveyed(order, namespace) for order in (objects, objects[::-1])]
    assert results[0] == results[1]
    return results[0]


def _surveyed(objects: Iterable[dict[str, Any]], namespace: str) -> dict[str, Workload]:
    survey = Survey(ladder=ladder(CLASSES, SNAPSHOT, STRICT)[0])
    for obj in objects:
        survey.add(obj, namespace)
    return {f"{w.key.kind} {w.key.name}": w for w in survey.workloads()}


def test_the_pods_of_a_deployment_are_one_workload() -> None:
    found = surveyed(
        made("Deployment", "web", replicas=3),
        made("ReplicaSet", "web-5d", of("Deployment", "web"), replicas=2),
        running("web-5d-a", of("ReplicaSet", "web-5d")),
        running("web-5d-b", of("ReplicaSet", "web-5d")),
    )
    assert [(name, w.pods) for name, w in found.items()] == [("Deployment web", 2)]


def test_without_pods_a_workload_has_as_many_as_it_asks_for() -> None:
    found = surveyed(
        made("Deployment", "web", replicas=3),
        made("Deployment", "asleep", replicas=0),
        made("CronJob", "nightly", parallelism=2),
        made("DaemonSet", "agent"),
    )
    assert {name: w.pods for name, w in found.items()} == {
        "CronJob nightly": 2, "DaemonSet agent": 1, "Deployment asleep": 0, "Deployment web": 3,
    }  # fmt: skip


def test_a_pod_of_a_replicaset_that_is_not_told_of_is_its_deployments() -> None:
    labels = {"app": "web", "pod-template-hash": "5d"}
    found = surveyed(running("web-5d-a", of("ReplicaSet", "web-5d"), labels=labels))
    assert list(found) == ["Deployment web"]


def test_the_jobs_of_a_cronjob_are_one_workload_and_those_that_ended_count_no_pod() -> None:
    ended = made("Job", "nightly-1", of("CronJob", "nightly"))
    ended["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    found = surveyed(
        made("CronJob", "nightly"),
        ended,
        running("nightly-1-x", of("Job", "nightly-1"), phase="Succeeded"),
        made("Job", "nightly-2", of("CronJob", "nightly")),
        running("nightly-2-x", of("Job", "nightly-2")),
    )
    assert [(name, w.pods) for name, w in found.items()] == [("CronJob nightly", 1)]


def test_what_an_old_revision_needed_keeps_nothing_from_a_class() -> None:
    old = pod(hostNetwork=True)["spec"]
    found = surveyed(
        made("Deployment", "web", replicas=1),
        made("ReplicaSet", "web-1", of("Deployment", "web"), replicas=0, template=old),
    )
    assert found["Deployment web"].strongest == 0


def test_what_a_webhook_adds_to_running_pods_counts() -> None:
    found = surveyed(
        made("Deployment", "web"),
        running("web-x", of("Deployment", "web"), hostNetwork=True),
    )
    assert found["Deployment web"].strongest == 2


def test_pods_that_are_alike_are_held_once() -> None:
    found = surveyed(*(running(f"web-{i}", of("StatefulSet", "web"), nodeName=f"node-{i}")
                       for i in range(50)))  # fmt: skip
    assert found["StatefulSet web"].pods == 50
    assert len(found["StatefulSet web"].variants) == 1


def test_the_node_that_a_pod_was_put_on_is_not_what_it_asks_for() -> None:
    assert surveyed(running("web", nodeName="gone"))["Pod web"].strongest == 0


def test_kube_system_and_mirror_pods_are_left_alone() -> None:
    assert surveyed(running("dns"), namespace="kube-system")["Pod dns"].outside == (
        "the namespace is excluded"
    )
    mirror = running("etcd", nodeName="a")
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    assert surveyed(mirror)["Pod etcd"].outside == "a mirror pod of its node"


def test_owners_in_a_ring_end() -> None:
    found = surveyed(
        made("Deployment", "a", of("Deployment", "b")),
        made("Deployment", "b", of("Deployment", "a")),
    )
    assert sorted(found) == ["Deployment a", "Deployment b"]


def test_a_class_that_the_gate_assigned_is_not_the_pods_own() -> None:
    assigned = running("web", runtimeClassName="kata-qemu")
    assigned["metadata"]["annotations"] = {"runtimegate.dev/assigned-by": "tenants"}
    assert surveyed(assigned)["Pod web"].asks == ()
    assert surveyed(running("web", runtimeClassName="runc"))["Pod web"].asks == ("runc",)


def test_the_containers_at_fault_are_those_that_stay() -> None:
    privileged = {"securityContext": {"privileged": True}}
    found = surveyed(
        running(
            "web",
            containers=[container(), container("agent", "quay.io/x/agent:1", **privileged)],
            initContainers=[container("init", "busybox", **privileged)],
        )
    )
    (variant,) = found["Pod web"].variants
    assert [str(image) for image in variant.at_fault[0]] == ["quay.io/x/agent:1"]
