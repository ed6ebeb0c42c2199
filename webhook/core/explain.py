"""Pods on a runtime that somebody asks about, with no policy: verdict, causes, what is better.

``decide`` judges what a cluster offers under a policy; this judges a runtime as such, for people
who choose one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from webhook.core.applications import Application, Verified
from webhook.core.applications import Need as ApplicationNeed
from webhook.core.compat import BoundRuntime, CompatTable
from webhook.core.names import VERDICT_RANK, Verdict
from webhook.core.needs import Finding, Needs, findings, needs_of, worst
from webhook.core.placement import placement_of
from webhook.core.pod import PodView
from webhook.core.runtimes import RuntimeProfile
from webhook.core.versions import Version

ADVISED: tuple[tuple[str, str | None], ...] = (("gvisor", None), ("kata", "qemu"), ("runc", None))
"""Runtimes to suggest, the one that isolates most cheaply first, each in its newest release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A runtime that would do better, and how well."""

    profile: RuntimeProfile
    verdict: Verdict

    def __str__(self) -> str:
        return profile_text(self.profile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A pod on one runtime: every finding, worst first, and the runtimes that would do better."""

    pod: PodView
    needs: Needs
    profile: RuntimeProfile
    findings: tuple[Finding, ...]
    suggestions: tuple[Suggestion, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of the findings."""
        return worst(finding.verdict for finding in self.findings)

    @property
    def version(self) -> Version | None:
        """The release asked about; None where it is unknown."""
        return self.profile.versions[0] if self.profile.versions else None

    @property
    def refusable(self) -> bool:
        """Whether the runtime cannot run the pod or runs it badly."""
        return self.verdict in {Verdict.INCOMPATIBLE, Verdict.DEGRADED}


def explain(pod: PodView, profile: RuntimeProfile, table: CompatTable, today: date) -> Explanation:
    """What ``table`` says of ``pod`` on ``profile``, on the architecture that the pod asks for."""
    needs = needs_of(pod, table)
    profile = profile.for_arch(arch_of(pod, profile.arch))
    explanation = Explanation(
        pod=pod,
        needs=needs,
        profile=profile,
        findings=findings(needs, table.bind(profile, today)),
    )
    if explanation.verdict is Verdict.COMPATIBLE:
        return explanation
    return replace(explanation, suggestions=_suggestions(explanation, table, today))


def arch_of(pod: PodView, otherwise: str) -> str:
    """The architecture of the nodes that ``pod`` asks for; of several the first."""
    placement = placement_of(pod)
    return next(iter(placement.architectures if placement else ()), otherwise)


def _suggestions(refused: Explanation, table: CompatTable, today: date) -> tuple[Suggestion, ...]:
    """The runtimes on which all is well; where there is none, those that do better, best first."""
    rank = VERDICT_RANK[refused.verdict]
    better = [
        suggestion
        for suggestion in _candidates(refused, table, today)
        if VERDICT_RANK[suggestion.verdict] > rank
        # Of what is unknown nobody can say that it does better.
        and suggestion.verdict is not Verdict.UNKNOWN
    ]
    best = max((VERDICT_RANK[suggestion.verdict] for suggestion in better), default=rank)
    return tuple(s for s in better if VERDICT_RANK[s.verdict] == best)


def _candidates(refused: Explanation, table: CompatTable, today: date) -> Iterator[Suggestion]:
    asked = refused.profile
    for runtime, hypervisor in ADVISED:
        newest = default_profile(table, runtime, hypervisor)
        profile = replace(newest, cri=asked.cri, arch=asked.arch)
        found = findings(refused.needs, table.bind(profile, today))
        yield Suggestion(profile=profile, verdict=worst(finding.verdict for finding in found))


def _newest_alone(table: CompatTable, runtime: str) -> tuple[Version, ...]:
    newest = newest_release(table, runtime)
    return (newest,) if newest else ()


def newest_release(table: CompatTable, runtime: str) -> Version | None:
    """The newest release of ``runtime`` that the table lists; None where it lists none."""
    return max((release.version for release in table.releases.get(runtime, ())), default=None)


def profile_text(profile: RuntimeProfile) -> str:
    """``kata@4.1.0``: how a runtime and its release are written on a command line."""
    return "@".join([profile.runtime, *(str(version) for version in profile.versions)])


def runs_of(application: Application, runtime: str) -> tuple[Verified, ...]:
    """Every run of the application on a runtime that somebody made."""
    return tuple(run for run in application.verified if run.runtime == runtime)


def usual_needs(application: Application) -> Iterator[ApplicationNeed]:
    """The needs that the newest release has in every setting."""
    for need in application.needs:
        newest = need.versions is None or any(i.end is None for i in need.versions.intervals)
        if need.when is None and newest:
            yield need


def usual_verdict(application: Application, runtime: BoundRuntime) -> Verdict:
    """What becomes of the newest release of an application, as most people run it."""
    return worst(
        runtime.judgement(need.feature, need.strength, False).verdict
        for need in usual_needs(application)
    )


def applications_of(needs: Iterable[Needs]) -> tuple[Application, ...]:
    """Every application recognised, each once."""
    return tuple({a.name: a for each in needs for _, a in each.members}.values())


def default_profile(
    table: CompatTable, runtime: str, hypervisor: str | None = None
) -> RuntimeProfile:
    """The newest release of a runtime, of which nobody said more."""
    return RuntimeProfile(
        runtime=runtime, versions=_newest_alone(table, runtime), hypervisor=hypervisor
    )
