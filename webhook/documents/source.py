"""Strict YAML → plain values that know where each of them stands.

Stricter than YAML, and the same for every reader of a review:

- A duplicate key, a key that is no string, and a tag are errors.
- So is a merge key (``<<``): a reviewer would have to merge in the head, and parsers disagree what
  it means. In kubectl's (go-yaml v2) it overrides the keys that stand above it; YAML's own rule is
  that it never does.
- Only ``true`` and ``false`` are booleans and dates stay text: ``net-raw: off`` and ``expires:
  2027-06-30`` mean what they look like. kubectl takes ``yes no on off y n`` for booleans before any
  type is known (sigs.k8s.io/yaml: YAML 1.1 to JSON), which is why manifests are not read with these
  rules but by ``webhook.cli.yaml_stream``.
- Numbers are decimal and keep the text that they were written as, since ``20260817.0`` and ``4.10``
  are releases. ``022``, ``0x1F``, ``1_000`` and ``1:30`` stay text.
- Aliases are allowed, as long as the text that they stand for is of ordinary size.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from webhook.core.names import shown
from webhook.documents.yaml_faults import Fault, Mark, Path
from webhook.documents.yaml_parts import Part, parts
from webhook.documents.yaml_reader import Read, Reader

MOST_BYTES = 4 * 1024 * 1024
MOST_DOCUMENTS = 10_000
MOST_FAULTS = 100
"""How many faults of one document are told; of a file, about ten times as many."""

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+")
_LONGEST_NUMBER = 40
_MORE_FAULTS = "there are more faults than are told: mend those above"
_CONSTANTS: Mapping[str, bool | None] = {
    "": None, "~": None, "null": None, "true": True, "false": False,
}  # fmt: skip
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class DocumentError:
    """One fault of one file, said to its author; ``line`` 0 is the whole file."""

    file: str
    line: int
    column: int
    field_path: str
    message: str

    def __str__(self) -> str:
        at = f"{shown(self.file, 300)}:{self.line}" if self.line else shown(self.file, 300)
        return ": ".join(filter(None, (at, self.field_path, self.message)))


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
    """``spec.overrides[2].mode``, ``metadata.labels[a.b/c]``: as the API server writes them."""
    written = ""
    for part in path:
        if isinstance(part, int):
            written += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            written += f".{part}"
        else:
            written += f"[{shown(part, 80)}]"
    return written.removeprefix(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDocument:
    """One document of a file; ``index`` counts those that are not empty, broken ones too."""

    file: str
    index: int
    read: Read

    @property
    def data(self) -> Any:
        """What the document says, as mappings, lists and scalars."""
        return self.read.value

    @property
    def line(self) -> int:
        """Where the document's value begins."""
        return self.read.line

    def mark_of(self, path: Path) -> Mark:
        """Line and column of a field, or of the nearest thing above it that is written."""
        return self.read.mark_of(path)

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
    """The documents of a file that could be read, and what is wrong with them and the others."""

    documents: tuple[SourceDocument, ...] = ()
    errors: tuple[DocumentError, ...] = ()


def parse_documents(content: bytes, *, file: str, most_bytes: int = MOST_BYTES) -> ParsedFile:
    """Read every document of a file; one that is broken does not hide the others.

    A document with errors that leave no doubt what was written (a duplicate key, a tag) is returned
    as well, so that the errors of its fields are told in the same breath.
    """
    if len(content) > most_bytes:
        return ParsedFile(errors=(too_large(file, len(content), most_bytes),))
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ParsedFile(errors=(_error(file, Fault((1, 1), (), "is UTF-16; must be UTF-8")),))
    documents: list[SourceDocument] = []
    faults: list[Fault] = []
    index = 0
    for part in parts(content):
        if said := _too_much(index, len(faults)):
            faults.append(Fault((part.line, 1), (), said))
            break
        for read in _read(part, faults):
            if read is not None and read.value is not None:
                documents.append(SourceDocument(file=file, index=index, read=read))
            index += read is None or read.value is not None
    return ParsedFile(
        documents=tuple(documents), errors=tuple(_error(file, fault) for fault in faults)
    )


def _too_much(documents: int, faults: int) -> str:
    """Why a file is read no further; empty while it is."""
    if documents >= MOST_DOCUMENTS:
        return f"is the end of what is read: a file may hold at most {MOST_DOCUMENTS} documents"
    return _MORE_FAULTS if faults >= 10 * MOST_FAULTS else ""


def too_large(file: str, size: int, most_bytes: int = MOST_BYTES) -> DocumentError:
    """The error of a file that has more bytes than are read."""
    return _error(file, Fault((0, 0), (), f"is {size} bytes; a file may have at most {most_bytes}"))


def _error(file: str, fault: Fault) -> DocumentError:
    line, column = fault.mark
    return DocumentError(
        file=file,
        line=line,
        column=column,
        field_path=field_path(fault.path),
        message=fault.message,
    )


def _read(part: Part, faults: list[Fault]) -> Iterator[Read | None]:
    """The documents of a part; None for one that is not to be used. Adds to ``faults``."""
    reader = _StrictReader(part)
    try:
        for read in reader.read():
            faults.extend(reader.faults)
            yield None if reader.in_doubt else read
    except Fault as fault:
        faults.extend((*reader.faults, fault))
        yield None


class _StrictReader(Reader):
    """The rules at the top of this file. ``in_doubt`` once a key had to be left out."""

    in_doubt = False

    def scalar(self, event: yaml.ScalarEvent) -> Any:
        """Only a plain scalar can be more than text."""
        if event.tag is not None:
            self.tagged(event)
            return event.value
        return _plain(event.value) if event.implicit[0] else event.value

    def key(self, event: yaml.ScalarEvent) -> str | None:
        """A key that is text, and no merge key."""
        key = event.value
        if event.tag is not None:
            self.tagged(event)
        elif event.implicit[0] and (key == "<<" or not isinstance(_plain(key), str)):
            return None
        return key

    def odd_entry(self, event: yaml.ScalarEvent, key: str | None, entries: dict[str, Any]) -> None:
        """Tell the author. Of a key that is given twice the first counts, until one is removed."""
        del entries
        if key is not None:
            said = f"duplicate key {_quoted(key)}, first given in line {self.line_of_key(key)}"
        elif event.value == "<<":
            said = "merge keys (<<) are not read: write the values out"
        else:
            said = f"the key {_quoted(event.value)} must be a string: put it in quotes"
        self._fault(event, self.holder(), said)
        self.in_doubt = self.in_doubt or key is None
        self.skip(event.value)

    def tagged(self, event: Any) -> None:
        """No tag is read, ``!`` alone ("this is text") excepted."""
        if event.tag != "!":
            said = f"the tag {_quoted(event.tag)} is not read: leave it out"
            self._fault(event, self.path(), said)

    def _fault(self, event: Any, path: Path, message: str) -> None:
        if len(self.faults) >= MOST_FAULTS:
            raise Fault(self.mark(event), (), _MORE_FAULTS)
        self.faults.append(Fault(self.mark(event), path, message))


def _plain(text: str) -> Any:
    """The value of a scalar without quotes."""
    value = _CONSTANTS.get(text, text)
    if value is text and text[0] in "0123456789+-" and len(text) <= _LONGEST_NUMBER:
        return _number(text)
    return value


def _number(text: str) -> WrittenInt | WrittenFloat | str:
    number: WrittenInt | WrittenFloat
    if _INTEGER.fullmatch(text):
        number = WrittenInt(text)
    elif _FLOAT.fullmatch(text):
        number = WrittenFloat(text)
    else:
        return text
    number.text = text
    return number


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:79]}…")
