"""What gVisor's ``runsc`` writes into its logs: its own strace, and the calls that it has not.

``I1123 14:25:28.977307   23142 strace.go:599] [   1:   1] cat X brk(0x0) = 1234 (0x4d2) (8µs)``
``I1123 14:40:01.495633   28190 compat.go:120] Unsupported syscall rseq(0x7e,0x20,0x0). It is …``
"""

from __future__ import annotations

import re

from webhook.documents.recordings.calls import NO_ANSWER, Call, Event, Exit, Marked, error_name

_STRACE = re.compile(
    rb"strace\.go:\d+\] \[ *(?P<pid>\d+): *(?P<tid>\d+)\] .{0,16}? (?P<way>[EX]) "
    rb"(?P<name>[A-Za-z0-9_]+|UNKNOWN\[\d+/0x[0-9a-f]+\])\("
)
_ERROR = re.compile(rb"\) = .{0,64} errno=(?P<number>\d{1,4}) \([^()]{0,80}\) \([^()]{0,24}\)$")
_UNSUPPORTED = re.compile(
    rb"Unsupported syscall (?P<name>[a-z0-9_]{1,40})\((?P<arguments>[^()]*)\)"
)
_STATUS = re.compile(rb"0x(?P<status>[0-9a-f]{1,8})")
_TAIL = 320
_MOST_WAITING = 65_536


class RunscReader:
    """Reads one debug or user log, a line at a time; remembers the calls that have not ended."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, Call] = {}

    def read(self, line: bytes) -> list[Event] | None:
        """What ``line`` says; None for what is no such line."""
        at = line.find(b"strace.go:")
        if at >= 0:
            match = _STRACE.match(line, at)
            return None if match is None else self._strace(match, line[match.end() :])
        marked = _UNSUPPORTED.search(line) if b"Unsupported syscall " in line else None
        if marked is None:
            return None
        return [Marked(Call(marked["name"].decode(), marked["arguments"], NO_ANSWER))]

    def rest(self) -> list[Call]:
        """The calls that never ended in the recording."""
        waiting, self._waiting = self._waiting, {}
        return list(waiting.values())

    def _strace(self, match: re.Match[bytes], rest: bytes) -> list[Event]:
        # The process stands for its threads: their end is not logged where it ends.
        name, process, thread = match["name"].decode(), match["pid"], match["tid"]
        if match["way"] == b"E":
            return self._begun(Call(name, rest, NO_ANSWER, process), thread)
        self._waiting.pop(thread, None)
        error = _ERROR.search(rest[-_TAIL:]) if b"errno=" in rest else None
        return [Call(name, rest, error_name(int(error["number"])) if error else "", process)]

    def _begun(self, call: Call, thread: bytes) -> list[Event]:
        if call.name == "exit_group" or (call.name == "exit" and thread == call.thread):
            status = _STATUS.match(call.arguments)
            return [call, Exit(call.thread, int(status["status"], 16) if status else 0)]
        if len(self._waiting) >= _MOST_WAITING:
            self._waiting.clear()
        self._waiting[thread] = call
        return []
