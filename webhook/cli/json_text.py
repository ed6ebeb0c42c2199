"""Where the members of a JSON text stand, which the standard library's decoder does not say.

A container is taken apart only when something in it is asked for, and only one level deep: a
member is stepped over by the decoder itself. So a list of thousands of objects, few of which are
asked about, costs little more than being read once more. The text has been decoded before.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from webhook.documents.yaml_faults import Mark, Path

_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of an object, or an item of an array: offsets in the text.

    ``at`` is where its key begins, of an item where the value begins.
    """

    at: int
    begin: int
    end: int


Members = dict[str, Member] | list[Member]


class JsonText:
    """A text that holds one JSON value, and white space before it perhaps."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.begin = self._past_space(0)
        self._decoder = json.JSONDecoder()
        self._members: dict[int, Members] = {}
        self._line_ends: list[int] | None = None

    def members(self, begin: int) -> Members:
        """The members of the object or array that begins there; none of a scalar.

        Of a repeated key the last, which is the one that counts.
        """
        found = self._members.get(begin)
        if found is None:
            found = self._members[begin] = self._taken_apart(begin)
        return found

    def member(self, path: Path) -> Member | None:
        """The member at ``path``; None where nothing is."""
        member: Member | None = None
        begin = self.begin
        for part in path:
            members: Any = self.members(begin)
            if isinstance(members, dict):
                member = members.get(part) if isinstance(part, str) else None
            else:
                there = isinstance(part, int) and 0 <= part < len(members)
                member = members[part] if there else None
            if member is None:
                return None
            begin = member.begin
        return member

    def mark_of(self, path: Path) -> Mark:
        """Line and column of what is at ``path``, or of the nearest above it that is written."""
        for length in range(len(path), 0, -1):
            member = self.member(path[:length])
            if member is not None:
                return self._mark(member.at)
        return self._mark(self.begin)

    def _mark(self, at: int) -> Mark:
        if self._line_ends is None:
            self._line_ends = [found.start() for found in re.finditer("\n", self.text)]
        line = bisect_right(self._line_ends, at - 1)
        begins = self._line_ends[line - 1] + 1 if line else 0
        return line + 1, at - begins + 1

    def _taken_apart(self, begin: int) -> Members:
        if self.text[begin] not in "{[":
            return []
        is_object = self.text[begin] == "{"
        keyed: dict[str, Member] = {}
        items: list[Member] = []
        at = self._past_space(begin + 1)
        while self.text[at] not in "]}":
            value_at, key = at, ""
            if is_object:
                key, after = self._decoder.raw_decode(self.text, at)
                value_at = self._past_space(self._past_space(after) + 1)
            _, end = self._decoder.raw_decode(self.text, value_at)
            member = Member(at=at, begin=value_at, end=end)
            if is_object:
                keyed[key] = member
            else:
                items.append(member)
            at = self._past_space(end)
            if self.text[at] == ",":
                at = self._past_space(at + 1)
        return keyed if is_object else items

    def _past_space(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at
