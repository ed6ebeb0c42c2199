"""Decisions → what CI systems show beside a line: one remark a cause, each with its field. Pure.

What is only told in passing (the class was assigned) is no remark: a reviewer reads them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from webhook.cli.positions import position
from webhook.cli.report import Checked, subject
from webhook.core.decision import Assign, Decision, Deny, Keep
from webhook.core.messages import explained, finding_headline, finding_warning
from webhook.core.names import REASON_OF_VERDICT, Action, Mode, shown
from webhook.core.needs import Finding
from webhook.core.trial import Judged, Refusal
from webhook.documents.yaml_faults import Mark

MOST_REMARKS = 50
"""Of one pod: its author is told what is wrong, and a pod may name a feature ten thousand times."""

ADVICE = "Advice"
"""The rule of what is told of a pod and is neither a finding of the table nor a refusal."""


class Level(StrEnum):
    """How much a remark weighs; SARIF's words."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing said of one field. ``rule`` is a feature, a reason, or ``ADVICE``."""

    checked: Checked
    level: Level
    rule: str
    reason: str
    message: str
    field_path: str
    finding: Finding | None = None

    @property
    def mark(self) -> Mark:
        """Line and column of the field, or of the nearest above it that is written."""
        return position(self.checked.manifest, self.field_path)

    @property
    def subject(self) -> str:
        """``Deployment tenant-a/web``, safe to show."""
        return subject(self.checked)


def remarks_of(checked: Checked) -> Iterator[Remark]:
    """What there is to say of one pod, the first ``MOST_REMARKS`` of it."""
    enforced = checked.enforced
    if isinstance(enforced, Deny):
        found = _of_refusal(checked, enforced)
    else:
        found = _of_admitted(checked, enforced)
    return islice(found, MOST_REMARKS)


def _of_refusal(checked: Checked, denied: Deny) -> Iterator[Remark]:
    headline = f"policy {denied.grounds.policy}: {denied.cause}"
    level = _level_of_refusal(checked.decision)
    for number, cause in enumerate(denied.causes):
        yield Remark(
            checked=checked,
            level=level,
            rule=cause.finding.need.feature if cause.finding else str(cause.reason),
            reason=str(cause.reason),
            message="\n".join(_lines(checked, denied, cause, headline if not number else "")),
            field_path=cause.field_path,
            finding=cause.finding,
        )


def _level_of_refusal(decision: Decision) -> Level:
    if isinstance(decision, Deny):
        return Level.ERROR
    return Level.WARNING if decision.grounds.mode is Mode.WARN else Level.NOTE


def _lines(checked: Checked, denied: Deny, cause: Refusal, headline: str) -> Iterator[str]:
    """What is refused, the evidence, and what would work."""
    grounds = denied.grounds
    if cause.finding is None:
        yield headline or f"policy {grounds.policy}: {cause.reason}: {shown(cause.cause)}"
    else:
        said = finding_headline(cause.finding, grounds.runtime_class)
        yield headline or f"policy {grounds.policy}: {said}"
        yield explained(cause.finding)
    if checked.decision is not denied:
        yield f"Mode {checked.decision.grounds.mode}: the pod is let through."
    workaround = cause.finding.fact.workaround if cause.finding and cause.finding.fact else None
    remedy = denied.remedies[0]
    if grounds.suggestions or not workaround:
        yield remedy
    if workaround:
        yield f"or: {' '.join(workaround.split())}"


def _of_admitted(checked: Checked, enforced: Assign | Keep) -> Iterator[Remark]:
    grounds = checked.decision.grounds
    told: set[str] = set()
    for judged in grounds.findings:
        told.add(finding_warning(judged, grounds.runtime_class))
        if judged.action is not Action.IGNORE:
            yield _of_finding(checked, judged)
    assigned = f" assigned runtimeClassName: {grounds.runtime_class}"
    for said in (*enforced.grounds.notices, *grounds.warnings):
        if said in told or said.endswith(assigned) or _is_of_mode(said, checked):
            continue
        yield Remark(
            checked=checked,
            level=Level.NOTE if said in enforced.grounds.notices else Level.WARNING,
            rule=ADVICE,
            reason="",
            message=said,
            field_path=checked.pod.path("spec"),
        )


def _of_finding(checked: Checked, judged: Judged) -> Remark:
    finding = judged.finding
    weighs = judged.action is Action.WARN and checked.decision.grounds.mode is not Mode.AUDIT
    return Remark(
        checked=checked,
        level=Level.WARNING if weighs else Level.NOTE,
        rule=finding.need.feature,
        reason=str(REASON_OF_VERDICT.get(finding.verdict, "")),
        message=(
            f"{finding_headline(finding, checked.decision.grounds.runtime_class)}\n"
            f"{explained(finding)}"
        ),
        field_path=finding.need.field_path,
        finding=finding,
    )


def _is_of_mode(said: str, checked: Checked) -> bool:
    """Whether a warning only tells that the mode holds back what enforce would do."""
    return f" (mode {checked.decision.grounds.mode}) would " in said
