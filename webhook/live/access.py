"""Everything that is asked of the API server, and so every right that is needed for it.

docs/operations.md, the manifests and the tests take the rights from here. The server writes
nothing; an audit writes its reports, where it is told to.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One resource: what is done with it, and what would be missing without."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    why: str


RIGHTS: tuple[Right, ...] = (
    Right(
        group="",
        resource="namespaces",
        verbs=("get", "list", "watch"),
        why="their labels select policies; one that is not seen yet is fetched",
    ),
    Right(
        group="",
        resource="nodes",
        verbs=("list", "watch"),
        why="whether one offers the handler",
    ),
    Right(
        group="",
        resource="pods",
        verbs=("list",),
        why="to say which pods a change of a namespace's labels concerns; the answer says that "
        "they were not looked at where this is missing",
    ),
    Right(
        group="node.k8s.io",
        resource="runtimeclasses",
        verbs=("list", "watch"),
        why="their handlers are checked against the inventory",
    ),
)

_LISTED = "what runs, and what will make more of it; the report says what is missing without"

AUDIT_RIGHTS: tuple[Right, ...] = (
    Right(
        group="",
        resource="namespaces",
        verbs=("list",),
        why="their labels select policies; without, what policies select by labels is unknown",
    ),
    Right(
        group="", resource="nodes", verbs=("list",), why="their architectures and their handlers"
    ),
    *(
        Right(group="", resource=resource, verbs=("list",), why=_LISTED)
        for resource in ("pods", "podtemplates", "replicationcontrollers")
    ),
    *(
        Right(group="apps", resource=resource, verbs=("list",), why=_LISTED)
        for resource in ("daemonsets", "deployments", "replicasets", "statefulsets")
    ),
    *(
        Right(group="batch", resource=resource, verbs=("list",), why=_LISTED)
        for resource in ("cronjobs", "jobs")
    ),
    Right(
        group="node.k8s.io",
        resource="runtimeclasses",
        verbs=("list",),
        why="their handlers are checked against the inventory",
    ),
)
"""Of an audit of the whole cluster; of one namespace ``namespaces`` needs get instead."""

REPORT_RIGHTS: tuple[Right, ...] = tuple(
    Right(
        group=group,
        resource=resource,
        verbs=("create", "delete", "get", "list", "update"),
        why="its own reports, where --write-reports asks for them",
    )
    for group, resource in (("wgpolicyk8s.io", "policyreports"), ("openreports.io", "reports"))
)
