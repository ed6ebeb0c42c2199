"""What the cluster is, kept up to date: one list-and-watch thread for each kind of object.

The threads write readings into stores; a publisher makes one new ClusterView of a burst of
changes. While the API server is away the last view goes on serving, and ``age_seconds`` grows.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from webhook.core.cluster import (
    ClusterView,
    NamespaceView,
    NodeView,
    RuntimeClassView,
    view_namespace,
    view_node,
    view_runtime_class,
)
from webhook.core.names import NAMESPACE_DEFAULT
from webhook.live.current import Current
from webhook.live.kube import ApiError, ApiServer, GoneError, object_path, raise_for_event

log = logging.getLogger("runtimegate.cluster")

NAMESPACES = "/api/v1/namespaces"
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0
_WATCH_SECONDS = 300


class _Named(Protocol):
    @property
    def name(self) -> str: ...


V = TypeVar("V", bound=_Named)


class NamespaceUnavailableError(LookupError):
    """A namespace that a decision needs could not be had; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[V]):
    """One kind of object: where it is, how it is read, how many to ask for at a time."""

    plural: str
    path: str
    view: Callable[[Mapping[str, Any]], V]
    page: int


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


class Store(Generic[V]):
    """The readings of one kind; ``changed`` is called after every change that a view would show."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._lock = threading.Lock()
        self._entries: dict[str, V] = {}
        self.synced = False

    def replace(self, views: Mapping[str, V]) -> None:
        """Put a whole list in place."""
        with self._lock:
            same = self.synced and self._entries == views
            self._entries = dict(views)
            self.synced = True
        if not same:
            self._changed()

    def put(self, view: V) -> None:
        """Add or change one; a node's heartbeat changes nothing."""
        with self._lock:
            same = self._entries.get(view.name) == view
            self._entries[view.name] = view
        if not same:
            self._changed()

    def add(self, view: V) -> None:
        """Add one unless it is there: what a watch delivered is newer than what was fetched."""
        with self._lock:
            if view.name in self._entries:
                return
            self._entries[view.name] = view
        self._changed()

    def remove(self, name: str) -> None:
        """Remove one."""
        with self._lock:
            found = self._entries.pop(name, None)
        if found is not None:
            self._changed()

    def entries(self) -> dict[str, V]:
        """A copy of what there is."""
        with self._lock:
            return dict(self._entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Clock, chance and waiting, so that tests need none. ``wait`` sleeps and returns whether to
    stop; ``chance`` returns a number from 0 to 1."""

    clock: Callable[[], float]
    chance: Callable[[], float]
    wait: Callable[[float], bool]


class Follower(Generic[V]):
    """Keeps one store like the cluster: list, watch, and again from where it was."""

    def __init__(self, kind: Kind[V], api: ApiServer, store: Store[V], timing: Timing) -> None:
        self.kind = kind
        self.store = store
        self.problem = ""
        self.heard_at: float | None = None
        self._api = api
        self._timing = timing
        self._version = ""
        self._failures = 0

    def run(self) -> None:
        """Follow until ``wait`` says to stop; what goes wrong is logged and tried again.

        After a failure the watch goes on from the last event that was applied; the list is asked
        for again when that is too old.
        """
        while True:
            try:
                if not self._version:
                    self.list()
                self.watch()
            except GoneError as error:
                self._version = ""
                self._failed(error)
            except ApiError as error:
                self._failed(error)
            except Exception as error:
                self._version = ""
                self._failed(error)
                log.exception("following %s failed", self.kind.plural)
            if self._timing.wait(self._delay()):
                return

    def list(self) -> None:
        """Put the whole list into the store."""
        views: dict[str, V] = {}
        resume = ""
        while True:
            page = self._api.list_page(self.kind.path, limit=self.kind.page, resume=resume)
            for item in page.items:
                view = self.kind.view(item)
                views[view.name] = view
            if not page.resume:
                break
            resume = page.resume
        self.store.replace(views)
        self._version = page.resource_version
        self._heard()

    def watch(self) -> None:
        """Apply one watch until the server ends it, as it does every few minutes."""
        seconds = int(_WATCH_SECONDS * (0.8 + 0.4 * self._timing.chance()))
        path = self.kind.path
        for event in self._api.watch(path, resource_version=self._version, seconds=seconds):
            obj = event.get("object") or {}
            if event.get("type") == "ERROR":
                raise_for_event(obj, path)
            self._apply(str(event.get("type")), obj)
            self._version = (obj.get("metadata") or {}).get("resourceVersion") or self._version
            self._heard()
            self._failures = 0
        self._failures = 0

    def _apply(self, change: str, obj: Mapping[str, Any]) -> None:
        match change:
            case "ADDED" | "MODIFIED":
                self.store.put(self.kind.view(obj))
            case "DELETED":
                self.store.remove(self.kind.view(obj).name)
            case _:  # BOOKMARK: only the version counts
                pass

    def _heard(self) -> None:
        self.heard_at = self._timing.clock()
        self.problem = ""

    def _failed(self, error: Exception) -> None:
        self.problem = str(error)
        self._failures += 1
        log.warning("cannot follow %s: %s", self.kind.plural, error)

    def _delay(self) -> float:
        """Nothing after a watch that ended well; else doubling, with half of it left to chance."""
        if not self._failures:
            return 0.0
        longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(self._failures - 1, 10))
        return longest * (0.5 + 0.5 * self._timing.chance())


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
                nodes=tuple(nodes.entries().values()) if nodes.synced else None,
                live=True,
            )
            self._current.replace(cluster=view)
        return view

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
