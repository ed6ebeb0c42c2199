"""What the author of a Deployment, a Job or another workload hears of the pods that it will make.

The pods themselves are decided when they are made; here their author learns of it in time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from webhook.core import messages
from webhook.core.decision import (
    CREATE,
    Decision,
    Deny,
    Grounds,
    Keep,
    decide,
    governing_policy,
)
from webhook.core.names import Action, shown
from webhook.core.pod import PodShapeError, PodView, text
from webhook.core.snapshot import Snapshot
from webhook.core.trial import open_case
from webhook.core.workload import pod_templates


@dataclass(frozen=True, slots=True, kw_only=True)
class _Template:
    """A pod template decided as the pod that is stamped from it, and what the policy does then."""

    decision: Decision
    action: Action


def advise(
    obj: Mapping[str, Any], old: Mapping[str, Any] | None, *, namespace: str, snapshot: Snapshot
) -> Keep | Deny:
    """Judge the pod templates of a workload; on an update only where one of them has changed."""
    views = _templates(obj, namespace, snapshot)
    if not views:
        return Keep(grounds=Grounds(why="no pod template"))
    if old is not None and _same(views, _templates(old, namespace, snapshot)):
        return Keep(grounds=Grounds(why="the pod templates are unchanged"))
    kind = shown(text(obj.get("kind")), 63)
    templates = [_decided(view, snapshot) for view in views]
    for template in templates:
        if template.action is Action.DENY and isinstance(template.decision, Deny):
            message = f"pods of this {kind}: {template.decision.message}"
            return replace(template.decision, message=message)
    said = [line for template in templates for line in _sentences(template, kind)]
    grounds = next((t.decision.grounds for t in templates if _refused(t)), None)
    return Keep(
        grounds=replace(
            grounds or templates[0].decision.grounds, notices=(), warnings=messages.limited(said)
        )
    )


def _templates(obj: Mapping[str, Any], namespace: str, snapshot: Snapshot) -> tuple[PodView, ...]:
    """The pod templates; none where one is none: some kinds hold parts of pods for others."""
    declared = snapshot.inventory.workload_kinds
    try:
        return tuple(pod_templates(obj, namespace=namespace, declared=declared))
    except PodShapeError:
        return ()


def _same(views: Sequence[PodView], before: Sequence[PodView]) -> bool:
    return [(v.spec, v.labels, v.annotations) for v in views] == [
        (v.spec, v.labels, v.annotations) for v in before
    ]


def _decided(view: PodView, snapshot: Snapshot) -> _Template:
    policy = governing_policy(view.namespace, snapshot)
    return _Template(
        decision=decide(view, CREATE, snapshot),
        action=open_case(view, policy, snapshot).rules.workloads if policy else Action.IGNORE,
    )


def _refused(template: _Template) -> bool:
    return isinstance(template.decision, Deny)


def _sentences(template: _Template, kind: str) -> Iterator[str]:
    """A line on what the pods get, or why they would be refused and what to do."""
    if template.action is Action.IGNORE:
        return
    decision = template.decision
    grounds = decision.grounds
    if isinstance(decision, Deny):
        first = decision.message.partition("\n")[0]
        yield messages.bounded(f"pods of this {kind} would be refused: {first}")
        if grounds.suggestions:
            named = " or ".join(grounds.suggestions)
            yield messages.bounded(f"use runtimeClassName: {named} in its pod template")
        return
    for line in (*grounds.notices, *grounds.warnings):
        yield messages.bounded(f"pods of this {kind}: {line}")
