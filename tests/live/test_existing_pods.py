"""Listing the pods of a namespace for a preview: bounded, and never an error."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from tests.build import pod
from tests.live.fake_api import FakeApi, serving
from webhook.core.preview import MOST_PODS
from webhook.live import existing_pods
from webhook.live.credentials import Access
from webhook.live.existing_pods import ExistingPodLister
from webhook.live.kube import KubeApi

PODS = "/api/v1/namespaces/shop/pods"


@pytest.fixture
def lister(fake: FakeApi) -> Iterator[ExistingPodLister]:
    with serving(fake) as url:
        access = Access(host=url, connect=urllib3.PoolManager, authorization=lambda: None)
        yield ExistingPodLister(KubeApi(access))


def fill(fake: FakeApi, count: int, **spec: Any) -> None:
    for number in range(count):
        fake.put(PODS, pod(name=f"p{number:05}", **spec))


def test_every_page_is_read(fake: FakeApi, lister: ExistingPodLister) -> None:
    fill(fake, 600)
    found = lister.list_pods("shop", 20.0)
    assert (len(found.pods), found.whole, found.problem) == (600, True, "")
    assert fake.asked("limit=250") == 3
    assert found.may_go_on()


def test_there_is_a_bound_to_their_number(fake: FakeApi, lister: ExistingPodLister) -> None:
    fill(fake, MOST_PODS + 1)
    found = lister.list_pods("shop", 60.0)
    assert (len(found.pods), found.whole) == (MOST_PODS, False)


def test_there_is_a_bound_to_their_size(fake: FakeApi, lister: ExistingPodLister) -> None:
    fill(fake, 300, hostname="x" * (existing_pods.MOST_BYTES // 280))
    found = lister.list_pods("shop", 60.0)
    assert (len(found.pods), found.whole, found.problem) == (250, False, "")


def test_one_page_that_is_too_large_is_a_problem(fake: FakeApi, lister: ExistingPodLister) -> None:
    fill(fake, 1, hostname="x" * existing_pods.MOST_BYTES)
    assert lister.list_pods("shop", 60.0).problem == f"{PODS}: more than 16777216 bytes"


@pytest.mark.parametrize(
    ("status", "problem"), [(403, "forbidden"), (500, f"{PODS}: HTTP 500: refused 500")]
)
def test_a_refusal_is_a_problem_and_no_error(
    fake: FakeApi, lister: ExistingPodLister, status: int, problem: str
) -> None:
    fake.refuse = lambda url: status
    assert lister.list_pods("shop", 60.0).problem == problem


def test_there_is_a_bound_to_the_time(fake: FakeApi, lister: ExistingPodLister) -> None:
    fill(fake, 1)
    fake.delay_seconds = 60
    assert "timed out" in lister.list_pods("shop", 0.2).problem


def test_judging_has_its_own_share_of_the_time(fake: FakeApi) -> None:
    now = [0.0]

    def clock() -> float:
        return now[0]

    with serving(fake) as url:
        access = Access(host=url, connect=urllib3.PoolManager, authorization=lambda: None)
        found = ExistingPodLister(KubeApi(access), clock=clock).list_pods("shop", 2.0)
    now[0] = 0.9
    assert found.may_go_on()
    now[0] = 1.1
    assert not found.may_go_on()


def test_no_more_than_two_are_previewed_at_a_time(fake: FakeApi, lister: ExistingPodLister) -> None:
    fake.delay_seconds = 60
    threads = [threading.Thread(target=lister.list_pods, args=("shop", 60.0)) for _ in range(2)]
    for thread in threads:
        thread.start()
    while fake.asked(PODS) < 2:
        time.sleep(0.005)
    assert lister.list_pods("shop", 60.0).problem == "2 other changes are being previewed"
    fake.delay_seconds = 0
    for thread in threads:
        thread.join()
