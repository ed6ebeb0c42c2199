from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.controlplane.processes import Component, StartError

ENVIRON = {"PATH": "/usr/bin:/bin"}

# A run of tests that has started a program, and is then killed.
STARTS_AND_WAITS = """\
import sys, time
from pathlib import Path
from tests.controlplane.processes import Component
log = Path(sys.argv[1])
program = Component("sleeper", ["/bin/sh", "-c", "echo up; exec sleep 300"], log=log, environ={})
program.wait_until(lambda: program.log() == "up\\n", seconds=90)
print(program.pid, flush=True)
time.sleep(300)
"""

Started = Callable[[str], Component]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    """Starts shell scripts as programs, and ends them with the test."""
    components: list[Component] = []

    def start(script: str) -> Component:
        command = ["/bin/sh", "-c", script]
        component = Component("server", command, log=tmp_path / "server.log", environ=ENVIRON)
        components.append(component)
        return component

    yield start
    for component in components:
        component.kill()


def test_a_program_that_ends_before_it_is_ready_shows_its_log(started: Started) -> None:
    component = started("echo no such flag >&2; exit 3")
    with pytest.raises(StartError) as caught:
        component.wait_until(lambda: False, seconds=90)
    assert str(caught.value) == (
        "server ended with 3 before it was ready; the end of its log:\nno such flag"
    )


def test_a_program_that_is_not_ready_in_time_shows_its_log(started: Started) -> None:
    component = started("echo still thinking; exec sleep 300")
    component.wait_until(lambda: bool(component.log()), seconds=90)
    with pytest.raises(StartError) as caught:
        component.wait_until(lambda: False, seconds=0)
    assert str(caught.value) == (
        "server was not ready within 0 s; the end of its log:\nstill thinking"
    )


def test_only_the_end_of_a_long_log_is_shown(started: Started) -> None:
    component = started("seq 1000; exit 1")
    with pytest.raises(StartError) as caught:
        component.wait_until(lambda: False, seconds=90)
    assert str(caught.value).splitlines()[1:] == [str(number) for number in range(976, 1001)]


def test_killing_a_program_ends_what_it_started(started: Started) -> None:
    component = started("sleep 300 & echo $!; wait")
    component.wait_until(lambda: component.log().endswith("\n"), seconds=90)
    child = int(component.log())
    component.kill()
    assert ends(child)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of a parent's death")
def test_a_program_ends_with_tests_that_are_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS_AND_WAITS, str(tmp_path / "log")]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        program = int(tests.stdout.readline())
        tests.send_signal(signal.SIGKILL)
    assert ends(program)


def ends(pid: int, *, seconds: float = 90) -> bool:
    """Whether a process is gone, or a zombie that nobody waits for, within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False
