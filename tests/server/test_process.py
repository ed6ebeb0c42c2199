"""``runtimegate serve`` as it is run: real processes, real TLS, real signals."""

import contextlib
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from certs.bootstrap import bootstrap, local_names
from certs.issue import issue_ca
from tests.build import review_bytes
from tests.live.fake_api import FakeApi, namespace, node, runtime_class, serving
from tests.metrics import reviews_answered
from tests.server.doors import PATIENCE, Reply, ask_on, present, until
from tests.server.tls_peers import client_identity

pytestmark = pytest.mark.slow

JSON = {"Content-Type": "application/json"}
REVIEW = review_bytes()
ROOT = Path(__file__).parents[2]
POLICY = """\
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: tenants}
spec:
  priority: 100
  namespaces: NAMESPACES
  runtimeClasses: {default: CLASS}
"""


def policy_text(runtime_class_name: str, namespaces: str = '{names: ["tenant-*"]}') -> str:
    return POLICY.replace("CLASS", runtime_class_name).replace("NAMESPACES", namespaces)


@dataclass(slots=True, kw_only=True)
class Server:
    """A running ``runtimegate serve``."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    port: int = 0
    client_certificate: Path | None = None

    @property
    def events(self) -> str:
        """What it wrote to standard error."""
        return (self.folder / "err.log").read_text()

    @property
    def reviews(self) -> list[dict[str, Any]]:
        """The log lines of reviews."""
        return [json.loads(line) for line in (self.folder / "out.log").read_text().splitlines()]

    def connect(self) -> http.client.HTTPSConnection:
        """A connection that trusts the CA that is there now, and nothing else."""
        trust = ssl.create_default_context(cafile=str(self.folder / "tls" / "ca.crt"))
        if self.client_certificate:
            trust.load_cert_chain(self.client_certificate)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=trust)

    def ask(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """One request on a connection of its own."""
        connection = self.connect()
        try:
            return ask_on(connection, method, path, body, JSON)
        finally:
            connection.close()

    def assigned(self) -> str:
        """The class that an unset tenant pod gets, as the audit annotation says it."""
        answer = self.ask("POST", "/mutate?timeout=5s", REVIEW).response
        return str(answer["auditAnnotations"].get("runtime-class"))

    def metric(self, name: str) -> float:
        """The value of a metric without labels."""
        page = self.ask("GET", "/metrics").body.decode()
        found = re.search(rf"^{name} (\S+)$", page, re.MULTILINE)
        assert found, page
        return float(found[1])

    def leaf(self) -> bytes:
        """The certificate that a new handshake gets."""
        connection = self.connect()
        connection.connect()
        try:
            assert isinstance(connection.sock, ssl.SSLSocket)
            return connection.sock.getpeercert(binary_form=True) or b""
        finally:
            connection.close()

    def workers(self) -> list[int]:
        """The worker processes."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]


@contextmanager
def server(tmp_path: Path, *options: str, **tweak: Any) -> Iterator[Server]:
    """Serve ``tmp_path/policies`` on a free port until the block ends."""
    policies = tmp_path / "policies"
    if not policies.exists():
        policies.mkdir()
        (policies / "p.yaml").write_text(policy_text("gvisor"))
    cluster = () if "--kubeconfig" in options else ("--no-cluster",)
    command = [
        *(sys.executable, "-m", "webhook.cli", "serve", "-p", str(policies)),
        *("--bind", "127.0.0.1:0", "--self-signed", "--tls-dir", str(tmp_path / "tls")),
        *("--reload-seconds", "0.2", "--drain-seconds", "1", *cluster, *options),
    ]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("RUNTIMEGATE_")}
    with (tmp_path / "out.log").open("wb") as out, (tmp_path / "err.log").open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, cwd=ROOT, env=environ)
    running = Server(process=process, folder=tmp_path, **tweak)
    try:
        until(lambda: "serving on" in running.events or process.poll() is not None)
        found = re.search(r"serving on https://127\.0\.0\.1:(\d+); ", running.events)
        assert found, running.events
        running.port = int(found[1])
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def write(path: Path, text: str) -> None:
    """Replace the file whole, as an editor does: a server that looks meanwhile sees no half."""
    new = path.with_name(".new")
    new.write_text(text)
    new.replace(path)


class Load:
    """What looping clients saw. A connection that was never taken is not a failed request."""

    def __init__(self, running: Server, *, keep: bool) -> None:
        self.answered = 0
        self.refused = 0
        self.failures: list[str] = []
        self.stop = threading.Event()
        self._running = running
        self._keep = keep
        self._lock = threading.Lock()

    def loop(self) -> None:
        """Send reviews one after the other until told to stop."""
        while not self.stop.is_set():
            connection = self._running.connect()
            try:
                connection.connect()
            except OSError:
                with self._lock:
                    self.refused += 1
                time.sleep(0.02)
                continue
            with contextlib.closing(connection):
                while self._review(connection) and not self.stop.is_set():
                    pass

    def _review(self, connection: http.client.HTTPSConnection) -> bool:
        """Send one; whether the connection is to be used again."""
        try:
            reply = ask_on(connection, "POST", "/mutate", REVIEW, JSON)
        except (OSError, http.client.HTTPException) as error:
            self._count(repr(error))
            return False
        self._count("" if reply.status == 200 else f"{reply.status} {reply.body!r}")
        return self._keep and reply.headers.get("connection") != "close"

    def _count(self, failure: str) -> None:
        with self._lock:
            if failure:
                self.failures.append(failure)
            else:
                self.answered += 1


@contextmanager
def looping(running: Server, *, clients: int, keep: bool) -> Iterator[Load]:
    """Clients under way until the block ends; ``keep`` uses each connection again."""
    load = Load(running, keep=keep)
    threads = [threading.Thread(target=load.loop) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stop.set()
        for thread in threads:
            thread.join()


def test_one_line_on_start_tells_address_policies_revision_and_cluster(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        revision = running.ask("GET", "/version").json["revision"]
        (line,) = running.events.splitlines()
    assert line == (
        f"runtimegate 0.1.0: serving on https://127.0.0.1:{running.port}; "
        f"policies: 1 of {tmp_path}/policies, revision {revision}; no cluster"
    )


def test_a_policy_edit_takes_effect_without_restart(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        assert running.assigned() == "gvisor"
        before = running.ask("GET", "/version").json["revision"]
        write(tmp_path / "policies" / "p.yaml", policy_text("kata-qemu"))
        until(lambda: running.assigned() == "kata-qemu")
        assert running.ask("GET", "/version").json["revision"] != before
        assert running.reviews[-1]["revision"] != before


def test_a_broken_edit_keeps_the_old_policies_and_shows_everywhere(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        write(tmp_path / "policies" / "p.yaml", policy_text("gvisor") + "  mode: strict\n")
        until(lambda: running.metric("runtimegate_policy_reload_failing") == 1)
        assert running.assigned() == "gvisor"
        verbose = running.ask("GET", "/readyz?verbose")
        assert verbose.status == 200
        assert f"    refused: {tmp_path}/policies/p.yaml:8: spec.mode: " in verbose.body.decode()
        assert running.metric("runtimegate_policy_reload_failures_total") == 1
        assert "policies refused" in running.events
        write(tmp_path / "policies" / "p.yaml", policy_text("kata-qemu"))
        until(lambda: running.metric("runtimegate_policy_reload_failing") == 0)
        assert running.assigned() == "kata-qemu"


def test_sighup_looks_at_once(tmp_path: Path) -> None:
    with server(tmp_path, "--reload-seconds", "3600") as running:
        assert running.assigned() == "gvisor"
        write(tmp_path / "policies" / "p.yaml", policy_text("kata-qemu"))
        running.process.send_signal(signal.SIGHUP)
        until(lambda: running.assigned() == "kata-qemu")


@pytest.mark.parametrize("keep", [True, False], ids=["kept connections", "new connections"])
def test_a_replaced_certificate_fails_no_request(tmp_path: Path, keep: bool) -> None:
    with server(tmp_path) as running:
        first = running.leaf()
        with looping(running, clients=3, keep=keep) as load:
            for _ in range(3):
                time.sleep(0.3)
                # The same CA signs again, so that clients trust both sides of the change.
                (tmp_path / "tls" / "tls.crt").unlink()
                bootstrap(tmp_path / "tls", local_names("localhost"), now=present())
            until(lambda: running.leaf() != first)
            before = load.answered
            until(lambda: load.answered > before + 30)
        assert load.failures == []
        assert load.refused == 0
        assert "certificate replaced" in running.events


def test_sigterm_turns_unready_first_and_reviews_go_on(tmp_path: Path) -> None:
    with server(tmp_path, "--drain-seconds", "300") as running:
        with looping(running, clients=4, keep=True) as load:
            until(lambda: load.answered > 0)
            running.process.send_signal(signal.SIGTERM)
            until(lambda: running.ask("GET", "/readyz").status == 503)
            while_draining = load.answered
            assert running.ask("POST", "/mutate", REVIEW).status == 200
            until(lambda: load.answered > while_draining)
        assert load.failures == []
        for worker in running.workers():  # the drain is long so that all this has its time
            os.kill(worker, signal.SIGINT)
        assert running.process.wait(PATIENCE) == 0


CLOSED = re.compile(r"(RemoteDisconnected|ConnectionResetError|BrokenPipeError|SSLEOFError)\(")


def test_sigterm_under_load_fails_no_accepted_request(tmp_path: Path) -> None:
    """Nor do clients that go on asking until the end hold it up.

    Who has connected and not yet asked when the drain is over finds the connection closed: once,
    since there is no other after it. What was taken is in the log, and was answered.
    """
    clients, patient = 4, ("--drain-seconds", "5", "--finish-seconds", "300")
    with (
        server(tmp_path, *patient) as running,
        looping(running, clients=clients, keep=True) as load,
    ):
        until(lambda: load.answered > 0)
        began = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(PATIENCE) == 0
        assert time.monotonic() - began >= 5
    assert len(running.reviews) <= load.answered
    assert len(load.failures) <= clients
    assert [said for said in load.failures if not CLOSED.match(said)] == []


def test_a_second_sigterm_cuts_no_drain_short(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        running.ask("GET", "/healthz")
        (worker,) = running.workers()
        began = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        os.kill(worker, signal.SIGTERM)
        assert running.process.wait(PATIENCE) == 0
        assert time.monotonic() - began >= 1


def test_an_idle_client_that_never_says_goodbye_keeps_nobody_waiting(tmp_path: Path) -> None:
    with server(tmp_path, "--drain-seconds", "0", "--finish-seconds", "300") as running:
        idle = running.connect()
        assert ask_on(idle, "GET", "/healthz").status == 200
        running.process.send_signal(signal.SIGTERM)
        # OpenSSL's own farewell to such a client takes 30 s.
        assert running.process.wait(25) == 0
        idle.close()


def test_sigint_stops_at_once(tmp_path: Path) -> None:
    with server(tmp_path, "--drain-seconds", "300") as running:
        running.ask("GET", "/healthz")
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(PATIENCE) == 0


def test_every_one_of_two_workers_sees_a_reload_and_counters_add_up(tmp_path: Path) -> None:
    with server(tmp_path, "--workers", "2") as running:
        until(lambda: len(running.workers()) == 2)
        for _ in range(20):
            assert running.assigned() == "gvisor"
        write(tmp_path / "policies" / "p.yaml", policy_text("kata-qemu"))
        until(lambda: running.events.count("policies reloaded") == 2)
        assert {running.assigned() for _ in range(20)} == {"kata-qemu"}
        assert reviews_answered(running.ask("GET", "/metrics").body) == 40


def test_a_worker_that_dies_is_replaced_by_one_with_the_policies_of_now(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        write(tmp_path / "policies" / "p.yaml", policy_text("kata-qemu"))
        until(lambda: running.assigned() == "kata-qemu")
        (worker,) = running.workers()
        os.kill(worker, signal.SIGKILL)
        until(lambda: running.workers() not in ([worker], []))
        assert running.assigned() == "kata-qemu"


def test_with_a_client_ca_only_its_clients_get_through(tmp_path: Path) -> None:
    ca = issue_ca(now=present())
    (tmp_path / "clients.crt").write_bytes(ca.cert_pem)
    identity = client_identity(tmp_path / "client.pem", ca)
    with server(tmp_path, "--client-ca", str(tmp_path / "clients.crt")) as running:
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
            running.ask("GET", "/healthz")
        running.client_certificate = identity
        assert running.ask("GET", "/healthz").status == 200


def kubeconfig(tmp_path: Path, url: str) -> str:
    path = tmp_path / "kubeconfig"
    config: Mapping[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    path.write_text(json.dumps(config))
    return str(path)


@pytest.fixture
def cluster() -> FakeApi:
    api = FakeApi()
    api.put("/api/v1/namespaces", namespace("tenant-a", tier="tenant"))
    api.put("/apis/node.k8s.io/v1/runtimeclasses", runtime_class("gvisor", "runsc"))
    api.put("/api/v1/nodes", node("n1", "runsc"))
    return api


def by_labels(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    selector = "{selector: {matchLabels: {tier: tenant}}}"
    write(tmp_path / "policies" / "p.yaml", policy_text("gvisor", selector))


def test_labels_of_namespaces_are_those_of_the_cluster(tmp_path: Path, cluster: FakeApi) -> None:
    by_labels(tmp_path)
    with (
        serving(cluster) as url,
        server(tmp_path, "--kubeconfig", kubeconfig(tmp_path, url)) as running,
    ):
        until(lambda: running.ask("GET", "/readyz").status == 200)
        assert f"; cluster {url}\n" in running.events
        assert running.assigned() == "gvisor"
        cluster.put("/api/v1/namespaces", namespace("tenant-a", tier="other"))
        until(lambda: running.assigned() == "None")
        verbose = running.ask("GET", "/readyz?verbose").body.decode()
        assert "[+] cluster: 1 namespaces, 1 runtimeclasses, 1 nodes, last heard of" in verbose


def test_until_the_cluster_is_listed_it_is_not_ready_and_gives_no_wrong_verdict(
    tmp_path: Path, cluster: FakeApi
) -> None:
    by_labels(tmp_path)
    cluster.refuse = lambda _: 503
    with (
        serving(cluster) as url,
        server(tmp_path, "--kubeconfig", kubeconfig(tmp_path, url)) as running,
    ):
        reply = running.ask("GET", "/readyz")
        assert reply.status == 503
        assert "[-] cluster: not listed yet" in reply.body.decode()
        assert running.ask("POST", "/mutate?timeout=1s", REVIEW).status == 500
        cluster.refuse = lambda _: None
        until(lambda: running.ask("GET", "/readyz").status == 200)
        assert running.assigned() == "gvisor"


def test_serving_goes_on_when_the_api_server_is_away(tmp_path: Path, cluster: FakeApi) -> None:
    by_labels(tmp_path)
    with server_with_cluster(tmp_path, cluster) as (running, stop_cluster):
        until(lambda: running.ask("GET", "/readyz").status == 200)
        stop_cluster()
        time.sleep(0.5)
        assert running.ask("GET", "/readyz").status == 200
        assert running.assigned() == "gvisor"


@contextmanager
def server_with_cluster(
    tmp_path: Path, cluster: FakeApi
) -> Iterator[tuple[Server, Callable[[], None]]]:
    """A server, and the way to stop its API server."""
    api = serving(cluster)
    url = api.__enter__()
    stopped = threading.Event()

    def stop() -> None:
        if not stopped.is_set():
            stopped.set()
            api.__exit__(None, None, None)

    try:
        with server(tmp_path, "--kubeconfig", kubeconfig(tmp_path, url)) as running:
            yield running, stop
    finally:
        stop()


def test_a_worker_stays_below_its_memory_budget(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        connection = running.connect()
        for _ in range(500):
            assert ask_on(connection, "POST", "/mutate", REVIEW, JSON).status == 200
        connection.close()
        (worker,) = running.workers()
        status = Path(f"/proc/{worker}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        assert found
        assert int(found[1]) < 80 * 1024
