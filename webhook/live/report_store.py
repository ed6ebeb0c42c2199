"""Reports in the cluster brought to what an audit found: made, replaced in place, removed if stale.

Ours are known by a label. Where somebody else has a report of our name it stays as it is, and is
told; so is every write that fails. One report that cannot be written keeps no other from it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from webhook.live.kube import ApiError
from webhook.live.kube_writes import ConflictError

_ATTEMPTS = 3


class ReportApi(Protocol):
    """What is asked of an API server here; all of it raises ApiError."""

    def labelled(self, collection: str, label: str) -> Iterable[Mapping[str, Any]]:
        """The metadata of each object with a label."""

    def metadata(self, path: str) -> Mapping[str, Any]:
        """The metadata of one object."""

    def create(self, collection: str, obj: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make an object; ConflictError where there is one."""

    def replace(self, path: str, obj: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put an object in the place of the one of the same resourceVersion, or ConflictError."""

    def delete(self, path: str, *, uid: str, resource_version: str) -> None:
        """Remove the very object."""


@dataclass(slots=True)
class Written:
    """What was done; ``problems`` are lines for a person."""

    created: int = 0
    replaced: int = 0
    removed: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class ReportStore:
    """The reports of one kind. ``root`` is its API (``/apis/GROUP/VERSION``), ``plural`` its name.

    ``label`` marks ours. Stale is what is ours, in one of ``namespaces`` (none given: in any), and
    was not put.
    """

    api: ReportApi
    root: str
    plural: str
    label: tuple[str, str]
    namespaces: frozenset[str] = frozenset()
    written: Written = field(default_factory=Written)
    _there: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def open(self) -> bool:
        """See what is there of ours; False where the cluster has no such kind."""
        try:
            for collection in self._collections():
                for metadata in self.api.labelled(collection, "=".join(self.label)):
                    self._there[metadata["namespace"], metadata["name"]] = metadata
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def put(self, report: Mapping[str, Any]) -> None:
        """Write one report."""
        place = (report["metadata"]["namespace"], report["metadata"]["name"])
        there = self._there.pop(place, None)
        try:
            for _ in range(_ATTEMPTS):
                if self._tried(report, there):
                    return
                there = self._ours(place)
        except ApiError as error:
            self.written.problems.append(str(error))
            return
        self.written.problems.append(f"{self._path(*place)}: changes faster than it is written")

    def _tried(self, report: Mapping[str, Any], there: Mapping[str, Any] | None) -> bool:
        """Whether it could be written over what is there; not if that has changed meanwhile."""
        metadata = report["metadata"]
        try:
            if there is None:
                self.api.create(self._collection(metadata["namespace"]), report)
                self.written.created += 1
            else:
                stamped = {**metadata, "resourceVersion": there["resourceVersion"]}
                path = self._path(metadata["namespace"], metadata["name"])
                self.api.replace(path, {**report, "metadata": stamped})
                self.written.replaced += 1
        except ConflictError:
            return False
        except ApiError as error:
            if there is not None and error.status == 404:
                return False
            raise
        return True

    def _ours(self, place: tuple[str, str]) -> Mapping[str, Any] | None:
        """What is there by now; None for nothing. Raises ApiError where it is not ours."""
        path = self._path(*place)
        try:
            found = self.api.metadata(path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        key, value = self.label
        if (found.get("labels") or {}).get(key) != value:
            raise ApiError(f"{path}: is not labelled {key}={value}, so it is not ours to replace")
        return found

    def remove_stale(self) -> None:
        """Remove what is ours and was not put."""
        for (namespace, name), metadata in self._there.items():
            try:
                self.api.delete(
                    self._path(namespace, name),
                    uid=metadata["uid"],
                    resource_version=metadata["resourceVersion"],
                )
                self.written.removed += 1
            except ConflictError:
                continue  # another run has just written it
            except ApiError as error:
                self.written.problems.append(str(error))

    def _collections(self) -> list[str]:
        """Where ours may be: everywhere, or in the namespaces in question."""
        if not self.namespaces:
            return [f"{self.root}/{self.plural}"]
        return [self._collection(namespace) for namespace in sorted(self.namespaces)]

    def _collection(self, namespace: str) -> str:
        return f"{self.root}/namespaces/{quote(namespace, safe='')}/{self.plural}"

    def _path(self, namespace: str, name: str) -> str:
        return f"{self._collection(namespace)}/{quote(name, safe='')}"
