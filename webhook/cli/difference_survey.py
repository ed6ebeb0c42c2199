"""Every pod of a population decided twice: what differs, by workload. Memory is that of changes.

Pods of one controller that change alike are one entry with a count, together with the template that
they are made of. Pods that have ended make no difference and are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.cli.facts import group_kind
from webhook.cli.manifests import InputError, Manifest
from webhook.core.anew import Controller, by_its_maker, controller_of, made_anew
from webhook.core.decision import CREATE
from webhook.core.difference import Kind, Outcome, kinds, outcome
from webhook.core.pod import PodShapeError, PodView, mapping, text, view_pod
from webhook.core.snapshot import Snapshot
from webhook.core.workload import (
    POD_TEMPLATES_AT,
    WorkloadKind,
    WorkloadPod,
    workload_kind,
    workload_pods,
)

POD = ("", "Pod")
_ENDED = frozenset({"Succeeded", "Failed"})
_MOST_NAMED = 3
_DEEPEST = 8
"""Owners of owners: a pod of a Job of a CronJob of something. They may be written in a circle."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Workload:
    """What a person would change: the object that makes the pods, or the pod itself."""

    namespace: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A workload of which something changes; one that changes in two ways is two entries.

    ``templates`` are the field paths of the templates that change; none where only pods do.
    """

    workload: Workload
    kinds: tuple[Kind, ...]
    before: Outcome
    after: Outcome
    templates: tuple[str, ...] = ()
    pods: int = 0
    names: tuple[str, ...] = ()
    source: str = ""
    line: int = 0

    @property
    def kind(self) -> Kind:
        """The most urgent of the changes."""
        return self.kinds[0]

    @property
    def policy(self) -> str | None:
        """The policy to group by: the one that does it, else the one that no longer does."""
        return self.after.policy or self.before.policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """How much was looked at."""

    workloads: int
    pods: int
    namespaces: int
    ended: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """An object that others name as their controller; ``looked`` once its own pods were decided."""

    workload: Workload
    controller: Controller | None
    looked: bool


@dataclass(frozen=True, slots=True)
class _Key:
    """What pods that change alike have in common."""

    workload: Workload
    controller: Controller | None
    at: str
    before: Outcome
    after: Outcome


@dataclass(slots=True)
class _Tally:
    pods: int = 0
    names: list[str] = field(default_factory=list)
    templates: set[str] = field(default_factory=set)
    source: str = ""
    line: int = 0

    def add(self, other: _Tally) -> None:
        """Take in what changes alike."""
        self.pods += other.pods
        self.names = sorted([*self.names, *other.names])[:_MOST_NAMED]
        self.templates |= other.templates
        self.source, self.line = self.source or other.source, self.line or other.line


@dataclass(slots=True, kw_only=True)
class Survey:
    """Decides what it is given under both snapshots, and keeps what differs."""

    before: Snapshot
    after: Snapshot
    declared: tuple[WorkloadKind, ...] = ()
    errors: list[InputError] = field(default_factory=list)
    _changes: dict[_Key, _Tally] = field(default_factory=dict)
    _owners: dict[tuple[str, str], _Owner] = field(default_factory=dict)
    _namespaces: set[str] = field(default_factory=set)
    _workloads: int = 0
    _pods: int = 0
    _ended: int = 0
    _skipped: int = 0

    @property
    def looked(self) -> Looked:
        """How much was looked at so far."""
        return Looked(
            workloads=self._workloads,
            pods=self._pods,
            namespaces=len(self._namespaces),
            ended=self._ended,
            skipped=self._skipped,
        )

    def look(self, manifests: Iterable[Manifest], unnamed: str = "default") -> None:
        """Look at every object; ``unnamed`` is the namespace of those that name none."""
        for manifest in manifests:
            try:
                self._look_at(manifest, manifest.namespace(unnamed))
            except PodShapeError as error:
                self.errors.append(
                    InputError(source=manifest.source, line=manifest.line, problem=str(error))
                )

    def _look_at(self, manifest: Manifest, namespace: str) -> None:
        if manifest.review is not None and manifest.review.sub_resource:
            self._skipped += 1
        elif group_kind(manifest) == POD:
            self._look_at_pod(manifest, namespace)
        elif workload_kind(manifest.api_version, manifest.kind, self.declared):
            self._look_at_workload(manifest, namespace)
        else:
            self._skipped += 1

    def _look_at_pod(self, manifest: Manifest, namespace: str) -> None:
        obj = manifest.obj
        metadata = mapping(obj.get("metadata"))
        if text(mapping(obj.get("status")).get("phase")) in _ENDED or metadata.get(
            "deletionTimestamp"
        ):
            self._ended += 1
            return
        pod = view_pod(obj.get("spec"), metadata, namespace=namespace)
        pod = made_anew(pod, self.before.cluster)
        operation = by_its_maker(pod)
        self._pods += 1
        self._namespaces.add(namespace)
        controller = controller_of(metadata)
        if controller is not None and controller.kind == "Node":
            controller = None
        self._compare(
            manifest,
            pod,
            controller,
            lambda snapshot: outcome(pod, operation, snapshot),
            name=pod.name or "(no name)",
        )

    def _look_at_workload(self, manifest: Manifest, namespace: str) -> None:
        obj = manifest.obj
        templates = list(workload_pods(obj, namespace=namespace, declared=self.declared))
        if not templates and group_kind(manifest) in POD_TEMPLATES_AT:
            (at,) = POD_TEMPLATES_AT[group_kind(manifest)]
            raise PodShapeError(".".join(at), "must be a pod template")
        metadata = mapping(obj.get("metadata"))
        controller = controller_of(metadata)
        if uid := text(metadata.get("uid")):
            self._owners[namespace, uid] = _Owner(
                workload=_workload(manifest, namespace),
                controller=controller,
                looked=bool(templates),
            )
        if controller is None:
            self._workloads += 1
            self._namespaces.add(namespace)
        for template in templates:
            self._compare_template(manifest, template, controller)

    def _compare_template(
        self, manifest: Manifest, template: WorkloadPod, controller: Controller | None
    ) -> None:
        certain = template.outlined is None or template.outlined.certain
        self._compare(
            manifest,
            template.view,
            controller,
            lambda snapshot: outcome(template.view, CREATE, snapshot, of_workload=certain),
        )

    def _compare(
        self,
        manifest: Manifest,
        pod: PodView,
        controller: Controller | None,
        decided: Callable[[Snapshot], Outcome],
        name: str | None = None,
    ) -> None:
        before, after = decided(self.before), decided(self.after)
        if not kinds(before, after):
            return
        workload = _workload(manifest, pod.namespace)
        if controller is not None and name is not None:
            # Its pods differ by nothing but their names, which must not keep them apart.
            workload = Workload(namespace=pod.namespace, kind=controller.kind, name=controller.name)
        key = _Key(workload, controller, pod.at, before, after)
        tally = self._changes.setdefault(key, _Tally())
        if name is not None:
            tally.pods += 1
            if len(tally.names) < _MOST_NAMED:
                tally.names.append(name)
        else:
            tally.templates.add(pod.at)
        if not tally.source:
            tally.source, tally.line = manifest.source, manifest.line

    def entries(self) -> list[Entry]:
        """What changes, in the order of kind, policy, namespace and workload."""
        merged: dict[tuple[Workload, Outcome, Outcome], _Tally] = {}
        for key, tally in self._changes.items():
            owner = self._top(key)
            if owner is not None and tally.templates:
                continue  # the template of what is looked at itself, or one that it has left
            workload = owner or key.workload
            merged.setdefault((workload, key.before, key.after), _Tally()).add(tally)
        return sorted(_entries(merged), key=_order)

    def _top(self, key: _Key) -> Workload | None:
        """The workload above that nothing controls, as far as it was among what was looked at."""
        found, controller = None, key.controller
        for _ in range(_DEEPEST):
            if controller is None:
                break
            owner = self._owners.get((key.workload.namespace, controller.uid))
            if owner is None:
                break
            if owner.looked:
                found = owner.workload
            controller = owner.controller
        return found


def _workload(manifest: Manifest, namespace: str) -> Workload:
    name = manifest.name or (manifest.review.name if manifest.review else "")
    return Workload(namespace=namespace, kind=manifest.kind, name=name or "(no name)")


def _entries(
    merged: Mapping[tuple[Workload, Outcome, Outcome], _Tally],
) -> Iterator[Entry]:
    for (workload, before, after), tally in merged.items():
        yield Entry(
            workload=workload,
            kinds=kinds(before, after),
            before=before,
            after=after,
            templates=tuple(sorted(tally.templates)),
            pods=tally.pods,
            names=tuple(tally.names),
            source=tally.source,
            line=tally.line,
        )


def _order(entry: Entry) -> tuple[Any, ...]:
    rank = list(Kind).index(entry.kind)
    return (rank, entry.policy or "", entry.workload, entry.templates, -entry.pods)
