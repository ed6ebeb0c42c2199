"""Three replicas on one folder of policies and one of certificates, and who of them is ready."""

import contextlib
import http.client
import os
import signal
import ssl
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.demo.gate import Gate
from tests.demo.story import ROOT
from tests.ha.balancer import Balancer

DRAIN_SECONDS = 8  # of which the better part is for a busy machine to be late in
TOLD_SECONDS = 2  # until EndpointSlice and kube-proxy know that a pod is being deleted
PROBE_SECONDS = 0.5
PROBE_ANSWERED_SECONDS = 10  # a busy machine; who is killed refuses at once
PROBE_FAILURES = 2  # as the chart's readinessProbe; its period is 2 s, and the drain 10 s


class Replica(Gate):
    """One ``runtimegate serve`` on folders that it shares with others."""

    def __init__(self, policies: Path, *, tls: Path, kubeconfig: Path, tree: Path = ROOT) -> None:
        super().__init__(policies, kubeconfig=kubeconfig)
        self._tls, self._tree = tls, tree

    @property
    def tree(self) -> Path:
        return self._tree

    @property
    def tls_folder(self) -> Path:
        return self._tls

    @property
    def command(self) -> Sequence[str]:
        changed = [each for each in super().command if each != "--self-signed"]
        changed[changed.index("--drain-seconds") + 1] = str(DRAIN_SECONDS)
        return [*changed, "--reload-seconds", "0.5"]

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers."""
        text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in text.split()]

    def kill(self) -> None:
        """End all its processes at once, as the end of a container by memory or node does."""
        pids = [self.pid, *self.workers]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def look(self) -> None:
        """Let it look at its files now."""
        os.kill(self.pid, signal.SIGHUP)

    def probe(self) -> bool:
        """What a kubelet's readinessProbe finds; it verifies no certificate either."""
        trust = ssl.create_default_context()
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=PROBE_ANSWERED_SECONDS, context=trust
        )
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Replicas:
    """The replicas behind a balancer, from entering to leaving the ``with``.

    Stands for kubelet and EndpointSlice: who fails its probe gets no new connections.
    """

    def __init__(
        self,
        balancer: Balancer,
        policies: Path,
        *,
        tls: Path,
        kubeconfig: Path,
        trees: Sequence[Path],
    ) -> None:
        """One replica by each of ``trees``."""
        self._balancer = balancer
        self._policies, self._tls, self._kubeconfig = policies, tls, kubeconfig
        self._trees = trees
        self._running: list[Replica] = []
        self._failures = Counter[int]()
        self._leaving = set[int]()
        self._over = threading.Event()
        self._prober = threading.Thread(target=self._probe, name="readiness")
        self._away = False

    def __enter__(self) -> Self:
        try:
            for tree in self._trees:
                self.start(tree)
        except BaseException:
            self._stop_all()
            raise
        self._prober.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._prober.join()
        self._stop_all()

    @property
    def running(self) -> tuple[Replica, ...]:
        """The replicas that were not stopped."""
        return tuple(self._running)

    def start(self, tree: Path = ROOT) -> Replica:
        """One more, once it is ready."""
        replica = Replica(self._policies, tls=self._tls, kubeconfig=self._kubeconfig, tree=tree)
        replica.__enter__()
        self._running.append(replica)
        self._tell()
        return replica

    def roll(
        self,
        replica: Replica,
        *,
        with_signal: signal.Signals = signal.SIGTERM,
        tree: Path = ROOT,
    ) -> None:
        """Replace it as a Deployment with maxSurge 1 does: a new one first, then SIGTERM.

        It is sent connections for ``TOLD_SECONDS`` more, unless a probe finds it unready before.
        """
        self.start(tree)
        os.kill(replica.pid, with_signal)
        told = time.monotonic() + TOLD_SECONDS
        while self._alive(replica) or time.monotonic() < told:
            if time.monotonic() >= told and replica.port not in self._leaving:
                self._leaving.add(replica.port)
                self._tell()
            time.sleep(0.1)
        self.forget(replica)

    def forget(self, replica: Replica) -> None:
        """It has ended: take it out and its folder away."""
        self._running.remove(replica)
        self._tell()
        replica.stop()

    def look(self) -> None:
        """Let all look at their files now."""
        for replica in self.running:
            replica.look()

    def out_of_service(self, away: bool) -> None:
        """Whether none gets a connection: what an outage is."""
        self._away = away
        self._tell()

    def _alive(self, replica: Replica) -> bool:
        process = replica._process
        return process is not None and process.poll() is None

    def _stop_all(self) -> None:
        for replica in self._running:
            replica.stop()

    def _tell(self) -> None:
        ready = [
            each.port
            for each in self.running
            if self._failures[each.port] < PROBE_FAILURES and each.port not in self._leaving
        ]
        self._balancer.use([] if self._away else ready)

    def _probe(self) -> None:
        while not self._over.wait(PROBE_SECONDS):
            for replica in self.running:
                ready = replica.probe()
                self._failures[replica.port] = 0 if ready else self._failures[replica.port] + 1
            self._tell()
