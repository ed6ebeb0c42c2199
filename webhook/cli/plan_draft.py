"""The draft of ``runtimegate plan`` as files: made, proven against the same objects, written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import click

from webhook.core.anew import by_its_maker, made_anew
from webhook.core.census import Key, key_of
from webhook.core.decision import Deny, decide
from webhook.core.drafting import Draft, inevitable
from webhook.core.names import counted, shown
from webhook.core.pod import PodView
from webhook.core.snapshot import Snapshot
from webhook.core.workload import WorkloadKind
from webhook.documents.applications import ApplicationExtension, ApplicationRequirements
from webhook.documents.compat import RuntimeFacts
from webhook.documents.drafted import About, drafted_files
from webhook.documents.folder import Loaded, load_policies
from webhook.documents.inventory import RuntimeInventory
from webhook.documents.lint import LintWarning, lint_all, warnings_counted
from webhook.documents.reading import of_kind
from webhook.live.policy_folder import SUFFIXES, load_folder
from webhook.live.shipped import shipped

MARK = "# A draft by `runtimegate plan`"
"""How every file of a draft begins: what --force may replace."""
_MOST_TOLD = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What is known before anything is looked at: an inventory, and tables of the operator's own.

    ``overlays`` are the files that hold such tables alone: a draft needs them to decide alike.
    """

    loaded: Loaded
    inventory: Mapping[str, Any] | None = None
    overlays: tuple[tuple[str, bytes], ...] = ()

    @property
    def kinds(self) -> tuple[WorkloadKind, ...]:
        """The kinds that the inventory declares."""
        return self.loaded.inventory.workload_kinds


def load_sources(policies: Path | None, inventory: Path | None) -> Sources:
    """Read the policy folder, and the inventory file that goes before the folder's.

    Raises DocumentErrors, and click.UsageError for a file that holds no inventory.
    """
    loaded, overlays = _folder(policies)
    if inventory is not None:
        of_file = load_policies([(str(inventory), inventory.read_bytes())], shipped())
        if not of_kind(RuntimeInventory, of_file.documents):
            raise click.UsageError(f"--inventory: {inventory} holds no RuntimeInventory")
        described, loaded = of_file, replace(loaded, inventory=of_file.inventory)
    else:
        described = loaded
    found = [placed.source.data for placed, _ in of_kind(RuntimeInventory, described.documents)]
    return Sources(loaded=loaded, inventory=next(iter(found), None), overlays=tuple(overlays))


def _folder(policies: Path | None) -> tuple[Loaded, list[tuple[str, bytes]]]:
    if policies is None:
        return load_policies([], shipped()), []
    folder = load_folder(policies)
    loaded = load_policies(folder.named_files, shipped())
    tables = (RuntimeFacts, ApplicationRequirements, ApplicationExtension)
    others = {p.source.file for p in loaded.documents if not isinstance(p.model, tables)}
    named = zip(folder.named_files, folder.files, strict=True)
    return loaded, [file for (name, _), file in named if name not in others]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A pod that the draft would refuse. ``inevitable``: whatever a policy says."""

    key: Key
    reason: str
    message: str
    inevitable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A draft as files, and what the same objects get under it: the proof."""

    files: Mapping[str, str]
    policies: int
    overrides: int
    linted: tuple[LintWarning, ...]
    decided: int
    refused: tuple[Refused, ...]
    folder: Path | None = None
    strangers: tuple[str, ...] = ()

    @property
    def lint(self) -> tuple[LintWarning, ...]:
        """What lint warns of that is not accepted in the draft."""
        return tuple(warning for warning in self.linted if not warning.accepted)

    @property
    def holds(self) -> bool:
        """Whether it lints clean and refuses nothing that a policy can let through."""
        return not self.lint and all(refused.inevitable for refused in self.refused)


def made(
    draft: Draft,
    about: About,
    sources: Sources,
    objects: Iterable[tuple[Mapping[str, Any], str, list[PodView]]],
) -> Drafted:
    """The draft as files, read back as the webhook would and held against every object."""
    texts = drafted_files(draft, about, sources.inventory)
    files = {**texts, **{name: content.decode() for name, content in _beside(texts, sources)}}
    loaded = load_policies([(name, text.encode()) for name, text in files.items()], shipped())
    snapshot = snapshot_under(loaded, draft, about.today)
    decided = 0
    refused: list[Refused] = []
    for obj, namespace, pods in objects:
        decided += len(pods)
        refused.extend(_refusals(obj, namespace, pods, snapshot))
    return Drafted(
        files=files,
        policies=len(loaded.policies.policies),
        overrides=sum(len(policy.overrides) for policy in loaded.policies.policies),
        linted=lint_all(loaded, about.today),
        decided=decided,
        refused=tuple(refused),
    )


def snapshot_under(loaded: Loaded, draft: Draft, today: date) -> Snapshot:
    """The cluster as it will be, under the policies that were drafted."""
    planned = draft.ladder.snapshot
    return replace(
        planned,
        policies=loaded.policies,
        inventory=loaded.inventory,
        compat=loaded.compat,
        today=today,
    )


def _beside(texts: Mapping[str, str], sources: Sources) -> Iterator[tuple[str, bytes]]:
    """The operator's own tables, under names that no file of the draft has."""
    for name, content in sources.overlays:
        yield (f"tables/{name}" if name in texts else name), content


def _refusals(
    obj: Mapping[str, Any], namespace: str, pods: Iterable[PodView], snapshot: Snapshot
) -> Iterator[Refused]:
    for pod in pods:
        anew = made_anew(pod, snapshot.cluster)
        decision = decide(anew, by_its_maker(anew), snapshot)
        if isinstance(decision, Deny):
            yield Refused(
                key=key_of(obj, namespace),
                reason=str(decision.reason),
                message=decision.message.partition("\n")[0],
                inevitable=inevitable(anew, decision),
            )


def check_folder(folder: Path, *, force: bool) -> None:
    """Raise click.UsageError where ``folder`` holds something that is not to be overwritten."""
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"--write: {folder} is no folder")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise click.UsageError(
            f"--write: {folder} is not empty; --force replaces the files of an earlier draft"
        )


def write_draft(drafted: Drafted, folder: Path) -> Drafted:
    """Write the files, and take away those of an earlier draft; others are left, and named.

    Raises click.UsageError where a file of a draft's name is none, before anything is written.
    """
    kept = {folder / name for name in drafted.files}
    found = sorted(p for p in folder.rglob("*") if p.suffix in SUFFIXES and p.is_file())
    for name, text in drafted.files.items():
        file = folder / name
        if file in found and not (_is_drafted(file) or file.read_bytes() == text.encode()):
            raise click.UsageError(f"--write: {file} is not of a draft, and is left as it is")
    strangers = [file for file in found if file not in kept and not _is_drafted(file)]
    for file in found:
        if file not in kept and _is_drafted(file):
            file.unlink()
    for name, text in drafted.files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return replace(drafted, folder=folder, strangers=tuple(map(str, strangers)))


def _is_drafted(file: Path) -> bool:
    return not file.is_symlink() and file.read_bytes().startswith(MARK.encode())


def drafted_value(drafted: Drafted) -> dict[str, Any]:
    """The draft as JSON."""
    return {
        "folder": str(drafted.folder) if drafted.folder else None,
        "files": sorted(drafted.files),
        "policies": drafted.policies,
        "overrides": drafted.overrides,
        "lint": [str(warning) for warning in drafted.lint],
        "accepted": len(drafted.linted) - len(drafted.lint),
        "decided": drafted.decided,
        "refused": [
            {
                "namespace": refused.key.namespace,
                "kind": refused.key.kind,
                "name": refused.key.name,
                "reason": refused.reason,
                "message": refused.message,
                "inevitable": refused.inevitable,
            }
            for refused in drafted.refused
        ],
    }


def drafted_lines(drafted: Drafted) -> Iterator[str]:
    """What a person is told of the draft."""
    policies = "1 policy" if drafted.policies == 1 else f"{drafted.policies} policies"
    size = f"{policies}, {counted(drafted.overrides, 'override')}"
    where = f" in {shown(str(drafted.folder), 300)}" if drafted.folder else ""
    yield f"Draft{where}: {counted(len(drafted.files), 'file')}, {size}"
    yield (
        f"  decided again under it: {counted(drafted.decided, 'pod')} and pod templates, "
        f"{len(drafted.refused) or 'none'} refused; lint: "
        f"{warnings_counted(drafted.linted)}"
    )
    for refused in drafted.refused[:_MOST_TOLD]:
        names = map(shown, (refused.key.kind, refused.key.namespace, refused.key.name))
        yield "  {} {}/{}: ".format(*names) + refused.message
        if refused.inevitable:
            yield "    no policy can let it through"
    for warning in drafted.lint:
        yield f"  {warning}"
    for stranger in drafted.strangers:
        yield f"  left as it was, and no part of the draft: {stranger}"
    if drafted.folder and drafted.holds:
        yield f"  read it, then: runtimegate policy lint -p {drafted.folder}"
    elif not drafted.holds:
        yield "  nothing was written: see above"
