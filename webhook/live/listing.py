"""Everything of a cluster that is or makes pods, listed once and page by page.

For commands that look at a cluster and end; the server follows instead (``live/cluster.py``). One
page is held at a time. What may not be listed is told, not raised: the rest is still worth having.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from webhook.core.cluster import ClusterView, NamespaceView
from webhook.core.nodes import Nodes
from webhook.core.workload import POD_TEMPLATES_AT, WorkloadKind
from webhook.live.cluster import (
    NAMESPACE_KIND,
    NAMESPACES,
    NODE_KIND,
    RUNTIME_CLASS_KIND,
    namespace_reading,
)
from webhook.live.follow import Kind
from webhook.live.kube import ApiError, ApiServer, GoneError, object_path

PAGE = 500
"""Objects a page: kubectl's figure. Pods of 20 kB make it 10 MB."""
_GET_SECONDS = 30.0
_LONGEST = 400
POD = ("", "Pod")


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What could not be listed, and why, in the API server's words."""

    what: str
    why: str

    def __str__(self) -> str:
        """One line that may be shown to a person: the words are those of a server."""
        line = f"{self.what}: {self.why}"[:_LONGEST]
        return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKind:
    """A kind that the API server serves: how its collection is asked for."""

    group: str
    version: str
    kind: str
    resource: str

    @property
    def api_version(self) -> str:
        """As an object of it says."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def title(self) -> str:
        """As RBAC and kubectl name it: ``deployments.apps``."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    def path(self, namespace: str = "") -> str:
        """Its collection, of one namespace or of all."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        within = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        return f"{root}{within}/{self.resource}"


@dataclass(slots=True, kw_only=True)
class Listing:
    """The lists of one cluster, of some namespaces or of all.

    ``missing`` grows while lists are read. ``counted(total, done)`` style progress is the
    reader's: ``expected`` is how many objects of the kind in hand the API server announced.
    """

    api: ApiServer
    namespaces: Sequence[str] = ()
    missing: list[Missing] = field(default_factory=list)
    expected: int | None = None

    def cluster_view(self) -> ClusterView:
        """Namespaces, RuntimeClasses and nodes; a part that may not be listed is not known."""
        classes, nodes = self._facts(RUNTIME_CLASS_KIND), self._facts(NODE_KIND)
        return ClusterView(
            namespaces=self._namespaces(),
            runtime_classes=None if classes is None else {view.name: view for view in classes},
            nodes=None if nodes is None else Nodes(nodes),
        )

    def _namespaces(self) -> dict[str, NamespaceView]:
        if not self.namespaces:
            return {view.name: view for view in self._facts(NAMESPACE_KIND) or ()}
        return {name: view for name in self.namespaces if (view := self._namespace(name))}

    def _namespace(self, name: str) -> NamespaceView | None:
        try:
            obj = self.api.get(object_path(NAMESPACES, name), seconds=_GET_SECONDS)
        except ApiError as error:
            self.missing.append(Missing(what=f"namespace {name}", why=str(error)))
            return None
        if obj is None:
            self.missing.append(Missing(what=f"namespace {name}", why="there is none"))
            return None
        return namespace_reading(obj)

    def _facts(self, kind: Kind[Any]) -> list[Any] | None:
        try:
            return [kind.view(item) for item in self._items(kind.path, kind.page)]
        except ApiError as error:
            self.missing.append(Missing(what=kind.plural, why=str(error)))
            return None

    def kinds(self, declared: Sequence[WorkloadKind] = ()) -> Iterator[ListedKind]:
        """The workload kinds and Pods as this API server serves them, pods last.

        A declared kind that it does not serve is left out: its CRD is not installed here.
        """
        wanted = [*POD_TEMPLATES_AT, *((kind.group, kind.kind) for kind in declared), POD]
        served: dict[str, dict[str, ListedKind]] = {}
        for group, kind in dict.fromkeys(wanted):
            if group not in served:
                served[group] = self._served(group)
            if found := served[group].get(kind):
                yield found

    def _served(self, group: str) -> dict[str, ListedKind]:
        """The namespaced kinds of a group in its preferred version."""
        try:
            version = "v1" if not group else self._preferred(group)
            path = f"/apis/{group}/{version}" if group else "/api/v1"
            found = self.api.get(path, seconds=_GET_SECONDS) if version else None
        except ApiError as error:
            self.missing.append(Missing(what=f"API group {group or 'core'}", why=str(error)))
            return {}
        return {
            resource["kind"]: ListedKind(
                group=group, version=version, kind=resource["kind"], resource=resource["name"]
            )
            for resource in (found or {}).get("resources") or ()
            if resource.get("namespaced") and "/" not in resource["name"]
        }

    def _preferred(self, group: str) -> str:
        found = self.api.get(f"/apis/{group}", seconds=_GET_SECONDS)
        return str(((found or {}).get("preferredVersion") or {}).get("version") or "")

    def objects(self, kind: ListedKind) -> Iterator[Mapping[str, Any]]:
        """Every object of a kind, with the apiVersion and kind that items of a list lack."""
        typed = {"apiVersion": kind.api_version, "kind": kind.kind}
        for namespace in self.namespaces or ("",):
            try:
                for item in self._items(kind.path(namespace), PAGE):
                    yield {**typed, **item}
            except ApiError as error:
                what = f"{kind.title} in namespace {namespace}" if namespace else kind.title
                self.missing.append(Missing(what=what, why=str(error)))

    def _items(self, path: str, limit: int) -> Iterator[Mapping[str, Any]]:
        """Every item; where a list outlives the server's memory of it, the rest as it is then."""
        resume, seen, self.expected = "", 0, None
        while True:
            try:
                page = self.api.list_page(path, limit=limit, resume=resume)
            except GoneError as error:
                if not error.resume or error.resume == resume:
                    raise
                resume = error.resume
                continue
            seen += len(page.items)
            if page.remaining is not None:
                self.expected = seen + page.remaining
            yield from page.items
            resume = page.resume
            if not resume:
                return
