"""Decisions → JSON values and text. Pure; what a tenant wrote reaches a terminal only escaped."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from webhook.cli.bystanders import Bystander, counted_kinds
from webhook.cli.manifests import STDIN, STDIN_SHOWN, Manifest
from webhook.cli.positions import position
from webhook.core.decision import Assign, Decision, Deny, Keep
from webhook.core.names import counted, shown
from webhook.core.pod import PodView
from webhook.core.trial import Judged
from webhook.wire.patch import Operations
from webhook.wire.response import decision_word, reason_of

Paint = Callable[[str, str], str]
"""``paint(text, colour)``; ``plain`` where the reader is no terminal."""

MOST_PLACES = 3
COLOURS = {"deny": "red", "assign": "cyan", "keep": "green", "warning": "yellow"}


def plain(text: str, _colour: str) -> str:
    """No colour."""
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One pod or pod template of a manifest and what becomes of it.

    ``patch`` is for the pod; of a template, for the pod that is stamped from it. ``class_at`` is
    the field path at which the class of these pods can be set; empty where it cannot.
    """

    manifest: Manifest
    pod: PodView
    decision: Decision
    patch: Operations
    class_at: str = ""

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


def text_report(
    results: Sequence[Checked], paint: Paint = plain, columns: int = 0
) -> Iterator[str]:
    """What a person reads: the files in order, a line a pod, below it what was said of it.

    Lines are broken at ``columns``, that of the terminal; 0 where there is none.
    """
    width = max((len(subject(checked)) for checked in results), default=0)
    classes = max((len(_class(checked)) for checked in results), default=0)
    for source, of_source in groupby(results, key=lambda checked: checked.manifest.source):
        yield STDIN_SHOWN if source == STDIN else shown(source, 200)
        for checked in of_source:
            word = decision_word(checked.decision)
            parts = (
                f"{subject(checked):<{min(width, 60)}}",
                f"{_class(checked):<{min(classes, 30)}}",
            )
            if columns and columns < min(width, 60) + min(classes, 30) + _LINE:
                parts = (subject(checked), _class(checked))
            line = "  ".join((f"  {word:<6}", *parts, _governed(checked)))
            for number, piece in enumerate(broken(line, columns)):
                yield piece if number else piece.replace(word, paint(word, COLOURS[word]), 1)
            yield from _said(checked, paint, columns)


_LINE = 40
"""What a line takes besides its two columns, in the ordinary case."""


def broken(line: str, columns: int) -> list[str]:
    """The line in pieces that fit, the later ones indented; long words are left whole."""
    if not columns or len(line) <= columns:
        return [line]
    indent = len(line) - len(line.lstrip())
    if columns < _NARROW and indent > _LITTLE:
        line, indent = line[indent - _LITTLE :], _LITTLE
    return textwrap.wrap(
        line,
        columns,
        subsequent_indent=" " * (indent + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


_NARROW, _LITTLE = 60, 4
"""Below so many columns what is said of a pod is indented by so little."""


def subject(checked: Checked) -> str:
    """``Deployment tenant-a/web``: what was decided, safe to show."""
    at = f" {shown(checked.pod.at)}" if checked.pod.at not in {"", "spec.template"} else ""
    name = shown(checked.name or "(no name)", 80)
    kind, namespace = shown(checked.manifest.kind, 40), shown(checked.pod.namespace, 63)
    return f"{kind} {namespace}/{name}{at}"


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


def _said(checked: Checked, paint: Paint, columns: int) -> Iterator[str]:
    """The refusal and where its causes stand, or the warnings that say more than the line above."""
    if isinstance(checked.enforced, Deny):
        for line in (*checked.enforced.message.split("\n"), *_places(checked, checked.enforced)):
            yield from broken(f"          {line}", columns)
    assigned = f" assigned runtimeClassName: {checked.decision.grounds.runtime_class}"
    for warning in (*checked.decision.grounds.notices, *checked.decision.grounds.warnings):
        if not warning.endswith(assigned) and not _repeats(warning, checked):
            line = f"          warning: {warning}"
            for number, piece in enumerate(broken(line, columns)):
                coloured = paint("warning", COLOURS["warning"])
                yield piece if number else piece.replace("warning", coloured, 1)


def _places(checked: Checked, denied: Deny) -> Iterator[str]:
    """``at db.yaml:9:7 spec.containers[0].image``: the fields at fault, the first few."""
    source = checked.manifest.source
    named = STDIN_SHOWN if source == STDIN else shown(source, 200)
    for field_path in list(dict.fromkeys(cause.field_path for cause in denied.causes))[
        :MOST_PLACES
    ]:
        line, column = position(checked.manifest, field_path)
        yield f"  at {named}:{line}:{column} {shown(field_path, 160)}"


def _repeats(warning: str, checked: Checked) -> bool:
    """Whether a warning only tells what mode enforce would do, which stands above already."""
    return f" (mode {checked.decision.grounds.mode}) would " in warning


def summary(
    results: Sequence[Checked],
    *,
    skipped: int,
    errors: int,
    revision: str,
    left_out: Sequence[Bystander] = (),
) -> str:
    """``3 pods: 1 assigned, 2 refused; 4 other objects skipped; policies 3f2a9c1d``."""
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
        f"files left out: {counted_kinds(left_out)}" if left_out else "",
        f"{counted(errors, 'error')} in the input" if errors else "",
        f"policies {shown(revision, 64)}" if revision else "",
    ]
    return "; ".join(filter(None, parts))


def told_ended(finished: Mapping[str, int]) -> str:
    """``ended, and not counted above: 3 pods, 1 Job``; empty where nothing has."""
    nouns = (("pods", "pod"), ("workloads", "Job"))
    told = [counted(finished[what], noun) for what, noun in nouns if finished[what]]
    return f"ended, and not counted above: {', '.join(told)}" if told else ""
