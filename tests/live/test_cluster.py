import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Unpack

import pytest
import urllib3

from tests.build import snapshot
from tests.live.fake_api import FakeApi, namespace, node, runtime_class, serving
from tests.live.script import Script
from tests.registration import RIGHTS
from webhook.core.cluster import NamespaceView
from webhook.core.names import NAMESPACE_DEFAULT
from webhook.core.nodes import NodeView
from webhook.core.snapshot import Snapshot
from webhook.live.cluster import (
    NAMESPACES,
    ClusterCache,
    ClusterState,
    NamespaceUnavailableError,
    namespace_reading,
)
from webhook.live.credentials import Access
from webhook.live.current import Current, Parts
from webhook.live.kube import ApiError, KubeApi

CLASSES = "/apis/node.k8s.io/v1/runtimeclasses"
NODES = "/api/v1/nodes"
SECONDS = 90.0  # a busy machine


def test_a_reading_keeps_labels_and_the_one_annotation_that_counts() -> None:
    obj = {
        "metadata": {
            "name": "a",
            "labels": {"tier": "tenant"},
            "annotations": {NAMESPACE_DEFAULT: "kata", "big": "x" * 100_000},
        }
    }
    assert namespace_reading(obj) == NamespaceView(
        name="a", labels={"tier": "tenant"}, annotations={NAMESPACE_DEFAULT: "kata"}
    )


class World:
    """A cache over real HTTP to the fake API server."""

    def __init__(self, url: str, *, coalesce_seconds: float = 0.01) -> None:
        self.current = Current(snapshot())
        access = Access(host=url, connect=urllib3.PoolManager, authorization=lambda: None)
        self.cache = ClusterCache(
            KubeApi(access),
            self.current,
            chance=lambda: 0.0,
            coalesce_seconds=coalesce_seconds,
        )

    def names(self) -> list[str]:
        return sorted(self.current.snapshot.cluster.namespaces)

    def published(self) -> bool:
        """Whether the snapshot holds what there is of every kind."""
        view = self.current.snapshot.cluster
        return bool(view.namespaces and view.runtime_classes and view.nodes)

    def settled(self) -> Snapshot:
        """The snapshot once none has come after it for a while."""
        until(self.published)
        while True:
            before = self.current.snapshot
            time.sleep(1)
            if self.current.snapshot is before:
                return before


def until(condition: Callable[[], bool]) -> None:
    """Wait for what other threads bring about."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "did not come about in time"
        time.sleep(0.005)


@pytest.fixture
def fake() -> FakeApi:
    api = FakeApi()
    api.put(NAMESPACES, namespace("tenant-a", tier="tenant"))
    api.put(CLASSES, runtime_class("gvisor", "runsc"))
    api.put(NODES, node("n1", "runc", "runsc"))
    return api


@pytest.fixture
def world(fake: FakeApi) -> Iterator[World]:
    with serving(fake) as url:
        made = World(url)
        yield made
        made.cache.stop()


def test_the_snapshot_comes_to_hold_what_the_cluster_is(fake: FakeApi, world: World) -> None:
    world.cache.start()
    until(world.published)
    assert world.cache.synced
    view = world.current.snapshot.cluster
    assert view.live is True
    assert view.namespaces["tenant-a"].labels == {"tier": "tenant"}
    assert view.runtime_classes is not None
    assert view.runtime_classes["gvisor"].handler == "runsc"
    assert view.nodes is not None
    handlers = next(iter(view.nodes)).handlers or ()
    assert {handler.name for handler in handlers} == {"runc", "runsc"}
    fake.put(NAMESPACES, namespace("tenant-b"))
    fake.delete(NAMESPACES, "tenant-a")
    until(lambda: world.names() == ["tenant-b"])
    fake.put(NODES, node("n2", "runc"))
    fake.delete(NODES, "n1")
    until(lambda: [n.name for n in world.current.snapshot.cluster.nodes or ()] == ["n2"])


def test_before_the_first_list_nothing_is_taken_for_known(fake: FakeApi, world: World) -> None:
    fake.refuse = lambda _: 503
    world.cache.start()
    view = world.current.snapshot.cluster
    assert (view.live, view.namespaces, view.runtime_classes, view.nodes) == (True, {}, None, None)
    assert world.cache.synced is False
    assert world.cache.state().age_seconds is None


def test_a_burst_of_changes_makes_few_snapshots(fake: FakeApi) -> None:
    with serving(fake) as url:
        world = World(url, coalesce_seconds=0.3)
        seen: set[int] = set()
        world.cache.start()
        world.settled()
        began = time.monotonic()
        for n in range(200):
            fake.put(NAMESPACES, namespace(f"burst-{n}"))
        while len(world.names()) < 201:
            assert time.monotonic() < began + SECONDS
            seen.add(id(world.current.snapshot.cluster))
            time.sleep(0.005)
        assert len(seen) <= 4 + (time.monotonic() - began) / 0.3
        world.cache.stop()


def test_heartbeats_of_nodes_make_no_snapshot(fake: FakeApi, world: World) -> None:
    world.cache.start()
    before = world.settled()
    heard = world.cache.nodes.heard_at
    fake.put(NODES, node("n1", "runc", "runsc", heartbeat="2026-11-24T12:00:00Z"))
    until(lambda: world.cache.nodes.heard_at != heard)
    time.sleep(0.05)
    assert world.current.snapshot is before


def test_after_a_broken_watch_changes_made_meanwhile_arrive(fake: FakeApi, world: World) -> None:
    world.cache.start()
    until(lambda: world.cache.synced)
    fake.break_watches = 3
    fake.put(NAMESPACES, namespace("meanwhile"))
    until(lambda: "meanwhile" in world.names())
    assert fake.asked("/namespaces?limit") == 1


def test_after_a_compaction_the_list_is_asked_for_again(fake: FakeApi, world: World) -> None:
    world.cache.start()
    until(lambda: world.names() == ["tenant-a"])
    with fake.lock:
        fake.collections[NAMESPACES].pop("tenant-a")
    fake.expire()
    until(lambda: world.names() == [])
    assert fake.asked("/namespaces?limit") == 2


def test_the_age_is_that_of_the_kind_that_waits_longest() -> None:
    now = [100.0]
    cache = ClusterCache(Script(), Current(snapshot()), chance=lambda: 0.0, clock=lambda: now[0])
    cache.namespaces.heard_at, cache.runtime_classes.heard_at = 99.0, 90.0
    assert cache.state().age_seconds is None
    cache.nodes.heard_at = 95.0
    cache.nodes.problem = "away"
    assert cache.state() == ClusterState(
        synced=False,
        age_seconds=10.0,
        sizes={"namespaces": 0, "runtimeclasses": 0, "nodes": 0},
        problems=("nodes: away",),
    )


def test_only_a_cluster_of_which_every_kind_was_listed_is_synced() -> None:
    cache = ClusterCache(Script(), Current(snapshot()), chance=lambda: 0.0)
    for follower in (cache.namespaces, cache.runtime_classes, cache.nodes):
        assert not cache.synced
        follower.store.replace({})
    assert cache.synced


def test_what_changes_while_a_snapshot_is_made_comes_with_the_next() -> None:
    class Changing(Current):
        """Where a change arrives after each of the first two snapshots was made of the stores."""

        def replace(self, **parts: Unpack[Parts]) -> Snapshot:
            made = super().replace(**parts)
            if (name := next(late, None)) is not None:
                cache.namespaces.store.put(NamespaceView(name=name))
            return made

    late = iter(["first", "second"])
    script = Script(lists=[ApiError("away")] * 1_000)
    current = Changing(snapshot())
    cache = ClusterCache(script, current, chance=lambda: 0.0, coalesce_seconds=0.01)
    cache.start()
    until(lambda: sorted(current.snapshot.cluster.namespaces) == ["first", "second"])
    cache.stop()


def test_nodes_that_are_unchanged_are_the_same_that_have_found_what_they_did() -> None:
    cache, current = fetching(Script())
    cache.nodes.store.replace({"a": NodeView(name="a")})
    cache.publish()
    before = current.snapshot.cluster.nodes
    cache.namespaces.store.put(NamespaceView(name="new"))
    cache.publish()
    assert current.snapshot.cluster.nodes is before


def fetching(script: Script) -> tuple[ClusterCache, Current]:
    current = Current(snapshot())
    return ClusterCache(script, current, chance=lambda: 0.0), current


def test_a_fetched_namespace_is_in_the_snapshot_at_once() -> None:
    script = Script()
    script.objects["/api/v1/namespaces/new"] = namespace("new", tier="tenant")
    cache, current = fetching(script)
    cache.fetch_namespace("new", 1.0)
    assert current.snapshot.cluster.namespaces["new"].labels == {"tier": "tenant"}


def test_a_namespace_that_does_not_exist_is_unavailable() -> None:
    cache, _ = fetching(Script())
    with pytest.raises(NamespaceUnavailableError) as caught:
        cache.fetch_namespace("nope", 1.0)
    assert str(caught.value) == "namespace 'nope' does not exist in the cluster"


def test_a_namespace_that_cannot_be_fetched_is_unavailable_and_asked_for_again() -> None:
    script = Script()
    cache, _ = fetching(script)
    script.error = ApiError("timed out")
    with pytest.raises(NamespaceUnavailableError, match=r"^namespace 'a': timed out$"):
        cache.fetch_namespace("a", 1.0)
    script.error = None
    script.objects["/api/v1/namespaces/a"] = namespace("a")
    cache.fetch_namespace("a", 1.0)


def waits_for_another(thread: threading.Thread) -> bool:
    """Whether a thread is where it waits for what another fetches."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None and frame.f_code is not ClusterCache._await.__code__:
        frame = frame.f_back
    return frame is not None


def test_requests_for_one_namespace_at_a_time_share_one_fetch() -> None:
    release = threading.Event()

    class Slow(Script):
        def get(self, path: str, *, seconds: float) -> Mapping[str, Any] | None:
            super().get(path, seconds=seconds)
            release.wait(SECONDS)
            return namespace("new")

    script = Slow()
    cache, _ = fetching(script)
    threads = [
        threading.Thread(target=cache.fetch_namespace, args=("new", SECONDS)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    until(lambda: sum(map(waits_for_another, threads)) == 7)
    release.set()
    for thread in threads:
        thread.join()
    assert script.calls == ["get /api/v1/namespaces/new"]


def test_those_who_wait_for_a_fetch_that_fails_are_told_so() -> None:
    asked, release = threading.Event(), threading.Event()
    told: list[str] = []

    class Failing(Script):
        def get(self, path: str, *, seconds: float) -> Mapping[str, Any] | None:
            asked.set()
            release.wait(SECONDS)
            raise ApiError("away")

    cache, _ = fetching(Failing())

    def ask() -> None:
        with pytest.raises(NamespaceUnavailableError) as caught:
            cache.fetch_namespace("new", SECONDS)
        told.append(str(caught.value))

    first, second = threading.Thread(target=ask), threading.Thread(target=ask)
    first.start()
    assert asked.wait(SECONDS)
    second.start()
    until(lambda: waits_for_another(second))
    release.set()
    first.join()
    second.join()
    assert told == ["namespace 'new': away"] * 2


def test_one_who_waits_for_anothers_fetch_waits_no_longer_than_it_may() -> None:
    asked, release = threading.Event(), threading.Event()

    class Stuck(Script):
        def get(self, path: str, *, seconds: float) -> Mapping[str, Any] | None:
            asked.set()
            release.wait(SECONDS)
            return None

    cache, _ = fetching(Stuck())

    def first() -> None:
        with pytest.raises(NamespaceUnavailableError):
            cache.fetch_namespace("new", 5.0)

    thread = threading.Thread(target=first)
    thread.start()
    assert asked.wait(SECONDS)
    with pytest.raises(NamespaceUnavailableError, match=r"^namespace 'new': no answer in time$"):
        cache.fetch_namespace("new", 0.05)
    release.set()
    thread.join()


def test_the_rights_are_those_that_the_calls_need_and_no_more(fake: FakeApi, world: World) -> None:
    world.cache.start()
    until(lambda: world.cache.synced and fake.asked("watch=1") >= 3)
    world.cache.fetch_namespace("tenant-a", SECONDS)
    called = {(_resource(url), _verb(url)) for url in fake.requests}
    granted = {
        (resource, verb)
        for rule in RIGHTS[0]["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if resource != "pods"  # which no cache follows: previews list them
    }
    assert called == granted


def _resource(url: str) -> str:
    parts = url.partition("?")[0].split("/")
    return next(p for p in parts if p in {"namespaces", "nodes", "runtimeclasses"})


def _verb(url: str) -> str:
    if "?" not in url:
        return "get"
    return "watch" if "watch=1" in url else "list"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    yield
    logging.getLogger("urllib3").setLevel(logging.NOTSET)
