"""The compatibility table: what a runtime release does with a feature, the verdict on a need.

Facts say what a runtime lacks or does slowly, requirements say what an application needs; every
verdict is the matrix ``VERDICTS`` applied to one of each.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TypeVar

from webhook.core.applications import Application, Catalogue, Evidence
from webhook.core.applications import Need as ApplicationNeed
from webhook.core.features import wider
from webhook.core.images import glob_matches
from webhook.core.names import VERDICT_RANK, Feature, Strength, Support, Verdict
from webhook.core.runtimes import ON_THE_NODES_KERNEL, RuntimeProfile
from webhook.core.versions import ALL_VERSIONS, IntervalSet, Version

_C, _D, _I, _U = Verdict.COMPATIBLE, Verdict.DEGRADED, Verdict.INCOMPATIBLE, Verdict.UNKNOWN

# fmt: off
#             full partial scoped stub ignored gated errno absent unknown
_MATRIX: Mapping[Strength, tuple[Verdict, ...]] = {
    Strength.REQUIRED:  (_C, _D, _D, _D, _D, _I, _I, _I, _U),
    Strength.PREFERRED: (_C, _C, _C, _D, _D, _D, _D, _D, _U),
    Strength.OPTIONAL:  (_C, _C, _C, _C, _C, _C, _C, _C, _C),
    Strength.OBSERVED:  (_C, _C, _C, _C, _C, _U, _U, _U, _U),
}
# fmt: on
_COLUMNS = (
    Support.FULL,
    Support.PARTIAL,
    Support.SCOPED,
    Support.STUB,
    Support.IGNORED,
    Support.GATED,
    Support.ERRNO,
    Support.ABSENT,
    Support.UNKNOWN,
)  # fmt: skip
VERDICTS: Mapping[tuple[Strength, Support], Verdict] = {
    (strength, support): verdict
    for strength, row in _MATRIX.items()
    for support, verdict in zip(_COLUMNS, row, strict=True)
}
"""DESIGN 4: the verdict of one need against one fact; an ignored security field is apart."""

_UNKNOWN_VERSION_SPAN = timedelta(days=730)
_MOST_REMEMBERED = 2048
_MOST_BOUND = 256
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Under which profiles a fact holds; a part not given holds under all."""

    vendor: str | None = None
    hypervisor: frozenset[str] = frozenset()
    cri: str | None = None
    cri_versions: IntervalSet = ALL_VERSIONS
    arch: frozenset[str] = frozenset()
    flags: Mapping[str, str] = field(default_factory=dict)

    def match(self, profile: RuntimeProfile) -> bool:
        """Whether ``profile`` fulfils every part."""
        return (
            self.vendor in {None, profile.vendor}
            and (not self.hypervisor or profile.hypervisor in self.hypervisor)
            and (not self.arch or profile.arch in self.arch)
            and all(profile.has_flag(name, (value,)) for name, value in self.flags.items())
            and self._cri_matches(profile)
        )

    def _cri_matches(self, profile: RuntimeProfile) -> bool:
        if self.cri is None:
            return True
        if profile.cri is None or profile.cri.name != self.cri:
            return False
        if profile.cri.version is None:
            return self.cri_versions == ALL_VERSIONS
        return profile.cri.version in self.cri_versions

    @property
    def specificity(self) -> int:
        """How many parts are given: the fact with most of them is believed."""
        parts = (self.vendor, self.hypervisor, self.cri, self.arch)
        return sum(1 for part in parts if part) + len(self.flags)


UNCONDITIONAL = Conditions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The runtime's flag that turns a gated feature on, and the support it then has."""

    flag: str
    values: tuple[str, ...]
    support: Support


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One row: what the releases ``versions`` of a runtime do with a feature."""

    runtime: str
    feature: str
    support: Support
    versions: IntervalSet = ALL_VERSIONS
    when: Conditions = UNCONDITIONAL
    gate: Gate | None = None
    note: str = ""
    summary: str = ""
    workaround: str | None = None
    evidence: tuple[Evidence, ...] = ()
    probe: str | None = None
    origin: str = "shipped"
    overlay: bool = False

    def under(self, profile: RuntimeProfile) -> "Fact":
        """This fact with its gate resolved by the profile's flags."""
        gate = self.gate
        if gate is None or not profile.has_flag(gate.flag, gate.values):
            return self
        return replace(self, support=gate.support, gate=None, note="", summary="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One known release of a runtime and the day it came out."""

    version: Version
    date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict on a feature needed with some strength, on one bound runtime."""

    verdict: Verdict
    support: Support
    version: Version | None
    fact: Fact | None
    since: Version | None = None


JudgedNeed = tuple[ApplicationNeed, Judgement]


class BoundRuntime:
    """The table for one profile: every look-up by feature is made once and kept."""

    __slots__ = (
        "_by_feature",
        "_concerns",
        "_facts",
        "_globs",
        "_judged",
        "_of_application",
        "profile",
        "versions",
    )

    def __init__(
        self, facts: Iterable[Fact], profile: RuntimeProfile, versions: tuple[Version | None, ...]
    ) -> None:
        self.profile = profile
        self.versions = versions
        self._facts: dict[str, list[Fact]] = {}
        self._globs: list[str] = []
        self._by_feature: dict[Feature, tuple[Fact, ...]] = {}
        self._judged: dict[tuple[Feature, Strength, bool], Judgement] = {}
        self._of_application: dict[str, tuple[JudgedNeed, ...]] = {}
        self._concerns: dict[str, tuple[JudgedNeed, ...]] = {}
        for fact in facts:
            if fact.runtime == profile.runtime and fact.when.match(profile):
                self._facts.setdefault(fact.feature, []).append(fact.under(profile))
        for rows in self._facts.values():
            rows.sort(key=lambda f: (f.overlay, f.when.specificity), reverse=True)
        self._globs = sorted((f for f in self._facts if f.endswith("*")), key=len, reverse=True)

    def facts_about(self, feature: Feature) -> tuple[Fact, ...]:
        """Every fact that may answer for ``feature`` here, the one to believe first.

        The id itself, then the feature it is an operation of, then the rows that end in ``*``,
        the longest first.
        """
        found = self._by_feature.get(feature)
        if found is None:
            found = tuple(self._search(feature))
            _remember(self._by_feature, feature, found)
        return found

    def _search(self, feature: Feature) -> Iterator[Fact]:
        step: Feature | None = feature
        while step is not None:
            yield from self._facts.get(step, ())
            step = wider(step)
        for glob in self._globs:
            if glob_matches(glob, feature):
                yield from self._facts[glob]

    def judgement(
        self, feature: Feature, strength: Strength, security: bool, told: Fact | None = None
    ) -> Judgement:
        """The verdict on one need here: over several releases, the worst.

        ``told`` is what the nodes of this cluster say themselves. That a handler lacks something
        settles it: the kubelet goes by it. That a sandbox has it does not: gVisor's handler says
        yes to user namespaces and its sandbox does not start (measured), so the worse counts.
        """
        if told is not None:
            said = _judge_on(self.versions[0], (told,), strength, security)
            if self.profile.runtime in ON_THE_NODES_KERNEL:
                return said
            known = self.judgement(feature, strength, security)
            return min(said, known, key=lambda judgement: VERDICT_RANK[judgement.verdict])
        key = (feature, strength, security)
        judgement = self._judged.get(key)
        if judgement is None:
            judgement = self._judge(feature, strength, security)
            _remember(self._judged, key, judgement)
        return judgement

    def judged_needs(self, application: Application) -> tuple[JudgedNeed, ...]:
        """Every need of an application with its verdict here, made once for all its pods."""
        judged = self._of_application.get(application.name)
        if judged is None:
            judged = self._of_application[application.name] = tuple(
                (need, self.judgement(need.feature, need.strength, False))
                for need in application.needs
            )
        return judged

    def concerns_of(self, application: Application) -> tuple[JudgedNeed, ...]:
        """The needs of an application that are not simply met here."""
        concerns = self._concerns.get(application.name)
        if concerns is None:
            concerns = self._concerns[application.name] = tuple(
                (need, judgement)
                for need, judgement in self.judged_needs(application)
                if judgement.verdict is not Verdict.COMPATIBLE
            )
        return concerns

    def _judge(self, feature: Feature, strength: Strength, security: bool) -> Judgement:
        facts = self.facts_about(feature)
        judged = [_judge_on(version, facts, strength, security) for version in self.versions]
        worst = min(judged, key=lambda j: VERDICT_RANK[j.verdict])
        if not self.profile.versions and any(j.verdict != worst.verdict for j in judged):
            # Nobody said which release runs here, and the releases disagree.
            worst = replace(worst, verdict=Verdict.UNKNOWN, version=None)
        if worst.verdict is Verdict.COMPATIBLE:
            return worst
        after = worst.version or self.versions[0]
        return replace(worst, since=_since(after, facts, strength))


def _remember(memory: dict[K, V], key: K, value: V) -> None:
    """Keep ``value``; tenants declare feature ids, so a memory that is full is begun anew."""
    if len(memory) >= _MOST_REMEMBERED:
        memory.clear()
    memory[key] = value


def _judge_on(
    version: Version | None, facts: Sequence[Fact], strength: Strength, security: bool
) -> Judgement:
    if version is None:
        return _judge_on_any(facts, strength, security)
    fact = next((f for f in facts if version in f.versions), None)
    support = fact.support if fact else Support.UNKNOWN
    verdict = _verdict(support, strength, security)
    return Judgement(verdict=verdict, support=support, version=version, fact=fact)


def _judge_on_any(facts: Sequence[Fact], strength: Strength, security: bool) -> Judgement:
    """The verdict where nobody knows the release and none is listed.

    Every fact that could hold counts, as far as the first that holds for all releases; where
    they disagree the verdict is unknown, and the worst of them is the one to tell.
    """
    everywhere = next((i for i, f in enumerate(facts) if f.versions == ALL_VERSIONS), len(facts))
    possible = [(_verdict(f.support, strength, security), f) for f in facts[: everywhere + 1]]
    if not possible:
        verdict = _verdict(Support.UNKNOWN, strength, security)
        return Judgement(verdict=verdict, support=Support.UNKNOWN, version=None, fact=None)
    verdict, fact = min(possible, key=lambda one: VERDICT_RANK[one[0]])
    if any(other != verdict for other, _ in possible):
        verdict = Verdict.UNKNOWN
    return Judgement(verdict=verdict, support=fact.support, version=None, fact=fact)


def _verdict(support: Support, strength: Strength, security: bool) -> Verdict:
    if security and support is Support.IGNORED:
        return Verdict.IGNORED_SECURITY
    return VERDICTS[strength, support]


def _since(version: Version | None, facts: Sequence[Fact], strength: Strength) -> Version | None:
    """The first release after ``version`` from which on every fact known meets the need.

    Where nobody knows the release, the first of all from which on it is met.
    """
    known = {edge for fact in facts for edge in fact.versions.boundaries()}
    edges = sorted(edge for edge in known if version is None or edge > version)
    met: Version | None = None
    for edge in edges:
        if _judge_on(edge, facts, strength, False).verdict is not Verdict.COMPATIBLE:
            met = None
        elif met is None:
            met = edge
    return met


class CompatTable:
    """All facts, releases and applications in force; immutable but for what it remembers."""

    __slots__ = ("_bound", "catalogue", "facts", "releases", "version")

    def __init__(
        self,
        *,
        facts: Iterable[Fact] = (),
        applications: Iterable[Application] = (),
        releases: Mapping[str, tuple[Release, ...]] | None = None,
        version: str = "",
    ) -> None:
        self.facts: tuple[Fact, ...] = tuple(facts)
        self.catalogue = Catalogue(applications)
        self.releases: Mapping[str, tuple[Release, ...]] = releases or {}
        self.version = version
        self._bound: dict[tuple[object, ...], BoundRuntime] = {}

    def bind(self, profile: RuntimeProfile, today: date) -> BoundRuntime:
        """The table for ``profile``; ``today`` matters only where its release is unknown."""
        key = (*profile.key, None if profile.versions else today)
        bound = self._bound.get(key)
        if bound is None:
            versions = profile.versions or self._recent(profile.runtime, today)
            bound = BoundRuntime(self.facts, profile, versions)
            if len(self._bound) >= _MOST_BOUND:  # an undeclared release is bound anew every day
                self._bound.clear()
            self._bound[key] = bound
        return bound

    def flags_of(self, runtime: str) -> frozenset[str]:
        """The flags that rows of a runtime ask for."""
        rows = [fact for fact in self.facts if fact.runtime == runtime]
        gates = {fact.gate.flag for fact in rows if fact.gate}
        return frozenset(gates.union(*(fact.when.flags for fact in rows)))

    def _recent(self, runtime: str, today: date) -> tuple[Version | None, ...]:
        """The releases of the last 24 months, or the newest known; (None,) where none is listed."""
        known = sorted(self.releases.get(runtime, ()), key=lambda r: r.version)
        recent = tuple(r.version for r in known if r.date >= today - _UNKNOWN_VERSION_SPAN)
        return recent or tuple(r.version for r in known[-1:]) or (None,)
