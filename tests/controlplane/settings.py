"""What the programs of the control plane are told: arguments and files, as values."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

USERS: Mapping[str, tuple[str, ...]] = {
    "admin": ("system:masters",),
    "tenant": (),  # whom `grant` lets into namespaces
    "webhook": (),  # for a program under test: what it may is the test's to say
    "system:kube-controller-manager": (),
}
"""Who can log in, and their groups besides system:authenticated. For anyone else, a node for
instance, let admin impersonate: `kubectl --as=system:node:one --as-group=system:nodes`."""

GRANTED_ROLES: Mapping[str, tuple[str, ...]] = {
    "view": ("system:aggregate-to-view",),
    "edit": ("system:aggregate-to-view", "system:aggregate-to-edit"),
    "admin": ("system:aggregate-to-view", "system:aggregate-to-edit", "system:aggregate-to-admin"),
}
"""The cluster roles behind the roles a user is given: the controller manager is what fills
view, edit and admin, and most tests run without one."""

GRANT_IS_SEEN: Mapping[str, tuple[str, str]] = {
    "view": ("get", "pods"),
    "edit": ("create", "pods"),
    "admin": ("create", "rolebindings"),
}
"""What a user may do as soon as the API server has seen the last of the role's bindings."""

_WORKLOADS = {
    "": ["pods", "pods/ephemeralcontainers", "replicationcontrollers", "namespaces"],
    "apps": ["deployments", "replicasets", "statefulsets", "daemonsets"],
    "batch": ["jobs", "cronjobs"],
    "node.k8s.io": ["runtimeclasses"],
}

SERVICES, KUBERNETES_ADDRESS = "198.18.0.0/24", "198.18.0.1"
"""Of the Services, and of the one that is the API server's. RFC 2544: nobody's network."""
ACCOUNTS_OFF = "--disable-admission-plugins=ServiceAccount"

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {
            "level": "Metadata",  # this level has the annotations that webhooks add
            "verbs": ["create", "update", "patch", "delete"],
            "resources": [
                {"group": group, "resources": resources} for group, resources in _WORKLOADS.items()
            ],
        },
        {"level": "None"},
    ],
}


def etcd_socket(folder: Path) -> Path:
    """Where etcd listens: a socket in a folder of ours cannot be another plane's."""
    return folder / "etcd.sock"


def etcd_arguments(folder: Path) -> list[str]:
    """etcd alone; it may lose data in a crash, and is the faster for it."""
    client, peer = f"unix://{etcd_socket(folder)}", f"unix://{folder / 'peer.sock'}"
    return [
        f"--data-dir={folder / 'etcd'}",
        "--unsafe-no-fsync",
        "--log-level=warn",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
    ]


def kube_apiserver_arguments(folder: Path, port: int) -> list[str]:
    """The API server as kubeadm sets it up, less what needs nodes or service accounts."""
    return [
        f"--etcd-servers=unix://{etcd_socket(folder)}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--external-hostname=localhost",
        f"--secure-port={port}",
        "--endpoint-reconciler-type=none",  # an endpoint must not be a loopback address
        f"--service-cluster-ip-range={SERVICES}",
        f"--tls-cert-file={folder / 'apiserver.crt'}",
        f"--tls-private-key-file={folder / 'apiserver.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'service-account.key'}",
        f"--service-account-signing-key-file={folder / 'service-account.key'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        # It refuses pods in a namespace whose service account nobody has made yet.
        ACCOUNTS_OFF,
        "--allow-privileged=true",
        f"--audit-policy-file={folder / 'audit-policy.json'}",
        f"--audit-log-path={folder / 'audit.log'}",
        "--audit-log-mode=blocking",  # an event is on disk before its answer is complete
    ]


def kube_controller_manager_arguments(folder: Path, kubeconfig: Path) -> list[str]:
    """All controllers, each with a service account of its own, as kubeadm sets it up."""
    return [
        f"--kubeconfig={kubeconfig}",
        "--secure-port=0",  # it serves nothing that a test needs
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={folder / 'service-account.key'}",
        f"--root-ca-file={folder / 'ca.crt'}",
        f"--flex-volume-plugin-dir={folder / 'volume-plugins'}",
    ]


def token_file(tokens: Mapping[str, str], users: Mapping[str, tuple[str, ...]]) -> str:
    """The API server's --token-auth-file: `token,user,uid` a line, then `,"group,group"` if any."""
    lines = []
    for user, token in tokens.items():
        groups = f',"{",".join(users[user])}"' if users[user] else ""
        lines.append(f"{token},{user},{user}{groups}\n")
    return "".join(lines)


def role_bindings(*, user: str, namespace: str, role: str) -> dict[str, object]:
    """What gives a user a role in a namespace, as a List."""
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                "metadata": {"name": f"{user}-{cluster_role}", "namespace": namespace},
                "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": cluster_role},
            }
            for cluster_role in GRANTED_ROLES.get(role, (role,))
        ],
    }


def kubeconfig_text(*, url: str, ca_pem: str, user: str, token: str) -> str:
    """A kubeconfig (JSON is YAML) that needs no other file."""
    authority = base64.b64encode(ca_pem.encode()).decode()
    cluster = {"server": url, "certificate-authority-data": authority}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "current-context": "test",
        },
        indent=1,
    )
