"""Releases and sets of releases, for dated (gVisor) and dotted (everything else) version numbers.

Support can come, go and come back, so a set of releases is a union of closed-open intervals.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import total_ordering
from itertools import pairwise

_DATED = re.compile(
    r"(?:release-|0\.0~|v?0\.0\.0-)?(?P<date>20[0-9]{6})(?:(?P<time>[0-9]{6})(?:-[0-9a-f]+)?)?"
    r"(?:\.(?P<patch>[0-9]{1,4}))?(?:[-+~].*)?"
)
_DOTTED = re.compile(
    r"v?(?P<release>[0-9]{1,9}(?:\.[0-9]{1,9}){0,5})"
    r"(?:[-.~]?(?P<pre>alpha|beta|rc|pre|a|b)[-.]?(?P<number>[0-9]{0,6}))?(?:[-+~].*)?"
)
_PRE_RANK = {"alpha": 0, "a": 0, "pre": 1, "beta": 1, "b": 1, "rc": 2}
_FINAL = 3
_TERM = re.compile(r"(?P<operator>>=|<)(?P<version>\S+)")


class VersionError(ValueError):
    """A text is no version, or no set of versions; the message says what is allowed."""


@total_ordering
@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One release: the text as written, compared by its number alone.

    ``release-20240729.0``, ``0.0~20240729.0`` (Debian), ``v0.0.0-20260905035102-160fafc42237`` (a
    Go pseudo-version) and ``20240729`` are dated; ``4.1.0``, ``v1.1.5+ds1`` and ``2.4.0-beta.0``
    are dotted. A dated release is its date and patch; a pre-release is before its release.
    """

    text: str = field(compare=False)
    key: tuple[tuple[int, ...], int, int]

    def __str__(self) -> str:
        return self.text

    def __lt__(self, other: "Version") -> bool:
        return self.key < other.key

    @property
    def date(self) -> str | None:
        """``2024-07-29`` for a dated release, else None."""
        first = self.key[0][0]
        if first < 20_000_000:
            return None
        digits = str(first)
        return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def parse_version(text: str) -> Version:
    """Return the Version that ``text`` writes; raises VersionError."""
    if len(text) <= 64:
        if match := _DATED.fullmatch(text):
            number = (int(match["date"]), int(match["patch"] or 0))
            return Version(text=text, key=(_trimmed(number), _FINAL, 0))
        if match := _DOTTED.fullmatch(text):
            numbers = tuple(int(part) for part in match["release"].split("."))
            rank = _PRE_RANK.get(match["pre"] or "", _FINAL)
            return Version(text=text, key=(_trimmed(numbers), rank, int(match["number"] or 0)))
    raise VersionError(
        f"must be a version such as 20260817.0, 4.1.0 or 2.4.0-beta.0, not {text[:64]!r}"
    )


def _trimmed(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Without trailing zeros: 4.1 and 4.1.0 are one release."""
    end = len(numbers)
    while end > 1 and numbers[end - 1] == 0:
        end -= 1
    return numbers[:end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Releases from ``start`` on and before ``end``; None is open."""

    start: Version | None
    end: Version | None

    def __contains__(self, version: Version) -> bool:
        if self.start is not None and version < self.start:
            return False
        return self.end is None or version < self.end

    def __str__(self) -> str:
        parts = []
        if self.start is not None:
            parts.append(f">={self.start}")
        if self.end is not None:
            parts.append(f"<{self.end}")
        return " ".join(parts) or "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalSet:
    """A union of closed-open intervals, in order and disjoint."""

    intervals: tuple[Interval, ...]

    def __contains__(self, version: Version) -> bool:
        return any(version in interval for interval in self.intervals)

    def __str__(self) -> str:
        return ", ".join(str(interval) for interval in self.intervals)

    def overlaps(self, other: "IntervalSet") -> bool:
        """Whether some release could be in both."""
        return any(_meet(a, b) for a in self.intervals for b in other.intervals)

    def boundaries(self) -> tuple[Version, ...]:
        """Every release at which membership changes, in order."""
        edges = {edge for i in self.intervals for edge in (i.start, i.end) if edge is not None}
        return tuple(sorted(edges))


ALL_VERSIONS = IntervalSet(intervals=(Interval(start=None, end=None),))


def parse_interval(text: str) -> Interval:
    """``>=A``, ``<B``, ``>=A <B`` or ``*`` → Interval; raises VersionError."""
    if text.strip() == "*":
        return Interval(start=None, end=None)
    edges: dict[str, Version] = {}
    for term in text.split():
        match = _TERM.fullmatch(term)
        if match is None or match["operator"] in edges:
            raise VersionError(f'must be like ">=A <B", ">=A", "<B" or "*", not {text[:80]!r}')
        edges[match["operator"]] = parse_version(match["version"])
    if not edges:
        raise VersionError('must be like ">=A <B", ">=A", "<B" or "*", not empty')
    interval = Interval(start=edges.get(">="), end=edges.get("<"))
    if interval.start is not None and interval.end is not None and interval.end <= interval.start:
        raise VersionError(f"holds no release: {text!r} ends where it starts or before")
    return interval


def interval_set(intervals: Iterable[Interval]) -> IntervalSet:
    """The union of ``intervals``; raises VersionError where two of them overlap."""
    ordered = sorted(intervals, key=_start_key)
    for left, right in pairwise(ordered):
        if _meet(left, right):
            raise VersionError(f"{left} and {right} overlap")
    return IntervalSet(intervals=tuple(ordered))


def _start_key(interval: Interval) -> tuple[int, tuple[tuple[int, ...], int, int]]:
    if interval.start is None:
        return (0, ((), 0, 0))
    return (1, interval.start.key)


def _meet(a: Interval, b: Interval) -> bool:
    starts_before_end = b.end is None or a.start is None or a.start < b.end
    ends_after_start = a.end is None or b.start is None or b.start < a.end
    return starts_before_end and ends_after_start
