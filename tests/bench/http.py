"""Servers side by side over TLS with keep-alive: each pinned to one core, the load to the other."""

import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from certs.bootstrap import self_signed_pair
from tests.bench.reviews import mutated_review, realistic_review

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / ".build" / "bench"
SERVER_CORE, LOAD_CORE = "0", "1"
ROUNDS = 3
SECONDS = 4
RATE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server that is running, and what its answers must hold."""

    name: str
    url: str
    expect: str
    pid: int
    body: str = "mutate"


@dataclass(slots=True, kw_only=True)
class Figures:
    """Medians over the rounds; latencies in milliseconds at ``RATE`` requests a second."""

    per_second: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    failures: int = 0
    mebibytes: float = 0.0


def build_programs() -> None:
    """Compile the floor and the load; `go` must be there."""
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["go", "build", "-o", f"{PROGRAMS}/", "./floor", "./load"],
        cwd=Path(__file__).parent / "go",
        check=True,
    )


def compare(folder: Path) -> dict[str, Figures]:
    """Run every server in turn, ``ROUNDS`` times, and return the figures by name."""
    tls = folder / "tls"
    self_signed_pair(tls, now=datetime.now(UTC), hostname="localhost")  # noqa: TID251 - real TLS
    bodies = {"mutate": folder / "mutate.json", "validate": folder / "validate.json"}
    bodies["mutate"].write_bytes(realistic_review())
    bodies["validate"].write_bytes(mutated_review())
    figures: dict[str, Figures] = {}
    with ExitStack() as running:
        targets = [t for start in _SERVERS for t in running.enter_context(start(tls))]
        for _ in range(ROUNDS):
            for target in targets:
                into = figures.setdefault(target.name, Figures())
                _measure(target, into, bodies[target.body], tls)
        for target in targets:
            figures[target.name].mebibytes = _resident(target.pid)
    return figures


def _measure(target: Target, into: Figures, body: Path, tls: Path) -> None:
    common = (
        *("taskset", "-c", LOAD_CORE, str(PROGRAMS / "load")),
        *("-url", target.url, "-ca", str(tls / "ca.crt"), "-body", str(body)),
        *("-expect", target.expect, "-for", f"{SECONDS}s"),
    )
    closed = _load(common)
    at_rate = _load((*common, "-rate", str(RATE)))
    into.per_second.append(closed["per_second"])
    into.failures += int(closed["failures"] + at_rate["failures"])
    into.p50.append(at_rate["p50_ms"])
    into.p99.append(at_rate["p99_ms"])


def _load(command: Sequence[str]) -> dict[str, float]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


@contextmanager
def _floor(tls: Path) -> Iterator[list[Target]]:
    command = (str(PROGRAMS / "floor"), "-cert", f"{tls}/tls.crt", "-key", f"{tls}/tls.key")
    with _running(command, subprocess.STDOUT) as (address, pid):
        yield [
            Target(
                name="Go floor, patches without deciding",
                url=f"https://{address}/mutate",
                expect="JSONPatch",
                pid=pid,
            )
        ]


@contextmanager
def _front(tls: Path) -> Iterator[list[Target]]:
    command = (
        *(sys.executable, "-m", "webhook.cli", "serve", "-p", str(ROOT / "policies")),
        *("--tls-dir", str(tls), "--no-cluster", "--bind", "127.0.0.1:0", "--drain-seconds", "0"),
    )
    with _running(command, subprocess.PIPE) as (address, pid):
        yield _both("runtimegate", address, _worker_of(pid))


@contextmanager
def _flask(tls: Path) -> Iterator[list[Target]]:
    command = (
        *(sys.executable, "-m", "tests.bench.flask_door"),
        *(f"{tls}/tls.crt", f"{tls}/tls.key"),
    )
    with _running(command, subprocess.STDOUT) as (address, pid):
        yield _both("Flask app alone, gthread", address, _worker_of(pid))


_SERVERS = (_floor, _front, _flask)


def _both(name: str, address: str, pid: int) -> list[Target]:
    doors = (("mutate", "JSONPatch"), ("validate", '"allowed":true'))
    return [
        Target(
            name=f"{name}: {door}",
            url=f"https://{address}/{door}?timeout=5s",
            expect=expect,
            pid=pid,
            body=door,
        )
        for door, expect in doors
    ]


@contextmanager
def _running(command: Sequence[str], stderr: int) -> Iterator[tuple[str, int]]:
    """Start a server on its core; the address that it prints, and its process id.

    What it logs for each request goes to /dev/null: it is made, and that is what costs.
    """
    out = subprocess.PIPE if stderr == subprocess.STDOUT else subprocess.DEVNULL
    process = subprocess.Popen(
        ["taskset", "-c", SERVER_CORE, *command],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.DEVNULL if out == subprocess.PIPE else stderr,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    stream = process.stdout or process.stderr
    assert stream is not None
    try:
        line = stream.readline()
        found = re.search(r"127\.0\.0\.1:\d+", line)
        if found is None:
            raise RuntimeError(f"{command[0]} did not start: {line}{stream.read()}")
        # Nothing reads its output any longer, and it must not wait for that.
        time.sleep(3)
        yield found.group(), process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        stream.close()


def _worker_of(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)
