"""What makes a text unreadable as YAML, said for people who do not know how a parser works."""

from collections.abc import Mapping, Sequence

import yaml

from webhook.documents.yaml_parts import Part

Path = Sequence[str | int]
"""Keys and list indexes from the root of a document."""
Mark = tuple[int, int]
"""Line and column, both counted from 1."""


class Fault(Exception):  # noqa: N818 - as often kept in a list as raised
    """What is wrong with a document, and where. Raised, it is the last that is read of it."""

    def __init__(self, mark: Mark, path: Path, message: str) -> None:
        super().__init__(message)
        self.mark = mark
        self.path = path
        self.message = message


def not_utf8(error: UnicodeDecodeError, part: Part) -> Fault:
    """Which byte, counted from the beginning of the file, and in which line."""
    at = error.start
    line = part.line + part.content.count(b"\n", 0, at)
    said = f"is not UTF-8: byte 0x{part.content[at]:02x} at offset {part.offset + at}"
    return Fault((line, 1), (), said)


def not_printable(error: yaml.reader.ReaderError, part: Part) -> Fault:
    """The parser's only other reason to stop at a character; it counts bytes."""
    line = part.line + part.content.count(b"\n", 0, error.position)
    kind = "control character" if error.character < 0xA0 else "unprintable character"
    return Fault((line, 1), (), f"holds the {kind} U+{error.character:04X}")


_OPENING: Mapping[str, str] = {
    "while scanning a quoted scalar": "the quote that opens here is not closed",
    "while scanning a simple key": "expected a ':' after this key, or the text is not indented",
}
"""Faults that are best shown where they begin; the parser sees them lines later."""

_TAB = "a tab must not indent: use spaces"
_SAID: Mapping[str, str] = {
    "did not find expected ',' or ']'": "expected ',' or ']' in the list that opens in line {}",
    "did not find expected ',' or '}'": "expected ',' or '}}' in the mapping that opens in line {}",
    "did not find expected key": "expected a key of the mapping that begins in line {}",
    "did not find expected '-' indicator": "expected a '-' of the list that begins in line {}",
    "found a tab character that violates indentation": _TAB,
    "found a tab character where an indentation space is expected": _TAB,
    "mapping values are not allowed in this context": (
        "a ':' is not expected here: put text that holds one in quotes, or mind the indentation"
    ),
    "block sequence entries are not allowed in this context": (
        "a '-' is not expected here: begin the list in a line of its own"
    ),
}


def not_yaml(error: yaml.MarkedYAMLError, part: Part) -> Fault:
    """The parser's message for people who do not know how it works."""
    problem, context = str(error.problem), str(error.context)
    opened, at = error.context_mark, error.problem_mark or error.context_mark
    if opened and context in _OPENING:
        at, problem = opened, _OPENING[context]
    elif problem == "found character that cannot start any token":
        problem = _bad_start(part, at)
    elif problem in _SAID:
        problem = _SAID[problem].format(part.line + opened.line if opened else part.line)
    return Fault(_within(part, at), (), f"is not YAML: {problem}")


def _within(part: Part, at: yaml.Mark | None) -> Mark:
    """Where the parser stopped, or the last line where it stopped at the end."""
    lines = part.content.rstrip().splitlines()
    if at is None or at.line >= len(lines):
        return part.line + len(lines) - 1, 1
    return part.line + at.line, at.column + 1


def _bad_start(part: Part, at: yaml.Mark | None) -> str:
    found = part.content.decode()[at.index] if at else ""
    return _TAB if found == "\t" else f"a text must not begin with {found!r}: put it in quotes"
