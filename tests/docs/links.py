"""The links of the pages, and the anchors of their headings as a forge makes them."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.blocks import ROOT

_LINK = re.compile(
    r"(?<!!)\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^()\s]+(?:\([^()]*\))?[^()\s]*)\)"
)
_CODE = re.compile(r"(`+)(?:.+?)\1")
_HEADING = re.compile(r"^#{1,6} +(?P<text>.+?)(?: +#+)?$")
_NOT_IN_ANCHOR = re.compile(r"[^\w\- ]")
_MARKUP = re.compile(r"\[([^\]]*)\]\([^)]*\)|[*`]")


def prose(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a page that are in no fenced block."""
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"^ *(```+)", line)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
        elif not fence:
            yield number, line


def links(text: str) -> Iterator[tuple[int, str]]:
    """Every target of a link with its line."""
    for number, line in prose(text):
        for found in _LINK.finditer(_CODE.sub(lambda code: "x" * len(code[0]), line)):
            yield number, found["target"]


def anchors(text: str) -> frozenset[str]:
    """The anchors of a page's headings; of several that read alike the later get a number."""
    seen: dict[str, int] = {}
    found = set()
    for _, line in prose(text):
        heading = _HEADING.match(line)
        if not heading:
            continue
        plain = _MARKUP.sub(lambda part: part[1] or "", heading["text"])
        anchor = _NOT_IN_ANCHOR.sub("", plain.lower()).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if anchor in seen else anchor)
        seen[anchor] = seen.get(anchor, 0) + 1
    return frozenset(found)


def broken(page: Path) -> list[str]:
    """What is wrong with the links of a page that lead to this checkout."""
    text = (ROOT / page).read_text()
    return [f"{page}:{number}: {target}" for number, target in links(text) if _breaks(page, target)]


def _breaks(page: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return False
    name, _, anchor = target.partition("#")
    path = (ROOT / page.parent / name).resolve() if name else ROOT / page
    if not path.exists() or not path.is_relative_to(ROOT):
        return True
    return bool(anchor) and (path.suffix != ".md" or anchor not in anchors(path.read_text()))
