"""Policies reloaded while serving: look, parse whole, swap; or keep the last good ones, say why.

Looking is polling: a stat of each file, which sees symlink swaps (ConfigMap, git-sync), renames
and edits alike, on every file system and in every container.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from webhook.core.compat import CompatTable
from webhook.core.policy import PolicySet
from webhook.core.runtimes import Inventory
from webhook.documents.folder import load_policies
from webhook.documents.source import DocumentErrors
from webhook.live.checkout import git_commit
from webhook.live.current import Current
from webhook.live.policy_folder import UnreadableError, folder_signature, load_folder
from webhook.live.shipped import shipped

log = logging.getLogger("runtimegate.policies")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyState:
    """Everything that a policy folder says, and which revision of it that is."""

    policies: PolicySet
    inventory: Inventory
    compat: CompatTable
    revision: str


class PolicySource(Protocol):
    """Where policies come from."""

    def stamp(self) -> object:
        """Equal to the last one as long as nothing has changed; costs no reading."""

    def load(self) -> PolicyState:
        """Read and parse the whole; raises DocumentErrors, UnreadableError where it is away."""


class FolderSource:
    """A policy folder over the shipped tables."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stamp(self) -> object:
        """The files as far as stat tells, and the commit that the checkout says it is."""
        return folder_signature(self._folder), git_commit(self._folder)

    def load(self) -> PolicyState:
        """See PolicySource."""
        text = load_folder(self._folder)
        loaded = load_policies(text.named_files, shipped())
        return PolicyState(
            policies=loaded.policies,
            inventory=loaded.inventory,
            compat=loaded.compat,
            revision=str(text.revision),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadState:
    """How reloading went. ``errors`` is empty when what the folder holds now is what is served."""

    generation: int = 1
    succeeded_at: datetime
    failures: int = 0
    failed_at: datetime | None = None
    errors: tuple[str, ...] = ()


class Reloader:
    """Keeps the policies of ``current`` like the folder, and its ``today`` like the calendar.

    ``stamp`` is the source's as it was before ``current`` was made from it.
    """

    def __init__(
        self,
        *,
        source: PolicySource,
        current: Current,
        stamp: object,
        now: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._current = current
        self._seen = stamp
        self._now = now
        self._polling = threading.Lock()
        self.state = ReloadState(succeeded_at=now())

    def poll(self) -> bool:
        """Look once; True when other policies are served now. Raises nothing for bad policies."""
        with self._polling:
            self._turn_the_day()
            stamp = self._source.stamp()
            return stamp != self._seen and self._reload(stamp)

    def _turn_the_day(self) -> None:
        today = self._now().date()
        if self._current.snapshot.today != today:
            self._current.replace(today=today)

    def _reload(self, stamp: object) -> bool:
        try:
            loaded = self._source.load()
        except DocumentErrors as error:
            if self._source.stamp() == stamp:
                # What could not be read may be readable a moment later, and bear the same stamp.
                self._seen = object() if isinstance(error, UnreadableError) else stamp
                self._refuse(tuple(str(fault) for fault in error.errors))
            return False
        if self._source.stamp() != stamp:
            return False  # changed while it was read, so maybe half of it: look again next time
        self._seen = stamp
        self._serve(loaded)
        return True

    def _serve(self, loaded: PolicyState) -> None:
        before = self._current.snapshot.revision
        self._current.replace(
            policies=loaded.policies,
            inventory=loaded.inventory,
            compat=loaded.compat,
            revision=loaded.revision,
        )
        self.state = replace(
            self.state,
            generation=self.state.generation + 1,
            succeeded_at=self._now(),
            errors=(),
        )
        if loaded.revision == before:
            log.info("policies read again: still revision %s", before)
        else:
            log.info("policies reloaded: revision %s instead of %s", loaded.revision, before)

    def _refuse(self, errors: tuple[str, ...]) -> None:
        if errors == self.state.errors:
            return
        self.state = replace(
            self.state,
            failures=self.state.failures + 1,
            failed_at=self._now(),
            errors=errors,
        )
        revision = self._current.snapshot.revision
        log.error("policies refused, revision %s stays: %s", revision, "\n".join(errors))


def keep_doing(
    jobs: tuple[Callable[[], object], ...], *, every: float, wait: Callable[[float], bool]
) -> None:
    """Do ``jobs`` every so many seconds until ``wait``, which sleeps, returns true.

    A job that raises is a bug of ours: it is logged, and the others go on.
    """
    while not wait(every):
        for job in jobs:
            try:
                job()
            except Exception:  # the rim of a thread that must not end
                log.exception("a periodic job failed")
