"""What a git repository holds, asked of git's own program; nothing of the repository is run.

A repository may be hostile: its configuration can name programs (filters, textconv, fsmonitor,
hooks, a transport for objects that are missing). So only plumbing that reads objects is asked,
never the working tree or its index; no object is fetched, and nothing passes a shell.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import IO

from webhook.core.names import shown

_SAFE = (
    "--no-pager", "--no-replace-objects", "--no-optional-locks",
    "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}",
    "-c", "protocol.allow=never",
)  # fmt: skip
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": "",  # of a partial clone what is missing is not fetched: see the top
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
SECONDS = 60.0
_MOST_REFS = 2000
_MOST_PARTS = 64
_LONGEST_PATH = 4096
_SHOWN = 300
_CHUNK = 1 << 16
_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class GitError(Exception):
    """Why a revision cannot be read, for whoever named it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """One entry of a tree: ``kind`` is blob, tree or commit, ``link`` a symbolic link."""

    name: str
    object: str
    kind: str
    link: bool
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The repository around ``here``."""

    here: Path
    bare: bool
    shallow: bool
    prefix: str
    """From the top of the working tree to ``here``: empty, or with a slash at the end."""

    def commit(self, revision: str) -> str:
        """The commit that a revision is. Raises GitError, which says what there is instead."""
        if not revision:
            raise GitError("what is staged has no revision: name one before the colon")
        asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        done = _run(asked, self.here)
        found = done.stdout.decode(errors="replace").strip()
        if done.returncode == 0 and _OBJECT.fullmatch(found):
            return found
        raise GitError(self._no_such(revision))

    def _no_such(self, revision: str) -> str:
        refs = self._refs()
        if not refs and _run(("rev-parse", "--verify", "--quiet", "HEAD"), self.here).returncode:
            return "the repository has no commit yet"
        said = f"the repository has no revision {shown(revision, 200)}"
        here = [name for name in refs if name.endswith(f"/{revision}")]
        if meant := here[:1] or get_close_matches(revision, refs, n=1):
            said += f"; did you mean {shown(meant[0], 200)}?"
        if self.shallow:
            said += (
                "; it is a shallow clone, which lacks older commits and other branches: "
                "`git fetch --unshallow` brings them (fetch-depth: 0 for actions/checkout, "
                'GIT_DEPTH: "0" in GitLab)'
            )
        return said

    def _refs(self) -> list[str]:
        asked = ("for-each-ref", f"--count={_MOST_REFS}", "--format=%(refname:short)")
        return _run(asked, self.here).stdout.decode(errors="replace").split("\n")[:-1]

    def tree(self, commit: str, path: str) -> str:
        """The tree of a folder of a commit, links within the repository followed.

        Raises GitError where there is none.
        """
        if "\n" in path or "\0" in path:
            raise GitError(f"the folder {shown(path, 200)} has a line break in its name")
        with _talking(("cat-file", "--batch-check", "--follow-symlinks"), self.here) as (ask, told):
            ask.write(os.fsencode(f"{commit}:{path}\n"))
            ask.close()
            words = told.readline(_CHUNK).decode(errors="replace").split()
        match words:
            case [found, "tree", _] if _OBJECT.fullmatch(found):
                return found
            case [_, "blob", _]:
                raise GitError(f"{shown(path, 200)} is a file there: name the folder")
            case ["symlink", *_]:
                raise GitError(f"{shown(path, 200)} is a link that leads out of the repository")
            case _:
                raise GitError(self._no_folder(commit, path))

    def _no_folder(self, commit: str, path: str) -> str:
        if module := self._submodule(commit, path):
            name = shown(module, 200)
            return f"{name} is a submodule there: name a revision of it, from within {name}"
        said = f"it holds no folder {shown(path, 200)}"
        if self.prefix and not path.startswith(self.prefix):
            return f"{said} (from the top of the repository; ./ counts from here)"
        return said

    def _submodule(self, commit: str, path: str) -> str:
        """The submodule that a path is or leads into; empty where there is none."""
        parts = path[:_LONGEST_PATH].split("/")[:_MOST_PARTS]
        above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        asked = ("ls-tree", "-z", "--full-tree", commit, "--", *filter(None, above))
        found = map(_entry_named, _run(asked, self.here).stdout.split(b"\0")[:-1])
        return next((name for kind, name in found if kind == "commit" and name in above), "")

    def entries(self, tree: str, most: int) -> Iterator[TreeEntry]:
        """Everything below a tree, at most ``most`` entries and one; folders before their files.

        A tree of a few kilobytes may unfold to more than any disk holds, hence the bound.
        """
        asked = ("ls-tree", "-r", "-t", "-z", "-l", "--full-tree", tree)
        with _talking(asked, self.here) as (_, told):
            rest, count = b"", 0
            while chunk := told.read(_CHUNK):
                *whole, rest = (rest + chunk).split(b"\0")
                for line in whole:
                    yield _entry(line)
                    count += 1
                    if count > most:
                        return

    @contextmanager
    def blobs(self) -> Iterator[Blobs]:
        """The contents of files by their objects."""
        with _talking(("cat-file", "--batch"), self.here) as (ask, told):
            yield Blobs(_ask=ask, _told=told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blobs:
    """Contents, asked for one after the other."""

    _ask: IO[bytes]
    _told: IO[bytes]

    def read(self, entry: TreeEntry) -> bytes:
        """The bytes of a file. Raises GitError where the repository lacks them."""
        try:
            self._ask.write(f"{entry.object}\n".encode())
            self._ask.flush()
            words = self._told.readline(_CHUNK).split()
        except OSError:
            words = []
        if len(words) != 3 or words[1] != b"blob" or words[2] != str(entry.size).encode():
            raise GitError(
                f"the repository lacks the content of {shown(entry.name, 200)}: a partial clone, "
                "of which nothing is fetched here (`git fetch --refetch` does)"
            )
        content = self._told.read(entry.size + 1)
        return content[: entry.size]


def find_repository(here: Path) -> Repository:
    """The repository that git finds from ``here``. Raises GitError where there is none."""
    asked = ("rev-parse", "--is-bare-repository", "--is-shallow-repository", "--show-prefix")
    done = _run(asked, here)
    if done.returncode:
        raise GitError(_no_repository(here, done.stderr.decode(errors="replace")))
    bare, shallow, *prefix = os.fsdecode(done.stdout).split("\n")
    return Repository(
        here=here,
        bare=bare == "true",
        shallow=shallow == "true",
        prefix=prefix[0] if prefix else "",
    )


def _no_repository(here: Path, said: str) -> str:
    if "not a git repository" in said:
        return f"{shown(str(here.absolute()), 200)} is in no git repository"
    # Git says best what is wrong and what to type: that another user owns it, most of the time.
    return f"git refuses the repository: {shown(' '.join(said.split()), _SHOWN)}"


def _entry(line: bytes) -> TreeEntry:
    head, _, name = line.partition(b"\t")
    mode, kind, named, size = head.decode().split()
    return TreeEntry(
        name=os.fsdecode(name),
        object=named,
        kind=kind,
        link=mode == "120000",
        size=int(size) if size.isdigit() else 0,
    )


def _entry_named(line: bytes) -> tuple[str, str]:
    """Kind and name of a line of ``ls-tree`` without sizes."""
    head, _, name = line.partition(b"\t")
    return head.decode().split()[1], os.fsdecode(name)


def _command(arguments: Sequence[str]) -> list[str]:
    return ["git", *_SAFE, *arguments]


def _run(arguments: Sequence[str], here: Path) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - no shell, and see the top of this file
            _command(arguments),
            cwd=here,
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise GitError(_NO_GIT) from None
    except subprocess.TimeoutExpired:
        raise _late() from None


def _late() -> GitError:
    return GitError(f"git did not answer within {SECONDS:.0f} seconds")


_NO_GIT = "git is not installed here: it reads revisions; a folder needs none"


@contextmanager
def _talking(arguments: Sequence[str], here: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A git that is asked and answers, ended with the block, or once it takes too long."""
    try:
        process = subprocess.Popen(  # noqa: S603 - as above
            _command(arguments),
            cwd=here,
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise GitError(_NO_GIT) from None
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    timer = threading.Timer(SECONDS, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield process.stdin, process.stdout
        if timer.finished.is_set():
            raise _late()
    except GitError:
        if timer.finished.is_set():  # what was cut short looks like something that is missing
            raise _late() from None
        raise
    finally:
        timer.cancel()
        process.kill()
        process.stdout.close()
        _close(process.stdin)
        process.wait()


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return
