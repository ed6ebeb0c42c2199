"""DESIGN 3, step by step: what becomes of a pod, and why."""

from datetime import timedelta
from typing import Any

import pytest

from tests.build import (
    TODAY,
    application,
    classes,
    cluster,
    container,
    created,
    exemption,
    fact,
    inventory,
    node,
    override,
    pod,
    pod_view,
    pods,
    policy,
    profile,
    rules,
    snapshot,
    table,
    updated,
)
from webhook.core.compat import CompatTable, Conditions, Fact
from webhook.core.decision import (
    Assign,
    Change,
    Decision,
    Deny,
    Keep,
    Operation,
    decide,
    decide_stored,
    lacks_namespace,
)
from webhook.core.names import Action, Mode, Reason, Strength, Support, Verdict
from webhook.core.policy import LabelSelector, NamespaceSelector, Policy
from webhook.core.snapshot import Snapshot

POSTGRES = application(needs=[("perf:syscall-rate", Strength.REQUIRED)])


def slow_on(*runtimes: str) -> CompatTable:
    """A table by which Postgres is slow on some runtimes, and hostNetwork is not to be had."""
    return table(
        *(
            fact(
                "perf:syscall-rate",
                Support.PARTIAL if runtime in runtimes else Support.FULL,
                runtime=runtime,
            )
            for runtime in ("gvisor", "kata", "runc")
        ),
        fact("pod:hostNetwork"),
        fact("pod:hostNetwork", runtime="kata"),
        fact("pod:hostNetwork", Support.FULL, runtime="runc"),
        applications=[POSTGRES],
    )


DEGRADED_DENIED = {Verdict.DEGRADED: Action.DENY}


def strict(*fallback: str, mode: Mode = Mode.ENFORCE, **fields: Any) -> Policy:
    """A policy that refuses ``degraded``."""
    return policy(
        governs=rules(
            classes("gvisor", "gvisor", "kata-*", fallback=fallback),
            actions=DEGRADED_DENIED,
            mode=mode,
        ),
        **fields,
    )


def within(*policies: Policy, **fields: Any) -> Snapshot:
    """A snapshot in which Postgres is slow on gVisor."""
    fields.setdefault("compat", slow_on("gvisor"))
    return snapshot(*policies, **fields)


def running(image: str = "postgres:18", **fields: Any) -> dict[str, Any]:
    """A pod of one container."""
    return pod(containers=[container("db", image)], **fields)


def outcome(decision: Decision) -> tuple[str, str | None]:
    """What becomes of a pod in two words."""
    match decision:
        case Keep():
            return "keep", decision.grounds.runtime_class
        case Assign():
            return "assign", decision.runtime_class
        case Deny():
            return "deny", decision.reason


# 1. Outside the gate


def test_a_pod_of_an_excluded_namespace_is_kept() -> None:
    view = pod_view(pod(hostNetwork=True), namespace="kube-system")
    everywhere = within(policy("all", "*"))
    decision = decide(view, Operation(), everywhere)
    assert isinstance(decision, Keep)
    assert decision.grounds.why == "the namespace is excluded"


def test_a_pod_of_a_namespace_that_no_policy_matches_is_kept() -> None:
    decision = decide(pod_view(namespace="platform"), Operation(), within())
    assert isinstance(decision, Keep)
    assert decision.grounds.why == "no policy matches the namespace"


def test_a_windows_pod_is_kept() -> None:
    decision = created(pod(os={"name": "windows"}, runtimeClassName="runc"))
    assert isinstance(decision, Keep)
    assert decision.grounds.why == "a Windows pod"


@pytest.mark.parametrize("os", [{"name": "linux"}, {"name": "Windows"}, {}, "windows", None])
def test_any_other_pod_is_no_windows_pod(os: object) -> None:
    assert outcome(created(pod(os=os))) == ("assign", "gvisor")


MIRRORED = pod(annotations={"kubernetes.io/config.mirror": "x"}, nodeName="worker-1")
NODE = Operation(user="system:node:worker-1", groups=frozenset({"system:nodes"}))


def test_a_mirror_pod_made_by_its_node_is_kept() -> None:
    decision = decide(pod_view(MIRRORED), NODE, snapshot())
    assert isinstance(decision, Keep)
    assert decision.grounds.why == "a mirror pod of its node"


@pytest.mark.parametrize(
    "operation",
    [
        Operation(user="alice"),
        Operation(user="system:node:worker-1"),
        Operation(user="system:node:worker-2", groups=frozenset({"system:nodes"})),
        Operation(user="worker-1", groups=frozenset({"system:nodes"})),
    ],
)
def test_the_mirror_annotation_alone_proves_nothing(operation: Operation) -> None:
    assert outcome(decide(pod_view(MIRRORED), operation, snapshot())) == ("assign", "gvisor")


def test_a_nodes_pod_without_the_annotation_is_no_mirror_pod() -> None:
    assert outcome(decide(pod_view(pod(nodeName="worker-1")), NODE, snapshot())) == (
        "assign",
        "gvisor",
    )


def test_a_mirror_pod_must_say_which_node_it_is_on() -> None:
    view = pod_view(pod(annotations={"kubernetes.io/config.mirror": "x"}))
    operation = Operation(user="system:node:", groups=frozenset({"system:nodes"}))
    assert outcome(decide(view, operation, snapshot())) == ("assign", "gvisor")


# 2. The governing policy, its override, its exemptions


def test_the_decision_names_policy_override_exemption_and_mode() -> None:
    governs = policy(overrides=[override()], exemptions=[exemption("e", of=pods())])
    grounds = created(running(), within(governs)).grounds
    assert (grounds.policy, grounds.override, grounds.exemption) == ("tenants", "databases", "e")
    assert grounds.mode is Mode.ENFORCE


def test_an_override_assigns_its_own_default_and_is_named() -> None:
    decision = created(running(), within(policy(overrides=[override()])))
    assert isinstance(decision, Assign)
    assert decision.runtime_class == "kata-qemu"
    assert decision.assigned_by == "tenants/databases"


def test_an_override_allows_its_own_classes_only() -> None:
    decision = created(running(runtimeClassName="gvisor"), within(policy(overrides=[override()])))
    assert outcome(decision) == ("deny", "RuntimeClassNotAllowed")


def test_an_override_may_be_in_another_mode() -> None:
    watched = override(governs=rules(classes("kata-qemu"), mode=Mode.AUDIT))
    assert outcome(created(running(), within(policy(overrides=[watched])))) == (
        "keep",
        "kata-qemu",
    )


def test_an_exempt_pod_may_have_another_class() -> None:
    agent = pod(serviceAccountName="node-agent", runtimeClassName="runc")
    decision = created(agent, within(policy(exemptions=[exemption("node-agent", "runc")])))
    assert isinstance(decision, Keep)
    assert decision.grounds.exemption == "node-agent"


def test_an_exempt_pod_may_have_no_class_and_is_given_none() -> None:
    agent = pod(serviceAccountName="node-agent")
    decision = created(agent, within(policy(exemptions=[exemption("node-agent", "")])))
    assert outcome(decision) == ("keep", None)


def test_the_exemption_that_permits_the_class_is_named_before_others() -> None:
    exemptions = [exemption("first", of=pods()), exemption("second", "runc", of=pods())]
    decision = created(pod(runtimeClassName="runc"), within(policy(exemptions=exemptions)))
    assert decision.grounds.exemption == "second"


def test_an_exempt_feature_is_no_refusal() -> None:
    hosting = exemption("e", of=pods(), features=["pod:hostNetwork"])
    decision = created(pod(hostNetwork=True), within(policy(exemptions=[hosting])))
    assert outcome(decision) == ("assign", "gvisor")


@pytest.mark.parametrize(("days", "decision"), [(0, "keep"), (1, "deny")])
def test_an_exemption_counts_on_its_last_day_in_utc_and_not_after(days: int, decision: str) -> None:
    last = exemption("e", "runc", of=pods(), expires=TODAY)
    then = within(policy(exemptions=[last]), today=TODAY + timedelta(days=days))
    assert outcome(created(pod(runtimeClassName="runc"), then))[0] == decision


def test_an_exemption_that_has_ended_is_told_to_the_author() -> None:
    over = exemption("old", "", of=pods(), expires=TODAY - timedelta(days=1))
    assert created(pod(), within(policy(exemptions=[over]))).grounds.warnings == (
        (
            "exemption old of policy tenants ended on 2026-11-23 and no longer counts; "
            "ask storage-team"
        ),
    )


def test_a_sidecar_with_an_exempt_image_exempts_nothing_else() -> None:
    agent = exemption("e", "runc", of=pods("*/agent"))
    sidecar = pod(
        containers=[container("agent", "x/agent"), container("evil", "x/evil")],
        runtimeClassName="runc",
    )
    decision = created(sidecar, within(policy(exemptions=[agent])))
    assert outcome(decision) == ("deny", "RuntimeClassNotAllowed")


# 3. The target class


def test_an_unset_class_is_assigned_the_default() -> None:
    decision = created(pod())
    assert isinstance(decision, Assign)
    assert (decision.runtime_class, decision.assigned_by) == ("gvisor", "tenants")
    assert decision.grounds.notices == ("policy tenants assigned runtimeClassName: gvisor",)


def test_an_empty_class_is_an_unset_one() -> None:
    assert outcome(created(pod(runtimeClassName=""))) == ("assign", "gvisor")


def test_a_pod_that_already_asks_for_the_default_is_kept() -> None:
    assert outcome(created(pod(runtimeClassName="gvisor"))) == ("keep", "gvisor")


def test_a_pod_may_ask_for_any_allowed_class() -> None:
    assert outcome(created(pod(runtimeClassName="kata-qemu"))) == ("keep", "kata-qemu")


def test_a_policy_without_a_default_leaves_an_unset_class() -> None:
    governs = policy(governs=rules(classes(None)))
    assert outcome(created(pod(), within(governs))) == ("keep", None)


def test_a_policy_that_requires_a_class_refuses_an_unset_one() -> None:
    governs = policy(governs=rules(classes(None, "gvisor", "kata-*", required=True)))
    decision = created(pod(), within(governs))
    assert isinstance(decision, Deny)
    assert decision.reason is Reason.RUNTIME_CLASS_REQUIRED
    assert decision.message == (
        "policy tenants: pods in namespace tenant-a must set runtimeClassName; "
        "allowed: gvisor, kata-*; "
        "use runtimeClassName: gvisor or kata-qemu"
    )


def test_a_default_fulfils_what_is_required() -> None:
    governs = policy(governs=rules(classes("gvisor", required=True)))
    assert outcome(created(pod(), within(governs))) == ("assign", "gvisor")


def test_an_exemption_from_any_class_is_one_from_the_required_too() -> None:
    governs = policy(
        governs=rules(classes(None, "gvisor", required=True)),
        exemptions=[exemption("e", "", of=pods())],
    )
    assert outcome(created(pod(), within(governs))) == ("keep", None)


def test_a_namespace_chooses_its_own_default() -> None:
    annotations = {"runtimegate.dev/default-runtime-class": "kata-qemu"}
    governs = policy(governs=rules(classes("gvisor", "gvisor", "kata-*", namespace_default=True)))
    known = cluster(namespaces={"tenant-a": ({}, annotations)})
    assert outcome(created(pod(), within(governs, cluster=known))) == ("assign", "kata-qemu")


# 4. Refusals of the class itself


def test_a_class_that_is_not_allowed_is_refused_with_those_that_are() -> None:
    decision = created(pod(runtimeClassName="runc"))
    assert isinstance(decision, Deny)
    assert decision.message == (
        "policy tenants: RuntimeClass runc is not allowed in namespace tenant-a; "
        "allowed: gvisor, kata-*; "
        "use runtimeClassName: gvisor or kata-qemu"
    )


def test_a_wrong_class_is_never_overwritten() -> None:
    assert outcome(created(pod(runtimeClassName="runc"), within(strict("kata-qemu")))) == (
        "deny",
        "RuntimeClassNotAllowed",
    )


def test_a_class_that_does_not_exist_is_refused() -> None:
    decision = created(pod(runtimeClassName="kata-x"), within(cluster=cluster()))
    assert isinstance(decision, Deny)
    assert decision.message == (
        "policy tenants: RuntimeClass kata-x does not exist in this cluster; "
        "use runtimeClassName: gvisor or kata-qemu"
    )


def test_a_default_that_does_not_exist_is_refused_not_assigned() -> None:
    known = cluster(handlers={"runc": "runc"})
    assert outcome(created(pod(), within(cluster=known))) == ("deny", "RuntimeClassNotFound")


def test_a_class_that_no_longer_means_its_runtime_is_refused() -> None:
    known = cluster(handlers={"gvisor": "runc"})
    decision = created(pod(runtimeClassName="gvisor"), within(cluster=known))
    assert isinstance(decision, Deny)
    assert decision.message == (
        "policy tenants: RuntimeClass gvisor means handler runc in this cluster, "
        "but the inventory says runsc; ask whoever runs this cluster"
    )


def test_an_undeclared_class_is_warned_of() -> None:
    decision = created(pod(runtimeClassName="kata-x"))
    assert isinstance(decision, Keep)
    assert decision.grounds.warnings == (
        "RuntimeClass kata-x is not in the inventory: nothing is known of it",
    )


def test_an_undeclared_class_is_refused_where_the_unknown_is() -> None:
    governs = policy(governs=rules(actions={Verdict.UNKNOWN: Action.DENY}))
    decision = created(pod(runtimeClassName="kata-x"), within(governs))
    assert isinstance(decision, Deny)
    assert decision.message == (
        "policy tenants: RuntimeClass kata-x is not in the inventory, "
        "and the policy refuses what is unknown; "
        "use runtimeClassName: gvisor or kata-qemu"
    )


def test_an_annotation_that_reconfigures_the_sandbox_is_refused_on_any_class() -> None:
    for runtime_class in ("", "gvisor", "kata-qemu"):
        obj = pod(annotations={"dev.gvisor.flag.x": "1"}, runtimeClassName=runtime_class)
        decision = created(obj, within(strict("kata-qemu")))
        assert isinstance(decision, Deny)
        assert decision.message == (
            "policy tenants: annotation dev.gvisor.flag.x reconfigures the sandbox "
            "and is not allowed; leave the annotation out"
        )


def test_a_class_that_no_node_offers_is_assigned_with_a_warning() -> None:
    decision = created(pod(), within(cluster=cluster(node("a", "runc"))))
    assert isinstance(decision, Assign)
    assert decision.grounds.warnings == (
        "no Ready node that this pod may run on offers RuntimeClass gvisor",
    )


# 5. The findings


def test_what_is_degraded_is_warned_of_by_default() -> None:
    decision = created(running(), within())
    assert isinstance(decision, Assign)
    assert decision.grounds.verdict is Verdict.DEGRADED
    assert decision.grounds.warnings == (
        "container db: RuntimeClass gvisor runs postgresql badly: perf syscall-rate is limited",
    )


def test_what_is_degraded_is_refused_where_the_policy_says_so() -> None:
    decision = created(running(), within(strict()))
    assert isinstance(decision, Deny)
    assert decision.reason is Reason.RUNTIME_DEGRADED
    assert decision.message == (
        "policy tenants: RuntimeClass gvisor runs postgresql badly: perf syscall-rate is limited "
        "(container db); use runtimeClassName: kata-qemu\n"
        "  container db (docker.io/library/postgres:18): needs perf:syscall-rate; "
        "gVisor 20260817.0 has it in part (google/gvisor#88)"
    )


def test_a_class_asked_for_is_judged_like_the_default() -> None:
    assert outcome(created(running(runtimeClassName="gvisor"), within(strict()))) == (
        "deny",
        "RuntimeDegraded",
    )
    assert outcome(created(running(runtimeClassName="kata-qemu"), within(strict()))) == (
        "keep",
        "kata-qemu",
    )


def test_an_image_that_no_row_knows_has_no_needs() -> None:
    decision = created(running("x/unheard-of"), within(strict()))
    assert outcome(decision) == ("assign", "gvisor")
    assert not decision.grounds.recognised


def test_all_findings_are_in_the_answer() -> None:
    obj = running(hostNetwork=True, hostPID=True)
    decision = created(obj, within(strict()))
    assert [(j.finding.need.feature, j.action) for j in decision.grounds.findings] == [
        ("pod:hostNetwork", Action.DENY),
        ("perf:syscall-rate", Action.DENY),
        ("pod:hostPID", Action.WARN),
    ]


def test_the_reason_is_the_worst_verdicts() -> None:
    decision = created(running(hostNetwork=True), within(strict()))
    assert isinstance(decision, Deny)
    assert decision.reason is Reason.RUNTIME_INCOMPATIBLE
    assert [c.reason for c in decision.causes] == [
        Reason.RUNTIME_INCOMPATIBLE,
        Reason.RUNTIME_DEGRADED,
    ]


def test_a_pod_without_a_class_is_judged_on_the_nodes_runtime() -> None:
    governs = policy(governs=rules(classes(None), actions=DEGRADED_DENIED))
    slow = within(governs, compat=slow_on("runc"))
    decision = created(running(), slow)
    assert isinstance(decision, Deny)
    assert decision.message.partition("\n")[0] == (
        "policy tenants: the node's default runtime (runc) runs postgresql badly: "
        "perf syscall-rate is limited (container db); use runtimeClassName: gvisor or kata-qemu"
    )


# Suggestions


def suggested(decision: Decision) -> tuple[str, ...]:
    """The classes that a refusal advises."""
    assert isinstance(decision, Deny)
    return decision.grounds.suggestions


def test_at_most_three_classes_are_suggested() -> None:
    names = [f"kata_{i}" for i in range(9)]
    many = inventory(**{name: profile("kata", "4.1.0") for name in names})
    decision = created(pod(runtimeClassName="runc"), within(has=many))
    assert suggested(decision) == ("kata-0", "kata-1", "kata-2")


def test_a_class_of_which_nothing_is_known_is_not_suggested() -> None:
    governs = policy(governs=rules(classes("gvisor", "gvisor", "mystery")))
    decision = created(pod(runtimeClassName="runc"), within(governs))
    assert suggested(decision) == ("gvisor",)


def test_a_class_that_no_node_offers_is_not_suggested() -> None:
    known = cluster(node("a", "runsc"))
    decision = created(pod(runtimeClassName="runc"), within(cluster=known))
    assert suggested(decision) == ("gvisor",)


def test_where_no_node_offers_any_the_advice_says_so() -> None:
    decision = created(pod(runtimeClassName="runc"), within(cluster=cluster(node("a", "runc"))))
    assert isinstance(decision, Deny)
    assert decision.remedies == (
        "use runtimeClassName: gvisor or kata-qemu (no Ready node offers it now)",
    )


def half_known(*facts: Fact) -> Snapshot:
    """What gvisor is refused for, ``facts`` know of the other classes."""
    never = fact("pod:hostNetwork", Support.ABSENT)
    return within(policy(governs=rules(classes("gvisor", "gvisor", "kata-*", "runc"))),
                  compat=table(never, *facts))  # fmt: skip


def test_a_class_that_is_known_to_run_a_pod_is_suggested_before_one_that_is_not() -> None:
    runs = fact("pod:hostNetwork", Support.FULL, runtime="runc")
    decision = created(running(hostNetwork=True), half_known(runs))
    assert suggested(decision) == ("runc",)


def test_a_class_that_is_not_known_to_run_a_pod_is_suggested_as_such() -> None:
    absent = fact("pod:hostNetwork", Support.ABSENT, runtime="runc")
    decision = created(running(hostNetwork=True), half_known(absent))
    assert isinstance(decision, Deny)
    assert decision.remedies[0] == "use runtimeClassName: kata-qemu (not known to run it)"


def on_both(worse: str) -> Decision:
    """A pod that needs what gVisor lacks on the nodes of one architecture."""
    lacks = Conditions(arch=frozenset({worse}))
    rows = table(fact("syscall:bpf", Support.ABSENT, when=lacks), fact("syscall:bpf", Support.FULL))
    both = ("amd64", "arm64")
    nodes = [node(arch, "runsc", labels={"kubernetes.io/arch": arch}) for arch in both]
    obj = pod(annotations={"runtimegate.dev/needs": "syscall:bpf"})
    governs = policy(governs=rules(classes("gvisor", "gvisor")))
    return created(obj, within(governs, compat=rows, cluster=cluster(*nodes)))


@pytest.mark.parametrize(
    ("worse", "condition"), [("arm64", ""), ("amd64", ", if its images are built for others")]
)
def test_what_one_architecture_lacks_another_does_if_there_are_images_for_it(
    worse: str, condition: str
) -> None:
    decision = on_both(worse)
    assert isinstance(decision, Deny)
    assert decision.remedies[0] == (
        f"keep it off {worse} nodes, by a nodeSelector on kubernetes.io/arch{condition}"
    )


def test_what_a_bound_pods_own_node_does_not_offer_is_not_suggested() -> None:
    known = cluster(node("a", "runsc"), node("b", "kata-qemu"))
    decision = created(pod(runtimeClassName="runc", nodeName="b"), within(cluster=known))
    assert suggested(decision) == ("kata-qemu",)


def test_the_policys_own_preference_comes_first() -> None:
    governs = policy(
        governs=rules(classes("kata-qemu", "gvisor", "kata-qemu", fallback=("gvisor",)))
    )
    decision = created(pod(runtimeClassName="runc"), within(governs))
    assert suggested(decision) == ("kata-qemu", "gvisor")


def test_where_nothing_would_do_the_message_says_so() -> None:
    decision = created(pod(hostNetwork=True), within(strict()))
    assert isinstance(decision, Deny)
    assert decision.message.splitlines()[0].endswith(
        "; no RuntimeClass that this policy allows is known to run it: change the pod, or ask for "
        "an exemption"
    )


# A pod that is too much to be judged

TOO_MUCH: tuple[tuple[dict[str, Any], str], ...] = (
    (
        pod(containers=[container(f"c{i}") for i in range(1_001)]),
        "has more than 1000 containers",
    ),
    (
        pod(securityContext={"sysctls": [{"name": f"net.x{i}"} for i in range(5_001)]}),
        "uses more than 5000 features",
    ),
    (
        pod(containers=[container(command=["x"], args=["y"] * 20_000)]),
        "has more than 20000 arguments and variables",
    ),
    (
        pod(containers=[container(args=["x"], env=[{"name": "A", "value": "b"}] * 20_000)]),
        "has more than 20000 arguments and variables",
    ),
)


@pytest.mark.parametrize(("obj", "what"), TOO_MUCH, ids=lambda value: str(value)[-9:])
def test_a_pod_that_is_too_much_to_be_judged_is_refused(obj: dict[str, Any], what: str) -> None:
    decision = created(obj, within(strict("kata-qemu")))
    assert isinstance(decision, Deny)
    assert decision.reason is Reason.RUNTIME_UNVERIFIED
    assert decision.message == (
        f"policy tenants: the pod {what}: too many to be judged; make the pod smaller"
    )


HUGE = TOO_MUCH[2][0]


def test_a_policy_that_refuses_no_verdict_lets_a_huge_pod_by() -> None:
    harmless = policy(governs=rules(actions={Verdict.INCOMPATIBLE: Action.WARN}))
    assert outcome(created(HUGE, within(harmless))) == ("assign", "gvisor")


def test_an_exemption_from_every_finding_is_one_from_being_judged() -> None:
    every = policy(exemptions=[exemption("e", of=pods(), features=["*"])])
    assert outcome(created(HUGE, within(every))) == ("assign", "gvisor")


def test_a_huge_pod_of_the_past_can_be_labelled() -> None:
    old = {**HUGE, "spec": {**HUGE["spec"], "runtimeClassName": "gvisor"}}
    new = {**old, "metadata": {"name": "web", "labels": {"a": "b"}}}
    assert outcome(updated(old, new, within(strict()))) == ("keep", "gvisor")


def test_a_pod_does_not_become_huge_by_an_update() -> None:
    old = pod(runtimeClassName="gvisor")
    new = {**HUGE, "spec": {**HUGE["spec"], "runtimeClassName": "gvisor"}}
    assert outcome(updated(old, new, within(strict()))) == ("deny", "RuntimeUnverified")


def test_a_large_pod_is_judged_but_advised_nothing() -> None:
    large = pod(containers=[container(f"c{i}", "postgres") for i in range(1000)], hostPID=True)
    decision = created(large, within(strict()))
    assert isinstance(decision, Deny)
    assert decision.reason is Reason.RUNTIME_DEGRADED
    assert decision.message.splitlines()[-1] == "  and 26 more"


# 6. The fallback


def test_a_fallback_that_would_do_is_assigned_and_says_why() -> None:
    decision = created(running(), within(strict("kata-qemu")))
    assert isinstance(decision, Assign)
    assert decision.runtime_class == "kata-qemu"
    assert decision.grounds.notices == (
        (
            "policy tenants assigned runtimeClassName: kata-qemu, because RuntimeClass gvisor runs "
            "postgresql badly: perf syscall-rate is limited"
        ),
    )


def test_the_first_fallback_that_would_do_is_taken() -> None:
    known = inventory(
        gvisor=profile("gvisor", "20260817.0"),
        kata_a=profile("kata", "4.1.0"),
        kata_b=profile("kata", "4.1.0"),
    )
    decision = created(running(), within(strict("gvisor", "kata-b", "kata-a"), has=known))
    assert outcome(decision) == ("assign", "kata-b")


def test_a_fallback_that_would_be_refused_too_is_passed_over() -> None:
    slow = within(strict("kata-qemu"), compat=slow_on("gvisor", "kata"))
    assert outcome(created(running(), slow)) == ("deny", "RuntimeDegraded")


def test_a_fallback_that_is_not_allowed_is_passed_over() -> None:
    assert outcome(created(running(), within(strict("runc")))) == ("deny", "RuntimeDegraded")


def test_a_class_that_was_asked_for_has_no_fallback() -> None:
    asked = running(runtimeClassName="gvisor")
    assert outcome(created(asked, within(strict("kata-qemu")))) == ("deny", "RuntimeDegraded")


# Modes


@pytest.mark.parametrize("mode", [Mode.WARN, Mode.AUDIT])
@pytest.mark.parametrize("obj", [running(), pod(), pod(runtimeClassName="runc")])
def test_modes_warn_and_audit_change_and_refuse_nothing(mode: Mode, obj: dict[str, Any]) -> None:
    decision = created(obj, within(strict(mode=mode)))
    assert isinstance(decision, Keep)
    assert decision.would == created(obj, within(strict())) or isinstance(
        decision.would, Assign | Deny
    )


def test_mode_warn_says_what_enforce_would_assign() -> None:
    decision = created(pod(), within(strict(mode=Mode.WARN)))
    assert decision.grounds.warnings == (
        "policy tenants (mode warn) would assign runtimeClassName: gvisor",
    )


def test_mode_warn_says_what_enforce_would_refuse() -> None:
    decision = created(running(), within(strict(mode=Mode.WARN)))
    assert decision.grounds.warnings == (
        (
            "policy tenants (mode warn) would refuse this pod: RuntimeClass gvisor runs postgresql "
            "badly: perf syscall-rate is limited (container db); use runtimeClassName: kata-qemu"
        ),
    )


def test_mode_audit_says_nothing_to_the_author() -> None:
    decision = created(running(), within(strict(mode=Mode.AUDIT)))
    assert (decision.grounds.warnings, decision.grounds.notices) == ((), ())


@pytest.mark.parametrize(
    ("mode", "warnings"),
    [
        (
            Mode.WARN,
            (
                (
                    "container db: RuntimeClass gvisor runs postgresql badly: "
                    "perf syscall-rate is limited"
                ),
            ),
        ),
        (Mode.AUDIT, ()),
    ],
)
def test_a_pod_that_enforce_would_keep_is_kept_with_its_warnings_or_without(
    mode: Mode, warnings: tuple[str, ...]
) -> None:
    governs = policy(governs=rules(mode=mode))
    decision = created(running(runtimeClassName="gvisor"), within(governs))
    assert isinstance(decision, Keep)
    assert decision.would is None
    assert decision.grounds.warnings == warnings


# What validation sees


def stored(obj: dict[str, Any], among: Snapshot) -> Keep | Deny:
    """The decision on a pod as it would be stored."""
    return decide_stored(pod_view(obj), Operation(), among)


def test_a_pod_that_was_not_mutated_is_refused() -> None:
    decision = stored(pod(), snapshot())
    assert isinstance(decision, Deny)
    assert decision.reason is Reason.RUNTIME_CLASS_REQUIRED
    assert decision.message == (
        "policy tenants: the pod has no runtimeClassName although the policy assigns gvisor: "
        "the mutating webhook did not run; use runtimeClassName: gvisor"
    )
    assert [c.field_path for c in decision.causes] == ["spec.runtimeClassName"]


def test_a_pod_that_was_mutated_is_kept() -> None:
    assert outcome(stored(pod(runtimeClassName="gvisor"), snapshot())) == ("keep", "gvisor")


def test_what_is_refused_before_is_refused_when_stored() -> None:
    assert stored(running(), within(strict())) == created(running(), within(strict()))


def test_in_mode_warn_a_pod_that_was_not_mutated_is_kept() -> None:
    assert outcome(stored(pod(), within(strict(mode=Mode.WARN)))) == ("keep", "gvisor")


# UPDATE: only what changed

OLD_ON_RUNC = running()
"""A pod older than the policy: without a class, and with a database."""


def runc_slow(*policies: Policy) -> Snapshot:
    """Postgres is slow everywhere, so that every pod of the past is in the wrong."""
    return within(*policies or (strict(),), compat=slow_on("gvisor", "kata", "runc"))


@pytest.mark.parametrize(
    "new",
    [
        OLD_ON_RUNC,
        running(labels={"app": "db"}),
        running(annotations={"note": "x"}),
        running(tolerations=[{"operator": "Exists"}]),
        running(activeDeadlineSeconds=5),
    ],
)
def test_an_old_pod_that_nobody_made_worse_is_kept(new: dict[str, Any]) -> None:
    assert outcome(updated(OLD_ON_RUNC, new, runc_slow())) == ("keep", None)


def test_a_finalizer_can_be_removed_from_an_old_pod() -> None:
    old = running()
    old["metadata"]["finalizers"] = ["example.com/x"]
    assert outcome(updated(old, running(), runc_slow())) == ("keep", None)


def test_an_update_never_assigns() -> None:
    assert outcome(updated(pod(), pod(labels={"a": "b"}))) == ("keep", None)


def test_a_new_image_that_the_runtime_cannot_run_is_refused() -> None:
    old, new = running("nginx", runtimeClassName="gvisor"), running(runtimeClassName="gvisor")
    decision = updated(old, new, within(strict()))
    assert isinstance(decision, Deny)
    assert decision.reason is Reason.RUNTIME_DEGRADED


def test_another_release_of_an_application_that_was_there_is_no_worse() -> None:
    old = running("postgres:17", runtimeClassName="gvisor")
    new = running("postgres:18", runtimeClassName="gvisor")
    assert outcome(updated(old, new, within(strict()))) == ("keep", "gvisor")


def test_an_ephemeral_container_that_the_runtime_cannot_run_is_refused() -> None:
    old = pod(runtimeClassName="gvisor")
    new = pod(runtimeClassName="gvisor", ephemeralContainers=[container("debug", "postgres")])
    decision = updated(old, new, within(strict()))
    assert isinstance(decision, Deny)
    assert decision.message.splitlines()[-1] == (
        "  container debug (docker.io/library/postgres): needs perf:syscall-rate; "
        "gVisor 20260817.0 has it in part (google/gvisor#88)"
    )


def test_an_ephemeral_container_that_runs_is_kept() -> None:
    old = pod(runtimeClassName="gvisor")
    new = pod(runtimeClassName="gvisor", ephemeralContainers=[container("debug", "busybox")])
    assert outcome(updated(old, new, within(strict()))) == ("keep", "gvisor")


SANDBOX_FLAG = {"dev.gvisor.flag.x": "1"}


@pytest.mark.parametrize("before", [{}, {"dev.gvisor.flag.x": "0"}])
def test_a_reconfiguring_annotation_that_is_new_or_changed_is_refused(
    before: dict[str, str],
) -> None:
    old = pod(runtimeClassName="gvisor", annotations=before)
    new = pod(runtimeClassName="gvisor", annotations=SANDBOX_FLAG)
    assert outcome(updated(old, new)) == ("deny", "RuntimeAnnotationNotAllowed")


def test_a_reconfiguring_annotation_that_was_there_is_kept() -> None:
    old = pod(runtimeClassName="gvisor", annotations=SANDBOX_FLAG)
    new = pod(runtimeClassName="gvisor", annotations={**SANDBOX_FLAG, "a": "b"})
    assert outcome(updated(old, new)) == ("keep", "gvisor")


AGENT_ON_RUNC = within(policy(exemptions=[exemption("e", "runc", "", of=pods("*/agent"))]))


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"runtimeClassName": "runc"}, "RuntimeClassNotAllowed"),
        ({}, "RuntimeClassRequired"),
    ],
)
def test_an_exempt_image_opens_no_class_for_the_image_put_in_its_place(
    spec: dict[str, Any], reason: str
) -> None:
    old, new = running("x/agent:1", **spec), running("x/evil", **spec)
    assert outcome(updated(old, new, AGENT_ON_RUNC)) == ("deny", reason)


def test_an_exempt_image_opens_no_class_for_an_ephemeral_container() -> None:
    old = running("x/agent", runtimeClassName="runc")
    new = running(
        "x/agent", runtimeClassName="runc", ephemeralContainers=[container("debug", "x/evil")]
    )
    assert outcome(updated(old, new, AGENT_ON_RUNC)) == ("deny", "RuntimeClassNotAllowed")


def test_an_exempt_pod_may_get_another_exempt_image() -> None:
    old = running("x/agent:1", runtimeClassName="runc")
    new = running("x/agent:2", runtimeClassName="runc")
    assert outcome(updated(old, new, AGENT_ON_RUNC)) == ("keep", "runc")


@pytest.mark.parametrize("spec", [{"runtimeClassName": "runc"}, {}])
def test_a_pod_older_than_the_policy_can_still_be_debugged(spec: dict[str, Any]) -> None:
    old = running("nginx", **spec)
    new = running("nginx", **spec, ephemeralContainers=[container("debug", "busybox")])
    assert outcome(updated(old, new))[0] == "keep"


def test_an_exemption_by_label_and_image_is_not_shed_in_two_steps() -> None:
    by_both = exemption("e", "runc", of=pods("*/agent", labels={"app": "agent"}))
    among = within(policy(exemptions=[by_both]))
    labelled = running("x/agent", runtimeClassName="runc", labels={"app": "agent"})
    bare = running("x/agent", runtimeClassName="runc")
    evil = running("x/evil", runtimeClassName="runc")
    assert outcome(updated(labelled, bare, among)) == ("keep", "runc")
    assert outcome(updated(bare, evil, among)) == ("deny", "RuntimeClassNotAllowed")


def debugged(
    *, image: str = "x/agent", labels: dict[str, str] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A pod on runc before and after a debug container of nobody's image is put into it."""
    old = running(image, runtimeClassName="runc", labels=labels or {})
    debug = [container("debug", "x/evil")]
    new = running(image, runtimeClassName="runc", labels=labels or {}, ephemeralContainers=debug)
    return old, new


BY_IMAGE_AND_LABEL = within(
    policy(exemptions=[exemption("e", "runc", of=pods("*/agent", labels={"app": "agent"}))])
)


@pytest.mark.parametrize("labels", [{"app": "agent"}, {"app": "other"}, {}])
def test_a_label_shed_opens_no_class_for_a_debug_container(labels: dict[str, str]) -> None:
    old, new = debugged(labels=labels)
    assert outcome(updated(old, new, BY_IMAGE_AND_LABEL)) == ("deny", "RuntimeClassNotAllowed")


def test_an_old_pod_unlike_any_exempt_one_can_still_be_debugged() -> None:
    old, new = debugged(image="x/other")
    assert outcome(updated(old, new, BY_IMAGE_AND_LABEL)) == ("keep", "runc")


def test_an_old_pod_can_be_debugged_where_labels_alone_exempt() -> None:
    old, new = debugged()
    by_label = within(policy(exemptions=[exemption("e", "runc", of=pods(labels={"app": "agent"}))]))
    assert outcome(updated(old, new, by_label)) == ("keep", "runc")


def test_an_exemption_that_is_over_opens_no_class_for_a_debug_container() -> None:
    old, new = debugged()
    over = exemption("e", "runc", of=pods("*/agent"), expires=TODAY - timedelta(days=1))
    among = within(policy(exemptions=[over]))
    assert outcome(updated(old, new, among)) == ("deny", "RuntimeClassNotAllowed")


def test_an_exemption_from_findings_says_nothing_of_the_class_of_an_old_pod() -> None:
    old, new = debugged()
    from_features = exemption("e", of=pods("*/agent"), features=["*"])
    among = within(policy(exemptions=[from_features]))
    assert outcome(updated(old, new, among)) == ("keep", "runc")


def test_where_no_class_is_demanded_an_unset_pod_may_get_a_new_image() -> None:
    among = within(policy(governs=rules(classes(None))))
    assert outcome(updated(running("x/a"), running("x/b"), among)) == ("keep", None)


def test_a_label_that_ends_an_exemption_refuses_nothing() -> None:
    labelled = exemption("e", of=pods(labels={"app": "agent"}), features=["pod:hostNetwork"])
    among = within(policy(exemptions=[labelled]))
    old = pod(runtimeClassName="gvisor", hostNetwork=True, labels={"app": "agent"})
    new = pod(runtimeClassName="gvisor", hostNetwork=True)
    assert outcome(updated(old, new, among)) == ("keep", "gvisor")


def test_an_update_without_the_old_pod_is_judged_whole() -> None:
    obj = pod_view(pod(runtimeClassName="gvisor", annotations=SANDBOX_FLAG, hostNetwork=True))
    decision = decide(obj, Operation(change=Change.UPDATE), within(strict()))
    assert isinstance(decision, Deny)
    assert [c.reason for c in decision.causes] == [
        Reason.RUNTIME_ANNOTATION_NOT_ALLOWED,
        Reason.RUNTIME_INCOMPATIBLE,
    ]


def test_an_update_on_an_undeclared_class_finds_nothing() -> None:
    old = running("nginx", runtimeClassName="kata-x")
    assert outcome(updated(old, running(runtimeClassName="kata-x"), within(strict()))) == (
        "keep",
        "kata-x",
    )


# The namespace

BY_LABEL = policy(
    namespaces=NamespaceSelector(selector=LabelSelector(match_labels={"tier": "tenant"}))
)


def test_a_namespace_is_governed_by_its_labels() -> None:
    known = cluster(namespaces={"tenant-a": ({"tier": "tenant"}, {})})
    assert outcome(created(pod(), within(BY_LABEL, cluster=known))) == ("assign", "gvisor")


def test_a_namespace_that_is_not_known_has_no_labels() -> None:
    assert outcome(created(pod(), within(BY_LABEL)))[0] == "keep"


def test_a_live_cluster_is_asked_for_a_namespace_that_a_policy_needs() -> None:
    assert lacks_namespace("tenant-a", within(BY_LABEL, cluster=cluster(live=True)))


@pytest.mark.parametrize(
    "among",
    [
        within(BY_LABEL, cluster=cluster()),
        within(BY_LABEL, cluster=cluster(live=True, namespaces={"tenant-a": ({}, {})})),
        within(cluster=cluster(live=True)),
    ],
)
def test_nobody_is_asked_where_nothing_is_missing(among: Snapshot) -> None:
    assert not lacks_namespace("tenant-a", among)


def test_nobody_is_asked_for_an_excluded_namespace() -> None:
    assert not lacks_namespace("kube-system", within(BY_LABEL, cluster=cluster(live=True)))
