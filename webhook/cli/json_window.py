"""A stream of JSON values, looked at through a window: where each value stands, and what it says.

The standard library's decoder says of a value in a text where it ends, so a text that is read a few
megabytes at a time will do. Bytes are taken for characters one to one: what is text comes out
garbled where it is not ASCII, what is structure does not, and offsets are those of the file. ijson
was measured beside it: with its C backend it takes half as long again, and it does not say where
anything stands.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, BinaryIO

_SPACE = re.compile(r"[ \t\r\n]*")
_READ = 4 * 1024 * 1024
_NEAR = 64
"""How near its end a window can be at fault; a text that it cuts off begins anywhere."""


@dataclass(slots=True)
class JsonError(Exception):
    """What is wrong with the JSON, and in which line."""

    line: int
    problem: str


class JsonWindow:
    """Reads values from ``file``; ``offset`` and ``line`` are those of what comes next."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._base = 0
        self._line = 1
        self._counted = 0
        self._whole = False

    @property
    def offset(self) -> int:
        """Where in the file the window stands."""
        return self._base + self._at

    @property
    def line(self) -> int:
        """The line in which it stands."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, character: str) -> None:
        """Go past the next character, which must be this one."""
        if self.peek() != character:
            raise JsonError(self.line, f"is not JSON: Expecting {character!r} delimiter")
        self._at += 1

    def value(self) -> Any:
        """The next value. Raises JsonError where there is none."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._is_cut_off(error) and self._more():
                    continue
                line = self.line + self._text.count("\n", self._at, error.pos)
                raise JsonError(line, f"is not JSON: {error.msg}") from None
            except RecursionError:
                raise JsonError(self.line, "is nested too deep") from None
            # A number may go on behind the window.
            if end < len(self._text) or not self._more():
                self._at = end
                return value

    def _is_cut_off(self, error: json.JSONDecodeError) -> bool:
        return error.pos > len(self._text) - _NEAR or error.msg.startswith("Unterminated string")

    def _more(self) -> bool:
        """Read on, twice as much where all that there is was too little; False at the end."""
        if self._whole:
            return False
        there = len(self._text) - self._at
        more = self._file.read(max(_READ, there))
        self._whole = not more
        line = self.line
        self._base += self._at
        self._text = self._text[self._at :] + more.decode("latin-1")
        self._line, self._at, self._counted = line, 0, 0
        return bool(more)
