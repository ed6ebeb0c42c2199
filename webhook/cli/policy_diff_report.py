"""A difference of policies → JSON value, words and text. Pure; what tenants wrote is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from webhook.cli.difference_survey import Entry, Looked
from webhook.cli.manifests import InputError
from webhook.cli.policy_sides import Side, changed_documents
from webhook.cli.report import Paint, plain
from webhook.core.difference import Kind, Outcome, Refused
from webhook.core.names import counted, shown
from webhook.live.listing import Missing

TITLES: Mapping[Kind, str] = {
    Kind.NEWLY_REFUSED: "newly refused",
    Kind.NEWLY_ALLOWED: "newly allowed",
    Kind.CLASS_CHANGED: "on another RuntimeClass",
    Kind.REFUSAL_CHANGED: "refused for another reason",
    Kind.TRIAL_CHANGED: "with another trial result",
    Kind.WARNINGS_CHANGED: "with other warnings",
    Kind.POLICY_CHANGED: "governed otherwise, to the same effect",
    Kind.VERDICT_CHANGED: "with another verdict, to the same effect",
}
"""What is said of workloads that change: after a count, and as a heading."""
COLOURS: Mapping[Kind, str] = {
    Kind.NEWLY_REFUSED: "red",
    Kind.NEWLY_ALLOWED: "green",
    Kind.CLASS_CHANGED: "cyan",
    Kind.REFUSAL_CHANGED: "yellow",
    Kind.TRIAL_CHANGED: "yellow",
    Kind.WARNINGS_CHANGED: "yellow",
}
_LONGEST = 400
UNGOVERNED = "no policy"

Detail = tuple[str, str]
"""Our own words, and what they are said of: text that tenants may have had a part in, escaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that ``policy diff`` says."""

    old: Side
    new: Side
    origin: str
    live: bool
    looked: Looked
    entries: tuple[Entry, ...]
    errors: tuple[InputError, ...] = ()
    missing: tuple[Missing, ...] = ()

    def of(self, kind: Kind) -> list[Entry]:
        """The entries whose most urgent change is of this kind."""
        return [entry for entry in self.entries if entry.kind is kind]

    @property
    def whole(self) -> bool:
        """Whether everything could be read and listed."""
        return not self.errors and not self.missing

    @property
    def refuses_more(self) -> bool:
        """Whether anything is newly refused."""
        return bool(self.of(Kind.NEWLY_REFUSED))


def report_value(report: Report) -> dict[str, Any]:
    """The JSON of ``policy diff -o json``: a contract (docs/policy-diff.md)."""
    looked = report.looked
    return {
        "old": report.old.value(),
        "new": report.new.value(),
        "documents": changed_documents(report.old, report.new),
        "origin": report.origin,
        "live": report.live,
        "lookedAt": {
            "workloads": looked.workloads,
            "pods": looked.pods,
            "namespaces": looked.namespaces,
            "ended": looked.ended,
            "otherObjects": looked.skipped,
        },
        "summary": {str(kind): _counts(report.of(kind)) for kind in Kind},
        "changes": [_entry_value(entry) for entry in report.entries],
        "missing": [{"what": entry.what, "why": entry.why} for entry in report.missing],
        "errors": [
            {"source": error.source, "line": error.line, "problem": error.problem}
            for error in report.errors
        ],
    }


def _counts(entries: Sequence[Entry]) -> dict[str, int]:
    return {"workloads": workloads_of(entries), "pods": pods_of(entries)}


def workloads_of(entries: Sequence[Entry]) -> int:
    """How many workloads: one that changes in two ways is one."""
    return len({entry.workload for entry in entries})


def pods_of(entries: Sequence[Entry]) -> int:
    """How many pods that there are."""
    return sum(entry.pods for entry in entries)


def _entry_value(entry: Entry) -> dict[str, Any]:
    before, after = entry.before, entry.after
    return {
        "kind": str(entry.kind),
        "kinds": [str(kind) for kind in entry.kinds],
        "policy": entry.policy,
        "namespace": entry.workload.namespace,
        "workload": {"kind": entry.workload.kind, "name": entry.workload.name},
        "templates": list(entry.templates),
        "pods": entry.pods,
        "podNames": list(entry.names),
        "source": entry.source,
        "line": entry.line,
        "before": _outcome_value(before),
        "after": _outcome_value(after),
        "warnings": {
            "added": _without(after.warnings, before.warnings),
            "removed": _without(before.warnings, after.warnings),
        },
    }


def _outcome_value(outcome: Outcome) -> dict[str, Any]:
    would = outcome.trial and outcome.enforced
    return {
        "decision": outcome.decision,
        "would": ("deny" if would.refuses else "admit") if would else None,
        "workloadRefused": outcome.refused is Refused.WORKLOAD,
        "runtimeClass": outcome.runtime_class,
        "reason": outcome.enforced.reason,
        "message": outcome.message,
        "suggestions": list(outcome.enforced.suggestions),
        "policy": outcome.policy,
        "mode": outcome.mode,
        "override": outcome.override,
        "exemption": outcome.exemption,
        "verdict": str(outcome.verdict) if outcome.verdict else None,
        "warnings": list(outcome.warnings),
    }


def _without(those: Sequence[str], these: Sequence[str]) -> list[str]:
    return [line for line in those if line not in these]


def details(entry: Entry) -> Iterator[Detail]:
    """What changes for a workload, in a few words each."""
    for kind in entry.kinds:
        yield from _DETAILS[kind](entry.before, entry.after, entry.workload.kind)


def _newly_refused(before: Outcome, after: Outcome, kind: str) -> Iterator[Detail]:
    if after.refused is Refused.WORKLOAD:
        yield f"the {shown(kind, 63)} itself is refused:", _line(after.enforced.headline)
    else:
        yield "", _line(after.enforced.headline)
    if after.enforced.remedy:
        yield "", _line(after.enforced.remedy)
    if before.refused is Refused.NOTHING:
        yield "until now:", _class(before)


def _newly_allowed(before: Outcome, after: Outcome, kind: str) -> Iterator[Detail]:
    if after.refused is Refused.PODS:
        yield (
            f"the {shown(kind, 63)} itself may be made, its pods are refused:",
            _line(after.enforced.headline),
        )
        return
    yield "now:", _class(after)
    yield "was refused:", _line(before.enforced.headline)


def _class_changed(before: Outcome, after: Outcome, _kind: str) -> Iterator[Detail]:
    yield "", f"{_class(before)} → {_class(after)}"
    if cause := after.because.partition(", because ")[2]:
        yield "because", _line(cause)


def _refusal_changed(before: Outcome, after: Outcome, _kind: str) -> Iterator[Detail]:
    yield "was:", _line(before.enforced.headline)
    yield "now:", _line(after.enforced.headline)
    if after.enforced.suggestions != before.enforced.suggestions:
        yield "", _line(after.enforced.remedy or "no RuntimeClass to use is known any more")


def _trial_changed(before: Outcome, after: Outcome, _kind: str) -> Iterator[Detail]:
    yield "enforced before:", _would(before)
    yield "enforced now:", _would(after)


def _would(side: Outcome) -> str:
    if side.enforced.refuses:
        return f"refused: {_line(side.enforced.headline)}"
    return _named(side.enforced.runtime_class)


def _warnings_changed(before: Outcome, after: Outcome, _kind: str) -> Iterator[Detail]:
    for line in _without(after.warnings, before.warnings):
        yield "new warning:", _line(line)
    for line in _without(before.warnings, after.warnings):
        yield "no more:", _line(line)


def _policy_changed(before: Outcome, after: Outcome, _kind: str) -> Iterator[Detail]:
    for word, was, now in (
        ("policy", before.policy, after.policy),
        ("mode", before.mode, after.mode),
        ("override", before.override, after.override),
        ("exemption", before.exemption, after.exemption),
    ):
        if was != now:
            yield f"{word}:", f"{shown(was or 'none', 100)} → {shown(now or 'none', 100)}"


def _verdict_changed(before: Outcome, after: Outcome, _kind: str) -> Iterator[Detail]:
    yield "verdict:", f"{before.verdict} → {after.verdict}"


_DETAILS = {
    Kind.NEWLY_REFUSED: _newly_refused,
    Kind.NEWLY_ALLOWED: _newly_allowed,
    Kind.CLASS_CHANGED: _class_changed,
    Kind.REFUSAL_CHANGED: _refusal_changed,
    Kind.TRIAL_CHANGED: _trial_changed,
    Kind.WARNINGS_CHANGED: _warnings_changed,
    Kind.POLICY_CHANGED: _policy_changed,
    Kind.VERDICT_CHANGED: _verdict_changed,
}


def _class(side: Outcome) -> str:
    return _named(side.runtime_class)


def _named(runtime_class: str | None) -> str:
    return f"RuntimeClass {shown(runtime_class, 63)}" if runtime_class else "no RuntimeClass"


def _line(text: str) -> str:
    """A sentence of ours, in which what tenants wrote has been escaped; of bounded length."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def subject(entry: Entry) -> str:
    """``Deployment web``, and which of its templates where it has several."""
    named = f"{shown(entry.workload.kind, 63)} {shown(entry.workload.name, 100)}"
    odd = [at for at in entry.templates if at not in {"", "spec.template"}]
    return f"{named} ({', '.join(shown(at, 100) for at in odd)})" if odd else named


def how_many(entry: Entry) -> str:
    """``12 pods``; of what only its template tells, nothing."""
    if not entry.pods or entry.workload.kind == "Pod":
        return ""
    return counted(entry.pods, "pod")


def summed(entries: Sequence[Entry]) -> str:
    """``2 workloads, 14 pods``."""
    pods = pods_of(entries)
    return counted(workloads_of(entries), "workload") + (
        f", {counted(pods, 'pod')}" if pods else ""
    )


def looked_at(report: Report) -> str:
    """How much was looked at, and where."""
    looked = report.looked
    workloads, pods = counted(looked.workloads, "workload"), counted(looked.pods, "pod")
    origin = f"{'context ' if report.live else ''}{shown(report.origin, 200)}"
    where = f"{counted(looked.namespaces, 'namespace')} of {origin}"
    aside = [
        f"{counted(looked.ended, 'pod')} that ended" if looked.ended else "",
        f"{counted(looked.skipped, 'other object')}" if looked.skipped else "",
    ]
    passed = " and ".join(filter(None, aside))
    return f"looked at {workloads} and {pods} in {where}" + (f", not at {passed}" if passed else "")


def documents_told(report: Report) -> Iterator[str]:
    """Which documents differ: ``changed: RuntimePolicy tenants``."""
    found = changed_documents(report.old, report.new)
    for word, names in found.items():
        if names:
            more = f" and {len(names) - _MOST_DOCUMENTS} more"
            few = ", ".join(shown(name, 120) for name in names[:_MOST_DOCUMENTS])
            yield f"{word}: {few}{more if len(names) > _MOST_DOCUMENTS else ''}"
    if not any(found.values()):
        yield "the documents are the same"


_MOST_DOCUMENTS = 10


def text_lines(report: Report, paint: Paint = plain) -> Iterator[str]:
    """What a person reads: a block for each kind, in it policies, namespaces, workloads."""
    yield f"old  {report.old}"
    yield f"new  {report.new}"
    for line in documents_told(report):
        yield f"     {line}"
    for kind in Kind:
        if found := report.of(kind):
            yield ""
            yield f"{_title(kind, paint)}: {summed(found)}"
            yield from _block(found)
    yield ""
    yield looked_at(report)
    yield tally(report)


def _title(kind: Kind, paint: Paint) -> str:
    """In its colour; what changes to the same effect has none."""
    colour = COLOURS.get(kind)
    return paint(TITLES[kind], colour) if colour else TITLES[kind]


def tally(report: Report) -> str:
    """How many workloads change in which way: ``1 workload newly refused, 2 with other …``."""
    first, *rest = [
        (workloads_of(report.of(kind)), TITLES[kind]) for kind in Kind if report.of(kind)
    ] or [(0, "")]
    if not first[0]:
        return "nothing changes" + (" there" if report.whole else " in what could be looked at")
    others = (f"{number} {title}" for number, title in rest)
    return ", ".join([f"{counted(first[0], 'workload')} {first[1]}", *others])


def _block(entries: Sequence[Entry]) -> Iterator[str]:
    for policy, of_policy in groupby(entries, key=lambda entry: entry.policy):
        yield f"  policy {shown(policy, 100)}" if policy else f"  {UNGOVERNED}"
        for namespace, inside in groupby(of_policy, key=lambda entry: entry.workload.namespace):
            yield f"    {shown(namespace, 63)}"
            for entry in inside:
                pods = how_many(entry)
                yield f"      {subject(entry)}" + (f": {pods}" if pods else "")
                for words, said in details(entry):
                    yield f"        {words} {said}" if words else f"        {said}"
