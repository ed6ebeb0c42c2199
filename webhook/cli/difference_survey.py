"""Every pod of a population decided twice: what differs, by workload. Memory is that of changes.

Pods of one controller that change alike are one entry with a count, together with the template that
they are made of. Pods that have ended make no difference and are passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from webhook.cli.manifests import InputError, Manifest
from webhook.cli.pods import misshapen_told
from webhook.core.alike import Alike
from webhook.core.anew import by_its_maker, made_anew
from webhook.core.census import Census, Counted, Group, Key
from webhook.core.decision import CREATE, Operation
from webhook.core.difference import Kind, Outcome, kinds, outcome
from webhook.core.pod import PodView
from webhook.core.snapshot import Snapshot
from webhook.core.workload import WorkloadKind, WorkloadPod

_MOST_NAMED = 3
_UNNAMED = "(no name)"


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


@dataclass(frozen=True, slots=True)
class _Change:
    """A pod decided twice; equal for pods that change alike."""

    before: Outcome
    after: Outcome


@dataclass(slots=True, kw_only=True)
class _Judge:
    """Decides pods, as they would be made anew, under both snapshots."""

    before: Snapshot
    after: Snapshot
    _alike: Alike[_Change] = field(init=False)

    def __post_init__(self) -> None:
        self._alike = Alike(self._anew)

    def of_pod(self, pod: PodView) -> _Change:
        return self._alike(pod)

    def of_template(self, template: WorkloadPod) -> _Change:
        certain = template.outlined is None or template.outlined.certain
        return self._both(template.view, CREATE, of_workload=certain)

    def _anew(self, pod: PodView) -> _Change:
        pod = made_anew(pod, self.before.cluster)
        return self._both(pod, by_its_maker(pod))

    def _both(self, pod: PodView, operation: Operation, *, of_workload: bool = False) -> _Change:
        before, after = (
            outcome(pod, operation, snapshot, of_workload=of_workload)
            for snapshot in (self.before, self.after)
        )
        return _Change(before, after)


@dataclass(slots=True)
class _Seen:
    """Where a change of a workload was seen: some of its pods, and the first object."""

    names: list[str] = field(default_factory=list)
    source: str = ""
    line: int = 0

    def add(self, other: _Seen) -> None:
        """Take in where else it was."""
        self.names = sorted([*self.names, *other.names])[:_MOST_NAMED]
        if not self.source:
            self.source, self.line = other.source, other.line


class Survey:
    """Decides what it is given under both snapshots, and keeps what differs."""

    def __init__(
        self,
        before: Snapshot,
        after: Snapshot,
        *,
        declared: Sequence[WorkloadKind] = (),
        runs: bool = True,
        errors: list[InputError] | None = None,
    ) -> None:
        judge = _Judge(before=before, after=after)
        self._census = Census(judge, declared=declared, runs=runs)
        self._seen: dict[tuple[Key, _Change], _Seen] = {}
        self._skipped = 0
        self.errors: list[InputError] = [] if errors is None else errors

    @property
    def looked(self) -> Looked:
        """How much was looked at so far."""
        groups = list(self._census.groups())
        return Looked(
            workloads=len(groups),
            pods=self._census.pods,
            namespaces=len({group.key.namespace for group in groups}),
            ended=self._census.finished_pods,
            skipped=self._skipped + self._census.others,
        )

    def look(self, manifests: Iterable[Manifest], unnamed: str = "default") -> None:
        """Look at every object; ``unnamed`` is the namespace of those that name none."""
        for manifest in manifests:
            if manifest.review is not None and manifest.review.sub_resource:
                self._skipped += 1
                continue
            with misshapen_told(manifest, self.errors):
                counted = self._census.add(manifest.obj, manifest.namespace(unnamed))
                if counted is not None:
                    self._note(manifest, counted)

    def _note(self, manifest: Manifest, counted: Counted[_Change]) -> None:
        for _, change in counted.templates:
            self._note_one(manifest, counted.key, change)
        if counted.pod is not None:
            names = self._note_one(manifest, counted.key, counted.pod)
            if names is not None and len(names) < _MOST_NAMED:
                names.append(manifest.name or _UNNAMED)

    def _note_one(self, manifest: Manifest, key: Key, change: _Change) -> list[str] | None:
        if not kinds(change.before, change.after):
            return None
        seen = self._seen.setdefault((key, change), _Seen())
        if not seen.source:
            seen.source, seen.line = manifest.source, manifest.line
        return seen.names

    def entries(self) -> list[Entry]:
        """What changes, in the order of kind, policy, namespace and workload."""
        seen: dict[tuple[Key, _Change], _Seen] = {}
        for (key, change), noted in self._seen.items():
            seen.setdefault((self._census.top(key), change), _Seen()).add(noted)
        every = (entry for group in self._census.groups() for entry in _entries(group, seen))
        return sorted(every, key=_order)


def _entries(group: Group[_Change], seen: Mapping[tuple[Key, _Change], _Seen]) -> Iterator[Entry]:
    workload = Workload(
        namespace=group.key.namespace, kind=group.key.kind, name=group.key.name or _UNNAMED
    )
    for change in group.every:
        noted = seen.get((group.key, change))
        if noted is None:
            continue
        yield Entry(
            workload=workload,
            kinds=kinds(change.before, change.after),
            before=change.before,
            after=change.after,
            templates=tuple(sorted(at for at, of in group.templates.items() if of == change)),
            pods=group.pods.get(change, 0),
            names=tuple(noted.names),
            source=noted.source,
            line=noted.line,
        )


def _order(entry: Entry) -> tuple[Any, ...]:
    rank = list(Kind).index(entry.kind)
    return (rank, entry.policy or "", entry.workload, entry.templates, -entry.pods)
