"""What differs for a pod between two snapshots: one row a kind, and its mirror."""

from typing import Any

import pytest

from tests.build import classes, exemption, fact, override, pod, pod_view, policy, rules, table
from tests.build import snapshot as build
from webhook.core.decision import CREATE
from webhook.core.difference import Kind, Outcome, Refused, kinds, outcome
from webhook.core.names import Action, Mode, Support, Verdict
from webhook.core.pod import PodView
from webhook.core.policy import Policy
from webhook.core.snapshot import Snapshot
from webhook.core.workload import pod_templates

FACTS = table(fact("pod:hostNetwork"))
POD = pod_view(pod(hostNetwork=True))
PLAIN = pod_view()


def snapshot(*policies: Policy, **fields: Any) -> Snapshot:
    return build(*policies, compat=FACTS, **fields)


def under(pod: PodView, **fields: Any) -> Outcome:
    """The outcome under a policy tenants of these rules."""
    return outcome(pod, CREATE, snapshot(policy(governs=rules(**fields))))


WARN = {Verdict.INCOMPATIBLE: Action.WARN}
KATA = classes("kata-qemu")
DENIED, WARNED = under(POD), under(POD, actions=WARN)
TRIED = under(POD, mode=Mode.WARN)
ON_KATA = under(PLAIN, runtime_classes=KATA)
ON_GVISOR = under(PLAIN)
REQUIRED = rules(classes(None, "runc", required=True))
NEEDS_A_CLASS = outcome(POD, CREATE, snapshot(policy(governs=REQUIRED)))
OTHERWISE = [[Kind.REFUSAL_CHANGED, Kind.VERDICT_CHANGED]] * 2
IGNORE = rules(actions={Verdict.INCOMPATIBLE: Action.IGNORE})
IGNORED = outcome(POD, CREATE, snapshot(policy(governs=IGNORE)))
SUPPORTED = table(fact("pod:hostNetwork", Support.FULL))
IGNORED_AND_FINE = outcome(POD, CREATE, build(policy(governs=IGNORE), compat=SUPPORTED))


@pytest.mark.parametrize(
    ("before", "after", "there", "back"),
    [
        (
            WARNED, DENIED,
            [Kind.NEWLY_REFUSED], [Kind.NEWLY_ALLOWED],
        ),
        (ON_GVISOR, ON_KATA, [Kind.CLASS_CHANGED], [Kind.CLASS_CHANGED]),
        (DENIED, NEEDS_A_CLASS, *OTHERWISE), (NEEDS_A_CLASS, DENIED, *OTHERWISE),
        (
            DENIED, under(POD, runtime_classes=KATA),
            [Kind.NEWLY_ALLOWED, Kind.VERDICT_CHANGED], [Kind.NEWLY_REFUSED, Kind.VERDICT_CHANGED],
        ),
        (
            under(PLAIN, mode=Mode.AUDIT), under(PLAIN, mode=Mode.AUDIT, runtime_classes=KATA),
            [Kind.TRIAL_CHANGED], [Kind.TRIAL_CHANGED],
        ),
        (
            under(POD, actions={Verdict.INCOMPATIBLE: Action.AUDIT}), WARNED,
            [Kind.WARNINGS_CHANGED], [Kind.WARNINGS_CHANGED],
        ),
        (
            ON_GVISOR, outcome(PLAIN, CREATE, snapshot(policy("others"))),
            [Kind.POLICY_CHANGED], [Kind.POLICY_CHANGED],
        ),
        (IGNORED, IGNORED_AND_FINE, [Kind.VERDICT_CHANGED], [Kind.VERDICT_CHANGED]),
    ],
)  # fmt: skip
def test_each_kind_and_its_way_back(
    before: Outcome, after: Outcome, there: list[Kind], back: list[Kind]
) -> None:
    assert (list(kinds(before, after)), list(kinds(after, before))) == (there, back)
    assert kinds(before, before) == kinds(after, after) == ()


def test_a_trial_refuses_nothing_and_says_what_enforce_would() -> None:
    assert (TRIED.refused, TRIED.trial, TRIED.runtime_class) == (Refused.NOTHING, True, None)
    assert TRIED.enforced.refuses
    assert list(kinds(TRIED, DENIED)) == [Kind.NEWLY_REFUSED, Kind.POLICY_CHANGED]
    assert kinds(WARNED, TRIED)[0] is Kind.CLASS_CHANGED


def test_an_override_and_an_exemption_are_told_where_they_change_nothing_else() -> None:
    same = override(of=override().pods, governs=rules())
    database = pod_view(pod(containers=[{"name": "db", "image": "postgres:17"}]))
    plain, overridden = snapshot(policy()), snapshot(policy(overrides=[same]))
    assert kinds(outcome(database, CREATE, plain), outcome(database, CREATE, overridden)) == (
        Kind.POLICY_CHANGED,
    )
    agent = pod_view(pod(serviceAccountName="node-agent"))
    exempt = snapshot(policy(exemptions=[exemption("node-agent", "runc")]))
    assert kinds(outcome(agent, CREATE, plain), outcome(agent, CREATE, exempt)) == (
        Kind.POLICY_CHANGED,
    )


def test_the_headline_leaves_out_the_policy_and_the_message_is_whole() -> None:
    assert DENIED.enforced.headline.startswith("RuntimeClass gvisor cannot run this pod: ")
    assert DENIED.message.startswith("policy tenants: RuntimeClass gvisor cannot run this pod: ")
    assert DENIED.enforced.suggestions == ("kata-qemu",)


def test_a_pod_and_its_template_differ_in_nothing() -> None:
    (template,) = pod_templates(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {"template": pod(name="other", hostNetwork=True)},
        },
        namespace="tenant-a",
    )
    of_template = outcome(template, CREATE, snapshot(), of_workload=True)
    assert of_template == DENIED
    assert hash(of_template) == hash(DENIED)
    assert of_template.message != DENIED.message


@pytest.mark.parametrize("of_workload", [True, False])
def test_a_workload_is_refused_itself_where_the_policy_says_so(of_workload: bool) -> None:
    strict = snapshot(policy(governs=rules(workloads=Action.DENY)))
    after = outcome(POD, CREATE, strict, of_workload=of_workload)
    assert after.refused is (Refused.WORKLOAD if of_workload else Refused.PODS)
    assert kinds(DENIED, after) == ((Kind.NEWLY_REFUSED,) if of_workload else ())
    assert kinds(after, DENIED) == ((Kind.NEWLY_ALLOWED,) if of_workload else ())


def test_what_no_policy_governs_has_no_verdict() -> None:
    outside = outcome(POD, CREATE, snapshot(policy("others", "other-*")))
    assert (outside.policy, outside.verdict, outside.decision) == (None, None, "keep")
    assert kinds(outside, DENIED) == (Kind.NEWLY_REFUSED, Kind.POLICY_CHANGED)
