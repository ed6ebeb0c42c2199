"""A policy folder as a git revision has it, read by the very rules of a folder on disk.

The revision's files are laid out in a folder of our own and read by ``load_folder``: links, hidden
entries, ``.runtimegateignore`` and every bound mean the same. Names and links in a tree may be
hostile: nothing is written but below that folder, files before links, each of them new.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from webhook.core.names import shown
from webhook.documents.source import MOST_BYTES, DocumentError, DocumentErrors
from webhook.live.git import Blobs, GitError, Repository, TreeEntry, find_repository
from webhook.live.policy_folder import (
    IGNORE,
    LIMITS,
    SUFFIXES,
    FolderText,
    Limits,
    load_folder,
)

_DEEPEST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """``main:policies``: a revision and a folder in it, from the top of the repository."""

    revision: str
    path: str

    def __str__(self) -> str:
        return f"{self.revision}:{self.path}"


def parse_named(written: str) -> Named | None:
    """Read ``REVISION:FOLDER`` as git does; None for what has no colon.

    A colon within braces belongs to the revision: ``HEAD^{/fix: this}:policies``.
    """
    depth = 0
    for index, char in enumerate(written):
        depth += (char == "{") - (char == "}")
        if char == ":" and depth <= 0:
            return Named(revision=written[:index], path=written[index + 1 :])
    return None


def load_revision(named: Named, *, here: Path, limits: Limits = LIMITS) -> FolderText:
    """The policy folder of a revision of the repository around ``here``.

    Raises GitError where there is no such revision or folder, DocumentErrors as ``load_folder``.
    """
    try:
        repository = find_repository(here)
        commit = repository.commit(named.revision)
        tree = repository.tree(commit, _from_top(named.path, repository))
        with TemporaryDirectory(prefix="runtimegate-") as temporary:
            folder = Path(temporary) / "folder"
            _lay_out(repository, tree, folder, _Called(str(named), limits))
            read = load_folder(folder, called=Path(str(named)), limits=limits)
    except GitError as error:
        raise GitError(f"{shown(str(named), 300)}: {error}") from None
    return replace(read, revision=replace(read.revision, commit=commit))


def _from_top(path: str, repository: Repository) -> str:
    """The folder from the top of the repository; ``./`` and ``../`` count from here, as git has."""
    relative = path in {".", ".."} or path.startswith(("./", "../"))
    found = posixpath.normpath(posixpath.join(repository.prefix if relative else "", path))
    if _leads_out(found):
        raise GitError("the folder is outside of the repository")
    return "" if found == "." else found


def _leads_out(normal: str) -> bool:
    """Whether a normalised path leaves where it starts; ``..data`` does not."""
    return normal == ".." or normal.startswith(("../", "/"))


@dataclass(frozen=True, slots=True)
class _Called:
    """How a person calls the folder, and how much of it is read."""

    name: str
    limits: Limits

    def fault(self, below: str, message: str) -> DocumentErrors:
        """One error of one entry."""
        file = f"{self.name}/{below}" if below else self.name
        error = DocumentError(file=file, line=0, column=0, field_path="", message=message)
        return DocumentErrors([error])


def _lay_out(repository: Repository, tree: str, folder: Path, called: _Called) -> None:
    """Write what ``load_folder`` will look at, before the links that lead to it."""
    entries = list(repository.entries(tree, called.limits.entries))
    if len(entries) > called.limits.entries:
        raise called.fault("", f"holds more than {called.limits.entries} entries")
    _refuse(entries, called)
    folder.mkdir()
    links = [entry for entry in entries if entry.link]
    # A link may have the suffix that the file it leads to lacks.
    wanted = [e for e in entries if e.kind == "blob" and not e.link and (links or _is_read(e))]
    try:
        for entry in entries:
            if entry.kind == "tree":
                (folder / entry.name).mkdir()
        _write_files(repository, wanted, folder, called)
        with repository.blobs() as blobs:
            for entry in links:
                (folder / entry.name).symlink_to(_target(blobs, entry, folder))
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "has a name that is none"
        raise called.fault("", f"cannot be laid out to be read: {said}") from error


_LONGEST_LINK = 4096


def _target(blobs: Blobs, entry: TreeEntry, folder: Path) -> str:
    """Where a link leads; what leads out of the folder is never made to lead where it would."""
    if entry.size > _LONGEST_LINK:
        return "."
    target = os.fsdecode(blobs.read(entry))
    reached = posixpath.normpath(posixpath.join(posixpath.dirname(entry.name), target))
    return str(folder.parent) if _leads_out(reached) else target


def _is_read(entry: TreeEntry) -> bool:
    return entry.name.endswith(SUFFIXES) or posixpath.basename(entry.name) == IGNORE


def _refuse(entries: Sequence[TreeEntry], called: _Called) -> None:
    """Raise DocumentErrors for names that no checkout has, and for what is not in the revision."""
    for entry in entries:
        parts = entry.name.split("/")
        if any(part in {"", ".", ".."} for part in parts):
            raise called.fault("", "holds a name that leads out of it: the repository is broken")
        if len(parts) > _DEEPEST:
            raise called.fault("", f"is nested more than {_DEEPEST} folders deep")
    if modules := list(_submodules(entries)):
        message = "is a submodule: its files are in a repository of their own, not in this revision"
        raise called.fault(modules[0], message)


def _submodules(entries: Sequence[TreeEntry]) -> Iterator[str]:
    """Those that a folder on disk would be read into: not hidden, not left out on purpose."""
    left_out = {
        posixpath.dirname(e.name) for e in entries if posixpath.basename(e.name) == IGNORE
    } - {""}
    for entry in entries:
        hidden = any(part.startswith(".") for part in entry.name.split("/"))
        ignored = any(entry.name.startswith(f"{folder}/") for folder in left_out)
        if entry.kind == "commit" and not hidden and not ignored:
            yield entry.name


def _write_files(
    repository: Repository, entries: Sequence[TreeEntry], folder: Path, called: _Called
) -> None:
    total = 0
    with repository.blobs() as blobs:
        for entry in entries:
            with (folder / entry.name).open("xb") as file:
                if entry.size > MOST_BYTES:  # load_folder says so of a file of this size
                    file.truncate(entry.size)
                    continue
                total += entry.size
                if total > called.limits.total_bytes:
                    raise called.fault("", f"holds more than {called.limits.total_bytes} bytes")
                file.write(blobs.read(entry))
