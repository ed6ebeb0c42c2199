"""A plan → its JSON: a contract (docs/plan.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from webhook.cli.plan_draft import Drafted, drafted_value
from webhook.cli.report import finding_value
from webhook.core.census import Key
from webhook.core.isolation import Ladder, Obstacle, Step
from webhook.core.names import Action, shown
from webhook.core.needs import Finding
from webhook.core.survey import Workload, judged
from webhook.core.trial import Judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Everything that a report of a plan says; ``incomplete`` is what could not be looked at."""

    origin: str
    today: date
    ladder: Ladder
    assumptions: tuple[str, ...]
    workloads: tuple[Workload, ...]
    finished: Mapping[str, int] = field(default_factory=lambda: {"workloads": 0, "pods": 0})
    whole: bool = True
    incomplete: tuple[str, ...] = ()
    drafted: Drafted | None = None

    @property
    def inside(self) -> tuple[Workload, ...]:
        """The workloads that the gate has something to do with."""
        return tuple(judged(self.workloads))

    @property
    def left_alone(self) -> tuple[Workload, ...]:
        """The others."""
        return tuple(w for w in self.workloads if w.outside)

    def on(self, step: int) -> tuple[Workload, ...]:
        """The workloads for which a step is the strongest."""
        return tuple(w for w in self.inside if w.strongest == step)

    @property
    def sandboxed(self) -> tuple[Workload, ...]:
        """The workloads that some class that isolates suits."""
        steps = self.ladder.steps
        return tuple(
            w for w in self.inside if w.strongest is not None and steps[w.strongest].isolates
        )


def pods_of(workloads: Iterable[Workload]) -> int:
    """How many pods they have."""
    return sum(workload.pods for workload in workloads)


def plan_value(planned: Planned) -> dict[str, Any]:
    """The JSON of ``plan -o json``."""
    steps = planned.ladder.steps
    return {
        "origin": planned.origin,
        "date": planned.today.isoformat(),
        "complete": not planned.incomplete,
        "incomplete": list(planned.incomplete),
        "accepted": sorted(
            str(verdict)
            for verdict, action in planned.ladder.actions.items()
            if action is not Action.DENY
        ),
        "classes": [_step_value(step) for step in steps],
        "assumptions": list(planned.assumptions),
        "preparations": list(preparations(planned)),
        "totals": {
            **_count(planned.inside),
            "sandboxed": _count(planned.sandboxed),
            "byClass": [
                {"class": step.name, **_count(planned.on(i))} for i, step in enumerate(steps)
            ],
            "onNone": _count([w for w in planned.inside if w.strongest is None]),
            "leftAlone": _count(planned.left_alone),
            "finished": planned.finished,
        },
        "newer": [
            {
                "class": step.name,
                "runtime": step.profile.runtime,
                "from": [str(version) for version in step.profile.versions],
                "to": str(step.newer),
                **_count(gained),
                "gained": [_key_value(workload.key) for workload in gained],
            }
            for step, gained in newer(planned)
        ],
        "workloads": [_workload_value(w, planned.ladder) for w in planned.inside],
        "leftAlone": [
            {**_key_value(w.key), "pods": w.pods, "why": w.outside} for w in planned.left_alone
        ],
        "draft": drafted_value(planned.drafted) if planned.drafted else None,
    }


def _count(workloads: Sequence[Workload]) -> dict[str, int]:
    return {"workloads": len(workloads), "pods": pods_of(workloads)}


def _key_value(key: Key) -> dict[str, str]:
    return {"namespace": key.namespace, "kind": key.kind, "name": key.name}


def _step_value(step: Step) -> dict[str, Any]:
    profile = step.profile
    return {
        "class": step.name,
        "runtimeClass": step.runtime_class,
        "runtime": profile.runtime,
        "versions": [str(version) for version in profile.versions],
        "hypervisor": profile.hypervisor,
        "isolates": step.isolates,
        "inCluster": step.present,
        "offered": step.offered,
        "assumed": bool(step.assumed),
    }


def _workload_value(workload: Workload, ladder: Ladder) -> dict[str, Any]:
    strongest = workload.strongest
    above = range(len(ladder.steps) if strongest is None else strongest)
    obstacles = [o for step in above if (o := workload.obstacle(step))]
    caveats = workload.caveats(strongest) if strongest is not None else ()
    return {
        **_key_value(workload.key),
        "pods": workload.pods,
        "class": None if strongest is None else ladder.steps[strongest].name,
        "sandboxed": strongest is not None and ladder.steps[strongest].isolates,
        "asks": list(workload.asks),
        "recognised": workload.recognised,
        "obstacles": [_obstacle_value(obstacle, ladder) for obstacle in obstacles],
        "caveats": [_finding(finding, Action.WARN) for finding in caveats],
    }


def _obstacle_value(obstacle: Obstacle, ladder: Ladder) -> dict[str, Any]:
    return {
        "class": ladder.steps[obstacle.step].name,
        "reason": obstacle.reason,
        "message": obstacle.message,
        "solvedBy": str(obstacle.solved_by) if obstacle.solved_by else None,
        "findings": [_finding(finding, Action.DENY) for finding in obstacle.findings],
    }


def _finding(finding: Finding, action: Action) -> dict[str, Any]:
    return finding_value(Judged(finding=finding, action=action))


def newer(planned: Planned) -> Iterator[tuple[Step, tuple[Workload, ...]]]:
    """Each class that has a newer release, and the workloads which that would let up to it."""
    for index, step in enumerate(planned.ladder.steps):
        if step.newer is not None and step.runtime_class is not None and step.isolates:
            yield step, tuple(w for w in planned.inside if w.gains(index))


def preparations(planned: Planned) -> Iterator[str]:
    """What the cluster lacks before the plan can be carried out."""
    for step in planned.ladder.steps:
        if step.runtime_class is None or not any(planned.on(planned.ladder.steps.index(step))):
            continue
        name, handler = shown(step.name, 63), shown(step.profile.handler or "?", 63)
        if step.present is False:
            yield f"create RuntimeClass {name} (handler {handler}): the cluster has none"
        if not step.offered:
            yield f"install handler {handler} on nodes: no Ready node offers it"
