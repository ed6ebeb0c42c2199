"""Load on the API server while something happens to the replicas: every answer is judged.

Threads create pods by raw HTTP (``dryRun=All``: admission and all of it, nothing stored), one more
runs the real kubectl. Half of the pods name no class and are to be assigned one, half ask for
``runc`` and are to be refused, in exactly the words of a policy in force.
"""

import contextlib
import http.client
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Self

from tests.controlplane.cluster import ControlPlane

THREADS = 4
PAUSE_SECONDS = 0.01
_CALL_FAILED = "failed calling webhook"
_ASSIGNED_BY = "runtimegate.dev/assigned-by"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What may be answered now: class and policy of an assignment, and the refusals, whole."""

    assignments: frozenset[tuple[str, str]]
    refusals: frozenset[str]


@dataclass(slots=True, kw_only=True)
class Tally:
    """Answers so far. ``failed``: the webhook call failed; ``wrong``: anything else not right."""

    assigned: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    by_kubectl: int = 0
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def right(self) -> int:
        """Answers as they should be."""
        return self.assigned.total() + self.refused.total()


class Load:
    """The load, from entering to leaving the ``with``."""

    def __init__(self, plane: ControlPlane, namespace: str, expected: Expected) -> None:
        self.expected = expected
        self._plane, self._namespace = plane, namespace
        self._tally = Tally()
        self._over = False
        self._paused = False
        self._busy = 0
        self._turn = threading.Condition()
        works = (*[self._raw] * THREADS, self._kubectl)
        self._threads = [threading.Thread(target=work, name="load") for work in works]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._turn:
            self._over = True
            self._turn.notify_all()
        for thread in self._threads:
            thread.join()

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Nothing is under way within the ``with``; the load goes on after it."""
        with self._turn:
            self._paused = True
            self._turn.wait_for(lambda: not self._busy)
        try:
            yield
        finally:
            with self._turn:
                self._paused = False
                self._turn.notify_all()

    def take(self) -> Tally:
        """What was answered since the last time; begin anew."""
        with self.quiet():
            taken, self._tally = self._tally, Tally()
        return taken

    @property
    def right(self) -> int:
        """How many answers since the last time were as they should be."""
        with self._turn:
            return self._tally.right

    @property
    def failures(self) -> int:
        """How many calls of the webhook failed since the last time."""
        with self._turn:
            return len(self._tally.failed)

    def blame(self, wrong: Sequence[str]) -> None:
        """Count what somebody else found wrong."""
        with self._turn:
            self._tally.wrong.extend(wrong)

    def _turns(self) -> Iterator[None]:
        """One turn after another until the end; no turn begins while all is to be quiet."""
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._over or not self._paused)
                if self._over:
                    return
                self._busy += 1
            try:
                yield
            finally:
                with self._turn:
                    self._busy -= 1
                    self._turn.notify_all()
            time.sleep(PAUSE_SECONDS)

    def _raw(self) -> None:
        trust = ssl.create_default_context(cadata=self._plane.ca_pem)
        host = self._plane.url.removeprefix("https://")
        connection = http.client.HTTPSConnection(host, timeout=90, context=trust)
        path = f"/api/v1/namespaces/{self._namespace}/pods?dryRun=All"
        headers = {
            "Authorization": f"Bearer {self._plane.token('admin')}",
            "Content-Type": "application/json",
        }
        for _, pod in zip(self._turns(), _pods(), strict=False):
            connection.request("POST", path, json.dumps(pod), headers)
            answer = connection.getresponse()
            body = json.loads(answer.read())
            self._judge("runtimeClassName" in pod["spec"], body)
        connection.close()

    def _kubectl(self) -> None:
        asked = ("create", "-n", self._namespace, "--dry-run=server", "-o", "json", "-f", "-")
        for _, pod in zip(self._turns(), _pods(), strict=False):
            done = self._plane.kubectl(*asked, stdin=json.dumps(pod), check=False)
            body = done.json() if not done.returncode else {"message": done.stderr.strip()}
            self._judge("runtimeClassName" in pod["spec"], body)
            with self._turn:
                self._tally.by_kubectl += 1

    def _judge(self, to_refuse: bool, body: dict[str, object]) -> None:
        judged = self._refusal if to_refuse else self._assignment
        with self._turn:
            message = str(body.get("message", ""))
            if _CALL_FAILED in message:
                self._tally.failed.append(message)
            elif not judged(body, message):
                self._tally.wrong.append(message or json.dumps(body)[:2000])

    def _refusal(self, body: dict[str, object], message: str) -> bool:
        found = [end for end in self.expected.refusals if message.endswith(end)]
        self._tally.refused.update(found)
        return bool(found)

    def _assignment(self, body: dict[str, object], message: str) -> bool:
        assigned = (
            str(_at(body, "spec", "runtimeClassName")),
            str(_at(body, "metadata", "annotations", _ASSIGNED_BY)),
        )
        if assigned not in self.expected.assignments:
            return False
        self._tally.assigned[assigned[1]] += 1
        return True


def _at(value: object, *path: str) -> object:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _pods() -> Iterator[dict[str, Any]]:
    for n in count():
        asked = {"runtimeClassName": "runc"} if n % 2 else {}
        containers = [{"name": "web", "image": "docker.io/library/nginx:1.31"}]
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web"},
            "spec": {**asked, "containers": containers},
        }
