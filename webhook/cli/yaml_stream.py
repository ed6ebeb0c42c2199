"""YAML and JSON as kubectl reads it: many documents, each with its line, a broken one on its own.

The policies' loader is strict; this one takes what the API server would be sent. It reads events,
not nodes: the C composer recurses and a deeply nested text would end the process. An alias is the
value itself, not a copy, and what a text says when written out is counted against a limit.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

MOST_VALUES = 2_000_000
"""How many values one document may hold once its aliases are written out."""
DEEPEST = 200
_LINES_KEPT_TO_DEPTH = 2  # a document, its list of items, an item

_NOT_SPACE = re.compile(r"\S")
_LOOKS_LIKE_JSON = re.compile(r'\s*\{\s*["}]')
_START = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_ONLY_PREAMBLE = re.compile(r"\A(?:[ \t]*(?:[#%][^\n]*)?(?:\n|\Z))*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a stream; ``lines`` are the lines of its upper mappings by ``id``."""

    index: int
    line: int
    value: Any
    lines: Mapping[int, int] = field(default_factory=dict)

    def line_of(self, value: object) -> int:
        """The line of a mapping near the top of the document; the document's for any other."""
        return self.lines.get(id(value), self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A document that cannot be read: where and why, in one line."""

    index: int
    line: int
    problem: str


def parse_stream(text: str) -> Iterator[Document | Broken]:
    """Every document of ``text``, the broken ones too; an empty document is left out."""
    text = text.removeprefix("\ufeff")
    if _LOOKS_LIKE_JSON.match(text):
        as_json = list(_parse_json(text))
        if not isinstance(as_json[-1], Broken):
            return iter(as_json)
        as_yaml = list(_parse_yaml(text))
        return iter(as_json if isinstance(as_yaml[0], Broken) else as_yaml)
    return _parse_yaml(text)


def _parse_yaml(text: str) -> Iterator[Document | Broken]:
    index = 0
    for line, part in _parts(text):
        for document in _parse_part(part, line, index):
            if isinstance(document, Broken) or document.value is not None:
                yield document
            index += 1


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """``text`` cut at its ``---`` lines: one broken document does not take the others with it."""
    begin, line = 0, 1
    for end in [*(match.start() for match in _START.finditer(text)), len(text)]:
        part = text[begin:end]
        preamble = _ONLY_PREAMBLE.match(part) is not None
        # A %YAML directive stands before the --- of its own document.
        if preamble and "%" in part:
            continue
        if not preamble:
            yield line, part
        line += part.count("\n")
        begin = end


def _parse_part(text: str, line: int, index: int) -> Iterator[Document | Broken]:
    builder = _Builder(line)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if builder.take(event):
                yield Document(
                    index=index, line=builder.line, value=builder.value, lines=builder.lines
                )
                index += 1
                builder = _Builder(line)
    except _UnusableError as error:
        yield Broken(index=index, line=error.line, problem=error.problem)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = line + mark.line if mark else line
        yield Broken(index=index, line=at, problem=f"not YAML: {error.problem or error.context}")
    except yaml.YAMLError as error:
        first = str(error).splitlines()[0]
        yield Broken(index=index, line=line, problem=f"not YAML: {first}")


class _UnusableError(Exception):
    """A document that is YAML but cannot be taken."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


@dataclass(slots=True)
class _List:
    """A sequence that is being read; ``size`` is how many values it holds written out."""

    line: int
    anchor: str | None
    size: int = 1
    value: list[Any] = field(default_factory=list)
    awaits_key = False

    def add(self, value: Any) -> None:
        self.value.append(value)

    def finish(self) -> None:
        """Nothing is left to do."""


@dataclass(slots=True)
class _Map:
    """A mapping that is being read, and the mappings that ``<<`` merges into it."""

    line: int
    anchor: str | None
    size: int = 1
    value: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    merged: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def awaits_key(self) -> bool:
        return self.key is None

    def add(self, value: Any) -> None:
        key, self.key = self.key or "", None
        if key != "<<":
            self.value[key] = value
            return
        mappings = value if isinstance(value, list) else [value]
        if not all(isinstance(mapping, dict) for mapping in mappings):
            raise _UnusableError(
                self.line, "the value of << must be a mapping or a list of mappings"
            )
        self.merged.extend(mappings)

    def finish(self) -> None:
        """What the mapping says itself wins over what it merges."""
        for mapping in self.merged:
            for key, value in mapping.items():
                self.value.setdefault(key, value)


class _Builder:
    """Builds the value of one document from its events."""

    def __init__(self, first_line: int) -> None:
        self._first_line = first_line
        self._open: list[_Map | _List] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self.line = first_line
        self.value: Any = None
        self.lines: dict[int, int] = {}

    def take(self, event: Any) -> bool:
        """Take one event; whether it ended the document."""
        handler = _TAKE.get(type(event))
        if handler is not None:
            handler(self, event)
        return isinstance(event, yaml.DocumentEndEvent)

    def scalar(self, event: Any) -> None:
        """A key, or a plain value."""
        top = self._open[-1] if self._open else None
        if isinstance(top, _Map) and top.awaits_key:
            top.key = _key(event)
            self._require_key(event)
            return
        if top is None:
            self.line = self._line(event)
        self._add(_scalar(event), 1, event.anchor, event)

    def alias(self, event: Any) -> None:
        """A value again that an anchor named."""
        if event.anchor not in self._anchors:
            raise _UnusableError(self._line(event), f"alias *{event.anchor} names nothing")
        self._require_key(event)
        value, size = self._anchors[event.anchor]
        self._add(value, size, None, event)

    def start(self, event: Any) -> None:
        """A mapping or sequence begins."""
        if len(self._open) >= DEEPEST:
            raise _UnusableError(self._line(event), f"nested more than {DEEPEST} deep")
        self._require_key(event)
        kind = _Map if isinstance(event, yaml.MappingStartEvent) else _List
        self._open.append(kind(line=self._line(event), anchor=event.anchor))

    def end(self, event: Any) -> None:
        """The innermost mapping or sequence is complete."""
        done = self._open.pop()
        done.finish()
        if len(self._open) <= _LINES_KEPT_TO_DEPTH:
            self.lines[id(done.value)] = done.line
        if not self._open:
            self.line = done.line
        self._add(done.value, done.size, done.anchor, event)

    def _add(self, value: Any, size: int, anchor: str | None, event: Any) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, size)
        if not self._open:
            self.value = value
            return
        top = self._open[-1]
        top.size += size
        if top.size > MOST_VALUES:
            raise _UnusableError(
                self._line(event),
                f"more than {MOST_VALUES} values once its aliases are written out",
            )
        top.add(value)

    def _require_key(self, event: Any) -> None:
        if self._open and self._open[-1].awaits_key:
            raise _UnusableError(self._line(event), "the key of a mapping must be a text")

    def _line(self, event: Any) -> int:
        return int(self._first_line + event.start_mark.line)


_TAKE: Mapping[type, Callable[[_Builder, Any], None]] = {
    yaml.ScalarEvent: _Builder.scalar,
    yaml.AliasEvent: _Builder.alias,
    yaml.MappingStartEvent: _Builder.start,
    yaml.SequenceStartEvent: _Builder.start,
    yaml.MappingEndEvent: _Builder.end,
    yaml.SequenceEndEvent: _Builder.end,
}

_BINARY_TAG = "tag:yaml.org,2002:binary"
_RESOLVED_TAGS = frozenset(
    {None, *(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))}
)
_CONSTANTS: Mapping[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(
        ("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"), True
    ),
    **dict.fromkeys(
        ("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"), False
    ),
}
_INTEGER = re.compile(r"^[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|0|[1-9][0-9_]*)$")
_FLOAT = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$")
_LONGEST_NUMBER = 64


def _scalar(event: Any) -> Any:
    """The value of a scalar by the rules of YAML 1.1 that kubectl's parser follows.

    Dates and 1:30 stay text, as they do on the way to the API server.
    """
    text: str = event.value
    if event.tag == _BINARY_TAG:
        return _decoded(text)
    if event.tag not in _RESOLVED_TAGS or (event.tag is None and not event.implicit[0]):
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    return _number(text)


def _decoded(base64_text: str) -> str:
    try:
        return base64.b64decode(base64_text).decode(errors="replace")
    except ValueError:
        return base64_text


def _number(text: str) -> float | str:
    if len(text) > _LONGEST_NUMBER or not (text[0].isdigit() or text[0] in "-+."):
        return text
    if _INTEGER.match(text):
        return _integer(text)
    number = float(text.replace("_", "")) if _FLOAT.match(text) else math.inf
    return number if math.isfinite(number) else text


def _integer(text: str) -> int | str:
    digits = text.replace("_", "")
    body = digits.lstrip("+-")
    try:
        if len(body) > 1 and body[0] == "0" and body[1].isdigit():
            return int(digits.replace("0", "0o", 1), 0)
        return int(digits, 0)
    except ValueError:
        return text


def _key(event: Any) -> str | None:
    """A key as JSON has it: 80 and true become text; None for null, which is no key."""
    value = _scalar(event)
    return value if isinstance(value, str | None) else json.dumps(value)


def _parse_json(text: str) -> Iterator[Document | Broken]:
    """JSON objects one after the other, as kubectl reads them from a file or a pipe."""
    decoder, index, line, seen = json.JSONDecoder(), 0, 1, 0
    position = _past_space(text, 0)
    while position < len(text):
        line += text.count("\n", seen, position)
        seen = position
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            yield Broken(index=index, line=error.lineno, problem=f"not JSON: {error.msg}")
            return
        except RecursionError:
            yield Broken(index=index, line=line, problem="nested too deep")
            return
        yield Document(index=index, line=line, value=value)
        position = _past_space(text, position)
        index += 1


def _past_space(text: str, position: int) -> int:
    found = _NOT_SPACE.search(text, position)
    return found.start() if found else len(text)
