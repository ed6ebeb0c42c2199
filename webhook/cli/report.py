"""Decisions → JSON values and text. Pure; what a tenant wrote reaches a terminal only escaped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from webhook.cli.manifests import STDIN, STDIN_SHOWN, Manifest
from webhook.core.decision import Assign, Decision, Deny, Keep
from webhook.core.names import counted, shown
from webhook.core.pod import PodView
from webhook.core.trial import Judged
from webhook.wire.patch import Operations
from webhook.wire.response import decision_word, reason_of

Paint = Callable[[str, str], str]
"""``paint(text, colour)``; ``plain`` where the reader is no terminal."""

COLOURS = {"deny": "red", "assign": "cyan", "keep": "green", "warning": "yellow"}


def plain(text: str, _colour: str) -> str:
    """No colour."""
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One pod or pod template of a manifest and what becomes of it.

    ``patch`` is for the pod; of a template, for the pod that is stamped from it.
    """

    manifest: Manifest
    pod: PodView
    decision: Decision
    patch: Operations

    @property
    def enforced(self) -> Decision:
        """What mode enforce does or would do."""
        if isinstance(self.decision, Keep) and self.decision.would is not None:
            return self.decision.would
        return self.decision

    @property
    def refused(self) -> bool:
        """Whether the pod would not be created."""
        return isinstance(self.decision, Deny)

    @property
    def name(self) -> str:
        """The name of the object that was given, of the pod where it has none."""
        return self.manifest.name or self.pod.name


def report_value(results: Iterable[Checked], revision: str) -> dict[str, Any]:
    """The JSON of ``check -o json``: a contract (DESIGN 6)."""
    return {"revision": revision, "results": [result_value(checked) for checked in results]}


def result_value(checked: Checked) -> dict[str, Any]:
    """One entry of ``results``.

    Under mode warn or audit ``decision`` is keep, ``would`` the word of what enforce would do, and
    ``message`` what it would say; ``reason`` stays null, for nothing is refused.
    """
    grounds, pod = checked.decision.grounds, checked.pod
    return {
        "source": checked.manifest.source,
        "document": checked.manifest.document,
        "kind": checked.manifest.kind,
        "namespace": pod.namespace,
        "name": checked.name,
        "template": pod.at,
        "decision": decision_word(checked.decision),
        "would": _would(checked.decision),
        "runtimeClass": grounds.runtime_class if grounds.policy else pod.runtime_class_name,
        "policy": grounds.policy,
        "override": grounds.override,
        "exemption": grounds.exemption,
        "reason": str(checked.decision.reason) if isinstance(checked.decision, Deny) else None,
        "message": _message(checked.enforced),
        "verdict": str(grounds.verdict),
        "recognised": grounds.recognised,
        "suggestions": list(grounds.suggestions),
        "warnings": [*grounds.notices, *grounds.warnings],
        "patch": checked.patch,
        "findings": [finding_value(judged) for judged in grounds.findings],
    }


def _would(decision: Decision) -> str | None:
    if isinstance(decision, Keep) and decision.would is not None:
        return decision_word(decision.would)
    return None


def _message(decision: Decision) -> str:
    """The refusal; of a pod let through, why nothing more is said of it."""
    match decision:
        case Deny():
            return decision.message
        case Assign():
            return next(iter(decision.grounds.notices), "")
        case Keep():
            return decision.grounds.why


def finding_value(judged: Judged) -> dict[str, Any]:
    """One entry of ``findings``, here and in ``compat why``."""
    finding = judged.finding
    need, fact = finding.need, finding.fact
    return {
        "feature": need.feature,
        "strength": str(need.strength),
        "support": str(finding.support),
        "verdict": str(finding.verdict),
        "action": str(judged.action),
        "runtime": finding.runtime,
        "version": str(finding.version) if finding.version else None,
        "fieldPath": need.field_path,
        "container": need.container.name if need.container else None,
        "application": need.application.name if need.application else None,
        "note": (fact.note if fact else "") or need.note,
        "workaround": fact.workaround if fact else None,
        "evidence": [
            {"kind": entry.kind, "source": entry.source, "date": entry.date}
            for entry in finding.evidence
        ],
    }


def as_json(value: object) -> str:
    """``value`` for a program; in ASCII, so that no terminal is told anything by it."""
    return json.dumps(value, indent=2)


def text_report(results: Sequence[Checked], paint: Paint = plain) -> Iterator[str]:
    """What a person reads: the files in order, a line a pod, below it what was said of it."""
    width = max((len(_subject(checked)) for checked in results), default=0)
    classes = max((len(_class(checked)) for checked in results), default=0)
    for source, of_source in groupby(results, key=lambda checked: checked.manifest.source):
        yield STDIN_SHOWN if source == STDIN else shown(source, 200)
        for checked in of_source:
            word = decision_word(checked.decision)
            yield (
                f"  {paint(f'{word:<6}', COLOURS[word])}  {_subject(checked):<{min(width, 60)}}  "
                f"{_class(checked):<{min(classes, 30)}}  {_governed(checked)}"
            )
            yield from _said(checked, paint)


def _subject(checked: Checked) -> str:
    at = f" {checked.pod.at}" if checked.pod.at not in {"", "spec.template"} else ""
    name = shown(checked.name or "(no name)", 80)
    return f"{shown(checked.manifest.kind, 40)} {shown(checked.pod.namespace, 63)}/{name}{at}"


def _class(checked: Checked) -> str:
    grounds = checked.decision.grounds
    asked = grounds.runtime_class if grounds.policy else checked.pod.runtime_class_name
    return shown(asked, 63) if asked else "-"


def _governed(checked: Checked) -> str:
    """The policy and what of it applied; else why none did."""
    grounds = checked.decision.grounds
    if grounds.policy is None:
        return grounds.why
    parts = [
        f"override {grounds.override}" if grounds.override else "",
        f"exemption {grounds.exemption}" if grounds.exemption else "",
        reason_of(checked.decision),
    ]
    if would := _would(checked.decision):
        parts.insert(0, f"mode {grounds.mode}: would {would}")
    return ", ".join([f"policy {grounds.policy}", *filter(None, parts)])


def _said(checked: Checked, paint: Paint) -> Iterator[str]:
    """The refusal, or the warnings that say more than the line above."""
    if isinstance(checked.enforced, Deny):
        for line in checked.enforced.message.split("\n"):
            yield f"          {line}"
    assigned = f" assigned runtimeClassName: {checked.decision.grounds.runtime_class}"
    for warning in (*checked.decision.grounds.notices, *checked.decision.grounds.warnings):
        if not warning.endswith(assigned) and not _repeats(warning, checked):
            yield f"          {paint('warning', COLOURS['warning'])}: {warning}"


def _repeats(warning: str, checked: Checked) -> bool:
    """Whether a warning only tells what mode enforce would do, which stands above already."""
    return f" (mode {checked.decision.grounds.mode}) would " in warning


def summary(results: Sequence[Checked], *, skipped: int, errors: int, revision: str) -> str:
    """``3 pods: 1 assigned, 2 refused; 4 other objects; policies 3f2a9c1d``."""
    counts = Counter(decision_word(checked.decision) for checked in results)
    would = Counter(_would(checked.decision) for checked in results)
    words = (
        (counts["keep"], "kept"),
        (counts["assign"], "assigned"),
        (counts["deny"], "refused"),
        (would["assign"], "would be assigned"),
        (would["deny"], "would be refused"),
    )
    told = ", ".join(f"{count} {word}" for count, word in words if count)
    parts = [
        f"{counted(len(results), 'pod')}" + (f": {told}" if told else ""),
        f"{counted(skipped, 'other object')} skipped" if skipped else "",
        f"{counted(errors, 'error')} in the input" if errors else "",
        f"policies {shown(revision, 64)}" if revision else "",
    ]
    return "; ".join(filter(None, parts))
