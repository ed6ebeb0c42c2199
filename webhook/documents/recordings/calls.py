"""What one line of a recording says, whichever tool wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

REFUSALS: Mapping[int, str] = {
    1: "EPERM", 2: "ENOENT", 6: "ENXIO", 13: "EACCES", 19: "ENODEV", 22: "EINVAL", 38: "ENOSYS",
    92: "ENOPROTOOPT", 93: "EPROTONOSUPPORT", 94: "ESOCKTNOSUPPORT", 95: "EOPNOTSUPP",
    97: "EAFNOSUPPORT",
}  # fmt: skip
"""Linux's numbers of the errors that may mean "not here"; all other errors are daily life."""
OTHER_ERROR = "another error"
NO_ANSWER = "no answer"
"""The call was made; the recording does not hold, or does not tell, how it ended."""

THE_KERNELS_OWN = "restart_syscall"
"""How Linux goes on with a call after a signal: no program makes it."""


class Call(NamedTuple):
    """One call of one thread. ``error`` is empty where it succeeded, else an errno's name.

    ``name`` is as it was printed and ``arguments`` is the line's own text: neither may be copied
    into anything that is written.
    """

    name: str
    arguments: bytes = b""
    error: str = ""
    thread: bytes = b""
    number: int = 1


class Exit(NamedTuple):
    """A thread ended; ``status`` is what it said, -1 for a signal."""

    thread: bytes
    status: int


class Marked(NamedTuple):
    """A runtime's own line that a call is not supported: the call may stand in another line too."""

    call: Call


class Compat32(NamedTuple):
    """A thread began, or ended, to run as a 32-bit program."""

    thread: bytes
    begins: bool


Event = Call | Exit | Marked | Compat32
"""What a line says."""


def error_name(number: int) -> str:
    """The name of an errno of Linux that may mean "not here"."""
    return REFUSALS.get(number, OTHER_ERROR)


_NAMES = frozenset(REFUSALS.values())


def error_of(name: str) -> str:
    """An errno's printed name, as ``Call.error`` has it."""
    name = "EOPNOTSUPP" if name == "ENOTSUP" else name
    return name if name in _NAMES else OTHER_ERROR
