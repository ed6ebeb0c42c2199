"""A policy folder on disk → names, contents and revision, or every reason why not.

A plain checkout, a ConfigMap or Secret mount (``x.yaml -> ..data/x.yaml``, ``..data -> ..2026_…``)
and a git-sync worktree (the folder itself is a link that is swapped) are read alike: entries that
begin with a dot are left out, and a folder that is swapped while it is read is read again, so that
half of one revision is never mixed with half of another.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from webhook.documents.source import MOST_BYTES, DocumentError, DocumentErrors

SUFFIXES = (".yaml", ".yml")
IGNORE = ".runtimegateignore"
"""A folder below the root that holds a file of this name is not read: examples, drafts."""
MOST_FILES = 10_000
MOST_TOTAL_BYTES = 64 * 1024 * 1024
_ATTEMPTS = 5
_DEEPEST = 32
_HASH_SHOWN = 12

File = tuple[str, bytes]
"""The name below the root, with ``/``, and the content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """Which policies these are: the hash is the truth, the commit what the checkout says it is."""

    hash: str
    commit: str | None = None

    def __str__(self) -> str:
        return f"{self.hash} (git {self.commit[:_HASH_SHOWN]})" if self.commit else self.hash


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderText:
    """The files of a folder at one moment, and the subfolders that were left out on purpose."""

    revision: Revision
    files: tuple[File, ...]
    left_out: tuple[str, ...] = ()


Signature = tuple[tuple[str, int, int, int], ...]
"""Names, inodes, sizes and times of change: cheap to take, different when a file is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    """What a walk found: names below the root with their stat, folders left out, faults."""

    files: tuple[tuple[str, os.stat_result], ...]
    left_out: tuple[str, ...]
    errors: tuple[DocumentError, ...]

    @property
    def signature(self) -> Signature:
        """The files as far as their stat tells."""
        return tuple((name, s.st_ino, s.st_size, s.st_mtime_ns) for name, s in self.files)


def load_folder(folder: Path) -> FolderText:
    """Read every ``*.yaml`` and ``*.yml`` below ``folder``, in the order of their names.

    Raises DocumentErrors: a folder that is missing, empty, too large or unreadable in part.
    """
    for _ in range(_ATTEMPTS):
        before = _listed(folder)
        contents, errors = _read(folder, before)
        # A link that was swapped meanwhile, or a file that was written: what was read is a mixture.
        if _listed(folder).signature == before.signature:
            if errors := (*before.errors, *errors):
                raise DocumentErrors(errors)
            return FolderText(
                revision=Revision(hash=_hash(contents), commit=git_commit(folder)),
                files=contents,
                left_out=before.left_out,
            )
    raise DocumentErrors([_fault(folder, "changes faster than it can be read")])


def folder_signature(folder: Path) -> Signature | None:
    """What to compare to learn that a folder has changed; None while it cannot be listed."""
    try:
        return _listed(folder).signature
    except DocumentErrors:
        return None


def _listed(folder: Path) -> _Listing:
    """Walk ``folder``; raises DocumentErrors where there is nothing to walk."""
    try:
        root = folder.resolve(strict=True)
        if not root.is_dir():
            raise DocumentErrors([_fault(folder, "is no folder")])
        return _walked(folder, root)
    except FileNotFoundError:
        raise DocumentErrors([_fault(folder, "does not exist")]) from None
    except OSError as error:
        raise DocumentErrors([_fault(folder, f"cannot be read: {error.strerror}")]) from error


def _walked(folder: Path, root: Path) -> _Listing:
    files: list[tuple[str, os.stat_result]] = []
    left_out: list[str] = []
    errors: list[DocumentError] = []
    for name, found in _entries(root, "", 0):
        if isinstance(found, str):
            errors.append(_fault(folder / name, found))
        elif found is None:
            left_out.append(name)
        else:
            files.append((name, found))
    if not files and not errors:
        errors.append(_fault(folder, f"holds no file that ends in {' or '.join(SUFFIXES)}"))
    if len(files) > MOST_FILES:
        errors = [_fault(folder, f"holds {len(files)} files; at most {MOST_FILES} are read")]
    if (total := sum(s.st_size for _, s in files)) > MOST_TOTAL_BYTES:
        errors = [_fault(folder, f"holds {total} bytes; at most {MOST_TOTAL_BYTES} are read")]
    return _Listing(files=tuple(sorted(files)), left_out=tuple(left_out), errors=tuple(errors))


def _entries(
    root: Path, below: str, depth: int
) -> Iterator[tuple[str, os.stat_result | str | None]]:
    """Files with their stat; None for a folder left out; a text for what is wrong with an entry."""
    if depth > _DEEPEST:
        yield below.rstrip("/"), f"is nested more than {_DEEPEST} folders deep"
        return
    with os.scandir(root / below) as entries:
        names = sorted(entry.name for entry in entries)
    if below and IGNORE in names:
        yield below.rstrip("/"), None
        return
    for name in names:
        if not name.startswith("."):
            yield from _entry(root, below + name, depth)


def _entry(root: Path, name: str, depth: int) -> Iterator[tuple[str, os.stat_result | str | None]]:
    path = root / name
    try:
        # A ConfigMap's links stay inside of its mount; one that leads out is somebody's trick.
        if path.is_symlink() and not path.resolve(strict=True).is_relative_to(root):
            yield name, "is a link that leads out of the folder"
            return
        status = path.stat()
    except (OSError, RuntimeError):
        yield name, "is a link that leads nowhere"
        return
    if stat.S_ISDIR(status.st_mode):
        if path.is_symlink():
            yield name, "is a link to a folder: give the folder itself"
        else:
            yield from _entries(root, f"{name}/", depth + 1)
    elif name.endswith(SUFFIXES):
        yield name, status if stat.S_ISREG(status.st_mode) else "is no regular file"


def _read(folder: Path, listing: _Listing) -> tuple[tuple[File, ...], tuple[DocumentError, ...]]:
    contents: list[File] = []
    errors: list[DocumentError] = []
    for name, _ in listing.files:
        try:
            with (folder / name).open("rb") as file:
                # One byte more than is allowed is enough for the reader to say so.
                contents.append((name, file.read(MOST_BYTES + 1)))
        except OSError as error:
            errors.append(_fault(folder / name, f"cannot be read: {error.strerror}"))
    return tuple(contents), tuple(errors)


def _hash(files: tuple[File, ...]) -> str:
    digest = hashlib.sha256()
    for name, content in files:
        digest.update(f"{len(name)} {name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:_HASH_SHOWN]


def _fault(path: Path, message: str) -> DocumentError:
    return DocumentError(file=str(path), line=0, column=0, field_path="", message=message)


def git_commit(folder: Path) -> str | None:
    """The commit that the checkout around ``folder`` has; None where it is none, or tells none."""
    try:
        here = folder.resolve(strict=True)
        for parent in (here, *here.parents):
            if (git := parent / ".git").exists():
                return _head(_git_folder(git))
    except (OSError, ValueError):
        return None
    return None


def _git_folder(git: Path) -> Path:
    """The repository of a checkout; a worktree's ``.git`` is a file that names it."""
    if git.is_dir():
        return git
    return (git.parent / git.read_text().removeprefix("gitdir:").strip()).resolve()


def _head(repository: Path) -> str | None:
    head = (repository / "HEAD").read_text().strip()
    if not head.startswith("ref: "):
        return _commit(head)
    ref = head.removeprefix("ref: ")
    common = repository / "commondir"
    homes = [repository]
    if common.exists():
        homes.append((repository / common.read_text().strip()).resolve())
    for home in homes:
        if (home / ref).is_file():
            return _commit((home / ref).read_text().strip())
    return _packed(homes[-1], ref)


def _packed(repository: Path, ref: str) -> str | None:
    packed = repository / "packed-refs"
    for line in packed.read_text().splitlines() if packed.is_file() else ():
        commit, _, name = line.partition(" ")
        if name == ref:
            return _commit(commit)
    return None


def _commit(text: str) -> str | None:
    return text if len(text) in {40, 64} and set(text) <= set("0123456789abcdef") else None
