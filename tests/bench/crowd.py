"""A large cluster for the real API server: what 5,000 kubelets and 10,000 teams would have written.

Made by raw HTTP in parallel; every object is as large as its like in a real cluster, since a list
is read whole: a Node tells of 50 images, a Namespace has what its tools have left on it.
"""

import json
import ssl
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import urllib3

NAMESPACES, NODES, RUNTIME_CLASSES = 10_000, 5_000, 50
LABEL = "bench.runtimegate.dev/tier"
"""What the benchmark's policy selects namespaces by."""
_IMAGES, _POOLS, _THREADS = 50, 25, 16
_RUNTIMES = ("runsc", "kata-qemu", "runc")

Object = dict[str, Any]


class Api:
    """Raw JSON to and from an API server, over connections that are kept."""

    def __init__(self, url: str, *, token: str, ca_pem: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._pool = urllib3.PoolManager(
            maxsize=_THREADS, block=True, ssl_context=ssl.create_default_context(cadata=ca_pem)
        )

    def close(self) -> None:
        """Let the connections go."""
        self._pool.clear()

    def create(self, collection: str, obj: Mapping[str, Any]) -> None:
        """POST an object; one that is there already will do."""
        self._send("POST", collection, obj, "application/json", expect=(201, 409))

    def label(self, namespace: str, key: str, value: str | None) -> None:
        """Set or (None) take away a label of a namespace."""
        patch = {"metadata": {"labels": {key: value}}}
        path = f"/api/v1/namespaces/{namespace}"
        self._send("PATCH", path, patch, "application/merge-patch+json", expect=(200,))

    def _send(
        self, method: str, path: str, obj: Mapping[str, Any], kind: str, *, expect: tuple[int, ...]
    ) -> None:
        answer = self._pool.request(
            method,
            self._url + path,
            body=json.dumps(obj).encode(),
            headers={**self._headers, "Content-Type": kind},
            timeout=30,
            retries=False,
        )
        if answer.status not in expect:
            raise RuntimeError(f"{method} {path}: HTTP {answer.status}: {answer.data[:300]!r}")


def populate(api: Api) -> None:
    """Put the whole crowd into the cluster."""
    with ThreadPoolExecutor(_THREADS) as threads:
        for collection, objects in (
            ("/apis/node.k8s.io/v1/runtimeclasses", runtime_classes()),
            ("/api/v1/namespaces", namespaces()),
            ("/api/v1/nodes", nodes()),
        ):
            for _ in threads.map(lambda obj, at=collection: api.create(at, obj), objects):
                pass


def runtime_classes() -> Iterator[Object]:
    """gvisor and 49 more, each for one pool of nodes."""
    for n in range(RUNTIME_CLASSES):
        yield {
            "apiVersion": "node.k8s.io/v1",
            "kind": "RuntimeClass",
            "metadata": {"name": "gvisor" if n == 0 else f"runtime-{n}"},
            "handler": _RUNTIMES[n % len(_RUNTIMES)],
            "overhead": {"podFixed": {"memory": "64Mi"}},
            "scheduling": {
                "nodeSelector": {} if n == 0 else {"example.com/pool": f"pool-{n % _POOLS}"},
                "tolerations": [{"key": "sandbox", "operator": "Exists", "effect": "NoSchedule"}],
            },
        }


def namespaces() -> Iterator[Object]:
    """Namespaces of teams, a tenth of them sandboxed by label."""
    for n in range(NAMESPACES):
        labels = {
            "team": f"team-{n % 400}",
            "cost-center": f"cc-{n % 97}",
            "environment": ("production", "staging", "development")[n % 3],
            "pod-security.kubernetes.io/enforce": "baseline",
            "pod-security.kubernetes.io/enforce-version": "latest",
            "app.kubernetes.io/managed-by": "argocd",
            "argocd.argoproj.io/instance": f"namespaces-{n % 50}",
        }
        annotations = {
            "example.com/owner": f"team-{n % 400}@example.com",
            "kubectl.kubernetes.io/last-applied-configuration": "x" * 600,
        }
        tier = {LABEL: "sandboxed"} if n % 10 == 0 else {}
        yield {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": f"crowd-{n}",
                "labels": {**labels, **tier},
                "annotations": annotations,
            },
        }


def nodes() -> Iterator[Object]:
    """Nodes in pools and zones, one in eight on arm64, one in five with a taint."""
    for n in range(NODES):
        yield node(n)


def node(n: int) -> Object:
    """One Node, as a cloud's kubelet registers it."""
    name, arch = f"node-{n}.region-1.example.com", "arm64" if n % 8 == 0 else "amd64"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": _labels(n, name, arch), "annotations": _NOTES},
        "spec": {
            "providerID": f"cloud:///zone-{n % 3}/i-{n:017x}",
            "podCIDR": f"10.{n // 256}.{n % 256}.0/24",
            "taints": [{"key": "sandbox", "value": "only", "effect": "NoSchedule"}]
            if n % 5 == 0
            else [],
        },
        "status": {
            "capacity": _RESOURCES,
            "allocatable": _RESOURCES,
            "conditions": [
                _condition("Ready", "False" if n % 50 == 0 else "True"),
                *(_condition(kind, "False") for kind in _PRESSURES),
            ],
            "addresses": [
                {"type": "InternalIP", "address": f"10.{n // 256}.{n % 256}.1"},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {
                "machineID": f"{n:032x}", "systemUUID": f"{n:032x}", "bootID": f"{n:032x}",
                "kernelVersion": "6.12.0-1-cloud", "osImage": "Debian GNU/Linux 13",
                "containerRuntimeVersion": "containerd://2.1.4", "kubeletVersion": "v1.37.2",
                "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": arch,
            },
            "images": [_image(n, k) for k in range(_IMAGES)],
            "runtimeHandlers": [
                {"name": name, "features": features} for name, features in _HANDLERS.items()
            ],
        },
    }  # fmt: skip


def _labels(n: int, name: str, arch: str) -> dict[str, str]:
    return {
        "beta.kubernetes.io/arch": arch,
        "beta.kubernetes.io/instance-type": f"m{n % 9}.large",
        "beta.kubernetes.io/os": "linux",
        "example.com/pool": f"pool-{n % _POOLS}",
        "example.com/rack": f"rack-{n // 40}",
        "failure-domain.beta.kubernetes.io/region": "region-1",
        "failure-domain.beta.kubernetes.io/zone": f"zone-{n % 3}",
        "kubernetes.io/arch": arch,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": f"m{n % 9}.large",
        "topology.ebs.csi.example.com/zone": f"zone-{n % 3}",
        "topology.kubernetes.io/region": "region-1",
        "topology.kubernetes.io/zone": f"zone-{n % 3}",
    }


_NOTES = {
    "csi.volume.kubernetes.io/nodeid": '{"ebs.csi.example.com":"i-0123456789abcdef0"}',
    "node.alpha.kubernetes.io/ttl": "0",
    "volumes.kubernetes.io/controller-managed-attach-detach": "true",
}
_RESOURCES = {"cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "200Gi"}
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
_HANDLERS: Mapping[str, Mapping[str, bool]] = {
    "": {"recursiveReadOnlyMounts": True, "userNamespaces": True},
    "runc": {"recursiveReadOnlyMounts": True, "userNamespaces": True},
    "runsc": {"recursiveReadOnlyMounts": False, "userNamespaces": False},
    "kata-qemu": {"recursiveReadOnlyMounts": False, "userNamespaces": False},
}


def _condition(kind: str, status: str) -> Object:
    moment = "2026-11-24T12:00:00Z"
    return {
        "type": kind,
        "status": status,
        "reason": f"Kubelet{kind}",
        "message": "kubelet is posting its status",
        "lastHeartbeatTime": moment,
        "lastTransitionTime": moment,
    }


def _image(n: int, k: int) -> Object:
    name = f"registry.example.com/platform/component-{(n + k) % 300}"
    return {"names": [f"{name}@sha256:{n * 50 + k:064x}", f"{name}:v1.{k}"], "sizeBytes": 10**8}
