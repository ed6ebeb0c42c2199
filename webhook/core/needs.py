"""What a pod needs, and what becomes of each need on a runtime: the findings."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType

from webhook.core.applications import Application, Declared, Evidence, declared_needs
from webhook.core.applications import Need as ApplicationNeed
from webhook.core.compat import BoundRuntime, CompatTable, Fact, JudgedNeed, Judgement
from webhook.core.features import Use, uses
from webhook.core.names import NEEDS, VERDICT_RANK, Feature, Strength, Support, Verdict
from webhook.core.pod import ContainerView, PodView, mapping
from webhook.core.values import per_review
from webhook.core.versions import Version

MOST_CONTAINERS, MOST_USES, MOST_WORDS = 1_000, 5_000, 20_000
"""What a pod may have to be judged at all: some hundred times what any has."""
MOST_ADVISED = 1_000
MOST_ALIKE = 32
"""How many containers or fields of one pod are reported for one and the same thing."""
IO_URING = Feature("syscall:io_uring_setup")
IO_URING_UNDER_SECCOMP = Feature("kernel:seccomp-default/io_uring")
"""What a container needs besides where it is confined by RuntimeDefault: runtimes that apply the
profile (runc, under containerd 2.0 or newer) deny io_uring, which the kernel has."""


@per_review(frozen=True, slots=True, kw_only=True)
class Need:
    """One need of one pod, as a finding reports it."""

    feature: Feature
    strength: Strength
    field_path: str
    container: ContainerView | None = None
    application: Application | None = None
    security: bool = False
    note: str = ""


@per_review(frozen=True, slots=True, kw_only=True)
class Finding:
    """One need judged on one runtime: the verdict, and everything a message says about it.

    ``version`` is the release that the verdict was formed on, None for an unknown one.
    ``since`` is the first release from which on the need would be met, where there is one.
    ``arch`` is the architecture that it is confined to, where the pod may land on others too.
    """

    need: Need
    support: Support
    verdict: Verdict
    runtime: str
    version: Version | None
    fact: Fact | None
    since: Version | None = None
    arch: str = ""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Where the fact comes from."""
        return self.fact.evidence if self.fact else ()


@per_review(frozen=True, slots=True, kw_only=True)
class Needs:
    """Everything that a pod needs: read once, judged against each runtime in question.

    ``excess`` says what makes the pod too much to read: then nothing else is known of it.
    """

    pod: PodView
    uses: tuple[Use, ...]
    members: tuple[tuple[ContainerView, Application], ...]
    declared: Declared
    excess: str = ""

    @property
    def large(self) -> bool:
        """Whether judging them once more, to advise another class, would take long."""
        return bool(self.excess) or len(self.uses) + len(self.members) > MOST_ADVISED

    @property
    def recognised(self) -> bool:
        """Whether some row knows one of the images."""
        return bool(self.members)


def needs_of(pod: PodView, table: CompatTable, asked: tuple[Use, ...] = ()) -> Needs:
    """What ``pod`` needs: by its fields, by its applications, and by its own declaration.

    ``asked`` is what a change of the pod asks of the runtime besides.
    """
    used: tuple[Use, ...] = ()
    if len(pod.containers) <= MOST_CONTAINERS:
        used = (*asked, *islice(uses(pod), MOST_USES + 1))
    if excess := _excess(pod, used):
        return Needs(pod=pod, uses=(), members=(), declared=declared_needs(pod), excess=excess)
    recognise = table.catalogue.recognise
    members = [
        (container, application)
        for container in pod.containers
        for application in recognise(container, pod)
    ]
    declared = declared_needs(pod)
    used = (*used, *_past_seccomp(pod, members, declared))
    return Needs(pod=pod, uses=used, members=tuple(members), declared=declared)


def _past_seccomp(
    pod: PodView, members: Iterable[tuple[ContainerView, Application]], declared: Declared
) -> Iterator[Use]:
    """io_uring where the container's seccomp profile is the container runtime's own."""
    asking = [
        (container, need.strength)
        for container, application in members
        for need in application.needs
        if need.feature == IO_URING and need.applies(container, pod)
    ]
    if IO_URING in declared.features:
        asking += [(container, Strength.REQUIRED) for container in pod.containers]
    for container, strength in asking:
        if path := _default_seccomp(pod, container):
            yield Use(IO_URING_UNDER_SECCOMP, path, container, strength, security=False)


def _default_seccomp(pod: PodView, container: ContainerView) -> str:
    """The field that confines a container by RuntimeDefault; empty where none does."""
    own = mapping(container.raw.get("securityContext"))
    at = f"{container.field_path}.securityContext.seccompProfile.type"
    profile = own.get("seccompProfile")
    if not profile:
        at = pod.path("spec.securityContext.seccompProfile.type")
        profile = mapping(pod.spec.get("securityContext")).get("seccompProfile")
    if own.get("privileged") is True or mapping(profile).get("type") != "RuntimeDefault":
        return ""
    return at


def _excess(pod: PodView, used: tuple[Use, ...]) -> str:
    """What no pod that runs has: a tenant must not keep the gate busy for seconds."""
    if len(pod.containers) > MOST_CONTAINERS:
        return f"has more than {MOST_CONTAINERS} containers"
    if len(used) > MOST_USES:
        return f"uses more than {MOST_USES} features"
    lists = [c.raw.get(key) for c in pod.containers for key in ("command", "args", "env")]
    if sum([len(found) for found in lists if isinstance(found, list)]) > MOST_WORDS:
        return f"has more than {MOST_WORDS} arguments and variables"
    return ""


def findings(needs: Needs, runtime: BoundRuntime) -> tuple[Finding, ...]:
    """Every need judged on ``runtime``, the worst verdict first, else in the pod's order.

    Of what many containers or fields have in common the first ``MOST_ALIKE`` are reported.
    """
    return _in_order(_judged(needs, runtime, runtime.judged_needs, _EVERY_VERDICT, {}))


def concerns(
    needs: Needs, runtime: BoundRuntime, told: Mapping[Feature, Fact] = MappingProxyType({})
) -> tuple[Finding, ...]:
    """The findings that are not simply compatible, in the order of ``findings``.

    ``told`` are facts of this cluster about features of the pod; they go before the table's.
    """
    return _in_order(_judged(needs, runtime, runtime.concerns_of, _CONCERNS, told))


_EVERY_VERDICT = frozenset(Verdict)
_CONCERNS = _EVERY_VERDICT - {Verdict.COMPATIBLE}


def _in_order(judged: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(judged, key=_rank))


def _rank(finding: Finding) -> int:
    return VERDICT_RANK[finding.verdict]


def _judged(
    needs: Needs,
    runtime: BoundRuntime,
    needs_of_application: Callable[[Application], tuple[JudgedNeed, ...]],
    wanted: frozenset[Verdict],
    told: Mapping[Feature, Fact],
) -> Iterator[Finding]:
    alike: defaultdict[object, int] = defaultdict(int)
    for use in needs.uses:
        judgement = runtime.judgement(
            use.feature, use.strength, use.security, told.get(use.feature)
        )
        if judgement.verdict in wanted and alike[use.feature] < MOST_ALIKE:
            alike[use.feature] += 1
            yield _finding(_need_of_use(use), judgement, runtime)
    for container, application in needs.members:
        for need, judgement in needs_of_application(application):
            if alike[id(need)] < MOST_ALIKE and need.applies(container, needs.pod):
                alike[id(need)] += 1
                reported = _need_of_application(need, container, application)
                yield _finding(reported, judgement, runtime)
    for feature in needs.declared.features:
        judgement = runtime.judgement(feature, Strength.REQUIRED, False)
        if judgement.verdict in wanted:
            yield _finding(_need_declared(feature, needs.pod), judgement, runtime)


def _finding(need: Need, judgement: Judgement, runtime: BoundRuntime) -> Finding:
    return Finding(
        need=need,
        support=judgement.support,
        verdict=judgement.verdict,
        runtime=runtime.profile.runtime,
        version=judgement.version,
        fact=judgement.fact,
        since=judgement.since,
    )


def _need_of_use(use: Use) -> Need:
    return Need(
        feature=use.feature,
        strength=use.strength,
        field_path=use.field_path,
        container=use.container,
        security=use.security,
    )


def _need_of_application(
    need: ApplicationNeed, container: ContainerView, application: Application
) -> Need:
    return Need(
        feature=need.feature,
        strength=need.strength,
        field_path=container.image_path,
        container=container,
        application=application,
        note=need.note,
    )


def _need_declared(feature: Feature, pod: PodView) -> Need:
    return Need(
        feature=feature,
        strength=Strength.REQUIRED,
        field_path=pod.path(f"metadata.annotations[{NEEDS}]"),
    )


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of ``verdicts``; compatible where there is none."""
    return min(verdicts, key=VERDICT_RANK.__getitem__, default=Verdict.COMPATIBLE)
