"""Everything that the server asks of the API server, and so every right that it needs.

docs/operations.md, the manifests and the tests take the rights from here; it writes nothing.
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
