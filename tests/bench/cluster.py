"""A large cluster against an empty one: `python -m tests.bench cluster` (`make bench-cluster`).

Two real API servers, one with 10,000 namespaces, 5,000 nodes and 50 RuntimeClasses; a gate on
each. What a review costs is the worker's CPU time, so that other load on the machine counts for
little; the two gates take turns.
"""

import http.client
import os
import re
import ssl
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench.crowd import LABEL, NAMESPACES, NODES, RUNTIME_CLASSES, Api, populate
from tests.bench.reviews import realistic_review
from tests.controlplane.binaries import find_binaries
from tests.controlplane.cluster import ControlPlane
from tests.demo.gate import Gate

ROUNDS, REVIEWS, CHANGES = 9, 600, 200
CHANGED = "crowd-7"
POLICIES = f"""\
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {{name: bench, description: Sandboxes the namespaces that are labelled.}}
spec:
  namespaces: {{selector: {{matchLabels: {{{LABEL}: sandboxed}}}}}}
  runtimeClasses: {{default: gvisor, allowed: [gvisor]}}
---
apiVersion: runtimegate.dev/v1
kind: RuntimeInventory
metadata: {{name: cluster}}
spec:
  nodeDefault: {{runtime: runc}}
  runtimes:
    - {{runtimeClass: gvisor, handler: runsc, runtime: gvisor, versions: ["20260817.0"]}}
"""


class Client:
    """One connection to a gate, kept; answers reviews as quickly as Python can ask."""

    def __init__(self, gate: Gate) -> None:
        trust = ssl.create_default_context(cadata=gate.ca_pem)
        self._connection = http.client.HTTPSConnection("127.0.0.1", gate.port, context=trust)

    def mutate(self, body: bytes) -> bytes:
        """The answer to one review."""
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/mutate?timeout=5s", body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"HTTP {answer.status}: {content!r}")
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A gate beside its cluster, and its one worker."""

    gate: Gate
    client: Client
    worker: int
    ready_seconds: float


def main() -> None:
    """Run everything and print the figures."""
    with tempfile.TemporaryDirectory(prefix="runtimegate-bench-") as folder, ExitStack() as open_:
        policies = Path(folder)
        policies.joinpath("bench.yaml").write_text(POLICIES)
        empty, full = (open_.enter_context(ControlPlane(find_binaries(os.environ))) for _ in "ef")
        api = _api(full)
        small = _api(empty)
        for name, labels in (("crowd-0", {LABEL: "sandboxed"}), (CHANGED, {})):
            metadata = {"name": name, "labels": labels}
            small.create("/api/v1/namespaces", {"metadata": metadata})
        gvisor = {"metadata": {"name": "gvisor"}, "handler": "runsc"}
        small.create("/apis/node.k8s.io/v1/runtimeclasses", gvisor)
        began = time.monotonic()
        populate(api)
        print(
            f"{NAMESPACES:,} namespaces, {NODES:,} nodes, {RUNTIME_CLASSES} RuntimeClasses; made in"
            f" {time.monotonic() - began:.0f} s; 1 worker; load {os.getloadavg()[0]:.1f}"
        )
        few = open_.enter_context(_serving(policies, empty))
        many = open_.enter_context(_serving(policies, full))
        _print(few, many, api)


def _print(few: Subject, many: Subject, api: Api) -> None:
    print(f"{'':46} {'empty':>9} {'full':>9}")
    _row("time to ready, s (the start of Python included)", few.ready_seconds, many.ready_seconds)
    _row("resident MiB of the worker, once ready", _resident(few.worker), _resident(many.worker))
    assigned, kept = realistic_review("crowd-0"), realistic_review(CHANGED)
    for name, body in (("assigned", assigned), ("kept", kept)):
        costs = _costs((few, many), body)
        ratio = statistics.median(b / a for a, b in zip(*costs, strict=True))
        _row(f"CPU µs a review, {name}", *(statistics.median(cost) for cost in costs))
        print(f"{'  ratio, median of the rounds':46} {'':9} {ratio:9.2f}")
    delays = sorted(_effects(api, many, kept))
    p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99) - 1]
    print(f"a label's change to its effect, {CHANGES} times: p50 {p50:.0f} ms, p99 {p99:.0f} ms,"
          f" longest {delays[-1]:.0f} ms")  # fmt: skip
    before = _cpu(many.worker)
    began = time.monotonic()
    turned = 0
    while time.monotonic() - began < 10:
        turned += 1
        api.label("crowd-9", "bench/changed", str(turned))
    share = (_cpu(many.worker) - before) / (time.monotonic() - began)
    print(f"CPU of the worker at {turned / 10:.0f} changes of labels a second: {share:.0%}")
    _row("resident MiB of the worker, at the end", _resident(few.worker), _resident(many.worker))


def _row(name: str, few: float, many: float) -> None:
    print(f"{name:46} {few:9.1f} {many:9.1f}", flush=True)


def _api(plane: ControlPlane) -> Api:
    return Api(plane.url, token=plane.token("admin"), ca_pem=plane.ca_pem)


@contextmanager
def _serving(policies: Path, plane: ControlPlane) -> Iterator[Subject]:
    began = time.monotonic()
    with Gate(policies, kubeconfig=plane.kubeconfig("admin")) as gate:
        ready = time.monotonic() - began
        children = Path(f"/proc/{gate.pid}/task/{gate.pid}/children").read_text().split()
        yield Subject(gate=gate, client=Client(gate), worker=int(children[0]), ready_seconds=ready)


def _costs(subjects: tuple[Subject, Subject], body: bytes) -> tuple[list[float], list[float]]:
    found: tuple[list[float], list[float]] = ([], [])
    for subject in subjects:  # the first finds what later ones are told
        subject.client.mutate(body)
    for _ in range(ROUNDS):
        for subject, into in zip(subjects, found, strict=True):
            before = _cpu(subject.worker)
            for _ in range(REVIEWS):
                subject.client.mutate(body)
            into.append((_cpu(subject.worker) - before) / REVIEWS * 1e6)
    return found


def _effects(api: Api, subject: Subject, body: bytes) -> Iterator[float]:
    """Milliseconds from the API server's answer to the first review that goes by the change."""
    for n in range(CHANGES):
        sandboxed = n % 2 == 0
        api.label(CHANGED, LABEL, "sandboxed" if sandboxed else None)
        began = time.perf_counter()
        _until(partial(_gives, subject.client, body, sandboxed))
        yield (time.perf_counter() - began) * 1e3
        time.sleep(0.02 * (n % 11))  # so that no change falls into step with the publisher


def _gives(client: Client, body: bytes, wanted: bool) -> bool:
    """Whether a class is given just when it is wanted."""
    return (b'"patch"' in client.mutate(body)) is wanted


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError("a change of a label took no effect within 90 s")


def _cpu(pid: int) -> float:
    """The CPU seconds of a process, by the scheduler's own count (all threads, nanoseconds)."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _resident(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0
