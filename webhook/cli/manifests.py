"""Files, folders and standard input → Kubernetes objects that know where they stand.

A document that cannot be used becomes an InputError and hides nothing: the others are still read.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from webhook.cli.yaml_stream import Broken, Document, parse_stream
from webhook.core.names import shown
from webhook.core.pod import mapping, text
from webhook.documents.yaml_faults import Path
from webhook.wire.review import KIND as REVIEW_KIND
from webhook.wire.review import AdmissionRequest, ReviewError, parse_review

SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"
STDIN_SHOWN = "STDIN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One object and where it stands; ``review`` when it came in an AdmissionReview."""

    source: str
    document: int
    line: int
    obj: Mapping[str, Any]
    review: AdmissionRequest | None = None

    @property
    def kind(self) -> str:
        """``kind`` as written."""
        return text(self.obj.get("kind"))

    @property
    def api_version(self) -> str:
        """``apiVersion`` as written."""
        return text(self.obj.get("apiVersion"))

    @property
    def name(self) -> str:
        """The object's name, or what its name will begin with."""
        metadata = mapping(self.obj.get("metadata"))
        return text(metadata.get("name")) or text(metadata.get("generateName"))

    def namespace(self, otherwise: str) -> str:
        """The namespace of the review, else of the object, else ``otherwise``."""
        if self.review is not None and self.review.namespace:
            return self.review.namespace
        return text(mapping(self.obj.get("metadata")).get("namespace")) or otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class InputError:
    """Something of the input that cannot be used; ``line`` 0 is the whole of it."""

    source: str
    problem: str
    line: int = 0

    def __str__(self) -> str:
        at = f":{self.line}" if self.line else ""
        return f"{shown(_named(self.source), 200)}{at}: {shown(self.problem, 300)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that was read, in the order given, and what could not be."""

    manifests: tuple[Manifest, ...]
    errors: tuple[InputError, ...]


def load_manifests(paths: Sequence[str], *, stdin: BinaryIO) -> Inputs:
    """Read every path; ``-`` is ``stdin``, a folder is every manifest below it."""
    found: list[Manifest | InputError] = []
    for path in dict.fromkeys(paths):
        if path == STDIN:
            found.extend(_read(path, stdin.read(), named=True))
        else:
            found.extend(_load(pathlib.Path(path)))
    return Inputs(
        manifests=tuple(entry for entry in found if isinstance(entry, Manifest)),
        errors=tuple(entry for entry in found if isinstance(entry, InputError)),
    )


def _load(path: pathlib.Path) -> Iterator[Manifest | InputError]:
    if not path.is_dir():
        yield from _load_file(path, named=True)
        return
    try:
        files = list(_files_below(path))
    except OSError as error:
        yield InputError(source=str(error.filename), problem=error.strerror or "cannot be read")
        return
    if not files:
        yield InputError(source=str(path), problem=f"no {', '.join(SUFFIXES)} file in this folder")
    for file in files:
        yield from _load_file(file, named=False)


def _files_below(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Every manifest below ``folder`` by name; what is hidden (.git, ..data) is not looked into."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if not entry.is_symlink():
                yield from _files_below(entry)
        elif entry.suffix in SUFFIXES:
            yield entry


def _load_file(path: pathlib.Path, *, named: bool) -> Iterator[Manifest | InputError]:
    try:
        content = path.read_bytes()
    except OSError as error:
        yield InputError(source=str(path), problem=error.strerror or "cannot be read")
        return
    yield from _read(str(path), content, named=named)


def _read(source: str, content: bytes, *, named: bool) -> Iterator[Manifest | InputError]:
    """``named``: the person named this very file, so that all of it must be objects."""
    if b"\0" in content:
        yield InputError(source=source, problem="is not text but binary data")
        return
    entries = list(parse_manifests(content, source, skip_foreign=not named))
    if not entries and named:
        yield InputError(source=source, problem="holds no object")
    yield from entries


def parse_manifests(
    content: bytes, source: str, *, skip_foreign: bool = False
) -> Iterator[Manifest | InputError]:
    """Every object of ``content``, lists taken apart and reviews opened.

    ``skip_foreign`` leaves out documents with neither ``apiVersion`` nor ``kind``, as a folder
    has them beside its manifests: a chart's values, for instance.
    """
    for document in parse_stream(content):
        if isinstance(document, Broken):
            yield InputError(source=source, line=document.line, problem=document.problem)
        elif not (skip_foreign and _is_foreign(document.value)):
            yield from _objects(document, document.value, (), source)


def _is_foreign(value: object) -> bool:
    return not isinstance(value, dict) or not ("apiVersion" in value or "kind" in value)


def _objects(
    document: Document, value: object, path: Path, source: str
) -> Iterator[Manifest | InputError]:
    line = document.line_of(path)
    if problem := _unusable(value):
        yield InputError(source=source, line=line, problem=problem)
        return
    obj = mapping(value)
    kind, items = text(obj.get("kind")), obj.get("items")
    if kind == REVIEW_KIND:
        yield from _of_review(document, obj, line, source)
    elif kind.endswith("List") and (isinstance(items, list) or (kind == "List" and items is None)):
        for index, item in enumerate(items or ()):
            yield from _objects(document, _typed(item, obj), (*path, "items", index), source)
    else:
        yield Manifest(source=source, document=document.index, line=line, obj=obj)


def _unusable(value: object) -> str:
    """Why ``value`` is no Kubernetes object; empty when it is one."""
    if not isinstance(value, dict):
        return "must be a Kubernetes object, a mapping with apiVersion and kind"
    for key in ("apiVersion", "kind"):
        if not isinstance(value.get(key), str) or not value[key]:
            return f"{key}: must be set to a text"
    metadata = value.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        return "metadata: must be a mapping"
    return ""


def _typed(item: object, within: Mapping[str, Any]) -> object:
    """An item of a PodList and the like, which need not say what it is."""
    if not isinstance(item, dict) or within["kind"] == "List" or "kind" in item:
        return item
    kind = str(within["kind"]).removesuffix("List")
    return {"apiVersion": within["apiVersion"], "kind": kind, **item}


def _of_review(
    document: Document, review: Mapping[str, Any], line: int, source: str
) -> Iterator[Manifest | InputError]:
    try:
        request = parse_review(orjson.dumps(review))
    except ReviewError as error:
        yield InputError(source=source, line=line, problem=f"AdmissionReview: {error}")
        return
    except orjson.JSONEncodeError as error:
        yield InputError(source=source, line=line, problem=f"AdmissionReview: not JSON: {error}")
        return
    if request.object is None:
        return
    group = request.group and f"{request.group}/"
    obj = {"apiVersion": f"{group}v1", "kind": request.kind, **request.object}
    yield Manifest(source=source, document=document.index, line=line, obj=obj, review=request)


def _named(source: str) -> str:
    return STDIN_SHOWN if source == STDIN else source
