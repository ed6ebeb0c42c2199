"""What holds of every difference between two snapshots."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.laws.strategies import NAMESPACES, operations, raw_pods, snapshots
from webhook.core.decision import Operation
from webhook.core.difference import Kind, Outcome, Refused, kinds, outcome
from webhook.core.pod import view_pod
from webhook.core.snapshot import Snapshot

MIRROR = {Kind.NEWLY_REFUSED: Kind.NEWLY_ALLOWED, Kind.NEWLY_ALLOWED: Kind.NEWLY_REFUSED}
namespaces = st.sampled_from(NAMESPACES)


def outcomes(
    obj: dict[str, Any], namespace: str, operation: Operation, *within: Snapshot, workload: bool
) -> tuple[Outcome, ...]:
    pod = view_pod(obj["spec"], obj.get("metadata"), namespace=namespace)
    return tuple(outcome(pod, operation, each, of_workload=workload) for each in within)


@given(raw_pods(), namespaces, operations(), snapshots(), st.booleans())
def test_between_equal_policies_nothing_differs(
    obj: dict[str, Any], namespace: str, operation: Operation, within: Snapshot, workload: bool
) -> None:
    before, after = outcomes(obj, namespace, operation, within, within, workload=workload)
    assert before == after
    assert kinds(before, after) == ()


@given(raw_pods(), namespaces, operations(), snapshots(), snapshots(), st.booleans())
def test_the_way_back_mirrors_refused_and_allowed_and_keeps_the_rest(
    obj: dict[str, Any],
    namespace: str,
    operation: Operation,
    old: Snapshot,
    new: Snapshot,
    workload: bool,
) -> None:
    before, after = outcomes(obj, namespace, operation, old, new, workload=workload)
    there, back = kinds(before, after), kinds(after, before)
    assert {MIRROR.get(kind, kind) for kind in there} == set(back)
    assert len(there) == len(back)


@given(raw_pods(), namespaces, operations(), snapshots(), snapshots())
def test_what_is_newly_refused_is_refused_now_and_was_not_before(
    obj: dict[str, Any], namespace: str, operation: Operation, old: Snapshot, new: Snapshot
) -> None:
    before, after = outcomes(obj, namespace, operation, old, new, workload=False)
    newly = before.refused is Refused.NOTHING and after.refused is Refused.PODS
    assert (Kind.NEWLY_REFUSED in kinds(before, after)) == newly
    assert newly == (before.decision != "deny" and after.decision == "deny")


@given(raw_pods(), namespaces, operations(), snapshots(), snapshots())
def test_a_difference_without_a_kind_is_none_that_a_user_could_see(
    obj: dict[str, Any], namespace: str, operation: Operation, old: Snapshot, new: Snapshot
) -> None:
    before, after = outcomes(obj, namespace, operation, old, new, workload=False)
    if not kinds(before, after):
        assert (before.refused, before.enforced.refuses) == (after.refused, after.enforced.refuses)
        assert before.refused or before.runtime_class == after.runtime_class
        assert before.refused or set(before.warnings) == set(after.warnings)
