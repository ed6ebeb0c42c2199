"""Reading what a person names, without waiting for what is no file and without taking too much."""

from __future__ import annotations

import io
import os
import pathlib
import stat
import tempfile
from typing import BinaryIO

MEBIBYTE = 1024 * 1024
MOST_BYTES = 64 * MEBIBYTE
"""Of one file of manifests; as YAML this takes about a gigabyte of memory."""

MOST_CLUSTER_BYTES = 512 * MEBIBYTE
"""Of what kubectl printed of a cluster: thousands of nodes, mostly as JSON."""

_STREAMS = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
"""What a shell passes for ``<(…)``: the person's own streams, waited for as for standard input."""
_KINDS = (
    (stat.S_ISFIFO, "is a named pipe"),
    (stat.S_ISSOCK, "is a socket"),
    (stat.S_ISCHR, "is a device"),
    (stat.S_ISBLK, "is a device"),
    (stat.S_ISDIR, "is a folder"),
)


def read_file(path: pathlib.Path, most_bytes: int) -> bytes | str:
    """The content of a regular file, or in a few words why it is not read.

    A pipe, a socket or a device might never answer, or never end.
    """
    opened = open_file(path, most_bytes)
    if isinstance(opened, str):
        return opened
    try:
        with opened:
            return read_stream(opened, most_bytes)
    except OSError as error:
        return error.strerror or "cannot be read"


def read_stream(stream: BinaryIO, most_bytes: int) -> bytes | str:
    """All of a stream that ends; of one that does not, that it is too much."""
    content = stream.read(most_bytes + 1)
    return content if len(content) <= most_bytes else _too_large("more than", most_bytes)


Stamp = tuple[int, int, int, int]
"""Which file it is, and in which state."""


def stamp_of(file: BinaryIO) -> Stamp | None:
    """By which to know a file again that is opened later; None of what was kept aside."""
    if not isinstance(file, io.BufferedReader):
        return None
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def open_file(path: pathlib.Path, most_bytes: int) -> BinaryIO | str:
    """A regular file, or what a shell passed kept aside; in a few words why it is not read."""
    try:
        if str(path).startswith(_STREAMS):
            with path.open("rb") as stream:
                return spooled(stream, most_bytes)
        return _open_regular(path, most_bytes)
    except OSError as error:
        return error.strerror or "cannot be read"


def spooled(stream: BinaryIO, most_bytes: int) -> BinaryIO | str:
    """A stream that ends, kept aside so that it can be read again: in memory while it is small."""
    kept: BinaryIO = io.BytesIO()
    left = most_bytes + 1
    try:
        while left and (part := stream.read(min(MEBIBYTE, left))):
            if isinstance(kept, io.BytesIO) and kept.tell() + len(part) > MOST_BYTES:
                small, kept = kept, tempfile.TemporaryFile()  # noqa: SIM115 - kept to the end
                kept.write(small.getbuffer())
            kept.write(part)
            left -= len(part)
    except OSError as error:
        return error.strerror or "cannot be read"
    if not left:
        return _too_large("more than", most_bytes)
    kept.seek(0)
    return kept


def _open_regular(path: pathlib.Path, most_bytes: int) -> BinaryIO | str:
    # Looked at before it is opened, which alone would wake whoever writes to a pipe; and again
    # afterwards, for it may be another by then: so it is never waited for.
    if why := _no_file(path.stat()):
        return why
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    opened = os.fstat(descriptor)
    why = _no_file(opened)
    if not why and opened.st_size > most_bytes:
        why = _too_large(f"{opened.st_size // MEBIBYTE} MiB,", most_bytes)
    if why:
        os.close(descriptor)
        return why
    return open(descriptor, "rb")


def _no_file(found: os.stat_result) -> str:
    """Why something is not read that is no regular file; empty for one."""
    if stat.S_ISREG(found.st_mode):
        return ""
    kind = next((said for test, said in _KINDS if test(found.st_mode)), "is no regular file")
    return f"{kind}, which is not read: pass - and redirect standard input from it"


def _too_large(size: str, most_bytes: int) -> str:
    return f"is too large: {size} at most {most_bytes // MEBIBYTE} MiB are read; split it"
