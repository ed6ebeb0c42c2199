"""Ways round the gate, each as what an ordinary user of the API server does, and what stops it.

``tenant`` may edit two namespaces and nothing else; ``mallory`` may besides change Namespaces and
RuntimeClasses, as a lax cluster role lets people. Nothing in this table is a fake: the requests
go through kubectl to the API server and its own admission, and through the running webhook.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

SANDBOXED = "tenant-attack"
EXEMPTING = "exempt-attack"
OLDER = "tenant-older"
"""Here stands a pod on runc that was made before the gate came."""


class By(Enum):
    """What stops an attack."""

    GATE = "the gate refuses it"
    ASSIGNED = "the gate assigns the class that the policy demands"
    FINDING = "the gate refuses it by the compatibility table"
    GUARD = "a guard of the gate refuses it"
    API = "the API server refuses it by itself"
    RBAC = "the tenant has no right to it"
    CONTROLLER = (
        "the workload is stored, and each of its pods is refused when a controller makes it"
    )
    NOTHING = "nothing: docs/threat-model.md says what to do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One way: what is typed (``steps``, the last one being the attack), and what comes of it.

    ``says`` stands in what kubectl prints. ``{ns}`` in a step is the namespace. ``left`` is the
    class of the attacker's pod afterwards, None where there is none, "" where it has no class.
    """

    name: str
    steps: tuple[tuple[str, ...], ...]
    by: By
    says: str = ""
    stdin: tuple[str | None, ...] = ()
    user: str = "tenant"
    namespace: str = SANDBOXED
    left: str | None = None


CREATE = ("create", "-n", "{ns}", "-f", "-")


def pod(
    spec: Mapping[str, Any] | None = None,
    *,
    image: str = "nginx:1.31",
    metadata: Mapping[str, Any] | None = None,
    container: Mapping[str, Any] | None = None,
) -> str:
    """A pod of the attacker's, as a manifest."""
    main = {"name": "main", "image": image, **(container or {})}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "attack", **(metadata or {})},
            "spec": {"containers": [main], **(spec or {})},
        }
    )


def annotated(key: str, value: str = "x") -> dict[str, Any]:
    """Metadata with one annotation."""
    return {"annotations": {key: value}}


def creating(name: str, manifest: str, by: By, says: str = "", **fields: Any) -> Attack:
    """The attack is a manifest."""
    return Attack(name=name, steps=(CREATE,), stdin=(manifest,), by=by, says=says, **fields)


def changing(name: str, *step: str, by: By, says: str = "", **fields: Any) -> Attack:
    """The attack is a change of a pod that was let in, sandboxed."""
    manifest = fields.pop("manifest", pod())
    return Attack(
        name=name,
        steps=(CREATE, step),
        stdin=(manifest, fields.pop("body", None)),
        by=by,
        says=says,
        left=fields.pop("left", "gvisor"),
        **fields,
    )


_NOT_ALLOWED = "RuntimeClass runc is not allowed in namespace tenant-attack"
_IMMUTABLE = "pod updates may not change fields other than"
_DB = "RuntimeClass gvisor runs postgresql badly"


def workload(api_version: str, kind: str, spec: Mapping[str, Any]) -> str:
    """A workload whose pods ask for runc."""
    return json.dumps(
        {"apiVersion": api_version, "kind": kind, "metadata": {"name": "attack"}, "spec": spec}
    )


_TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "attack"}},
    "spec": {"runtimeClassName": "runc", "containers": [{"name": "main", "image": "nginx:1.31"}]},
}
_ONCE = {**_TEMPLATE, "spec": {**_TEMPLATE["spec"], "restartPolicy": "Never"}}
_SELECTED = {"selector": {"matchLabels": {"app": "attack"}}, "template": _TEMPLATE}


def _patch(kind: str, body: Mapping[str, Any] | list[Any]) -> tuple[str, ...]:
    return ("patch", "-n", "{ns}", "pod", "attack", f"--type={kind}", "-p", json.dumps(body))


CLASS: tuple[Attack, ...] = (
    creating("another-class", pod({"runtimeClassName": "runc"}), By.GATE, _NOT_ALLOWED),
    creating("no-class", pod(), By.ASSIGNED, left="gvisor"),
    creating("null-class", pod({"runtimeClassName": None}), By.ASSIGNED, left="gvisor"),
    creating(
        "empty-class", pod({"runtimeClassName": ""}), By.API, "resource name may not be empty"
    ),
    creating(
        "class-in-capitals",
        pod({"runtimeClassName": "GVISOR"}),
        By.API,
        'RuntimeClass "GVISOR" not found',
    ),
    creating("class-with-a-space", pod({"runtimeClassName": "gvisor "}), By.API, "not found"),
    creating(
        "class-that-does-not-exist",
        pod({"runtimeClassName": "kata-none"}),
        By.API,
        'RuntimeClass "kata-none" not found',
    ),
    creating("overhead-of-its-own", pod({"overhead": {"memory": "1Mi"}}), By.API, "Overhead"),
    creating(
        "list-of-pods",
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "List",
                "items": [json.loads(pod({"runtimeClassName": "runc"}))],
            }
        ),
        By.GATE,
        _NOT_ALLOWED,
    ),
    creating(
        "generated-name",
        pod({"runtimeClassName": "runc"}, metadata={"name": None, "generateName": "attack-"}),
        By.GATE,
        _NOT_ALLOWED,
    ),
    creating(
        "name-of-a-static-pod",
        pod({"runtimeClassName": "runc"}, metadata={"name": "kube-proxy-worker-1"}),
        By.GATE,
        _NOT_ALLOWED,
    ),
    creating(
        "bound-to-a-node",
        pod({"nodeName": "worker-1", "runtimeClassName": "runc"}),
        By.GATE,
        _NOT_ALLOWED,
    ),
    creating(
        "bound-to-a-node-without-a-class", pod({"nodeName": "worker-1"}), By.ASSIGNED, left="gvisor"
    ),
    creating(
        "scheduler-of-its-own",
        pod({"schedulerName": "mine", "runtimeClassName": "runc"}),
        By.GATE,
        _NOT_ALLOWED,
    ),
    Attack(
        name="dry-run",
        steps=((*CREATE, "--dry-run=server"),),
        stdin=(pod({"runtimeClassName": "runc"}),),
        by=By.GATE,
        says=_NOT_ALLOWED,
    ),
    Attack(
        name="server-side-apply",
        steps=(("apply", "--server-side", "-n", "{ns}", "-f", "-"),),
        stdin=(pod({"runtimeClassName": "runc"}),),
        by=By.GATE,
        says=_NOT_ALLOWED,
    ),
    Attack(
        name="run-with-overrides",
        steps=(
            (
                "run",
                "-n",
                "{ns}",
                "attack",
                "--image=nginx:1.31",
                '--overrides={"spec":{"runtimeClassName":"runc"}}',
            ),
        ),
        by=By.GATE,
        says=_NOT_ALLOWED,
    ),
    Attack(
        name="raw-post",
        steps=(("create", "--raw", "/api/v1/namespaces/{ns}/pods", "-f", "-"),),
        stdin=(pod({"runtimeClassName": "runc"}),),
        by=By.GATE,
        says=_NOT_ALLOWED,
    ),
)
"""Ways to another class when the pod is made."""

IDENTITY: tuple[Attack, ...] = (
    creating(
        "mirror-annotation",
        pod(
            {"nodeName": "worker-1", "runtimeClassName": "runc"},
            metadata=annotated("kubernetes.io/config.mirror"),
        ),
        By.GATE,
        _NOT_ALLOWED,
    ),
    creating(
        "mirror-annotation-and-node",
        pod({"nodeName": "worker-1"}, metadata=annotated("kubernetes.io/config.mirror")),
        By.ASSIGNED,
        left="gvisor",
    ),
    Attack(
        name="impersonated-node",
        steps=(
            (*CREATE, "--validate=false", "--as=system:node:worker-1", "--as-group=system:nodes"),
        ),
        stdin=(pod({"nodeName": "worker-1"}, metadata=annotated("kubernetes.io/config.mirror")),),
        by=By.RBAC,
        says="cannot impersonate resource",
    ),
    creating(
        "forged-assigned-by",
        pod(metadata=annotated("runtimegate.dev/assigned-by", "system")),
        By.ASSIGNED,
        left="gvisor",
    ),
    creating(
        "pod-in-an-excluded-namespace",
        pod(),
        By.RBAC,
        "cannot create resource",
        namespace="kube-system",
    ),
    creating(
        "exempt-service-account-of-another-namespace",
        pod({"serviceAccountName": "node-agent", "runtimeClassName": "runc"}),
        By.GATE,
        _NOT_ALLOWED,
    ),
    creating(
        "exemption-that-has-ended",
        pod({"serviceAccountName": "old-agent", "runtimeClassName": "runc"}),
        By.GATE,
        "RuntimeClass runc is not allowed",
        namespace=EXEMPTING,
    ),
    creating(
        "exempt-image-as-a-sidecar",
        pod(
            {
                "runtimeClassName": "runc",
                "initContainers": [
                    {
                        "name": "cover",
                        "image": "registry.example/backup:1",
                        "restartPolicy": "Always",
                    }
                ],
            }
        ),
        By.GATE,
        "RuntimeClass runc is not allowed",
        namespace=EXEMPTING,
    ),
    creating(
        "image-that-looks-exempt",
        pod({"runtimeClassName": "runc"}, image="registry.example.evil.example/backup:1"),
        By.GATE,
        "RuntimeClass runc is not allowed",
        namespace=EXEMPTING,
    ),
    creating(
        "look-alike-of-an-exempt-image",
        pod({"runtimeClassName": "runc"}, image="registry.example/b\u0430ckup:1"),
        By.GATE,
        "RuntimeClass runc is not allowed",
        namespace=EXEMPTING,
    ),
    changing(
        "another-image-under-an-exemption",
        "set",
        "image",
        "-n",
        "{ns}",
        "pod/attack",
        "main=evil.example/anything:1",
        manifest=pod({"runtimeClassName": "runc"}, image="registry.example/backup:1"),
        by=By.GATE,
        says="RuntimeClass runc is not allowed",
        namespace=EXEMPTING,
        left="runc",
    ),
    changing(
        "debug-container-under-an-exemption",
        "debug",
        "-n",
        "{ns}",
        "attack",
        "--image=evil.example/anything:1",
        "-c",
        "debugger",
        manifest=pod({"runtimeClassName": "runc"}, image="registry.example/backup:1"),
        by=By.GATE,
        says="RuntimeClass runc is not allowed",
        namespace=EXEMPTING,
        left="runc",
    ),
    creating(
        "exempt-service-account-borrowed",
        pod({"serviceAccountName": "node-agent", "runtimeClassName": "runc"}),
        By.NOTHING,
        namespace=EXEMPTING,
        left="runc",
    ),
    creating(
        "exempt-image-of-ones-own-making",
        pod({"runtimeClassName": "runc"}, image="registry.example/backup:mine"),
        By.NOTHING,
        namespace=EXEMPTING,
        left="runc",
    ),
    creating(
        "windows-pod-on-linux",
        pod({"os": {"name": "windows"}, "runtimeClassName": "runc"}),
        By.NOTHING,
        left="runc",
    ),
    creating(
        "static-pod-by-a-folder-of-the-node",
        pod(
            {"volumes": [{"name": "m", "hostPath": {"path": "/etc/kubernetes/manifests"}}]},
            container={"volumeMounts": [{"name": "m", "mountPath": "/m"}]},
        ),
        By.NOTHING,
        left="gvisor",
    ),
)
"""Ways to be taken for somebody or something else."""

CHANGES: tuple[Attack, ...] = (
    changing(
        "json-patch-removes-the-class",
        *_patch("json", [{"op": "remove", "path": "/spec/runtimeClassName"}]),
        by=By.API,
        says=_IMMUTABLE,
    ),
    changing(
        "merge-patch-removes-the-class",
        *_patch("merge", {"spec": {"runtimeClassName": None}}),
        by=By.API,
        says=_IMMUTABLE,
    ),
    changing(
        "strategic-patch-changes-the-class",
        *_patch("strategic", {"spec": {"runtimeClassName": "runc"}}),
        by=By.API,
        says=_IMMUTABLE,
    ),
    changing(
        "server-side-apply-takes-the-class",
        "apply",
        "--server-side",
        "--force-conflicts",
        "-n",
        "{ns}",
        "-f",
        "-",
        body=pod({"runtimeClassName": "runc"}),
        by=By.API,
        says=_IMMUTABLE,
    ),
    changing(
        "replace-by-force",
        "replace",
        "--force",
        "--grace-period=0",
        "-n",
        "{ns}",
        "-f",
        "-",
        body=pod({"runtimeClassName": "runc"}),
        by=By.GATE,
        says=_NOT_ALLOWED,
        left=None,
    ),
    changing(
        "another-image",
        "set",
        "image",
        "-n",
        "{ns}",
        "pod/attack",
        "main=postgres:18",
        by=By.FINDING,
        says=_DB,
    ),
    changing(
        "another-image-by-json-patch",
        *_patch(
            "json", [{"op": "replace", "path": "/spec/containers/0/image", "value": "postgres:18"}]
        ),
        by=By.FINDING,
        says=_DB,
    ),
    changing(
        "debug-container",
        "debug",
        "-n",
        "{ns}",
        "attack",
        "--image=postgres:18",
        "-c",
        "debugger",
        by=By.FINDING,
        says=_DB,
    ),
    changing(
        "debug-container-by-patch",
        "patch",
        "-n",
        "{ns}",
        "pod",
        "attack",
        "--subresource=ephemeralcontainers",
        "-p",
        json.dumps(
            {"spec": {"ephemeralContainers": [{"name": "debugger", "image": "postgres:18"}]}}
        ),
        by=By.FINDING,
        says=_DB,
    ),
    changing(
        "sandbox-flag-added-later",
        "annotate",
        "-n",
        "{ns}",
        "pod",
        "attack",
        "dev.gvisor.flag.oci-seccomp=false",
        by=By.GATE,
        says="annotation dev.gvisor.flag.oci-seccomp reconfigures the sandbox",
    ),
    changing(
        "sandbox-flag-by-the-status",
        "patch",
        "-n",
        "{ns}",
        "pod",
        "attack",
        "--subresource=status",
        "--type=merge",
        "-p",
        json.dumps({"metadata": {"annotations": {"dev.gvisor.flag.debug": "true"}}}),
        by=By.RBAC,
        says="pods/status",
    ),
    changing(
        "binding-to-a-node",
        "create",
        "--raw",
        "/api/v1/namespaces/{ns}/pods/attack/binding",
        "-f",
        "-",
        body=json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": {"name": "attack"},
                "target": {"kind": "Node", "name": "worker-1"},
            }
        ),
        by=By.RBAC,
        says="pods/binding",
    ),
)
"""Ways to change a pod that was let in."""

ANNOTATIONS: tuple[Attack, ...] = tuple(
    creating(f"annotation-{name}", pod(metadata={"annotations": {key: value}}), By.GATE, f"annotation {key} reconfigures the sandbox")
    for name, key, value in (
        ("gvisor-flag", "dev.gvisor.flag.network", "host"),
        ("gvisor-mount", "dev.gvisor.spec.mount.x.type", "bind"),
        ("kata-kernel", "io.katacontainers.config.hypervisor.kernel", "/host/vmlinuz"),
        ("containerd-untrusted", "io.kubernetes.cri.untrusted-workload", "true"),
        ("cri-o-userns", "io.kubernetes.cri-o.userns-mode", "auto"),
        ("crun-handler", "run.oci.handler", "wasm"),
        ("crun-wasm", "module.wasm.image/variant", "compat-smart"),
    )
)  # fmt: skip
"""Ways to have the sandbox set up otherwise."""

RECOGNITION: tuple[Attack, ...] = (
    creating("database-by-digest", pod(image="postgres@sha256:" + "0" * 64), By.FINDING, _DB),
    creating("database-from-a-mirror", pod(image="mirror.example:5000/library/postgres:18"), By.FINDING, _DB),
    creating("database-as-an-init-container", pod({"initContainers": [{"name": "first", "image": "postgres:18"}]}), By.FINDING, _DB),
    creating("database-as-a-native-sidecar", pod({"initContainers": [{"name": "beside", "image": "postgres:18", "restartPolicy": "Always"}]}), By.FINDING, _DB),
    creating("database-among-a-thousand-containers", pod({"initContainers": [{"name": f"c{i}", "image": "nginx"} for i in range(999)]}, image="postgres:18"), By.FINDING, _DB),
    creating("pod-of-a-megabyte", pod(image="postgres:18", container={"env": [{"name": "FILLER", "value": "x" * 1_000_000}]}), By.FINDING, _DB),
    creating("needs-declared-by-the-thousand", pod(metadata={"annotations": {"runtimegate.dev/needs": "x, " * 50_000}}), By.ASSIGNED, left="gvisor"),
    creating("database-with-a-look-alike-letter", pod(image="p\u043estgres:18"), By.ASSIGNED, left="gvisor"),
    creating("database-under-another-name", pod(image="registry.example/my-image:1"), By.ASSIGNED, left="gvisor"),
)  # fmt: skip
"""Ways not to be recognised: at worst the pod runs badly, in the sandbox that the policy demands."""

WORKLOADS: tuple[Attack, ...] = (
    creating("deployment", workload("apps/v1", "Deployment", _SELECTED), By.CONTROLLER, "RuntimeClass runc is not allowed"),
    creating("replicaset", workload("apps/v1", "ReplicaSet", _SELECTED), By.CONTROLLER, "RuntimeClass runc is not allowed"),
    creating("statefulset", workload("apps/v1", "StatefulSet", {**_SELECTED, "serviceName": "x"}), By.CONTROLLER, "RuntimeClass runc is not allowed"),
    creating("job", workload("batch/v1", "Job", {"template": _ONCE}), By.CONTROLLER, "RuntimeClass runc is not allowed"),
    creating("replicationcontroller", workload("v1", "ReplicationController", {"selector": {"app": "attack"}, "template": _TEMPLATE}), By.CONTROLLER, "RuntimeClass runc is not allowed"),
)  # fmt: skip
"""Ways to have a controller make the pod."""

CLUSTER: tuple[Attack, ...] = (
    Attack(name="runtime-class-deleted", steps=(("delete", "runtimeclass", "gvisor"),), by=By.RBAC, says="cannot delete resource"),
    Attack(name="runtime-class-made", steps=(("create", "-f", "-"),), stdin=("{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: kata-mine}, handler: runc}",), by=By.RBAC, says="cannot create resource"),
    Attack(name="namespace-label", steps=(("label", "namespace", "{ns}", "tier=trusted"),), by=By.RBAC, says="cannot patch resource"),
    Attack(name="webhook-deleted", steps=(("delete", "validatingwebhookconfiguration", "runtimegate"),), by=By.RBAC, says="cannot delete resource"),
    Attack(name="runtime-class-swapped-by-deleting-it", steps=(("delete", "runtimeclass", "gvisor"),), by=By.GUARD, says="RuntimeClass gvisor is named by policies", user="mallory"),
    Attack(name="runtime-class-with-another-handler", steps=(("create", "-f", "-"),), stdin=("{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: kata-clh}, handler: runc}",), by=By.GUARD, says="RuntimeClass kata-clh is not in the inventory", user="mallory"),
    Attack(name="runtime-class-changes-its-handler", steps=(("patch", "runtimeclass", "gvisor", "--type=merge", "-p", '{"handler": "runc"}'),), by=By.API, says="field is immutable", user="mallory"),
    Attack(name="namespace-chooses-another-class", steps=(("annotate", "namespace", "{ns}", "runtimegate.dev/default-runtime-class=runc"),), by=By.GUARD, says="annotation runtimegate.dev/default-runtime-class of namespace exempt-attack decides", user="mallory", namespace=EXEMPTING),
)  # fmt: skip
"""Ways that begin with the cluster and not with a pod."""

TABLE: tuple[Attack, ...] = (
    *CLASS, *IDENTITY, *CHANGES, *ANNOTATIONS, *RECOGNITION, *WORKLOADS, *CLUSTER,
)  # fmt: skip
"""The attacks of this file; ``more`` has others."""
