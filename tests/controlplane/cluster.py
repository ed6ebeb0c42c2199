"""A real API server for a test: etcd, kube-apiserver, kubectl, and, if wanted, the controllers.

    with ControlPlane(find_binaries(os.environ)) as plane:
        plane.create_namespace("team-a", {"tenant": "a"})
        plane.grant("tenant", "team-a")
        result = plane.kubectl("apply", "-n", "team-a", "-f", "-", stdin=text, user="tenant")

Nothing has a fixed port or folder: planes run side by side.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.controlplane import settings
from tests.controlplane.binaries import Binaries, BinariesMissing
from tests.controlplane.keys import serving_pair, signing_key
from tests.controlplane.processes import Component, StartError, free_port

KUBECTL_SECONDS = 300
GRANT_SECONDS = 90
PORT_ATTEMPTS = 3
PORT_TAKEN = "address already in use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run of kubectl gave."""

    returncode: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """The output of `-o json` as values."""
        return json.loads(self.stdout)


class KubectlError(Exception):
    """kubectl failed where the test needed it not to; the message has what it printed."""


class ControlPlane:
    """One control plane; it is running between entering and leaving the `with` block."""

    def __init__(
        self,
        binaries: Binaries,
        *,
        ready_within_seconds: float = 300,
        new_port: Callable[[], int] = free_port,
        more_users: Mapping[str, tuple[str, ...]] | None = None,
        more_arguments: Sequence[str] = (),
        service_accounts: bool = False,
    ) -> None:
        """``more_users`` (and their groups) log in too; ``more_arguments`` are the API server's.

        With ``service_accounts`` pods get the token of theirs, and need one that there is.
        """
        self._service_accounts = service_accounts
        self._binaries = binaries
        self._users = {**settings.USERS, **(more_users or {})}
        self._more_arguments = more_arguments
        self._new_port = new_port
        self._ready_within_seconds = ready_within_seconds
        self._serving = serving_pair()
        self._tokens = {user: secrets.token_hex(16) for user in self._users}
        self._components: dict[str, Component] = {}
        self._folder: Path | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start etcd and the API server and return when they answer.

        Raises StartError with the end of the log of the one that did not come up.
        """
        for attempt in range(1, PORT_ATTEMPTS + 1):
            try:
                self._start_on(self._new_port())
            except BaseException as error:
                self.stop()
                # The port that was free a moment ago may be someone else's by now.
                lost = isinstance(error, StartError) and PORT_TAKEN in str(error)
                if not lost or attempt == PORT_ATTEMPTS:
                    raise
            else:
                return

    def stop(self) -> None:
        """End all programs and remove their folder; a second call does nothing."""
        for component in reversed(self._components.values()):
            component.kill()
        self._components.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    def kill_apiserver(self) -> None:
        """End the API server at once, as a crash would; etcd and its data stay."""
        self._components.pop("kube-apiserver").kill()

    def start_apiserver(self) -> None:
        """Start the API server on the port and the data that it had, and return when it answers."""
        self._start_apiserver()

    @property
    def folder(self) -> Path:
        """The plane's own folder, gone when it stops: logs, keys, and what tests put there."""
        if self._folder is None:
            raise RuntimeError("the control plane is not running")
        return self._folder

    @property
    def url(self) -> str:
        """Where the API server listens: https://127.0.0.1:PORT."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def ca_pem(self) -> str:
        """The certificate that signed the API server's."""
        return self._serving.ca_pem

    @property
    def pids(self) -> Mapping[str, int]:
        """The process ids of the running programs by name."""
        return {name: component.pid for name, component in self._components.items()}

    def token(self, user: str) -> str:
        """The bearer token of one of settings.USERS."""
        return self._tokens[user]

    @property
    def kubectl_path(self) -> Path:
        """The program, for what does not end by itself: port-forward, exec with a terminal."""
        return self._binaries.kubectl

    def kubeconfig(self, user: str) -> Path:
        """A kubeconfig for one of settings.USERS."""
        path = self.folder / f"{user.replace(':', '-')}.kubeconfig"
        if not path.exists():
            text = settings.kubeconfig_text(
                url=self.url, ca_pem=self.ca_pem, user=user, token=self.token(user)
            )
            path.write_text(text)
        return path

    def kubectl(
        self, *arguments: str, stdin: str | None = None, user: str = "admin", check: bool = True
    ) -> Result:
        """Run the real kubectl as a user; KubectlError if it fails, unless `check` is False."""
        done = subprocess.run(
            [str(self._binaries.kubectl), *arguments],
            cwd=self.folder,
            env=self._environ() | {"KUBECONFIG": str(self.kubeconfig(user))},
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=KUBECTL_SECONDS,
            check=False,
        )
        if check and done.returncode:
            said = f"{done.stdout}{done.stderr}".strip()
            raise KubectlError(f"kubectl {' '.join(arguments)} as {user}: {said}")
        return Result(returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def create_namespace(self, name: str, labels: Mapping[str, str] | None = None) -> None:
        """Create a namespace with these labels."""
        metadata = {"name": name, "labels": dict(labels or {})}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        self.kubectl("create", "-f", "-", stdin=json.dumps(namespace))

    def grant(self, user: str, namespace: str, role: str = "edit") -> None:
        """Give a user a cluster role in one namespace: view, edit, admin, or any other by name.

        Returns when the API server goes by it; of any other role `wait_until_may` can tell.
        """
        bindings = settings.role_bindings(user=user, namespace=namespace, role=role)
        self.kubectl("apply", "-f", "-", stdin=json.dumps(bindings))
        seen = settings.GRANT_IS_SEEN.get(role)
        if seen is None:
            return
        self.wait_until_may(*seen, f"--namespace={namespace}", user=user)

    def wait_until_may(self, *asked: str, user: str = "admin", answer: str = "yes") -> None:
        """Return once `kubectl auth can-i` says so: the API server sees roles a moment later.

        Roles and bindings come to it by watches of their own, so what is asked has to need both.
        """
        deadline = time.monotonic() + GRANT_SECONDS
        while True:
            said = self.kubectl("auth", "can-i", *asked, user=user, check=False).stdout
            # Of what is not namespaced it says more, to standard error.
            if said.strip().partition(" ")[0] == answer:
                return
            if time.monotonic() > deadline:
                raise KubectlError(f"{user}: can-i {' '.join(asked)}: not {answer} but {said!r}")
            time.sleep(0.1)

    def audit_events(self) -> list[dict[str, Any]]:
        """The audit events so far, oldest first: every change to what settings.AUDIT_POLICY names.

        A request's event is there once its answer is.
        """
        log = self.folder / "audit.log"
        if not log.exists():
            return []
        # What follows the last newline is an event that is being written.
        return [json.loads(line) for line in log.read_text().split("\n")[:-1]]

    def start_controller_manager(self) -> None:
        """Start the controllers of workloads, namespaces, and the like; once is enough.

        Raises BinariesMissing if KUBEBUILDER_ASSETS or the build has none.
        """
        if "kube-controller-manager" in self._components:
            return
        program = self._binaries.kube_controller_manager
        if program is None:
            raise BinariesMissing("kube-controller-manager: not built; `make controlplane` does")
        kubeconfig = self.kubeconfig("system:kube-controller-manager")
        arguments = settings.kube_controller_manager_arguments(self.folder, kubeconfig)
        component = self._run(program, arguments)
        # Made by a controller: they are at work.
        works = self._serves("/api/v1/namespaces/default/serviceaccounts/default")
        component.wait_until(works, seconds=self._ready_within_seconds)

    def _start_on(self, port: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="runtimegate-"))
        self._port = port
        self._write_files()
        etcd = self._run(self._binaries.etcd, settings.etcd_arguments(self._folder))
        up = settings.etcd_socket(self._folder).exists
        etcd.wait_until(up, seconds=self._ready_within_seconds)
        self._start_apiserver()

    def _start_apiserver(self) -> None:
        arguments = [
            *settings.kube_apiserver_arguments(self.folder, self._port),
            *self._more_arguments,
        ]
        if self._service_accounts:
            arguments.remove(settings.ACCOUNTS_OFF)
        apiserver = self._run(self._binaries.kube_apiserver, arguments)
        for path in ("/readyz", "/api/v1/namespaces/default", "/api/v1/namespaces/kube-system"):
            # The namespaces are made after the server calls itself ready.
            apiserver.wait_until(self._serves(path), seconds=self._ready_within_seconds)

    def _serves(self, path: str) -> Callable[[], bool]:
        """A question to ask again and again: does the API server answer this path with success."""
        authorization = {"Authorization": f"Bearer {self.token('admin')}"}
        request = urllib.request.Request(f"{self.url}{path}", headers=authorization)
        # Whoever else may have the port has no certificate of this authority.
        trust = ssl.create_default_context(cadata=self.ca_pem)
        return partial(_succeeds, request, trust)

    def _write_files(self) -> None:
        files = {
            "tokens.csv": settings.token_file(self._tokens, self._users),
            "audit-policy.json": json.dumps(settings.AUDIT_POLICY),
            "service-account.key": signing_key(),
            "apiserver.crt": self._serving.certificate_pem,
            "apiserver.key": self._serving.key_pem,
            "ca.crt": self._serving.ca_pem,
        }
        for name, text in files.items():
            self.folder.joinpath(name).write_text(text)

    def _run(self, program: Path, arguments: list[str]) -> Component:
        component = Component(
            program.name,
            [str(program), *arguments],
            log=self.folder / f"{program.name}.log",
            environ=self._environ(),
        )
        self._components[program.name] = component
        return component

    def _environ(self) -> dict[str, str]:
        """Nothing of the caller's: no proxy, no cache folder, no kubeconfig; PATH for plugins."""
        home = str(self.folder)
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "LANG": "C.UTF-8"}


def _succeeds(request: urllib.request.Request, trust: ssl.SSLContext) -> bool:
    """Whether a request is answered with success by a server that is trusted."""
    https = urllib.request.HTTPSHandler(context=trust)
    no_proxy = urllib.request.ProxyHandler({})
    try:
        with urllib.request.build_opener(no_proxy, https).open(request, timeout=5):
            return True
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return False
    except OSError:
        return False
