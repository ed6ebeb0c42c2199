"""How a probe is run and what it may answer; the words are listed in ``__main__``."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import select
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable

from webhook.core.syscalls import syscall_number

Probe = Callable[[], str]
"""Measures one feature in a process and a folder of its own; an OSError is an answer too."""

WORKS = "works"
ACCEPTED = "accepted"
INEFFECTIVE = "ineffective"

SECONDS = 4
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "")
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
LIBC.mmap.restype = ctypes.c_void_p
LIBC.shmat.restype = ctypes.c_void_p

_ABSENT = frozenset({errno.ENOSYS})
_NO_PROTOCOL = frozenset({
    errno.ENOSYS, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT,
})  # fmt: skip
_NO_FILE = frozenset({errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.ENOTDIR})


class UntestedError(Exception):
    """The feature cannot be told here; the message says why."""


def raw(name: str, *arguments: object) -> int:
    """The result of a system call by its number on this machine; raises OSError."""
    number = syscall_number(name, ARCH)
    if number is None:
        raise UntestedError(f"no number on {platform.machine()}")
    ctypes.set_errno(0)
    result: int = LIBC.syscall(ctypes.c_long(number), *map(_argument, arguments))
    return checked(result, name)


def _argument(value: object) -> object:
    if isinstance(value, int):
        return ctypes.c_long(value)
    return ctypes.c_char_p(value) if isinstance(value, bytes) else value


def checked(result: int, what: str) -> int:
    """``result`` of a function of libc; raises OSError where it is negative."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def mount(kind: bytes, target: str, *, flags: int = 0, data: bytes | None = None) -> None:
    """Mount an empty file system; raises OSError."""
    os.makedirs(target, exist_ok=True)
    checked(LIBC.mount(b"none", target.encode(), kind, flags, data), "mount")


def answered(probe: Probe) -> str:
    """The verdict of a probe; an OSError is ``errno``, or ``absent`` where the call is missing."""
    return _answered(probe, _ABSENT)


def of_socket(probe: Probe) -> Probe:
    """A probe to which an unknown family or protocol means absent."""
    return lambda: _answered(probe, _NO_PROTOCOL)


def of_file(probe: Probe) -> Probe:
    """A probe to which a missing file or file system means absent."""
    return lambda: _answered(probe, _ABSENT | _NO_FILE)


def _answered(probe: Probe, absent: frozenset[int]) -> str:
    try:
        return probe()
    except UntestedError as reason:
        return f"untested {reason}"
    except OSError as error:
        word = "absent" if error.errno in absent else "errno"
        return f"{word} {errno.errorcode.get(error.errno or 0, error.errno)}"


def isolated(probe: Probe) -> str:
    """Run ``probe`` in a child with a folder of its own, killed after a few seconds."""
    folder = tempfile.mkdtemp(prefix="probe.")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _run(probe, folder, reader, writer)
    os.close(writer)
    ready, _, _ = select.select([reader], [], [], SECONDS)
    verdict = os.read(reader, 4096).decode() if ready else "untested hangs"
    os.close(reader)
    _kill(child)
    _, status = os.waitpid(child, 0)
    shutil.rmtree(folder, ignore_errors=True)
    return verdict or f"untested died ({status})"


def _run(probe: Probe, folder: str, reader: int, writer: int) -> None:
    """The child: never returns, so that nothing of the parent runs twice."""
    try:
        os.close(reader)
        os.setsid()
        os.chdir(folder)
        verdict = answered(probe)
    except Exception as fault:  # noqa: BLE001 (a probe's fault is a line, not the end of the run)
        verdict = f"untested {type(fault).__name__}: {fault}".replace("\n", " ")
    try:
        os.write(writer, verdict.encode()[:4096])
        sys.stdout.flush()
    finally:
        os._exit(0)


def _kill(child: int) -> None:
    """End the child and what it started: they are one session."""
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(child, signal.SIGKILL)
    except PermissionError:
        os.kill(child, signal.SIGKILL)
