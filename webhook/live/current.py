"""The one place that changes: it holds the Snapshot that requests read.

A reader takes the reference and keeps it for its whole request: no lock, never half a change.
Writers (the policy reloader, the cluster watchers) replace their parts under one lock, so that
none undoes what another has just put there.
"""

import threading
from dataclasses import replace
from datetime import date
from typing import TypedDict, Unpack

from webhook.core.cluster import ClusterView
from webhook.core.compat import CompatTable
from webhook.core.policy import PolicySet
from webhook.core.runtimes import Inventory
from webhook.core.snapshot import Snapshot


class Parts(TypedDict, total=False):
    """What ``Current.replace`` may put in place of what is there."""

    policies: PolicySet
    inventory: Inventory
    compat: CompatTable
    cluster: ClusterView
    today: date
    revision: str


class Current:
    """The snapshot in force."""

    __slots__ = ("_lock", "_snapshot")

    def __init__(self, snapshot: Snapshot) -> None:
        self._lock = threading.Lock()
        self._snapshot = snapshot

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot of this moment: take it once per request."""
        return self._snapshot

    def replace(self, **parts: Unpack[Parts]) -> Snapshot:
        """Put ``parts`` in place, the others staying, and return the new snapshot."""
        with self._lock:
            self._snapshot = replace(self._snapshot, **parts)
            return self._snapshot
