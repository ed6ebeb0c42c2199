"""What holds of every decision, whatever the pod and whatever the policies."""

import copy
from contextlib import suppress
from dataclasses import replace
from typing import Any

import jsonpatch
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.laws.strategies import (
    LABELS,
    NAMESPACES,
    containers,
    junk,
    operations,
    raw_pods,
    snapshots,
)
from webhook.core.compat import CompatTable
from webhook.core.decision import (
    Assign,
    Change,
    Decision,
    Deny,
    Keep,
    Operation,
    decide,
    decide_stored,
    governing_policy,
    no_warnings,
)
from webhook.core.names import ASSIGNED_BY, Mode
from webhook.core.pod import PodShapeError, PodView, view_pod
from webhook.core.policy import PolicySet
from webhook.core.snapshot import Snapshot
from webhook.core.trial import open_case
from webhook.core.workload import pod_templates
from webhook.wire.patch import json_patch

namespaces = st.sampled_from(NAMESPACES)
enforcing = snapshots(st.just(Mode.ENFORCE))


def view(obj: dict[str, Any], namespace: str) -> PodView:
    """The view of a pod object that has a spec."""
    return view_pod(obj["spec"], obj.get("metadata"), namespace=namespace)


def patched(obj: dict[str, Any], decision: Decision) -> dict[str, Any]:
    """The pod as the API server has it after the patch."""
    changed = jsonpatch.apply_patch(obj, json_patch(decision, obj))
    assert isinstance(changed, dict)
    return changed


@given(junk, junk)
def test_anything_is_a_pod_or_refused_as_none(spec: Any, metadata: Any) -> None:
    with suppress(PodShapeError):
        assert view_pod(spec, metadata, namespace="tenant-a").containers


@given(raw_pods(), namespaces, operations(), snapshots())
def test_decide_is_total_and_deterministic(
    obj: dict[str, Any], namespace: str, operation: Operation, within: Snapshot
) -> None:
    before = copy.deepcopy(obj)
    first = decide(view(obj, namespace), operation, within)
    assert decide(view(obj, namespace), operation, within) == first
    assert decide(view(obj, namespace), operation, unremembered(within)) == first
    assert obj == before


@given(raw_pods(), namespaces, operations(), snapshots())
def test_what_is_warned_of_decides_nothing(
    obj: dict[str, Any], namespace: str, operation: Operation, within: Snapshot
) -> None:
    warned = decide(view(obj, namespace), operation, within)
    silent = decide(view(obj, namespace), operation, within, warn=no_warnings)
    assert without_warnings(silent) == without_warnings(warned)


def without_warnings(decision: Decision) -> Decision:
    """The decision, and what enforce would have decided, without their warnings."""
    decision = replace(decision, grounds=replace(decision.grounds, warnings=()))
    if isinstance(decision, Keep) and decision.would is not None:
        return replace(decision, would=without_warnings(decision.would))  # type: ignore[arg-type]  # what would be has none itself
    return decision


def unremembered(within: Snapshot) -> Snapshot:
    """The same snapshot, of which nothing has been remembered yet."""
    table = within.compat
    return replace(
        within,
        policies=PolicySet(within.policies.policies),
        compat=CompatTable(
            facts=table.facts,
            applications=table.catalogue.applications,
            releases=table.releases,
            version=table.version,
        ),
        cluster=replace(within.cluster),
    )


@given(raw_pods(), raw_pods(), namespaces, snapshots())
def test_an_update_never_assigns(
    old: dict[str, Any], new: dict[str, Any], namespace: str, within: Snapshot
) -> None:
    operation = Operation(change=Change.UPDATE, old=view(old, namespace))
    assert not isinstance(decide(view(new, namespace), operation, within), Assign)


@given(raw_pods(), namespaces, snapshots(), st.sampled_from(LABELS))
def test_an_update_of_labels_alone_is_never_refused(
    old: dict[str, Any], namespace: str, within: Snapshot, labels: dict[str, str]
) -> None:
    before = view(old, namespace)
    operation = Operation(change=Change.UPDATE, old=before)
    assert isinstance(decide(replace(before, labels=labels), operation, within), Keep)


@given(raw_pods(), namespaces, operations(), snapshots())
def test_a_patched_pod_is_kept(
    obj: dict[str, Any], namespace: str, operation: Operation, within: Snapshot
) -> None:
    decision = decide(view(obj, namespace), operation, within)
    if not isinstance(decision, Assign):
        return
    again = decide(view(patched(obj, decision), namespace), operation, within)
    assert isinstance(again, Keep)


@given(raw_pods(), namespaces, operations(), snapshots())
def test_validation_of_the_patched_pod_agrees(
    obj: dict[str, Any], namespace: str, operation: Operation, within: Snapshot
) -> None:
    decision = decide(view(obj, namespace), operation, within)
    stored = decide_stored(view(patched(obj, decision), namespace), operation, within)
    assert isinstance(stored, Deny if isinstance(decision, Deny) else Keep)


@given(raw_pods(), namespaces, operations(), enforcing)
def test_the_class_is_always_one_that_the_policy_allows(
    obj: dict[str, Any], namespace: str, operation: Operation, within: Snapshot
) -> None:
    pod = view(obj, namespace)
    decision = decide(pod, operation, within)
    policy = governing_policy(namespace, within)
    if policy is None or isinstance(decision, Deny) or decision.grounds.why:
        return
    case = open_case(pod, policy, within)
    given_class = decision.grounds.runtime_class
    if given_class is not None:
        assert case.allows(given_class)
    else:
        classes = case.rules.runtime_classes
        assert case.permitted_by(None) or (classes.default is None and not classes.required)


@given(raw_pods(), namespaces, operations(), snapshots(st.sampled_from([Mode.WARN, Mode.AUDIT])))
def test_modes_warn_and_audit_neither_refuse_nor_assign(
    obj: dict[str, Any], namespace: str, operation: Operation, within: Snapshot
) -> None:
    pod = view(obj, namespace)
    assert isinstance(decide(pod, operation, within), Keep)
    assert isinstance(decide_stored(pod, operation, within), Keep)


@given(raw_pods(), namespaces, operations(), snapshots())
def test_a_mode_changes_what_happens_not_what_is_decided(
    obj: dict[str, Any], namespace: str, operation: Operation, within: Snapshot
) -> None:
    decision = decide(view(obj, namespace), operation, within)
    enforced = decide(view(obj, namespace), operation, everywhere(within, Mode.ENFORCE))
    if isinstance(decision, Keep) and decision.would is not None:
        assert type(decision.would) is type(enforced)
    else:
        assert type(decision) is type(enforced)


def everywhere(within: Snapshot, mode: Mode) -> Snapshot:
    """The same policies, all in one mode."""
    return replace(
        within,
        policies=PolicySet(
            replace(
                policy,
                rules=replace(policy.rules, mode=mode),
                overrides=tuple(
                    replace(o, rules=replace(o.rules, mode=mode)) for o in policy.overrides
                ),
            )
            for policy in within.policies.policies
        ),
    )


ADDITIONS: tuple[dict[str, Any], ...] = (
    {"hostNetwork": True},
    {"hostPID": True},
    {"shareProcessNamespace": True},
    {"volumes": [{"name": "v", "hostPath": {"path": "/dev/kvm"}}]},
    {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}},
)


@given(raw_pods(), namespaces, operations(), enforcing, st.sampled_from(ADDITIONS))
def test_a_further_feature_never_makes_a_refused_pod_welcome(
    obj: dict[str, Any],
    namespace: str,
    operation: Operation,
    within: Snapshot,
    addition: dict[str, Any],
) -> None:
    assume(obj["spec"].keys().isdisjoint(addition))
    more = {**obj, "spec": {**obj["spec"], **addition}}
    before = decide(view(obj, namespace), operation, within)
    after = decide(view(more, namespace), operation, within)
    # An assigned pod may get the fallback instead, or be refused; what is refused stays so, and
    # a class that was asked for is never changed.
    match before:
        case Deny():
            assert isinstance(after, Deny)
        case Keep():
            assert not isinstance(after, Assign)
        case Assign():
            assert not isinstance(after, Keep)


@given(raw_pods(), namespaces, operations(), snapshots(), st.randoms(use_true_random=False))
def test_the_order_of_policies_is_irrelevant(
    obj: dict[str, Any], namespace: str, operation: Operation, within: Snapshot, chance: Any
) -> None:
    shuffled = list(within.policies.policies)
    chance.shuffle(shuffled)
    other = replace(within, policies=PolicySet(shuffled))
    pod = view(obj, namespace)
    assert decide(pod, operation, other) == decide(pod, operation, within)


@given(raw_pods(), namespaces, snapshots())
def test_a_template_and_the_pod_stamped_from_it_are_decided_alike(
    obj: dict[str, Any], namespace: str, within: Snapshot
) -> None:
    template = {"metadata": obj.get("metadata"), "spec": obj["spec"]}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": template}}
    (in_template,) = pod_templates(deployment, namespace=namespace)
    of_pod = decide(view(obj, namespace), Operation(), within)
    of_template = decide(in_template, Operation(), within)
    assert told(of_template) == told(of_pod)


def told(decision: Decision) -> tuple[object, ...]:
    """What a decision says, apart from where in the object it points."""
    grounds = decision.grounds
    return (
        type(decision),
        grounds.policy,
        grounds.override,
        grounds.exemption,
        grounds.runtime_class,
        grounds.verdict,
        [(j.finding.need.feature, j.finding.verdict, j.action) for j in grounds.findings],
        grounds.warnings,
        grounds.suggestions,
        decision.reason if isinstance(decision, Deny) else None,
    )


OUR_PLACES = {
    "/spec/runtimeClassName",
    "/metadata",
    "/metadata/annotations",
    "/metadata/annotations/runtimegate.dev~1assigned-by",
}


@given(raw_pods(), namespaces, operations(), snapshots())
def test_the_patch_only_adds_and_only_in_our_two_places(
    obj: dict[str, Any], namespace: str, operation: Operation, within: Snapshot
) -> None:
    decision = decide(view(obj, namespace), operation, within)
    operations_ = json_patch(decision, obj)
    assert {op["op"] for op in operations_} <= {"add"}
    assert {op["path"] for op in operations_} <= OUR_PLACES
    assert without_ours(patched(obj, decision)) == without_ours(obj)


def without_ours(obj: dict[str, Any]) -> dict[str, Any]:
    """The pod without what may be ours, and without metadata that the API would not have let by."""
    rest = copy.deepcopy(obj)
    rest["spec"].pop("runtimeClassName", None)
    metadata = rest.get("metadata")
    if not isinstance(metadata, dict):
        return {**rest, "metadata": {}}
    annotations = metadata.pop("annotations", None)
    if isinstance(annotations, dict):
        annotations.pop(ASSIGNED_BY, None)
        if annotations:
            metadata["annotations"] = annotations
    return rest


@given(raw_pods(), namespaces, operations(), enforcing, containers())
def test_a_further_container_never_earns_an_exemption(
    obj: dict[str, Any],
    namespace: str,
    operation: Operation,
    within: Snapshot,
    further: dict[str, Any],
) -> None:
    more = copy.deepcopy(obj)
    more["spec"]["containers"].append(further)
    policy = governing_policy(namespace, within)
    if policy is None:
        return
    had = open_case(view(obj, namespace), policy, within).exemptions
    has = open_case(view(more, namespace), policy, within).exemptions
    assert all(exemption in had for exemption in has)
