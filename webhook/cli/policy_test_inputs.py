"""What a case of a PolicyTest is about: its pods, and what is known of the cluster around them.

Every fault becomes an error of the field of the document that asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from webhook.cli.facts import cluster_view, group_kind, is_fact
from webhook.cli.manifests import InputError, Manifest, parse_manifests
from webhook.cli.pods import has_pods, pods_of
from webhook.core.cluster import ClusterView, NamespaceView
from webhook.core.decision import CREATE, Change, Operation
from webhook.core.images import glob_matches
from webhook.core.names import shown
from webhook.core.pod import PodShapeError, PodView, mapping, view_pod
from webhook.core.runtimes import Inventory
from webhook.documents.policy_test import Case, PolicyTest
from webhook.documents.policy_test_given import (
    GivenCluster,
    GivenNamespace,
    GivenUser,
    Selection,
    plain,
)
from webhook.documents.reading import Placed
from webhook.documents.source import DocumentError
from webhook.documents.yaml_faults import Path as FieldPath
from webhook.live.named_files import NamedFileError, read_named

POD = ("", "Pod")
_MOST_NAMED = 5


class CaseError(Exception):
    """A case that cannot be asked; ``errors`` say where and why."""

    def __init__(self, errors: Sequence[DocumentError]) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One pod of a case, the object that it is or is stamped from, and what is done to it."""

    manifest: Manifest
    pod: PodView
    operation: Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """All that a case asks of the policies."""

    subjects: tuple[Subject, ...]
    cluster: ClusterView


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A field of a document."""

    placed: Placed
    path: FieldPath

    @property
    def line(self) -> int:
        """Where it is written."""
        return self.placed.line(*self.path)

    def below(self, *path: str | int) -> _Place:
        """A field of the field."""
        return replace(self, path=(*self.path, *path))

    def error(self, *messages: str) -> CaseError:
        """The errors of the field."""
        return CaseError([self.placed.error(*self.path, message=said) for said in messages])

    def made(self, obj: dict[str, object]) -> Manifest:
        """An object that the field tells in short."""
        source = self.placed.source
        return Manifest(source=source.file, document=source.index, line=self.line, obj=obj)


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads the cases of the tests in one policy folder; files and shared clusters once."""

    folder: Path
    inventory: Inventory
    _files: dict[Path, tuple[Manifest | InputError, ...]] = field(default_factory=dict)
    _clusters: dict[tuple[str, int, FieldPath], ClusterView] = field(default_factory=dict)

    def read(self, placed: Placed, test: PolicyTest, index: int) -> Asked:
        """What case ``index`` is about; raises CaseError."""
        spec, case = test.spec, test.spec.cases[index]
        whole = _Place(placed=placed, path=("spec",))
        at = whole.below("cases", index)
        where, given = (at, case.cluster) if case.cluster else (whole, spec.cluster)
        manifests = self._manifests(at, case)
        namespace, does = case.namespace or spec.namespace, _by(case.user or spec.user)
        subjects = [
            subject
            for manifest in self._chosen(at, case, manifests)
            for subject in self._subjects(at, manifest, namespace, _Update(case=case, does=does))
        ]
        view = self._view(where.below("cluster"), given, manifests)
        return Asked(subjects=tuple(subjects), cluster=_with(view, namespace))

    def _view(
        self, at: _Place, given: GivenCluster | None, manifests: Sequence[Manifest]
    ) -> ClusterView:
        """The cluster; one that brings no news of it shares what other cases have read."""
        key = (at.placed.source.file, at.placed.source.index, at.path)
        brought = tuple(filter(is_fact, manifests))
        if key in self._clusters and not brought:
            return self._clusters[key]
        cluster = self._cluster(at, given) if given else ()
        view = cluster_view(cluster, brought, self.inventory)
        if not brought:
            self._clusters[key] = view
        return view

    def _cluster(self, at: _Place, given: GivenCluster) -> tuple[Manifest, ...]:
        short = [
            at.below("runtimeClasses", name).made(_runtime_class(name, handler))
            for name, handler in given.runtime_classes.items()
        ]
        listed = (manifest for _, found in self._listed(at, given) for manifest in found)
        facts = tuple(filter(is_fact, (*short, *listed)))
        if not facts:
            raise at.error("holds no Namespace, RuntimeClass or Node")
        return facts

    def _manifests(self, at: _Place, case: Case) -> tuple[Manifest, ...]:
        if case.pod:
            return (at.below("pod").made(case.pod.manifest()),)
        every: list[Manifest] = []
        for place, found in self._listed(at, case):
            # A file that was put there to be tested must not go untested.
            if not case.only and not any(self._has_pods(m) or is_fact(m) for m in found):
                raise place.error(_no_pod("", found))
            every.extend(found)
        return tuple(every)

    def _listed(
        self, at: _Place, given: Case | GivenCluster
    ) -> Iterator[tuple[_Place, tuple[Manifest, ...]]]:
        """Each entry of ``objects`` and of ``files``, and what it holds."""
        for index, obj in enumerate(given.objects):
            place = at.below("objects", index)
            yield place, tuple(_whole_object(place, obj))
        for index, name in enumerate(given.files):
            place = at.below("files", index)
            yield place, tuple(_whole(place, self._in_file(place, name), str))

    def _chosen(
        self, at: _Place, case: Case, manifests: Sequence[Manifest]
    ) -> tuple[Manifest, ...]:
        """The objects that the case is about; each that it names must be there."""
        chosen = tuple(filter(self._has_pods, manifests))
        if case.only is not None:
            for key, names, has in _selections(case.only):
                for index, name in enumerate(names):
                    if not any(has(manifest, name) for manifest in chosen):
                        raise at.below("only", key, index).error(_no_pod(name, manifests))
                chosen = tuple(m for m in chosen if not names or any(has(m, n) for n in names))
        if not chosen:
            asks = "only" if case.only else "objects" if case.objects else "files"
            raise at.below(asks).error(_no_pod("", manifests))
        return chosen

    def _in_file(self, at: _Place, name: str) -> tuple[Manifest | InputError, ...]:
        try:
            file, content = read_named(self.folder, Path(at.placed.source.file), name)
        except NamedFileError as error:
            raise at.error(f"{shown(name)} {error}") from None
        if file not in self._files:
            self._files[file] = tuple(parse_manifests(content, str(file)))
        if not self._files[file]:
            raise at.error(f"{shown(name)} holds no object")
        return self._files[file]

    def _subjects(
        self, at: _Place, manifest: Manifest, namespace: GivenNamespace | None, update: _Update
    ) -> Iterator[Subject]:
        """The pods of one object."""
        where = manifest.namespace(namespace.name if namespace else "")
        if not where:
            message = f"{_named(manifest)} names no namespace: give namespace, here or in spec"
            raise at.error(message)
        try:
            for pod in pods_of(manifest, where, self.inventory.workload_kinds):
                operation = update.operation(manifest, pod)
                yield Subject(manifest=manifest, pod=pod, operation=operation)
        except PodShapeError as error:
            said = shown(str(error), 300)
            raise at.error(f"{_named(manifest)}: {said}") from None

    def _has_pods(self, manifest: Manifest) -> bool:
        return has_pods(manifest, self.inventory.workload_kinds)


def _whole_object(at: _Place, obj: dict[str, Any]) -> Iterator[Manifest]:
    """An object that the document holds whole; a List is opened."""
    content = json.dumps(plain(obj)).encode()
    found = tuple(parse_manifests(content, at.placed.source.file))
    for manifest in _whole(at, found, lambda error: shown(error.problem, 300)):
        yield replace(manifest, document=at.placed.source.index, line=at.line)


def _whole(
    at: _Place, found: Sequence[Manifest | InputError], say: Callable[[InputError], str]
) -> Iterator[Manifest]:
    """What was read; raises CaseError where something could not be."""
    if errors := [say(entry) for entry in found if isinstance(entry, InputError)]:
        raise at.error(*errors)
    yield from (entry for entry in found if isinstance(entry, Manifest))


def _by(user: GivenUser | None) -> Operation:
    """Creating a pod, by a user."""
    if user is None:
        return CREATE
    return Operation(user=user.name, groups=frozenset(user.groups))


def _runtime_class(name: str, handler: str) -> dict[str, object]:
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": name},
        "handler": handler,
    }


def _with(view: ClusterView, given: GivenNamespace | None) -> ClusterView:
    """The cluster with the namespace of the test; what that leaves out is as it is there."""
    if given is None:
        return view
    known = view.namespace(given.name) or NamespaceView(name=given.name)
    namespace = NamespaceView(
        name=given.name,
        labels=dict(given.labels) or known.labels,
        annotations=dict(given.annotations) or known.annotations,
    )
    return replace(view, namespaces={**view.namespaces, given.name: namespace})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Update:
    """What a case says of the change, and who makes it."""

    case: Case
    does: Operation

    def operation(self, manifest: Manifest, pod: PodView) -> Operation:
        """Creating the pod, or updating it; of an AdmissionReview what it says."""
        old, review = self.case.old_pod, manifest.review
        if old is not None:
            return replace(
                self.does,
                change=Change.UPDATE,
                old=_view(old.manifest(), pod.namespace),
                resized=self.case.subresource == "resize",
            )
        if review is None or group_kind(manifest) != POD:
            return self.does
        before = review.old_object if review.operation == Change.UPDATE else None
        return replace(
            self.does,
            change=Change(review.operation),
            old=_view(before, pod.namespace) if before is not None else None,
            resized=review.sub_resource == "resize",
            user=self.does.user or review.user,
            groups=self.does.groups or review.groups,
        )


def _view(obj: object, namespace: str) -> PodView:
    pod = mapping(obj)
    return view_pod(pod.get("spec"), pod.get("metadata"), namespace=namespace)


def _selections(
    only: Selection,
) -> tuple[tuple[str, Sequence[str], Callable[[Manifest, str], bool]], ...]:
    """The parts of a selection: the key, what is chosen, and whether an object is such."""
    return (
        ("kinds", only.kinds, lambda manifest, kind: manifest.kind == kind),
        ("names", only.names, lambda manifest, glob: glob_matches(glob, manifest.name)),
    )


def _no_pod(name: str, manifests: Sequence[Manifest]) -> str:
    """Why a case would be about nothing, and what there is instead."""
    names = [_named(manifest) for manifest in manifests[:_MOST_NAMED]]
    more = f" and {len(manifests) - _MOST_NAMED} more" if len(manifests) > _MOST_NAMED else ""
    there = f"{', '.join(names)}{more}" or "nothing"
    what = f"no object that pods are made of is {shown(name, 63)}" if name else "holds no pod"
    return f"{what}: there is {there}"


def _named(manifest: Manifest) -> str:
    return f"{shown(manifest.kind, 63)} {shown(manifest.name, 63)}".rstrip()
