"""An API server that goes away, comes back and forgets, and a gate that must not be wrong.

    python -m tests.live.chaos [--seconds 60] [--cuts 100]

Reviews go on all the while, in namespaces whose labels are known, and each answer is compared
with what the labels say. A change of a label is not judged while it is on its way; afterwards it
must have come through.
"""

import argparse
import http.client
import json
import os
import ssl
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.cluster import POLICIES
from tests.bench.crowd import LABEL, Api
from tests.build import review_bytes
from tests.controlplane import settings
from tests.controlplane.binaries import find_binaries
from tests.controlplane.cluster import ControlPlane
from tests.demo.gate import Gate
from tests.live.cut import Cutter

NAMESPACES, CHANGING, SEEN_WITHIN_SECONDS = 20, "chaos-changing", 90.0
_CLASS = {"metadata": {"name": "gvisor"}, "handler": "runsc"}


@dataclass(slots=True, kw_only=True)
class Figures:
    """What came of it."""

    reviews: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    longest_ms: float = 0.0
    cuts: int = 0
    away_seconds: float = 0.0
    catching_up: dict[str, float] = field(default_factory=dict)
    unseen: Counter[int] = field(default_factory=Counter)
    gone: int = 0

    def lines(self) -> Iterator[str]:
        """For the person who ran it."""
        yield f"reviews answered {self.reviews:,}: " + ", ".join(
            f"{count:,} × {status}" for status, count in sorted(self.statuses.items())
        )
        yield f"wrong verdicts {len(self.wrong)}; the slowest answer {self.longest_ms:.0f} ms"
        yield f"connections to the API server cut {self.cuts} times"
        yield f"API server away {self.away_seconds:.0f} s; namespaces not seen before: " + (
            ", ".join(f"{count} × {status}" for status, count in sorted(self.unseen.items()))
        )
        yield f"410 met {self.gone} times"
        for event, seconds in self.catching_up.items():
            yield f"a change of a label {event}: seen after {seconds:.1f} s"


class Asker:
    """Asks for verdicts over a connection of its own, and keeps it."""

    def __init__(self, gate: Gate) -> None:
        trust = ssl.create_default_context(cadata=gate.ca_pem)
        self._connection = http.client.HTTPSConnection(
            "127.0.0.1", gate.port, context=trust, timeout=30
        )

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()

    def ask(self, namespace: str, timeout: str = "5s") -> tuple[int, bool]:
        """The status, and whether a pod there is given a class."""
        headers = {"Content-Type": "application/json"}
        body = review_bytes(namespace=namespace)
        self._connection.request("POST", f"/mutate?timeout={timeout}", body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            return answer.status, False
        return 200, "patch" in json.loads(content)["response"]


class Load:
    """Reviews without a pause in the namespaces that do not change; all must be right."""

    def __init__(self, gate: Gate, figures: Figures) -> None:
        self._asker = Asker(gate)
        self._figures = figures
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and be sure that the last answer is in the figures."""
        self._stopping.set()
        self._thread.join(30)
        self._asker.close()

    def _run(self) -> None:
        figures, number = self._figures, 0
        while not self._stopping.wait(0.002):
            number = (number + 1) % NAMESPACES
            began = time.monotonic()
            try:
                status, given = self._asker.ask(f"chaos-{number}")
            except Exception as error:  # noqa: BLE001 - any failure to answer is a figure
                figures.wrong.append(f"no answer: {error!r}")
                return
            figures.reviews += 1
            figures.statuses[status] += 1
            figures.longest_ms = max(figures.longest_ms, (time.monotonic() - began) * 1e3)
            if status != 200 or given is not (number % 2 == 0):
                figures.wrong.append(f"chaos-{number}: HTTP {status}, given a class: {given}")


class Chaos:
    """A control plane, a proxy, a gate behind it, and what happens to them."""

    def __init__(self, plane: ControlPlane, cutter: Cutter, gate: Gate, figures: Figures) -> None:
        self.plane, self.cutter, self.gate, self.figures = plane, cutter, gate, figures
        self._api = api_of(plane)
        self._sandboxed = False

    def change_is_seen(self, event: str) -> None:
        """Flip a label and wait for the flip's effect; a cache that is stuck fails here."""
        self._sandboxed = wanted = not self._sandboxed
        self._api.label(CHANGING, LABEL, "sandboxed" if wanted else None)
        began = time.monotonic()
        with closing(Asker(self.gate)) as asker:  # one kept idle would have been closed
            while asker.ask(CHANGING) != (200, wanted):
                assert time.monotonic() - began < SEEN_WITHIN_SECONDS, f"stuck: {event}"
                time.sleep(0.01)
        self.figures.catching_up[event] = time.monotonic() - began

    def close(self) -> None:
        """Let the connections go."""
        self._api.close()

    def cut(self, times: int) -> None:
        """Cut every connection, again and again, labels being changed meanwhile."""
        for n in range(times):
            if n % 10 == 5:
                self._sandboxed = not self._sandboxed
                self._api.label(CHANGING, LABEL, "sandboxed" if self._sandboxed else None)
            # Each kind is to be watching when it is cut, and for a while, or the pauses grow.
            _until(lambda: self.cutter.watching() >= 3)
            least = self.figures.reviews + 30
            time.sleep(1.1)
            _until(partial(self._reviewed, least))
            self.cutter.cut()
            self.figures.cuts += 1

    def _reviewed(self, least: int) -> bool:
        """Whether so many reviews were asked for meanwhile, or there is no need to go on."""
        return self.figures.reviews >= least or bool(self.figures.wrong)

    def outage(self, seconds: float) -> None:
        """Kill the API server; ask for a namespace never seen meanwhile; start it again."""
        self.plane.kill_apiserver()
        began, least = time.monotonic(), self.figures.reviews + 200
        with closing(Asker(self.gate)) as asker:
            while time.monotonic() - began < seconds or not self._reviewed(least):
                status, given = asker.ask(f"never-seen-{self.figures.unseen.total()}", "1s")
                self.figures.unseen[status] += 1
                if status == 200:
                    self.figures.wrong.append(f"a verdict without labels, given a class: {given}")
                time.sleep(0.5)
        self.plane.start_apiserver()
        self.figures.away_seconds = time.monotonic() - began

    def forget(self) -> None:
        """Force 410: while the gate is cut off, make changes and restart the API server, whose
        watch cache then begins after the version that the gate has."""
        self.cutter.refuse = True
        self.cutter.cut()
        for n in range(30):
            self._api.label("chaos-0", "chaos/turn", str(n))
        self.plane.kill_apiserver()
        self.plane.start_apiserver()
        self.cutter.refuse = False


def api_of(plane: ControlPlane) -> Api:
    """The API server as its administrator reaches it, not by way of the proxy."""
    return Api(plane.url, token=plane.token("admin"), ca_pem=plane.ca_pem)


@contextmanager
def chaos(figures: Figures) -> Iterator[Chaos]:
    """All of it, running."""
    with tempfile.TemporaryDirectory(prefix="runtimegate-chaos-") as folder:
        policies = Path(folder) / "policies"
        policies.mkdir()
        policies.joinpath("chaos.yaml").write_text(POLICIES)
        with ControlPlane(find_binaries(os.environ)) as plane:
            api = api_of(plane)
            api.create("/apis/node.k8s.io/v1/runtimeclasses", _CLASS)
            for n in range(NAMESPACES):
                labels = {LABEL: "sandboxed"} if n % 2 == 0 else {}
                metadata = {"name": f"chaos-{n}", "labels": labels}
                api.create("/api/v1/namespaces", {"metadata": metadata})
            api.create("/api/v1/namespaces", {"metadata": {"name": CHANGING}})
            api.close()
            with Cutter(int(plane.url.rpartition(":")[2])) as cutter:
                kubeconfig = Path(folder) / "kubeconfig"
                kubeconfig.write_text(_by_way_of(cutter, plane))
                with Gate(policies, kubeconfig=kubeconfig) as gate:
                    yield Chaos(plane, cutter, gate, figures)


def _by_way_of(cutter: Cutter, plane: ControlPlane) -> str:
    return settings.kubeconfig_text(
        url=f"https://127.0.0.1:{cutter.port}",
        ca_pem=plane.ca_pem,
        user="admin",
        token=plane.token("admin"),
    )


def _until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + SEEN_WITHIN_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "did not come about in time"
        time.sleep(0.01)


def run(*, seconds: float, cuts: int) -> Figures:
    """Everything that can happen, in turn, under load."""
    figures = Figures()
    with chaos(figures) as world:
        load = Load(world.gate, figures)
        load.start()
        try:
            world.change_is_seen("when all is well")
            world.cut(cuts)
            world.change_is_seen("after the cuts")
            world.outage(seconds)
            world.change_is_seen("after the outage")
            world.forget()
            world.change_is_seen("after the API server had forgotten")
        finally:
            load.stop()
            world.close()
        figures.gone = world.gate.log.count("too old resource version")
    return figures


def main() -> None:
    """Run it, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.chaos")
    parser.add_argument("--seconds", type=float, default=60.0, help="of outage")
    parser.add_argument("--cuts", type=int, default=100, help="of all connections")
    given = parser.parse_args()
    figures = run(seconds=given.seconds, cuts=given.cuts)
    for line in figures.lines():
        print(line)
    for line in figures.wrong[:20]:
        print(f"WRONG: {line}")


if __name__ == "__main__":
    main()
