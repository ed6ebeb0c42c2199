"""Pods grouped under the workloads that keep them alive, whatever the order they come in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.build import container, fact, pod, snapshot, table
from webhook.core.audit import State, standpoint
from webhook.core.census import Census
from webhook.core.judging import Judging
from webhook.core.pod import PodShapeError
from webhook.core.subject import MOST_IMAGES, Standing, Subject, subjects
from webhook.core.workload import WorkloadKind

Object = dict[str, Any]
APPS, BATCH = "apps/v1", "batch/v1"


def owned(obj: Object, api_version: str, kind: str, name: str) -> Object:
    owner = {"apiVersion": api_version, "kind": kind, "name": name, "controller": True}
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": [owner]}}


def workload(api_version: str, kind: str, name: str, **fields: Any) -> Object:
    template = {"metadata": {}, "spec": {"containers": [container()]}}
    spec = {"jobTemplate": {"spec": {"template": template}}} if kind == "CronJob" else {
        "template": template, **fields.pop("spec", {})}  # fmt: skip
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec,
            **fields}  # fmt: skip


def ran(name: str, phase: str = "Running", **tweak: Any) -> Object:
    return {**pod(name=name, **tweak), "status": {"phase": phase}}


def census(
    *objects: Object, runs: bool = True, declared: tuple[WorkloadKind, ...] = ()
) -> Census[Standing]:
    judging = Judging(standpoint(snapshot(), whole=False), runs=runs)
    counted = Census(judging, declared=declared, runs=runs)
    for obj in objects:
        counted.add(obj, "tenant-a")
    return counted


def told(found: Census[Standing]) -> dict[str, tuple[int, int]]:
    """Subjects with their running and their ended pods."""
    return {f"{s.key.kind}/{s.key.name}": (s.running, s.finished) for s in subjects(found)}


def only(found: Census[Standing]) -> Subject:
    (subject,) = subjects(found)
    return subject


DEPLOYED = [
    workload(APPS, "Deployment", "web"),
    owned(workload(APPS, "ReplicaSet", "web-1"), APPS, "Deployment", "web"),
    owned(workload(APPS, "ReplicaSet", "web-0"), APPS, "Deployment", "web"),
    owned(ran("web-1-a", runtimeClassName="gvisor"), APPS, "ReplicaSet", "web-1"),
    owned(ran("web-1-b", runtimeClassName="gvisor"), APPS, "ReplicaSet", "web-1"),
    owned(ran("web-0-a"), APPS, "ReplicaSet", "web-0"),
]
SCHEDULED = [
    workload(BATCH, "CronJob", "nightly"),
    owned(workload(BATCH, "Job", "nightly-1"), BATCH, "CronJob", "nightly"),
    owned(ran("nightly-1-a"), BATCH, "Job", "nightly-1"),
    owned(ran("nightly-0-a", "Succeeded"), BATCH, "Job", "nightly-0"),
]


def test_pods_belong_to_the_deployment_behind_their_replicaset() -> None:
    subject = only(census(*DEPLOYED))
    assert (subject.key.kind, subject.running) == ("Deployment", 3)
    assert subject.runtime_classes() == {"gvisor": 2, "": 1}
    assert subject.states == (State.UNASSIGNED,)
    assert subject.api_version == APPS


def test_pods_of_a_job_belong_to_its_cronjob_and_a_job_that_is_gone_stands_for_nothing() -> None:
    assert told(census(*SCHEDULED)) == {"CronJob/nightly": (1, 0)}


@given(st.permutations([*DEPLOYED, *SCHEDULED, ran("alone")]))
def test_the_order_of_the_objects_does_not_matter(objects: list[Object]) -> None:
    assert told(census(*objects)) == {
        "CronJob/nightly": (1, 0),
        "Deployment/web": (3, 0),
        "Pod/alone": (1, 0),
    }


def test_a_pod_of_a_controller_that_was_not_seen_belongs_to_it_all_the_same() -> None:
    objects = [owned(ran(f"run-{n}"), "tekton.dev/v1", "TaskRun", "run") for n in range(2)]
    assert told(census(*objects)) == {"TaskRun/run": (2, 0)}


def test_a_workload_of_an_operator_stands_for_itself() -> None:
    made = owned(workload(APPS, "StatefulSet", "db"), "acid.zalan.do/v1", "postgresql", "db")
    assert told(census(made)) == {"StatefulSet/db": (0, 0)}


def test_a_declared_kind_stands_above_its_replicasets() -> None:
    rollout = WorkloadKind(group="argoproj.io", kind="Rollout", templates=(("spec", "template"),))
    objects = [
        owned(workload(APPS, "ReplicaSet", "web-1"), "argoproj.io/v1alpha1", "Rollout", "web"),
        owned(ran("web-1-a"), APPS, "ReplicaSet", "web-1"),
        workload("argoproj.io/v1alpha1", "Rollout", "web"),
    ]
    assert told(census(*objects, declared=(rollout,))) == {"Rollout/web": (1, 0)}


def test_older_revisions_of_an_owner_that_is_not_known_are_left_out() -> None:
    old = owned(
        workload(APPS, "ReplicaSet", "web-0", spec={"replicas": 0}), "example.com/v1", "Roll", "web"
    )
    assert told(census(old)) == {}


def test_a_static_pod_stands_for_itself_not_for_its_node() -> None:
    objects = [owned(ran(name), "v1", "Node", "worker-1") for name in ("etcd", "proxy")]
    assert told(census(*objects)) == {"Pod/etcd": (1, 0), "Pod/proxy": (1, 0)}


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_pods_that_have_ended_are_counted_apart(phase: str) -> None:
    found = census(workload(APPS, "Deployment", "web"), ran("done", phase))
    assert told(found) == {"Deployment/web": (0, 0)}
    assert found.finished_pods == 1


def test_a_pod_that_is_being_ended_is_counted_apart() -> None:
    leaving = ran("leaving")
    leaving["metadata"]["deletionTimestamp"] = "2026-11-24T10:00:00Z"
    assert census(leaving).finished_pods == 1


def test_a_job_that_has_finished_is_counted_apart_with_its_pods() -> None:
    status = {"conditions": [{"type": "Complete", "status": "True"}]}
    found = census(
        workload(BATCH, "Job", "once", status=status),
        owned(ran("once-a", "Succeeded"), BATCH, "Job", "once"),
    )
    assert told(found) == {}
    assert (found.finished_pods, found.finished_workloads) == (1, 1)


def test_manifests_have_no_pods_that_ended_and_none_that_run_unassigned() -> None:
    found = census(ran("a", "Succeeded"), runs=False)
    assert only(found).states == (State.COMPLIANT,)


def test_two_that_control_each_other_end_somewhere() -> None:
    a = owned(workload(APPS, "ReplicaSet", "a"), APPS, "ReplicaSet", "b")
    b = owned(workload(APPS, "ReplicaSet", "b"), APPS, "ReplicaSet", "a")
    found = census(a, b, owned(ran("a-1"), APPS, "ReplicaSet", "a"))
    assert sum(running for running, _ in told(found).values()) == 1


def test_objects_that_make_no_pods_are_counted() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
    assert census(service).others == 1


def test_a_pod_without_containers_is_an_error_of_its_input() -> None:
    with pytest.raises(PodShapeError, match=r"spec\.containers"):
        census({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {}})


def test_a_finding_is_told_once_with_the_number_of_its_pods() -> None:
    objects = [ran(f"web-{n}", runtimeClassName="gvisor", nodeName=f"n{n}") for n in range(3)]
    subject = only(census(*(owned(o, APPS, "DaemonSet", "web") for o in objects)))
    assert len(subject.standings) == 1
    assert subject.pod_states() == {"compliant": 3}


def test_a_job_of_a_cronjob_that_is_over_leaves_only_a_count() -> None:
    status = {"conditions": [{"type": "Failed", "status": "True"}]}
    found = census(owned(workload(BATCH, "Job", "n-1", status=status), BATCH, "CronJob", "n"))
    assert told(found) == {}


def test_images_are_told_once_and_of_many_the_first() -> None:
    many = [container(f"c{n}", f"image-{n}") for n in range(30)]
    subject = only(census(ran("a", containers=many)))
    assert len(subject.images) == MOST_IMAGES
    twice = only(census(ran("a", containers=[container("x"), container("y")])))
    assert twice.images == ("docker.io/library/nginx:1.31",)


def test_findings_of_a_template_and_of_its_pods_are_one() -> None:
    lacks = snapshot(compat=table(fact("pod:hostNetwork")))
    counted = Census(Judging(standpoint(lacks, whole=False)))
    counted.add({"apiVersion": APPS, "kind": "Deployment", "metadata": {"name": "web"}, "spec": {
        "template": {"metadata": {}, "spec": {"containers": [container()], "hostNetwork": True}}}},
        "tenant-a")  # fmt: skip
    for n in range(2):
        made = ran(f"web-{n}", runtimeClassName="gvisor", hostNetwork=True)
        counted.add(owned(made, APPS, "Deployment", "web"), "tenant-a")
    (finding, count), = only(counted).findings()  # fmt: skip
    assert (finding.field_path, finding.now, finding.anew, count) == (
        "spec.template.spec.hostNetwork", True, True, 2,
    )  # fmt: skip


def test_a_pod_that_has_no_name_yet_goes_by_what_its_name_begins_with() -> None:
    obj = pod()
    obj["metadata"] = {"generateName": "web-"}
    assert told(census(obj, runs=False)) == {"Pod/web-": (1, 0)}


def test_a_subject_is_refused_where_one_of_its_pods_would_be() -> None:
    good, bad = ran("a", runtimeClassName="gvisor"), ran("b", runtimeClassName="runc")
    both = [owned(obj, APPS, "ReplicaSet", "web") for obj in (good, bad)]
    assert only(census(*both)).refused
    assert not only(census(both[0])).refused
    assert only(census(*both)).worst.now.runtime_class == "runc"
