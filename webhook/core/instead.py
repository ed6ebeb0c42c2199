"""What to do instead of what was refused: sentences that hold for the change and for the kind.

The first of them ends the first line of a refusal, where events and warnings cut: it is short, and
what it asks for can be done. The class of a live pod, for one, cannot change (the API server lets
an update touch images, tolerations and two deadlines), and ``kubectl debug --copy-to`` copies it.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from webhook.core.names import Reason, Verdict, shown
from webhook.core.needs import Finding
from webhook.core.pod import PodView
from webhook.core.runtimes import DEFAULT_ARCH
from webhook.core.trial import Case, Trial

MOST_WORKAROUNDS = 2
_SHORT = 120
_WORK_LIMIT = 320


class Occasion(StrEnum):
    """What was asked for when something was refused."""

    MADE = "made"
    CHANGED = "changed"
    DEBUGGED = "debugged"
    RESIZED = "resized"


def occasion_of_update(pod: PodView, old: PodView | None, *, resized: bool) -> Occasion:
    """What an update is: a resize, a debug container (by its own subresource), or another."""
    if resized:
        return Occasion.RESIZED
    before = {container.name for container in old.containers} if old else set()
    added = any(
        container.field_path.startswith("spec.ephemeralContainers")
        for container in pod.containers
        if container.name not in before
    )
    return Occasion.DEBUGGED if added else Occasion.CHANGED


_KEPT: dict[Occasion, str] = {
    Occasion.CHANGED: (
        "the class of a live pod cannot change; a workload's pods get theirs from its template"
    ),
    Occasion.DEBUGGED: (
        "the class of a live pod cannot change, and kubectl debug --copy-to copies it"
    ),
}
_OF_REASON: dict[Reason, str] = {
    Reason.RUNTIME_ANNOTATION_NOT_ALLOWED: "leave the annotation out",
    Reason.RUNTIME_UNVERIFIED: "make the pod smaller",
    Reason.RUNTIME_CLASS_NOT_FOUND: "ask whoever runs this cluster",
    Reason.RUNTIME_CLASS_UNKNOWN: "ask whoever runs this cluster",
    Reason.HANDLER_MISMATCH: "ask whoever runs this cluster",
}


def instead(
    case: Case, trial: Trial, suggestions: Sequence[Trial], occasion: Occasion
) -> tuple[str, ...]:
    """What to do, the first in few words; ``suggestions`` are classes that would do."""
    workarounds = _workarounds(trial)
    first = _with_class(case, trial, suggestions, occasion) or _without_class(
        case, trial, occasion, workarounds
    )
    return (first, *_further(trial, suggestions, occasion, (w for w in workarounds if w != first)))


def _with_class(case: Case, trial: Trial, suggestions: Sequence[Trial], occasion: Occasion) -> str:
    """What to do by naming another class; empty where that would not do."""
    if not suggestions or occasion is Occasion.RESIZED:
        return ""
    named = _named(suggestions)
    caveat = _caveat(suggestions[0])
    if occasion is Occasion.MADE:
        return setting(case.pod.class_where, named) + caveat
    # From its manifest: the live pod has the overhead of its class, which no other class takes.
    anew = f"make the pod anew from its manifest with runtimeClassName: {named}{caveat}"
    finding = trial.refusals[0].finding
    if occasion is Occasion.DEBUGGED and finding is not None:
        return f"{_debug_otherwise(finding)}, or {anew}"
    return anew


def _caveat(suggestion: Trial) -> str:
    """What keeps the first of the classes from being a sure way; those beside it are like it."""
    reasons = [
        *(["not known to run it"] if suggestion.verdict is Verdict.UNKNOWN else []),
        *([] if suggestion.offered else ["no Ready node offers it now"]),
    ]
    return f" ({'; '.join(reasons)})" if reasons else ""


def setting(class_where: str | None, named: str) -> str:
    """How pods of a kind are given a class (``PodView.class_where``)."""
    if class_where is None:
        return f"this kind cannot name a RuntimeClass: have the policy give its pods {named}"
    return f"use runtimeClassName: {named}" + (f" {class_where}" if class_where else "")


def _debug_otherwise(finding: Finding) -> str:
    """An application is told by its image; what else is asked for comes from kubectl's profile."""
    return f"debug with another {'image' if finding.need.application else '--profile'}"


def _without_class(case: Case, trial: Trial, occasion: Occasion, workarounds: Sequence[str]) -> str:
    """What to do where no class is known that would do."""
    worst = trial.refusals[0]
    if worst.finding is None:
        policy = case.policy.name
        return _OF_REASON.get(worst.reason, f"ask whoever keeps policy {policy}")
    if occasion is Occasion.RESIZED:
        return "make the pod anew with these resources"
    if occasion is Occasion.DEBUGGED:
        return _debug_otherwise(worst.finding)
    if arch := _only_on(trial, occasion):
        return _off(arch)
    # What is gated is for who runs the nodes to turn on, not for who was refused.
    gated = worst.finding.fact is not None and worst.finding.fact.gate is not None
    alone = len(trial.refusals) == 1 and not gated
    if alone and workarounds and len(workarounds[0]) <= _SHORT:
        return workarounds[0]
    return _none_does(case, worst.finding)


def _none_does(case: Case, finding: Finding) -> str:
    """That no class would do, as far as they were tried."""
    otherwise = "change the pod, or ask for an exemption"
    if case.needs.large:
        return otherwise
    does = "enforce" if finding.verdict is Verdict.IGNORED_SECURITY else "run"
    return f"no RuntimeClass that this policy allows is known to {does} it: {otherwise}"


def _further(
    trial: Trial, suggestions: Sequence[Trial], occasion: Occasion, workarounds: Iterator[str]
) -> Iterator[str]:
    """Why it must be so, and what else would do."""
    if suggestions and occasion in _KEPT:
        yield _KEPT[occasion]
    if suggestions and occasion is Occasion.RESIZED:
        yield f"with RuntimeClass {_named(suggestions)} it could be resized in place"
    yield from (f"or: {workaround}" for workaround in workarounds)
    arch = _only_on(trial, occasion)
    if arch and suggestions:
        yield f"or: {_off(arch)}"


def _named(suggestions: Sequence[Trial]) -> str:
    return " or ".join(shown(suggestion.runtime_class or "") for suggestion in suggestions)


def _off(arch: str) -> str:
    # Images are built for amd64 at least; many, such as SQL Server's, for nothing else.
    if_built = ", if its images are built for others" if arch == DEFAULT_ARCH else ""
    return f"keep it off {arch} nodes, by a nodeSelector on kubernetes.io/arch{if_built}"


def _workarounds(trial: Trial) -> list[str]:
    """What the table knows besides, as parts of a sentence."""
    found = {
        _clause(entry.finding.fact.workaround): None
        for entry in trial.refusals
        if entry.finding and entry.finding.fact and entry.finding.fact.workaround
    }
    return list(found)[:MOST_WORKAROUNDS]


def _clause(sentence: str) -> str:
    text = " ".join(sentence.split()).removesuffix(".")
    lowered = text[:1].lower() + text[1:] if text[1:2].islower() else text
    return shown(lowered, _WORK_LIMIT)


def _only_on(trial: Trial, occasion: Occasion) -> str:
    """The one architecture without whose nodes nothing would be refused; empty for none."""
    if occasion is not Occasion.MADE:
        return ""
    found = {entry.finding.arch if entry.finding else "" for entry in trial.refusals}
    return found.pop() if len(found) == 1 else ""
