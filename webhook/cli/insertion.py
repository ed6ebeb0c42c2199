"""Writing a value into a YAML or JSON text, every other byte of which stays as it is. Pure.

A key is written as the first of its mapping: there its place is known to the character, whatever
comments, block scalars and blank lines follow. What was written is read again and compared with
what was meant; so an odd text is refused, and never changed in another way than was asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webhook.cli.yaml_nodes import Node, Wanted, json_root, yaml_root
from webhook.cli.yaml_stream import Document, parse_stream
from webhook.documents.yaml_faults import Path

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_NOT_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


class InsertionError(Exception):
    """A value that cannot be written into the text; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A text to be set at a path of a document; mappings on the way are made where none is."""

    path: Path
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    at: int
    end: int
    text: str


def written_into(document: Document, settings: Sequence[Setting]) -> bytes:
    """The bytes of the document with all settings in it; raises InsertionError."""
    text = document.text
    if text.encode() != document.content[document.begin : document.end]:
        raise InsertionError("stands in a text that is not UTF-8")
    tree = _tree(settings)
    root = json_root(document.json, tree) if document.is_json else yaml_root(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    writer = _Writer(text=text, newline=newline, quotes=document.is_json)
    edits = sorted((writer.edit(root, setting) for setting in settings), key=lambda e: e.at)
    written = _edited(text, edits).encode()
    if [_value(found) for found in parse_stream(written)] != [_with(document.value, tree)]:
        raise InsertionError("cannot be written without a change of something else: do it by hand")
    return written


def _tree(settings: Sequence[Setting]) -> Wanted:
    """All settings by the keys of their paths."""
    root: dict[str | int, Any] = {}
    for setting in settings:
        here = root
        *above, last = setting.path
        for key in above:
            here = here.setdefault(key, {})
        here[last] = setting.value
    return root


def _edited(text: str, edits: Sequence[_Edit]) -> str:
    pieces, at = [], 0
    for edit in edits:
        pieces += [text[at : edit.at], edit.text]
        at = edit.end
    return "".join((*pieces, text[at:]))


def _value(found: object) -> object:
    return found.value if isinstance(found, Document) else found


def _with(value: Any, wanted: Wanted) -> Any:
    """``value`` with what is wanted in it; what is shared elsewhere is not touched."""
    if isinstance(value, list):
        items = list(value)
        for index, below in wanted.items():
            items[int(index)] = _with(items[int(index)], below)
        return items
    entries = dict(value) if isinstance(value, dict) else {}
    for key, below in wanted.items():
        new = _with(entries.get(str(key)), below) if isinstance(below, dict) else below
        entries[str(key)] = new
    return entries


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    text: str
    newline: str
    quotes: bool

    def edit(self, root: Node, setting: Setting) -> _Edit:
        """The change of the text that a setting is."""
        node, quotes = root, self.quotes
        for depth, key in enumerate(setting.path):
            if node.shares:
                raise InsertionError(_SHARED)
            if node.items is not None:
                node = node.items[int(key)]
                continue
            rest = _nested(setting.path[depth:], setting.value)
            if node.entries is None:
                return self._replaced(node, rest, quotes)
            entry = node.entry(key)
            if entry is None:
                return self._inserted(node, rest, quotes)
            node, quotes = entry.value, self.quotes or (node.flow and entry.quoted)
        return self._replaced(node, setting.value, quotes)

    def _replaced(self, node: Node, value: Any, quotes: bool) -> _Edit:
        """Instead of a null or an empty text."""
        if node.shares:
            raise InsertionError(_SHARED)
        space = " " if node.begin == node.end else ""
        return _Edit(at=node.begin, end=node.end, text=space + _flow(value, quotes))

    def _inserted(self, node: Node, value: Mapping[str, Any], quotes: bool) -> _Edit:
        """As the first entry of a mapping."""
        if not node.entries:
            # Before the closing brace of an empty one.
            return _Edit(at=node.end - 1, end=node.end - 1, text=_members(value, quotes))
        first = node.entries[0]
        if node.flow:
            before = self.text[self.text.rfind("\n", 0, first.at) + 1 : first.at]
            begins_line = first.at > node.begin + len(before) and not before.strip()
            after = self.newline + before if begins_line else " "
            text = f"{_members(value, first.quoted)},{after}"
        else:
            after = self.newline + " " * first.column
            text = after.join(_block(value)) + after
        return _Edit(at=first.at, end=first.at, text=text)


_SHARED = "stands in a part that is written once and used again by an alias: write it out first"


def _nested(path: Path, value: str) -> Any:
    """``value`` below the keys of a path."""
    nested: Any = value
    for key in reversed(path):
        nested = {key: nested}
    return nested


def _block(value: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a mapping in block style."""
    for key, below in value.items():
        if isinstance(below, dict):
            yield f"{_scalar(key)}:"
            yield from (f"  {line}" for line in _block(below))
        else:
            yield f"{_scalar(key)}: {_scalar(below)}"


def _flow(value: Any, quotes: bool) -> str:
    if isinstance(value, dict):
        return f"{{{_members(value, quotes)}}}"
    return json.dumps(value) if quotes else _scalar(value)


def _members(value: Mapping[str, Any], quotes: bool) -> str:
    return ", ".join(
        f"{_flow(key, quotes)}: {_flow(below, quotes)}" for key, below in value.items()
    )


def _scalar(text: str) -> str:
    """A text without quotes where no reader of YAML could take it for something else."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT
    return text if plain else json.dumps(text)
