"""The objects of a cluster that are or make pods, wherever they are read from, one after the other.

An API server's lists are held a page at a time, of a file of JSON an object. What could not be read
or listed is kept beside and hides nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from webhook.cli.cluster_options import Where
from webhook.cli.facts import cluster_view, is_fact
from webhook.cli.manifests import InputError, Manifest
from webhook.cli.saved_objects import SavedObjects, open_objects
from webhook.core.cluster import ClusterView
from webhook.core.pod import mapping, text
from webhook.core.runtimes import Inventory
from webhook.core.snapshot import Snapshot
from webhook.core.workload import WorkloadKind
from webhook.documents.folder import Loaded
from webhook.live.credentials import find_access, find_context
from webhook.live.kube import ApiError, ApiServer, KubeApi
from webhook.live.listing import Listing, Missing

Progress = Callable[[str, int, int | None], None]
"""``progress(what, done, expected)``: objects of a kind read so far, and how many there will be."""


def unwatched(_what: str, _done: int, _expected: int | None) -> None:
    """No progress shown."""


@dataclass(slots=True, kw_only=True)
class Population:
    """Where the objects are; ``errors`` and ``missing`` are whole once they have been read."""

    origin: str
    where: Where
    errors: list[InputError] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    _listing: Listing | None = None
    _cluster: ClusterView | None = None
    _printed: SavedObjects = field(default_factory=SavedObjects)
    _given: SavedObjects = field(default_factory=SavedObjects)

    @property
    def live(self) -> bool:
        """Whether the objects come from an API server: what is listed there is running."""
        return self._listing is not None

    def snapshot(self, loaded: Loaded, *, today: date, revision: str) -> Snapshot:
        """What a decision sees: these policies in the cluster that the objects are of."""
        return Snapshot(
            policies=loaded.policies,
            inventory=loaded.inventory,
            compat=loaded.compat,
            cluster=self._view(loaded.inventory),
            today=today,
            revision=revision,
            excluded_namespaces=self.where.excluded,
        )

    def _view(self, inventory: Inventory) -> ClusterView:
        if self._listing is None:
            return cluster_view(self._printed.facts(), self._given.facts(), inventory)
        if self._cluster is None:
            self._cluster = self._listing.cluster_view()
        return self._cluster

    def manifests(
        self, declared: Sequence[WorkloadKind] = (), progress: Progress = unwatched
    ) -> Iterator[Manifest]:
        """Every object of the namespaces asked for, workloads before pods where it is a cluster.

        Of files, objects of every kind: the reader passes over those that make no pods. What was
        saved twice, as `kubectl get all,pod` and must-gather do, is one object. An object that
        another controls is there too; ``core.anew.controller_of`` tells.
        """
        if self._listing is not None:
            yield from self._listed(self._listing, declared, progress)
            return
        objects = self._given if self.where.files else self._printed
        expected, seen = len(objects), set[int]()
        for number, manifest in enumerate(objects, 1):
            progress("objects", number, expected)
            namespace = manifest.namespace(self.where.unnamed)
            if is_fact(manifest) or not self.where.looked_into(namespace):
                continue
            if uid := text(mapping(manifest.obj.get("metadata")).get("uid")):
                # A copy of a saved manifest under another name has its uid still.
                same = hash((uid, manifest.kind, namespace, manifest.name))
                if same in seen:
                    continue
                seen.add(same)
            yield manifest

    def _listed(
        self, listing: Listing, declared: Sequence[WorkloadKind], progress: Progress
    ) -> Iterator[Manifest]:
        number = 0
        for kind in listing.kinds(declared):
            for done, obj in enumerate(listing.objects(kind), 1):
                progress(kind.title, done, listing.expected)
                yield Manifest(source=self.origin, document=number, line=0, obj=obj)
                number += 1


def _reach(api: ApiServer) -> None:
    """Raise ApiError where no list could be had: nobody answers, or not to whoever asks."""
    try:
        api.get("/version", seconds=_REACH_SECONDS)
    except ApiError as error:
        if error.status in {None, 401}:
            raise


_REACH_SECONDS = 15.0


def open_population(where: Where) -> Population:
    """Read the files, or find the way to the cluster.

    Raises KubeError where there is none, or nobody answers at its end.
    """
    if where.live:
        context = find_context(kubeconfig=where.kubeconfig, context=where.context)
        access = find_access(kubeconfig=where.kubeconfig, context=where.context)
        api = KubeApi(access)
        _reach(api)
        listing = Listing(api=api, namespaces=where.namespaces)
        origin = context.name
        return Population(origin=origin, where=where, missing=listing.missing, _listing=listing)
    paths = [str(where.saved)] if where.saved is not None else []
    errors: list[InputError] = []
    return Population(
        origin=", ".join([*where.files] or paths),
        where=where,
        errors=errors,
        _printed=open_objects(paths, stdin=sys.stdin.buffer, errors=errors),
        _given=open_objects(where.files, stdin=sys.stdin.buffer, errors=errors),
    )
