"""Everything that one request sees: immutable, replaced whole."""

from dataclasses import dataclass, field
from datetime import date

from webhook.core.cluster import ClusterView
from webhook.core.compat import CompatTable
from webhook.core.names import ALWAYS_EXCLUDED
from webhook.core.policy import PolicySet
from webhook.core.runtimes import Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Policies, inventory, compatibility table and cluster facts of one moment.

    ``revision`` says which policies these are. ``today`` (UTC) decides which exemptions have
    expired and which releases are recent: the clock is part of the value.
    """

    policies: PolicySet
    inventory: Inventory
    compat: CompatTable
    cluster: ClusterView = field(default_factory=ClusterView)
    today: date
    revision: str = ""
    excluded_namespaces: frozenset[str] = ALWAYS_EXCLUDED
