"""A command that is run to its end, or to the end of its time, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_END_SECONDS = 10
_MOST_KEPT = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended: ``status`` is None where it was still running when its time was up."""

    status: int | None
    seconds: float
    said: str

    @property
    def well(self) -> bool:
        """Whether it did not fail; what still runs, as a server does, did not."""
        return self.status in {None, 0}


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
    """A folder for one run, and SIGTERM turned into the exception that ends it in order."""
    folder = Path(tempfile.mkdtemp(prefix=f"runtimegate-probe-{os.getpid()}-"))
    try:
        with _stopped_by_signals():
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def run_to_end(command: Sequence[str], seconds: float) -> Ran:
    """Run it with no input; its output is read as it comes, and the end of it kept."""
    began = time.monotonic()
    # Pipes, not files: runsc writes over what another process wrote into the same file.
    with subprocess.Popen(  # noqa: S603 - to run a command is what was asked for
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        said = _Tail(process.stdout)
        said.start()
        try:
            status: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end(process)
            said.join(_END_SECONDS)
    status = 128 - status if status is not None and status < 0 else status  # as a shell says it
    return Ran(status=status, seconds=time.monotonic() - began, said=said.text())


class _Tail(threading.Thread):
    """Reads a pipe to its end and keeps the last of it."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._kept = b""

    def run(self) -> None:
        """Read until nobody writes any more, or nobody waits for it any more."""
        with contextlib.suppress(OSError, ValueError):
            while self._stream and (chunk := os.read(self._stream.fileno(), _MOST_KEPT)):
                self._kept = (self._kept + chunk)[-_MOST_KEPT:]

    def text(self) -> str:
        """What was kept, as text."""
        return self._kept.decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what still runs: first what runsc started, so that it tidies up, then itself."""
    if process.poll() is not None:
        return
    for child in _below(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _below(pid: int) -> list[int]:
    """The processes that ``pid`` started, and they, the youngest first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.parent.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found[::-1]
