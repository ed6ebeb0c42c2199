"""Files of recordings, of any size, and standard input → events, in memory that stays small."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from webhook.cli.manifests import STDIN, STDIN_SHOWN
from webhook.core.names import shown
from webhook.documents.recordings.profile import looks_like_profile, parse_profile
from webhook.documents.recordings.reader import Format, RecordingReader
from webhook.documents.recordings.tally import Counting
from webhook.documents.source import MOST_BYTES, DocumentError, DocumentErrors

_CHUNK = 1 << 20
_HEAD, _TAIL = 32_768, 1_024
_GZIP = b"\x1f\x8b"
_PROGRESS_FROM = 16 << 20

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One file, and what it turned out to be."""

    name: str
    calls: Mapping[Format, int]


def read_recordings(
    files: Sequence[str], counting: Counting, *, only: Format | None, arch: str
) -> list[Recording]:
    """Count what each file tells; a file given twice counts once.

    Raises DocumentErrors for files that are no recordings, and OSError.
    """
    found: list[Recording] = []
    errors: list[DocumentError] = []
    with _progress(files) as advance:
        for file in _once(files):
            try:
                found.append(_read(file, counting, only, arch, advance))
            except DocumentErrors as wrong:
                errors += wrong.errors
    if errors:
        raise DocumentErrors(errors)
    return found


def _once(files: Iterable[str]) -> Iterator[str]:
    """The files by what they are: a link to one that was given is not another."""
    seen: set[object] = set()
    for file in files:
        status = os.stat(file) if file != STDIN else None
        key = (status.st_dev, status.st_ino) if status else file
        if key not in seen:
            seen.add(key)
            yield file


def _read(
    file: str, counting: Counting, only: Format | None, arch: str, advance: Advance
) -> Recording:
    name = STDIN_SHOWN if file == STDIN else file
    if file == STDIN:
        return _take(name, _chunks(sys.stdin.buffer, advance), counting, only, arch)
    with Path(file).open("rb") as stream:
        return _take(name, _chunks(stream, advance), counting, only, arch)


def _take(
    name: str, chunks: Iterator[bytes], counting: Counting, only: Format | None, arch: str
) -> Recording:
    try:
        head = next(chunks, b"")
        if only is Format.SECCOMP or (only is None and looks_like_profile(head)):
            calls = _profile(name, head, chunks, counting, arch)
        else:
            calls = _lines_of(head, chunks, counting, only)
    except (EOFError, zlib.error) as error:
        raise _unusable(name, f"is no whole gzip file: {error}") from None
    if not calls:
        raise _unusable(name, _NOTHING[only is Format.SECCOMP])
    return Recording(name=name, calls=calls)


_NOTHING = {
    False: "holds no system call: wanted are the output of strace (-f -o FILE, -c), the debug or "
    "user log of runsc, or a seccomp profile",
    True: "allows no system call by name, so that it tells nothing of the program",
}


def _unusable(name: str, message: str) -> DocumentErrors:
    error = DocumentError(file=name, line=0, column=0, field_path="", message=shown(message, 300))
    return DocumentErrors([error])


def _profile(
    name: str, head: bytes, chunks: Iterator[bytes], counting: Counting, arch: str
) -> dict[Format, int]:
    content = bytearray(head)
    for chunk in chunks:
        content += chunk
        if len(content) > MOST_BYTES:
            break
    allowed = parse_profile(bytes(content), file=name, arch=arch)
    number = len({call.name for call in allowed if counting.allow(call)})
    if not number:
        raise _unusable(name, _NOTHING[True])
    return {Format.SECCOMP: number}


def _lines_of(
    head: bytes, chunks: Iterator[bytes], counting: Counting, only: Format | None
) -> dict[Format, int]:
    reader = RecordingReader(only)
    for line in lines(_chain(head, chunks)):
        for event in reader.read(line):
            counting.take(event)
    ended = reader.end()
    for event in ended.events:
        counting.take(event)
    counting.end()
    return dict(ended.calls)


def count_log(file: Path, counting: Counting) -> None:
    """Count what a log of runsc tells, if it tells anything."""
    with file.open("rb") as stream:
        _lines_of(b"", iter(lambda: stream.read(_CHUNK), b""), counting, Format.RUNSC)


def _chain(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from chunks


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a stream; of one that is too long the beginning and the end."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from map(_bounded, whole)
        rest = _bounded(rest, _HEAD + _CHUNK)
    if rest:
        yield _bounded(rest)


def _bounded(line: bytes, most: int = _HEAD + _TAIL) -> bytes:
    return line if len(line) <= most else line[:_HEAD] + line[-_TAIL:]


def _chunks(stream: BinaryIO, advance: Advance) -> Iterator[bytes]:
    """The bytes of a stream, unpacked where they are gzip's; ``advance`` hears of those read."""
    first = stream.read(_CHUNK)
    raw = _told(_chain(first, iter(lambda: stream.read(_CHUNK), b"")), advance)
    yield from _unpacked(raw) if first.startswith(_GZIP) else raw


def _told(chunks: Iterable[bytes], advance: Advance) -> Iterator[bytes]:
    for chunk in chunks:
        advance(len(chunk))
        yield chunk


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """gzip's members, one after the other, a bounded piece at a time."""
    unpacker, whole = zlib.decompressobj(wbits=31), False
    for chunk in chunks:
        rest = chunk
        while rest:
            piece = unpacker.decompress(rest, _CHUNK)
            if piece:
                yield piece
            rest = unpacker.unconsumed_tail
            whole = unpacker.eof
            if whole:
                rest, unpacker = unpacker.unused_data, zlib.decompressobj(wbits=31)
    if not whole:
        raise EOFError("it ends too early")


@contextmanager
def _progress(files: Sequence[str]) -> Iterator[Advance]:
    """A bar at a terminal for what takes long; what is told goes nowhere else."""
    sizes = [os.stat(file).st_size for file in files if file != STDIN]
    if not sys.stderr.isatty() or (sizes and sum(sizes) < _PROGRESS_FROM):
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - takes longer than most recordings
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TimeRemainingColumn,
    )

    columns = ("reading", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=sum(sizes) if STDIN not in files else None)
        yield lambda size: bar.advance(task, size)
