"""Probes of subsystems, ways of starting programs and whole behaviours: ``kernel: exec:``."""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
import struct
from collections.abc import Mapping

from webhook.data.probes.outcome import (
    INEFFECTIVE,
    LIBC,
    WORKS,
    Probe,
    UntestedError,
    checked,
    raw,
)


def _shared_memory() -> str:
    segment = raw("shmget", 0, 65536, 0o1600)
    try:
        address = LIBC.shmat(segment, None, 0)
        if address == ctypes.c_void_p(-1).value:
            checked(-1, "shmat")
        child = os.fork()
        if child == 0:
            ctypes.memset(address, 7, 1)
            os._exit(0)
        os.waitpid(child, 0)
        return WORKS if ctypes.string_at(address, 1) == b"\7" else INEFFECTIVE
    finally:
        raw("shmctl", segment, 0, 0)


def _linux_aio() -> str:
    context = ctypes.c_ulong(0)
    raw("io_setup", 8, ctypes.byref(context))
    fd = os.open("f", os.O_RDWR | os.O_CREAT)
    data = ctypes.create_string_buffer(b"x" * 512, 512)
    block = ctypes.create_string_buffer(
        struct.pack(
            "QIIHhIQQqQII", 7, 0, 0, 1, 0, fd, ctypes.addressof(data), 512, 0, 0, 0, 0
        )
    )  # fmt: skip
    pointers = (ctypes.c_void_p * 1)(ctypes.addressof(block))
    if raw("io_submit", context.value, 1, pointers) != 1:
        return INEFFECTIVE
    events = ctypes.create_string_buffer(64)
    if raw("io_getevents", context.value, 1, 1, events, 0) != 1:
        return INEFFECTIVE
    return WORKS if os.pread(fd, 512, 0) == b"x" * 512 else INEFFECTIVE


def _io_uring_wait() -> str:
    """A ring that can be set up can be waited on; none is as good, programs take another way."""
    parameters = ctypes.create_string_buffer(120)
    try:
        ring = raw("io_uring_setup", 4, parameters)
    except OSError:
        return WORKS
    # IORING_ENTER_GETEVENTS for an event that a submitted no-operation would give: none here, so
    # asking for zero completions must succeed, and for the flag itself too.
    raw("io_uring_enter", ring, 0, 0, 1, 0, 0)
    return WORKS


# mov eax, 1; xor ebx, ebx; int 0x80: exit(0) of 32-bit Linux.
_IA32_CODE = bytes.fromhex("b80100000031dbcd80")


def _ia32() -> str:
    size = 84 + len(_IA32_CODE)
    header = struct.pack(
        "<4sBBBBB7xHHIIIIIHHHHHH",
        b"\x7fELF", 1, 1, 1, 0, 0, 2, 3, 1, 0x8048054, 52, 0, 0, 52, 32, 1, 0, 0, 0,
    )  # fmt: skip
    segment = struct.pack("<IIIIIIII", 1, 0, 0x8048000, 0x8048000, size, size, 5, 4096)
    with open("program", "wb") as file:
        file.write(header + segment + _IA32_CODE)
    os.chmod("program", 0o755)
    return _exit_code_of("./program")


def _exit_code_of(path: str) -> str:
    child = os.fork()
    if child == 0:
        try:
            os.execv(path, [path])
        except OSError as refused:
            os._exit(refused.errno or 1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code > 0:
        raise OSError(code, os.strerror(code))
    return WORKS if code == 0 else INEFFECTIVE


def _setuid() -> str:
    """Whether a setuid program of root started by another user runs as root."""
    identity = shutil.which("id")
    if identity is None:
        raise UntestedError("no id here")
    os.chmod(".", 0o755)
    shutil.copy(identity, "id")
    os.chmod("id", 0o755 | stat.S_ISUID)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writer, 1)
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        os.execv("./id", ["id", "-u"])
    os.close(writer)
    os.waitpid(child, 0)
    said = os.read(reader, 100).strip()
    if not said:
        raise UntestedError("the program did not run")
    return WORKS if said == b"0" else INEFFECTIVE


def _memfd_program() -> str:
    source = shutil.which("true")
    if source is None:
        raise UntestedError("no true here")
    memory = os.memfd_create("program")
    with open(source, "rb") as file:
        os.write(memory, file.read())
    child = os.fork()
    if child == 0:
        os.execve(memory, ["true"], {})
    return WORKS if os.waitpid(child, 0)[1] == 0 else INEFFECTIVE


PROBES: Mapping[str, Probe] = {
    "kernel:sysv-shm": _shared_memory,
    "kernel:linux-aio": _linux_aio,
    "kernel:io_uring-wait": _io_uring_wait,
    "exec:ia32": _ia32,
    "exec:setuid": _setuid,
    "exec:memfd": _memfd_program,
}
