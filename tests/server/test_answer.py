import time

import orjson
import pytest

from tests.build import policy, review_bytes, snapshot
from tests.server.doors import FakeNamespaces, build
from webhook.core.cluster import ClusterView
from webhook.core.policy import LabelSelector, NamespaceSelector
from webhook.core.preview import ExistingPods
from webhook.server.answer import waiting_seconds
from webhook.wire.admit import Door, NamespaceNotSeen, PodsWanted

JSON = "application/json"
NEEDS_LABELS = policy(
    namespaces=NamespaceSelector(selector=LabelSelector(match_labels={"tier": "tenant"}))
)


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        ("5s", 4.0),
        ("1s", 0.8),
        ("500ms", 0.4),
        ("1m0s", 24.0),
        ("1.5s", 1.2),
        ("30s", 24.0),
        ("10h", 24.0),
    ],
)
def test_four_fifths_of_the_callers_timeout_may_be_waited(timeout: str, seconds: float) -> None:
    assert waiting_seconds(timeout) == pytest.approx(seconds)


@pytest.mark.parametrize("timeout", ["", "x", "5", "-5s", "5s;drop", "0s", "5 s", "s" * 9999])
def test_a_timeout_that_is_none_counts_as_the_api_servers_default(timeout: str) -> None:
    assert waiting_seconds(timeout) == 8.0


def test_what_needs_a_namespace_is_not_answered_at_once() -> None:
    built = build(snapshot(NEEDS_LABELS, cluster=ClusterView(live=True)))
    with pytest.raises(NamespaceNotSeen):
        built.service.reviews.answer_at_once(Door.MUTATE, JSON, review_bytes())
    assert built.lines == []


def test_without_a_place_to_fetch_namespaces_from_there_is_no_verdict() -> None:
    built = build(snapshot(NEEDS_LABELS, cluster=ClusterView(live=True)))
    answer = built.service.reviews.answer(Door.MUTATE, JSON, review_bytes(), "5s")
    assert (answer.status, answer.body.decode()) == (
        500,
        "namespace 'tenant-a' is not known and the policies need its labels\n",
    )


def test_a_namespace_deleted_right_after_it_was_fetched_is_no_verdict() -> None:
    namespaces = FakeNamespaces()
    built = build(snapshot(NEEDS_LABELS, cluster=ClusterView(live=True)), namespaces=namespaces)
    namespaces.current = build().current  # what is fetched never arrives
    answer = built.service.reviews.answer(Door.MUTATE, JSON, review_bytes(), "5s")
    assert answer.status == 500


class SlowNamespaces(FakeNamespaces):
    """A fake that takes its time."""

    def fetch_namespace(self, name: str, seconds: float) -> None:
        """See Namespaces."""
        time.sleep(0.05)
        super().fetch_namespace(name, seconds)


def test_the_time_recorded_holds_the_wait() -> None:
    namespaces = SlowNamespaces()
    built = build(snapshot(NEEDS_LABELS, cluster=ClusterView(live=True)), namespaces=namespaces)
    namespaces.current = built.current
    built.service.reviews.answer(Door.MUTATE, JSON, review_bytes(), "5s")
    assert built.log[0]["ms"] >= 50


def test_reviews_under_way_are_counted() -> None:
    reviews = build().service.reviews
    first, second = reviews.begin(), reviews.begin()
    assert reviews.in_flight == 2
    reviews.end(first)
    reviews.end(first)
    assert reviews.in_flight == 1
    reviews.end(second)
    assert reviews.in_flight == 0


class FakePods:
    """A fake of where pods are listed: it answers that it may not."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float]] = []

    def list_pods(self, namespace: str, seconds: float) -> ExistingPods:
        """See PodLister."""
        self.asked.append((namespace, seconds))
        return ExistingPods(problem="forbidden")


def moving() -> bytes:
    old = {"metadata": {"name": "shop"}}
    new = {"metadata": {"name": "shop", "labels": {"tier": "tenant"}}}
    resource = {"group": "", "version": "v1", "resource": "namespaces"}
    return review_bytes(new, old=old, operation="UPDATE", resource=resource, namespace="shop")


@pytest.mark.parametrize(("timeout", "seconds"), [("5s", 2.0), ("2s", 0.8), ("30s", 2.0)])
def test_a_namespace_that_moves_is_answered_with_a_preview(timeout: str, seconds: float) -> None:
    pods = FakePods()
    built = build(snapshot(NEEDS_LABELS, cluster=ClusterView(live=True)), pods=pods)
    reviews = built.service.reviews
    with pytest.raises(PodsWanted):
        reviews.answer_at_once(Door.VALIDATE, JSON, moving())
    answer = reviews.answer(Door.VALIDATE, JSON, moving(), timeout)
    assert "not looked at: forbidden" in orjson.loads(answer.body)["response"]["warnings"][0]
    ((namespace, given),) = pods.asked
    assert namespace == "shop"
    assert given == pytest.approx(seconds)


def test_without_a_place_to_list_pods_the_change_passes_all_the_same() -> None:
    built = build(snapshot(NEEDS_LABELS, cluster=ClusterView(live=True)))
    answer = built.service.reviews.answer(Door.VALIDATE, JSON, moving(), "5s")
    response = orjson.loads(answer.body)["response"]
    assert (answer.status, response["allowed"]) == (200, True)
    assert response["warnings"][0].endswith("not looked at: there is no API server to ask")
