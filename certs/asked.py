"""What a command line asks of a cluster."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from certs.access import Target
from certs.bootstrap import Names
from certs.issue import KeyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to become of its certificates."""

    names: Names | None
    key_type: KeyType | None = None
    force: bool = False
    renew: bool = False
    rotate: bool = False
    strict: bool = False
    unregistered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which objects of which cluster, how it is reached, and how long its parts may take."""

    target: Target
    kubeconfig: Path | None
    check_served: tuple[str, ...]
    settle: timedelta
    grace: timedelta
    wait_seconds: float
