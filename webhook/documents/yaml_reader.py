"""YAML text → plain values and where each of them stands: what policies and manifests share.

The parser's events are read one by one, by recursion with a bound, and never its node tree: the
composer of PyYAML's C loader recurses without one, so that a text of brackets alone ends the
process, and it builds all of a text before anybody can say that it is too much. Reading events
stops at the first bracket too many, shares an alias's value instead of copying it, and takes half
the time of ``yaml.load``. The parser itself (libyaml) recurses nowhere.

What a scalar, a key or a repeated key means is said by a subclass of ``Reader``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from webhook.documents.yaml_faults import Fault, Mark, Path, not_printable, not_utf8, not_yaml
from webhook.documents.yaml_parts import Part

Places = dict[str, int] | list[int]
"""Where the keys of a mapping, or the items of a list, begin: line and column in one number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The value of a document, and the place of whatever is below it.

    ``places`` are by the ``id`` of the mapping or list, so ``value`` must not be changed.
    """

    value: Any
    line: int
    first_line: int
    places: Mapping[int, Places]

    def mark_of(self, path: Path) -> Mark:
        """Line and column of a key or list item, or of the nearest above it that is written."""
        value, mark = self.value, (self.line, 1)
        for part in path:
            place = self._place(value, part)
            if place is None:
                return mark
            mark = (self.first_line + (place >> _LINE), (place & _COLUMN) + 1)
            value = value[part]
        return mark

    def _place(self, value: object, part: str | int) -> int | None:
        if not isinstance(value, dict | list):
            return None
        places = self.places[id(value)]
        if isinstance(places, dict):
            return places.get(part) if isinstance(part, str) else None
        return places[part] if isinstance(part, int) and 0 <= part < len(places) else None


_LINE = 32
_COLUMN = (1 << _LINE) - 1


class Reader(ABC):
    """Reads one part. ``faults`` are those after which reading went on."""

    most_values = 200_000
    """How many values a document may hold once its aliases are written out."""
    deepest = 64
    """How many mappings and lists may hold one another."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._begin()

    def _begin(self) -> None:
        self.faults: list[Fault] = []
        self._places: dict[int, Places] = {}
        self._open: list[Places] = []
        self._anchors: dict[str, tuple[Any, int] | None] = {}
        self._values = 0

    def read(self) -> Iterator[Read]:
        """Every document of the part, in truth one; raises Fault where one cannot be read.

        A caller looks at ``faults`` after each: the next document begins with none.
        """
        try:
            text = self._part.content.decode()
            self._next: Callable[[], Any] = yaml.CSafeLoader(text).get_event
            self._next()  # the beginning of the stream
            while isinstance(self._next(), yaml.DocumentStartEvent):
                yield self._document()
                self._next()  # the end of the document
        except UnicodeDecodeError as error:
            raise not_utf8(error, self._part) from None
        except yaml.reader.ReaderError as error:
            raise not_printable(error, self._part) from None
        except yaml.MarkedYAMLError as error:
            raise not_yaml(error, self._part) from None
        except RecursionError:
            # ``deepest`` counts mappings and lists; how many calls each takes, a subclass decides.
            raise Fault((self._part.line, 1), (), "is nested too deep") from None

    def _document(self) -> Read:
        self._begin()
        first = self._next()
        return Read(
            value=self.value(first),
            line=self.mark(first)[0],
            first_line=self._part.line,
            places=self._places,
        )

    # What a subclass says.

    @abstractmethod
    def scalar(self, event: yaml.ScalarEvent) -> Any:
        """The value of a scalar that is no key."""

    @abstractmethod
    def key(self, event: yaml.ScalarEvent) -> str | None:
        """The key that a scalar is; None where the entry is for ``odd_entry``."""

    @abstractmethod
    def odd_entry(self, event: yaml.ScalarEvent, key: str | None, entries: dict[str, Any]) -> None:
        """An entry without a key, or with one that ``entries`` has: must read or ``skip`` it."""

    @abstractmethod
    def tagged(self, event: Any) -> None:
        """A mapping or list has a tag."""

    # What it may use.

    def value(self, event: Any) -> Any:
        """The value that begins with ``event``."""
        self._values += 1
        if self._values > self.most_values:
            self._spend(0, event)
        if event.anchor is not None:
            return self._named(event)
        if type(event) is yaml.ScalarEvent:
            return self.scalar(event)
        return self._value(event)

    def next_value(self) -> Any:
        """The value that comes next."""
        return self.value(self._next())

    def skip(self, key: str) -> None:
        """Read the value of the entry ``key`` and forget it; its faults are told as ever."""
        here = self._open[-1]
        self._open[-1] = {key: 0}
        self.next_value()
        self._open[-1] = here

    def mark(self, event: Any) -> Mark:
        """Where an event begins, in the file."""
        return self._part.line + event.start_mark.line, event.start_mark.column + 1

    def path(self) -> Path:
        """The key or item that is being read."""
        return tuple(map(_last, filter(len, self._open)))

    def holder(self) -> Path:
        """The mapping whose key is being read."""
        return tuple(map(_last, self._open[:-1]))

    def line_of_key(self, key: str) -> int:
        """Where the mapping that is being read has ``key`` already."""
        here: Any = self._open[-1]
        return int(self._part.line + (here[key] >> _LINE))

    # How it is done.

    def _spend(self, values: int, event: Any) -> None:
        self._values += values
        if self._values > self.most_values:
            said = f"holds more than {self.most_values} values once its aliases are written out"
            raise Fault(self.mark(event), (), said)

    def _value(self, event: Any) -> Any:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            return self.scalar(event)
        if event.tag is not None:
            self.tagged(event)
        if len(self._open) >= self.deepest:
            raise Fault(self.mark(event), (), f"is nested more than {self.deepest} deep")
        return self._mapping() if kind is yaml.MappingStartEvent else self._list()

    def _mapping(self) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        places: dict[str, int] = {}
        self._open.append(places)
        # This loop is most of what reading costs beside the parser: its names are local.
        next_event, read_key, event = self._next, self.key, self._next()
        while type(event) is not yaml.MappingEndEvent:
            if type(event) is not yaml.ScalarEvent:
                raise self._no_key(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = (event.value, 1)
            key = read_key(event)
            if key is None or key in places:
                self.odd_entry(event, key, entries)
            else:
                mark: Any = event.start_mark
                places[key] = mark.line << _LINE | mark.column
                entries[key] = self.value(next_event())
            event = next_event()
        self._open.pop()
        self._places[id(entries)] = places
        return entries

    def _list(self) -> list[Any]:
        items: list[Any] = []
        places: list[int] = []
        self._open.append(places)
        next_event, event = self._next, self._next()
        while type(event) is not yaml.SequenceEndEvent:
            mark = event.start_mark
            places.append(mark.line << _LINE | mark.column)
            items.append(self.value(event))
            event = next_event()
        self._open.pop()
        self._places[id(items)] = places
        return items

    def _no_key(self, event: Any) -> Fault:
        said = "a key must be a string, not a mapping, a list or an alias"
        return Fault(self.mark(event), self.holder(), said)

    def _named(self, event: Any) -> Any:
        """A value with an anchor, or an alias of one."""
        name = event.anchor
        if isinstance(event, yaml.AliasEvent):
            value, size = self._anchored(event, name)
            self._spend(size, event)
            return value
        self._anchors[name] = None
        before = self._values
        value = self._value(event)
        self._anchors[name] = (value, self._values - before)
        return value

    def _anchored(self, event: Any, name: str) -> tuple[Any, int]:
        known = self._anchors.get(name)
        if known is None:
            wrong = (
                "stands inside of what it names" if name in self._anchors else "names nothing above"
            )
            raise Fault(self.mark(event), self.path(), f"alias *{name[:80]} {wrong}")
        return known


def _last(places: Places) -> str | int:
    """The key or index that was put in last."""
    return len(places) - 1 if isinstance(places, list) else next(reversed(places))
