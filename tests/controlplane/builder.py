"""Builds the programs of the control plane that are missing or outdated; `build` runs it.

Only the standard library: it runs before anything is installed.
"""

from __future__ import annotations

import fcntl
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.binaries import (
    BRINGS_THEM,
    BUILD_DIR,
    HERE,
    NEEDED,
    PROGRAMS,
    Program,
    assets_folder,
    go_line,
)

HEARTBEAT_SECONDS = 60
LOG_TAIL_LINES = 30
GO_NEEDED = """\
Building {what} needs Go {needed} or newer; {found}.
Any of these brings it:
  - https://go.dev/dl/ (unpack it, and put its bin folder into PATH)
  - Debian 13 or newer: apt-get install golang-go, then GOTOOLCHAIN=auto {brings}
    (a Go from 1.21 on fetches the release it needs by itself when GOTOOLCHAIN allows it)
"""
ASSETS_INSTEAD = """\
Or let KUBEBUILDER_ASSETS name a folder that has etcd, kube-apiserver and kubectl."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Programs that are built together: where they go, and what messages call them."""

    what: str
    brings: str
    module: Path
    folder: Path
    instead: str = ""


CONTROL_PLANE = Project(
    what="the control plane",
    brings=BRINGS_THEM,
    module=HERE,
    folder=BUILD_DIR,
    instead=ASSETS_INSTEAD,
)


class BuildError(Exception):
    """The build cannot be done; the message says why and what to do."""


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Build the named programs, or all; the exit code: 0 done, 1 failed, 2 usage."""
    by_name = {program.name: program for program in PROGRAMS}
    unknown = [name for name in arguments if name not in by_name]
    if unknown:
        say(f"usage: build [PROGRAM...], each one of: {', '.join(by_name)}")
        return 2
    assets = assets_folder(environ)
    if assets is not None:
        say(f"KUBEBUILDER_ASSETS={assets} has {names(NEEDED)}: nothing to build")
        return 0
    if environ.get("KUBEBUILDER_ASSETS"):
        say(f"KUBEBUILDER_ASSETS does not have all of {names(NEEDED)}: it is not used")
    try:
        build([by_name[name] for name in arguments] or PROGRAMS, environ)
    except BuildError as error:
        say(str(error))
        return 1
    return 0


def build(
    programs: Sequence[Program], environ: Mapping[str, str], project: Project = CONTROL_PLANE
) -> None:
    """Build those of the programs that are missing or outdated. Raises BuildError."""
    if all(program.is_current() for program in programs):
        say(f"{project.what} is up to date in {project.folder / 'bin'}: {names(programs)}")
        return
    environ = go_environment(environ)
    check_go(environ, project)
    with only_one_build(project):
        # Looked at again: another build may have made some while this one waited for it.
        for program in programs:
            if not program.is_current():
                build_one(program, environ)


def go_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what would change the result."""
    kept = {key: value for key, value in environ.items() if key not in ("GOOS", "GOARCH")}
    return kept | {"CGO_ENABLED": "0", "GOWORK": "off", "GO111MODULE": "on"}


def check_go(environ: Mapping[str, str], project: Project = CONTROL_PLANE) -> None:
    """Raise BuildError unless the `go` of PATH is new enough, or may fetch one that is."""
    needed = go_line(project.module / "go.mod")
    try:
        answer = subprocess.run(
            ["go", "version"],
            cwd=project.module,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        raise BuildError(go_needed(project, needed, "there is no go in PATH")) from None
    found = re.search(r"\bgo(\d+(?:\.\d+)*)", answer.stdout)
    if answer.returncode or found is None:
        said = (answer.stderr or answer.stdout).strip()
        raise BuildError(go_needed(project, needed, f"`go version` failed: {said}"))
    if tuple(int(part) for part in found[1].split(".")) < needed:
        raise BuildError(go_needed(project, needed, f"the go in PATH is {found[1]}"))


def go_needed(project: Project, needed: tuple[int, ...], found: str) -> str:
    version = ".".join(map(str, needed))
    needs = GO_NEEDED.format(what=project.what, brings=project.brings, needed=version, found=found)
    return (needs + project.instead).rstrip()


@contextmanager
def only_one_build(project: Project) -> Iterator[None]:
    """Hold the lock of the build folder; the lock ends with the process, however it ends."""
    for folder in ("bin", "stamp", "log"):
        project.folder.joinpath(folder).mkdir(parents=True, exist_ok=True)
    with project.folder.joinpath("lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another build of {project.what} is running: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_one(program: Program, environ: Mapping[str, str]) -> None:
    """Build beside the old binary and replace it when done, so that no half of one is ever run."""
    log = program.folder / "log" / f"{program.name}.log"
    made = program.path.with_suffix(".new")
    say(f"{program.name} {program.version}: building; {program.takes} with cold caches; log: {log}")
    began = time.monotonic()
    if run_logged(["go", *program.go_arguments(made)], program, log=log, environ=environ):
        lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        raise BuildError("\n".join((f"{program.name}: go build failed", *lines, f"log: {log}")))
    made.replace(program.path)
    program.stamp_path.write_text(program.stamp())
    size = program.path.stat().st_size / 1e6
    say(f"{program.name} {program.version}: {time.monotonic() - began:.0f} s, {size:.0f} MB")


def run_logged(
    command: Sequence[str], program: Program, *, log: Path, environ: Mapping[str, str]
) -> int:
    """The exit code of a command whose output goes to a log; says each minute that it lives."""
    began = time.monotonic()
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            cwd=program.module,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        while True:
            try:
                return process.wait(timeout=HEARTBEAT_SECONDS)
            except subprocess.TimeoutExpired:
                say(f"{program.name}: still building, {time.monotonic() - began:.0f} s")
            except BaseException:
                process.kill()
                raise


def names(programs: Sequence[Program]) -> str:
    return ", ".join(program.name for program in programs)


def say(line: str) -> None:
    """Progress is for the person who waits: at once, and the only output."""
    print(line, flush=True)
