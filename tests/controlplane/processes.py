"""Server programs that a test starts: each logs to a file and cannot outlive the tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LOG_TAIL_LINES = 25
POLL_SECONDS = 0.05

# Linux ends the program when the tests die, even by SIGKILL: prctl(PR_SET_PDEATHSIG, SIGKILL)
# outlasts execve. A launcher sets it, because preexec_fn is unsafe once there are threads. The
# second line is for a parent that died before the first.
LAUNCHER = """\
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]): sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


class StartError(Exception):
    """A program ended, or was not ready in time; the message has the end of its log."""


class Component:
    """A running program in a process group of its own, so that Ctrl-C reaches the tests first.

    Start it from the main thread: Linux ends it with the thread that started it.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, log: Path, environ: Mapping[str, str]
    ) -> None:
        self.name = name
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*_launcher(), *command],
                cwd=log.parent,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        """All that the program has printed."""
        return self._log.read_text(errors="replace")

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Return once `ready` says so; StartError if the program ends or the time is over."""
        deadline = time.monotonic() + seconds
        while not ready():
            code = self._process.poll()
            if code is not None:
                raise StartError(self._failure(f"ended with {code} before it was ready"))
            if time.monotonic() > deadline:
                raise StartError(self._failure(f"was not ready within {seconds:.0f} s"))
            time.sleep(POLL_SECONDS)

    def kill(self) -> None:
        """End the program and what it started; its state is of no use to anyone."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _failure(self, what: str) -> str:
        tail = "\n".join(self.log().splitlines()[-LOG_TAIL_LINES:])
        return f"{self.name} {what}; the end of its log:\n{tail}"


def _launcher() -> tuple[str, ...]:
    if sys.platform != "linux":
        return ()
    return (sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid()))


def free_port() -> int:
    """A TCP port of the loopback that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
