"""What a cluster has before the gate comes to it, and the registration of a running gate by URL."""

import base64
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from tests.controlplane.cluster import ControlPlane, Result
from tests.deploy.manifests import shipped
from webhook.live import access

WEBHOOK = "pods.runtimegate.dev"
NAME_LABEL = "kubernetes.io/metadata.name"
REGISTERED_WITHIN_SECONDS = 90
CONFIGURATIONS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")

RIGHTS: tuple[dict[str, Any], ...] = (
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "runtimegate"},
        "rules": [
            {"apiGroups": [right.group], "resources": [right.resource], "verbs": [*right.verbs]}
            for right in access.RIGHTS
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
    others: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> Iterator[None]:
    """Register both webhooks for the namespaces, wait until they are called, take them away again.

    ``probe`` is a namespace of them in which a pod without a class is assigned one. ``others`` are
    further validating webhooks by name: what they are asked about besides pods.
    """
    expression = {"key": NAME_LABEL, "operator": operator, "values": list(namespaces)}
    selector = {"matchExpressions": [expression]}
    configurations = _configurations(name, url, ca_pem, selector, others or {})
    with _in_force(plane, name, configurations, probe):
        yield


@contextmanager
def registered_for_a_while(plane: ControlPlane, *, probe: str, **given: Any) -> Iterator[None]:
    """As ``registered``, for a namespace that goes on without: at the end nobody is asked of it."""
    with registered(plane, probe=probe, **given):
        yield
    wait_until_not_called(plane, probe)


@contextmanager
def registered_as_shipped(
    plane: ControlPlane, *, url: str, ca_pem: str, probe: str
) -> Iterator[None]:
    """Register what ``deploy/register.yaml`` does, with its conditions; else as ``registered``."""
    manifests = shipped("register.yaml")
    found = [manifests.one(kind, "runtimegate") for kind in CONFIGURATIONS]
    at_url = [{**each, "webhooks": addressed(each["webhooks"], url, ca_pem)} for each in found]
    with _in_force(plane, "runtimegate", at_url, probe):
        yield


def addressed(webhooks: Sequence[Mapping[str, Any]], url: str, ca_pem: str) -> list[dict[str, Any]]:
    """Webhooks of a Service at the same paths of an address."""
    bundle = _bundle(ca_pem)
    return [
        {
            **hook,
            "clientConfig": {
                "url": f"{url}{hook['clientConfig']['service']['path']}",
                "caBundle": bundle,
            },
        }
        for hook in webhooks
    ]


@contextmanager
def _in_force(
    plane: ControlPlane, name: str, configurations: Iterable[Mapping[str, Any]], probe: str
) -> Iterator[None]:
    """Create them, wait until they are called, and take away both of this name."""
    for each in configurations:
        plane.kubectl("create", "-f", "-", stdin=json.dumps(each))
    try:
        wait_until_called(plane, probe)
        yield
    finally:
        both = "mutatingwebhookconfiguration,validatingwebhookconfiguration"
        plane.kubectl("delete", both, name)


def _bundle(ca_pem: str) -> str:
    return base64.b64encode(ca_pem.encode()).decode()


ADVICE: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "workloads.runtimegate.dev": (
        {"apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "scope": "Namespaced"},
        {"apiGroups": ["batch"], "resources": ["jobs", "cronjobs"], "scope": "Namespaced"},
    ),
    "guards.runtimegate.dev": (
        {
            "apiGroups": ["node.k8s.io"],
            "resources": ["runtimeclasses"],
            "scope": "Cluster",
            "operations": ["CREATE", "UPDATE", "DELETE"],
        },
        {"apiGroups": [""], "resources": ["namespaces"], "scope": "Cluster"},
    ),
}
"""What docs/operations.md registers besides pods."""


def _configurations(
    name: str,
    url: str,
    ca_pem: str,
    selector: Mapping[str, Any],
    others: Mapping[str, Sequence[Mapping[str, Any]]],
) -> tuple[dict[str, Any], ...]:
    pods = {"apiGroups": [""], "scope": "Namespaced"}
    made = {**pods, "resources": ["pods"], "operations": ["CREATE"]}
    changed = {**pods, "resources": ["pods", "pods/ephemeralcontainers", "pods/resize"]}
    mutating = _webhook(WEBHOOK, f"{url}/mutate", ca_pem, [made], selector)
    validating = [
        _webhook(called, f"{url}/validate", ca_pem, rules, selector)
        for called, rules in {WEBHOOK: [changed], **others}.items()
    ]
    return (
        _configuration("Mutating", name, [{**mutating, "reinvocationPolicy": "Never"}]),
        _configuration("Validating", name, validating),
    )


def _configuration(kind: str, name: str, webhooks: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": webhooks,
    }


def _webhook(
    name: str,
    url: str,
    ca_pem: str,
    rules: Sequence[Mapping[str, Any]],
    selector: Mapping[str, Any],
) -> dict[str, Any]:
    common = {"apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"]}
    return {
        "name": name,
        "clientConfig": {"url": url, "caBundle": _bundle(ca_pem)},
        "rules": [{**common, **rule} for rule in rules],
        "namespaceSelector": selector,
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": 30,  # a busy machine
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


def wait_until_called(plane: ControlPlane, namespace: str) -> None:
    """A webhook just registered is called within about a second, not at once: both are tried.

    ``namespace`` is one in which a pod without a class is assigned one.
    """
    for metadata, seen in _PROBES:
        _wait_for(plane, namespace, metadata, seen)


def wait_until_not_called(plane: ControlPlane, namespace: str) -> None:
    """For a namespace of which nobody else is asked, once a registration was taken away.

    The API server sees neither of the two at once: meanwhile it goes on to call what was there,
    and to fail where nobody answers any more.
    """
    for metadata, seen in _PROBES:
        _wait_for(plane, namespace, metadata, partial(_let_pass, seen))


def _let_pass(seen: Callable[[Result], bool], done: Result) -> bool:
    return done.returncode == 0 and not seen(done)


def _wait_for(
    plane: ControlPlane,
    namespace: str,
    metadata: Mapping[str, Any],
    seen: Callable[[Result], bool],
) -> None:
    """Try a pod until its answer is as it should be."""
    deadline = time.monotonic() + REGISTERED_WITHIN_SECONDS
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [{"name": "probe", "image": "docker.io/library/busybox:1"}]},
    }
    arguments = ("create", "-n", namespace, "--dry-run=server", "-o", "json", "-f", "-")
    while not seen(done := plane.kubectl(*arguments, stdin=json.dumps(manifest), check=False)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so {REGISTERED_WITHIN_SECONDS} s on: {done.stderr}")
        time.sleep(0.2)
