"""A client that makes a new, fully verified TLS connection for each review it posts."""

import hashlib
import http.client
import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Self

from tests.ha.balancer import Balancer
from tests.ha.policies import NAMESPACE

_REVIEW = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "request": {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "name": "web",
        "namespace": NAMESPACE,
        "operation": "CREATE",
        "userInfo": {"username": "ha"},
        "object": {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web", "namespace": NAMESPACE},
            "spec": {
                "runtimeClassName": "runc",
                "containers": [{"name": "web", "image": "docker.io/library/nginx:1.31"}],
            },
        },
        "dryRun": True,
    },
}


class Caller:
    """Handshake upon handshake, from entering to leaving the ``with``: an API server that starts.

    It trusts the bundle of the moment and nothing else.
    """

    def __init__(self, balancer: Balancer, bundle: Callable[[], str]) -> None:
        self.handshakes = 0
        self.certificates = set[str]()
        self.failed: list[str] = []
        self.answers = Counter[str]()
        self.quiet = threading.Lock()  # whoever holds it knows that no connection is open
        self._balancer, self._bundle = balancer, bundle
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._call, name="caller")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _call(self) -> None:
        while not self._over.wait(0.01):
            try:
                with self.quiet:
                    self._ask()
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))

    def _ask(self) -> None:
        trust = ssl.create_default_context(cadata=self._bundle())
        port = self._balancer.port
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=trust)
        try:
            connection.connect()
            self.handshakes += 1
            presented: Any = connection.sock
            certificate = presented.getpeercert(binary_form=True)
            self.certificates.add(hashlib.sha256(certificate).hexdigest())
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/validate?timeout=10s", json.dumps(_REVIEW), headers)
            answer = connection.getresponse()
            response = json.loads(answer.read())["response"]
            self.answers[response["status"]["message"]] += 1
        finally:
            connection.close()
