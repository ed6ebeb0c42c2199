"""YAML and JSON as kubectl reads it: many documents, each with its line, a broken one on its own.

The policies' rules are strict; these are those of what the API server would be sent (go-yaml v2 by
way of sigs.k8s.io/yaml). A test compares them with the real kubectl.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from webhook.cli.json_text import JsonText
from webhook.documents.yaml_faults import Fault, Mark, Path
from webhook.documents.yaml_parts import Part, parts
from webhook.documents.yaml_reader import Read, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a stream: its value, and the place of whatever is in it.

    ``begin`` and ``end`` are offsets in ``content``, the bytes of the whole stream.
    """

    index: int
    line: int
    value: Any
    content: bytes
    begin: int
    end: int
    read: Read | None = None
    _json: list[JsonText] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def is_json(self) -> bool:
        """Whether it was read by the rules of JSON."""
        return self.read is None

    @property
    def text(self) -> str:
        """What it says as text; what is not UTF-8 replaced, which YAML does not hold."""
        return self.content[self.begin : self.end].decode(errors="replace")

    @property
    def json(self) -> JsonText:
        """Its text as JSON, taken apart only where it is asked about."""
        if not self._json:
            self._json.append(JsonText(self.text))
        return self._json[0]

    def mark_of(self, path: Path) -> Mark:
        """Line and column of a key or list item, or of the nearest above it that is written."""
        if self.read is not None:
            return self.read.mark_of(path)
        if not self.content:
            return self.line, 1
        line, column = self.json.mark_of(path)
        if line > 1:
            return self.line + line - 1, column
        # What comes before it in its first line, a whole document perhaps, is not in its text.
        before = self.content[self.content.rfind(b"\n", 0, self.begin) + 1 : self.begin]
        return self.line, column + len(before.decode(errors="replace"))

    def line_of(self, path: Path) -> int:
        """The line of what is at ``path``; of JSON the document's, which costs nothing."""
        return self.read.mark_of(path)[0] if self.read and path else self.line


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A document that cannot be read: where and why, in one line."""

    index: int
    line: int
    problem: str
    written: bytes = field(default=b"", repr=False, compare=False)


_LOOKS_LIKE_JSON = re.compile(rb'\s*\{\s*["}]')


def parse_stream(content: bytes) -> Iterator[Document | Broken]:
    """Every document of ``content``, the broken ones too; an empty document is left out."""
    if _LOOKS_LIKE_JSON.match(content):
        as_json = list(_parse_json(content))
        if not isinstance(as_json[-1], Broken):
            return iter(as_json)
        as_yaml = list(_parse_yaml(content))
        return iter(as_json if isinstance(as_yaml[0], Broken) else as_yaml)
    return _parse_yaml(content)


def _parse_yaml(content: bytes) -> Iterator[Document | Broken]:
    index = 0
    for part in parts(content):
        for document in _parse_part(part, index, content):
            if isinstance(document, Broken) or document.value is not None:
                yield document
            index += 1


def _parse_part(part: Part, index: int, content: bytes) -> Iterator[Document | Broken]:
    try:
        for read in _KubectlReader(part).read():
            yield Document(
                index=index,
                line=read.line,
                value=read.value,
                content=content,
                begin=part.offset,
                end=part.offset + len(part.content),
                read=read,
            )
            index += 1
    except Fault as fault:
        yield Broken(index=index, line=fault.mark[0], problem=fault.message, written=part.content)


class _KubectlReader(Reader):
    """What a scalar, a key and a merge mean to kubectl."""

    most_values = 2_000_000
    deepest = 200

    def scalar(self, event: yaml.ScalarEvent) -> Any:
        """By the rules of YAML 1.1, but dates and 1:30 stay text."""
        if event.tag is None:
            text = event.value
            return _plain(text) if event.implicit[0] and len(text) <= _LONGEST_NUMBER else text
        return _tagged(event)

    def key(self, event: yaml.ScalarEvent) -> str | None:
        """As JSON has it: 80 and true become text."""
        if event.value == "<<" and event.implicit[0]:
            return None
        value = self.scalar(event)
        if value is None:
            raise Fault(self.mark(event), self.holder(), "null is no key")
        return value if isinstance(value, str) else json.dumps(value)

    def odd_entry(self, event: yaml.ScalarEvent, key: str | None, entries: dict[str, Any]) -> None:
        """Of a repeated key the last counts; a merge overrides what stands above it."""
        value = self.next_value()
        if key is not None:
            entries[key] = value
            return
        mappings = value if isinstance(value, list) else [value]
        if not all(isinstance(mapping, dict) for mapping in mappings):
            said = "the value of << must be a mapping or a list of mappings"
            raise Fault(self.mark(event), self.holder(), said)
        for mapping in reversed(mappings):
            entries.update(mapping)

    def tagged(self, event: Any) -> None:
        """Tags of mappings and lists change nothing."""


_BINARY_TAG = "tag:yaml.org,2002:binary"
_RESOLVED_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))
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


def _tagged(event: Any) -> Any:
    text: str = event.value
    if event.tag == _BINARY_TAG:
        return _decoded(text)
    resolved = event.tag in _RESOLVED_TAGS and len(text) <= _LONGEST_NUMBER
    return _plain(text) if resolved else text


# The same words stand in most manifests: kinds, field names, ports. What is remembered has a bound.
@lru_cache(maxsize=8192)
def _plain(text: str) -> Any:
    """The value of a text without quotes that is short enough to be more than text."""
    return _CONSTANTS[text] if text in _CONSTANTS else _number(text)


def _decoded(base64_text: str) -> str:
    try:
        return base64.b64decode(base64_text).decode(errors="replace")
    except ValueError:
        return base64_text


def _number(text: str) -> float | str:
    if not (text[0].isdigit() or text[0] in "-+."):
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


_NOT_SPACE = re.compile(r"\S")


def _parse_json(content: bytes) -> Iterator[Document | Broken]:
    """JSON objects one after the other, as kubectl reads them from a file or a pipe."""
    text = content.decode(errors="replace")
    decoder, index, line, seen, begin = json.JSONDecoder(), 0, 1, 0, 0
    position = _past_space(text, 0)
    while position < len(text):
        line += text.count("\n", seen, position)
        begin += _size(text, seen, position)
        seen = position
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            problem, at = f"is not JSON: {error.msg}", error.lineno
        except RecursionError:
            problem, at = "is nested too deep", line
        else:
            problem, at = "", line
        if problem:
            yield Broken(index=index, line=at, problem=problem, written=content[begin:])
            return
        end = begin + _size(text, seen, position)
        yield Document(index=index, line=line, value=value, content=content, begin=begin, end=end)
        position = _past_space(text, position)
        index += 1


def _size(text: str, begin: int, end: int) -> int:
    """How many bytes that part of a text is."""
    return end - begin if text.isascii() else len(text[begin:end].encode())


def _past_space(text: str, position: int) -> int:
    found = _NOT_SPACE.search(text, position)
    return found.start() if found else len(text)
