"""The commit that a checkout says it is, read from its files: no git program is needed or run.

HEAD's commit says nothing of files that were changed and not committed; telling those would mean
to read the index and every file. What was truly read is told by a hash of it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

_REF = re.compile(r"refs/(?!.*\.\.)[^\s:?*\[\\^~\x00-\x1f\x7f]+")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LONGEST = 4096  # of HEAD, a ref, .git and commondir: each is one line


def git_commit(folder: Path) -> str | None:
    """The commit of HEAD of the checkout around ``folder``; None where it is none or tells none."""
    try:
        here = folder.resolve(strict=True)
        for parent in (here, *here.parents):
            if (git := parent / ".git").exists():
                return _head(_repository(git))
    except (OSError, ValueError, RuntimeError):
        return None
    return None


def _repository(git: Path) -> Path:
    """What ``.git`` is, or names where it is a worktree's or submodule's file."""
    return git if git.is_dir() else git.parent / _line(git).removeprefix("gitdir:").strip()


def _head(repository: Path) -> str | None:
    head = _line(repository / "HEAD")
    if not head.startswith("ref:"):
        return _commit(head)
    ref = head.removeprefix("ref:").strip()
    return next(filter(None, map(_commit, _values(repository, ref))), None)


def _values(repository: Path, ref: str) -> Iterator[str]:
    """What a ref may stand for, the first to be believed. A worktree's branch is in the common."""
    if not _REF.fullmatch(ref):
        return
    common = repository / "commondir"
    homes = [repository, *([repository / _line(common)] if common.is_file() else ())]
    yield from (_line(home / ref) for home in homes if (home / ref).is_file())
    packed = homes[-1] / "packed-refs"
    if packed.is_file():
        yield from _packed(packed, ref)


def _packed(packed: Path, ref: str) -> Iterator[str]:
    with packed.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            commit, _, name = line.rstrip("\n").partition(" ")
            if name == ref:
                yield commit


def _line(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_LONGEST).decode().strip()


def _commit(text: str) -> str | None:
    return text if _COMMIT.fullmatch(text) else None
