"""A finding as an audit keeps it: what is told of it, and nothing of the pod that it was found on.

A cluster has tens of thousands of pods, and a finding holds its whole container.
"""

from dataclasses import dataclass

from webhook.core.applications import Evidence
from webhook.core.messages import cause_of
from webhook.core.names import Action, Strength, Support, Verdict
from webhook.core.trial import Judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One finding on ``runtime_class`` (None: the node's default runtime).

    ``now``: that is the class it has. ``anew``: the one that it would get if it were made anew.
    ``summary`` says it in a few words that are safe to show.
    """

    feature: str
    strength: Strength
    support: Support
    verdict: Verdict
    action: Action
    runtime: str
    version: str | None
    runtime_class: str | None
    now: bool
    anew: bool
    field_path: str
    container: str | None
    image: str | None
    application: str | None
    application_title: str | None
    summary: str
    note: str
    workaround: str | None
    since: str | None
    arch: str
    evidence: tuple[Evidence, ...]

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes it the same finding in several pods of one controller."""
        return (
            self.feature, self.container, self.application, self.verdict, self.action,
            self.runtime_class, self.version, self.now, self.anew, self.arch,
        )  # fmt: skip


def noted(judged: Judged, *, runtime_class: str | None, now: bool, anew: bool) -> Noted:
    """Keep what is told of a finding."""
    finding = judged.finding
    need, fact = finding.need, finding.fact
    return Noted(
        feature=need.feature,
        strength=need.strength,
        support=finding.support,
        verdict=finding.verdict,
        action=judged.action,
        runtime=finding.runtime,
        version=str(finding.version) if finding.version else None,
        runtime_class=runtime_class,
        now=now,
        anew=anew,
        field_path=need.field_path,
        container=need.container.name if need.container else None,
        image=str(need.container.reference or need.container.image) if need.container else None,
        application=need.application.name if need.application else None,
        application_title=need.application.title if need.application else None,
        summary=cause_of(finding),
        note=(fact.note if fact else "") or need.note,
        workaround=fact.workaround if fact else None,
        since=str(finding.since) if finding.since else None,
        arch=finding.arch,
        evidence=finding.evidence,
    )
