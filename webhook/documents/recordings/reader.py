"""Any recording, line by line, whichever tool wrote it: each line is asked what it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from webhook.documents.recordings.calls import (
    THE_KERNELS_OWN,
    Call,
    Compat32,
    Event,
    Marked,
)
from webhook.documents.recordings.runsc import RunscReader
from webhook.documents.recordings.strace import StraceReader
from webhook.documents.recordings.summary import SummaryReader
from webhook.documents.recordings.wrapping import inner_lines


class Format(StrEnum):
    """What a recording can be."""

    STRACE = "strace"
    SUMMARY = "strace-summary"
    RUNSC = "runsc"
    UNSUPPORTED = "runsc-unsupported"
    SECCOMP = "seccomp"


TITLES: Mapping[Format, str] = {
    Format.STRACE: "strace",
    Format.SUMMARY: "the summary of strace -c",
    Format.RUNSC: "runsc's strace",
    Format.UNSUPPORTED: "what runsc calls unsupported",
    Format.SECCOMP: "a seccomp profile",
}
LINE_FORMATS = (Format.STRACE, Format.SUMMARY, Format.RUNSC, Format.UNSUPPORTED)
_MOST_KEPT = 4_096
_OF_A_SUMMARY = b"-c"
"""In place of a thread: a summary has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a recording turned out to be: the formats in which it told calls, and how many."""

    events: tuple[Event, ...]
    """What is known only now: calls without an end, and what was told in one way only."""
    calls: Mapping[Format, int]


class RecordingReader:
    """Reads one recording. ``only`` limits what lines are taken for.

    What stands in it twice counts once: the summary that ``strace -C`` adds to its lines, and the
    unsupported calls of a debug log that holds runsc's own strace too.
    """

    def __init__(self, only: Format | None = None) -> None:
        self._wanted = {only} if only else set(LINE_FORMATS)
        self._strace, self._runsc, self._summary = StraceReader(), RunscReader(), SummaryReader()
        self._counts: Counter[Format] = Counter()
        self._kept: dict[Format, Counter[Call]] = {f: Counter() for f in LINE_FORMATS}

    def read(self, line: bytes) -> Iterator[Event]:
        """What a line says, in as many events as it takes."""
        for inner in inner_lines(line):
            yield from self._inner(inner)

    def end(self) -> Ended:
        """The last events, once there is no further line."""
        last: list[Event] = []
        for form, rest in (
            (Format.STRACE, self._strace.rest()),
            (Format.RUNSC, self._runsc.rest()),
        ):
            self._counts[form] += len(rest)
            last += rest
        if not self._counts[Format.STRACE]:
            last += self._told_once(Format.SUMMARY)
        if not self._counts[Format.RUNSC]:
            last += self._told_once(Format.UNSUPPORTED)
        told = {form: count for form, count in self._counts.items() if count}
        return Ended(events=tuple(last), calls=told)

    def _told_once(self, form: Format) -> Iterator[Call]:
        for call, number in self._kept[form].items():
            self._counts[form] += number
            yield call._replace(number=number)

    def _inner(self, line: bytes) -> Iterable[Event]:
        if Format.STRACE in self._wanted:
            event = self._strace.read(line)
            if event is not None:
                self._counts[Format.STRACE] += _is_call(event)
                return (event,)
        compat32 = self._summary.compat32
        if Format.SUMMARY in self._wanted and self._summarised(line):
            begins = self._summary.compat32 and not compat32
            return (Compat32(_OF_A_SUMMARY, begins=True),) if begins else ()
        if self._wanted & {Format.RUNSC, Format.UNSUPPORTED}:
            return self._by_runsc(line)
        return ()

    def _summarised(self, line: bytes) -> bool:
        calls = self._summary.read(line)
        for call in calls or ():
            if not self._summary.compat32:
                self._keep(Format.SUMMARY, call._replace(number=1), call.number)
        return calls is not None

    def _by_runsc(self, line: bytes) -> Iterator[Event]:
        for event in self._runsc.read(line) or ():
            if isinstance(event, Marked):
                self._keep(Format.UNSUPPORTED, event.call, 1)
            else:
                self._counts[Format.RUNSC] += _is_call(event)
            yield event

    def _keep(self, form: Format, call: Call, number: int) -> None:
        kept = self._kept[form]
        if call in kept or len(kept) < _MOST_KEPT:
            kept[call] += number


def _is_call(event: Event) -> bool:
    return isinstance(event, Call) and event.name != THE_KERNELS_OWN
