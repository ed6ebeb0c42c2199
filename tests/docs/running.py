"""A copy of the checkout, and the commands of a page run in it as a person would type them.

`python -m tests.docs.running PAGE…` prints what the commands of a page print, to write it there.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.docs.blocks import CLUSTER, PLAIN, ROOT, Command, commands, matches

SECONDS = 300
START_SECONDS = 90
PROGRAMS = Path(sys.executable).parent
HELM = ROOT / ".build" / "helm" / "bin"
_SERVER = re.compile(r"^runtimegate serve\b")
_SERVES = re.compile(r"serving on https://")
# Refusals and findings are what many of the pages show; of kubectl only where the page shows them.
_REFUSES = re.compile(r"\bruntimegate\b")
_SAID_TO_REFUSE = re.compile(r"\bkubectl\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended, and all that it printed."""

    status: int
    printed: str


@dataclass(slots=True, kw_only=True)
class Session:
    """One copy of the checkout; servers that a page starts run until it is left."""

    folder: Path
    environ: Mapping[str, str]
    servers: list[subprocess.Popen[str]] = field(default_factory=list)
    settle: Callable[[], None] = lambda: None
    """What is waited for before a command asks a cluster."""

    def run(self, text: str) -> Ran:
        """Run one command; of a server, what it prints until it serves."""
        if _SERVER.match(text):
            return self._serve(text)
        with subprocess.Popen(
            ["bash", "-c", text],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                printed, _ = process.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                printed, _ = process.communicate()
                printed += f"\nnot done after {SECONDS} seconds\n"
        return Ran(status=process.returncode, printed=printed)

    def _serve(self, text: str) -> Ran:
        log = self.folder.parent / f"server-{len(self.servers)}.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {text}"],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.servers.append(process)
        deadline = time.monotonic() + START_SECONDS
        while not _SERVES.search(log.read_text()):
            if process.poll() is not None or time.monotonic() > deadline:
                return Ran(status=process.poll() or -1, printed=log.read_text())
            time.sleep(0.05)
        return Ran(status=0, printed=log.read_text())

    def stop(self) -> None:
        """End the servers."""
        for process in self.servers:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(START_SECONDS)
        self.servers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def session(
    more: Mapping[str, str] | None = None, *, programs: Iterable[Path] = ()
) -> Iterator[Session]:
    """A copy of the checkout as its files are now, committed on a branch ``main`` of its own."""
    with tempfile.TemporaryDirectory(prefix="runtimegate-docs-") as name:
        folder = Path(name) / "runtimegate"
        environ = {
            "PATH": _path(PROGRAMS, HELM, *programs),
            "HOME": name,
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            # Nobody's port is taken, and a server stops at once.
            "RUNTIMEGATE_SERVE_BIND": "127.0.0.1:0",
            "RUNTIMEGATE_SERVE_DRAIN_SECONDS": "0",
            "KUBECONFIG": str(Path(name) / "no-kubeconfig"),
            **{
                f"GIT_{who}_{what}": value
                for who in ("AUTHOR", "COMMITTER")
                for what, value in (("NAME", "you"), ("EMAIL", "you@example.com"))
            },
            **(more or {}),
        }
        _copy(folder, environ)
        with Session(folder=folder, environ=environ) as started:
            yield started


def _path(*first: Path) -> str:
    """What is found first, then what the caller finds: folders that are there."""
    rest = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(name for name in [*map(str, first), *rest] if Path(name).is_dir())


def _copy(folder: Path, environ: Mapping[str, str]) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target, follow_symlinks=False)
    script = "git init -q -b main && git add -A && git commit -q -m 'A copy of the checkout'"
    subprocess.run(["bash", "-c", script], cwd=folder, env=environ, check=True)


def wrong(command: Command, ran: Ran) -> str:
    """What is wrong with how a command ended; empty where nothing is."""
    refused = command.printed is not None and _SAID_TO_REFUSE.search(command.text)
    highest = 1 if refused or _REFUSES.search(command.text) else 0
    if not 0 <= ran.status <= highest:
        return f"line {command.line}: $ {command.text}\nexit code {ran.status}:\n{ran.printed}"
    if command.printed is not None and not matches(command.printed, ran.printed):
        shown = "\n".join(command.printed)
        return (
            f"line {command.line}: $ {command.text}\nthe page shows:\n{shown}\n"
            f"it printed:\n{ran.printed}"
        )
    return ""


def run_page(
    started: Session, text: str, kinds: Iterable[str], *, but: str = "\0"
) -> Iterator[tuple[Command, Ran]]:
    """Run the commands of a page that are of these kinds, in order, but those that begin so."""
    wanted = frozenset(kinds)
    for command in commands(text):
        if command.kind == CLUSTER:
            started.settle()
        if command.kind in wanted and not command.text.startswith(but):
            yield command, started.run(command.text)


def main(names: list[str]) -> None:
    """Print the commands of pages and what they print."""
    for name in names:
        with session() as started:
            for command, ran in run_page(started, Path(name).read_text(), {PLAIN}):
                mark = "" if not wrong(command, ran) else "WRONG "
                print(
                    f"--- {name}:{command.line} {mark}{ran.status}\n$ {command.text}\n{ran.printed}"
                )


if __name__ == "__main__":
    main(sys.argv[1:])
