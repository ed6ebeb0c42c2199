"""Markdown that says just what a text says: tables, paragraphs, footnotes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from webhook.cli.compat_words import one_line, releases_text, source_link
from webhook.core.applications import Evidence
from webhook.core.versions import ALL_VERSIONS, IntervalSet

PROVENANCE = (
    "<!-- Rendered from webhook/data/compat by `make docs`: edit the data, not this page. -->"
)


class Footnotes:
    """The sources of a page, each numbered once."""

    def __init__(self) -> None:
        self._numbers: dict[Evidence, int] = {}

    def of(self, evidence: Iterable[Evidence]) -> str:
        """The marks of some sources."""
        return "".join(
            f"[^{self._numbers.setdefault(e, len(self._numbers) + 1)}]" for e in evidence
        )

    def lines(self) -> Iterator[str]:
        """The sources themselves."""
        for entry, number in self._numbers.items():
            tested = f", tested {escaped(entry.tested)}" if entry.tested else ""
            yield f"[^{number}]: {entry.kind}, {entry.date}{tested}: {_source(entry.source)}"


def _source(source: str) -> str:
    link, text = source_link(source), escaped(one_line(source))
    if link is None:
        return text
    return f"<{link}>" if link == source else f"[{text}]({link})"


_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_[]|~"} | {"<": "&lt;", "&": "&amp;"})


def escaped(text: str) -> str:
    """``text`` as Markdown that says just that, in one line."""
    return one_line(text).translate(_SPECIAL)


def code(text: str) -> str:
    """``text`` as code, also in a table."""
    return f"`{text.replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def releases_cell(releases: IntervalSet) -> str:
    """Releases as code; all of them as that word."""
    return "all" if releases == ALL_VERSIONS else code(releases_text(releases))


def wrapped(text: str, indent: str = "") -> list[str]:
    """A paragraph in lines that a review can read."""
    return wrap(text, 110, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def table_lines(head: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A Markdown table; the cells are Markdown already."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def document(lines: Iterable[str]) -> str:
    """The lines as a file."""
    return "\n".join(lines) + "\n"
