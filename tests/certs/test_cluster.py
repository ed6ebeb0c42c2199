"""``certs`` against the real API server, whose own webhook calls say whether it was right."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from certs.access import Grant, SecretName, Target, grants
from certs.bundle import by_fingerprint
from certs.files import write_files
from tests.certs.build import ca
from tests.controlplane.cluster import ControlPlane, Result
from tests.demo.gate import Gate
from tests.e2e.cases import RUNTIME_CLASSES
from tests.registration import RIGHTS

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
WITHIN_SECONDS = 90  # a busy machine
QUICK = ("--settle", "2", "--grace", "8")
BOTH = "mutatingwebhookconfiguration,validatingwebhookconfiguration"
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {"containers": [{"name": "web", "image": "docker.io/library/nginx:1.31"}]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One installation of its own names on a shared API server."""

    plane: ControlPlane
    name: str

    @property
    def target(self) -> Target:
        return Target(
            secret=SecretName(namespace=self.name, name="tls"),
            ca_secret=SecretName(namespace=self.name, name="tls-ca"),
            webhook_configs=(self.name,),
        )

    def certs(
        self, command: str, *options: str, user: str = "admin", names: Sequence[str] = ()
    ) -> Result:
        """Run the program ``certs`` as a process, as a Job would."""
        where = ("--secret", f"{self.name}/tls", "--ca-secret", f"{self.name}/tls-ca")
        what = ("--webhook-config", self.name, "--kubeconfig", str(self.plane.kubeconfig(user)))
        done = subprocess.run(
            [sys.executable, "-m", "certs", command, *where, *what, *names, *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Result(returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def bootstrap(self, *options: str, user: str = "admin") -> Result:
        names = ("--service", "gate", "--namespace", self.name, "--localhost")
        return self.certs("bootstrap", *options, user=user, names=names)

    def secret(self, name: str) -> dict[str, bytes]:
        found = self.plane.kubectl("get", "secret", "-n", self.name, name, "-o", "json").json()
        return {key: base64.b64decode(value) for key, value in found["data"].items()}

    def configurations(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.plane.kubectl(
            "get", BOTH, self.name, "-o", "json"
        ).json()["items"]
        return found

    def bundles(self) -> list[bytes]:
        return [
            base64.b64decode(hook["clientConfig"].get("caBundle", ""))
            for item in self.configurations()
            for hook in item["webhooks"]
        ]

    def register(self, url: str = "https://127.0.0.1:1", ca_bundle: bytes = b"") -> None:
        """Both configurations, for the pods of the namespace of the installation."""
        for kind, path in (("Mutating", "mutate"), ("Validating", "validate")):
            client = {"url": f"{url}/{path}"}
            if ca_bundle:
                client["caBundle"] = base64.b64encode(ca_bundle).decode()
            hooks = [
                self._webhook(f"{name}.runtimegate.dev", resource, client)
                for name, resource in (("pods", "pods"), ("guards", "configmaps"))
            ]
            made = {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": f"{kind}WebhookConfiguration",
                "metadata": {"name": self.name},
                "webhooks": hooks,
            }
            self.plane.kubectl("create", "-f", "-", stdin=json.dumps(made))

    def _webhook(self, name: str, resource: str, client: dict[str, str]) -> dict[str, Any]:
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"]}
        return {
            "name": name,
            "clientConfig": client,
            "rules": [{**rule, "resources": [resource], "scope": "Namespaced"}],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.name}},
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "timeoutSeconds": 10,  # the API server's own: a busy machine
            "admissionReviewVersions": ["v1"],
        }

    def try_pod(self) -> Result:
        """What ``kubectl create --dry-run=server`` says to a pod, through the gate."""
        arguments = ("create", "-n", self.name, "--dry-run=server", "-o", "json", "-f", "-")
        return self.plane.kubectl(*arguments, stdin=json.dumps(POD), check=False)


class MountedGate(Gate):
    """The real gate, on a folder that the test fills as a kubelet would."""

    @property
    def command(self) -> Sequence[str]:
        return [each for each in super().command if each != "--self-signed"]


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> ControlPlane:
    rights = {"apiVersion": "v1", "kind": "List", "items": list(RIGHTS)}
    control_plane.kubectl("create", "-f", "-", stdin=json.dumps(rights))
    control_plane.kubectl("create", "-f", "-", stdin=RUNTIME_CLASSES)
    return control_plane


@contextmanager
def installed(plane: ControlPlane, name: str) -> Iterator[Installation]:
    plane.create_namespace(name)
    try:
        yield Installation(plane=plane, name=name)
    finally:
        plane.kubectl("delete", BOTH, name, "--ignore-not-found")


@contextmanager
def mounted(gate: Gate, installation: Installation) -> Iterator[None]:
    """Stands for the kubelet: what the Secret holds comes into the folder, some time later."""
    over = threading.Event()

    def follow() -> None:
        while not over.wait(1.5):
            write_files(gate.tls_folder, dict(sorted(installation.secret("tls").items())))

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def running(installation: Installation) -> Iterator[Gate]:
    """The gate with the Secret mounted, not registered yet."""
    gate = MountedGate(ROOT / "policies", kubeconfig=installation.plane.kubeconfig("webhook"))
    gate.tls_folder.mkdir()
    write_files(gate.tls_folder, installation.secret("tls"))
    with gate, mounted(gate, installation):
        yield gate


def until_called(installation: Installation) -> None:
    until_said(installation, '"runtimeClassName": "gvisor"')


def until_said(installation: Installation, said: str) -> None:
    """The API server sees a new registration, and a new bundle in it, a moment later."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while said not in (done := installation.try_pod()).stdout + done.stderr:
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.2)


def test_from_an_empty_cluster_to_a_rotated_ca_under_load(cluster: ControlPlane) -> None:
    cut_off = ca(41).cert_pem[:200] + b"\n"
    foreign = ca(40).cert_pem + b"# the comment of somebody\n" + cut_off
    with installed(cluster, "tenant-certs") as installation:
        first = installation.bootstrap(*QUICK)
        assert (first.returncode, first.stderr) == (0, "")
        with running(installation) as gate:
            installation.register(gate.url, foreign)
            until_said(installation, "certificate signed by unknown authority")
            trusting = installation.certs("renew", *QUICK)
            assert (trusting.returncode, trusting.stderr) == (0, "")
            assert "trusted in every bundle" in trusting.stdout
            until_called(installation)
            before = installation.configurations()
            old = installation.secret("tls")
            with loaded(installation) as answers:
                served = ("--check-served", f"127.0.0.1:{gate.port}")
                rotated = installation.certs("renew", "--rotate-ca", *QUICK)
                assert (rotated.returncode, rotated.stderr) == (0, "")
                drop_when_due(installation, served)
                until_more(answers)
            failed = [done.stderr for done in answers if done.returncode]
            assert failed == []
            assert all('"runtimeClassName": "gvisor"' in done.stdout for done in answers)
        new = installation.secret("tls")
        assert set(by_fingerprint(old["ca.crt"])).isdisjoint(by_fingerprint(new["ca.crt"]))
        assert set(installation.bundles()) == {foreign + new["ca.crt"]}
        assert [without_bundles(item) for item in installation.configurations()] == [
            without_bundles(item) for item in before
        ]
        clean = installation.certs("status")
        assert (clean.returncode, clean.stderr) == (0, "")


def drop_when_due(installation: Installation, served: Sequence[str]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while "took an old CA out" not in (done := installation.certs("renew", *served, *QUICK)).stdout:
        assert (done.returncode, done.stderr) == (0, "")
        assert time.monotonic() < deadline, done.stdout
        time.sleep(1)


@contextmanager
def loaded(installation: Installation) -> Iterator[list[Result]]:
    """A loop of pods through the gate meanwhile; the answers are all there at the end."""
    over, answers = threading.Event(), list[Result]()

    def load() -> None:
        while not over.is_set():
            answers.append(installation.try_pod())

    thread = threading.Thread(target=load)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


def until_more(answers: Sequence[Result]) -> None:
    """Ten more: what was changed until now has its effect on some of them."""
    before, deadline = len(answers), time.monotonic() + WITHIN_SECONDS
    while len(answers) < before + 10:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def without_bundles(configuration: dict[str, Any]) -> dict[str, Any]:
    """All that must survive: everything but what we write and what counts the writes."""
    kept: dict[str, Any] = json.loads(json.dumps(configuration))
    for key in ("resourceVersion", "generation", "managedFields"):
        kept["metadata"].pop(key, None)
    for hook in kept["webhooks"]:
        hook["clientConfig"].pop("caBundle", None)
    return kept


def test_two_runs_at_once_end_in_one_ca(cluster: ControlPlane) -> None:
    with installed(cluster, "certs-twice") as installation:
        installation.register()
        done: list[Result] = []
        threads = [
            threading.Thread(target=lambda: done.append(installation.bootstrap("--settle", "0")))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [(each.returncode, each.stderr) for each in done] == [(0, "")] * 3
        (own,) = by_fingerprint(installation.secret("tls-ca")["ca.crt"])
        assert [list(by_fingerprint(bundle)) for bundle in installation.bundles()] == [[own]] * 4
        assert installation.certs("status").returncode == 0


def test_a_secret_made_beforehand_is_filled_and_keeps_its_other_keys(
    cluster: ControlPlane,
) -> None:
    with installed(cluster, "certs-filled") as installation:
        for name in ("tls", "tls-ca"):
            manifest = {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": installation.name},
                "type": "Opaque",
            }
            cluster.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
        cluster.kubectl(
            *("patch", "secret", "-n", installation.name, "tls"),
            *("-p", '{"stringData": {"other": "kept"}}'),
        )
        assert installation.bootstrap().returncode == 0
        assert installation.secret("tls")["other"] == b"kept"
        manifest["metadata"]["name"] = "tls"  # type: ignore[index]  # a mapping of objects
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
        assert sorted(installation.secret("tls")) == ["ca.crt", "other", "tls.crt", "tls.key"]


def rules(allowed: Sequence[Grant]) -> list[dict[str, Any]]:
    return [
        {
            "apiGroups": [grant.group],
            "resources": [grant.resource],
            "verbs": list(grant.verbs),
            **({"resourceNames": list(grant.names)} if grant.names else {}),
        }
        for grant in allowed
    ]


def allow(plane: ControlPlane, user: str, name: str, allowed: Sequence[Grant]) -> None:
    """Exactly this, and wait until the API server goes by it."""
    for grant in allowed:
        kind = "Role" if grant.namespace else "ClusterRole"
        group = "rbac.authorization.k8s.io"
        role = f"{name}-{grant.resource}-{'-'.join((*grant.names, *grant.verbs))}"
        metadata = {"name": role, **({"namespace": grant.namespace} if grant.namespace else {})}
        head = {"apiVersion": f"{group}/v1", "metadata": metadata}
        made = {**head, "kind": kind, "rules": rules([grant])}
        bound = {
            **head,
            "kind": f"{kind}Binding",
            "roleRef": {"apiGroup": group, "kind": kind, "name": role},
            "subjects": [{"kind": "User", "name": user}],
        }
        for each in (made, bound):
            plane.kubectl("create", "-f", "-", stdin=json.dumps(each))
    deadline = time.monotonic() + WITHIN_SECONDS
    for grant in allowed:
        for verb in grant.verbs:
            asked = f"{grant.resource}.{grant.group}" if grant.group else grant.resource
            place = f"{asked}/{grant.names[0]}" if grant.names else asked
            query = ("auth", "can-i", verb, place, "-n", grant.namespace or "default")
            while plane.kubectl(*query, user=user, check=False).returncode:
                assert time.monotonic() < deadline, query


def test_the_table_of_access_is_enough(cluster: ControlPlane) -> None:
    with installed(cluster, "certs-rights") as installation:
        installation.register()
        allow(cluster, "tenant", installation.name, list(grants(installation.target)))
        made = installation.bootstrap(user="tenant")
        assert (made.returncode, made.stderr) == (0, "")
        rotated = installation.certs("renew", "--rotate-ca", "--settle", "0", user="tenant")
        assert (rotated.returncode, rotated.stderr) == (0, "")
        others = cluster.kubectl(
            "get", "secrets", "-n", installation.name, user="tenant", check=False
        )
        assert "cannot list" in others.stderr


def remedies(target: Target) -> dict[str, tuple[Grant, str]]:
    """Every right of the table, by what the message says when it is missing."""
    found = {}
    for grant in grants(target):
        for verb in grant.verbs:
            kind = f"{grant.resource}.{grant.group}" if grant.group else grant.resource
            what = " ".join((kind, *grant.names))
            where = f" in namespace {grant.namespace}" if grant.namespace else ""
            found[f"grant the verb {verb} on {what}{where}"] = (grant, verb)
    return found


def test_each_right_is_needed_and_named_when_it_is_missing(cluster: ControlPlane) -> None:
    with installed(cluster, "certs-denied") as installation:
        installation.register()
        missing = remedies(installation.target)
        for command in (("bootstrap", "--localhost"), ("renew", "--rotate-ca")):
            asked = (*command, "--settle", "0")
            while (done := installation.certs(*asked, user="tenant")).returncode:
                assert (done.returncode, "HTTP 403" in done.stderr) == (2, True)
                advice = done.stderr.rpartition("; ")[2].strip()
                grant, verb = missing.pop(advice.partition(", or ")[0])
                allow(cluster, "tenant", installation.name, [replace(grant, verbs=(verb,))])
        assert list(missing) == []


def test_status_of_an_empty_cluster_is_no_finding_but_an_error(cluster: ControlPlane) -> None:
    with installed(cluster, "certs-empty") as installation:
        done = installation.certs("status")
        assert (done.returncode, done.stdout, done.stderr) == (
            2,
            "",
            "Secret certs-empty/tls: does not exist; expected bootstrap to have made it\n",
        )


def test_status_names_the_command_that_brings_back_a_lost_key_of_the_ca(
    cluster: ControlPlane,
) -> None:
    with installed(cluster, "certs-lost") as installation:
        installation.bootstrap()
        installation.register()
        assert "run: runtimegate certs renew, with" in installation.certs("status").stdout
        assert installation.certs("renew", "--settle", "0").returncode == 0
        cluster.kubectl("delete", "secret", "-n", installation.name, "tls-ca")
        done = installation.certs("status")
        assert done.returncode == 1
        assert done.stdout.endswith("run: runtimegate certs bootstrap, with the same options\n")
        assert installation.bootstrap("--settle", "0").returncode == 0
        assert installation.certs("status").returncode == 0


def test_status_names_a_bundle_that_somebody_spoiled(cluster: ControlPlane) -> None:
    with installed(cluster, "certs-spoiled") as installation:
        installation.bootstrap()
        installation.register(ca_bundle=b"not PEM at all")
        done = installation.certs("status")
        assert done.returncode == 1
        assert (
            "MutatingWebhookConfiguration certs-spoiled webhook pods.runtimegate.dev: "
            "caBundle has 11 bytes that are no certificate, kept as they are\n"
        ) in done.stdout
        assert installation.certs("renew").returncode == 0
        assert all(bundle.startswith(b"not PEM at all\n") for bundle in installation.bundles())
        assert installation.certs("status").returncode == 0


def test_an_api_server_that_is_away_is_named(tmp_path: Path, cluster: ControlPlane) -> None:
    text = cluster.kubeconfig("admin").read_text().replace(cluster.url, "https://127.0.0.1:1")
    away = tmp_path / "kubeconfig"
    away.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "certs", "status", "--secret", "a/b", "--kubeconfig", str(away)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("https://127.0.0.1:1: ")
    assert "refused" in done.stderr
    assert done.stderr.endswith(", while Secret a/b-ca was to be read\n")


def test_a_namespace_that_is_missing_is_named(cluster: ControlPlane) -> None:
    done = Installation(plane=cluster, name="nowhere").bootstrap()
    assert (done.returncode, done.stderr) == (
        2,
        "Secret nowhere/tls-ca: cannot be created: there is no namespace nowhere\n",
    )
