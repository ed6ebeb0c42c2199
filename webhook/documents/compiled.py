"""The compiled form of the tables: their core values as JSON, every distinct one once.

It is a list in which each entry is a scalar or ``[kind, part, …]``: the row of ``_KINDS`` that the
value is made by, and where its parts stand, all of them before it. The last entry is the whole.
Nothing but those rows can be written, or made of what is read: unlike a pickle it runs no code.

A file begins with its seal, a hash of the key that it was compiled for and of what follows. One for
another key, cut off or touched since, is none.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import date
from itertools import chain
from typing import Any, NamedTuple

import orjson

from webhook.core.applications import (
    Application,
    Clause,
    Evidence,
    Extension,
    Need,
    Recognition,
    Verified,
)
from webhook.core.compat import Conditions, Fact, Gate, Release
from webhook.core.images import ImagePattern
from webhook.core.names import Strength, Support
from webhook.core.versions import Interval, IntervalSet, Version
from webhook.documents.tables import Tables


class _Kind(NamedTuple):
    """How values of one type are taken apart, and made of their parts again."""

    type: type
    parts: Callable[[Any], Iterable[Any]]
    made: Callable[[Sequence[Any]], Any]


def _record(cls: type) -> _Kind:
    """A dataclass; all of its fields, so that one added later is not forgotten."""
    names = tuple(f.name for f in fields(cls))
    return _Kind(
        cls,
        lambda value: [getattr(value, name) for name in names],
        lambda parts: cls(**dict(zip(names, parts, strict=True))),
    )


_KINDS: tuple[_Kind, ...] = (
    _Kind(tuple, iter, tuple),
    _Kind(frozenset, sorted, frozenset),
    _Kind(
        dict,
        lambda value: chain.from_iterable(value.items()),
        lambda parts: dict(zip(parts[::2], parts[1::2], strict=True)),
    ),
    _Kind(date, lambda value: (value.isoformat(),), lambda parts: date.fromisoformat(*parts)),
    _Kind(Support, lambda value: (value.value,), lambda parts: Support(*parts)),
    _Kind(Strength, lambda value: (value.value,), lambda parts: Strength(*parts)),
    *map(_record, (Version, Interval, IntervalSet, ImagePattern, Evidence)),
    *map(_record, (Fact, Conditions, Gate, Release)),
    *map(_record, (Application, Extension, Recognition, Clause, Need, Verified)),
    _record(Tables),
)
_KIND_OF = {kind.type: number for number, kind in enumerate(_KINDS)}
_SCALARS = frozenset({str, int, bool, type(None)})


def compile_tables(tables: Tables, key: str) -> bytes:
    """``tables`` as a file for ``key``; raises KeyError for a value of a kind that has no row."""
    writer = _Writer()
    writer.place(tables)
    content = orjson.dumps(writer.entries)
    return _seal(key, content) + content


def read_compiled(file: bytes, key: str) -> Tables | None:
    """What was compiled for ``key``, equal in all to what was given; None where it is no such."""
    size = len(_seal("", b""))
    seal, content = file[:size], file[size:]
    return _read(content) if seal == _seal(key, content) else None


def _seal(key: str, content: bytes) -> bytes:
    return hashlib.sha256(f"{key}\n".encode() + content).hexdigest().encode() + b"\n"


class _Writer:
    """Gives every distinct value a place in ``entries``, its parts before it."""

    def __init__(self) -> None:
        self.entries: list[Any] = []
        self._places: dict[tuple[object, ...], int] = {}

    def place(self, value: Any) -> int:
        """Where ``value`` stands. Values are told apart by their parts: equal is not the same."""
        entry, same = value, (type(value), value)
        if type(value) not in _SCALARS:
            kind = _KIND_OF[type(value)]
            entry = [kind, *map(self.place, _KINDS[kind].parts(value))]
            same = tuple(entry)
        if same not in self._places:
            self._places[same] = len(self.entries)
            self.entries.append(entry)
        return self._places[same]


def _read(content: bytes) -> Tables:
    made = tuple(kind.made for kind in _KINDS)
    values: list[Any] = []
    for entry in orjson.loads(content):
        if isinstance(entry, list):
            values.append(made[entry[0]]([values[place] for place in entry[1:]]))
        else:
            values.append(entry)
    whole: Tables = values[-1]
    return whole
