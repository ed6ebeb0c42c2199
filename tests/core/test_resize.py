"""A resize in place: judged where it is asked for, and nowhere else."""

from typing import Any

import pytest

from tests.build import (
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
)  # fmt: skip
from webhook.core.decision import CREATE, Change, Decision, Deny, Keep, Operation, decide
from webhook.core.names import Action, Support, Verdict

STUB = fact("pod:resize", Support.STUB, "<20260504.0", summary="new limits have no effect")
PARTLY = fact("pod:resize", Support.PARTIAL, ">=20260504.0")
SMALL = {"limits": {"cpu": "1"}}
LARGE = {"limits": {"cpu": "2"}}


def made(limits: Any, **spec: Any) -> Any:
    obj = pod(containers=[container(resources=limits)], runtimeClassName="gvisor", **spec)
    return pod_view(obj)


def resized(new: Any, old: Any, *, resized: bool = True, version: str = "20260101.0") -> Decision:
    has = inventory(gvisor=profile("gvisor", version, handler="runsc"))
    of = snapshot(policy(), compat=table(STUB, PARTLY), has=has)
    return decide(new, Operation(change=Change.UPDATE, old=old, resized=resized), of)


def test_a_resize_that_the_runtime_ignores_is_told() -> None:
    decision = resized(made(LARGE), made(SMALL))
    assert isinstance(decision, Keep)
    assert decision.grounds.warnings == (
        "container web: RuntimeClass gvisor runs this pod badly: resize: new limits have no effect",
    )
    (judged,) = decision.grounds.findings
    assert judged.finding.need.field_path == "spec.containers[0].resources"


def test_a_resize_of_the_pod_as_a_whole_is_told_too() -> None:
    decision = resized(made(SMALL, resources=LARGE), made(SMALL, resources=SMALL))
    (judged,) = decision.grounds.findings
    assert judged.finding.need.field_path == "spec.resources"


def test_a_container_that_was_not_there_before_is_none_that_is_resized() -> None:
    both = [container(resources=SMALL), container(name="debug", resources=LARGE)]
    new = pod_view(pod(containers=both, runtimeClassName="gvisor"))
    assert resized(new, made(SMALL)).grounds.findings == ()


def test_a_policy_may_refuse_it() -> None:
    has = inventory(gvisor=profile("gvisor", "20260101.0"))
    of = snapshot(
        policy(governs=rules(actions={Verdict.DEGRADED: Action.DENY})), compat=table(STUB), has=has
    )
    operation = Operation(change=Change.UPDATE, old=made(SMALL), resized=True)
    assert isinstance(decide(made(LARGE), operation, of), Deny)


@pytest.mark.parametrize(
    ("new", "by_resize", "version"),
    [
        (SMALL, True, "20260101.0"),
        (LARGE, False, "20260101.0"),
        (LARGE, True, "20260817.0"),
    ],
)
def test_nothing_else_is_told(new: Any, by_resize: bool, version: str) -> None:
    decision = resized(made(new), made(SMALL), resized=by_resize, version=version)
    assert decision.grounds.warnings == ()


def test_the_limits_of_a_pod_that_is_made_are_no_resize() -> None:
    of = snapshot(policy(), compat=table(STUB))
    assert decide(made(LARGE), CREATE, of).grounds.findings == ()


def test_without_the_pod_as_it_was_nothing_is_known_to_be_resized() -> None:
    assert resized(made(LARGE), None).grounds.warnings == ()
