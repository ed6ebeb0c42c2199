"""How pods stand: each state, what makes it, and what it is not."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.build import (
    TODAY,
    application,
    classes,
    cluster,
    container,
    exemption,
    fact,
    inventory,
    pod,
    pod_view,
    pods,
    policy,
    profile,
    rules,
    snapshot,
    table,
)  # fmt: skip
from webhook.core.audit import (
    FAILING,
    MEANINGS,
    RANK,
    Assessment,
    State,
    assess,
    standpoint,
)
from webhook.core.names import ASSIGNED_BY, MIRROR_POD, Action, Mode, Strength, Support, Verdict
from webhook.core.policy import LabelSelector, NamespaceSelector
from webhook.core.snapshot import Snapshot

YESTERDAY = TODAY - timedelta(days=1)
GATE = {ASSIGNED_BY: "tenants"}
LACKS = table(
    fact("pod:hostNetwork"),
    *(fact("pod:hostNetwork", Support.FULL, runtime=runtime) for runtime in ("kata", "runc")),
    fact("perf:syscall-rate", Support.PARTIAL),
    applications=[application(needs=[("perf:syscall-rate", Strength.REQUIRED)])],
)
AGENT: dict[str, Any] = {"serviceAccountName": "node-agent"}


def stands(
    within: Snapshot | None = None, *, runs: bool = True, whole: bool = False, **tweak: Any
) -> Assessment:
    obj = pod(**tweak)
    at = standpoint(within or snapshot(compat=LACKS), whole=whole)
    return assess(pod_view(obj), runs=runs, at=at)


def test_a_pod_on_the_class_that_the_gate_gave_it_is_as_demanded() -> None:
    found = stands(runtimeClassName="gvisor", annotations=GATE)
    assert found.states == (State.COMPLIANT,)
    assert (found.anew.decision, found.anew.runtime_class) == ("assign", "gvisor")
    assert found.runtime_class == "gvisor"


def test_a_pod_on_another_allowed_class_of_its_own_choice_is_as_demanded() -> None:
    assert stands(runtimeClassName="kata-qemu").states == (State.COMPLIANT,)


def test_a_pod_without_a_class_is_unassigned_and_would_get_one() -> None:
    found = stands()
    assert found.states == (State.UNASSIGNED,)
    assert (found.anew.decision, found.anew.runtime_class) == ("assign", "gvisor")


def test_a_template_without_a_class_is_not_unassigned_for_its_pods_will_not_be() -> None:
    assert stands(runs=False).states == (State.COMPLIANT,)


def test_a_template_without_a_class_where_one_is_demanded_and_none_given_is() -> None:
    demanding = snapshot(policy(governs=rules(classes(None, "gvisor", required=True))))
    found = stands(demanding, runs=False)
    assert found.states == (State.UNASSIGNED,)
    assert found.anew.refused


def test_a_class_that_the_policy_does_not_allow_is_another_runtime() -> None:
    found = stands(runtimeClassName="runc")
    assert found.states == (State.OTHER_RUNTIME,)
    assert found.anew.reason == "RuntimeClassNotAllowed"
    assert found.anew.suggestions == ("gvisor", "kata-qemu")


def test_a_class_that_the_gate_would_not_give_again_is_another_runtime() -> None:
    found = stands(runtimeClassName="kata-qemu", annotations=GATE)
    assert found.states == (State.OTHER_RUNTIME,)
    assert (found.anew.decision, found.anew.runtime_class) == ("assign", "gvisor")
    assert not found.anew.refused


def test_a_class_that_the_gate_gave_and_the_policy_only_allows_by_now_is_not() -> None:
    free = snapshot(policy(governs=rules(classes(None, "*"))))
    assert stands(free, runtimeClassName="gvisor", annotations=GATE).states == (State.COMPLIANT,)


def test_a_class_that_means_another_handler_in_the_cluster_is_another_runtime() -> None:
    fooled = snapshot(cluster=cluster(handlers={"gvisor": "runc"}))
    found = stands(fooled, runtimeClassName="gvisor", annotations=GATE)
    assert found.states == (State.OTHER_RUNTIME,)
    assert found.anew.reason == "HandlerMismatch"


def test_a_class_that_is_no_longer_there_is_another_runtime() -> None:
    gone = snapshot(cluster=cluster(handlers={"runc": "runc"}))
    assert stands(gone, runtimeClassName="gvisor").states == (State.OTHER_RUNTIME,)


def test_what_the_runtime_lacks_makes_a_pod_incompatible() -> None:
    found = stands(runtimeClassName="gvisor", hostNetwork=True)
    assert found.states == (State.INCOMPATIBLE,)
    (finding,) = found.findings
    assert (finding.feature, finding.now, finding.anew) == ("pod:hostNetwork", True, True)
    assert finding.summary == "hostNetwork is not supported"


def test_an_unassigned_pod_is_told_what_the_runtime_that_it_would_get_lacks() -> None:
    found = stands(hostNetwork=True)
    assert found.states == (State.INCOMPATIBLE, State.UNASSIGNED)
    (finding,) = found.findings
    assert (finding.runtime_class, finding.now, finding.anew) == ("gvisor", False, True)


def test_what_the_runtime_does_badly_makes_a_pod_degraded() -> None:
    found = stands(runtimeClassName="gvisor", containers=[container(image="postgres:17")])
    assert found.states == (State.DEGRADED,)
    assert not found.anew.refused
    assert found.recognised


def test_findings_that_the_policy_ignores_are_told_and_make_no_state() -> None:
    lenient = policy(governs=rules(actions={Verdict.DEGRADED: Action.IGNORE}))
    database = [container(image="postgres:17")]
    within = snapshot(lenient, compat=LACKS)
    found = stands(within, runtimeClassName="gvisor", containers=database)
    assert found.states == (State.COMPLIANT,)
    assert [finding.feature for finding in found.findings] == ["perf:syscall-rate"]


def test_a_security_field_that_the_runtime_ignores_is_a_state_of_its_own() -> None:
    deaf = table(fact("pod:appArmorProfile", Support.IGNORED))
    profiled = {"appArmorProfile": {"type": "Localhost", "localhostProfile": "strict"}}
    found = stands(snapshot(compat=deaf), runtimeClassName="gvisor", securityContext=profiled)
    assert found.states == (State.IGNORED_SECURITY,)


def test_a_class_that_nobody_described_is_unknown() -> None:
    anything = policy(governs=rules(classes("gvisor", "*")))
    assert stands(snapshot(anything), runtimeClassName="fast").states == (State.UNKNOWN,)


def test_a_class_that_nobody_described_is_not_where_the_policy_does_not_mind() -> None:
    easy = rules(classes("gvisor", "*"), actions={Verdict.UNKNOWN: Action.IGNORE})
    found = stands(snapshot(policy(governs=easy)), runtimeClassName="fast")
    assert found.states == (State.COMPLIANT,)


def test_an_annotation_that_reconfigures_the_sandbox_is_a_state_of_its_own() -> None:
    found = stands(runtimeClassName="gvisor", annotations={"dev.gvisor.flag.debug": "true"})
    assert found.states == (State.RECONFIGURED,)


def exempt(expires: date | None = None, **fields: Any) -> Snapshot:
    fields = fields or {"features": ["pod:hostNetwork"]}
    by = exemption("node-agent", "", "runc", of=pods(service_accounts=["node-agent"]),
                   expires=expires, **fields)  # fmt: skip
    return snapshot(policy(exemptions=[by]), compat=LACKS)


@pytest.mark.parametrize(
    "tweak",
    [
        {"runtimeClassName": "gvisor", "hostNetwork": True},
        {"runtimeClassName": "runc"},
        {},
    ],
    ids=["a finding left out", "a class permitted", "no class permitted"],
)
def test_what_an_exemption_clears_is_exempt(tweak: dict[str, Any]) -> None:
    found = stands(exempt(), **AGENT, **tweak)
    assert found.states == (State.EXEMPT,)
    assert [e.name for e in found.exemptions] == ["node-agent"]


def test_an_exemption_that_is_not_needed_does_not_make_a_pod_exempt() -> None:
    assert stands(exempt(), **AGENT, runtimeClassName="gvisor").states == (State.COMPLIANT,)


def test_what_an_exemption_does_not_clear_counts_beside_it() -> None:
    found = stands(exempt(), **AGENT, hostNetwork=True, annotations={"dev.gvisor.x": "1"})
    assert found.states == (State.RECONFIGURED, State.EXEMPT)


def test_the_end_of_an_exemption_is_the_first_thing_to_say() -> None:
    found = stands(exempt(YESTERDAY), **AGENT, runtimeClassName="gvisor", hostNetwork=True)
    assert found.states == (State.EXPIRED, State.INCOMPATIBLE)
    assert [e.name for e in found.ended] == ["node-agent"]
    assert not found.exemptions


def test_an_exemption_counts_on_its_last_day() -> None:
    found = stands(exempt(TODAY), **AGENT, runtimeClassName="gvisor", hostNetwork=True)
    assert found.states == (State.EXEMPT,)


def test_an_exemption_that_ended_and_is_not_missed_is_nothing() -> None:
    found = stands(exempt(YESTERDAY), **AGENT, runtimeClassName="gvisor")
    assert found.states == (State.COMPLIANT,)
    assert not found.ended


def test_an_ended_exemption_that_would_not_help_is_nothing() -> None:
    found = stands(exempt(YESTERDAY, features=["pod:hostPID"]), **AGENT, hostNetwork=True,
                   runtimeClassName="gvisor")  # fmt: skip
    assert found.states == (State.INCOMPATIBLE,)


@pytest.mark.parametrize("mode", [Mode.WARN, Mode.AUDIT])
def test_the_mode_of_a_policy_changes_no_state(mode: Mode) -> None:
    mild = snapshot(policy(governs=rules(mode=mode)), compat=LACKS)
    found = stands(mild, runtimeClassName="runc")
    assert (found.states, found.mode) == ((State.OTHER_RUNTIME,), mode)
    assert found.anew.refused


def test_where_no_policy_matches_nothing_is_governed() -> None:
    found = stands(snapshot(policy("others", "other-*")), runtimeClassName="runc")
    assert found.states == (State.NOT_GOVERNED,)
    assert found.why == "no policy matches the namespace"


def test_a_windows_pod_is_not_governed() -> None:
    assert stands(os={"name": "windows"}).why == "a Windows pod"


def test_a_mirror_pod_on_its_node_is_not_governed() -> None:
    found = stands(annotations={MIRROR_POD: "abc"}, nodeName="worker-1")
    assert (found.states, found.why) == ((State.NOT_GOVERNED,), "a mirror pod of its node")


def test_a_pod_that_is_bound_is_judged_for_every_node_that_fits() -> None:
    bound = stands(runtimeClassName="gvisor", annotations=GATE, nodeName="worker-1")
    free = stands(runtimeClassName="gvisor", annotations=GATE)
    assert bound == free


def test_a_namespace_whose_labels_are_not_known_is_unknown_where_policies_read_them() -> None:
    chosen = NamespaceSelector(selector=LabelSelector(match_labels={"tier": "strict"}))
    by_label = snapshot(policy(namespaces=chosen), cluster=cluster())
    assert stands(by_label, whole=True).states == (State.UNKNOWN,)
    assert stands(by_label, whole=False).states == (State.NOT_GOVERNED,)
    by_name = snapshot(policy(), cluster=cluster())
    assert stands(by_name, whole=True).states == (State.UNASSIGNED,)


def test_an_excluded_namespace_is_not_governed_though_nothing_is_known_of_it() -> None:
    at = standpoint(snapshot(policy("all", "*"), cluster=cluster()), whole=True)
    found = assess(pod_view(namespace="kube-system"), runs=True, at=at)
    assert (found.states, found.why) == ((State.NOT_GOVERNED,), "the namespace is excluded")


def test_a_class_that_the_gate_gave_and_nobody_describes_any_more_is_unknown_too() -> None:
    found = stands(runtimeClassName="fast", annotations=GATE)
    assert found.states == (State.OTHER_RUNTIME, State.UNKNOWN)


def test_a_fallback_that_would_be_chosen_again_is_as_demanded() -> None:
    falls = rules(classes("gvisor", "gvisor", "kata-*", fallback=("kata-qemu",)))
    within = snapshot(policy(governs=falls), compat=LACKS)
    found = stands(within, runtimeClassName="kata-qemu", annotations=GATE, hostNetwork=True)
    assert found.states == (State.COMPLIANT,)


def test_every_state_has_one_meaning_and_the_failing_ones_come_first() -> None:
    assert list(MEANINGS) == list(State)
    assert len({meaning.definition for meaning in MEANINGS.values()}) == len(State)
    assert {state for state in State if RANK[state] < len(FAILING)} == FAILING


TWEAKS = st.fixed_dictionaries(
    {},
    optional={
        "runtimeClassName": st.sampled_from(["gvisor", "kata-qemu", "runc", "fast", ""]),
        "hostNetwork": st.booleans(),
        "serviceAccountName": st.sampled_from(["node-agent", "other"]),
        "annotations": st.sampled_from([GATE, {"dev.gvisor.x": "1"}, {MIRROR_POD: "1"}]),
        "nodeName": st.sampled_from(["worker-1", ""]),
        "containers": st.sampled_from([[container(image="postgres:17")], [container()]]),
    },
)


@given(TWEAKS, st.sampled_from(list(Mode)), st.booleans(), st.sampled_from([YESTERDAY, None]))
def test_every_pod_stands_somehow_and_a_refusal_is_never_as_demanded(
    tweak: dict[str, Any], mode: Mode, runs: bool, expires: date | None
) -> None:
    within = exempt(expires)
    (governs,) = within.policies.policies
    mild = replace(governs, rules=replace(governs.rules, mode=mode))
    found = stands(snapshot(mild, compat=LACKS, has=inventory()), runs=runs, **tweak)
    assert list(found.states) == sorted(set(found.states), key=RANK.__getitem__)
    if len(found.states) > 1:
        assert State.COMPLIANT not in found.states
        assert State.NOT_GOVERNED not in found.states
    if found.anew.refused:
        assert found.states[0] not in {State.COMPLIANT, State.EXEMPT, State.NOT_GOVERNED}
    assert bool(found.ended) == (State.EXPIRED in found.states)
    assert bool(found.exemptions) == (State.EXEMPT in found.states)


def test_an_unknown_release_is_told_without_one() -> None:
    vague = inventory(gvisor=profile("gvisor", handler="runsc"))
    found = stands(snapshot(compat=LACKS, has=vague), runtimeClassName="gvisor", hostNetwork=True)
    assert [finding.version for finding in found.findings] == [None]
