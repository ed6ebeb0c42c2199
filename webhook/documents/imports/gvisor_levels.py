"""What the levels in gVisor's system call table mean: the one place that knows.

A row is a code, whether it was read in gVisor's source (``tests/data/read_gvisor_tables.py``) or in
what ``runsc help syscalls`` prints:

- ``-`` not in the table (ENOSYS); ``F`` full; ``P`` partial, and what it lacks; ``S`` partial by
  being a stub; ``Z`` always succeeds and does nothing; ``E`` always this errno; ``C`` EPERM without
  this capability, ENOSYS with it; ``G FLAG=VALUE SUPPORT: NOTE`` off without a flag; ``?`` unknown.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from webhook.core.versions import parse_version
from webhook.documents.imports.gvisor_phrases import phrase

TABLE_TELLS_FROM = parse_version("20221122.0")
"""The first release whose printed table is the one that runs.

Before, VFS2 replaced rows of it at start-up, first with a flag, from 20211026.0 on by default
(google/gvisor ed35016d9).
"""

NOT_AS_PRINTED: Mapping[str, str] = {
    "afs_syscall": "a test in gVisor's own builds, ENOSYS otherwise",
    "clock_settime": "the handler answers EPERM, and so it was measured",
    "io_cancel": "the handler answers ENOSYS",
    "readahead": "the handler answers EINVAL, and so it was measured",
    "rseq": "ENOSYS on every platform before 20260105.0, as measured",
}
"""Calls that gVisor's table says more of than their handlers do, and what these do."""


class Does(NamedTuple):
    """What a row says: support, note, and a gate as ``FLAG=VALUE SUPPORT``."""

    support: str
    note: str = ""
    gate: str = ""


_PLAIN: Mapping[str, Does] = {
    "-": Does("absent", "answers ENOSYS"),
    "E ENOSYS": Does("absent", "answers ENOSYS"),
    "F": Does("full"),
    "Z": Does("stub", "succeeds without effect"),
    "?": Does("unknown", "lies between two versions read: only the later has the call"),
}


def does(code: str) -> Does:
    """What a code says of the call."""
    kind, _, words = code.partition(" ")
    match kind:
        case "P":
            return Does("partial", _short(words))
        case "S":
            return Does("stub", words)
        case "C":
            return Does("errno", f"answers EPERM without {words}, ENOSYS with it")
        case "E" if words != "ENOSYS":
            return Does("errno", f"answers {words}")
        case "G":
            gate, _, note = words.partition(": ")
            return Does("gated", note, gate)
        case _:
            return _PLAIN[code]


def _short(words: str) -> str:
    """With a first sentence of at most 70 characters: it stands in refusals."""
    if len(words) <= 70 or not words.startswith("lacks "):
        return words
    return f"lacks some of its flags. It lacks {words.removeprefix('lacks ')}."


FULL, PARTIAL, UNIMPLEMENTED = "Full Support", "Partial Support", "Unimplemented"
"""The levels that ``runsc help syscalls`` prints."""

# google/gvisor@release-20260817.0:pkg/errors/linuxerr/linuxerr.go: its words for the errnos.
_ERRNOS: Mapping[str, str] = {
    "operation not permitted": "EPERM",
    "no such file or directory": "ENOENT",
    "no such process": "ESRCH",
    "no such device or address": "ENXIO",
    "bad file number": "EBADF",
    "try again": "EAGAIN",
    "permission denied": "EACCES",
    "no such device": "ENODEV",
    "invalid argument": "EINVAL",
    "not a typewriter": "ENOTTY",
    "no space left on device": "ENOSPC",
    "invalid system call number": "ENOSYS",
    "operation not supported on transport endpoint": "EOPNOTSUPP",
    "protocol not supported": "EPROTONOSUPPORT",
}
_RETURNS = re.compile(
    r'Returns "(?P<error>[^"]+)"'
    r'(?: if the process does not have (?P<capability>CAP_[A-Z_]{1,40}); "[^"]+" otherwise)?\.?$'
)
_WITH_EXCEPTIONS = "Generally supported with exceptions. "
_LONGEST_NOTE = 300


def printed_code(support: str, note: str) -> str:
    """The code of a row that ``runsc help syscalls`` prints.

    A note in words that nobody has met yet is kept in gVisor's own.
    """
    if support == FULL:
        return "F"
    if support == PARTIAL:
        try:
            return phrase(note)
        except ValueError:
            said = note.removeprefix(_WITH_EXCEPTIONS)[:_LONGEST_NOTE]
            return f"P supports it in part: {said}" if said else "P supports it in part"
    match = _RETURNS.search(note)
    if match is None:
        return "E an error"
    if match["capability"]:
        return f"C {match['capability']}"
    return f"E {_ERRNOS.get(match['error'], match['error'][:_LONGEST_NOTE])}"
