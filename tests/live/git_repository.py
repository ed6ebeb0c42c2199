"""Real git repositories for tests, made by the real git in a folder of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "c", "GIT_COMMITTER_EMAIL": "c@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip


class GitRepository:
    """A repository with a working tree at ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git; what it prints."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**os.environ, **_ENVIRONMENT},
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def commit(self, files: Mapping[str, str | Path | None], message: str = "change") -> str:
        """Write files (a Path is a link's target, None removes) and commit all; the commit."""
        for name, content in files.items():
            self.write(name, content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def write(self, name: str, content: str | Path | None) -> None:
        """One file of the working tree."""
        path = self.root / name
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        if content is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            path.symlink_to(content)
        else:
            path.write_text(content)

    def tree(self, *entries: tuple[str, bytes, str]) -> str:
        """A tree object of (mode, name, object) that no check of git's own has seen."""
        raw = b"".join(
            mode.encode() + b" " + name + b"\0" + bytes.fromhex(target)
            for mode, name, target in entries
        )
        return self.git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=raw)

    def blob(self, content: bytes) -> str:
        """A blob object."""
        return self.git("hash-object", "-w", "--stdin", stdin=content)

    def commit_tree(self, tree: str) -> str:
        """A commit of a tree, without a working tree."""
        return self.git("commit-tree", tree, "-m", "made by hand")

    def clone(self, to: Path, *options: str) -> GitRepository:
        """A clone by way of a URL, as a CI system makes it."""
        self.git("clone", "--quiet", *options, self.root.as_uri(), str(to))
        found = object.__new__(GitRepository)
        found.root = to
        return found
