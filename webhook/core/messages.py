"""Sentences for the person who typed ``kubectl create``.

The first line of a refusal stands alone, with its cause, its container and what to do: ``kubectl
get events`` and warnings cut there. Everything that a tenant wrote passes ``shown``; whatever the
pod, a message has a bound.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from webhook.core.names import (
    NAMESPACE_DEFAULT,
    RUNTIME_TITLES,
    Action,
    Reason,
    Support,
    Verdict,
    counted,
    shown,
)
from webhook.core.needs import Finding
from webhook.core.pod import described
from webhook.core.policy import Exemption
from webhook.core.trial import Case, Judged, Refusal, Trial

WARNING_LIMIT = 256
WARNING_GOAL = 120
MOST_WARNINGS = 10
MOST_LINES = 6
MOST_NAMED = 10
NOTE_LIMIT = 320
_CITED, _CITED_SHORT = 160, 80
_WORD = 40
_HALF_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:x[0-9a-f]?|u[0-9a-f]{0,3}|U[0-9a-f]{0,7})?$")
"""What is left of an escape of ``shown`` where a text is cut within it."""

_DOES: dict[Support, str] = {
    Support.FULL: "has it",
    Support.PARTIAL: "has it in part",
    Support.STUB: "accepts it without effect",
    Support.SCOPED: "gives it a meaning inside the sandbox only",
    Support.IGNORED: "ignores it",
    Support.GATED: "has it off by default",
    Support.ERRNO: "answers with an error",
    Support.ABSENT: "does not have it",
    Support.UNKNOWN: "is not known to have it",
}
_IS: dict[Support, str] = {
    Support.PARTIAL: "is limited",
    Support.STUB: "has no effect",
    Support.SCOPED: "means the sandbox's own, not the node's",
    Support.IGNORED: "is ignored",
    Support.GATED: "is off",
    Support.ERRNO: "always fails",
    Support.UNKNOWN: "is not known to work",
    Support.FULL: "works",
}
_CANNOT: dict[Verdict, str] = {
    Verdict.INCOMPATIBLE: "{on} cannot run {subject}: {cause}",
    Verdict.DEGRADED: "{on} runs {subject} badly: {cause}",
    Verdict.UNKNOWN: "{on} is not known to run {subject}: {cause}",
    Verdict.IGNORED_SECURITY: "{on} does not enforce what {subject} asks for: {cause}",
    Verdict.COMPATIBLE: "{on} runs {subject}",
}


def refusal(first: str, remedies: Sequence[str], evidence: Sequence[str]) -> str:
    """The whole message of a refusal: cause and remedy in a line, other remedies, the evidence."""
    remedy, *further = remedies
    return "\n  ".join((f"{first}; {remedy}", *further, *evidence))


def evidence_of(case: Case, trial: Trial) -> tuple[str, ...]:
    """A line for each further cause and for what speaks for each; of many the first."""
    lines = list(islice(_details(case, trial), MOST_LINES))
    # A first cause that is no finding is said by the headline alone.
    details = len(trial.refusals) - (trial.refusals[0].finding is None)
    if details > MOST_LINES:
        lines.append(f"and {details - MOST_LINES} more")
    return tuple(lines)


def aside(trial: Trial) -> str:
    """`` (container db; 2 more causes)``: whose the first cause is, and that it is not alone."""
    worst, *others = trial.refusals
    container = worst.finding.need.container if worst.finding else None
    parts = [f"container {shown(container.name, 63)}"] if container and container.name else []
    parts += [counted(len(others), "more cause")] if others else []
    return f" ({'; '.join(parts)})" if parts else ""


_CLASS_HEADLINES: dict[Reason, str] = {
    Reason.RUNTIME_CLASS_NOT_ALLOWED: (
        "RuntimeClass {cause} is not allowed in namespace {namespace}; allowed: {allowed}"
    ),
    Reason.RUNTIME_CLASS_NOT_FOUND: "RuntimeClass {cause} does not exist in this cluster",
    Reason.RUNTIME_CLASS_REQUIRED: (
        "pods in namespace {namespace} must set runtimeClassName; allowed: {allowed}"
    ),
    Reason.RUNTIME_CLASS_UNKNOWN: (
        "RuntimeClass {cause} is not in the inventory, and the policy refuses what is unknown"
    ),
    Reason.HANDLER_MISMATCH: (
        "RuntimeClass {asked} means handler {cause} in this cluster, "
        "but the inventory says {expected}"
    ),
    Reason.RUNTIME_ANNOTATION_NOT_ALLOWED: (
        "annotation {cause} reconfigures the sandbox and is not allowed"
    ),
    Reason.RUNTIME_UNVERIFIED: "the pod {cause}: too many to be judged",
}


def headline(case: Case, trial: Trial) -> str:
    """The worst cause in one sentence."""
    return _cause(case, trial, trial.refusals[0])


def _cause(case: Case, trial: Trial, entry: Refusal) -> str:
    if entry.finding is not None:
        return finding_headline(entry.finding, trial.runtime_class)
    return _CLASS_HEADLINES[entry.reason].format(
        cause=shown(entry.cause),
        asked=shown(trial.runtime_class or ""),
        namespace=shown(case.pod.namespace),
        allowed=_listed(case.rules.runtime_classes.allowed),
        expected=trial.profile.handler if trial.profile else "",
    )


def _listed(names: Sequence[str]) -> str:
    """``gvisor, kata-*``, the first ten of many; ``none`` of none."""
    more = ("…",) if len(names) > MOST_NAMED else ()
    return ", ".join((*names[:MOST_NAMED], *more)) or "none"


def unassigned(runtime_class: str) -> str:
    """The cause where a pod reached validation without the class that it should have."""
    return (
        "the pod has no runtimeClassName although the policy assigns "
        f"{shown(runtime_class)}: the mutating webhook did not run"
    )


def finding_headline(finding: Finding, runtime_class: str | None) -> str:
    """``RuntimeClass gvisor cannot run postgresql: …``: one finding in one sentence."""
    application = finding.need.application
    return _CANNOT[finding.verdict].format(
        on=_named(runtime_class, finding.runtime),
        subject=_line(application.title, 80) if application else "this pod",
        cause=cause_of(finding),
    )


def _named(runtime_class: str | None, runtime: str) -> str:
    if runtime_class is None:
        return f"the node's default runtime ({runtime})"
    return f"RuntimeClass {shown(runtime_class)}"


def cause_of(finding: Finding) -> str:
    """``syscall sync_file_range is missing``: one finding in a few words.

    A pod's own field is named even where the table has words of its own for what is wrong.
    """
    namespace, _, name = finding.need.feature.partition(":")
    subject = shown(name, 80) if namespace == "pod" else f"{namespace} {shown(name, 80)}"
    if finding.fact is not None and finding.fact.summary:
        summary = _line(finding.fact.summary, 120)
        return summary if finding.need.application else f"{subject}: {summary}"
    if finding.support is Support.GATED and finding.fact and finding.fact.gate:
        return f"{subject} is off without --{finding.fact.gate.flag}={finding.fact.gate.values[0]}"
    if finding.support is Support.ABSENT:
        return f"{subject} {'is not supported' if namespace == 'pod' else 'is missing'}"
    return f"{subject} {_IS[finding.support]}"


def _details(case: Case, trial: Trial) -> Iterator[str]:
    """A line for each finding refused, and for each further cause that is none."""
    for entry in trial.refusals:
        if entry.finding is not None:
            yield explained(entry.finding, _CITED_SHORT)
    for entry in trial.refusals[1:]:
        if entry.finding is None:
            yield "also: " + _cause(case, trial, entry)


def explained(finding: Finding, cited: int = _CITED) -> str:
    """Container and image or field, feature, what the runtime does, since when, the evidence.

    ``cited`` is how much of the evidence's source is told.
    """
    need = finding.need
    if need.application is not None and need.container is not None:
        where = f"container {described(need.container)}"
    else:
        where = shown(need.field_path, 160)
    return f"{where}: needs {shown(need.feature, 100)}; {_behaviour(finding, cited)}"


def _behaviour(finding: Finding, cited: int) -> str:
    note = finding.fact.note if finding.fact else ""
    does = _first_sentence(note) or _DOES[finding.support]
    aside = [
        part
        for part in (
            f"supported from {finding.since.date or finding.since}" if finding.since else "",
            _source(finding.evidence[0].source, cited) if finding.evidence else "",
        )
        if part
    ]
    return f"{_release(finding)} {does}" + (f" ({', '.join(aside)})" if aside else "")


def _source(written: str, cited: int) -> str:
    """A reference or an address whole; of a sentence the clauses that fit."""
    text = _line(written, _CITED)
    if len(text) <= cited or " " not in text:
        return text
    clauses = text[:cited]
    end = max(clauses.rfind(mark) for mark in (": ", "; ", ", "))
    return f"{clauses[:end]}…" if end > cited // 2 else _cut(text, cited)


def _first_sentence(note: str) -> str:
    return _line(note, NOTE_LIMIT).partition(". ")[0].rstrip(".")


def _release(finding: Finding) -> str:
    title = RUNTIME_TITLES.get(finding.runtime, finding.runtime)
    arch = f" on {finding.arch}" if finding.arch else ""
    release = str(finding.version) if finding.version else "(release not declared)"
    return f"{title} {release}{arch}"


def assigned(case: Case, runtime_class: str) -> str:
    """The notice to the author that a class was assigned."""
    return bounded(f"policy {case.policy.name} assigned runtimeClassName: {shown(runtime_class)}")


def fell_back(case: Case, refused: Trial, runtime_class: str) -> str:
    """The notice that the fallback was assigned, and why."""
    return bounded(
        f"policy {case.policy.name} assigned runtimeClassName: {shown(runtime_class)}, "
        f"because {headline(case, refused)}"
    )


def warnings_of(case: Case, trial: Trial) -> tuple[str, ...]:
    """What the author is told of a pod that is let through: at most ten lines of bounded length."""
    found = [bounded(note) for note in (*_namespace_choice(case), *trial.notes)]
    found += [
        finding_warning(entry, trial.runtime_class)
        for entry in trial.judged
        if entry.action is Action.WARN
    ]
    found += [_expired(case, exemption) for exemption in case.expired]
    found += [
        bounded(f"annotation runtimegate.dev/needs: {part} is no feature id and was left out")
        for part in case.needs.declared.unreadable
    ]
    return limited(found)


def _namespace_choice(case: Case) -> Iterator[str]:
    """Why the class that the namespace's annotation chooses is not the one that pods get."""
    chosen = case.namespace_annotations.get(NAMESPACE_DEFAULT)
    classes = case.rules.runtime_classes
    if chosen and classes.namespace_default and not classes.allows(chosen):
        yield (
            f"the namespace's annotation {NAMESPACE_DEFAULT} names {shown(chosen, 63)}, "
            f"which policy {case.policy.name} does not allow"
        )


def limited(found: Sequence[str]) -> tuple[str, ...]:
    """Each warning once, and of many the first nine and a count."""
    if not found:
        return ()
    unique = list(dict.fromkeys(found))
    if len(unique) <= MOST_WARNINGS:
        return tuple(unique)
    kept = unique[: MOST_WARNINGS - 1]
    return (*kept, f"and {len(unique) - len(kept)} more warnings of this kind")


def finding_warning(entry: Judged, runtime_class: str | None) -> str:
    """What the author is told of a finding that refuses nothing."""
    finding = entry.finding
    container = finding.need.container
    at = f"container {shown(container.name, 63)}: " if container and container.name else ""
    return bounded(at + finding_headline(finding, runtime_class))


def _expired(case: Case, exemption: Exemption) -> str:
    return bounded(
        f"exemption {exemption.name} of policy {case.policy.name} ended on {exemption.expires} "
        f"and no longer counts; ask {_line(exemption.owner, 80)}"
    )


def would(case: Case, sentence: str, remedy: str = "") -> str:
    """What a policy in mode warn says instead of doing it."""
    return bounded(f"policy {case.policy.name} (mode {case.rules.mode}) {sentence}", remedy)


def _line(text: str, limit: int) -> str:
    """What the author of a document wrote, perhaps over several lines, as part of one."""
    return shown(" ".join(text.split()), limit)


def bounded(text: str, remedy: str = "") -> str:
    """A warning that the API server will not cut: at most ``WARNING_LIMIT`` characters.

    Of a long one the ``remedy`` is kept, and the text before it is cut between words.
    """
    tail = f"; {_cut(remedy, WARNING_LIMIT // 2)}" if remedy else ""
    return _cut(text, WARNING_LIMIT - len(tail)) + tail


def _cut(text: str, limit: int) -> str:
    """``text`` of at most ``limit`` characters, cut after a word where one ends nearby."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    end = kept.rfind(" ", limit - _WORD)
    return (kept[:end] if end > 0 else _HALF_ESCAPE.sub(r"\1", kept)) + "…"
