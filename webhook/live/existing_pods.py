"""The pods of one namespace, for a preview: listed once, within bounds of number, size and time."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from webhook.core.preview import MOST_PODS, ExistingPod, ExistingPods, view_existing
from webhook.live.cluster import NAMESPACES
from webhook.live.kube import ApiError, Page, object_path

MOST_BYTES = 16 * 1024 * 1024
MOST_AT_ONCE = 2
_PAGE = 250


class BoundedLists(Protocol):
    """What is asked of an API server here."""

    def list_page_within(
        self, path: str, *, limit: int, resume: str, seconds: float, most_bytes: int
    ) -> Page:
        """One page; ApiError where it is longer, in bytes or seconds."""


class ExistingPodLister:
    """Lists pods for at most two previews at a time: each holds a thread and some megabytes."""

    def __init__(self, api: BoundedLists, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._clock = clock
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)

    def list_pods(self, namespace: str, seconds: float) -> ExistingPods:
        """The pods of ``namespace``: half of ``seconds`` to list them, as much to judge them.

        Never raises for what the API server does: then the result says what the problem was.
        """
        if not self._places.acquire(blocking=False):
            return ExistingPods(problem=f"{MOST_AT_ONCE} other changes are being previewed")
        try:
            return self._listed(namespace, seconds / 2)
        except ApiError as error:
            return ExistingPods(problem=_said(error))
        finally:
            self._places.release()

    def _listed(self, namespace: str, seconds: float) -> ExistingPods:
        deadline = self._clock() + seconds
        pods: list[ExistingPod] = []
        resume, left = "", MOST_BYTES
        while True:
            try:
                page = self._api.list_page_within(
                    f"{object_path(NAMESPACES, namespace)}/pods",
                    limit=_PAGE,
                    resume=resume,
                    seconds=max(deadline - self._clock(), 0.001),
                    most_bytes=left,
                )
            except ApiError:
                if not pods:
                    raise
                return self._result(pods, False, seconds)
            found = (view_existing(item, namespace) for item in page.items)
            pods.extend(pod for pod in found if pod is not None)
            resume, left = page.resume, left - page.size
            if not resume or len(pods) >= MOST_PODS:
                return self._result(pods, not resume, seconds)

    def _result(self, pods: list[ExistingPod], whole: bool, seconds: float) -> ExistingPods:
        until = self._clock() + seconds
        return ExistingPods(pods=tuple(pods), whole=whole, may_go_on=lambda: self._clock() < until)


def _said(error: ApiError) -> str:
    return "forbidden" if error.status == 403 else str(error)
