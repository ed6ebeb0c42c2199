"""Files, folders and standard input → Kubernetes objects that know where they stand.

A document that cannot be used becomes an InputError and hides nothing: the others are still read.
In a folder what is no manifest (a chart's values and templates, a kustomization) is left out, and
counted; a file that the person named must be one.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import orjson

from webhook.cli.bystanders import (
    LINK,
    TO_BE_RENDERED,
    Bystander,
    bystander_kind,
    is_template,
)
from webhook.cli.regular_files import MOST_BYTES, read_file, read_stream
from webhook.cli.yaml_stream import Broken, Document, parse_stream
from webhook.core.names import shown
from webhook.core.pod import mapping, text
from webhook.documents.yaml_faults import Mark, Path
from webhook.wire.review import KIND as REVIEW_KIND
from webhook.wire.review import AdmissionRequest, ReviewError, parse_review

SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"
STDIN_SHOWN = "STDIN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One object and where it stands; ``review`` when it came in an AdmissionReview.

    ``written`` is the document that holds it, at ``path``.
    """

    source: str
    document: int
    line: int
    obj: Mapping[str, Any]
    review: AdmissionRequest | None = None
    written: Document | None = field(default=None, repr=False, compare=False)
    path: Path = ()

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

    def mark_of(self, path: Path) -> Mark:
        """Line and column of a field of the object, or of the nearest above it that is written."""
        if self.written is None:
            return self.line, 1
        return self.written.mark_of((*self.path, *path))


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
    """Everything that was read, in the order given, what could not be, and what was left out."""

    manifests: tuple[Manifest, ...]
    errors: tuple[InputError, ...]
    left_out: tuple[Bystander, ...] = ()
    contents: Mapping[str, bytes] = field(default_factory=dict)


Found = Manifest | InputError | Bystander


def load_manifests(
    paths: Sequence[str], *, stdin: BinaryIO, mixed: bool = False, most_bytes: int = MOST_BYTES
) -> Inputs:
    """Read every path; ``-`` is ``stdin``, a folder is every manifest below it.

    ``mixed``: what is no manifest is left out of files that were named, too. A file of more than
    ``most_bytes`` is not read.
    """
    loader = _Loader(stdin=stdin, mixed=mixed, most_bytes=most_bytes)
    found = [entry for path in dict.fromkeys(paths) for entry in loader.load(path)]
    return Inputs(
        manifests=tuple(entry for entry in found if isinstance(entry, Manifest)),
        errors=tuple(entry for entry in found if isinstance(entry, InputError)),
        left_out=tuple(entry for entry in found if isinstance(entry, Bystander)),
        contents=loader.contents,
    )


@dataclass(slots=True, kw_only=True)
class _Loader:
    """Reads paths; ``contents`` are those of the files that are manifests, by source."""

    stdin: BinaryIO
    mixed: bool
    most_bytes: int
    contents: dict[str, bytes] = field(default_factory=dict)

    def load(self, path: str) -> Iterator[Found]:
        """What is at one path."""
        if path == STDIN:
            content = read_stream(self.stdin, self.most_bytes)
            yield from self._read(STDIN, content, named=True)
        elif pathlib.Path(path).is_dir():
            yield from self._load_folder(pathlib.Path(path))
        else:
            yield from self._load_file(pathlib.Path(path), named=not self.mixed)

    def _load_folder(self, path: pathlib.Path) -> Iterator[Found]:
        try:
            files = list(_files_below(path))
        except OSError as error:
            problem = error.strerror or "cannot be read"
            yield InputError(source=str(error.filename), problem=problem)
            return
        if all(file.is_dir() for file in files):
            problem = f"no {', '.join(SUFFIXES)} file in this folder"
            yield InputError(source=str(path), problem=problem)
        for file in files:
            if file.is_dir():
                yield Bystander(source=str(file), kind=LINK)
            else:
                yield from self._load_file(file, named=False)

    def _load_file(self, path: pathlib.Path, *, named: bool) -> Iterator[Found]:
        yield from self._read(str(path), read_file(path, self.most_bytes), named=named)

    def _read(self, source: str, content: bytes | str, *, named: bool) -> Iterator[Found]:
        """``named``: the person named this very file, so that all of it must be objects."""
        if isinstance(content, str):
            yield InputError(source=source, problem=content)
            return
        entries = list(_found_in(content, source, named=named))
        if not all(isinstance(entry, Bystander) for entry in entries):
            self.contents[source] = content
        yield from entries


def _found_in(content: bytes, source: str, *, named: bool) -> Iterator[Found]:
    if b"\0" in content:
        yield InputError(source=source, problem="is not text but binary data")
        return
    entries: list[Found] = [*(parse_manifests if named else _parse_mixed)(content, source)]
    if not entries and named:
        yield InputError(source=source, problem="holds no object")
    yield from entries


def read_manifests(content: bytes, source: str) -> Inputs:
    """What a file that was named holds; all of it must be objects."""
    found = list(_found_in(content, source, named=True))
    return Inputs(
        manifests=tuple(entry for entry in found if isinstance(entry, Manifest)),
        errors=tuple(entry for entry in found if isinstance(entry, InputError)),
    )


def _files_below(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Every manifest below ``folder`` by name; what is hidden (.git, ..data) is not looked into.

    Nor are links to folders, which may lead in a circle: they are told as they are.
    """
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _files_below(entry)
        elif entry.is_dir() or entry.suffix in SUFFIXES:
            yield entry


def parse_manifests(content: bytes, source: str) -> Iterator[Manifest | InputError]:
    """Every object of ``content``, lists taken apart and reviews opened."""
    for document in parse_stream(content):
        yield from _of_document(document, source)


def _parse_mixed(content: bytes, source: str) -> Iterator[Found]:
    """The same of a file of a folder, where documents may be no manifests."""
    for document in parse_stream(content):
        if kind := bystander_kind(document, source):
            yield Bystander(source=source, kind=kind)
        else:
            yield from _of_document(document, source)


def _of_document(document: Document | Broken, source: str) -> Iterator[Manifest | InputError]:
    if isinstance(document, Document):
        yield from _objects(document, document.value, (), source)
        return
    problem = document.problem
    if is_template(document.written):
        problem += f"; {TO_BE_RENDERED}"
    yield InputError(source=source, line=document.line, problem=problem)


def _objects(
    document: Document, value: object, path: Path, source: str
) -> Iterator[Manifest | InputError]:
    line = document.line_of(path)
    if problem := _unusable(value):
        yield InputError(source=source, line=line, problem=problem)
        return
    obj = mapping(value)
    if obj["kind"] == REVIEW_KIND:
        yield from _of_review(document, obj, path, source)
    elif is_list(obj):
        for index, item in enumerate(obj.get("items") or ()):
            yield from _objects(document, typed(item, obj), (*path, "items", index), source)
    else:
        yield Manifest(
            source=source,
            document=document.index,
            line=line,
            obj=obj,
            written=document,
            path=path,
        )


def objects_of(
    value: object, source: str, *, document: int, line: int
) -> Iterator[Manifest | InputError]:
    """Every object of a value that was read from a text which is kept no more."""
    held = Document(index=document, line=line, value=value, content=b"", begin=0, end=0)
    return _objects(held, value, (), source)


def is_list(obj: Mapping[str, Any]) -> bool:
    """Whether an object is a List, or a PodList and the like: whether its items are what counts."""
    kind, items = obj.get("kind"), obj.get("items")
    if _unusable(obj) or not text(kind).endswith("List"):
        return False
    return isinstance(items, list) or (kind == "List" and items is None)


def is_plain(value: Mapping[str, Any]) -> bool:
    """Whether a value is one object, and neither a list of some nor a review of one."""
    if _unusable(value):
        return False
    return value["kind"] != REVIEW_KIND and not value["kind"].endswith("List")


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


def typed(item: object, within: Mapping[str, Any]) -> object:
    """An item of a PodList and the like, which need not say what it is."""
    if not isinstance(item, dict) or within["kind"] == "List" or "kind" in item:
        return item
    kind = str(within["kind"]).removesuffix("List")
    return {"apiVersion": within["apiVersion"], "kind": kind, **item}


def _of_review(
    document: Document, review: Mapping[str, Any], path: Path, source: str
) -> Iterator[Manifest | InputError]:
    line = document.line_of(path)
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
    yield Manifest(
        source=source,
        document=document.index,
        line=line,
        obj=obj,
        review=request,
        written=document,
        path=(*path, "request", "object"),
    )


def _named(source: str) -> str:
    return STDIN_SHOWN if source == STDIN else source
