"""A running webhook: ``runtimegate serve`` as a process of its own, reached over real TLS."""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.demo.story import ROOT

_ADDRESS = re.compile(r"serving on https://127\.0\.0\.1:(?P<port>[1-9]\d*)")
START_SECONDS = 90  # a busy machine
STOP_SECONDS = 60


class GateError(Exception):
    """The webhook did not start or did not answer; the message has what it printed."""


class Gate:
    """``runtimegate serve`` on a free loopback port, from entering to leaving the ``with``.

    Without ``kubeconfig`` it knows of no cluster.

    Its certificate is its own; whoever connects trusts its ``ca.crt`` and nothing else.
    """

    def __init__(self, policies: Path, *, kubeconfig: Path | None = None) -> None:
        self._policies = policies
        self._kubeconfig = kubeconfig
        self._folder = tempfile.TemporaryDirectory(prefix="runtimegate-demo-")
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def ca_pem(self) -> str:
        """The certificate to trust."""
        return (self.tls_folder / "ca.crt").read_text()

    @property
    def tls_folder(self) -> Path:
        """Where the webhook's certificate is."""
        return Path(self._folder.name) / "tls"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the arbiter; the workers are its children."""
        if self._process is None:
            raise GateError("the webhook is not running")
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has printed."""
        return self._log_path.read_text(errors="replace")

    @property
    def tree(self) -> Path:
        """The checkout whose code is run."""
        return ROOT

    @property
    def command(self) -> Sequence[str]:
        """What a person would type after ``runtimegate``."""
        cluster = ("--kubeconfig", str(self._kubeconfig)) if self._kubeconfig else ("--no-cluster",)
        policies = os.path.relpath(self._policies, self.tree)
        return (
            *("serve", "-p", policies, "--bind", "127.0.0.1:0", "--drain-seconds", "0"),
            *("--tls-dir", str(self.tls_folder), "--self-signed", *cluster),
        )

    def post(self, path: str, review: Mapping[str, Any]) -> dict[str, Any]:
        """The ``response`` to an AdmissionReview posted to ``path``, as the API server posts it."""
        status, body = self._request(
            "POST", f"{path}?timeout=5s", json.dumps(review), {"Content-Type": "application/json"}
        )
        if status != 200:
            raise GateError(f"{path} answered {status}: {body!r}")
        answer = json.loads(body)["response"]
        if answer["uid"] != review["request"]["uid"]:
            raise GateError(f"{path} answered for another review")
        return dict(answer)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a GET."""
        return self._request("GET", path, None, {})

    def _request(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        trust = ssl.create_default_context(cadata=self.ca_pem)
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=START_SECONDS, context=trust
        )
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    @property
    def _log_path(self) -> Path:
        return Path(self._folder.name) / "serve.log"

    def _start(self) -> None:
        with self._log_path.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "webhook.cli", *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=self.tree,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self._process.poll() is not None:
                raise GateError(f"runtimegate serve ended:\n{self.log}")
            if time.monotonic() > deadline:
                raise GateError(f"not ready in {START_SECONDS} seconds:\n{self.log}")
            time.sleep(0.05)

    def _ready(self) -> bool:
        found = _ADDRESS.search(self.log)
        if found is None:
            return False
        self.port = int(found["port"])
        try:
            return self.get("/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def stop(self) -> None:
        """End the process and remove its folder; what it printed is gone then. Twice is once."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._folder.cleanup()
