"""What ``strace`` prints, as its options ``-f -ff -o -t -tt -ttt -r -T -i -n -y -Y`` lay it out.

``28093 openat(AT_FDCWD, "/dev/kvm", O_RDWR) = -1 ENOENT (No such file or directory) <0.000011>``
"""

from __future__ import annotations

import re

from webhook.documents.recordings.calls import NO_ANSWER, Call, Compat32, Event, Exit, error_of

_LINE = re.compile(
    rb"(?:\[pid +(?P<pid>\d+)(?:<[^<>]{0,64}>)?\]|(?P<first>\d+)(?:<[^<>]{0,64}>)?(?= ))? *"
    rb"(?:(?:\d\d:\d\d:\d\d(?:\.\d+)?(?: \(\+ *\d+\.\d+\))?|\d+\.\d+|\[ *\d+\]|\[[0-9a-f?]+\]) +)*"
    rb"(?:(?P<name>[a-z_][a-z0-9_]*)\("
    rb"|<\.\.\. (?P<resumed>[a-z_][a-z0-9_]*) resumed>"
    rb"|\+\+\+ (?:exited with (?P<status>\d+)|killed by [A-Z0-9_+ ()a-z]+) \+\+\+)"
)
_FAILED = re.compile(
    rb"\) += -1 (?P<error>E[A-Z0-9]+)(?: \([^()<>\"]*\))?(?: \([A-Z]+[^()<>\"]*\))?"
    rb"(?: <[\d.]+>)?$"
)
_ENDED = re.compile(rb"\) += (?:-?\d|0x|\?)")
_ATTACHED = re.compile(rb"(?:strace: )?Process \d+ attached$")
_BITS = re.compile(rb"\[ Process PID=(?P<pid>\d+) runs in (?P<bits>32|64|x32) ?bit mode\. \]")
_TAIL = 240
_MOST_WAITING = 65_536


class StraceReader:
    """Reads one recording, a line at a time; remembers the calls that wait to be resumed."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, tuple[bytes, bytes]] = {}
        self._broken: bytes | None = None
        """The thread whose line strace broke in two by a message of its own."""

    def read(self, line: bytes) -> Event | None:
        """What ``line`` says; None for what is no line of strace, or not all of a call yet."""
        match = _LINE.match(line)
        if match is None:
            return self._other(line)
        self._broken = None
        thread = match["pid"] or match["first"] or b""
        name = match["name"]
        if name is not None:
            return self._call(thread, name, line[match.end() :])
        if match["resumed"] is not None:
            return self._resumed(thread, match["resumed"], line[match.end() :])
        self._waiting.pop(thread, None)
        return Exit(thread=thread, status=int(match["status"][:9]) if match["status"] else -1)

    def rest(self) -> list[Call]:
        """The calls that never ended in the recording."""
        waiting, self._waiting = self._waiting, {}
        return [
            Call(name.decode(), arguments, NO_ANSWER, thread)
            for thread, (name, arguments) in waiting.items()
        ]

    def _call(self, thread: bytes, name: bytes, rest: bytes) -> Event | None:
        if rest.endswith((b" <unfinished ...>", b" <detached ...>")):
            self._wait(thread, name, rest[: rest.rindex(b" <")])
        elif rest.endswith(b" attached") and (message := _ATTACHED.search(rest)):
            self._wait(thread, name, rest[: message.start()])
            self._broken = thread
        else:
            return _answered(thread, name, rest)
        return None

    def _wait(self, thread: bytes, name: bytes, arguments: bytes) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self._waiting.clear()
        self._waiting[thread] = (name, arguments)

    def _resumed(self, thread: bytes, name: bytes, rest: bytes) -> Event | None:
        if not thread and thread not in self._waiting:
            # strace leaves the number out as soon as there is one process alone.
            thread = next((t for t, (waiting, _) in self._waiting.items() if waiting == name), b"")
        begun, arguments = self._waiting.pop(thread, (name, b""))
        return _answered(thread, begun, arguments + rest)

    def _other(self, line: bytes) -> Event | None:
        broken, self._broken = self._broken, None
        if broken is not None and broken in self._waiting and line != b" <unfinished ...>":
            name, arguments = self._waiting.pop(broken)
            return _answered(broken, name, arguments + line)
        return _compat(line)


def _answered(thread: bytes, name: bytes, rest: bytes) -> Call | None:
    tail = rest[-_TAIL:]
    failed = _FAILED.search(tail) if b"= -1 E" in tail else None
    if failed is None and _ENDED.search(rest) is None:
        return None
    error = error_of(failed["error"].decode()) if failed else ""
    if not error and rest.endswith(b" = ?"):
        error = NO_ANSWER
    return Call(name.decode(), rest, error, thread)


def _compat(line: bytes) -> Compat32 | None:
    match = _BITS.search(line) if b"[ Process PID=" in line else None
    if match is None:
        return None
    return Compat32(thread=match["pid"], begins=match["bits"] == b"32")
