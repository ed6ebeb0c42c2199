"""What the author of a workload hears of the pods that it will make."""

from typing import Any

import pytest

from tests.build import container, fact, inventory, pod, policy, profile, rules, snapshot, table
from webhook.core.advice import advise
from webhook.core.decision import Deny, Keep
from webhook.core.names import Action, Mode, Reason, Support
from webhook.core.snapshot import Snapshot
from webhook.core.workload import WorkloadKind

ON_THE_HOST = fact("pod:hostNetwork", note="starts the pod in an empty network namespace")
ON_KATA = fact("pod:*", Support.FULL, runtime="kata")


def deployment(kind: str = "Deployment", **spec: Any) -> dict[str, Any]:
    made = pod(**spec)
    template = {"metadata": {"labels": {"app": "web"}}, "spec": made["spec"]}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "web"},
        "spec": {"replicas": 1, "template": template},
    }


def within(workloads: Action = Action.WARN, mode: Mode = Mode.ENFORCE) -> Snapshot:
    governs = rules(mode=mode, workloads=workloads)
    return snapshot(policy(governs=governs), compat=table(ON_THE_HOST, ON_KATA))


def heard(
    obj: dict[str, Any], old: dict[str, Any] | None = None, of: Snapshot | None = None
) -> Keep | Deny:
    return advise(obj, old, namespace="tenant-a", snapshot=of or within())


def test_the_author_hears_which_class_the_pods_get() -> None:
    assert heard(deployment()).grounds.warnings == (
        "pods of this Deployment: policy tenants assigned runtimeClassName: gvisor",
    )


def test_the_author_hears_that_the_pods_would_be_refused_and_what_to_do() -> None:
    decision = heard(deployment(hostNetwork=True))
    assert isinstance(decision, Keep)
    assert decision.grounds.warnings == (
        (
            "pods of this Deployment would be refused: policy tenants: RuntimeClass gvisor cannot "
            "run this pod: hostNetwork is not supported"
        ),
        "use runtimeClassName: kata-qemu in its pod template",
    )


def test_without_a_class_to_advise_the_author_hears_that_there_is_none() -> None:
    only_gvisor = snapshot(
        policy(), compat=table(ON_THE_HOST), has=inventory(gvisor=profile("gvisor", "20260817.0"))
    )
    assert heard(deployment(hostNetwork=True), of=only_gvisor).grounds.warnings[1] == (
        "no RuntimeClass that this policy allows is known to run it: change the pod, or ask for an "
        "exemption"
    )


def test_a_policy_may_refuse_the_workload_itself() -> None:
    decision = heard(deployment(hostNetwork=True), of=within(Action.DENY))
    assert isinstance(decision, Deny)
    assert decision.reason is Reason.RUNTIME_INCOMPATIBLE
    assert decision.message.splitlines() == [
        (
            "pods of this Deployment: policy tenants: RuntimeClass gvisor cannot run this pod: "
            "hostNetwork is not supported; use runtimeClassName: kata-qemu in its pod template"
        ),
        (
            "  spec.template.spec.hostNetwork: needs pod:hostNetwork; gVisor 20260817.0 starts the "
            "pod in an empty network namespace (google/gvisor#88)"
        ),
    ]


def test_where_the_policy_refuses_workloads_a_good_one_is_let_in() -> None:
    assert isinstance(heard(deployment(), of=within(Action.DENY)), Keep)


def test_a_policy_may_keep_silent() -> None:
    assert heard(deployment(hostNetwork=True), of=within(Action.IGNORE)).grounds.warnings == ()


def test_a_policy_that_is_only_tried_out_says_what_it_would_do() -> None:
    decision = heard(deployment(hostNetwork=True), of=within(Action.DENY, Mode.WARN))
    assert isinstance(decision, Keep)
    assert decision.grounds.warnings == (
        (
            "pods of this Deployment: policy tenants (mode warn) would refuse this pod: "
            "RuntimeClass gvisor cannot run this pod: hostNetwork is not supported; "
            "use runtimeClassName: kata-qemu in its pod template"
        ),
    )


def test_a_workload_that_no_policy_governs_is_left_alone() -> None:
    decision = advise(deployment(), None, namespace="other", snapshot=within())
    assert decision.grounds.warnings == ()


@pytest.mark.parametrize("change", ["replicas", "labels"])
def test_an_update_that_leaves_the_templates_alone_is_silent(change: str) -> None:
    new = deployment(hostNetwork=True)
    if change == "replicas":
        new["spec"]["replicas"] = 5
    else:
        new["metadata"]["labels"] = {"team": "shop"}
    decision = heard(new, deployment(hostNetwork=True), within(Action.DENY))
    assert isinstance(decision, Keep)
    assert (decision.grounds.why, decision.grounds.warnings) == (
        "the pod templates are unchanged",
        (),
    )


def test_an_update_of_a_template_is_judged() -> None:
    decision = heard(deployment(hostNetwork=True), deployment(), within(Action.DENY))
    assert isinstance(decision, Deny)


@pytest.mark.parametrize("template", [None, {}, {"spec": {}}, {"spec": {"containers": "x"}}])
def test_what_is_no_whole_pod_template_is_left_to_the_api_server(template: Any) -> None:
    obj = deployment()
    obj["spec"]["template"] = template
    assert heard(obj).grounds.why == "no pod template"


def test_a_declared_kind_with_several_templates_is_judged_by_each() -> None:
    kind = WorkloadKind(
        group="example.com", kind="Flow", templates=(("spec", "steps", "*", "template"),)
    )
    has = inventory()
    declared = type(has)(
        name=has.name,
        node_default=has.node_default,
        by_class=has.by_class,
        workload_kinds=(kind,),
    )
    pods = (pod(), pod(containers=[container("c", "x/y")], hostNetwork=True))
    steps = [{"template": {"spec": made["spec"]}} for made in pods]
    obj = {"apiVersion": "example.com/v1", "kind": "Flow", "spec": {"steps": steps}}
    of = snapshot(policy(), compat=table(ON_THE_HOST, ON_KATA), has=declared)
    decision = heard(obj, of=of)
    assert decision.grounds.verdict == "incompatible"
    assert [w.partition(":")[0] for w in decision.grounds.warnings] == [
        "pods of this Flow",
        "pods of this Flow would be refused",
        "use runtimeClassName",
    ]
