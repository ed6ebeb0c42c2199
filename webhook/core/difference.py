"""What changes for a pod between two snapshots: (decision before, decision after) → kinds. Pure.

Every kind has its mirror: what is newly refused from OLD to NEW is newly allowed from NEW to OLD,
all others are the same both ways.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from webhook.core.advice import workload_action
from webhook.core.decision import Assign, Decision, Deny, Keep, Operation, decide
from webhook.core.names import Action, Verdict
from webhook.core.pod import PodView
from webhook.core.snapshot import Snapshot


class Kind(StrEnum):
    """What a change is, the most urgent first."""

    NEWLY_REFUSED = "newlyRefused"
    NEWLY_ALLOWED = "newlyAllowed"
    CLASS_CHANGED = "classChanged"
    REFUSAL_CHANGED = "refusalChanged"
    TRIAL_CHANGED = "trialChanged"
    WARNINGS_CHANGED = "warningsChanged"
    POLICY_CHANGED = "policyChanged"
    VERDICT_CHANGED = "verdictChanged"


class Refused(IntEnum):
    """How much is refused: nothing, the pods when they are made, the workload that makes them."""

    NOTHING = 0
    PODS = 1
    WORKLOAD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforced:
    """What mode enforce does or would do: the class that results, or why it refuses.

    ``remedy`` says how ``suggestions`` are named in the object; a template's differs by that alone.
    """

    runtime_class: str | None
    reason: str | None = None
    headline: str = ""
    suggestions: tuple[str, ...] = ()
    remedy: str = field(default="", compare=False)

    @property
    def refuses(self) -> bool:
        """Whether the pod is refused."""
        return self.reason is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A decision as far as another can differ from it, alike for a pod and its template.

    ``runtime_class`` is the class with which the pod would be stored, None for none. ``message`` is
    the whole refusal, which names the fields of one object: it makes no difference.
    """

    refused: Refused
    runtime_class: str | None
    enforced: Enforced
    policy: str | None
    mode: str | None
    override: str | None
    exemption: str | None
    verdict: Verdict | None
    because: str = ""
    warnings: tuple[str, ...] = ()
    decision: str = field(default="", compare=False)
    message: str = field(default="", compare=False)

    @property
    def trial(self) -> bool:
        """Whether the policy only tries what it would do."""
        return self.mode not in {None, "enforce"}


def outcome(
    pod: PodView, operation: Operation, snapshot: Snapshot, *, of_workload: bool = False
) -> Outcome:
    """What becomes of ``pod`` under ``snapshot``.

    ``of_workload``: it is a pod template, and the policy may refuse the workload that holds it.
    """
    decision = decide(pod, operation, snapshot)
    grounds = decision.grounds
    enforced = decision
    if isinstance(decision, Keep) and decision.would is not None:
        enforced = decision.would
    return Outcome(
        refused=_refused(pod, decision, snapshot, of_workload),
        runtime_class=_stored_class(pod, decision),
        enforced=_enforced(pod, enforced),
        policy=grounds.policy,
        mode=str(grounds.mode) if grounds.mode else None,
        override=grounds.override,
        exemption=grounds.exemption,
        verdict=grounds.verdict if grounds.policy else None,
        because="; ".join(grounds.notices),
        warnings=grounds.warnings,
        decision=type(decision).__name__.lower(),
        message=enforced.message if isinstance(enforced, Deny) else "",
    )


def _refused(pod: PodView, decision: Decision, snapshot: Snapshot, of_workload: bool) -> Refused:
    if not isinstance(decision, Deny):
        return Refused.NOTHING
    itself = of_workload and workload_action(pod, snapshot) is Action.DENY
    return Refused.WORKLOAD if itself else Refused.PODS


def _stored_class(pod: PodView, decision: Decision) -> str | None:
    return decision.runtime_class if isinstance(decision, Assign) else pod.runtime_class_name


def _enforced(pod: PodView, decision: Decision) -> Enforced:
    if not isinstance(decision, Deny):
        return Enforced(runtime_class=_stored_class(pod, decision))
    return Enforced(
        runtime_class=decision.grounds.runtime_class,
        reason=str(decision.reason),
        headline=f"{decision.cause}{decision.aside}",
        remedy=decision.remedies[0] if decision.grounds.suggestions else "",
        suggestions=decision.grounds.suggestions,
    )


Test = Callable[[Outcome, Outcome], bool]

_TESTS: tuple[tuple[Kind, Test], ...] = (
    (Kind.NEWLY_REFUSED, lambda a, b: a.refused < b.refused),
    (Kind.NEWLY_ALLOWED, lambda a, b: a.refused > b.refused),
    (Kind.CLASS_CHANGED, lambda a, b: _runs(a, b) and a.runtime_class != b.runtime_class),
    (Kind.REFUSAL_CHANGED, lambda a, b: a.refused is b.refused and _other_refusal(a, b)),
    (Kind.TRIAL_CHANGED, lambda a, b: _same_effect(a, b) and a.enforced != b.enforced),
    (Kind.WARNINGS_CHANGED, lambda a, b: _runs(a, b) and set(a.warnings) != set(b.warnings)),
    (Kind.POLICY_CHANGED, lambda a, b: _governed(a) != _governed(b)),
    (Kind.VERDICT_CHANGED, lambda a, b: _judged(a, b) and a.verdict is not b.verdict),
)


def kinds(before: Outcome, after: Outcome) -> tuple[Kind, ...]:
    """Everything that changes, the most urgent first; empty where nothing does."""
    if before == after:
        return ()
    return tuple(kind for kind, holds in _TESTS if holds(before, after))


def _runs(before: Outcome, after: Outcome) -> bool:
    return before.refused is after.refused is Refused.NOTHING


def _same_effect(before: Outcome, after: Outcome) -> bool:
    return _runs(before, after) and before.runtime_class == after.runtime_class


def _other_refusal(before: Outcome, after: Outcome) -> bool:
    return before.refused is not Refused.NOTHING and before.enforced != after.enforced


def _governed(side: Outcome) -> tuple[str | None, ...]:
    return (side.policy, side.mode, side.override, side.exemption)


def _judged(before: Outcome, after: Outcome) -> bool:
    return before.verdict is not None and after.verdict is not None
