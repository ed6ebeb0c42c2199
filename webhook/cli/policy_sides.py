"""OLD and NEW of ``policy diff``: folders or git revisions, read as the webhook would read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from webhook.core.names import counted, shown
from webhook.documents.folder import Loaded, load_policies
from webhook.documents.inventory import RuntimeInventory
from webhook.documents.reading import Placed, of_kind, read_documents
from webhook.documents.source import MOST_BYTES, DocumentError, DocumentErrors
from webhook.live.git import GitError, find_repository
from webhook.live.policy_folder import FolderText, Revision, load_folder
from webhook.live.revision_folder import Named, load_revision, parse_named
from webhook.live.shipped import shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Policies as one side of the comparison has them, and how they were named."""

    written: str
    is_folder: bool
    revision: Revision
    loaded: Loaded
    inventory: str | None = None
    uncommitted: bool = False
    """Of a folder: that HEAD of its repository has it otherwise."""

    def __str__(self) -> str:
        return f"{shown(self.written, 200)} ({', '.join(self._which())})"

    def _which(self) -> Sequence[str]:
        commit = self.revision.commit
        named = f"git {commit[:12]}" if commit else ""
        if self.uncommitted:
            named = "not committed"
        inventory = f"inventory {shown(self.inventory, 200)}" if self.inventory else ""
        return [part for part in (self.revision.hash, named, inventory) if part]

    def value(self) -> dict[str, Any]:
        """The side as JSON."""
        return {
            "source": self.written,
            "revision": self.revision.hash,
            "commit": self.revision.commit,
            "uncommitted": self.uncommitted,
            "inventory": self.inventory,
        }


def load_side(written: str) -> Side:
    """Read OLD or NEW. What is there as a folder is a folder, whatever is in its name.

    Raises GitError and DocumentErrors, which say which side they are of.
    """
    named = parse_named(written)
    if named is not None and not Path(written).exists():
        text = load_revision(named, here=Path.cwd())
        return _side(written, text, is_folder=False)
    if named is None and not Path(written).exists():
        raise DocumentErrors([_error(written, f"does not exist; {_how_to_name(written)}")])
    text = load_folder(Path(written))
    side = _side(written, text, is_folder=True)
    return replace(side, uncommitted=_differs_from_head(text))


def _side(written: str, text: FolderText, *, is_folder: bool) -> Side:
    loaded = load_policies(text.named_files, shipped())
    return Side(written=written, is_folder=is_folder, revision=text.revision, loaded=loaded)


def _how_to_name(written: str) -> str:
    how = "a folder of a git revision is written REVISION:FOLDER, as in main:policies"
    try:
        bare = find_repository(Path.cwd()).bare
    except GitError:
        return how
    if bare:
        return f"this repository is bare, without a working tree: write HEAD:{shown(written, 200)}"
    return how


def _differs_from_head(text: FolderText) -> bool:
    """Whether a folder holds what HEAD does not: compared by content, as git status is not asked.

    Where git cannot be asked nothing is said; what HEAD does not have at all is not committed.
    """
    if text.revision.commit is None:
        return False
    try:
        find_repository(text.folder)
    except GitError:
        return False
    try:
        head = load_revision(Named(revision="HEAD", path="."), here=text.folder)
    except (GitError, DocumentErrors):
        return True
    return head.revision.hash != text.revision.hash


def left_behind(side: Side) -> str:
    """What a person may have forgotten: changes of the working tree that a revision lacks."""
    named = parse_named(side.written)
    if side.is_folder or named is None:
        return ""
    try:
        repository = find_repository(Path.cwd())
        if repository.bare or repository.commit("HEAD") != side.revision.commit:
            return ""
        ups = repository.prefix.count("/")
        path = named.path if named.path.startswith(".") else f"{'../' * ups}{named.path or '.'}"
        here = load_folder(Path(path))
    except (GitError, DocumentErrors):
        return ""
    if here.revision.hash == side.revision.hash:
        return ""
    folder = shown(path, 200)
    return (
        f"{folder} has changes that are not committed, and {shown(side.written, 200)} is "
        f"without them: name the folder, {folder}, to look at those"
    )


def with_inventory(side: Side, file: Path) -> Side:
    """The side with the RuntimeInventory of a file in place of its own.

    Raises DocumentErrors where the file holds anything but one RuntimeInventory.
    """
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)  # a file without end is one that is too large
    documents, errors = read_documents([(str(file), content)])
    found = of_kind(RuntimeInventory, documents)
    if errors:
        raise DocumentErrors(errors)
    if len(found) != 1 or len(documents) != 1:
        others = counted(len(documents) - len(found), "document")
        holds = f"{len(found)} of it and {others} of other kinds"
        raise DocumentErrors(
            [_error(str(file), f"must hold one RuntimeInventory and nothing else, not {holds}")]
        )
    ((placed, model),) = found
    kept = (d for d in side.loaded.documents if not isinstance(d.model, RuntimeInventory))
    loaded = replace(side.loaded, inventory=model.core(), documents=(*kept, placed))
    return replace(side, loaded=loaded, inventory=str(file))


def changed_documents(old: Side, new: Side) -> dict[str, list[str]]:
    """Documents by what became of them, as ``RuntimePolicy tenants``."""
    before, after = _by_name(old.loaded.documents), _by_name(new.loaded.documents)
    common = before.keys() & after.keys()
    return {
        "added": sorted(after.keys() - before.keys()),
        "removed": sorted(before.keys() - after.keys()),
        "changed": sorted(name for name in common if before[name].model != after[name].model),
    }


def _by_name(documents: Sequence[Placed]) -> Mapping[str, Placed]:
    return {f"{placed.kind} {placed.name}": placed for placed in documents}


def _error(file: str, message: str) -> DocumentError:
    return DocumentError(file=file, line=0, column=0, field_path="", message=message)
