"""What holds of every answer: whose it is, and that whatever was sent it is short and printable."""

from contextlib import suppress
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tests.build import review, snapshot
from tests.laws.strategies import NAMESPACES, hostile, junk, raw_pods, snapshots
from webhook.core.decision import Assign, Decision, Deny, Keep
from webhook.core.messages import MOST_LINES, MOST_WARNINGS, WARNING_LIMIT
from webhook.core.snapshot import Snapshot
from webhook.wire.admit import Door, NamespaceNotSeen, admit
from webhook.wire.response import audit_annotations
from webhook.wire.review import ReviewError

namespaces = st.sampled_from(NAMESPACES)
doors = st.sampled_from(Door)


RESOURCES = [
    {"group": group, "version": "v1", "resource": resource}
    for group, resource in (
        ("", "pods"), ("", "pods"), ("", "namespaces"), ("node.k8s.io", "runtimeclasses"),
        ("apps", "deployments"),
    )
]  # fmt: skip
deployments = raw_pods().map(
    lambda pod: {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": pod}}
)
uids = hostile.filter(bool)


def body_of(obj: dict[str, Any], **request: Any) -> bytes:
    """A review of a pod whose metadata may be junk."""
    return orjson.dumps(review({**obj, "metadata": {}}, **{"object": obj, **request}))


@given(raw_pods(), raw_pods(), namespaces, snapshots(), doors, uids, st.booleans())
def test_an_answer_is_to_its_own_request_short_and_printable(
    obj: dict[str, Any],
    old: dict[str, Any],
    namespace: str,
    within: Snapshot,
    door: Door,
    uid: str,
    update: bool,
) -> None:
    request = {"operation": "UPDATE", "old": old} if update else {}
    outcome = admit(body_of(obj, uid=uid, namespace=namespace, **request), within, door)
    response = orjson.loads(outcome.body)["response"]
    assert response["uid"] == uid
    assert response["allowed"] is (door is Door.MUTATE or isinstance(outcome.decision, Keep))
    assert len(outcome.body) < 40_000
    assert_warnings(response.get("warnings", []))
    assert_message(response.get("status", {}).get("message", ""))
    for cause in response.get("status", {}).get("details", {}).get("causes", []):
        assert all(text.isprintable() and len(text) <= 1700 for text in cause.values())
    for text in response["auditAnnotations"].values():
        assert text.isprintable()
        assert len(text) <= 10_000
    assert_told(outcome.decision)


def assert_warnings(warnings: list[str]) -> None:
    """The API server drops what is too long, and shows the rest on a terminal."""
    assert len(warnings) <= MOST_WARNINGS
    assert all(w.isprintable() and 0 < len(w) <= WARNING_LIMIT for w in warnings)


def assert_message(message: str) -> None:
    """A headline, a line per finding up to the bound, what to do."""
    lines = message.split("\n")
    assert len(lines) <= MOST_LINES + 5
    assert all(line.isprintable() and len(line) <= 2500 for line in lines)


def assert_told(decision: Decision) -> None:
    """What is held back by a mode is as printable as what is said."""
    match decision:
        case Keep():
            assert_warnings(list(decision.grounds.warnings))
            if decision.would is not None:
                assert_told(decision.would)
        case Assign():
            assert_warnings([*decision.grounds.warnings, *decision.grounds.notices])
        case Deny():
            assert_message(decision.message)
            assert decision.message.startswith(f"policy {decision.grounds.policy}: ")
    assert all(v.isprintable() for v in audit_annotations(decision, "r1").values())


@given(
    st.fixed_dictionaries({}, optional={
        "uid": st.just("u") | junk,
        "operation": st.sampled_from(["CREATE", "UPDATE", "DELETE", "CONNECT"]) | junk,
        "resource": st.sampled_from(RESOURCES) | junk,
        "kind": st.just({"group": "apps", "version": "v1", "kind": "Deployment"}) | junk,
        "subResource": st.sampled_from(["", "status", "ephemeralcontainers"]) | junk,
        "namespace": namespaces | junk,
        "name": junk,
        "userInfo": st.just({"username": "alice", "groups": ["a"]}) | junk,
        "object": raw_pods() | deployments | junk,
        "oldObject": raw_pods() | deployments | junk,
        "dryRun": junk,
    }),
    snapshots(),
    doors,
)  # fmt: skip
def test_any_json_is_answered_or_is_its_senders_fault(
    request: dict[str, Any], within: Snapshot, door: Door
) -> None:
    body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    with suppress(ReviewError, NamespaceNotSeen):
        outcome = admit(orjson.dumps(body), within, door)
        response = orjson.loads(outcome.body)["response"]
        assert response["uid"] == request["uid"]
        assert_warnings(response.get("warnings", []))
        assert_message(response.get("status", {}).get("message", ""))


@given(st.binary(max_size=200) | junk.map(lambda value: repr(value).encode("utf-8", "replace")))
def test_any_bytes_are_a_review_or_their_senders_fault(body: bytes) -> None:
    with suppress(ReviewError):
        assert admit(body, snapshot(), Door.VALIDATE).body
