"""Strict YAML → plain values that know where each of them stands.

Stricter than YAML: a duplicate key, a key that is no string, a tag, a merge key (``<<``: reviewers
would have to merge in their heads), and a text that only aliases make large are errors. Only
``true`` and ``false`` are booleans, and dates stay text: ``net-raw: off`` and ``expires:
2027-06-30`` mean what they look like. Numbers keep the text that they were written as, since
``20260817.0`` and ``4.10`` are releases.

The parser's events are read one by one, never its node tree: the composer recurses, and a deeply
nested text would end the process.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

MOST_BYTES = 4 * 1024 * 1024
MOST_VALUES = 200_000
"""How many values a document may hold once its aliases are written out."""
DEEPEST = 64

Path = Sequence[str | int]
Mark = tuple[int, int]

_START = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_PREAMBLE = re.compile(r"(?:[ \t]*(?:[#%][^\n]*)?(?:\n|\Z))*")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+")
_CONSTANTS: Mapping[str, bool | None] = {
    "": None, "~": None, "null": None, "true": True, "false": False,
}  # fmt: skip
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class DocumentError:
    """One fault of one file, said to its author."""

    file: str
    line: int
    column: int
    field_path: str
    message: str

    def __str__(self) -> str:
        at = f"{self.file}:{self.line}" if self.line else self.file
        return (
            f"{at}: {self.field_path}: {self.message}"
            if self.field_path
            else f"{at}: {self.message}"
        )


class DocumentErrors(Exception):  # noqa: N818 - it is all of them
    """Every fault found, in the order of files and lines."""

    def __init__(self, errors: Sequence[DocumentError]) -> None:
        self.errors: tuple[DocumentError, ...] = tuple(sorted(errors))
        super().__init__("\n".join(str(error) for error in self.errors))


class WrittenInt(int):
    """An integer that knows its text."""

    text: str


class WrittenFloat(float):
    """A number that knows its text: ``20260817.0`` keeps its zero."""

    text: str


def scalar_text(value: object) -> str | None:
    """The text that a scalar was written as; None for what is no scalar or empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, WrittenInt | WrittenFloat):
        return value.text
    if isinstance(value, str | int | float):
        return str(value)
    return None


def field_path(path: Path) -> str:
    """``spec.overrides[2].mode``; a key that holds a dot or a slash is quoted."""
    written = ""
    for part in path:
        if isinstance(part, int):
            written += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            written += f".{part}"
        else:
            written += f"[{_quoted(part)}]"
    return written.removeprefix(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDocument:
    """One document; ``marks`` are the places of the entries of each mapping and list, by ``id``."""

    file: str
    line: int
    index: int
    data: Any
    marks: Mapping[int, Mapping[str | int, Mark]]

    def mark_of(self, path: Path) -> Mark:
        """Line and column of a field, or of the nearest thing above it that is written."""
        value, mark = self.data, (self.line, 1)
        for part in path:
            found = self.marks.get(id(value), {}).get(part)
            if found is None:
                return mark
            mark, value = found, value[part]
        return mark

    def line_of(self, path: Path) -> int:
        """The line of ``mark_of``."""
        return self.mark_of(path)[0]

    def error(self, path: Path, message: str) -> DocumentError:
        """An error of one field of this document."""
        line, column = self.mark_of(path)
        return DocumentError(
            file=self.file, line=line, column=column, field_path=field_path(path), message=message
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """The documents of a file that could be read, and the faults of those that could not."""

    documents: tuple[SourceDocument, ...] = ()
    errors: tuple[DocumentError, ...] = ()


def parse_documents(content: bytes, *, file: str, most_bytes: int = MOST_BYTES) -> ParsedFile:
    """Read every document of a file; one that is broken does not hide the others."""
    text = _decoded(content, file, most_bytes)
    if isinstance(text, DocumentError):
        return ParsedFile(errors=(text,))
    documents: list[SourceDocument] = []
    errors: list[DocumentError] = []
    for line, part in _parts(text):
        for found in _parse_part(part, line, file, len(documents)):
            if isinstance(found, DocumentError):
                errors.append(found)
            else:
                documents.append(found)
    return ParsedFile(documents=tuple(documents), errors=tuple(errors))


def _decoded(content: bytes, file: str, most_bytes: int) -> str | DocumentError:
    """The text of a file, or why it is none."""

    def fault(line: int, message: str) -> DocumentError:
        return DocumentError(file=file, line=line, column=0, field_path="", message=message)

    if len(content) > most_bytes:
        return fault(0, f"is {len(content)} bytes; a file may have at most {most_bytes}")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return fault(1, "is UTF-16; must be UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return fault(line, f"is not UTF-8: byte 0x{content[error.start]:02x} at {error.start}")
    odd = next((i for i, c in enumerate(text) if c < " " and c not in "\t\n\r"), None)
    if odd is not None:
        return fault(
            text.count("\n", 0, odd) + 1, f"holds the control character U+{ord(text[odd]):04X}"
        )
    return text


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """``text`` cut at its ``---`` lines, which end any document whatever it holds."""
    begin, line = 0, 1
    for end in [*(match.start() for match in _START.finditer(text)), len(text)]:
        part = text[begin:end]
        if not _PREAMBLE.fullmatch(part):
            yield line, part
        line += part.count("\n")
        begin = end


def _parse_part(
    text: str, line: int, file: str, index: int
) -> Iterator[SourceDocument | DocumentError]:
    reader = _Reader(line)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if reader.take(event):
                if reader.errors:
                    yield from (_located(file, fault) for fault in reader.errors)
                elif reader.value is not None:
                    yield SourceDocument(
                        file=file,
                        line=reader.line,
                        index=index,
                        data=reader.value,
                        marks=reader.marks,
                    )
                reader = _Reader(line)
    except _UnusableError as error:
        yield from (_located(file, fault) for fault in (*reader.errors, error.fault))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (line + mark.line, mark.column + 1) if mark else (line, 1)
        said = f"is not YAML: {error.problem or error.context}"
        yield from (_located(file, fault) for fault in (*reader.errors, (at, (), said)))
    except yaml.YAMLError as error:
        yield _located(file, ((line, 1), (), f"is not YAML: {str(error).splitlines()[0]}"))


_Fault = tuple[Mark, tuple[str | int, ...], str]


def _located(file: str, fault: _Fault) -> DocumentError:
    (line, column), path, message = fault
    return DocumentError(
        file=file, line=line, column=column, field_path=field_path(path), message=message
    )


class _UnusableError(Exception):
    """A document that cannot be read further."""

    def __init__(self, fault: _Fault) -> None:
        super().__init__(fault[2])
        self.fault = fault


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read; ``size`` counts its values written out."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    marks: dict[str | int, Mark] = field(default_factory=dict)
    size: int = 1
    key: str | None = None

    @property
    def awaits_key(self) -> bool:
        return isinstance(self.value, dict) and self.key is None

    @property
    def place(self) -> str | int:
        """Where the next value goes."""
        return len(self.value) if isinstance(self.value, list) else self.key or ""


class _Reader:
    """Builds one document from its events."""

    def __init__(self, first_line: int) -> None:
        self._first_line = first_line
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self.line = first_line
        self.value: Any = None
        self.marks: dict[int, dict[str | int, Mark]] = {}
        self.errors: list[_Fault] = []

    def take(self, event: yaml.Event) -> bool:
        """Take one event; whether it ended the document."""
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = self._open.pop()
                self.marks[id(done.value)] = done.marks
                self._put(done.value, done.size, done.anchor, event)
            case yaml.AliasEvent():
                self._alias(event)
            case _:
                pass
        return isinstance(event, yaml.DocumentEndEvent)

    def _scalar(self, event: Any) -> None:
        self._refuse_tag(event)
        if self._open and self._open[-1].awaits_key:
            self._key(event)
            return
        value = _value(event)
        if self._open and isinstance(self._open[-1].value, list):
            self._mark(event)
        self._put(value, 1, event.anchor, event)

    def _key(self, event: Any) -> None:
        """A key: a string, once. A repeated one is reported and its first value kept."""
        top = self._open[-1]
        key = str(event.value)
        if not isinstance(_value(event), str):
            self._fault(event, f"the key {_quoted(key)} must be a string: put it in quotes")
        if key == "<<" and event.implicit[0]:
            self._fault(event, "merge keys (<<) are not read: write the values out")
        if key in top.marks:
            before = top.marks[key][0]
            self._fault(event, f"duplicate key {_quoted(key)}, first given in line {before}")
        top.key = key
        top.marks.setdefault(key, self._at(event))

    def _begin(self, event: Any) -> None:
        if len(self._open) >= DEEPEST:
            raise _UnusableError((self._at(event), (), f"is nested more than {DEEPEST} deep"))
        self._refuse_tag(event)
        self._require_key(event)
        if not self._open:
            self.line = self._at(event)[0]
        elif isinstance(self._open[-1].value, list):
            self._mark(event)
        empty: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._open.append(_Open(value=empty, anchor=event.anchor))

    def _alias(self, event: Any) -> None:
        self._require_key(event)
        if event.anchor not in self._anchors:
            raise _UnusableError(
                (self._at(event), self._path(), f"alias *{event.anchor} names nothing above it")
            )
        if isinstance(self._open[-1].value, list):
            self._mark(event)
        value, size = self._anchors[event.anchor]
        self._put(value, size, None, event)

    def _put(self, value: Any, size: int, anchor: str | None, event: Any) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, size)
        if not self._open:
            self.value = value
            return
        top = self._open[-1]
        top.size += size
        if top.size > MOST_VALUES:
            said = f"holds more than {MOST_VALUES} values once its aliases are written out"
            raise _UnusableError((self._at(event), (), said))
        if isinstance(top.value, list):
            top.value.append(value)
        else:
            top.value.setdefault(top.key or "", value)
            top.key = None

    def _require_key(self, event: Any) -> None:
        if self._open and self._open[-1].awaits_key:
            said = "a key must be a string, not a mapping, a list or an alias"
            raise _UnusableError((self._at(event), self._path(), said))

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None:
            self._fault(event, f"the tag {_quoted(event.tag)} is not read: leave it out")

    def _mark(self, event: Any) -> None:
        self._open[-1].marks[self._open[-1].place] = self._at(event)

    def _fault(self, event: Any, message: str) -> None:
        self.errors.append((self._at(event), self._path(), message))

    def _path(self) -> tuple[str | int, ...]:
        """Where the reader is: the places in all that is open."""
        return tuple(o.place for o in self._open if not o.awaits_key)

    def _at(self, event: Any) -> Mark:
        return (self._first_line + event.start_mark.line, event.start_mark.column + 1)


def _value(event: Any) -> Any:
    """The value of a scalar: only a plain one can be more than text."""
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) <= 40 and _INTEGER.fullmatch(text):
        whole = WrittenInt(text)
        whole.text = text
        return whole
    if len(text) <= 40 and _FLOAT.fullmatch(text):
        number = WrittenFloat(text)
        number.text = text
        return number
    return text


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:79]}…")
