"""A plan → its JSON (a contract, docs/plan.md) and what a person reads."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from webhook.cli.plan_draft import Drafted, drafted_lines, drafted_value
from webhook.cli.report import finding_value, told_ended
from webhook.core.census import Key
from webhook.core.isolation import NO_CLASS, Ladder, Obstacle, Step, sentence
from webhook.core.names import RUNTIME_TITLES, Action, counted, shown
from webhook.core.needs import Finding
from webhook.core.survey import Workload, judged
from webhook.core.trial import Judged

_MOST_NAMED = 8
_MOST_LISTED = 60


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


def plan_text(planned: Planned, width: int = 100) -> Iterator[str]:
    """What a person reads, folded to ``width``."""
    for line in _lines(planned):
        yield from _wrapped(line, width)


def _lines(planned: Planned) -> Iterator[str]:
    yield f"How strongly can it be isolated? {shown(planned.origin, 200)}, {planned.today}"
    yield ""
    yield from _classes(planned)
    yield ""
    yield from _totals(planned)
    yield from _gains(planned)
    yield from _first(planned)
    yield from _kept(planned)
    yield from _asking(planned)
    yield from _alone(planned)
    if planned.drafted is not None:
        yield ""
        yield from drafted_lines(planned.drafted)
    elif planned.inside:
        yield ""
        yield "No draft was written: --write DIR makes a policy folder of it"
    if planned.incomplete:
        yield ""
        yield "INCOMPLETE: what could not be looked at may change every figure"


def _classes(planned: Planned) -> Iterator[str]:
    yield "Classes, the strongest first"
    for number, step in enumerate(planned.ladder.steps, 1):
        yield f"  {number}. {shown(step.name, 63)}: {_title(step)}"
    if planned.assumptions:
        yield "Assumed, since no inventory says so (--inventory FILE)"
    for words in planned.assumptions:
        yield f"  {words}"


def _title(step: Step) -> str:
    profile = step.profile
    versions = " and ".join(map(str, profile.versions)) or "of an unknown release"
    title = f"{RUNTIME_TITLES[profile.runtime]} {versions}"
    if profile.hypervisor:
        title += f" on {profile.hypervisor}"
    if step.runtime_class is None:
        title += f"; {NO_CLASS}, as the node runs it"
    return title if step.isolates else f"{title}; not isolated"


def _totals(planned: Planned) -> Iterator[str]:
    inside, sandboxed = planned.inside, planned.sandboxed
    rows = [
        (shown(step.name, 30), planned.on(index)) for index, step in enumerate(planned.ladder.steps)
    ]
    if none := tuple(w for w in inside if w.strongest is None):
        rows.append(("none known", none))
    rows += [("sandboxed", sandboxed), ("all", inside)]
    width = max(len("Could run on") - 2, *(len(name) for name, _ in rows))
    yield f"{'Could run on':<{width + 2}} {'workloads':>10} {'pods':>11}"
    for name, found in rows:
        workloads = f"{len(found):>4} {_percent(len(found), len(inside)):>5}"
        pods = f"{pods_of(found):>5} {_percent(pods_of(found), pods_of(inside)):>5}"
        yield f"  {name:<{width}} {workloads} {pods}"
    if ended := told_ended(planned.finished):
        yield ended


def _percent(part: int, whole: int) -> str:
    return f"{round(100 * part / whole)} %" if whole else "-"


def _gains(planned: Planned) -> Iterator[str]:
    found = list(newer(planned))
    if not found:
        return
    yield ""
    yield "What the newest releases would add"
    for step, gained in found:
        versions = " and ".join(map(str, step.profile.versions)) or "the unknown release"
        title = RUNTIME_TITLES[step.profile.runtime]
        if gained:
            adds = f"{counted(len(gained), 'workload')}, {counted(pods_of(gained), 'pod')}"
            told = f"{adds}: {_names(gained)}"
        else:
            told = "nothing here"
        line = f"  {shown(step.name, 63)}: {title} {step.newer} instead of {versions}: {told}"
        yield line


def _names(workloads: Sequence[Workload]) -> str:
    named = ", ".join(_subject(workload) for workload in workloads[:_MOST_NAMED])
    more = len(workloads) - _MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _subject(workload: Workload) -> str:
    key = workload.key
    return f"{shown(key.kind, 40)} {shown(key.namespace, 63)}/{shown(key.name or '(no name)', 80)}"


def _first(planned: Planned) -> Iterator[str]:
    lines = list(preparations(planned))
    if lines:
        yield ""
        yield "First"
    for line in lines:
        yield f"  {line}"


def _kept(planned: Planned) -> Iterator[str]:
    """Each workload that something keeps from the strongest class, and what."""
    steps = planned.ladder.steps
    kept = [w for w in planned.inside if w.strongest != 0]
    if not kept:
        return
    yield ""
    yield f"Kept from {shown(steps[0].name, 63)}: {counted(len(kept), 'workload')}"
    for workload in kept[:_MOST_LISTED]:
        strongest = workload.strongest
        lands = "none known to run it" if strongest is None else steps[strongest].name
        yield f"  {_subject(workload)}, {counted(workload.pods, 'pod')} → {lands}"
        for step in range(len(steps) if strongest is None else strongest):
            if obstacle := workload.obstacle(step):
                yield f"      {sentence(obstacle, steps[step])}"
    yield from _rest(kept)


def _rest(found: Sequence[object]) -> Iterator[str]:
    """That there are more than are listed, and how to see them."""
    if len(found) > _MOST_LISTED:
        yield f"  and {len(found) - _MOST_LISTED} more: -n NAMESPACE or -o json tells of them"


def _asking(planned: Planned) -> Iterator[str]:
    """Workloads that name a weaker class than they need."""
    ladder = planned.ladder
    weaker = [
        (workload, asked)
        for workload in planned.inside
        for asked in workload.asks
        if workload.strongest is not None and _is_weaker(asked, workload.strongest, ladder)
    ]
    if weaker:
        yield ""
        yield "Name a class themselves though a stronger one would do"
    for workload, asked in weaker[:_MOST_LISTED]:
        strongest = ladder.steps[workload.strongest or 0].name
        line = f"  {_subject(workload)}: {shown(asked, 63)} instead of {strongest}"
        yield line
    yield from _rest(weaker)


def _is_weaker(asked: str, strongest: int, ladder: Ladder) -> bool:
    """Whether a class stands below a step; one that is not ranked does where it isolates less."""
    index = ladder.index_of(asked)
    if index is not None:
        return index > strongest
    return ladder.steps[strongest].isolates and not ladder.isolated_by(asked)


def _alone(planned: Planned) -> Iterator[str]:
    found = planned.left_alone
    if not found:
        return
    yield ""
    yield f"Left alone: {counted(len(found), 'workload')}, {counted(pods_of(found), 'pod')}"
    reasons = dict.fromkeys((w.key.namespace, w.outside) for w in found)
    for namespace, why in reasons:
        here = [w for w in found if (w.key.namespace, w.outside) == (namespace, why)]
        line = f"  {shown(namespace, 63)} ({why}): {counted(len(here), 'workload')}"
        yield line


def _wrapped(line: str, width: int) -> Iterator[str]:
    """The line folded to ``width``, what follows indented below it."""
    indent = " " * (len(line) - len(line.lstrip(" ")) + 4)
    yield from textwrap.wrap(
        line,
        max(width, 40),
        subsequent_indent=indent,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    ) or [""]
