"""What runs in a large cluster: 50,000 pods and the workloads that keep them alive.

Made straight through the API, without controllers: ReplicaSets and Jobs stand between the pods and
their Deployments and CronJobs as those would make them, each pod with what the API server, the
scheduler and a deployment tool leave in it.
"""

import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from tests.bench.crowd import Api, node

Object = dict[str, Any]
NAMESPACES, NODES, THREADS = 200, 1_000, 16
_IMAGES = (
    "nginx:1.29", "registry.example.com/shop/checkout:4.2.1", "postgres:17", "redis:8.2",
    "registry.example.com/shop/search:2026.11", "python:3.13-slim", "docker.io/library/node:24",
    "ghcr.io/example/worker:v12", "quay.io/prometheus/node-exporter:v1.10.2", "rabbitmq:4.2",
)  # fmt: skip
_ASSIGNED = {"runtimegate.dev/assigned-by": "tenants"}
_CLASSES = ("gvisor", "gvisor", "gvisor", "kata-qemu", "runc", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An object and the collection that it belongs to."""

    collection: str
    obj: Object


def namespace_of(n: int) -> str:
    """A tenant's namespace, one in ten the platform's, one in twenty nobody's."""
    k = n % NAMESPACES
    return f"platform-{k}" if k % 10 == 9 else f"other-{k}" if k % 20 == 3 else f"tenant-{k}"


def facts() -> Iterator[Made]:
    """Namespaces, RuntimeClasses and nodes."""
    for n in range(NAMESPACES):
        metadata = {"name": namespace_of(n), "labels": {"team": f"team-{n % 40}"}}
        yield Made(collection="/api/v1/namespaces", obj={"metadata": metadata})
    for name, handler in (("gvisor", "runsc"), ("kata-qemu", "kata-qemu"), ("runc", "runc")):
        obj = {"metadata": {"name": name}, "handler": handler}
        yield Made(collection="/apis/node.k8s.io/v1/runtimeclasses", obj=obj)
    for n in range(NODES):
        yield Made(collection="/api/v1/nodes", obj=node(n))


def workloads(pods: int) -> Iterator[list[Made]]:
    """Each workload with all that belongs to it, until there are ``pods`` pods."""
    left, n = pods, 0
    while left > 0:
        size = min(left, (16, 5, 1, 20, 1)[n % 5])
        yield list(_workload(n, size))
        left, n = left - size, n + 1


def _workload(n: int, size: int) -> Iterator[Made]:
    """Four of ten are Deployments, others StatefulSets, CronJobs with their Jobs, bare pods."""
    namespace, name = namespace_of(n * 7), f"app-{n}"
    kind = ("Deployment", "StatefulSet", "CronJob", "Deployment", "Pod")[n % 5]
    labels = {"app.kubernetes.io/name": name, "team": f"team-{n % 40}"}
    owner = None
    if kind != "Pod":
        top, owner = _chain(kind, namespace, name, labels, n)
        yield from top
    for k in range(size):
        yield Made(
            collection=f"/api/v1/namespaces/{namespace}/pods",
            obj=_pod(namespace, name, labels, n, k, owner),
        )


def _chain(
    kind: str, namespace: str, name: str, labels: dict[str, str], n: int
) -> tuple[list[Made], Object]:
    template = {"metadata": {"labels": labels}, "spec": _spec(n, None)}
    selector = {"matchLabels": {"app.kubernetes.io/name": name}}
    apps = f"/apis/apps/v1/namespaces/{namespace}"
    batch = f"/apis/batch/v1/namespaces/{namespace}"
    if kind == "StatefulSet":
        spec = {"selector": selector, "template": template, "serviceName": name, "replicas": 5}
        made = [Made(collection=f"{apps}/statefulsets", obj=_named(name, spec))]
        return made, _owner("apps/v1", kind, name)
    if kind == "Deployment":
        spec = {"selector": selector, "template": template, "replicas": 16}
        below = _named(f"{name}-5d4f", spec, _owner("apps/v1", kind, name))
        made = [Made(collection=f"{apps}/deployments", obj=_named(name, spec))]
        made.append(Made(collection=f"{apps}/replicasets", obj=below))
        return made, _owner("apps/v1", "ReplicaSet", f"{name}-5d4f")
    job = {"template": {**template, "spec": {**template["spec"], "restartPolicy": "Never"}}}
    spec = {"schedule": "17 * * * *", "jobTemplate": {"spec": job}}
    below = _named(f"{name}-2940", job, _owner("batch/v1", kind, name))
    made = [Made(collection=f"{batch}/cronjobs", obj=_named(name, spec))]
    made.append(Made(collection=f"{batch}/jobs", obj=below))
    return made, _owner("batch/v1", "Job", f"{name}-2940")


def _named(name: str, spec: Object, owner: Object | None = None) -> Object:
    metadata: Object = {"name": name, "annotations": {"deployed-by": "argocd", "note": "x" * 400}}
    if owner:
        metadata["ownerReferences"] = [owner]
    return {"metadata": metadata, "spec": spec}


def _owner(api_version: str, kind: str, name: str) -> Object:
    return {
        "apiVersion": api_version, "kind": kind, "name": name, "controller": True,
        "uid": f"00000000-0000-4000-8000-{crc32((kind + name).encode()):012d}",
    }  # fmt: skip


def _pod(
    namespace: str, name: str, labels: dict[str, str], n: int, k: int, owner: Object | None
) -> Object:
    rng = random.Random(n * 1000 + k)
    suffix = "".join(rng.choices("bcdfghjklmnpqrstvwxz2456789", k=5))
    runtime_class = _CLASSES[n % len(_CLASSES)]
    assigned = namespace.startswith("tenant") and runtime_class == "gvisor"
    metadata: Object = {
        "name": f"{name}-{suffix}-{k}",
        "labels": labels,
        "annotations": {"checksum/config": f"{n:064x}", **(_ASSIGNED if assigned else {})},
    }
    if owner:
        metadata["ownerReferences"] = [owner]
    spec = _spec(n, runtime_class, token_volume=f"kube-api-access-{suffix}")
    return {
        "metadata": metadata,
        "spec": {**spec, "nodeName": node(rng.randrange(NODES))["metadata"]["name"]},
    }


def _spec(n: int, runtime_class: str | None, token_volume: str = "") -> Object:
    env = [{"name": f"SETTING_{i}", "value": f"value-{i}-{n}"} for i in range(12)]
    container: Object = {
        "name": "main",
        "image": _IMAGES[n % len(_IMAGES)],
        "args": ["--listen=:8080", f"--shard={n}"],
        "env": env,
        "ports": [{"containerPort": 8080, "name": "http"}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10},
        "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True},
    }
    spec: Object = {"containers": [container], "serviceAccountName": f"app-{n % 50}"}
    if n % 3 == 0:
        sidecar = {"name": "proxy", "image": "istio/proxyv2:1.28.0", "env": env[:4]}
        spec["containers"] = [container, sidecar]
    if token_volume:
        mount = {"name": token_volume, "mountPath": "/var/run/secrets/token", "readOnly": True}
        container["volumeMounts"] = [mount]
        sources = [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}]
        spec["volumes"] = [{"name": token_volume, "projected": {"sources": sources}}]
    if runtime_class:
        spec["runtimeClassName"] = runtime_class
    return spec


def populate(api: Api, pods: int) -> int:
    """Put it all into the cluster; how many workloads there are."""
    with ThreadPoolExecutor(THREADS) as threads:
        _create(api, threads, facts())
        made = list(workloads(pods))
        _create(api, threads, (one for every in made for one in every))
    return len(made)


def _create(api: Api, threads: ThreadPoolExecutor, every: Iterable[Made]) -> None:
    for _ in threads.map(lambda made: api.create(made.collection, made.obj), every):
        pass
