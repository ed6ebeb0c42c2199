"""The one function behind both doors: a posted review in, an HTTP answer out, recorded once.

Whose fault it is decides the status: a review that cannot be read is its sender's (400, 413,
415); a needed fact that cannot be had in time, or a bug of ours, is not a verdict (500), so that
the operator's ``failurePolicy`` decides.
"""

import logging
import re
import time
from collections.abc import Callable
from typing import Protocol

from webhook.core.preview import ExistingPods
from webhook.core.values import per_review
from webhook.live.cluster import NamespaceUnavailableError
from webhook.live.current import Current
from webhook.server.logs import ReviewLog, clean
from webhook.server.metrics import Metrics
from webhook.wire.admit import Door, FactWanted, NamespaceNotSeen, PodsWanted, admit
from webhook.wire.review import MAX_BODY_BYTES, ReviewError

log = logging.getLogger("runtimegate.server")

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

_DEFAULT_SECONDS = 10.0  # the API server's, when a webhook configuration gives none
_MOST_SECONDS = 30.0  # the longest that the API server allows
_PREVIEW_SECONDS = 2.0  # to list the pods of a namespace and to judge them, as Pod Security: 1 s
_SHARE = 0.8  # of it for waiting; the rest is for the way back
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


@per_review(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes
    content_type: str = TEXT


class Namespaces(Protocol):
    """Where a namespace that the snapshot lacks can be had."""

    def fetch_namespace(self, name: str, seconds: float) -> None:
        """Put it into the snapshot; raises NamespaceUnavailableError."""


class PodLister(Protocol):
    """Where the pods of a namespace can be had."""

    def list_pods(self, namespace: str, seconds: float) -> ExistingPods:
        """Its pods, or what the problem was, in ``seconds`` with the time to judge them."""


class Reviews:
    """Answers reviews by the current snapshot."""

    def __init__(
        self,
        current: Current,
        *,
        metrics: Metrics,
        review_log: ReviewLog,
        namespaces: Namespaces | None = None,
        pods: PodLister | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._current = current
        self._metrics = metrics
        self._log = review_log
        self._namespaces = namespaces
        self._pods = pods
        self._clock = clock
        self._under_way: set[object] = set()

    @property
    def in_flight(self) -> int:
        """How many reviews are being read, decided or answered."""
        return len(self._under_way)

    def begin(self) -> object:
        """Count a review as under way; give the result to ``end``."""
        token = object()
        self._under_way.add(token)
        return token

    def end(self, token: object) -> None:
        """The review has been answered, or its sender has gone."""
        self._under_way.discard(token)

    def answer(self, door: Door, content_type: str, body: bytes, timeout: str) -> Answer:
        """Answer one review; may wait for the API server, as long as ``timeout`` allows.

        ``timeout`` is the query parameter of that name, in Go's notation (``5s``).
        """
        began = self._clock()
        try:
            return self.answer_at_once(door, content_type, body, began=began)
        except PodsWanted as wanted:
            existing = self._existing(wanted, timeout)
            return self.answer_at_once(door, content_type, body, began=began, existing=existing)
        except NamespaceNotSeen as missing:
            problem = self._fetch(missing, timeout)
        if problem:
            return self.refuse(door, 500, problem, began)
        try:
            return self.answer_at_once(door, content_type, body, began=began)
        except NamespaceNotSeen as missing:  # deleted in this moment
            return self.refuse(door, 500, str(missing), began)

    def _fetch(self, missing: NamespaceNotSeen, timeout: str) -> str:
        """Get the namespace; what is said where that fails, else empty."""
        if self._namespaces is None:
            return str(missing)
        try:
            self._namespaces.fetch_namespace(missing.namespace, waiting_seconds(timeout))
        except NamespaceUnavailableError as error:
            return str(error)
        return ""

    def _existing(self, wanted: PodsWanted, timeout: str) -> ExistingPods:
        """The pods of a namespace; a preview never costs the change itself."""
        if self._pods is None:
            return ExistingPods(problem="there is no API server to ask")
        seconds = min(waiting_seconds(timeout) / 2, _PREVIEW_SECONDS)
        return self._pods.list_pods(wanted.namespace, seconds)

    def answer_at_once(
        self,
        door: Door,
        content_type: str,
        body: bytes,
        *,
        began: float | None = None,
        existing: ExistingPods | None = None,
    ) -> Answer:
        """Answer one review without waiting for anything.

        Raises FactWanted, and nothing else, when it cannot be: then ``answer`` can. With
        ``existing`` pods it takes the time that judging them may take.
        """
        began = self._clock() if began is None else began
        if not _is_json(content_type):
            return self.refuse(
                door, 415, f"the content type must be {JSON}, not {content_type!r}", began
            )
        try:
            outcome = admit(body, self._current.snapshot, door, existing)
            seconds = self._clock() - began
            self._metrics.record(outcome, seconds)
            self._log.record(outcome, seconds)
        except ReviewError as error:
            return self.refuse(door, error.status, str(error), began)
        except FactWanted:
            raise
        except Exception:  # the rim: a bug of ours is no verdict
            log.exception("a review could not be answered")
            return self.refuse(door, 500, "internal error: see the log of runtimegate", began)
        return Answer(status=200, body=outcome.body, content_type=JSON)

    def too_large(self, door: Door) -> Answer:
        """The answer to a body that is larger than a review can be, read or not."""
        return self.refuse(
            door, 413, f"the review is larger than {MAX_BODY_BYTES} bytes", self._clock()
        )

    def too_late(self, door: Door, seconds: float) -> Answer:
        """The answer to a review that had to wait longer than its sender does."""
        return self.refuse(door, 500, f"no answer within {seconds:g} s", self._clock() - seconds)

    def refuse(self, door: Door, status: int, message: str, began: float) -> Answer:
        """An HTTP error with one clear line, recorded."""
        seconds = self._clock() - began
        self._metrics.record_error(door.value, status)
        self._log.record_error(door.value, status, message, seconds)
        return Answer(status=status, body=f"{clean(message, 500)}\n".encode())


def waiting_seconds(timeout: str) -> float:
    """How long a review may wait for something, by the API server's ``timeout`` parameter."""
    parts = _DURATION.findall(timeout)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds <= 0 or "".join(n + u for n, u in parts) != timeout:
        seconds = _DEFAULT_SECONDS
    return min(seconds, _MOST_SECONDS) * _SHARE


def _is_json(content_type: str) -> bool:
    return content_type == JSON or content_type.partition(";")[0].strip().lower() == JSON
