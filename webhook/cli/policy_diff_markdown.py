"""A difference of policies as the comment of a pull request: a summary, details to unfold. Pure.

Its length is bounded, as a comment's is. What a tenant wrote stands in code: there Markdown, HTML,
mentions and links mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from webhook.cli.difference_survey import Entry
from webhook.cli.markdown import code, escaped
from webhook.cli.policy_diff_report import (
    TITLES,
    UNGOVERNED,
    Report,
    details,
    documents_told,
    looked_at,
    pods_of,
    subject,
    summed,
    workloads_of,
)
from webhook.core.difference import Kind
from webhook.core.names import shown

MOST_BYTES = 65_000
"""GitHub takes 65,536 characters; counted as UTF-8 so that it holds however it counts them."""
_UNFOLDED = frozenset({Kind.NEWLY_REFUSED})
_HEAD = "| namespace | workload | pods | what changes |\n|---|---|---|---|"
_FOR_A_CUT = 120
MARK = "<!-- runtimegate policy diff -->"
"""The first line: by it the next run finds the comment that it replaces."""


def markdown(report: Report, most_bytes: int = MOST_BYTES) -> str:
    """The comment, of at most ``most_bytes`` bytes; of what does not fit, the count."""
    head, foot = "\n".join(_head(report)), "\n".join(("", *_foot(report)))
    found = [(kind, entries) for kind in Kind if (entries := report.of(kind))]
    frames = {kind: _frame(kind, entries) for kind, entries in found}
    # Every section keeps its heading and its counts, whatever the one before it holds.
    reserved = sum(_size(text) + _FOR_A_CUT for frame in frames.values() for text in frame)
    room = most_bytes - _size(head) - _size(foot) - reserved
    parts = [head]
    for kind, entries in found:
        opening, closing = frames[kind]
        rows, room = _rows(entries, room)
        parts += [opening, *rows, closing]
    return "\n".join([*parts, foot]) + "\n"


def _size(text: str) -> int:
    return len(text.encode()) + 1


def _head(report: Report) -> Iterator[str]:
    yield MARK
    yield f"### runtimegate: {_verdict(report)}"
    yield ""
    yield f"{_side(str(report.old))} → {_side(str(report.new))}"
    yield ""
    if any(report.of(kind) for kind in Kind):
        yield "| | workloads | pods |"
        yield "|---|---|---|"
        for kind in Kind:
            if entries := report.of(kind):
                yield f"| {TITLES[kind]} | {workloads_of(entries)} | {pods_of(entries) or '–'} |"
        yield ""
    yield from (f"- {escaped(line)}" for line in documents_told(report))
    yield f"- {escaped(looked_at(report))}"


def _verdict(report: Report) -> str:
    """The whole in a headline."""
    refused, allowed = report.of(Kind.NEWLY_REFUSED), report.of(Kind.NEWLY_ALLOWED)
    if refused:
        return f"newly refused: {summed(refused)}"
    if allowed:
        return f"nothing newly refused; newly allowed: {summed(allowed)}"
    if report.entries:
        return f"nothing newly refused; changed otherwise: {summed(report.entries)}"
    return "nothing changes" if report.whole else "nothing changes in what could be looked at"


def _side(text: str) -> str:
    return code(text)


def _frame(kind: Kind, entries: Sequence[Entry]) -> tuple[str, str]:
    unfolded = " open" if kind in _UNFOLDED else ""
    title = TITLES[kind][0].upper() + TITLES[kind][1:]
    return (
        f"\n<details{unfolded}><summary><b>{title}</b>: {summed(entries)}</summary>",
        "\n</details>",
    )


def _rows(entries: Sequence[Entry], room: int) -> tuple[list[str], int]:
    """The tables of a section as far as there is room, and the room that is left."""
    lines: list[str] = []
    told = 0
    for policy, of_policy in groupby(entries, key=lambda entry: entry.policy):
        opening = f"\n{f'policy {code(shown(policy, 100))}' if policy else UNGOVERNED}\n\n{_HEAD}"
        for number, entry in enumerate(of_policy):
            text = _row(entry) if number else f"{opening}\n{_row(entry)}"
            if _size(text) > room:
                return [*lines, _cut(entries[told:])], 0
            lines.append(text)
            room -= _size(text)
            told += 1
    return lines, room


def _cut(left: Sequence[Entry]) -> str:
    return f"\n… and {summed(left)} more, for which a comment has no room; `-o json` has them all."


def _row(entry: Entry) -> str:
    said = "<br>".join(
        f"{escaped(words)} {code(text)}" if words else code(text) for words, text in details(entry)
    )
    cells = (
        code(shown(entry.workload.namespace, 63)),
        code(subject(entry)),
        str(entry.pods or "–"),
        said,
    )
    return f"| {' | '.join(cells)} |"


def _foot(report: Report) -> Iterator[str]:
    for title, lines in (
        ("Not looked at", [str(entry) for entry in report.missing]),
        ("Not read", [str(error) for error in report.errors]),
    ):
        if lines:
            few = lines[:_MOST_TOLD]
            yield f"**{title}**, so that more may change:"
            yield ""
            yield from (f"- {code(line)}" for line in few)
            if len(lines) > len(few):
                yield f"- and {len(lines) - len(few)} more"
            yield ""
    yield "<sub>Pods that run stay as they are until something makes them anew.</sub>"


_MOST_TOLD = 20
