"""How a pod that runs, or a template of pods, stands under the policies: one closed set of states.

Two questions are asked of a pod that runs: how it stands with the RuntimeClass that it has, and
what would become of it if it were made anew. Of a template only the second. What mode a policy is
in changes no state: an audit says what enforce would.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from webhook.core.anew import by_its_maker, made_anew
from webhook.core.audit_findings import Noted, noted
from webhook.core.decision import (
    Assign,
    Decision,
    Deny,
    Keep,
    decide,
    governing_policy,
    no_warnings,
)
from webhook.core.names import Action, Mode, Reason, Verdict
from webhook.core.pod import PodView
from webhook.core.policy import Exemption, Policy, PolicySet
from webhook.core.snapshot import Snapshot
from webhook.core.trial import Case, Judged, attempt, open_case


class State(StrEnum):
    """How a subject stands; the worst first, and the worst of several counts."""

    EXPIRED = "expired"
    INCOMPATIBLE = "incompatible"
    OTHER_RUNTIME = "otherRuntime"
    RECONFIGURED = "reconfigured"
    UNASSIGNED = "unassigned"
    DEGRADED = "degraded"
    IGNORED_SECURITY = "ignoredSecurity"
    UNKNOWN = "unknown"
    EXEMPT = "exempt"
    COMPLIANT = "compliant"
    NOT_GOVERNED = "notGoverned"


RANK: Mapping[State, int] = {state: rank for rank, state in enumerate(State)}
FAILING = frozenset(
    {
        State.EXPIRED,
        State.INCOMPATIBLE,
        State.OTHER_RUNTIME,
        State.RECONFIGURED,
        State.UNASSIGNED,
    }
)
"""States that an audit ends with exit code 1 for, as for whatever would be refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """A state for people: two or three words, and its one definition."""

    title: str
    definition: str


MEANINGS: Mapping[State, Meaning] = {
    State.EXPIRED: Meaning(
        title="exemption expired",
        definition="an exemption that would clear it of one of the states below has ended",
    ),
    State.INCOMPATIBLE: Meaning(
        title="incompatible",
        definition="the runtime that it is on, or that its policy would put it on, lacks something "
        "that it requires",
    ),
    State.OTHER_RUNTIME: Meaning(
        title="on another runtime",
        definition="its RuntimeClass is not one that its policy allows or would give it now, does "
        "not exist in the cluster, or does not mean there what the inventory says",
    ),
    State.RECONFIGURED: Meaning(
        title="sandbox reconfigured",
        definition="an annotation that its policy does not allow changes its sandbox",
    ),
    State.UNASSIGNED: Meaning(
        title="unassigned",
        definition="it has no RuntimeClass, although its policy would give it one or demands one",
    ),
    State.DEGRADED: Meaning(
        title="degraded",
        definition="the runtime that it is on, or that its policy would put it on, runs it badly",
    ),
    State.IGNORED_SECURITY: Meaning(
        title="security ignored",
        definition="the runtime silently ignores a security field that it sets",
    ),
    State.UNKNOWN: Meaning(
        title="unknown",
        definition="nobody can tell: of a need, of its RuntimeClass, or of the labels of its "
        "namespace nothing is known",
    ),
    State.EXEMPT: Meaning(
        title="exempt",
        definition="an exemption in force clears it of what else would count",
    ),
    State.COMPLIANT: Meaning(
        title="as demanded",
        definition="it is on a runtime that its policy demands or allows, and nothing speaks "
        "against it",
    ),
    State.NOT_GOVERNED: Meaning(
        title="not governed",
        definition="no policy says anything of it: its namespace is excluded or matched by none, "
        "or it is a mirror pod or a Windows pod",
    ),
}

_STATE_OF_REASON: Mapping[Reason, State] = {
    Reason.RUNTIME_CLASS_NOT_ALLOWED: State.OTHER_RUNTIME,
    Reason.RUNTIME_CLASS_NOT_FOUND: State.OTHER_RUNTIME,
    Reason.HANDLER_MISMATCH: State.OTHER_RUNTIME,
    Reason.RUNTIME_CLASS_REQUIRED: State.UNASSIGNED,
    Reason.RUNTIME_CLASS_UNKNOWN: State.UNKNOWN,
    Reason.RUNTIME_ANNOTATION_NOT_ALLOWED: State.RECONFIGURED,
    Reason.RUNTIME_INCOMPATIBLE: State.INCOMPATIBLE,
    Reason.RUNTIME_DEGRADED: State.DEGRADED,
    Reason.RUNTIME_UNVERIFIED: State.UNKNOWN,
    Reason.SECURITY_FIELD_IGNORED: State.IGNORED_SECURITY,
}
_STATE_OF_VERDICT: Mapping[Verdict, State] = {
    Verdict.INCOMPATIBLE: State.INCOMPATIBLE,
    Verdict.DEGRADED: State.DEGRADED,
    Verdict.IGNORED_SECURITY: State.IGNORED_SECURITY,
    Verdict.UNKNOWN: State.UNKNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Anew:
    """What would become of it if it were made anew, and why.

    ``runtime_class`` is the class that it would get or be judged on, None for none. What to do is
    ``remedies``' to say, of the workload: ``class_where`` is the template's (``PodView``).
    """

    decision: str
    runtime_class: str | None
    reason: Reason | None = None
    message: str = ""
    suggestions: tuple[str, ...] = ()
    class_where: str | None = ""

    @property
    def refused(self) -> bool:
        """Whether enforce would refuse it."""
        return self.reason is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """How one pod or template stands; ``states`` has at least one, the worst first.

    ``exemptions`` are those that clear it now, ``ended`` those that would if they had not ended.
    """

    states: tuple[State, ...]
    anew: Anew
    runtime_class: str | None
    why: str = ""
    policy: str | None = None
    override: str | None = None
    mode: Mode | None = None
    recognised: bool = False
    findings: tuple[Noted, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    ended: tuple[Exemption, ...] = ()

    @property
    def state(self) -> State:
        """The one that counts."""
        return self.states[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standpoint:
    """From where pods are looked at: a snapshot, and what it would be with other exemptions.

    ``whole``: the namespaces are those of a cluster, so that one which is not known is unknown,
    and not one without labels.
    """

    snapshot: Snapshot
    without_exemptions: Snapshot
    with_ended: Snapshot
    whole: bool


def standpoint(snapshot: Snapshot, *, whole: bool) -> Standpoint:
    """Look from ``snapshot``."""
    policies = snapshot.policies.policies
    return Standpoint(
        snapshot=snapshot,
        without_exemptions=_with(snapshot, (replace(p, exemptions=()) for p in policies)),
        with_ended=_with(snapshot, map(_never_ending, policies)),
        whole=whole,
    )


def _with(snapshot: Snapshot, policies: Iterable[Policy]) -> Snapshot:
    return replace(snapshot, policies=PolicySet(policies))


def _never_ending(policy: Policy) -> Policy:
    exemptions = tuple(replace(exemption, expires=None) for exemption in policy.exemptions)
    return replace(policy, exemptions=exemptions)


def assess(pod: PodView, *, runs: bool, at: Standpoint) -> Assessment:
    """How ``pod`` stands. ``runs`` is false for a template or a manifest: there is no pod yet."""
    if at.whole and (why := _unknown_namespace(pod.namespace, at.snapshot)):
        anew = Anew(decision="keep", runtime_class=pod.runtime_class_name)
        return Assessment(
            states=(State.UNKNOWN,), anew=anew, runtime_class=pod.runtime_class_name, why=why
        )
    seen = _look(pod, runs, at.snapshot)
    states, exemptions, ended = _with_exemptions(pod, runs, seen, at)
    grounds = seen.enforced.grounds
    return Assessment(
        states=tuple(sorted(states, key=RANK.__getitem__)),
        anew=_anew(seen),
        runtime_class=pod.runtime_class_name,
        why=grounds.why,
        policy=grounds.policy,
        override=grounds.override,
        mode=grounds.mode,
        recognised=grounds.recognised,
        findings=_findings(seen),
        exemptions=exemptions,
        ended=ended,
    )


def _unknown_namespace(name: str, snapshot: Snapshot) -> str:
    """Why nothing can be said of a namespace's pods; empty where something can."""
    if name in snapshot.excluded_namespaces or snapshot.cluster.namespace(name) is not None:
        return ""
    if not snapshot.policies.needs_namespace(name):
        return ""
    return "the labels of its namespace are not known, and policies select by them"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What one look at a pod gave: findings of the class that it has, and of the one it would get.

    ``case`` is None where no policy governs it.
    """

    case: Case | None
    enforced: Decision
    runs: bool
    states: frozenset[State]
    has: str | None
    gets: str | None
    of_has: tuple[Judged, ...] = ()


def _look(pod: PodView, runs: bool, snapshot: Snapshot) -> _Seen:
    anew = made_anew(pod, snapshot.cluster) if runs else pod
    decision = decide(anew, by_its_maker(pod), snapshot, no_warnings)
    enforced = _enforced(decision)
    policy = governing_policy(pod.namespace, snapshot)
    if enforced.grounds.policy is None or policy is None:
        states = frozenset({State.NOT_GOVERNED})
        has = pod.runtime_class_name
        return _Seen(case=None, enforced=enforced, runs=runs, states=states, has=has, gets=has)
    gets = enforced.grounds.runtime_class
    case = open_case(anew, policy, snapshot)
    found = set(_states_anew(case, enforced, gets))
    of_has: tuple[Judged, ...] = ()
    has = pod.runtime_class_name if runs else gets
    if has != gets:
        trial = attempt(case, has)
        of_has = trial.judged
        found.update(_STATE_OF_REASON[refusal.reason] for refusal in trial.refusals)
        found.update(_of_findings(of_has), _of_class(case, has, gets))
    return _Seen(
        case=case,
        enforced=enforced,
        runs=runs,
        states=frozenset(found or {State.COMPLIANT}),
        has=has,
        gets=gets,
        of_has=of_has,
    )


def _enforced(decision: Decision) -> Decision:
    if isinstance(decision, Keep) and decision.would is not None:
        return decision.would
    return decision


def _states_anew(case: Case, enforced: Decision, gets: str | None) -> Iterator[State]:
    if isinstance(enforced, Deny):
        yield from (_STATE_OF_REASON[cause.reason] for cause in enforced.causes)
    yield from _of_findings(enforced.grounds.findings)
    if gets is not None and _says_nothing_of(case, gets):
        yield State.UNKNOWN


def _of_findings(judged: Iterable[Judged]) -> Iterator[State]:
    """States of findings; one that the policy ignores is none of them."""
    for entry in judged:
        if entry.action is not Action.IGNORE:
            yield _STATE_OF_VERDICT[entry.finding.verdict]


def _of_class(case: Case, has: str | None, gets: str | None) -> Iterator[State]:
    """What it means to run with one class where another one, or none, would be given."""
    if has is None:
        yield State.UNASSIGNED
        return
    if gets is not None or not case.allows(has):
        yield State.OTHER_RUNTIME
    if _says_nothing_of(case, has):
        yield State.UNKNOWN


def _says_nothing_of(case: Case, runtime_class: str) -> bool:
    """Whether the inventory leaves out a class, and the policy minds."""
    described = case.snapshot.inventory.profile_of(runtime_class) is not None
    return not described and case.rules.actions[Verdict.UNKNOWN] is not Action.IGNORE


def _with_exemptions(
    pod: PodView, runs: bool, seen: _Seen, at: Standpoint
) -> tuple[frozenset[State], tuple[Exemption, ...], tuple[Exemption, ...]]:
    """The states, and the exemptions that have made them what they are, or would if still alive."""
    states, case = seen.states, seen.case
    if case is None:
        return states, (), ()
    used = case.exemptions and _used(states, seen, _look(pod, runs, at.without_exemptions))
    if used:
        states = (states - {State.COMPLIANT}) | {State.EXEMPT}
    missed = (
        case.expired
        and states - {State.COMPLIANT, State.EXEMPT}
        and bool(states - _look(pod, runs, at.with_ended).states - {State.EXEMPT})
    )
    if missed:
        states |= {State.EXPIRED}
    return states, case.exemptions if used else (), case.expired if missed else ()


def _used(states: frozenset[State], seen: _Seen, without: _Seen) -> bool:
    """Whether the exemptions change anything."""
    return bool(without.states - states) or not _alike(without.enforced, seen.enforced)


def _alike(one: Decision, other: Decision) -> bool:
    return type(one) is type(other) and one.grounds.runtime_class == other.grounds.runtime_class


def _anew(seen: _Seen) -> Anew:
    grounds = seen.enforced.grounds
    gets = grounds.runtime_class if grounds.policy else seen.has
    match seen.enforced:
        case Keep():
            return Anew(decision="keep", runtime_class=gets)
        case Assign():
            notice = next(iter(grounds.notices), "")
            return Anew(decision="assign", runtime_class=gets, message=notice)
        case Deny() as deny:
            return Anew(
                decision="deny",
                runtime_class=gets,
                reason=deny.reason,
                message="\n  ".join((deny.first, *deny.evidence)),
                suggestions=grounds.suggestions,
                class_where=seen.case.pod.class_where if seen.case else "",
            )
        case _:
            assert_never(seen.enforced)


def _findings(seen: _Seen) -> tuple[Noted, ...]:
    """Those of the class that it has, then those of another that it would get."""
    now = seen.runs and seen.has == seen.gets
    of_has = (noted(j, runtime_class=seen.has, now=True, anew=False) for j in seen.of_has)
    of_gets = (
        noted(j, runtime_class=seen.gets, now=now, anew=True)
        for j in seen.enforced.grounds.findings
    )
    return (*of_has, *of_gets)
