"""The law: every verdict on a pod is formed here, and in the order of DESIGN section 3.

``decide`` is pure and total: the same pod, operation and snapshot give the same decision, whatever
the pod holds. It writes nothing; a class that a pod asks for is refused, never overwritten.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from itertools import islice
from typing import assert_never

from webhook.core import messages
from webhook.core.instead import Occasion, instead, occasion_of_update, setting
from webhook.core.names import MIRROR_POD, Mode, Reason, Verdict, shown
from webhook.core.pod import PodView
from webhook.core.policy import Policy
from webhook.core.snapshot import Snapshot
from webhook.core.trial import (
    Case,
    Judged,
    Refusal,
    Trial,
    annotation_refusals,
    attempt,
    class_required,
    default_class,
    must_have_class,
    open_case,
)
from webhook.core.update import attempt_update, resize_of
from webhook.core.values import per_review

MOST_SUGGESTIONS = 3
MOST_TRIED = 12


class Change(StrEnum):
    """What is being done to the pod."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"


@per_review(frozen=True, slots=True, kw_only=True)
class Operation:
    """The change, who makes it, and on UPDATE the pod as it was.

    ``resized``: it came by the subresource ``resize``.
    """

    change: Change = Change.CREATE
    old: PodView | None = None
    resized: bool = False
    user: str = ""
    groups: frozenset[str] = frozenset()


CREATE = Operation()


@per_review(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Why a decision is what it is: everything that answers, logs and reports say about it.

    ``runtime_class`` is the class judged, None for the node's default runtime. ``notices`` tell
    what was assigned; ``warnings`` what the author should know of the pod as it will run.
    """

    why: str = ""
    policy: str | None = None
    mode: Mode | None = None
    override: str | None = None
    exemption: str | None = None
    runtime_class: str | None = None
    verdict: Verdict = Verdict.COMPATIBLE
    recognised: bool = False
    findings: tuple[Judged, ...] = ()
    notices: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()


@per_review(frozen=True, slots=True, kw_only=True)
class Keep:
    """The pod stays as it is. ``would`` is what mode enforce would have done, when it is not on."""

    grounds: Grounds
    would: "Assign | Deny | None" = None


@per_review(frozen=True, slots=True, kw_only=True)
class Assign:
    """The pod gets ``runtime_class``, and an annotation that says which policy did it."""

    grounds: Grounds
    runtime_class: str
    assigned_by: str


@per_review(frozen=True, slots=True, kw_only=True)
class Deny:
    """The pod is refused; ``causes`` in order, the first being ``reason``.

    ``message`` is all that its author is told. Its parts: ``cause`` in a sentence, ``aside`` with
    whose it is, ``remedies``, the first of them in few words, and lines of ``evidence``.
    """

    grounds: Grounds
    reason: Reason
    message: str = ""
    causes: tuple[Refusal, ...] = ()
    cause: str = ""
    aside: str = ""
    remedies: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        """Who refuses and why, without the remedy."""
        policy = f"policy {self.grounds.policy}: " if self.grounds.policy else ""
        return f"{policy}{self.cause}{self.aside}"


Decision = Keep | Assign | Deny

Warn = Callable[[Case, Trial], tuple[str, ...]]
"""What the author of a pod that is let through should know of it."""


def no_warnings(_case: Case, _trial: Trial) -> tuple[str, ...]:
    """For an answer that carries none."""
    return ()


def decide(
    pod: PodView, operation: Operation, snapshot: Snapshot, warn: Warn = messages.warnings_of
) -> Decision:
    """What becomes of ``pod`` under ``snapshot``: the whole of DESIGN section 3.

    ``warn`` says what the author should know of a pod that is let through; it decides nothing.
    """
    if why := outside(pod, operation, snapshot):
        return Keep(grounds=Grounds(why=why))
    policy = governing_policy(pod.namespace, snapshot)
    if policy is None:
        return Keep(grounds=Grounds(why="no policy matches the namespace"))
    case = open_case(pod, policy, snapshot)
    if operation.change is Change.UPDATE:
        case = resize_of(case, operation.old) if operation.resized else case
        occasion = occasion_of_update(pod, operation.old, resized=operation.resized)
        enforced = _kept_or_denied(case, attempt_update(case, operation.old), warn, occasion)
    else:
        enforced = _decide_create(case, warn)
    return _under_mode(case, enforced)


def decide_stored(pod: PodView, operation: Operation, snapshot: Snapshot) -> Keep | Deny:
    """``decide`` for the pod as it would be stored: what should have been assigned is refused."""
    decision = decide(pod, operation, snapshot)
    if not isinstance(decision, Assign):
        return decision
    cause = messages.unassigned(decision.runtime_class)
    remedy = setting(pod.class_where, shown(decision.runtime_class))
    return _told(
        Deny(
            grounds=replace(decision.grounds, notices=(), warnings=()),
            reason=Reason.RUNTIME_CLASS_REQUIRED,
            causes=(class_required(pod),),
            cause=cause,
            remedies=(remedy,),
        )
    )


def decide_binding(binding: PodView, snapshot: Snapshot) -> Keep | Deny:
    """What becomes of a Binding, whose annotations the API server copies to the pod.

    The pod itself is not sent: what some rules of the policy let a pod carry is let through.
    """
    if why := outside(binding, CREATE, snapshot):
        return Keep(grounds=Grounds(why=why))
    policy = governing_policy(binding.namespace, snapshot)
    if policy is None:
        return Keep(grounds=Grounds(why="no policy matches the namespace"))
    every = (policy.rules, *(override.rules for override in policy.overrides))
    lax = any(rules.mode is not Mode.ENFORCE for rules in every)
    allowed = ("*",) if lax else tuple([g for rules in every for g in rules.runtime_annotations])
    rules = replace(policy.rules, runtime_annotations=allowed)
    case = replace(open_case(binding, policy, snapshot), rules=rules)
    refusals = tuple(annotation_refusals(case))
    if not refusals:
        return Keep(grounds=Grounds(policy=policy.name, mode=rules.mode))
    return _deny(case, Trial(runtime_class=None, profile=None, refusals=refusals, judged=()))


def governing_policy(namespace: str, snapshot: Snapshot) -> Policy | None:
    """The policy of a namespace; one that the cluster view does not know has no labels."""
    view = snapshot.cluster.namespace(namespace)
    return snapshot.policies.policy_for(namespace, view.labels if view else {})


def lacks_namespace(namespace: str, snapshot: Snapshot) -> bool:
    """Whether the namespace must be fetched before a pod in it can be decided."""
    return (
        snapshot.cluster.live
        and namespace not in snapshot.excluded_namespaces
        and snapshot.cluster.namespace(namespace) is None
        and snapshot.policies.needs_namespace(namespace)
    )


def outside(pod: PodView, operation: Operation, snapshot: Snapshot) -> str:
    """Why the pod is none of the gate's business; empty when it is."""
    if pod.namespace in snapshot.excluded_namespaces:
        return "the namespace is excluded"
    if pod.os_name == "windows":
        # The kubelet of a Linux node refuses such a pod, so the field is no way round the gate.
        return "a Windows pod"
    # Anyone may write the mirror annotation; only the node itself may be who it says it mirrors.
    if (
        MIRROR_POD in pod.annotations
        and pod.node_name
        and operation.user == f"system:node:{pod.node_name}"
        and "system:nodes" in operation.groups
    ):
        return "a mirror pod of its node"
    return ""


def _decide_create(case: Case, warn: Warn) -> Decision:
    asked = case.pod.runtime_class_name
    if asked is not None:
        return _kept_or_denied(case, attempt(case, asked), warn)
    chosen = default_class(case)
    if chosen is None:
        return _decide_without_class(case, warn)
    trial = attempt(case, chosen)
    if not trial.refused:
        return _assign(case, trial, messages.assigned(case, chosen), warn)
    fallback = _fallback(case, chosen)
    if fallback is not None and fallback.runtime_class is not None:
        notice = messages.fell_back(case, trial, fallback.runtime_class)
        return _assign(case, fallback, notice, warn)
    return _deny(case, trial)


def _decide_without_class(case: Case, warn: Warn) -> Decision:
    """An unset pod that gets nothing: on the node's default runtime, unless a class is required."""
    trial = attempt(case, None)
    if must_have_class(case):
        return _deny(case, replace(trial, refusals=(class_required(case.pod),)))
    return _kept_or_denied(case, trial, warn)


def _fallback(case: Case, refused: str) -> Trial | None:
    """The first fallback that the policy would not refuse."""
    for name in case.rules.runtime_classes.fallback:
        if name != refused:
            trial = attempt(case, name)
            if not trial.refused:
                return trial
    return None


def _kept_or_denied(
    case: Case, trial: Trial, warn: Warn, occasion: Occasion = Occasion.MADE
) -> Decision:
    if trial.refused:
        return _deny(case, trial, occasion)
    return Keep(grounds=_grounds(case, trial, warnings=warn(case, trial)))


def _assign(case: Case, trial: Trial, notice: str, warn: Warn) -> Decision:
    override = f"/{case.override.name}" if case.override else ""
    return Assign(
        grounds=_grounds(case, trial, notices=(notice,), warnings=warn(case, trial)),
        runtime_class=trial.runtime_class or "",
        assigned_by=f"{case.policy.name}{override}",
    )


def _deny(case: Case, trial: Trial, occasion: Occasion = Occasion.MADE) -> Deny:
    suggestions = _suggestions(case, trial)
    names = tuple([s.runtime_class for s in suggestions if s.runtime_class])
    return _told(
        Deny(
            grounds=_grounds(case, trial, suggestions=names),
            reason=trial.refusals[0].reason,
            causes=trial.refusals,
            cause=messages.headline(case, trial),
            aside=messages.aside(trial),
            remedies=instead(case, trial, suggestions, occasion),
            evidence=messages.evidence_of(case, trial),
        )
    )


def _told(denied: Deny) -> Deny:
    """The refusal with the message that its parts make."""
    message = messages.refusal(denied.first, denied.remedies, denied.evidence)
    return replace(denied, message=message)


def _suggestions(case: Case, refused: Trial) -> tuple[Trial, ...]:
    """Classes that the policy would let this pod run on, its own preference first.

    A class of which nothing is known is none to advise; one that no node offers at the moment,
    or that is not known to run the pod, only where there is no other.
    """
    if refused.refusals[0].reason is Reason.RUNTIME_ANNOTATION_NOT_ALLOWED or case.needs.large:
        return ()
    offered: list[Trial] = []
    others: list[Trial] = []
    # A pod may be huge and an inventory long: what is advised is worth a bounded effort.
    for name in islice(_candidates(case), MOST_TRIED):
        trial = attempt(case, name)
        if trial.profile is not None and not trial.refused:
            (offered if trial.offered else others).append(trial)
        if sum(one.verdict is not Verdict.UNKNOWN for one in offered) == MOST_SUGGESTIONS:
            break
    found = offered or others
    known = [one for one in found if one.verdict is not Verdict.UNKNOWN]
    return tuple((known or found)[:MOST_SUGGESTIONS])


def _candidates(case: Case) -> dict[str, None]:
    """Concrete classes that the rules allow: default, fallbacks, then the inventory's."""
    classes = case.rules.runtime_classes
    default = (classes.default,) if classes.default else ()
    concrete = (name for name in classes.allowed if "*" not in name and "?" not in name)
    declared = (name for name in case.snapshot.inventory.by_class if classes.allows(name))
    return dict.fromkeys((*default, *classes.fallback, *concrete, *declared))


def _grounds(
    case: Case,
    trial: Trial,
    *,
    notices: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
    suggestions: tuple[str, ...] = (),
) -> Grounds:
    return Grounds(
        policy=case.policy.name,
        mode=case.rules.mode,
        override=case.override.name if case.override else None,
        exemption=_exemption_used(case, trial),
        runtime_class=trial.runtime_class,
        verdict=trial.verdict,
        recognised=case.needs.recognised,
        findings=trial.judged,
        notices=notices,
        warnings=warnings,
        suggestions=suggestions,
    )


def _exemption_used(case: Case, trial: Trial) -> str | None:
    """The exemption that the pod has, preferring the one that permits its class."""
    if not case.exemptions:
        return None
    used = case.permitted_by(trial.runtime_class)
    return (used or case.exemptions[0]).name


def _under_mode(case: Case, enforced: Decision) -> Decision:
    """Modes warn and audit change nothing and refuse nothing."""
    mode = case.rules.mode
    if mode is Mode.ENFORCE:
        return enforced
    grounds = replace(enforced.grounds, notices=())
    if mode is Mode.AUDIT:
        grounds = replace(grounds, warnings=())
    match enforced:
        case Keep():
            return Keep(grounds=grounds)
        case Assign():
            said = messages.would(
                case, f"would assign runtimeClassName: {shown(enforced.runtime_class)}"
            )
        case Deny():
            refused = f"would refuse this pod: {enforced.cause}{enforced.aside}"
            said = messages.would(case, refused, enforced.remedies[0])
        case _:
            assert_never(enforced)
    if mode is Mode.WARN:
        grounds = replace(grounds, warnings=messages.limited((said, *grounds.warnings)))
    return Keep(grounds=grounds, would=enforced)
