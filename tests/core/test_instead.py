"""What a refusal says to do can be done: by the change that was asked for, and by the kind."""

from dataclasses import replace
from typing import Any

import pytest

from tests.build import (
    application,
    classes,
    container,
    fact,
    inventory,
    pod,
    pod_view,
    policy,
    profile,
    rules,
    snapshot,
    table,
)
from webhook.core.advice import advise
from webhook.core.compat import Gate
from webhook.core.decision import Change, Decision, Deny, Operation, decide, decide_stored
from webhook.core.names import Action, Reason, Strength, Support, Verdict
from webhook.core.snapshot import Snapshot
from webhook.core.workload import workload_pods
from webhook.core.workload_presets import PRESETS

STRICT = policy(
    governs=rules(
        classes("gvisor", "gvisor", "kata-*"),
        actions={verdict: Action.DENY for verdict in Verdict if verdict is not Verdict.COMPATIBLE},
    )
)
SLOW = "perf:syscall-rate"
KEPT = "the class of a live pod cannot change"


def within(*facts: Any, under: Any = STRICT, **fields: Any) -> Snapshot:
    """gVisor runs Postgres badly; Kata does all that is not said otherwise."""
    rows = facts or (fact(SLOW, Support.PARTIAL), fact("*", Support.FULL, runtime="kata"))
    needs = [(SLOW, Strength.REQUIRED)]
    return snapshot(under, compat=table(*rows, applications=[application(needs=needs)]), **fields)


def gvisor_alone(*facts: Any) -> Snapshot:
    """No other class would do."""
    return within(*facts, has=inventory(gvisor=profile("gvisor", "20260817.0")))


def told(decision: Decision) -> tuple[str, ...]:
    """The remedies of a refusal."""
    assert isinstance(decision, Deny)
    assert decision.message.split("\n")[0] == f"{decision.first}; {decision.remedies[0]}"
    return decision.remedies


def changed(old: Any, new: Any, of: Snapshot, *, resized: bool = False) -> Decision:
    operation = Operation(change=Change.UPDATE, old=pod_view(old), resized=resized)
    return decide(pod_view(new), operation, of)


def live(image: str = "nginx", **spec: Any) -> Any:
    return pod(runtimeClassName="gvisor", containers=[container("main", image)], **spec)


def test_a_new_pod_is_to_name_a_class_that_would_do() -> None:
    made = decide(pod_view(live("postgres")), Operation(), within())
    assert told(made) == ("use runtimeClassName: kata-qemu",)


def test_a_live_pod_with_another_image_is_to_be_made_anew() -> None:
    assert told(changed(live(), live("postgres"), within())) == (
        "make the pod anew from its manifest with runtimeClassName: kata-qemu",
        f"{KEPT}; a workload's pods get theirs from its template",
    )


def test_an_update_without_a_class_that_would_do_says_so() -> None:
    first, *others = told(changed(live(), live("postgres"), gvisor_alone()))
    assert first.startswith("no RuntimeClass that this policy allows is known to run it: ")
    assert others == []


def test_a_debug_container_of_another_image_may_do() -> None:
    new = live(ephemeralContainers=[container("debug", "postgres")])
    assert told(changed(live(), new, within())) == (
        (
            "debug with another image, or make the pod anew from its manifest with "
            "runtimeClassName: kata-qemu"
        ),
        f"{KEPT}, and kubectl debug --copy-to copies it",
    )
    assert told(changed(live(), new, gvisor_alone())) == ("debug with another image",)


def test_a_debug_container_that_asks_for_too_much_needs_another_profile() -> None:
    asks = container("debug", "busybox", securityContext={"privileged": True})
    of = gvisor_alone(fact("pod:privileged"))
    assert told(changed(live(), live(ephemeralContainers=[asks]), of)) == (
        "debug with another --profile",
    )


def test_a_class_that_is_not_allowed_is_no_matter_of_a_debug_image() -> None:
    old = pod(runtimeClassName="runc", containers=[container("main", "nginx")])
    new = pod(runtimeClassName="runc", containers=[container("main", "redis")])
    assert told(changed(old, new, within()))[0] == (
        "make the pod anew from its manifest with runtimeClassName: gvisor or kata-qemu"
    )


def resized(cpu: str) -> Any:
    return pod(
        runtimeClassName="gvisor",
        containers=[container("main", "nginx", resources={"limits": {"cpu": cpu}})],
    )


def test_a_resize_that_has_no_effect_is_had_by_making_the_pod_anew() -> None:
    facts = (fact("pod:resize", Support.STUB), fact("*", Support.FULL, runtime="kata"))
    assert told(changed(resized("1"), resized("2"), within(*facts), resized=True)) == (
        "make the pod anew with these resources",
        "with RuntimeClass kata-qemu it could be resized in place",
    )
    assert told(changed(resized("1"), resized("2"), gvisor_alone(facts[0]), resized=True)) == (
        "make the pod anew with these resources",
    )


def test_no_update_is_told_to_set_what_cannot_be_set() -> None:
    debug = live(ephemeralContainers=[container("debug", "postgres")])
    for old, new in ((live(), live("postgres")), (live(), debug)):
        decision = changed(old, new, within())
        assert isinstance(decision, Deny)
        assert "use runtimeClassName" not in decision.message
        assert "set runtimeClassName" not in decision.message


@pytest.mark.parametrize(
    ("obj", "first"),
    [
        (pod(annotations={"dev.gvisor.flag.x": "1"}), "leave the annotation out"),
        (pod(containers=[container(f"c{i}") for i in range(1_001)]), "make the pod smaller"),
    ],
    ids=["annotation", "excess"],
)
def test_what_no_class_would_help(obj: Any, first: str) -> None:
    assert told(decide(pod_view(obj), Operation(), within()))[0] == first


def test_a_flag_that_would_do_is_for_who_runs_the_nodes() -> None:
    gate = Gate(flag="net-raw", values=("true",), support=Support.FULL)
    gated = fact(SLOW, Support.GATED, gate=gate, workaround="Set the runsc flag net-raw=true.")
    first, second = told(decide(pod_view(live("postgres")), Operation(), gvisor_alone(gated)))
    assert first.endswith(": change the pod, or ask for an exemption")
    assert second == "or: set the runsc flag net-raw=true"


POSTGRES = {"imageName": "docker.io/library/postgres:18"}
PRESET_OBJECTS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "prometheus-operator": (
        "monitoring.coreos.com/v1", "Prometheus", {"image": "postgres:18"},
        "this kind cannot name a RuntimeClass: have the policy give its pods kata-qemu",
    ),
    "cloudnative-pg": (
        "postgresql.cnpg.io/v1", "Cluster", POSTGRES,
        "use runtimeClassName: kata-qemu by a JSON patch in its annotation cnpg.io/podPatch",
    ),
    "knative-serving": (
        "serving.knative.dev/v1", "Service",
        {"template": {"spec": {"containers": [{"name": "a", "image": "postgres:18"}]}}},
        ("use runtimeClassName: kata-qemu in its pod template, if "
        "kubernetes.podspec-runtimeclassname is on in Knative's config-features"),
    ),
    "argo-workflows": (
        "argoproj.io/v1alpha1", "Workflow",
        {"templates": [{"name": "a", "container": {"image": "postgres:18"}}]},
        "use runtimeClassName: kata-qemu by its spec.podSpecPatch",
    ),
    "tekton": (
        "tekton.dev/v1", "TaskRun",
        {"taskSpec": {"steps": [{"name": "a", "image": "postgres:18"}]}},
        "use runtimeClassName: kata-qemu by its spec.podTemplate.runtimeClassName",
    ),
    "spark-operator": (
        "sparkoperator.k8s.io/v1beta2", "SparkApplication",
        {"driver": {"image": "postgres:18"}},
        "use runtimeClassName: kata-qemu by its spec.driver.template.spec.runtimeClassName",
    ),
    "argo-rollouts": (
        "argoproj.io/v1alpha1", "Rollout",
        {"template": {"spec": {"containers": [{"name": "a", "image": "postgres:18"}]}}},
        "use runtimeClassName: kata-qemu in its pod template",
    ),
}  # fmt: skip


@pytest.mark.parametrize("preset", PRESET_OBJECTS)
def test_the_author_of_a_preset_kind_hears_how_it_names_a_class(preset: str) -> None:
    api_version, kind, spec, remedy = PRESET_OBJECTS[preset]
    of = within()
    of = replace(of, inventory=replace(of.inventory, workload_kinds=PRESETS[preset]))
    obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    warnings = advise(obj, None, namespace="tenant-a", snapshot=of).grounds.warnings
    assert warnings[0].startswith(f"pods of this {kind} would be refused: policy tenants: ")
    assert warnings[1] == remedy


def test_a_cluster_whose_pods_are_patched_is_not_guessed_at() -> None:
    api_version, kind, spec, _ = PRESET_OBJECTS["cloudnative-pg"]
    of = within()
    of = replace(of, inventory=replace(of.inventory, workload_kinds=PRESETS["cloudnative-pg"]))
    patched = {"name": "x", "annotations": {"cnpg.io/podPatch": "[]"}}
    obj = {"apiVersion": api_version, "kind": kind, "metadata": patched, "spec": spec}
    assert advise(obj, None, namespace="tenant-a", snapshot=of).grounds.why == "no pod template"


def test_every_kind_of_a_preset_says_how_it_names_a_class_or_that_it_cannot() -> None:
    cannot = {
        f"{row.kind}.{row.group}"
        for rows in PRESETS.values()
        for row in rows
        if any(outline.class_at is None for outline in row.outlines)
    }
    assert cannot == {
        "Prometheus.monitoring.coreos.com", "Alertmanager.monitoring.coreos.com",
        "ThanosRuler.monitoring.coreos.com", "VirtualMachine.kubevirt.io",
        "VirtualMachineInstance.kubevirt.io",
    }  # fmt: skip


def test_where_the_pod_was_not_mutated_the_class_is_to_be_named() -> None:
    decision = decide_stored(pod_view(pod()), Operation(), within())
    assert isinstance(decision, Deny)
    assert decision.reason is Reason.RUNTIME_CLASS_REQUIRED
    assert told(decision) == ("use runtimeClassName: gvisor",)


def test_a_container_whose_name_its_operator_gives_is_named_by_its_image() -> None:
    api_version, kind, spec, _ = PRESET_OBJECTS["argo-workflows"]
    of = within()
    of = replace(of, inventory=replace(of.inventory, workload_kinds=PRESETS["argo-workflows"]))
    obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    (made,) = workload_pods(obj, namespace="tenant-a", declared=PRESETS["argo-workflows"])
    decision = decide(made.view, Operation(), of)
    assert isinstance(decision, Deny)
    assert decision.aside == ""
    assert decision.evidence[0].startswith("container docker.io/library/postgres:18: needs ")
