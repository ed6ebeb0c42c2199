"""A YAML file cut into its documents before any of them is parsed."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass

# `---` at the beginning of a line ends a document whatever is open there, and `...` ends it too.
_CUT = re.compile(rb"^(?:---(?=[ \t\r\n]|\Z)|\.\.\.(?:[ \t][^\n]*|\r)?(?:\n|\Z))", re.MULTILINE)
# A line that is more than a marker, a comment or blank.
_CONTENT = rb"^(?!(?:---|\.\.\.)(?:[ \t\r]+#[^\n]*|[ \t\r]*)(?:\n|\Z))[ \t\r]*[^ \t\r\n#%s]"
_BEFORE_MARK = re.compile(_CONTENT % b"%", re.MULTILINE)
_AFTER_MARK = re.compile(_CONTENT % b"", re.MULTILINE)
# Files put together with --- between them: libyaml takes the second one's byte order mark for a
# character of its first line, kubectl passes over it.
_MARK_AND_BOM = re.compile(rb"---[ \t]*\r?\n" + BOM_UTF8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a file holds between two ``---`` lines; ``line`` and ``offset`` are where it begins."""

    content: bytes
    line: int
    offset: int


def parts(content: bytes) -> Iterator[Part]:
    """``content`` cut where documents end, without parts that hold only comments and directives.

    Each is read on its own, so that one that is broken hides no other.
    """
    begin, line = len(BOM_UTF8) if content.startswith(BOM_UTF8) else 0, 1
    for end in [*map(_cut_at, _CUT.finditer(content)), len(content)]:
        if marked := _MARK_AND_BOM.match(content, begin, end):
            begin, line = marked.end(), line + 1
        part = content[begin:end]
        # Directives (%YAML) stand before the mark of the document that they are for.
        if (_AFTER_MARK if part.startswith(b"---") else _BEFORE_MARK).search(part):
            yield Part(content=part, line=line, offset=begin)
        line += part.count(b"\n")
        begin = end


def _cut_at(match: re.Match[bytes]) -> int:
    """Before ``---``, which begins a document; after ``...``, which ends one."""
    return match.end() if match[0].startswith(b".") else match.start()
