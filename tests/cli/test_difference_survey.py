"""What differs, by workload: pods of one controller are one entry, with their template."""

from __future__ import annotations

from typing import Any

from tests.build import classes, fact, inventory, pod, policy, rules, snapshot, table
from webhook.cli.difference_survey import Entry, Survey, Workload
from webhook.cli.manifests import Manifest
from webhook.core.difference import Kind
from webhook.core.names import ASSIGNED_BY, MIRROR_POD, Action, Verdict
from webhook.core.workload import WorkloadKind

FACTS = table(fact("pod:hostNetwork"))
LAX = snapshot(policy(governs=rules(actions={Verdict.INCOMPATIBLE: Action.AUDIT})), compat=FACTS)
STRICT = snapshot(policy(), compat=FACTS)
KATA = snapshot(policy(governs=rules(classes("kata-qemu"))), compat=FACTS)


GROUPS = {"Job": "batch/v1", "CronJob": "batch/v1", "Rollout": "argoproj.io/v1alpha1", "Node": "v1"}


def owned(kind: str, name: str, uid: str) -> list[dict[str, Any]]:
    version = GROUPS.get(kind, "apps/v1")
    return [{"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": True}]


def workload(kind: str, name: str, owners: Any = None, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "tenant-a", "uid": f"uid-{name}"}
    template: dict[str, Any] = {"template": pod(name="", hostNetwork=True, **spec)}
    if kind == "CronJob":
        template = {"jobTemplate": {"spec": template}}
    return {
        "apiVersion": GROUPS.get(kind, "apps/v1"),
        "kind": kind,
        "metadata": {**metadata, "ownerReferences": owners or []},
        "spec": template,
    }


def running(
    name: str, owners: Any = None, namespace: str = "tenant-a", status: Any = None, **fields: Any
) -> dict[str, Any]:
    obj = pod(name=name, namespace=namespace, **{"hostNetwork": True, **fields})
    obj["metadata"]["ownerReferences"] = owners or []
    return {**obj, "status": status or {"phase": "Running"}}


def survey(*objects: dict[str, Any], after: Any = STRICT, **fields: Any) -> Survey:
    found = Survey(before=LAX, after=after, **fields)
    found.look(Manifest(source="c.json", document=n, line=n, obj=o) for n, o in enumerate(objects))
    return found


def told(*objects: dict[str, Any], **fields: Any) -> list[tuple[str, int, int]]:
    """Kind and name, templates, pods of every entry."""
    return [
        (f"{e.workload.kind} {e.workload.name}", len(e.templates), e.pods)
        for e in survey(*objects, **fields).entries()
    ]


OF_WEB = owned("ReplicaSet", "web-1", "uid-web-1")
WEB = (
    workload("Deployment", "web"),
    workload("ReplicaSet", "web-1", owned("Deployment", "web", "uid-web")),
    *(running(f"web-1-{n}", OF_WEB, nodeName=f"n{n}") for n in range(5)),
)


def test_a_deployment_its_replicaset_and_its_pods_are_one_entry() -> None:
    (entry,) = survey(*WEB).entries()
    assert entry.workload == Workload(namespace="tenant-a", kind="Deployment", name="web")
    assert (entry.kinds, entry.policy) == ((Kind.NEWLY_REFUSED,), "tenants")
    assert (entry.pods, entry.templates) == (5, ("spec.template",))
    assert entry.names == ("web-1-0", "web-1-1", "web-1-2")


def test_it_does_not_matter_in_which_order_a_file_has_them() -> None:
    assert told(*reversed(WEB)) == told(*WEB) == [("Deployment web", 1, 5)]


def test_without_its_replicaset_a_pod_belongs_to_what_it_names() -> None:
    assert told(WEB[0], *WEB[2:]) == [("Deployment web", 1, 0), ("ReplicaSet web-1", 0, 5)]


def test_a_replicaset_of_something_unknown_stands_for_itself() -> None:
    unknown = workload("ReplicaSet", "web-1", owned("Rollout", "web", "uid-web"))
    assert told(unknown, *WEB[2:]) == [("ReplicaSet web-1", 1, 5)]


def test_a_replicaset_stands_in_for_a_deployment_that_is_not_told_of() -> None:
    assert told(WEB[1], *WEB[2:]) == [("Deployment web", 1, 5)]


def test_a_job_of_a_cronjob_is_the_cronjob() -> None:
    objects = (
        workload("CronJob", "nightly"),
        workload("Job", "nightly-1", owned("CronJob", "nightly", "uid-nightly")),
        running("nightly-1-x", owned("Job", "nightly-1", "uid-nightly-1")),
    )
    (entry,) = survey(*objects).entries()
    assert entry.workload.name == "nightly"
    assert entry.templates == ("spec.jobTemplate.spec.template",)
    assert entry.pods == 1


def test_a_kind_that_one_inventory_declares_is_looked_at() -> None:
    rollout = WorkloadKind(group="argoproj.io", kind="Rollout", templates=(("spec", "template"),))
    assert told(workload("Rollout", "web")) == []
    assert told(workload("Rollout", "web"), declared=(rollout,)) == [("Rollout web", 1, 0)]


def test_pods_that_differ_from_their_template_are_an_entry_of_their_own() -> None:
    injected = running("web-1-9", OF_WEB, serviceAccountName="x", runtimeClassName="kata-qemu")
    assert told(*WEB, injected, after=KATA) == [("Deployment web", 1, 5)]
    assert told(*WEB[:2], running("web-1-9", OF_WEB, runtimeClassName="gvisor")) == [
        ("Deployment web", 0, 1), ("Deployment web", 1, 0),
    ]  # fmt: skip


def test_an_assigned_class_is_not_the_pods_own() -> None:
    fields: Any = {"annotations": {ASSIGNED_BY: "tenants"}, "runtimeClassName": "gvisor"}
    (entry,) = survey(running("web", hostNetwork=False, **fields), after=KATA).entries()
    assert entry.kinds[0] is Kind.CLASS_CHANGED
    assert (entry.before.runtime_class, entry.after.runtime_class) == ("gvisor", "kata-qemu")


def test_owners_in_a_circle_or_of_another_namespace_lead_nowhere() -> None:
    a = workload("ReplicaSet", "a", owned("ReplicaSet", "b", "uid-b"))
    b = workload("ReplicaSet", "b", owned("ReplicaSet", "a", "uid-a"))
    mine = running("mine", owned("ReplicaSet", "a", "uid-a"))
    theirs = running("theirs", owned("ReplicaSet", "a", "uid-a"), namespace="tenant-b")
    found = survey(a, b, mine, theirs).entries()
    assert [(e.workload.namespace, e.pods) for e in found if e.pods] == [
        ("tenant-a", 1), ("tenant-b", 1),
    ]  # fmt: skip


def test_what_has_ended_or_is_ending_is_passed_over_and_counted() -> None:
    ending = running("ending")
    ending["metadata"]["deletionTimestamp"] = "2026-11-24T00:00:00Z"
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    ended = [running(phase, status={"phase": phase}) for phase in ("Succeeded", "Failed")]
    found = survey(*ended, ending, other)
    assert found.entries() == []
    looked = found.looked
    assert (looked.ended, looked.skipped, looked.pods, looked.workloads) == (3, 1, 0, 0)


def test_a_mirror_pod_is_the_nodes_and_no_policys() -> None:
    mirror = running("etcd", owned("Node", "n1", "u"), annotations={MIRROR_POD: "x"}, nodeName="n1")
    assert told(mirror) == []
    forged = running("forged", owned("Node", "n1", "u"), annotations={MIRROR_POD: "x"})
    assert told(forged) == [("Pod forged", 0, 1)]


def test_what_was_looked_at_is_counted_changed_or_not() -> None:
    looked = survey(*WEB, running("other", namespace="tenant-b", hostNetwork=False)).looked
    assert (looked.workloads, looked.pods, looked.namespaces) == (2, 6, 2)


def test_an_object_that_is_no_workload_is_an_error_and_hides_nothing() -> None:
    broken = {**workload("Deployment", "broken"), "spec": {"template": None}}
    found = survey(broken, {**running("x"), "spec": None}, *WEB)
    assert [str(error) for error in found.errors] == [
        "c.json: spec.template: must be a pod template", "c.json:1: spec: must be an object",
    ]  # fmt: skip
    assert len(found.entries()) == 1


def test_the_most_urgent_stands_first_then_policy_namespace_and_workload() -> None:
    other = policy("a-first", "other-*")
    before = snapshot(policy(governs=rules(actions={Verdict.INCOMPATIBLE: Action.AUDIT})), other,
                      compat=FACTS, has=inventory())  # fmt: skip
    after = snapshot(policy(governs=rules(classes("runc"))), policy("a-first", "other-*",
                     governs=rules(classes("runc"))), compat=FACTS, has=inventory())  # fmt: skip
    found = Survey(before=before, after=after)
    objects = (
        running("b", namespace="tenant-b", hostNetwork=False),
        running("z", namespace="other-z", hostNetwork=False),
        running("a", namespace="tenant-b", hostNetwork=False),
        running("c", namespace="tenant-a", runtimeClassName="gvisor", hostNetwork=False),
    )
    found.look(Manifest(source="-", document=0, line=0, obj=obj) for obj in objects)
    assert [_place(entry) for entry in found.entries()] == [
        "newlyRefused tenants tenant-a c",
        "classChanged a-first other-z z",
        "classChanged tenants tenant-b a",
        "classChanged tenants tenant-b b",
    ]


def _place(entry: Entry) -> str:
    return f"{entry.kind} {entry.policy} {entry.workload.namespace} {entry.workload.name}"
