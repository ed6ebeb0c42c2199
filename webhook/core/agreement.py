"""Whether what a probe saw is what the table says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from webhook.core.compat import BoundRuntime, Fact
from webhook.core.names import Feature, Support

AGREES: Mapping[Support, frozenset[str]] = {
    Support.FULL: frozenset({"works", "accepted", "answers"}),
    Support.PARTIAL: frozenset({"works", "accepted", "answers", "partial", "ineffective", "errno"}),
    Support.SCOPED: frozenset({"works", "accepted"}),
    Support.STUB: frozenset({"accepted", "answers", "ineffective"}),
    Support.IGNORED: frozenset({"accepted", "ineffective"}),
    Support.GATED: frozenset({"errno", "absent", "ineffective"}),
    # Some calls are refused with ENOSYS to those who have the capability they ask for.
    Support.ERRNO: frozenset({"errno", "absent", "answers"}),
    Support.ABSENT: frozenset({"absent"}),
}
"""The first words of verdicts that fit a level of support; `unknown` claims nothing."""


class Result(StrEnum):
    """What one probe under one runsc says about the row in force."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    UNPROVEN = "unproven"
    """Refused natively in the same way, so it tells nothing about gVisor."""
    NO_CLAIM = "no claim"
    UNTESTED = "untested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One probe under one runsc, beside the row in force there."""

    feature: str
    run: str
    observed: str
    native: str
    fact: Fact | None
    result: Result

    def __str__(self) -> str:
        says = "nothing" if self.fact is None else f"{self.fact.support} ({self.fact.note})"
        return (
            f"{self.feature} under {self.run}: observed {self.observed!r}"
            f" (natively {self.native!r}), the table says {says}"
        )


def compare(
    feature: str, observed: str, native: str, *, bound: BoundRuntime, run: str
) -> Comparison:
    """Lay one verdict beside what the table says about that runtime."""
    version = bound.versions[0]
    facts = bound.facts_about(Feature(feature))
    fact = next((f for f in facts if version is not None and version in f.versions), None)
    return Comparison(
        feature=feature,
        run=run,
        observed=observed,
        native=native,
        fact=fact,
        result=_result(observed, native, fact),
    )


def _result(observed: str, native: str, fact: Fact | None) -> Result:
    word = observed.split(maxsplit=1)[0]
    if word == "untested":
        return Result.UNTESTED
    if fact is None or fact.support is Support.UNKNOWN:
        return Result.NO_CLAIM
    if word not in AGREES[fact.support]:
        return Result.CONTRADICTED
    if word in {"errno", "ineffective"} and observed == native:
        return Result.UNPROVEN
    return Result.CONFIRMED
