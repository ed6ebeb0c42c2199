"""The commands of the pages: fenced ``console`` blocks, read from Markdown.

A command begins with ``$ ``; it goes on over lines that end with a backslash and to the end of a
here-document. The lines after it, if any, are what it prints; ``…`` stands for anything in a line,
and alone on a line for any lines. The word after ``console`` says where the block runs:

- nothing: in a copy of the checkout, the blocks of a page in order;
- ``cluster``: there too, with kubectl and a real API server that the gate is registered at;
- ``manual``, and then the reason: nowhere; what is counted and bounded.
"""

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
MANUAL = "manual"
CLUSTER = "cluster"
PLAIN = ""
KINDS = frozenset({PLAIN, CLUSTER, MANUAL})

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+)(?P<info>[^`]*)$")
_HEREDOC = re.compile(r"<<-?\s*'?(?P<word>\w+)'?")
_ANY = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command; ``printed`` is None where the page shows no output."""

    line: int
    text: str
    printed: tuple[str, ...] | None
    kind: str
    reason: str = ""


def pages() -> tuple[Path, ...]:
    """Every Markdown file of the checkout that is written for people, by its path from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return tuple(Path(name) for name in sorted(set(listed)) if (ROOT / name).exists())


def fences(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Every fenced block: the line of its fence, its info string, its lines without indent."""
    opened: tuple[int, str, str, int] | None = None
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        found = _FENCE.match(line)
        if opened is None:
            if found:
                opened = number, found["info"].strip(), found["fence"], len(found["indent"])
                lines = []
        elif found and found["fence"] == opened[2] and not found["info"].strip():
            yield opened[0], opened[1], lines
            opened = None
        else:
            lines.append(line[opened[3] :])
    if opened is not None:
        raise ValueError(f"line {opened[0]}: the block is never closed")


def commands(text: str) -> Iterator[Command]:
    """The commands of a page in order. Raises ValueError for a block that is not as said above."""
    for number, info, lines in fences(text):
        word, _, rest = info.partition(" ")
        if word != "console":
            continue
        kind, _, reason = rest.strip().partition(" ")
        if kind not in KINDS or (kind == MANUAL) != bool(reason.strip()):
            raise ValueError(
                f"line {number}: must be console, console cluster or console manual and a reason, "
                f"not {info!r}"
            )
        yield from _commands(number, lines, kind, reason.strip())


def _commands(at: int, lines: Sequence[str], kind: str, reason: str) -> Iterator[Command]:
    numbered = list(enumerate(lines, at + 1))
    while numbered:
        number, first = numbered.pop(0)
        if not first.startswith("$ "):
            raise ValueError(f"line {number}: a command begins with '$ ', this is {first!r}")
        typed = [first.removeprefix("$ ")]
        end = _HEREDOC.search(first)
        while numbered and (typed[-1].endswith("\\") or end):
            typed.append(numbered.pop(0)[1])
            if end and typed[-1] == end["word"]:
                break
        shown = []
        while numbered and not numbered[0][1].startswith("$ "):
            shown.append(numbered.pop(0)[1])
        while shown and not shown[-1].strip():
            shown.pop()
        yield Command(
            line=number,
            text="\n".join(typed),
            printed=tuple(shown) if shown else None,
            kind=kind,
            reason=reason,
        )


def matches(expected: Sequence[str], printed: str) -> bool:
    """Whether what was printed is what the page shows."""
    parts = []
    for line in expected:
        if line.strip() == _ANY:
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append(".*".join(re.escape(part.rstrip()) for part in line.split(_ANY)) + r" *\n")
    text = "".join(line.rstrip() + "\n" for line in printed.rstrip().splitlines())
    return re.fullmatch("".join(parts), text) is not None
