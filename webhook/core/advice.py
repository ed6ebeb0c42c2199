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
from webhook.core.workload import MOST_TEMPLATES, WorkloadPod, workload_pods


@dataclass(frozen=True, slots=True, kw_only=True)
class _Template:
    """A pod template decided as the pod that is stamped from it, and what the policy does then."""

    pod: WorkloadPod
    decision: Decision
    action: Action

    @property
    def refuses(self) -> bool:
        """Whether the workload itself is refused: never for an image that the operator chooses."""
        certain = self.pod.outlined is None or self.pod.outlined.certain
        return certain and self.action is Action.DENY


def advise(
    obj: Mapping[str, Any], old: Mapping[str, Any] | None, *, namespace: str, snapshot: Snapshot
) -> Keep | Deny:
    """Judge the pod templates of a workload; on an update only where one of them has changed."""
    pods = _pods(obj, namespace, snapshot)
    if not pods:
        return Keep(grounds=Grounds(why="no pod template"))
    if old is not None and _same(pods, _pods(old, namespace, snapshot)):
        return Keep(grounds=Grounds(why="the pod templates are unchanged"))
    kind = shown(text(obj.get("kind")), 63)
    templates = [_decided(pod, snapshot) for pod in pods]
    for template in templates:
        if template.refuses and isinstance(template.decision, Deny):
            message = f"pods of this {kind}: {template.decision.message}"
            return replace(template.decision, message=message)
    said = [line for template in templates for line in _sentences(template, kind)]
    if len(pods) == MOST_TEMPLATES:
        said.insert(0, f"of this {kind} only the first {MOST_TEMPLATES} pods were looked at")
    grounds = next((t.decision.grounds for t in templates if _refused(t)), None)
    return Keep(
        grounds=replace(
            grounds or templates[0].decision.grounds, notices=(), warnings=messages.limited(said)
        )
    )


def _pods(obj: Mapping[str, Any], namespace: str, snapshot: Snapshot) -> tuple[WorkloadPod, ...]:
    """The pods of a workload; none where a template is none: some kinds hold parts for others."""
    declared = snapshot.inventory.workload_kinds
    try:
        return tuple(workload_pods(obj, namespace=namespace, declared=declared))
    except PodShapeError:
        return ()


def _same(pods: Sequence[WorkloadPod], before: Sequence[WorkloadPod]) -> bool:
    return [(p.view.spec, p.view.labels, p.view.annotations) for p in pods] == [
        (p.view.spec, p.view.labels, p.view.annotations) for p in before
    ]


def _decided(pod: WorkloadPod, snapshot: Snapshot) -> _Template:
    return _Template(
        pod=pod,
        decision=decide(pod.view, CREATE, snapshot),
        action=workload_action(pod.view, snapshot),
    )


def workload_action(pod: PodView, snapshot: Snapshot) -> Action:
    """What the policy does with a workload of whose pods this is one."""
    policy = governing_policy(pod.namespace, snapshot)
    return open_case(pod, policy, snapshot).rules.workloads if policy else Action.IGNORE


def _refused(template: _Template) -> bool:
    return isinstance(template.decision, Deny)


def _sentences(template: _Template, kind: str) -> Iterator[str]:
    """A line on what the pods get, or why they would be refused and what to do."""
    if template.action is Action.IGNORE:
        return
    decision = template.decision
    grounds = decision.grounds
    if isinstance(decision, Deny):
        yield messages.bounded(f"pods of this {kind} would be refused: {decision.first}")
        yield messages.bounded(decision.remedies[0])
        return
    would = decision.would if isinstance(decision, Keep) else None
    remedy = would.remedies[0] if isinstance(would, Deny) else ""
    for line in (*grounds.notices, *grounds.warnings):
        said = line.removesuffix(f"; {remedy}")
        yield messages.bounded(f"pods of this {kind}: {said}", "" if said == line else remedy)
