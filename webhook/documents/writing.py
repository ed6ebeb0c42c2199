"""Plain values → the YAML of a document, as a person would write it and the strict reader reads it.

Written are mappings, lists, texts, numbers, booleans, days and nothing (``null``). What is read
back (``webhook.documents.source``) is what was given: a law of the tests.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

import yaml

from webhook.core.names import shown
from webhook.documents.source import WrittenFloat, WrittenInt

WIDTH = 100
_LONGEST_LIST = 72
_LONGEST_REMARK = 4096
_SURROGATE = re.compile("[\ud800-\udfff]")


def document_text(
    document: Mapping[str, Any],
    *,
    head: Sequence[str] = (),
    remarks: Mapping[tuple[str | int, ...], Sequence[str]] = MappingProxyType({}),
) -> str:
    """``document`` in block style, its keys in the order given, below ``head`` as comments.

    An entry of ``head`` is a paragraph, folded; an empty one is an empty comment line. Whatever it
    holds it stays a comment. ``remarks`` are such comments above what stands at a path, at its
    indentation. Half a surrogate pair, which YAML cannot say, becomes U+FFFD. Raises TypeError for
    values that no document holds.
    """
    written = yaml.dump(
        _written(document),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=WIDTH - 10,  # the dumper folds after the word that goes over it
    )
    return "".join(f"{line}\n" for line in _comments(head)) + _remarked(str(written), remarks)


def _remarked(written: str, remarks: Mapping[tuple[str | int, ...], Sequence[str]]) -> str:
    if not remarks:
        return written
    lines = written.splitlines(keepends=True)
    root: Any = yaml.compose(written, Loader=yaml.SafeLoader)
    at = {_line_of(root, path): paragraphs for path, paragraphs in remarks.items()}
    text = []
    for number, line in enumerate(lines):
        indent = line[: len(line) - len(line.lstrip(" "))]
        text += [f"{indent}{comment}\n" for comment in _comments(at.get(number, ()), len(indent))]
        text.append(line)
    return "".join(text)


def _line_of(root: Any, path: Sequence[str | int]) -> int:
    """The line of the key, or of the entry of a list, at ``path``. Raises KeyError for no such."""
    node, line = root, root.start_mark.line
    for part in path:
        if isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line
        else:
            found = {key.value: (key, value) for key, value in node.value}
            line, node = found[part][0].start_mark.line, found[part][1]
    return int(line)


def documents_text(documents: Iterable[Mapping[str, Any]], *, head: Sequence[str] = ()) -> str:
    """Each of ``documents`` as ``document_text`` writes it, with ``---`` between them.

    ``head`` stands once, above the first; without documents it is all there is.
    """
    comments = "".join(f"{line}\n" for line in _comments(head))
    return comments + "---\n".join(map(document_text, documents))


def _comments(head: Iterable[str], indent: int = 0) -> Iterator[str]:
    for paragraph in head:
        for line in paragraph.splitlines() or [""]:
            text = _comment_text(line)
            for part in textwrap.wrap(text, WIDTH - 2 - indent, break_on_hyphens=False) or [""]:
                yield f"# {part}".rstrip()


def _comment_text(line: str) -> str:
    """``line`` without what would end a comment or hide in it; quotes may stay as they are."""
    if len(line) <= _LONGEST_REMARK and line.isprintable():
        return line
    return shown(line, _LONGEST_REMARK)


class _Number(str):
    """A number by the text that it was written as."""

    __slots__ = ()


def _written(value: object) -> Any:
    """``value`` of the plain types that the dumper knows."""
    match value:
        case WrittenInt() | WrittenFloat():
            return _Number(value.text)
        case None | bool() | int() | float() | date():
            return value
        case str():
            return _SURROGATE.sub("\ufffd", str(value))
        case Mapping():
            return {_written(key): _written(entry) for key, entry in value.items()}
        case Sequence():
            return list(map(_written, value))
        case _:
            raise TypeError(f"a document cannot hold a {type(value).__name__}")


class _Dumper(yaml.SafeDumper):
    """Lists indented below their key, no aliases."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """The same for lists as for mappings."""
        del indentless
        super().increase_indent(flow=flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:
        """A reader of a review should not have to look elsewhere."""
        del data
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Lines as lines; what cannot be seen, escaped."""
    style = None
    if not all(char.isprintable() or char == "\n" for char in text):
        style = '"'
    elif "\n" in text:
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _number(dumper: _Dumper, number: _Number) -> yaml.ScalarNode:
    kind = "float" if "." in number else "int"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{kind}", str(number))


def _list(dumper: _Dumper, items: list[Any]) -> yaml.SequenceNode:
    """In one line where it is short and of scalars only."""
    node = dumper.represent_sequence("tag:yaml.org,2002:seq", items)
    lengths = [
        len(item.value) + 2 if isinstance(item, yaml.ScalarNode) else WIDTH for item in node.value
    ]
    node.flow_style = sum(lengths) <= _LONGEST_LIST
    return node


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)
_Dumper.add_representer(_Number, _number)
