"""The table that ``strace -c`` and ``-C`` print, in any choice and order of columns (``-U``)."""

from __future__ import annotations

import re

from webhook.documents.recordings.calls import NO_ANSWER, OTHER_ERROR, Call

_RULE = re.compile(rb"[- ]*-{4,}[- ]*")
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_COUNT = re.compile(r"\d{1,18}")
_BITS = re.compile(rb"System call usage summary for (?P<bits>\w+)[ -]bit mode:")
_NAME_TITLES = frozenset({"syscall", "name"})


class SummaryReader:
    """Reads one or more such tables, a line at a time."""

    def __init__(self) -> None:
        self._columns: list[str] = []
        self._rules = 0
        self.compat32 = False
        """Whether the table at hand is of 32-bit programs, whose calls have other numbers."""

    def read(self, line: bytes) -> list[Call] | None:
        """The calls of a row, as one entry for those that failed and one for the rest.

        None for a line that is no part of a table; of its head and end an empty list.
        """
        if match := _BITS.match(line):
            self.compat32 = match["bits"] == b"32"
            return []
        if columns := _head(line):
            self._columns, self._rules = columns, 0
            return []
        if not self._columns:
            return None
        if _RULE.fullmatch(line):
            self._rules += 1
            return []
        return self._row(line.decode("ascii", "replace").split())

    def _row(self, cells: list[str]) -> list[Call] | None:
        if self._rules != 1 or not len(self._columns) - 1 <= len(cells) <= len(self._columns):
            self._columns = []
            return [] if "total" in cells else None
        columns = self._columns
        if len(cells) < len(columns):  # nothing stands in the column of errors where there are none
            columns = [title for title in columns if title != "errors"]
        row = dict(zip(columns, cells, strict=False))
        name = next((row[title] for title in columns if title in _NAME_TITLES), "")
        if len(columns) != len(cells) or not _NAME.fullmatch(name):
            return None
        return _calls(name, _count(row.get("calls", "1")), _count(row.get("errors", "0")))


def _head(line: bytes) -> list[str]:
    """The titles of the columns, where ``line`` is the head of a table."""
    if b"syscall" not in line or len(line) > 200:
        return []
    titles = line.decode("ascii", "replace").replace("% time", "%time").split()
    known = _NAME_TITLES & set(titles)
    others = {"calls", "errors", "seconds", "%time", "usecs/call"} & set(titles)
    return titles if known and others else []


def _count(cell: str) -> int:
    return int(cell) if _COUNT.fullmatch(cell) else 0


def _calls(name: str, calls: int, errors: int) -> list[Call]:
    errors = min(errors, calls)
    found = (
        Call(name, error=NO_ANSWER, number=calls - errors),
        Call(name, error=OTHER_ERROR, number=errors),
    )
    return [call for call in found if call.number]
