"""Where the objects of a file of JSON stand: of a List its items, of many documents each.

Some twenty bytes an object are kept. What is neither one plain object nor a list of them (a review,
a list in a list) is held as it was read.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import orjson

from webhook.cli.facts import FACTS
from webhook.cli.json_window import JsonError, JsonWindow
from webhook.cli.manifests import (
    InputError,
    Manifest,
    is_list,
    is_plain,
    objects_of,
    typed,
)

_PLAIN, _FACT, _ODD, _UNTYPED = range(4)
_READ_OF_A_LIST = frozenset({"apiVersion", "kind", "metadata", "items"})


class ChangedError(Exception):
    """The file is not what it was when it was looked through."""


class Index:
    """Made once of a file, by ``build``; ``manifests`` reads the objects from it again."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.errors: list[InputError] = []
        self._begins = array("Q")
        self._ends = array("Q")
        self._lines = array("Q")
        self._documents = array("L")
        self._sorts = bytearray()
        self._lists: dict[int, Mapping[str, Any]] = {}
        self._odd: dict[int, list[Manifest]] = {}
        self._count = 0

    def __len__(self) -> int:
        """How many objects there are."""
        return self._count

    def build(self, file: BinaryIO) -> InputError | None:
        """Look the file through; what is wrong with its JSON, where something is.

        Documents before the fault are known then, as those that kubectl would have read.
        """
        window = JsonWindow(file)
        fault, document, known = None, 0, 0
        try:
            while window.peek():
                self._document(window, document)
                document, known = document + 1, len(self._sorts)
        except JsonError as error:
            self._forget(known)
            fault = InputError(source=self.source, line=error.line, problem=error.problem)
        for number in [n for n, sort in enumerate(self._sorts) if sort == _ODD]:
            self._read_odd(file, number)
        self._count = len(self._sorts) - len(self._odd) + sum(map(len, self._odd.values()))
        if not self._count and not self.errors and fault is None:
            self.errors.append(InputError(source=self.source, problem="holds no object"))
        return fault

    def _document(self, window: JsonWindow, document: int) -> None:
        if window.peek() != "{":
            begin, line = window.offset, window.line
            window.value()
            self._note((begin, window.offset, line), document, _ODD)
            return
        first, begin, line = len(self._sorts), window.offset, window.line
        head = self._members(window, document, first)
        if is_list(head):
            self._lists[document] = head
            for number in range(first, len(self._sorts)):
                if self._sorts[number] == _UNTYPED:
                    self._sorts[number] = _sort_of(typed({}, head))
        else:
            self._forget(first)
            self._note((begin, window.offset, line), document, _sort_of(head))

    def _members(self, window: JsonWindow, document: int, first: int) -> dict[str, Any]:
        """What decides on an object that is a list perhaps; its items are noted."""
        head: dict[str, Any] = {}
        for key in _keys(window):
            if key == "items":
                self._forget(first)
            if key == "items" and window.peek() == "[":
                head[key] = []
                self._items(window, document)
                continue
            value = window.value()
            if key in _READ_OF_A_LIST:
                head[key] = value
        return head

    def _items(self, window: JsonWindow, document: int) -> None:
        for _ in _elements(window, "[", "]"):
            begin, line = window.offset, window.line
            value = window.value()
            self._note((begin, window.offset, line), document, _sort_of_item(value))

    def _note(self, place: tuple[int, int, int], document: int, sort: int) -> None:
        begin, end, line = place
        self._begins.append(begin)
        self._ends.append(end)
        self._lines.append(line)
        self._documents.append(document)
        self._sorts.append(sort)

    def _forget(self, first: int) -> None:
        """Forget what was noted from an entry on."""
        for column in (self._begins, self._ends, self._lines, self._documents, self._sorts):
            del column[first:]

    def _read_odd(self, file: BinaryIO, number: int) -> None:
        value, line = self._value(file, number), self._lines[number]
        found = objects_of(value, self.source, document=self._documents[number], line=line)
        self._odd[number] = kept = []
        for entry in found:
            if isinstance(entry, Manifest):
                kept.append(entry)
            else:
                self.errors.append(entry)

    def manifests(self, file: BinaryIO, *, facts: bool) -> Iterator[Manifest]:
        """The objects, or those that say something of the cluster. Raises ChangedError."""
        for number, sort in enumerate(self._sorts):
            if sort == _ODD:
                yield from () if facts else self._odd[number]
            elif sort == _FACT or not facts:
                yield Manifest(
                    source=self.source,
                    document=self._documents[number],
                    line=self._lines[number],
                    obj=self._value(file, number),
                )

    def _value(self, file: BinaryIO, number: int) -> Any:
        begin, end = self._begins[number], self._ends[number]
        file.seek(begin)
        try:
            value = _decoded(file.read(end - begin))
        except (ValueError, RecursionError):
            raise ChangedError from None
        within = self._lists.get(self._documents[number])
        return value if within is None else typed(value, within)


def _decoded(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        # Less strict: a number out of bounds, half of a surrogate pair, what is not UTF-8.
        return json.loads(content.decode(errors="replace"))


def _sort_of(value: object) -> int:
    if not isinstance(value, dict) or not is_plain(value):
        return _ODD
    group = value["apiVersion"].rpartition("/")[0]
    return _FACT if (group, value["kind"]) in FACTS else _PLAIN


def _sort_of_item(value: object) -> int:
    """Of an item of a list whose kind is not known yet; it need not say what it is itself."""
    if not isinstance(value, dict) or "kind" in value:
        return _sort_of(value)
    metadata = value.get("metadata")
    told = "apiVersion" in value or (metadata is not None and not isinstance(metadata, dict))
    return _ODD if told else _UNTYPED


def _keys(window: JsonWindow) -> Iterator[str]:
    """Each key of the object that comes next; the value behind it is the caller's to take."""
    for _ in _elements(window, "{", "}"):
        if window.peek() != '"':
            raise JsonError(window.line, "is not JSON: Expecting property name")
        key = str(window.value())
        window.take(":")
        window.peek()
        yield key


def _elements(window: JsonWindow, begins: str, ends: str) -> Iterator[None]:
    """Stops before each element of what comes next, which is the caller's to take."""
    window.take(begins)
    if window.peek() == ends:
        window.take(ends)
        return
    while True:
        window.peek()
        yield
        if window.peek() == ends:
            window.take(ends)
            return
        window.take(",")
