"""What the cluster is, kept up to date: one thread that follows each kind of object.

The threads write readings into stores; a publisher makes one new ClusterView of a burst of
changes. While the API server is away the last view goes on serving, and ``age_seconds`` grows.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from webhook.core.cluster import (
    ClusterView,
    NamespaceView,
    RuntimeClassView,
    view_namespace,
    view_runtime_class,
)
from webhook.core.names import NAMESPACE_DEFAULT
from webhook.core.nodes import Nodes, NodeView, view_node
from webhook.core.placement import ANYWHERE
from webhook.live.current import Current
from webhook.live.follow import Follower, Kind, Store, Timing
from webhook.live.kube import ApiError, ApiServer, object_path

NAMESPACES = "/api/v1/namespaces"


class NamespaceUnavailableError(LookupError):
    """A namespace that a decision needs could not be had; the message says why."""


def namespace_reading(obj: Mapping[str, Any]) -> NamespaceView:
    """A Namespace's labels and the one annotation that counts: others may be large."""
    whole = view_namespace(obj)
    chosen = whole.annotations.get(NAMESPACE_DEFAULT)
    annotations = {} if chosen is None else {NAMESPACE_DEFAULT: chosen}
    return NamespaceView(name=whole.name, labels=whole.labels, annotations=annotations)


# A Node lists the images it holds, so a page of them is kept small.
NAMESPACE_KIND = Kind(plural="namespaces", path=NAMESPACES, view=namespace_reading, page=500)
RUNTIME_CLASS_KIND = Kind(
    plural="runtimeclasses",
    path="/apis/node.k8s.io/v1/runtimeclasses",
    view=view_runtime_class,
    page=500,
)
NODE_KIND = Kind(plural="nodes", path="/api/v1/nodes", view=view_node, page=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """How the cache is doing, for readiness and metrics. ``age_seconds`` is the time since the
    API server was last heard of, of the kind that waits longest; None before the first list."""

    synced: bool
    age_seconds: float | None
    sizes: Mapping[str, int]
    problems: tuple[str, ...]


class ClusterCache:
    """Namespaces, RuntimeClasses and nodes of a cluster, published into ``current``."""

    def __init__(
        self,
        api: ApiServer,
        current: Current,
        *,
        chance: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        coalesce_seconds: float = 0.1,
    ) -> None:
        self._api = api
        self._current = current
        self._clock = clock
        self._coalesce_seconds = coalesce_seconds
        self._stopping = threading.Event()
        self._dirty = threading.Event()
        timing = Timing(clock=clock, chance=chance, wait=self._stopping.wait)
        self.namespaces = Follower(NAMESPACE_KIND, api, Store(self._dirty.set), timing)
        self.runtime_classes: Follower[RuntimeClassView] = Follower(
            RUNTIME_CLASS_KIND, api, Store(self._dirty.set), timing
        )
        self.nodes: Follower[NodeView] = Follower(NODE_KIND, api, Store(self._dirty.set), timing)
        self._publishing = threading.Lock()
        self._fetching: dict[str, Future[None]] = {}
        self._fetching_lock = threading.Lock()

    @property
    def _followers(self) -> tuple[Follower[Any], ...]:
        return (self.namespaces, self.runtime_classes, self.nodes)

    @property
    def synced(self) -> bool:
        """Whether every kind has been listed once."""
        return all(follower.store.synced for follower in self._followers)

    def state(self) -> ClusterState:
        """How the cache is doing."""
        heard = [f.heard_at for f in self._followers]
        known = [at for at in heard if at is not None]
        return ClusterState(
            synced=self.synced,
            age_seconds=self._clock() - min(known) if len(known) == len(heard) else None,
            sizes={f.kind.plural: len(f.store.entries()) for f in self._followers},
            problems=tuple(f"{f.kind.plural}: {f.problem}" for f in self._followers if f.problem),
        )

    def start(self) -> None:
        """Publish that there is a cluster, and start the threads (daemons: they hold nothing)."""
        self.publish()
        for run, name in (
            *((f.run, f.kind.plural) for f in self._followers),
            (self._publish_changes, "publisher"),
        ):
            threading.Thread(target=run, name=f"cluster-{name}", daemon=True).start()

    def stop(self) -> None:
        """Ask the threads to end; those waiting for the API server end with the process."""
        self._stopping.set()
        self._dirty.set()

    def publish(self) -> ClusterView:
        """Put what the stores hold into the snapshot."""
        with self._publishing:  # or an older view could replace a newer one
            classes, nodes = self.runtime_classes.store, self.nodes.store
            view = ClusterView(
                namespaces=self.namespaces.store.entries(),
                runtime_classes=classes.entries() if classes.synced else None,
                nodes=self._same_or_new(nodes.entries().values()) if nodes.synced else None,
                live=True,
            )
            for name in view.runtime_classes or ():
                # Thousands of nodes are sorted here, in this thread, and not while a review waits.
                view.landing(name, ANYWHERE)
            self._current.replace(cluster=view)
        return view

    def _same_or_new(self, views: Iterable[NodeView]) -> Nodes:
        """The nodes in force where they are unchanged, with all that they have found already."""
        nodes, before = Nodes(views), self._current.snapshot.cluster.nodes
        return before if before is not None and before == nodes else nodes

    def _publish_changes(self) -> None:
        while True:
            self._dirty.wait()
            if self._stopping.wait(self._coalesce_seconds):
                return
            self._dirty.clear()
            self.publish()

    def fetch_namespace(self, name: str, seconds: float) -> None:
        """Get one namespace from the API server and publish it, within ``seconds``.

        Requests for the same one wait for one answer. Raises NamespaceUnavailableError, also when
        there is no such namespace: the API server's NamespaceLifecycle refuses pods of a missing
        namespace before it asks any webhook, so this is a namespace just deleted or an API
        server behind another. To decide as if it had no labels could be laxer than the policy
        that its labels select; to answer with an error loses no pod that could have been made.
        """
        with self._fetching_lock:
            under_way = self._fetching.get(name)
            mine = Future[None]()
            if under_way is None:
                self._fetching[name] = mine
        if under_way is not None:
            self._await(under_way, name, seconds)
            return
        try:
            self._fetch(name, seconds)
            mine.set_result(None)
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._fetching_lock:
                del self._fetching[name]

    def _await(self, under_way: "Future[None]", name: str, seconds: float) -> None:
        try:
            under_way.result(seconds)
        except TimeoutError as error:
            raise NamespaceUnavailableError(f"namespace {name!r}: no answer in time") from error

    def _fetch(self, name: str, seconds: float) -> None:
        try:
            obj = self._api.get(object_path(NAMESPACES, name), seconds=seconds)
        except ApiError as error:
            raise NamespaceUnavailableError(f"namespace {name!r}: {error}") from error
        if obj is None:
            raise NamespaceUnavailableError(f"namespace {name!r} does not exist in the cluster")
        self.namespaces.store.add(namespace_reading(obj))
        self.publish()
