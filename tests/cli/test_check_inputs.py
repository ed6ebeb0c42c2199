import json
from typing import Any

import pytest

from tests.build import (
    application,
    classes,
    fact,
    inventory,
    pod,
    policy,
    review,
    rules,
    snapshot,
    table,
)
from webhook.cli.check_inputs import Outcome, check_inputs
from webhook.cli.manifests import InputError, Inputs, Manifest, parse_manifests
from webhook.cli.report import result_value
from webhook.core.names import Mode, Strength, Support
from webhook.core.runtimes import Inventory
from webhook.core.snapshot import Snapshot
from webhook.core.workload import WorkloadKind

STAMPED: dict[str, tuple[str, str]] = {
    "Deployment": ("apps/v1", "spec.template"),
    "ReplicaSet": ("apps/v1", "spec.template"),
    "StatefulSet": ("apps/v1", "spec.template"),
    "DaemonSet": ("apps/v1", "spec.template"),
    "Job": ("batch/v1", "spec.template"),
    "CronJob": ("batch/v1", "spec.jobTemplate.spec.template"),
    "ReplicationController": ("v1", "spec.template"),
    "PodTemplate": ("v1", "template"),
}


def database() -> Snapshot:
    """A snapshot under which a Postgres pod is refused on gVisor."""
    return snapshot(
        compat=table(
            fact("syscall:sync_file_range"),
            fact("syscall:*", Support.FULL, runtime="kata"),
            applications=[application(needs=[("syscall:sync_file_range", Strength.REQUIRED)])],
        )
    )


def postgres(**tweaks: Any) -> dict[str, Any]:
    return pod(name="db", containers=[{"name": "db", "image": "postgres:11"}], **tweaks)


def workload(api_version: str, kind: str, at: str, template: dict[str, Any]) -> dict[str, Any]:
    """An object that has ``template`` at a field path."""
    value: Any = {"metadata": {}, "spec": template["spec"]}
    for key in reversed(at.split(".")):
        value = {key: value}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "it"}, **value}


def checked(*objects: Any, using: Snapshot | None = None, namespace: str = "tenant-a") -> Outcome:
    """The outcome for objects in one file."""
    text = "\n---\n".join(map(json.dumps, objects))
    found = list(parse_manifests(text.encode(), "x.yaml"))
    inputs = Inputs(
        manifests=tuple(entry for entry in found if isinstance(entry, Manifest)),
        errors=tuple(entry for entry in found if isinstance(entry, InputError)),
    )
    return check_inputs(inputs, using or snapshot(), namespace=namespace)


def results(*objects: Any, using: Snapshot | None = None) -> list[dict[str, Any]]:
    """The JSON values of the results for objects in one file."""
    return [result_value(result) for result in checked(*objects, using=using).results]


def test_a_pod_is_decided_as_on_creation() -> None:
    (result,) = results(pod())
    assert (result["decision"], result["runtimeClass"]) == ("assign", "gvisor")


def test_the_namespace_of_the_pod_counts_before_the_one_given() -> None:
    (result,) = results(pod(namespace="platform"))
    assert (result["namespace"], result["decision"]) == ("platform", "keep")


BRACES = "{{ .Values.it }}"
UNRENDERED = "a template with {{ }} must be rendered first: pass what helm prints"


@pytest.mark.parametrize(
    ("obj", "field"),
    [
        (pod(name=BRACES), "metadata.name"),
        (pod(namespace=BRACES), "metadata.namespace"),
        (
            pod(containers=[{"name": "c", "image": f"a:{BRACES}"}]),
            "spec.containers[0].image",
        ),
        (
            workload(
                "batch/v1", "Job", "spec.template", pod(initContainers=[{"image": BRACES}])
            ),
            "spec.template.spec.initContainers[0].image",
        ),
    ],
)  # fmt: skip
def test_a_template_between_quotes_is_not_judged_as_what_it_is_not(
    obj: dict[str, Any], field: str
) -> None:
    outcome = checked(obj, pod())
    assert [str(error) for error in outcome.errors] == [f"x.yaml:1: {field}: {UNRENDERED}"]
    assert len(outcome.results) == 1


def test_braces_that_a_cluster_was_sent_or_that_another_kind_fills_in_are_judged() -> None:
    braces = pod(name="db", containers=[{"name": "c", "image": BRACES}])
    rollout = WorkloadKind(group="argoproj.io", kind="Rollout", templates=(("spec", "template"),))
    known = Inventory(by_class=inventory().by_class, workload_kinds=(rollout,))
    using = snapshot(has=known)
    declared = workload("argoproj.io/v1alpha1", "Rollout", "spec.template", braces)
    outcome = checked(review(braces), declared, using=using)
    assert (outcome.errors, len(outcome.results)) == ((), 2)


@pytest.mark.parametrize("kind", STAMPED)
def test_of_a_workload_the_pod_that_is_stamped_from_it_is_decided(kind: str) -> None:
    api_version, at = STAMPED[kind]
    (result,) = results(workload(api_version, kind, at, postgres()), using=database())
    (alone,) = results(postgres(), using=database())
    assert (result["kind"], result["name"], result["template"]) == (kind, "it", at)
    assert (result["decision"], result["reason"]) == (alone["decision"], alone["reason"])
    assert result["findings"][0]["fieldPath"] == f"{at}.spec.containers[0].image"


def test_the_patch_of_a_template_is_for_the_pod() -> None:
    (result,) = results(workload("apps/v1", "Deployment", "spec.template", pod()))
    assert result["patch"] == [
        {"op": "add", "path": "/spec/runtimeClassName", "value": "gvisor"},
        {
            "op": "add",
            "path": "/metadata/annotations",
            "value": {"runtimegate.dev/assigned-by": "tenants"},
        },
    ]


def test_kinds_that_the_inventory_declares_have_templates_too() -> None:
    rollout = WorkloadKind(
        group="argoproj.io", kind="Rollout", templates=(("spec", "template"), ("spec", "canary"))
    )
    both = workload("argoproj.io/v1alpha1", "Rollout", "spec.template", pod())
    both["spec"]["canary"] = both["spec"]["template"]
    known = Inventory(by_class=inventory().by_class, workload_kinds=(rollout,))
    assert [r["template"] for r in results(both, using=snapshot(has=known))] == [
        "spec.template",
        "spec.canary",
    ]


def test_what_has_no_pods_is_counted_and_a_fact_of_the_cluster_is_not() -> None:
    outcome = checked(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}},
        {"apiVersion": "example.com/v1", "kind": "Pod", "metadata": {"name": "x"}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}},
    )
    assert (outcome.results, outcome.skipped) == ((), 2)


def test_a_pod_without_containers_is_an_error_and_hides_no_other() -> None:
    outcome = checked({**pod(), "spec": {}}, pod())
    assert [str(error) for error in outcome.errors] == [
        "x.yaml:1: spec.containers: must hold at least one container"
    ]
    assert len(outcome.results) == 1


def test_a_workload_without_its_template_is_an_error() -> None:
    job = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "x"}, "spec": {}}
    assert [str(error) for error in checked(job).errors] == [
        "x.yaml:1: spec.jobTemplate.spec.template: must be a pod template"
    ]


def test_a_review_is_decided_by_its_own_operation() -> None:
    old = postgres(labels={"a": "1"}, runtimeClassName="gvisor")
    new = postgres(labels={"a": "2"}, runtimeClassName="gvisor")
    created, updated = results(
        review(new), review(new, operation="UPDATE", old=old), using=database()
    )
    assert (created["decision"], updated["decision"]) == ("deny", "keep")


def test_a_review_says_who_creates_the_pod() -> None:
    mirror = pod(annotations={"kubernetes.io/config.mirror": "x"}, nodeName="n1")
    node = review(mirror, user="system:node:n1", groups=["system:nodes"])
    by_tenant, by_node = results(review(mirror), node)
    assert (by_tenant["decision"], by_node["decision"]) == ("assign", "keep")


def test_reviews_of_other_subresources_and_operations_are_skipped() -> None:
    outcome = checked(review(sub_resource="binding"), review(operation="CONNECT"))
    assert (outcome.results, outcome.skipped) == ((), 2)


def test_a_refusal_in_json_has_every_key_of_the_contract() -> None:
    (result,) = results(postgres(), using=database())
    assert result == {
        "source": "x.yaml",
        "document": 0,
        "kind": "Pod",
        "namespace": "tenant-a",
        "name": "db",
        "template": "",
        "decision": "deny",
        "would": None,
        "runtimeClass": "gvisor",
        "policy": "tenants",
        "override": None,
        "exemption": None,
        "reason": "RuntimeIncompatible",
        "message": (
            "policy tenants: RuntimeClass gvisor cannot run postgresql: "
            "syscall sync_file_range is missing (container db); use runtimeClassName: kata-qemu\n"
            "  container db (docker.io/library/postgres:11): needs syscall:sync_file_range; "
            "gVisor 20260817.0 does not have it (google/gvisor#88)"
        ),
        "verdict": "incompatible",
        "recognised": True,
        "suggestions": ["kata-qemu"],
        "warnings": [],
        "patch": [],
        "findings": [
            {
                "feature": "syscall:sync_file_range",
                "strength": "required",
                "support": "absent",
                "verdict": "incompatible",
                "action": "deny",
                "runtime": "gvisor",
                "version": "20260817.0",
                "fieldPath": "spec.containers[0].image",
                "container": "db",
                "application": "postgresql",
                "note": "",
                "workaround": None,
                "evidence": [{"kind": "issue", "source": "google/gvisor#88", "date": "2018-08-22"}],
            }
        ],
    }


@pytest.mark.parametrize("mode", [Mode.WARN, Mode.AUDIT])
def test_a_mode_that_only_watches_keeps_the_pod_and_says_what_enforce_would_do(mode: Mode) -> None:
    watching = snapshot(policy(governs=rules(classes("gvisor", "gvisor"), mode=mode)))
    unset, other = results(pod(), pod(runtimeClassName="runc"), using=watching)
    assert [(r["decision"], r["would"], r["reason"], r["patch"]) for r in (unset, other)] == [
        ("keep", "assign", None, []),
        ("keep", "deny", None, []),
    ]
    assert other["message"].startswith("policy tenants: RuntimeClass runc is not allowed ")


def test_an_assignment_names_its_notice_among_the_warnings() -> None:
    (result,) = results(pod())
    assert result["warnings"] == ["policy tenants assigned runtimeClassName: gvisor"]


def test_outside_of_every_policy_the_pods_own_class_is_reported() -> None:
    (result,) = results(pod(namespace="kube-system", runtimeClassName="runc"))
    assert (result["policy"], result["runtimeClass"]) == (None, "runc")
    assert result["message"] == "the namespace is excluded"
