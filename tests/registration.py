"""What a cluster has before the gate comes to it, and the registration of a running gate by URL."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.controlplane.cluster import ControlPlane, Result

WEBHOOK = "pods.runtimegate.dev"
NAME_LABEL = "kubernetes.io/metadata.name"
REGISTERED_WITHIN_SECONDS = 30
_READ = ["get", "list", "watch"]

RIGHTS: tuple[dict[str, Any], ...] = (
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "runtimegate"},
        "rules": [
            {"apiGroups": [""], "resources": ["namespaces", "nodes"], "verbs": _READ},
            {"apiGroups": ["node.k8s.io"], "resources": ["runtimeclasses"], "verbs": _READ},
        ],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "runtimegate"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "runtimegate",
        },
        "subjects": [{"kind": "User", "name": "webhook"}],
    },
)
"""What the webhook may read of a cluster."""


@contextmanager
def registered(
    plane: ControlPlane,
    *,
    name: str,
    url: str,
    ca_pem: str,
    operator: str,
    namespaces: Sequence[str],
    probe: str,
) -> Iterator[None]:
    """Register both webhooks for the namespaces, wait until they are called, take them away again.

    ``probe`` is a namespace of them in which a pod without a class is assigned one.
    """
    expression = {"key": NAME_LABEL, "operator": operator, "values": list(namespaces)}
    selector = {"matchExpressions": [expression]}
    for configuration in _configurations(name, url, ca_pem, selector):
        plane.kubectl("create", "-f", "-", stdin=json.dumps(configuration))
    try:
        _wait_until_called(plane, probe)
        yield
    finally:
        both = "mutatingwebhookconfiguration,validatingwebhookconfiguration"
        plane.kubectl("delete", both, name)


def _configurations(
    name: str, url: str, ca_pem: str, selector: Mapping[str, Any]
) -> tuple[dict[str, Any], ...]:
    mutating = _webhook(f"{url}/mutate", ca_pem, ["CREATE"], ["pods"], selector)
    validating = _webhook(
        f"{url}/validate",
        ca_pem,
        ["CREATE", "UPDATE"],
        ["pods", "pods/ephemeralcontainers"],
        selector,
    )
    return (
        _configuration("Mutating", name, {**mutating, "reinvocationPolicy": "Never"}),
        _configuration("Validating", name, validating),
    )


def _configuration(kind: str, name: str, webhook: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [webhook],
    }


def _webhook(
    url: str,
    ca_pem: str,
    operations: list[str],
    resources: list[str],
    selector: Mapping[str, Any],
) -> dict[str, Any]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "scope": "Namespaced"}
    return {
        "name": WEBHOOK,
        "clientConfig": {"url": url, "caBundle": base64.b64encode(ca_pem.encode()).decode()},
        "rules": [{**rule, "operations": operations, "resources": resources}],
        "namespaceSelector": selector,
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": 5,
        "admissionReviewVersions": ["v1"],
    }


def _mutated(done: Result) -> bool:
    return '"runtimeClassName"' in done.stdout


def _refused(done: Result) -> bool:
    return WEBHOOK in done.stderr


_PROBES: tuple[tuple[Mapping[str, Any], Callable[[Result], bool]], ...] = (
    ({"name": "probe"}, _mutated),
    ({"name": "probe", "annotations": {"dev.gvisor.flag.probe": "x"}}, _refused),
)
"""A pod that `/mutate` changes, and one that `/validate` refuses."""


def _wait_until_called(plane: ControlPlane, namespace: str) -> None:
    """A webhook just registered is called within about a second, not at once: both are tried."""
    deadline = time.monotonic() + REGISTERED_WITHIN_SECONDS
    for metadata, seen in _PROBES:
        manifest = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {"containers": [{"name": "probe", "image": "docker.io/library/busybox:1"}]},
        }
        arguments = ("create", "-n", namespace, "--dry-run=server", "-o", "json", "-f", "-")
        while not seen(plane.kubectl(*arguments, stdin=json.dumps(manifest), check=False)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the webhooks are not called {REGISTERED_WITHIN_SECONDS} s on")
            time.sleep(0.2)
