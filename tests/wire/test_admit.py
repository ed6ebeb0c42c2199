"""One review answered: which reviews are ours, whose fault the others are."""

import base64
from typing import Any

import orjson
import pytest

from tests.build import cluster, container, pod, policy, review_bytes, rules, snapshot
from webhook.core.decision import Assign, Deny, Keep
from webhook.core.names import Action, Verdict
from webhook.core.policy import LabelSelector, NamespaceSelector
from webhook.core.snapshot import Snapshot
from webhook.wire.admit import Door, NamespaceNotSeen, Outcome, admit
from webhook.wire.review import ReviewError


def answered(
    obj: dict[str, Any] | None = None,
    *,
    door: Door = Door.VALIDATE,
    within: Snapshot | None = None,
    **review: Any,
) -> tuple[Outcome, Any]:
    """The outcome of a review, and the response in its body."""
    outcome = admit(review_bytes(obj, **review), within or snapshot(), door)
    return outcome, orjson.loads(outcome.body)["response"]


def test_mutation_assigns_the_class() -> None:
    outcome, response = answered(door=Door.MUTATE)
    assert isinstance(outcome.decision, Assign)
    assert response["allowed"]
    assert orjson.loads(base64.b64decode(response["patch"]))[0]["value"] == "gvisor"


def test_mutation_never_refuses() -> None:
    outcome, response = answered(pod(runtimeClassName="runc"), door=Door.MUTATE)
    assert isinstance(outcome.decision, Deny)
    assert response["allowed"]
    assert "patch" not in response


def test_mutation_of_an_update_changes_nothing() -> None:
    _, response = answered(door=Door.MUTATE, operation="UPDATE", old=pod())
    assert response["allowed"]
    assert "patch" not in response


def test_validation_refuses() -> None:
    outcome, response = answered(pod(runtimeClassName="runc"))
    assert isinstance(outcome.decision, Deny)
    assert not response["allowed"]


def test_validation_refuses_a_pod_that_was_not_mutated() -> None:
    outcome, response = answered()
    assert isinstance(outcome.decision, Deny)
    assert not response["allowed"]
    assert response["auditAnnotations"]["reason"] == "RuntimeClassRequired"


def test_the_outcome_is_what_is_recorded() -> None:
    outcome, response = answered(uid="u-1", within=snapshot(revision="r7"))
    assert (outcome.door, outcome.revision) == (Door.VALIDATE, "r7")
    assert (outcome.request.uid, response["uid"]) == ("u-1", "u-1")


def test_the_answer_to_a_dry_run_is_the_answer() -> None:
    assert answered(dryRun=True)[1] == answered()[1]


@pytest.mark.parametrize(
    "review",
    [
        {"resource": {"group": "apps", "version": "v1", "resource": "deployments"}},
        {"resource": {"group": "example.com", "version": "v1", "resource": "pods"}},
        {"operation": "DELETE", "object": None},
        {"operation": "CONNECT"},
        {"sub_resource": "binding", "object": None},
        {"sub_resource": "status"},
        {"sub_resource": "exec", "operation": "CONNECT"},
    ],
)
def test_what_is_none_of_the_gates_business_is_allowed(review: dict[str, Any]) -> None:
    outcome, response = answered(pod(runtimeClassName="runc"), **review)
    assert isinstance(outcome.decision, Keep)
    assert outcome.decision.grounds.why == "none of the gate's business"
    assert response == {"uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "allowed": True}


EVIL = pod(runtimeClassName="gvisor", ephemeralContainers=[container("debug", "evil")],
           annotations={"dev.gvisor.flag.x": "1"})  # fmt: skip


@pytest.mark.parametrize("sub_resource", ["", "ephemeralcontainers", "resize"])
def test_an_update_is_judged_through_every_door_of_the_pod(sub_resource: str) -> None:
    _, response = answered(
        EVIL, operation="UPDATE", old=pod(runtimeClassName="gvisor"), sub_resource=sub_resource
    )
    assert not response["allowed"]


def test_a_mirror_pod_of_its_node_is_kept() -> None:
    mirror = pod(annotations={"kubernetes.io/config.mirror": "x"}, nodeName="n")
    outcome, _ = answered(mirror, user="system:node:n", groups=["system:nodes"])
    assert isinstance(outcome.decision, Keep)


def problem(obj: dict[str, Any] | None = None, **review: Any) -> str:
    """What is wrong with a review of a pod."""
    with pytest.raises(ReviewError) as caught:
        answered(obj, **review)
    assert caught.value.status == 400
    return str(caught.value)


def test_a_pod_without_its_object_is_the_callers_fault() -> None:
    assert problem(object=None) == "request.object: must be a pod on CREATE, not null"


def test_an_update_without_the_old_object_is_the_callers_fault() -> None:
    assert problem(operation="UPDATE") == "request.oldObject: must be a pod on UPDATE, not null"


def test_a_pod_without_a_namespace_is_the_callers_fault() -> None:
    assert problem(namespace="") == "request.namespace: must be set for a pod"


def test_a_pod_without_containers_is_the_callers_fault() -> None:
    obj = pod()
    obj["spec"]["containers"] = []
    assert problem(obj) == "request.object.spec.containers: must hold at least one container"


def test_an_old_pod_without_a_spec_is_the_callers_fault() -> None:
    assert problem(operation="UPDATE", old={}) == "request.oldObject.spec: must be an object"


BY_LABEL = policy(
    namespaces=NamespaceSelector(selector=LabelSelector(match_labels={"tier": "tenant"}))
)


def test_a_namespace_that_is_not_known_and_needed_is_asked_for() -> None:
    with pytest.raises(NamespaceNotSeen) as caught:
        answered(within=snapshot(BY_LABEL, cluster=cluster(live=True)))
    assert caught.value.namespace == "tenant-a"
    assert str(caught.value) == (
        "namespace 'tenant-a' is not known and the policies need its labels"
    )


@pytest.mark.parametrize("door", list(Door))
def test_a_thousand_containers_are_decided(door: Door) -> None:
    many = pod(containers=[container(f"c{i}", "postgres") for i in range(1_000)])
    strict = policy(governs=rules(actions={Verdict.UNKNOWN: Action.DENY}))
    outcome, _ = answered(many, door=door, within=snapshot(strict))
    assert len(outcome.body) < 4096


def test_the_status_of_a_pod_may_not_reconfigure_its_sandbox() -> None:
    """Whoever may write it may write annotations; a heartbeat writes none."""
    old = pod(runtimeClassName="gvisor")
    flagged = pod(runtimeClassName="gvisor", annotations={"dev.gvisor.flag.x": "1"})
    told = [
        answered(new, operation="UPDATE", sub_resource="status", oldObject=old)[1]["allowed"]
        for new in (old, flagged)
    ]
    assert told == [True, False]
