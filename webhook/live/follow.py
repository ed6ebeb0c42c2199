"""One kind of object of a cluster, kept as it is there: list, watch, again from where it was."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from webhook.live.kube import ApiError, ApiServer, GoneError, raise_for_event

log = logging.getLogger("runtimegate.cluster")

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 10.0
_WATCH_SECONDS = 300
_SHORT_SECONDS = 1.0


class _Named(Protocol):
    @property
    def name(self) -> str: ...


V = TypeVar("V", bound=_Named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[V]):
    """One kind of object: where it is, how it is read, how many to ask for at a time."""

    plural: str
    path: str
    view: Callable[[Mapping[str, Any]], V]
    page: int


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
            if self._entries.get(view.name) == view:
                return  # what is compared with the last snapshot is then the same object
            self._entries[view.name] = view
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
        self._relists = 0
        self._tried_at = 0.0

    def run(self) -> None:
        """Follow until ``wait`` says to stop; what goes wrong is logged and tried again.

        After a failure the watch goes on from the last event that was applied; the list is asked
        for again when that is too old.
        """
        while True:
            self._tried_at = self._timing.clock()
            try:
                if not self._version:
                    self.list()
                self.watch()
            except GoneError as error:
                self._version = ""
                self._failed(error)
                # The server answers, so what went before does not count: only lists in vain do.
                self._relists += 1
                self._failures = self._relists
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
        self._failures = 0

    def watch(self) -> None:
        """Apply one watch until the server ends it, as it does every few minutes.

        One that ends at once and brings nothing is a fault somewhere on the way: asked for again
        without a pause it would be a flood.
        """
        began, brought = self._timing.clock(), False
        seconds = int(_WATCH_SECONDS * (0.8 + 0.4 * self._timing.chance()))
        path = self.kind.path
        for event in self._api.watch(path, resource_version=self._version, seconds=seconds):
            obj = event.get("object") or {}
            if event.get("type") == "ERROR":
                raise_for_event(obj, path)
            self._apply(str(event.get("type")), obj)
            self._version = (obj.get("metadata") or {}).get("resourceVersion") or self._version
            self._heard()
            self._failures = self._relists = 0
            brought = True
        if not brought and self._timing.clock() - began < _SHORT_SECONDS:
            raise ApiError(f"watch of {path} ended at once")
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
        # What held for a while was well: a connection that is cut is taken up again at once.
        lasted = self._timing.clock() - self._tried_at
        self._failures = 1 if lasted >= _SHORT_SECONDS else self._failures + 1
        log.warning("cannot follow %s: %s", self.kind.plural, error)

    def _delay(self) -> float:
        """Nothing after a watch that ended well; else doubling, with half of it left to chance."""
        if not self._failures:
            return 0.0
        longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(self._failures - 1, 10))
        return longest * (0.5 + 0.5 * self._timing.chance())
