"""A policy folder on disk → names, contents and revision, or every reason why not.

A plain checkout, a ConfigMap or Secret mount (``x.yaml -> ..data/x.yaml``, ``..data -> ..2026_…``,
and ``sub -> ..data/sub`` where its items have paths) and a git-sync worktree (the folder itself is
a link that is swapped) are read alike. Entries that begin with a dot are left out, so that what a
mount keeps in ``..data`` is read once, through its links. A link may lead to a file inside of the
folder, or to a hidden folder there; one that leads out is refused, since the repository's author
would choose what the webhook reads of its machine.

A folder that is swapped while it is read is read again: half of one revision is never mixed with
half of another. A ``git pull`` into the folder itself is no swap: of its many writes those that are
done before the reading begins are seen, and the others as the next change.
"""

import hashlib
import os
import stat
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from webhook.documents.reading import not_in_force
from webhook.documents.source import MOST_BYTES, DocumentError, DocumentErrors, too_large
from webhook.live.checkout import git_commit

SUFFIXES = (".yaml", ".yml")
IGNORE = ".runtimegateignore"
"""A folder below the root that holds a file of this name is not read: examples, drafts."""
_ATTEMPTS = 5
_DEEPEST = 32
_HASH_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a folder may hold. ``entries`` are names of any kind: ``/`` has an end, too."""

    files: int = 10_000
    total_bytes: int = 64 * 1024 * 1024
    entries: int = 100_000


LIMITS = Limits()

File = tuple[str, bytes]
"""The name below the root, with ``/``, and the content."""


class UnreadableError(DocumentErrors):
    """A file could not be read: no fault of its author, and perhaps of this moment only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """Which policies these are: the hash is the truth, the commit what the checkout says it is.

    The hash is of every file but those that hold nothing but PolicyTests.
    """

    hash: str
    commit: str | None = None

    def __str__(self) -> str:
        return f"{self.hash} (git {self.commit[:_HASH_SHOWN]})" if self.commit else self.hash


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderText:
    """The files of a folder at one moment, and the subfolders that were left out on purpose."""

    folder: Path
    revision: Revision
    files: tuple[File, ...]
    left_out: tuple[str, ...] = ()

    @property
    def named_files(self) -> tuple[File, ...]:
        """The files by names that lead to them from here: what errors and places should say."""
        return tuple((str(self.folder / name), content) for name, content in self.files)


Signature = tuple[object, ...]
"""The real folder, its files as far as stat tells, and its faults: different once one has changed.

The time of the inode is part of it, so that a file made readable is a change.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    """What a walk found: names below the root with their stat, folders left out, faults."""

    root: Path | None
    files: tuple[tuple[str, os.stat_result], ...] = ()
    left_out: tuple[str, ...] = ()
    errors: tuple[DocumentError, ...] = ()

    @property
    def signature(self) -> Signature:
        """See Signature."""
        files = (
            (name, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns)
            for name, s in self.files
        )
        return (str(self.root), *files, *self.left_out, *self.errors)


def load_folder(folder: Path, *, called: Path | None = None, limits: Limits = LIMITS) -> FolderText:
    """Read every ``*.yaml`` and ``*.yml`` below ``folder``, in the order of their names.

    ``called`` is how a person calls it, where that is not its path. Raises DocumentErrors: a folder
    that is missing, empty, too large or unreadable in part; UnreadableError where it is that of a
    file which a walk finds in order: its signature may be the same when it can be read again.
    """
    called = called or folder
    for _ in range(_ATTEMPTS):
        before = _listed(folder, limits, called)
        contents, errors = _read(folder, before, called)
        # A link that was swapped meanwhile, or a file that was written: what was read is a mixture,
        # and what could not be read may only have been on its way.
        if _listed(folder, limits, called).signature == before.signature:
            if errors:
                raise UnreadableError((*before.errors, *errors))
            if before.errors:
                raise DocumentErrors(before.errors)
            return FolderText(
                folder=called,
                revision=Revision(hash=_hash(contents), commit=git_commit(before.root or folder)),
                files=contents,
                left_out=before.left_out,
            )
    raise DocumentErrors([_fault(called, "changes faster than it can be read")])


def folder_signature(folder: Path) -> Signature | None:
    """What to compare to learn that a folder has changed; None while there is no such folder."""
    listing = _listed(folder, LIMITS, folder)
    return listing.signature if listing.root else None


def _listed(folder: Path, limits: Limits, called: Path) -> _Listing:
    try:
        root = folder.resolve(strict=True)
    except FileNotFoundError:
        return _Listing(root=None, errors=(_fault(called, "does not exist"),))
    except (OSError, RuntimeError) as error:
        return _Listing(root=None, errors=(_unreadable(called, error),))
    if not root.is_dir():
        return _Listing(root=None, errors=(_fault(called, "is no folder"),))
    walk = _Walk(folder=called, root=root, most_entries=limits.entries)
    walk.enter("", 0)
    if too_much := _too_much(called, walk, limits):
        return _Listing(root=root, errors=(too_much,))
    if not walk.files and not walk.errors:
        walk.errors.append(_fault(called, f"holds no file that ends in {' or '.join(SUFFIXES)}"))
    return _Listing(
        root=root,
        files=tuple(sorted(walk.files)),
        left_out=tuple(walk.left_out),
        errors=tuple(walk.errors),
    )


@dataclass(slots=True, kw_only=True)
class _Walk:
    """Goes through ``root`` and notes what it finds; ``folder`` is how a person calls it."""

    folder: Path
    root: Path
    most_entries: int
    files: list[tuple[str, os.stat_result]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    errors: list[DocumentError] = field(default_factory=list)
    entries: int = 0
    followed: set[Path] = field(default_factory=set)

    def enter(self, below: str, depth: int) -> None:
        """Note all that is in one folder; ``below`` is its name and a slash."""
        if depth > _DEEPEST:
            self._refuse(below, f"is nested more than {_DEEPEST} folders deep")
            return
        try:
            with os.scandir(self.root / below) as found:
                entries = sorted(found, key=attrgetter("name"))
        except OSError as error:
            self.errors.append(_unreadable(self.folder / below, error))
            return
        if below and any(entry.name == IGNORE for entry in entries):
            self.left_out.append(below.rstrip("/"))
            return
        self.entries += len(entries)
        for entry in entries:
            if not entry.name.startswith(".") and self.entries <= self.most_entries:
                self._note(entry, below + entry.name, depth)

    def _note(self, entry: os.DirEntry[str], name: str, depth: int) -> None:
        try:
            status = entry.stat()
            target = Path(entry.path).resolve(strict=True) if entry.is_symlink() else None
        except (OSError, RuntimeError) as error:
            self.errors.append(_no_stat(self.folder / name, entry, error))
            return
        is_folder = stat.S_ISDIR(status.st_mode)
        if target and (said := self._why_not_follow(target, is_folder)):
            self._refuse(name, said)
        elif is_folder:
            self.enter(f"{name}/", depth + 1)
        elif name.endswith(SUFFIXES):
            self._note_file(name, status)

    def _why_not_follow(self, target: Path, is_folder: bool) -> str:
        """What is wrong with a link; empty where it may be read."""
        if not target.is_relative_to(self.root):
            return "is a link that leads out of the folder"
        if not is_folder:
            return ""
        # A folder that can be seen is read anyway. A hidden one is a mount's own, and read once.
        hidden = any(part.startswith(".") for part in target.relative_to(self.root).parts)
        if not hidden or target in self.followed:
            return "is a link to a folder: give the folder itself"
        self.followed.add(target)
        return ""

    def _note_file(self, name: str, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            self._refuse(name, "is no regular file")
        elif status.st_size > MOST_BYTES:
            self.errors.append(too_large(str(self.folder / name), status.st_size))
        elif not _is_text(name):
            self._refuse(name, "has a name that is not UTF-8")
        else:
            self.files.append((name, status))

    def _refuse(self, name: str, message: str) -> None:
        self.errors.append(_fault(self.folder / name, message))


def _too_much(folder: Path, walk: _Walk, limits: Limits) -> DocumentError | None:
    """One error in place of all others where a folder is larger than any of policies."""
    total = sum(status.st_size for _, status in walk.files)
    for found, most, what in (
        (walk.entries, limits.entries, "entries"),
        (len(walk.files), limits.files, "files"),
        (total, limits.total_bytes, "bytes"),
    ):
        if found > most:
            return _fault(folder, f"holds {found} {what}; at most {most} are read")
    return None


def _read(
    folder: Path, listing: _Listing, called: Path
) -> tuple[tuple[File, ...], tuple[DocumentError, ...]]:
    contents: list[File] = []
    errors: list[DocumentError] = []
    root = listing.root or folder
    for name, status in listing.files:
        try:
            contents.append((name, _content(root / name, status.st_size)))
        except OSError as error:
            errors.append(_unreadable(called / name, error))
    return tuple(contents), tuple(errors)


def _content(path: Path, size: int) -> bytes:
    """The bytes of a file that had this size; a pipe that has taken its place blocks nobody."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:
        return file.read(size + 1)


def _hash(files: tuple[File, ...]) -> str:
    """Of all but the files of tests alone: with or without those the policies are the same."""
    digest = hashlib.sha256()
    for name, content in files:
        if not_in_force(name, content):
            continue
        digest.update(f"{len(name)} {name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:_HASH_SHOWN]


def _is_text(name: str) -> bool:
    """Whether a file's name is UTF-8: Python reads other bytes as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_stat(shown: Path, entry: os.DirEntry[str], error: OSError | RuntimeError) -> DocumentError:
    if entry.is_symlink():
        return _fault(shown, "is a link that leads nowhere")
    return _unreadable(shown, error)


def _unreadable(path: Path, error: OSError | RuntimeError) -> DocumentError:
    said = error.strerror if isinstance(error, OSError) else None
    return _fault(path, f"cannot be read: {said or 'links in a circle'}")


def _fault(path: Path, message: str) -> DocumentError:
    return DocumentError(file=str(path), line=0, column=0, field_path="", message=message)
