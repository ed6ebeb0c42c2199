"""The version before: a release that was tagged, or as long as there is none, what history has."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.demo.story import ROOT

_UNRELEASED = {
    "the first chart": "36a5f0aa34749ec474d4e32ce4d2c7ba235dc598",
    "before resizes, previews and presets": "f6a93341",
}


class HistoryMissing(Exception):
    """This is no checkout, or one without its history; the message says which."""


def versions_before() -> Mapping[str, str]:
    """Commits to roll from, by what they are; the newest release alone once there is one."""
    described = _git("describe", "--tags", "--abbrev=0", "--match=v[0-9]*", "HEAD^")
    tag = described.stdout.strip()
    return {tag: tag} if described.returncode == 0 and tag else _UNRELEASED


def tree_of(commit: str, folder: Path) -> Path:
    """The programs of a commit, unpacked into a folder; raises HistoryMissing."""
    parts = ["webhook", "certs"]
    packed = folder / "tree.tar"
    done = _git("archive", f"--output={packed}", commit, *parts)
    if done.returncode:
        raise HistoryMissing(f"git has no {commit[:12]} here: {done.stderr.strip()[:200]}")
    subprocess.run(["tar", "-xf", str(packed), "-C", str(folder)], check=True)
    packed.unlink()
    return folder


def file_of(commit: str, path: str) -> str | None:
    """A file of a commit; None when it has none of that name."""
    done = _git("show", f"{commit}:{path}")
    return None if done.returncode else done.stdout


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False
    )
