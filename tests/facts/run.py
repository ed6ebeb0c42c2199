"""One full run: every probe under one release of runsc, in the table's own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from tests.runsc.releases import Runsc, as_root
from webhook.core.agreement import Comparison
from webhook.core.compat import BoundRuntime
from webhook.live import probing
from webhook.live.probing import RunFailed, Variant, contradictions
from webhook.live.shipped import shipped

__all__ = ["RunFailed", "Variant", "bound", "comparisons", "contradictions", "native", "variants"]


def probed_features() -> tuple[str, ...]:
    """Every feature of gVisor's rows that has a probe, in order."""
    return probing.probed_features(shipped().compat)


@cache
def native() -> Mapping[str, str]:
    """The control: the same probes on this machine's kernel, once a process."""
    return probing.natively(probed_features(), as_root())


def bound(runsc: Runsc, flags: Mapping[str, str]) -> BoundRuntime:
    """The shipped table for one release with flags."""
    return probing.bound_to(shipped().compat, runsc, flags)


def variants(runsc: Runsc) -> tuple[Variant, ...]:
    """The default flags with all probes; each flag that opens a gate with those behind it."""
    return probing.variants(shipped().compat, runsc, probed_features())


def comparisons(runsc: Runsc, variant: Variant) -> Iterator[Comparison]:
    """Every probe of one variant beside the shipped table."""
    return probing.comparisons(shipped().compat, runsc, variant, native())
