"""How strongly a pod can be isolated: each class of a ladder tried on it, the strongest first.

Nothing is decided here. A class suits a pod where a policy that allows every class, and refuses the
verdicts asked for, would not refuse it there, and where some node would run it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from webhook.core import messages
from webhook.core.assumed import Assumed, assumed_class, assumed_node_default
from webhook.core.cluster import ClusterView, RuntimeClassView
from webhook.core.compat import CompatTable
from webhook.core.explain import newest_release
from webhook.core.names import Action, Handler, Verdict, counted, shown
from webhook.core.needs import Finding
from webhook.core.placement import ANYWHERE
from webhook.core.pod import PodView
from webhook.core.policy import (
    DEFAULT_ACTIONS,
    NamespaceSelector,
    Policy,
    Rules,
    RuntimeClasses,
)
from webhook.core.runtimes import ON_THE_NODES_KERNEL, Inventory, RuntimeProfile
from webhook.core.snapshot import Snapshot
from webhook.core.trial import Case, Trial, annotation_refusals, attempt, open_case
from webhook.core.versions import Version

NOT_OFFERED = "RuntimeClassNotOffered"
"""Why a class does not suit a pod though no policy would refuse it: none of its nodes has it."""
NO_CLASS = "no class"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One class of the ladder. ``runtime_class`` None is none: the node's default runtime.

    ``present``: whether the cluster has it, None where that is not known. ``offered``: whether some
    Ready node offers it, as far as nodes tell. ``newer`` is the newest release, where it is newer.
    """

    name: str
    runtime_class: str | None
    profile: RuntimeProfile
    present: bool | None = None
    offered: bool = True
    newer: Version | None = None
    assumed: str = ""

    @property
    def isolates(self) -> bool:
        """Whether its pods have a kernel of their own."""
        return isolates(self.profile)


def isolates(profile: RuntimeProfile) -> bool:
    """Whether the containers of a runtime are no processes on the node's kernel."""
    return profile.runtime not in ON_THE_NODES_KERNEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The classes, the strongest first; the last one takes what no other suits.

    ``snapshot`` is the cluster as it will be: with the classes of the ladder.
    """

    steps: tuple[Step, ...]
    snapshot: Snapshot
    actions: Mapping[Verdict, Action]
    newer: tuple[Snapshot | None, ...] = ()
    _asked: dict[str, Snapshot] = field(default_factory=dict, init=False, repr=False, compare=False)

    def snapshot_for(self, asked: str) -> Snapshot:
        """The snapshot in which a class that a pod names means something.

        Where the cluster's classes are not known any may be there; where they are, there is no
        other.
        """
        if asked in self.snapshot.inventory.by_class or not self.may_be(asked):
            return self.snapshot
        found = self._asked.get(asked)
        if found is None:
            inventory = self.snapshot.inventory
            classes = {asked: assumed_class(asked, None, self.snapshot.compat).profile}
            inventory = replace(inventory, by_class={**inventory.by_class, **classes})
            found = self._asked[asked] = replace(self.snapshot, inventory=inventory)
        return found

    def may_be(self, asked: str) -> bool:
        """Whether there is such a class, as far as anybody knows."""
        known = self.snapshot.cluster.runtime_classes
        return known is None or asked in known

    @property
    def isolating(self) -> tuple[str, ...]:
        """The names of the classes that isolate."""
        return tuple(s.runtime_class for s in self.steps if s.isolates and s.runtime_class)

    def isolated_by(self, asked: str) -> bool:
        """Whether a class that a pod names isolates; of one that nobody knows it is not said."""
        if asked in self.isolating:
            return True
        profile = self.snapshot_for(asked).inventory.by_class.get(asked)
        return profile is not None and isolates(profile) and profile.runtime != "other"

    def index_of(self, runtime_class: str) -> int | None:
        """Where a class stands; None where it is none of them."""
        return next((i for i, s in enumerate(self.steps) if s.runtime_class == runtime_class), None)


def actions_for(*, accept_degraded: bool, refuse_unknown: bool) -> Mapping[Verdict, Action]:
    """Which verdicts keep a pod from a class."""
    return {
        **DEFAULT_ACTIONS,
        Verdict.DEGRADED: Action.WARN if accept_degraded else Action.DENY,
        Verdict.UNKNOWN: Action.DENY if refuse_unknown else Action.WARN,
    }


def ladder(
    names: Sequence[str], snapshot: Snapshot, actions: Mapping[Verdict, Action]
) -> tuple[Ladder, tuple[str, ...]]:
    """The ladder of these class names, and what had to be assumed for it.

    A name on the node's own kernel of which there is no class means: no class. Such a step is
    added where the names have none: what no other suits goes on as it runs now.
    """
    inventory, said = _completed(names, snapshot)
    steps = [_step(name, inventory, snapshot) for name in names]
    if all(step.isolates for step in steps):
        steps.append(_without_class(NO_CLASS, inventory))
    named = {step.runtime_class for step in steps}
    said = {name: words for name, words in said.items() if not name or name in named}
    for_all = replace(snapshot, inventory=inventory, cluster=_with_classes(steps, snapshot.cluster))
    steps = [
        replace(
            s, offered=_is_offered(s, for_all.cluster), assumed=said.get(s.runtime_class or "", "")
        )
        for s in steps
    ]
    newer = tuple(_newer_snapshot(step, for_all) for step in steps)
    made = Ladder(steps=tuple(steps), snapshot=for_all, actions=actions, newer=newer)
    return made, tuple(said.values())


def _completed(names: Sequence[str], snapshot: Snapshot) -> tuple[Inventory, dict[str, str]]:
    """The inventory with what it does not say assumed; the words by class, "" for no class."""
    inventory, known = snapshot.inventory, snapshot.cluster.runtime_classes or {}
    said: dict[str, str] = {}
    classes = dict(inventory.by_class)
    for name in dict.fromkeys((*names, *sorted(known))):
        if name not in classes:
            view = known.get(name)
            found = assumed_class(name, view.handler if view else None, snapshot.compat)
            classes[name], said[name] = found.profile, found.words
    default = inventory.node_default
    if default is None:
        node: Assumed = assumed_node_default()
        default, said[""] = node.profile, node.words
    return replace(inventory, by_class=classes, node_default=default), said


def _step(name: str, inventory: Inventory, snapshot: Snapshot) -> Step:
    known = snapshot.cluster.runtime_classes
    present = None if known is None else name in known
    profile = inventory.by_class[name]
    there = present or (present is None and name in snapshot.inventory.by_class)
    if not isolates(profile) and not there:
        return _without_class(name, inventory)
    return Step(
        name=name,
        runtime_class=name,
        profile=profile,
        present=present,
        newer=_newer(profile, snapshot.compat),
    )


def _without_class(name: str, inventory: Inventory) -> Step:
    default = inventory.node_default or assumed_node_default().profile
    return Step(name=name, runtime_class=None, profile=default)


def _newer(profile: RuntimeProfile, table: CompatTable) -> Version | None:
    newest = newest_release(table, profile.runtime)
    if newest is None or (profile.versions and min(profile.versions) >= newest):
        return None
    return newest


def _newer_snapshot(step: Step, snapshot: Snapshot) -> Snapshot | None:
    if step.newer is None or step.runtime_class is None:
        return None
    profile = replace(step.profile, versions=(step.newer,))
    classes = {**snapshot.inventory.by_class, step.runtime_class: profile}
    return replace(snapshot, inventory=replace(snapshot.inventory, by_class=classes))


def _with_classes(steps: Iterable[Step], cluster: ClusterView) -> ClusterView:
    """The cluster as it will be; one whose classes nobody knows stays unknown."""
    if cluster.runtime_classes is None:
        return cluster
    classes = dict(cluster.runtime_classes)
    for step in steps:
        if step.runtime_class and step.runtime_class not in classes:
            handler = step.profile.handler or Handler(step.runtime_class)
            classes[step.runtime_class] = RuntimeClassView(name=step.name, handler=handler)
    return replace(cluster, runtime_classes=classes)


def _is_offered(step: Step, cluster: ClusterView) -> bool:
    landing = cluster.landing(step.runtime_class, ANYWHERE) if step.runtime_class else None
    return landing is None or bool(landing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """What keeps a pod from a class. ``verdicts`` are those that a policy would have to let pass.

    ``reason`` is a Reason, or ``NOT_OFFERED``.
    """

    step: int
    reason: str
    message: str
    findings: tuple[Finding, ...] = ()
    verdicts: frozenset[Verdict] = frozenset()
    solved_by: Version | None = None

    @property
    def refuses(self) -> bool:
        """Whether a policy refuses it, rather than that no node would run it."""
        return self.reason != NOT_OFFERED


def sentence(obstacle: Obstacle, step: Step) -> str:
    """The class, the worst cause and its evidence, and the release that would change it."""
    more = len(obstacle.findings) - 1
    causes = f", and {counted(more, 'more cause')}" if more > 0 else ""
    solved = f"; not on {obstacle.solved_by}" if obstacle.solved_by else ""
    sources = (e.source for finding in obstacle.findings[:1] for e in finding.evidence)
    told = shown(" ".join(next(sources, "").split()), 120)
    message = obstacle.message.removeprefix(f"RuntimeClass {shown(step.name)} ")
    name = step.name if step.runtime_class else NO_CLASS
    return f"{shown(name, 63)}: {message}{causes}{solved}{f' [{told}]' if told else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A pod on every step of a ladder: None where it suits.

    ``asks`` is the class that the pod names; ``refused_there`` what a policy would have to let pass
    there. ``caveats`` are the findings on each step that are no reason to refuse.
    """

    obstacles: tuple[Obstacle | None, ...]
    caveats: tuple[tuple[Finding, ...], ...]
    recognised: bool
    asks: str | None
    refused_there: frozenset[Verdict] = frozenset()
    annotations: tuple[str, ...] = ()


_EVERYTHING = Policy(name="plan", namespaces=NamespaceSelector(names=("*",)))
_EVERY_VERDICT = frozenset(Verdict) - {Verdict.COMPATIBLE}


def fit(pod: PodView, ladder: Ladder) -> Fit:
    """Try every class of the ladder on ``pod``."""
    case = _case(pod, ladder.snapshot, ladder.actions)
    trials = [attempt(case, step.runtime_class) for step in ladder.steps]
    reconfiguring = open_case(pod, _EVERYTHING, ladder.snapshot)
    return Fit(
        obstacles=tuple(_obstacle(i, t, case, ladder) for i, t in enumerate(trials)),
        caveats=tuple(tuple(j.finding for j in trial.judged) for trial in trials),
        recognised=case.needs.recognised,
        asks=pod.runtime_class_name,
        refused_there=_refused_there(pod, ladder),
        annotations=tuple(sorted({r.cause for r in annotation_refusals(reconfiguring)})),
    )


def _refused_there(pod: PodView, ladder: Ladder) -> frozenset[Verdict]:
    asked = pod.runtime_class_name
    if asked is None:
        return frozenset()
    case = _case(pod, ladder.snapshot_for(asked), ladder.actions)
    return _verdicts(attempt(case, asked), case)


def _case(pod: PodView, snapshot: Snapshot, actions: Mapping[Verdict, Action]) -> Case:
    rules = Rules(
        runtime_classes=RuntimeClasses(allowed=("*",)), actions=actions, runtime_annotations=("*",)
    )
    return open_case(pod, replace(_EVERYTHING, rules=rules), snapshot)


def _obstacle(index: int, trial: Trial, case: Case, ladder: Ladder) -> Obstacle | None:
    if trial.refused:
        found = tuple(r.finding for r in trial.refusals if r.finding is not None)
        return Obstacle(
            step=index,
            reason=str(trial.refusals[0].reason),
            message=messages.headline(case, trial),
            findings=found,
            verdicts=_verdicts(trial, case),
            solved_by=_solved_by(index, case, ladder),
        )
    step = ladder.steps[index]
    if not trial.offered and step.offered:
        message = (
            f"no Ready node that it may run on offers RuntimeClass {shown(step.name, 63)}, "
            "though others do"
        )
        return Obstacle(step=index, reason=NOT_OFFERED, message=message)
    return None


def _verdicts(trial: Trial, case: Case) -> frozenset[Verdict]:
    """What must be let pass for the pod to run on the class; of too large a pod everything."""
    if case.needs.excess:
        return _EVERY_VERDICT
    denied = {j.finding.verdict for j in trial.judged if j.action is Action.DENY}
    if trial.profile is None and trial.refused:
        denied.add(Verdict.UNKNOWN)
    return frozenset(denied)


def _solved_by(index: int, case: Case, ladder: Ladder) -> Version | None:
    """The newest release, where the pod is not refused there."""
    newer = ladder.newer[index]
    if newer is None:
        return None
    then = attempt(_case(case.pod, newer, ladder.actions), ladder.steps[index].runtime_class)
    return None if then.refused else ladder.steps[index].newer
