"""The table read by feature: which rows are in force, and what differs between two runtimes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from webhook.core.compat import VERDICTS, BoundRuntime, CompatTable, Fact, Judgement
from webhook.core.features import NAMESPACES, wider
from webhook.core.names import VERDICT_RANK, Feature, Strength, Support
from webhook.core.versions import Version

_NAMESPACE_RANK: Mapping[str, int] = {name: rank for rank, name in enumerate(NAMESPACES)}


def feature_order(feature: str) -> tuple[int, bool, str]:
    """The order in which people read features: by namespace, the rule for all of it first."""
    namespace, _, name = feature.partition(":")
    return (_NAMESPACE_RANK.get(namespace, len(_NAMESPACE_RANK)), name != "*", name)


def rows_of(table: CompatTable, runtime: str, version: Version | None = None) -> tuple[Fact, ...]:
    """The rows of a runtime, those in force for ``version`` where one is given, by feature.

    A row of the policy folder that holds under all conditions silences the shipped rows of its
    feature.
    """
    rows = [
        fact
        for fact in table.facts
        if fact.runtime == runtime and (version is None or version in fact.versions)
    ]
    silenced = (
        set()
        if version is None
        else {fact.feature for fact in rows if fact.overlay and not fact.when.specificity}
    )
    kept = (fact for fact in rows if fact.overlay or fact.feature not in silenced)
    return tuple(sorted(kept, key=_row_order))


def _row_order(fact: Fact) -> tuple[object, ...]:
    first = fact.versions.intervals[0].start
    return (
        feature_order(fact.feature),
        not fact.overlay,
        fact.when.specificity,
        (first is not None, first.key if first else ()),
    )


class Direction(StrEnum):
    """What a change means to an application that requires the feature."""

    WORSE = "worse"
    BETTER = "better"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One feature that two runtimes, or two releases of one, do not do alike."""

    feature: Feature
    before: Judgement
    after: Judgement

    @property
    def direction(self) -> Direction:
        """Worse, better, or neither, for an application that requires it."""
        before, after = (_worth(j.support) for j in (self.before, self.after))
        if before == after:
            return Direction.DIFFERENT
        return Direction.BETTER if after > before else Direction.WORSE


def _worth(support: Support) -> tuple[int, bool]:
    verdict = VERDICTS[Strength.REQUIRED, support]
    return VERDICT_RANK[verdict], support is Support.FULL


def changes(table: CompatTable, before: BoundRuntime, after: BoundRuntime) -> tuple[Change, ...]:
    """Every feature that any row or need names and that ``after`` does otherwise.

    Two releases of one runtime differ in a note too; two runtimes say everything in other words.
    """
    same_runtime = before.profile.runtime == after.profile.runtime
    named = features_named(table)
    found = (
        Change(feature=feature, before=_answer(before, feature), after=_answer(after, feature))
        for feature in sorted(named, key=feature_order)
        if not _follows(feature, named, before, after)
    )
    return tuple(
        change
        for change in found
        if not _is_one_sided_rule(change)
        and (
            change.before.support != change.after.support
            or (same_runtime and _said(change.before) != _said(change.after))
        )
    )


def _follows(
    feature: Feature, named: frozenset[Feature], before: BoundRuntime, after: BoundRuntime
) -> bool:
    """Whether an operation is answered by the rows of what it is an operation of, on both sides."""
    whole = wider(feature)
    return whole in named and all(
        _answer(side, feature).fact is _answer(side, whole).fact for side in (before, after)
    )


def _is_one_sided_rule(change: Change) -> bool:
    """A rule for all of a namespace that only one side has: no feature that anyone could need."""
    sides = (change.before, change.after)
    return change.feature.endswith("*") and any(j.fact is None for j in sides)


def _answer(runtime: BoundRuntime, feature: Feature) -> Judgement:
    return runtime.judgement(feature, Strength.REQUIRED, False)


def _said(judgement: Judgement) -> tuple[str, object]:
    fact = judgement.fact
    return (fact.note, fact.gate) if fact else ("", None)


def features_named(table: CompatTable) -> frozenset[Feature]:
    """Every feature id that a row or an application's need names."""
    named: set[str] = {fact.feature for fact in table.facts}
    named.update(n.feature for a in table.catalogue.applications for n in a.needs)
    return frozenset(map(Feature, named))


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One release in which what a runtime does with a feature became something else."""

    release: Version
    feature: str
    before: Support
    after: Support


def history(rows: Iterable[Fact]) -> tuple[Turn, ...]:
    """Every change of support among rows without conditions, the newest first."""
    by_feature: dict[str, list[Fact]] = {}
    for fact in rows:
        if not fact.when.specificity:
            by_feature.setdefault(fact.feature, []).append(fact)
    turns = [turn for facts in by_feature.values() for turn in _turns(facts)]
    turns.sort(key=lambda turn: feature_order(turn.feature))
    return tuple(sorted(turns, key=lambda turn: turn.release, reverse=True))


def _turns(facts: Iterable[Fact]) -> Iterator[Turn]:
    pieces = sorted(
        (
            (interval.start, interval.end, fact)
            for fact in facts
            for interval in fact.versions.intervals
        ),
        key=lambda piece: (piece[0] is not None, piece[0].key if piece[0] else ()),
    )
    for (_, end, before), (start, _, after) in pairwise(pieces):
        if start is not None and start == end and before.support != after.support:
            yield Turn(
                release=start, feature=after.feature, before=before.support, after=after.support
            )
