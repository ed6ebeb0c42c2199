"""Two versions behind one address on the real API server, each under the registration of the other.

The version before is run from git's history with the packages of today. The Service is the balancer
of tests/ha, which here refuses what a replica refuses.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from certs.bootstrap import Names, bootstrap
from tests.build import pod, review
from tests.controlplane.binaries import Binaries
from tests.controlplane.cluster import ControlPlane
from tests.demo.story import ROOT
from tests.deploy.manifests import Manifests, shipped
from tests.ha.balancer import Balancer
from tests.ha.load import Expected, Load
from tests.ha.phases import node_of_every_class, prepare
from tests.ha.policies import NAMESPACE, POLICIES, write_policies
from tests.ha.replicas import Replica, Replicas
from tests.metrics import reviews_answered
from tests.registration import CONFIGURATIONS, addressed
from tests.upgrade.before import HistoryMissing, file_of, tree_of, versions_before
from tests.upgrade.contract import contracts
from tests.upgrade.sweep import Sweep, old_pod

pytestmark = [
    pytest.mark.controlplane,
    pytest.mark.slow,
    pytest.mark.may_skip(reason="a shallow clone has no version before"),
]

BEFORE = versions_before()
CALLED_WITHIN_SECONDS = 90
PHASE_SECONDS = 3
ASKED_WITHIN_SECONDS = 90
"""Each replica, at the latest: with few requests on a busy machine one may get none for a while."""
LEAST_RIGHT = 50
"""Of the answers of a phase."""
UNKNOWN = ("configmaps", "services", "pods/eviction", "pods/status", "pods/binding")
Webhooks = Mapping[str, Sequence[Mapping[str, Any]]]


def webhooks_of(found: Manifests) -> Webhooks:
    """The webhooks of a rendered registration by the kind of their configuration."""
    return {kind: found.one(kind, "runtimegate")["webhooks"] for kind in CONFIGURATIONS}


NOW = webhooks_of(shipped("register.yaml"))
KEPT: Webhooks = list(contracts().values())[-1]["webhooks"]


def later(webhooks: Webhooks) -> Webhooks:
    """A registration that asks about everything there is, to be failed on: worse than any next."""
    everything = {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "operations": ["*"],
        "resources": ["*/*"],
        "scope": "*",
    }
    kind = CONFIGURATIONS[1]
    (pods, *_) = webhooks[kind]
    hook = {**pods, "name": "later.runtimegate.dev", "rules": [everything], "matchConditions": []}
    return {**webhooks, kind: [*webhooks[kind], hook]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """All that the phases act on."""

    plane: ControlPlane
    balancer: Balancer
    replicas: Replicas
    load: Load
    sweep: Sweep
    ca_pem: str
    right: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def register(self, webhooks: Webhooks) -> None:
        """Put a registration in the place of the one that is there."""
        register(self.plane, webhooks, self.balancer.url, self.ca_pem)

    def roll(self, tree: Path) -> None:
        """Replace the replica that is the longest there."""
        self.replicas.roll(self.replicas.running[0], tree=tree)

    def phase(self, name: str) -> None:
        """What was answered until now belongs to this; it goes on for a while.

        The API server keeps its connections and needs no more of them: a new replica may get none.
        They are ended while nothing is asked, so that those after them go to each in turn.
        """
        deadline = time.monotonic() + ASKED_WITHIN_SECONDS
        self._connect_anew()
        time.sleep(PHASE_SECONDS)
        while self.load.right <= LEAST_RIGHT:
            assert time.monotonic() < deadline, (name, self.load.right)
            time.sleep(0.2)
        while idle := [replica.port for replica in self.replicas.running if not reviews(replica)]:
            assert time.monotonic() < deadline, (name, idle)
            self._connect_anew()
            time.sleep(1)
        tally = self.load.take()
        self.right[name] = tally.right
        self.faults.extend(f"{name}: {said}" for said in (*tally.failed, *tally.wrong))

    def _connect_anew(self) -> None:
        with self.load.quiet(), self.sweep.quiet:
            self.balancer.cut()


def reviews(replica: Replica) -> int:
    """How many reviews a replica has answered."""
    _, page = replica.get("/metrics")
    return reviews_answered(page)


def register(plane: ControlPlane, webhooks: Webhooks, url: str, ca_pem: str) -> None:
    """Apply it, with an address in the place of the Service."""
    for kind in CONFIGURATIONS:
        configuration = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": "runtimegate"},
            "webhooks": addressed(webhooks[kind], url, ca_pem),
        }
        plane.kubectl("apply", "-f", "-", stdin=json.dumps(configuration))


@contextmanager
def staged(
    plane: ControlPlane, folder: Path, trees: Sequence[Path], first: Webhooks
) -> Iterator[Stage]:
    """Two replicas of these trees under load and under the first registration."""
    policies, tls = folder / "policies", folder / "tls"
    policies.mkdir()
    write_policies(policies, POLICIES[0])
    now = datetime.now(UTC)  # noqa: TID251 - real servers read their own clock
    bootstrap(tls, Names(dns_names=("localhost",), ip_addresses=("127.0.0.1",)), now=now)
    ca_pem = (tls / "ca.crt").read_text()
    kubeconfig = plane.kubeconfig("webhook")
    with ExitStack() as open_:
        open_.enter_context(node_of_every_class(plane))
        balancer = open_.enter_context(Balancer())
        replicas = open_.enter_context(
            Replicas(balancer, policies, tls=tls, kubeconfig=kubeconfig, trees=trees)
        )
        open_.enter_context(balancer.refusing())
        register(plane, first, balancer.url, ca_pem)
        until_called(plane)
        load = open_.enter_context(Load(plane, NAMESPACE, expected(replicas)))
        sweep = open_.enter_context(Sweep(plane, NAMESPACE))
        yield Stage(
            plane=plane,
            balancer=balancer,
            replicas=replicas,
            load=load,
            sweep=sweep,
            ca_pem=ca_pem,
        )


def expected(replicas: Replicas) -> Expected:
    """The answers of POLICIES[0]; a refusal in the words of any version that is running."""
    asked = review(pod(runtimeClassName="runc", name="web"), namespace=NAMESPACE)
    said = {
        replica.post("/validate", asked)["status"]["message"] for replica in replicas.running
    } | POLICIES[0].expected.refusals
    return Expected(
        assignments=POLICIES[0].expected.assignments, refusals=frozenset(map(str, said))
    )


def until_called(plane: ControlPlane) -> None:
    """Return once both webhooks are called: a pod is assigned its class and another is refused."""
    deadline = time.monotonic() + CALLED_WITHIN_SECONDS
    asked = pod(name="probe", runtimeClassName="runc")
    for probe, called in ((pod(name="probe"), '"gvisor"'), (asked, "denied the request")):
        made = {"apiVersion": "v1", **probe, "kind": "Pod"}
        arguments = ("create", "-n", NAMESPACE, "--dry-run=server", "-o", "json", "-f", "-")
        while True:
            done = plane.kubectl(*arguments, stdin=json.dumps(made), check=False)
            if called in done.stdout + done.stderr:
                break
            assert time.monotonic() < deadline, done.stderr
            time.sleep(0.2)


@pytest.fixture(scope="module")
def plane(binaries: Binaries) -> Iterator[ControlPlane]:
    """A cluster of its own, with a pod that was there before the gate."""
    with ControlPlane(binaries) as plane:
        prepare(plane)
        plane.create_namespace(NAMESPACE)
        plane.kubectl("create", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(old_pod()))
        yield plane
        plane.kubectl(
            "delete", "mutatingwebhookconfiguration,validatingwebhookconfiguration", "--all"
        )


@pytest.fixture(params=list(BEFORE.values()), ids=list(BEFORE))
def commit(request: pytest.FixtureRequest) -> str:
    """The version before."""
    return str(request.param)


@pytest.fixture
def before(commit: str, tmp_path: Path) -> Path:
    """Its programs."""
    folder = tmp_path / "before"
    folder.mkdir()
    try:
        tree = tree_of(commit, folder)
    except HistoryMissing as missing:
        pytest.skip(str(missing))
    where = [sys.executable, "-c", "import webhook.core; print(webhook.core.__file__)"]
    done = subprocess.run(where, cwd=tree, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_relative_to(tree)
    return tree


def test_an_upgrade_and_a_rollback_fail_no_admission(
    plane: ControlPlane, commit: str, before: Path, tmp_path: Path
) -> None:
    text = file_of(commit, "deploy/register.yaml")
    then = webhooks_of(Manifests(text)) if text else KEPT
    with staged(plane, tmp_path, [before, before], then) as stage:
        stage.phase("the version before")
        stage.roll(ROOT)
        assert [replica.tree for replica in stage.replicas.running] == [before, ROOT]
        stage.phase("one of each, under the registration before")
        stage.roll(ROOT)
        stage.phase("servers of today under the registration before")
        stage.register(NOW)
        stage.phase("all of today")
        stage.roll(before)
        stage.phase("one of each, under the registration of today")
        stage.roll(before)
        stage.phase("servers of before under the registration of today")
        stage.register(then)
        stage.phase("all back")
    check(stage)


def test_whatever_a_later_registration_asks_about_fails_no_request(
    plane: ControlPlane, tmp_path: Path
) -> None:
    under_a_later_registration(plane, tmp_path, ROOT)


def test_the_version_before_was_as_patient(
    plane: ControlPlane, before: Path, tmp_path: Path
) -> None:
    under_a_later_registration(plane, tmp_path, before)


def under_a_later_registration(plane: ControlPlane, folder: Path, tree: Path) -> None:
    """Two servers of a tree are asked about everything there is, and failed on."""
    with staged(plane, folder, [tree, tree], NOW) as stage:
        stage.register(later(NOW))
        until_asked_about(stage.replicas, UNKNOWN)
        stage.phase("under a later registration")
        stage.register(NOW)
        stage.phase("under that of today")
    check(stage)


def until_asked_about(replicas: Replicas, resources: Sequence[str]) -> None:
    """By what the replicas log: it takes the API server a while, and each question its turn."""
    deadline = time.monotonic() + ASKED_WITHIN_SECONDS
    while True:
        asked = "".join(replica.log for replica in replicas.running)
        missing = {what for what in resources if f'"resource":"{what}"' not in asked}
        if not missing:
            return
        assert time.monotonic() < deadline, missing
        time.sleep(0.5)


def check(stage: Stage) -> None:
    """Every request was answered, and each phase and each question had some."""
    print(stage.right, dict(stage.sweep.answered))
    assert stage.faults + stage.sweep.failed == []
    assert stage.sweep.wrong == []
    assert stage.sweep.never_asked == set()
    assert min(stage.right.values()) > LEAST_RIGHT
    assert stage.balancer.refused == 0
