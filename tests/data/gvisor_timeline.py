"""What gVisor's tables said over the releases, and from it what each release does: rows.

Input is the text of ``gvisor/history.tsv``, whose header explains its codes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from tests.data.gvisor_corrections import CORRECTIONS, Correction, Evidence
from webhook.core.syscalls import syscall_number
from webhook.core.versions import Version, parse_interval, parse_version
from webhook.documents.imports.gvisor_levels import TABLE_TELLS_FROM, Does, does

LEVELS_FROM = parse_version("20190722.1")
"""The first release whose table tells levels; before it, a row was there or not."""
VFS2_FROM, VFS2_UNTIL = parse_version("20211026.0"), TABLE_TELLS_FROM
"""The releases in which VFS2 was on and its rows were not yet in the table itself.

Before, ``--vfs2`` turned it on; from 20220516.0 on it could not be turned off.
"""
VFS2_DEFAULT = "b928a241e/20211021"
FIRST = parse_version("20180428")
"""The first public commit: it speaks for what was before it."""
ARM64_FROM = parse_version("20191104.0")
"""The first release with a table for arm64."""


class Seen(NamedTuple):
    """A code of the history and the commit (``HASH/DAY``) that brought it."""

    code: str
    commit: str = ""


Timeline = Mapping[Version, Seen]
"""What changed, by the first version that has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What releases from ``start`` on and before ``end`` do; None is open.

    ``commit`` is the one that made it so at ``start``, where one is known.
    """

    does: Does
    start: Version | None
    end: Version | None = None
    commit: str = ""
    evidence: tuple[Evidence, ...] = ()
    interpolated: bool = False

    def __contains__(self, version: Version) -> bool:
        after_start = self.start is None or self.start <= version
        return after_start and (self.end is None or version < self.end)


def read_history(text: str) -> dict[str, dict[str, Timeline]]:
    """Timelines by column (``amd64``, ``amd64/vfs2``, …) and call."""
    found: dict[str, dict[str, Timeline]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            column, _, name, *edges = line.split("\t")
            found.setdefault(column, {})[name] = dict(map(_edge, edges))
    return found


def _edge(text: str) -> tuple[Version, Seen]:
    where, _, code = text.partition(" ")
    version, _, commit = where.partition("@")
    return parse_version(version), Seen(code, commit)


def at(timeline: Timeline, version: Version) -> Seen:
    """What was so at ``version``, with the commit if it became so there."""
    past = [v for v in timeline if v <= version]
    if not past:
        return Seen("-")
    seen = timeline[max(past)]
    return seen if max(past) == version else Seen(seen.code)


def spans(name: str, printed: Timeline, vfs2: Timeline) -> list[Span]:
    """What every release does about ``name``, from the first one on, without gaps."""
    corrections = CORRECTIONS.get(name, ())
    cuts = {FIRST, *printed, *_bounds(corrections)}
    if vfs2:
        cuts |= {VFS2_FROM, VFS2_UNTIL, *(v for v in vfs2 if VFS2_FROM < v < VFS2_UNTIL)}
    found: list[Span] = []
    for cut in sorted(cuts):
        span = _span(cut, printed, vfs2, corrections)
        if found and _alike(found[-1], span):
            interpolated = found[-1].interpolated or span.interpolated
            found[-1] = replace(found[-1], interpolated=interpolated)
        else:
            found[-1:] = [replace(last, end=cut) for last in found[-1:]]
            found.append(span)
    return [replace(found[0], start=None, commit=""), *found[1:]]


def _alike(a: Span, b: Span) -> bool:
    return (a.does, a.evidence) == (b.does, b.evidence)


def _bounds(corrections: Sequence[Correction]) -> Iterator[Version]:
    for correction in corrections:
        interval = parse_interval(correction.versions)
        yield from (v for v in (interval.start, interval.end) if v is not None)


def _span(
    start: Version, printed: Timeline, vfs2: Timeline, corrections: Sequence[Correction]
) -> Span:
    seen = at(printed, start)
    for correction in corrections:
        if start in parse_interval(correction.versions):
            what, evidence = does(correction.code), correction.evidence
            return Span(start=start, does=what, commit=seen.commit, evidence=evidence)
    over = at(vfs2, start)
    if VFS2_FROM <= start < VFS2_UNTIL and over.code != "-":
        became = over.commit or (VFS2_DEFAULT if start == VFS2_FROM else "")
        return Span(start=start, does=does(over.code), commit=became)
    if seen.code != "I":
        return Span(start=start, does=does(seen.code), commit=seen.commit)
    level = does(at(printed, LEVELS_FROM).code)
    return Span(start=start, does=level, commit=seen.commit, interpolated=True)


class Row(NamedTuple):
    """One row to be written: like spans of one call, together."""

    feature: str
    arch: str
    does: Does
    spans: tuple[Span, ...]
    evidence: tuple[Evidence, ...]


def rows(history: Mapping[str, Mapping[str, Timeline]]) -> Iterator[Row]:
    """Every row, by amd64's number; arm64 has rows of its own only where it differs."""
    amd64, arm64 = history["amd64"], history["arm64"]
    for name in sorted(amd64, key=_number):
        base = spans(name, amd64[name], history["amd64/vfs2"].get(name, {}))
        yield from _grouped(name, "", base)
        if syscall_number(name, "arm64") is not None:
            own = spans(name, arm64.get(name, {}), history["arm64/vfs2"].get(name, {}))
            yield from _grouped(name, "arm64", differing(own, base))


def _number(name: str) -> int:
    number = syscall_number(name, "amd64")
    if number is None:
        raise ValueError(f"{name} has no number")
    return number


def differing(own: Sequence[Span], base: Sequence[Span]) -> list[Span]:
    """The parts of ``own``, from the first release for arm64 on, in which ``base`` does other."""
    edges = {span.start for span in (*own, *base) if span.start and span.start > ARM64_FROM}
    found: list[Span] = []
    for start, end in pairwise([ARM64_FROM, *sorted(edges), None]):
        assert start is not None  # only the last end is open
        mine = next(span for span in own if start in span)
        if mine.does == next(span for span in base if start in span).does:
            continue
        if found and found[-1].end == start and _alike(found[-1], mine):
            found[-1] = replace(found[-1], end=end)
        else:
            commit = mine.commit if mine.start == start else ""
            found.append(replace(mine, start=start, end=end, commit=commit))
    return found


def _grouped(name: str, arch: str, found: Sequence[Span]) -> Iterator[Row]:
    """Rows of spans that do the same; what nothing made so is proved by what ended it."""
    became = {span.start: span.commit for span in found}
    groups: dict[tuple[Does, tuple[Evidence, ...]], list[Span]] = {}
    for span in found:
        groups.setdefault((span.does, span.evidence), []).append(span)
    for (what, evidence), alike in groups.items():
        commits = [span.commit for span in alike if span.commit]
        ended = [became[span.end] for span in alike if became.get(span.end)]
        proof = evidence or tuple(_commit(c) for c in dict.fromkeys(commits or ended))[:2]
        yield Row(f"syscall:{name}", arch, what, tuple(alike), proof)


def _commit(text: str) -> Evidence:
    commit, _, day = text.partition("/")
    return Evidence("source", f"google/gvisor@{commit}", f"{day[:4]}-{day[4:6]}-{day[6:]}")
