"""What a run under a real release says about rows of the table: confirmed or contradicted.

A program's calls are no probes: they may fail because their arguments are wrong. So only this is
taken for a word on a row: that all calls were answered ENOSYS, or refused in the way of a row that
says so, and that some succeeded. Everything else leaves the row untold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from webhook.core.agreement import Result
from webhook.core.compat import BoundRuntime, Fact
from webhook.core.names import Feature, Support
from webhook.documents.recordings.calls import NO_ANSWER
from webhook.documents.recordings.tally import Tally, Use

_TOLD_BY_CALLS = frozenset({"syscall", "ioctl", "device", "proc", "sys"})
"""Namespaces whose features are what a call asks for, not what becomes of it later."""
_ENOSYS = frozenset({"ENOSYS"})
_MISSING = frozenset({"ENOSYS", "ENOENT", "ENXIO", "ENODEV"})
_REFUSED = _MISSING | {"EPERM", "EACCES", "EINVAL", "EOPNOTSUPP"}
_THERE = frozenset({Support.FULL, Support.SCOPED, Support.STUB, Support.IGNORED})
_CLOSED: Mapping[Support, frozenset[str]] = {
    Support.GATED: _REFUSED,
    Support.ERRNO: _REFUSED,
    Support.ABSENT: _MISSING,
}
_OWN_FILTER = frozenset({Feature("syscall:seccomp"), Feature("syscall:prctl/PR_SET_SECCOMP")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One feature that a run used, beside the row in force."""

    feature: Feature
    use: Use
    fact: Fact
    result: Result


def statements(tally: Tally, bound: BoundRuntime) -> tuple[Statement, ...]:
    """What the run says about every row that speaks of just what it used, in order."""
    # A filter of the program's own answers what it likes: its refusals say nothing of the runtime.
    filtered = not _OWN_FILTER.isdisjoint(tally.uses)
    return tuple(sorted(_statements(tally, bound, filtered), key=lambda t: t.feature))


def _statements(tally: Tally, bound: BoundRuntime, filtered: bool) -> Iterator[Statement]:
    for feature, use in tally.uses.items():
        fact = fact_in_force(bound, feature)
        if fact is not None and feature.partition(":")[0] in _TOLD_BY_CALLS:
            result = _result(use, fact.support)
            if filtered and not use.answers[""]:
                result = Result.NO_CLAIM
            yield Statement(feature=feature, use=use, fact=fact, result=result)


def fact_in_force(bound: BoundRuntime, feature: Feature) -> Fact | None:
    """The row of just this feature that holds for the one release of ``bound``."""
    version = bound.versions[0]
    facts = bound.facts_about(feature)
    fact = next((f for f in facts if version is not None and version in f.versions), None)
    return fact if fact is not None and fact.feature == feature else None


def _result(use: Use, support: Support) -> Result:
    answers = {error for error, number in use.answers.items() if number and error != NO_ANSWER}
    if not answers:
        return Result.UNTESTED
    if support in _CLOSED:
        if "" in answers:
            return Result.CONTRADICTED
        return Result.CONFIRMED if answers <= _CLOSED[support] else Result.NO_CLAIM
    if support in _THERE and answers <= _ENOSYS:
        return Result.CONTRADICTED
    return Result.CONFIRMED if support is Support.FULL and "" in answers else Result.NO_CLAIM
