"""The objects of files one after the other, however large the files: what kubectl saved, above all.

JSON is looked through once as a whole, so that all that is wrong with it is known before anything
is judged. Kept is where each object stands; it is read again whenever it is asked for. YAML, and
what stands in folders, is read whole, as ``cli/manifests.py`` does.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from webhook.cli.facts import is_fact
from webhook.cli.json_index import ChangedError, Index
from webhook.cli.manifests import (
    STDIN,
    InputError,
    Inputs,
    Manifest,
    load_manifests,
    read_manifests,
)
from webhook.cli.regular_files import (
    MOST_BYTES,
    MOST_CLUSTER_BYTES,
    Stamp,
    open_file,
    spooled,
    stamp_of,
)

_LOOKS_LIKE_JSON = re.compile(rb"\s*\{\s*[\"}]")
_BEGINNING = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file that is opened for each look at it, or the standard input, kept aside."""

    source: str
    kept: BinaryIO | None = None
    stamp: Stamp | None = None

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The file from its beginning. Raises ChangedError where it is not what it was."""
        if self.kept is not None:
            self.kept.seek(0)
            yield self.kept
            return
        file = open_file(pathlib.Path(self.source), MOST_CLUSTER_BYTES)
        if isinstance(file, str):
            raise ChangedError
        with file:
            if stamp_of(file) != self.stamp:
                raise ChangedError
            yield file


@dataclass(frozen=True, slots=True, kw_only=True)
class _Indexed:
    """A file of JSON, of which is known where its objects stand."""

    file: _File
    index: Index

    def __len__(self) -> int:
        return len(self.index)

    def manifests(self, *, facts: bool) -> Iterator[Manifest]:
        """Its objects, or those that say something of the cluster."""
        with self.file.opened() as file:
            yield from self.index.manifests(file, facts=facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What is held as it was read."""

    inputs: tuple[Manifest, ...]

    def __len__(self) -> int:
        return len(self.inputs)

    def manifests(self, *, facts: bool) -> Iterator[Manifest]:
        """The objects, or those that say something of the cluster."""
        return filter(is_fact, self.inputs) if facts else iter(self.inputs)


@dataclass(slots=True, kw_only=True)
class SavedObjects:
    """The objects of some files, in the order given.

    ``errors`` are whole from the beginning, but for a file that changes while it is looked at.
    """

    errors: list[InputError] = field(default_factory=list)
    _parts: list[tuple[str, _Read | _Indexed]] = field(default_factory=list)

    def __len__(self) -> int:
        """How many objects there are."""
        return sum(len(part) for _, part in self._parts)

    def __iter__(self) -> Iterator[Manifest]:
        """Every object; they may be asked for again."""
        return self._manifests(facts=False)

    def facts(self) -> Iterator[Manifest]:
        """Those that say something of the cluster."""
        return self._manifests(facts=True)

    def _manifests(self, *, facts: bool) -> Iterator[Manifest]:
        for source, part in self._parts:
            try:
                yield from part.manifests(facts=facts)
            except ChangedError:
                error = InputError(source=source, problem="was changed while it was read")
                if error not in self.errors:
                    self.errors.append(error)

    def take(self, path: str, stdin: BinaryIO) -> None:
        """Look into one more file or folder; ``-`` is ``stdin``."""
        if path != STDIN and pathlib.Path(path).is_dir():
            self._hold(path, load_manifests([path], stdin=stdin, most_bytes=MOST_CLUSTER_BYTES))
            return
        if path == STDIN:
            opened = spooled(stdin, MOST_CLUSTER_BYTES)
        else:
            opened = open_file(pathlib.Path(path), MOST_CLUSTER_BYTES)
        if isinstance(opened, str):
            self.errors.append(InputError(source=path, problem=opened))
            return
        stamp = stamp_of(opened)
        file = _File(source=path, kept=None if stamp else opened, stamp=stamp)
        try:
            self._look_into(file, opened)
        finally:
            if file.kept is None:
                opened.close()

    def _look_into(self, file: _File, opened: BinaryIO) -> None:
        if _LOOKS_LIKE_JSON.match(opened.read(_BEGINNING)):
            opened.seek(0)
            index = Index(file.source)
            fault = index.build(opened)
            size = opened.seek(0, 2)
            if fault is None or size > MOST_BYTES:
                self.errors += [*index.errors, *filter(None, [fault])]
                self._parts.append((file.source, _Indexed(file=file, index=index)))
                return
        # What is no JSON may be YAML, and small enough to find out.
        opened.seek(0)
        self._hold(file.source, read_manifests(opened.read(), file.source))

    def _hold(self, source: str, inputs: Inputs) -> None:
        self.errors += inputs.errors
        self._parts.append((source, _Read(inputs=inputs.manifests)))


def open_objects(
    paths: Sequence[str], *, stdin: BinaryIO, errors: list[InputError] | None = None
) -> SavedObjects:
    """Look into every path; a folder is every manifest below it, ``-`` is ``stdin``.

    What cannot be used goes to ``errors``.
    """
    saved = SavedObjects(errors=[] if errors is None else errors)
    for path in dict.fromkeys(paths):
        saved.take(path, stdin)
    return saved
