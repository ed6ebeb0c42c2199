"""What happens to the replicas while the load runs: one row of the table each."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from certs.files import CA_CRT, CA_KEY, TLS_CRT, TLS_KEY, locked, write_files
from certs.inspect import inspect_bundle, inspect_serving
from certs.issue import IssuedCert, issue_serving
from certs.served import Endpoint, outdated
from tests.certs.test_cluster import QUICK, Installation, drop_when_due, installed, until_called
from tests.controlplane.cluster import ControlPlane
from tests.demo.story import ROOT
from tests.e2e.cases import RUNTIME_CLASSES
from tests.ha.balancer import Balancer
from tests.ha.caller import Caller
from tests.ha.load import Load, Tally
from tests.ha.policies import NAMESPACE, POLICIES, either, write_policies, write_policy
from tests.ha.replicas import Replica, Replicas
from tests.registration import RIGHTS
from webhook.live.policy_folder import load_folder

REPLICAS = 3
SEEN_WITHIN_SECONDS = 90
_MOUNT_SECONDS = 1.5
_UNDRAINED_ROUNDS = 3  # at the most, until somebody is refused: a busy machine asks little
_NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": "ha",
        "labels": {
            "sandbox.example.com/gvisor": "true",
            "katacontainers.io/kata-runtime": "true",
            "kubernetes.io/arch": "amd64",
            "kubernetes.io/os": "linux",
        },
    },
    "status": {
        "conditions": [{"type": "Ready", "status": "True"}],
        "nodeInfo": {
            "machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "6.12.0",
            "osImage": "", "containerRuntimeVersion": "containerd://2.1.4",
            "kubeletVersion": "v1.37.2", "kubeProxyVersion": "",
            "operatingSystem": "linux", "architecture": "amd64",
        },
        "runtimeHandlers": [{"name": name} for name in ("", "runc", "runsc", "kata-qemu")],
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much of everything."""

    rolls: int = 1
    kills: int = 3
    rotations: int = 1000
    policy_changes: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One phase: what was done and what became of the requests meanwhile."""

    name: str
    done: str
    seconds: float
    tally: Tally
    in_flight: int = 0
    """Connections that had asked a replica which went away without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """All that the phases act on; everything runs."""

    installation: Installation
    balancer: Balancer
    replicas: Replicas
    load: Load
    policies: Path
    tls: Path

    def bundle(self) -> str:
        """What the Secret has as the CA at the moment."""
        return self.installation.secret("tls")[CA_CRT].decode()


@contextmanager
def staged(plane: ControlPlane, folder: Path) -> Iterator[Stage]:
    """Everything running: three replicas, registered by the balancer's address, under load."""
    policies, tls = folder / "policies", folder / "tls"
    policies.mkdir()
    tls.mkdir()
    write_policies(policies, POLICIES[0])
    with installed(plane, NAMESPACE) as installation, node_of_every_class(plane):
        yield from _running(installation, policies, tls)


def _running(installation: Installation, policies: Path, tls: Path) -> Iterator[Stage]:
    plane = installation.plane
    done = installation.bootstrap(*QUICK)
    assert (done.returncode, done.stderr) == (0, "")
    write_files(tls, installation.secret("tls"))
    with ExitStack() as open_:
        balancer = open_.enter_context(Balancer())
        replicas = open_.enter_context(
            Replicas(
                balancer,
                policies,
                tls=tls,
                kubeconfig=plane.kubeconfig("webhook"),
                trees=[ROOT] * REPLICAS,
            )
        )
        installation.register(balancer.url, installation.secret("tls")[CA_CRT])
        until_called(installation)
        load = open_.enter_context(Load(plane, NAMESPACE, POLICIES[0].expected))
        yield Stage(
            installation=installation,
            balancer=balancer,
            replicas=replicas,
            load=load,
            policies=policies,
            tls=tls,
        )


@contextmanager
def node_of_every_class(plane: ControlPlane) -> Iterator[None]:
    """One Ready node that offers every class, so that advice to use one is the same throughout."""
    plane.kubectl("create", "-f", "-", stdin=json.dumps(_NODE))
    try:
        yield
    finally:
        plane.kubectl("delete", "node", "ha")


def prepare(plane: ControlPlane) -> None:
    """What the cluster has before: the right to read, and the RuntimeClasses."""
    rights = {"apiVersion": "v1", "kind": "List", "items": list(RIGHTS)}
    plane.kubectl("apply", "-f", "-", stdin=json.dumps(rights))
    plane.kubectl("apply", "-f", "-", stdin=RUNTIME_CLASSES)


def run(stage: Stage, extent: Extent, show: Callable[[Row], None]) -> list[Row]:
    """Every phase, in order; each row is shown when it is there."""
    rows = []
    for name, phase in PHASES.items():
        stage.load.take()  # what was under way belongs to the phase before
        before = stage.balancer.unanswered.copy()
        began = time.monotonic()
        done = phase(stage, extent)
        tally = stage.load.take()
        left = stage.balancer.unanswered - before
        row = Row(
            name=name,
            done=done,
            seconds=time.monotonic() - began,
            tally=tally,
            in_flight=left.total(),
        )
        rows.append(row)
        show(row)
    return rows


def _nothing(stage: Stage, extent: Extent) -> str:
    time.sleep(4)
    return "nothing happens"


def _roll(stage: Stage, extent: Extent) -> str:
    for _ in range(extent.rolls):
        for replica in stage.replicas.running:
            stage.replicas.roll(replica)
    return f"{extent.rolls * REPLICAS} replicas replaced, SIGTERM and drain"


def _roll_refused(stage: Stage, extent: Extent) -> str:
    """As kube-proxy has it: until it is told, it sends connections to a replica that stops."""
    refused = stage.balancer.refused
    with stage.balancer.refusing(), _connecting(stage) as caller:
        _roll(stage, extent)
    stage.load.blame(caller.failed)
    return (
        f"{extent.rolls * REPLICAS} replicas replaced; {caller.handshakes} new connections of a "
        f"client and {stage.balancer.refused - refused} of all refused"
    )


def _stop_undrained(stage: Stage, extent: Extent) -> str:
    """That the drain is what keeps the phase before whole: SIGINT stops without any."""
    refused = stage.balancer.refused
    with stage.balancer.refusing(), _connecting(stage) as caller:
        for _ in range(_UNDRAINED_ROUNDS):
            for replica in stage.replicas.running:
                stage.replicas.roll(replica, with_signal=signal.SIGINT)
            if stage.load.failures:
                break
    return (
        f"{REPLICAS} replicas replaced without a drain; {len(caller.failed)} calls of a client "
        f"failed, {stage.balancer.refused - refused} connections refused"
    )


@contextmanager
def _connecting(stage: Stage) -> Iterator[Caller]:
    """A client that connects anew each time, and an API server that often has to."""
    bundle = stage.bundle()
    over = threading.Event()

    def cut() -> None:
        while not over.wait(0.25):
            _cut(stage, caller)

    with Caller(stage.balancer, lambda: bundle) as caller:
        thread = threading.Thread(target=cut)
        thread.start()
        try:
            yield caller
        finally:
            over.set()
            thread.join()


def _kill(stage: Stage, extent: Extent) -> str:
    for _ in range(extent.kills):
        replica = stage.replicas.running[0]
        replica.kill()
        time.sleep(1)
        stage.replicas.forget(replica)
        stage.replicas.start()
    return f"{extent.kills} replicas killed, each replaced"


def _kill_worker(stage: Stage, extent: Extent) -> str:
    for n in range(extent.kills):
        replica = stage.replicas.running[n % REPLICAS]
        for pid in replica.workers:
            os.kill(pid, signal.SIGKILL)
        time.sleep(2)
    return f"{extent.kills} workers killed; their arbiters make new ones"


def _rotate(stage: Stage, extent: Extent) -> str:
    """By the CA of the Secret, by a clock of its own: it goes through the three minutes that
    begin when the CA does, so that each certificate is valid by the API server's clock too."""
    secret = stage.installation.secret("tls-ca")
    ca = IssuedCert(cert_pem=secret[CA_CRT], key_pem=secret[CA_KEY])
    clock = inspect_bundle(ca.cert_pem)[0].not_before
    tick = timedelta(minutes=3) / extent.rotations
    cuts = 0
    bundle = stage.bundle()
    with Caller(stage.balancer, lambda: bundle) as caller:
        for n in range(extent.rotations):
            clock += tick
            pair = issue_serving(
                ca, now=clock, dns_names=("localhost",), ip_addresses=("127.0.0.1", "::1")
            )
            with locked(stage.tls):
                write_files(stage.tls, {TLS_KEY: pair.key_pem, TLS_CRT: pair.cert_pem})
            stage.replicas.look()
            if n % 20 == 0:
                cuts += _cut(stage, caller)
        _until_served(stage, inspect_serving(pair.cert_pem).fingerprint)
    stage.load.blame(caller.failed)
    taken = sum(replica.log.count("certificate replaced") for replica in stage.replicas.running)
    return (
        f"{extent.rotations} certificates written, {taken} taken over by the replicas; "
        f"{caller.handshakes} handshakes of a client saw {len(caller.certificates)} of them; "
        f"{cuts} connections of the API server cut, while idle"
    )


def _cut(stage: Stage, caller: Caller) -> int:
    """End every connection while nothing is under way; how many."""
    with stage.load.quiet(), caller.quiet:
        return stage.balancer.cut()


def _until_served(stage: Stage, fingerprint: str) -> None:
    deadline = time.monotonic() + SEEN_WITHIN_SECONDS
    endpoints = tuple(Endpoint(host="127.0.0.1", port=e.port) for e in stage.replicas.running)
    while late := outdated(endpoints, fingerprint):
        assert time.monotonic() < deadline, late
        time.sleep(0.2)


def _rotate_ca(stage: Stage, extent: Extent) -> str:
    """As the CronJob and its --rotate-ca would; what the Secret holds is mounted a while later."""
    before = set(stage.installation.bundles())
    with _mounted(stage):
        served = tuple(
            part
            for replica in stage.replicas.running
            for part in ("--check-served", f"127.0.0.1:{replica.port}")
        )
        rotated = stage.installation.certs("renew", "--rotate-ca", *QUICK)
        assert (rotated.returncode, rotated.stderr) == (0, "")
        drop_when_due(stage.installation, served)
        time.sleep(2)
    after = set(stage.installation.bundles())
    assert (len(after), after & before) == (1, set())
    return "1 new CA: trusted everywhere, then the leaf, then the old CA dropped"


@contextmanager
def _mounted(stage: Stage) -> Iterator[None]:
    """Stands for the kubelet: what the Secret holds comes into the folder, some time later."""
    over = threading.Event()

    def follow() -> None:
        while not over.wait(_MOUNT_SECONDS):
            write_files(stage.tls, dict(sorted(stage.installation.secret("tls").items())))

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _change_policy(stage: Stage, extent: Extent) -> str:
    """Back and forth, one change a second; it ends with the first."""
    bundle = stage.bundle()
    stage.load.expected = either(*POLICIES)
    with Caller(stage.balancer, lambda: bundle) as caller:
        for n in range(extent.policy_changes):
            write_policy(stage.policies, POLICIES[(n + 1) % 2])
            time.sleep(1)
        write_policy(stage.policies, POLICIES[0])
        revision = str(load_folder(stage.policies).revision)
        _until(
            lambda: all(_revision(each) == revision for each in stage.replicas.running),
            "not every replica serves the last change",
        )
    with stage.load.quiet():
        stage.load.expected = POLICIES[0].expected
    strange = set(caller.answers) - {policy.refusal for policy in POLICIES}
    stage.load.blame([*caller.failed, *strange])
    return (
        f"{extent.policy_changes} changes; of a client's {caller.answers.total()} reviews on new "
        "connections " + " and ".join(f"{caller.answers[p.refusal]} by {p.name}" for p in POLICIES)
    )


def _outage(stage: Stage, extent: Extent) -> str:
    """That the count counts: with no replica at all, everything must fail."""
    with stage.load.quiet():
        stage.replicas.out_of_service(True)
        stage.balancer.cut()
    time.sleep(1)
    _until(lambda: bool(stage.load.failures), "nothing fails in an outage")
    with stage.load.quiet():
        stage.replicas.out_of_service(False)
    return "no replica for a second: that failures are seen"


def _revision(replica: Replica) -> str:
    return str(json.loads(replica.get("/version")[1])["revision"])


def _until(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + SEEN_WITHIN_SECONDS
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)


OUTAGE, UNDRAINED = "outage (control)", "no drain (control)"
ROLL_REFUSED = "the same, no retries"
ROLL, KILL, KILL_WORKER = "rolling restart", "kill -9 of a replica", "kill -9 of a worker"
ROTATE, ROTATE_CA, CHANGE = "certificate rotations", "CA rotation", "policy reloads"

PHASES: dict[str, Callable[[Stage, Extent], str]] = {
    "nothing (control)": _nothing,
    ROLL: _roll,
    ROLL_REFUSED: _roll_refused,
    UNDRAINED: _stop_undrained,
    KILL: _kill,
    KILL_WORKER: _kill_worker,
    ROTATE: _rotate,
    ROTATE_CA: _rotate_ca,
    CHANGE: _change_policy,
    OUTAGE: _outage,
}
MAY_BREAK = frozenset({KILL, KILL_WORKER})
MUST_BREAK = frozenset({UNDRAINED, OUTAGE})
"""Controls: what would be seen if the product did not do its part."""
