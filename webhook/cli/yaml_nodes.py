"""The parts of a YAML document with their places in the text, to write something into it.

Only what has been read by ``yaml_stream`` comes here, so nesting and aliases are known to be within
its bounds. A JSON text has the same nodes, taken apart as far as they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from webhook.cli.json_text import JsonText

Wanted = Mapping[str | int, Any]
"""What is wanted, by key or index: a text, or what is wanted below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of a mapping: its key, and where the key begins."""

    key: str
    at: int
    column: int
    quoted: bool
    value: Node


@dataclass(slots=True, kw_only=True)
class Node:
    """A value: ``begin`` and ``end`` are offsets in the text, as characters.

    ``shares``: it is an alias, whose text stands elsewhere.
    """

    begin: int
    end: int
    flow: bool = False
    shares: bool = False
    entries: list[Entry] | None = None
    items: list[Node] | None = None

    def entry(self, key: object) -> Entry | None:
        """The entry that counts of those with this key: the last."""
        found = [entry for entry in self.entries or () if entry.key == key]
        return found[-1] if found else None


def yaml_root(text: str) -> Node:
    """The value of the first document of ``text``."""
    next_event: Callable[[], Any] = yaml.CSafeLoader(text).get_event
    next_event()  # the beginning of the stream
    next_event()  # and of the document
    return _node(next_event(), next_event)


def _node(event: Any, next_event: Callable[[], Any]) -> Node:
    begin, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, yaml.AliasEvent):
        return Node(begin=begin, end=end, shares=True)
    if isinstance(event, yaml.ScalarEvent):
        return Node(begin=begin, end=end)
    node = Node(begin=begin, end=end, flow=bool(event.flow_style))
    if isinstance(event, yaml.MappingStartEvent):
        node.entries = []
        event = next_event()
        while type(event) is not yaml.MappingEndEvent:
            node.entries.append(_entry(event, next_event))
            event = next_event()
    else:
        node.items = []
        event = next_event()
        while type(event) is not yaml.SequenceEndEvent:
            node.items.append(_node(event, next_event))
            event = next_event()
    node.end = event.end_mark.index
    return node


def _entry(key: Any, next_event: Callable[[], Any]) -> Entry:
    return Entry(
        key=key.value,
        at=key.start_mark.index,
        column=key.start_mark.column,
        quoted=key.style == '"',
        value=_node(next_event(), next_event),
    )


def json_root(json: JsonText, wanted: Wanted) -> Node:
    """The value of a JSON text, taken apart where something is wanted in it."""
    return _json_node(json, json.begin, len(json.text), wanted)


def _json_node(json: JsonText, begin: int, end: int, wanted: object) -> Node:
    node = Node(begin=begin, end=end, flow=True)
    if not isinstance(wanted, dict) or json.text[begin] not in "{[":
        return node
    members = json.members(begin)
    if isinstance(members, list):
        node.items = [
            _json_node(json, item.begin, item.end, wanted.get(index))
            for index, item in enumerate(members)
        ]
        return node
    node.entries = [
        Entry(
            key=key,
            at=member.at,
            column=0,
            quoted=True,
            value=_json_node(json, member.begin, member.end, wanted.get(key)),
        )
        for key, member in members.items()
    ]
    return node
