"""One question after another about everything that a registration may ask of, on the API server.

By raw HTTP, as dry runs: admission is as ever, and nothing is stored.
"""

import http.client
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Self

from tests.controlplane.cluster import ControlPlane

PAUSE_SECONDS = 0.02
POD = "old"
_CONTAINER = {"name": "main", "image": "docker.io/library/nginx:1.31"}
_FAILED = "failed calling webhook"
_DENIED = "denied the request"
_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"

# With a body the API server takes no notice of the parameter.
_DRY = {"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]}

Question = tuple[str, str, str, Mapping[str, Any]]
"""Method, path, content type and body."""


def made(kind: str, api: str, spec: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """An object to create."""
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "it"}, "spec": spec, **more}


def questions(namespace: str) -> Mapping[str, Question]:
    """What is asked, by what it is."""
    core, within = "/api/v1", f"/api/v1/namespaces/{namespace}"
    apps, batch = (f"/apis/{g}/v1/namespaces/{namespace}" for g in ("apps", "batch"))
    classes = "/apis/node.k8s.io/v1/runtimeclasses"
    labelled = {"metadata": {"labels": {"a": "b"}}}
    template = {**labelled, "spec": {"containers": [_CONTAINER]}}
    once = {**labelled, "spec": {"containers": [_CONTAINER], "restartPolicy": "Never"}}
    selected = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    job = {"template": once}
    debug = {"name": "debug", "image": "docker.io/library/busybox:1"}
    post, labels = "application/json", {"metadata": {"labels": {"asked": "yes"}}}
    return {
        "a Deployment": (
            "POST",
            f"{apps}/deployments",
            post,
            made("Deployment", "apps/v1", selected),
        ),
        "a ReplicaSet": (
            "POST",
            f"{apps}/replicasets",
            post,
            made("ReplicaSet", "apps/v1", selected),
        ),
        "a DaemonSet": ("POST", f"{apps}/daemonsets", post, made("DaemonSet", "apps/v1", selected)),
        "a Job": ("POST", f"{batch}/jobs", post, made("Job", "batch/v1", job)),
        "a CronJob": (
            *("POST", f"{batch}/cronjobs", post),
            made("CronJob", "batch/v1", {"schedule": "0 0 * * *", "jobTemplate": {"spec": job}}),
        ),
        "a PodTemplate": (
            *("POST", f"{within}/podtemplates", post),
            made("PodTemplate", "v1", {}, template=template),
        ),
        "a ReplicationController": (
            *("POST", f"{within}/replicationcontrollers", post),
            made("ReplicationController", "v1", {"selector": {"a": "b"}, "template": template}),
        ),
        "a Namespace": ("POST", f"{core}/namespaces", post, made("Namespace", "v1", {})),
        "labels of a Namespace": ("PATCH", within, _MERGE, labels),
        "a RuntimeClass": (
            *("POST", classes, post),
            made("RuntimeClass", "node.k8s.io/v1", {}, handler="other"),
        ),
        "labels of a RuntimeClass": ("PATCH", f"{classes}/gvisor", _MERGE, labels),
        "no RuntimeClass any more": ("DELETE", f"{classes}/gvisor", post, _DRY),
        "labels of a pod": ("PATCH", f"{within}/pods/{POD}", _MERGE, labels),
        "an image of a pod": (
            *("PATCH", f"{within}/pods/{POD}", _STRATEGIC),
            {"spec": {"containers": [{"name": "main", "image": "docker.io/library/nginx:1.30"}]}},
        ),
        "a container to debug": (
            *("PATCH", f"{within}/pods/{POD}/ephemeralcontainers", _STRATEGIC),
            {"spec": {"ephemeralContainers": [debug]}},
        ),
        "a resize": (
            *("PATCH", f"{within}/pods/{POD}/resize", _STRATEGIC),
            {"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "2m"}}}]}},
        ),
        "status of a pod": (
            *("PATCH", f"{within}/pods/{POD}/status", _MERGE),
            {"status": {"message": "asked"}},
        ),
        "an eviction": (
            *("POST", f"{within}/pods/{POD}/eviction", post),
            made("Eviction", "policy/v1", {}, metadata={"name": POD}, deleteOptions=_DRY),
        ),
        "no pod any more": ("DELETE", f"{within}/pods/{POD}", post, _DRY),
        "a ConfigMap": ("POST", f"{within}/configmaps", post, made("ConfigMap", "v1", {})),
        "a Service": (
            *("POST", f"{within}/services", post),
            made("Service", "v1", {"ports": [{"port": 80}]}),
        ),
        "a binding": (
            *("POST", f"{within}/pods/{POD}/binding", post),
            {
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": {"name": POD},
                "target": {"kind": "Node", "name": "ha"},
            },
        ),
    }


def old_pod() -> dict[str, Any]:
    """The pod that some questions are about; it is there before the gate."""
    container = {**_CONTAINER, "resources": {"requests": {"cpu": "1m"}}}
    spec = {"runtimeClassName": "gvisor", "containers": [container]}
    return made("Pod", "v1", spec, metadata={"name": POD})


class Sweep:
    """All questions over and over, from entering to leaving the ``with``."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.answered = Counter[str]()
        self.failed: list[str] = []
        self.wrong: list[str] = []
        self.quiet = threading.Lock()  # who holds it lets no question be asked
        self._plane = plane
        self._questions = questions(namespace)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask_all, name="sweep")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def never_asked(self) -> set[str]:
        """What was not answered even once."""
        return set(self._questions) - set(self.answered)

    def _ask_all(self) -> None:
        trust = ssl.create_default_context(cadata=self._plane.ca_pem)
        host = self._plane.url.removeprefix("https://")
        connection = http.client.HTTPSConnection(host, timeout=90, context=trust)
        while not self._over.is_set():
            for what, question in self._questions.items():
                with self.quiet:
                    self._ask(connection, what, question)
                time.sleep(PAUSE_SECONDS)
        connection.close()

    def _ask(self, connection: http.client.HTTPSConnection, what: str, asked: Question) -> None:
        method, path, content_type, body = asked
        headers = {
            "Authorization": f"Bearer {self._plane.token('admin')}",
            "Content-Type": content_type,
        }
        connection.request(method, f"{path}?dryRun=All", json.dumps(body), headers)
        answer = connection.getresponse()
        said = str(json.loads(answer.read()).get("message", ""))
        if _FAILED in said:
            self.failed.append(f"{what}: {said}")
        elif answer.status >= 400 and _DENIED not in said:
            self.wrong.append(f"{what}: {answer.status} {said}")
        else:
            self.answered[what] += 1
