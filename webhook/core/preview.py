"""What a change of a namespace would mean to the pods that run in it already.

As Pod Security does for its own labels (pod-security-admission, EvaluatePodsInNamespace): one pod
of each controller first, a bounded number, grouped by cause. Nothing is refused because of it: the
pods stay as they are until something makes them anew.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from webhook.core.anew import by_its_maker, controller_of, made_anew
from webhook.core.cluster import NamespaceView
from webhook.core.decision import Assign, Deny, decide
from webhook.core.messages import bounded
from webhook.core.names import NAMESPACE_DEFAULT, Mode, shown
from webhook.core.pod import PodShapeError, PodView, mapping, text, view_pod
from webhook.core.policy import Policy
from webhook.core.snapshot import Snapshot

MOST_PODS = 3000
"""How many pods of a namespace are looked at: Pod Security's limit."""
MOST_GROUPS = 8
MOST_NAMED = 3
_FINISHED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingPod:
    """A pod that runs, and the uid of the controller that made it."""

    view: PodView
    controller: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingPods:
    """The pods of a namespace, as far as they could be had.

    ``whole``: there are no others. ``problem`` says why none were looked at. ``may_go_on`` is asked
    before each pod is judged: time is the caller's.
    """

    pods: tuple[ExistingPod, ...] = ()
    whole: bool = True
    problem: str = ""
    may_go_on: Callable[[], bool] = lambda: True


def view_existing(obj: Mapping[str, Any], namespace: str) -> ExistingPod | None:
    """Read a Pod of a list; None for one that has ended, is ending, or cannot be read."""
    metadata = mapping(obj.get("metadata"))
    ended = text(mapping(obj.get("status")).get("phase")) in _FINISHED
    if ended or metadata.get("deletionTimestamp"):
        return None
    try:
        view = view_pod(obj.get("spec"), metadata, namespace=namespace)
    except PodShapeError:
        return None
    controller = controller_of(metadata)
    return ExistingPod(view=view, controller=controller.uid if controller else "")


def needs_preview(before: NamespaceView, after: NamespaceView, snapshot: Snapshot) -> bool:
    """Whether the change may give pods of the namespace another verdict or class."""
    if after.name in snapshot.excluded_namespaces:
        return False
    old, new = _policies(before, after, snapshot)
    if new is None or old is not new:
        return old is not new
    chosen = (before.annotations.get(NAMESPACE_DEFAULT), after.annotations.get(NAMESPACE_DEFAULT))
    return new.offers_namespace_default and chosen[0] != chosen[1]


def needs_pods(after: NamespaceView, snapshot: Snapshot) -> bool:
    """Whether a preview has to look at pods: a policy will govern them."""
    return snapshot.policies.policy_for(after.name, after.labels) is not None


def preview(
    existing: ExistingPods, before: NamespaceView, after: NamespaceView, snapshot: Snapshot
) -> tuple[str, ...]:
    """What the change means to the pods of the namespace, in lines for whoever makes it."""
    old, new = _policies(before, after, snapshot)
    moved = _moved(after.name, old, new)
    if new is None:
        return (bounded(f"{moved}: its pods are not judged any more"),)
    if existing.problem:
        problem = shown(existing.problem, 120)
        return (bounded(f"{moved}; existing pods were not looked at: {problem}"),)
    found = _look(existing, _with(after, snapshot))
    if not found.looked:
        return () if existing.whole else (bounded(f"{moved}; existing pods were not looked at"),)
    lines = [bounded(f"{moved}{_mode(new)}: {found.counts}")]
    if found.looked < len(existing.pods) or not existing.whole:
        lines.append(f"only the first {found.looked} of its pods were looked at")
    groups = list(found.groups())
    lines += groups[:MOST_GROUPS]
    if len(groups) > MOST_GROUPS:
        lines.append(f"and pods for {len(groups) - MOST_GROUPS} more causes")
    return tuple(lines)


def _policies(
    before: NamespaceView, after: NamespaceView, snapshot: Snapshot
) -> tuple[Policy | None, Policy | None]:
    policy_for = snapshot.policies.policy_for
    return policy_for(before.name, before.labels), policy_for(after.name, after.labels)


def _moved(name: str, old: Policy | None, new: Policy | None) -> str:
    if old is new and new is not None:
        return f"namespace {shown(name)} chooses another class within policy {new.name}"
    source = f"policy {old.name}" if old else "no policy"
    target = f"policy {new.name}" if new else "no policy"
    return f"namespace {shown(name)} moves from {source} to {target}"


def _mode(policy: Policy) -> str:
    """That a policy which is only tried out refuses nothing."""
    mode = policy.rules.mode
    return "" if mode is Mode.ENFORCE else f" (mode {mode}, which refuses and assigns nothing)"


def _with(namespace: NamespaceView, snapshot: Snapshot) -> Snapshot:
    """The snapshot as it will be when the change is stored."""
    cluster = snapshot.cluster
    namespaces = {**cluster.namespaces, namespace.name: namespace}
    return replace(snapshot, cluster=replace(cluster, namespaces=namespaces))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Names of pods by what would become of them, in the order in which they were looked at."""

    looked: int
    refused: Mapping[str, Sequence[str]]
    reassigned: Mapping[str, Sequence[str]]

    @property
    def counts(self) -> str:
        """How many, in a sentence."""
        refused, reassigned = (sum(map(len, of.values())) for of in (self.refused, self.reassigned))
        pods = "1 running pod" if self.looked == 1 else f"{self.looked} running pods"
        if not refused and not reassigned:
            return f"of {pods} none would be refused or get another class if made anew"
        parts = [f"{refused} would be refused"] if refused else []
        parts += [f"{reassigned} would get another class"] if reassigned else []
        return f"of {pods}, if made anew, {' and '.join(parts)}"

    def groups(self) -> Iterator[str]:
        """A line for each cause, refusals first."""
        for cause, names in (*self.refused.items(), *self.reassigned.items()):
            yield bounded(f"{_few(names)}: {cause}")


def _few(names: Sequence[str]) -> str:
    few = ", ".join(shown(name, 63) for name in names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return f"{few} and {more} more" if more > 0 else few


def _look(existing: ExistingPods, snapshot: Snapshot) -> _Found:
    refused: dict[str, list[str]] = {}
    reassigned: dict[str, list[str]] = {}
    looked = 0
    for pod in _one_of_each_first(existing.pods[:MOST_PODS]):
        if not existing.may_go_on():
            break
        looked += 1
        kind, cause = _fate(pod.view, snapshot)
        if cause:
            (refused if kind is Deny else reassigned).setdefault(cause, []).append(pod.view.name)
    return _Found(looked=looked, refused=refused, reassigned=reassigned)


def _one_of_each_first(pods: Iterable[ExistingPod]) -> Iterator[ExistingPod]:
    """One pod of each controller, then the others: they are mostly alike."""
    seen: Counter[str] = Counter()
    others: list[ExistingPod] = []
    for pod in pods:
        seen[pod.controller] += 1
        if pod.controller and seen[pod.controller] > 1:
            others.append(pod)
        else:
            yield pod
    yield from others


def _fate(pod: PodView, snapshot: Snapshot) -> tuple[type | None, str]:
    """Whether the pod, made anew, would be refused or get another class; and why, or which."""
    decision = decide(made_anew(pod, snapshot.cluster), by_its_maker(pod), snapshot)
    outcome = getattr(decision, "would", None) or decision
    if isinstance(outcome, Deny):
        return Deny, outcome.cause
    had = pod.runtime_class_name
    if isinstance(outcome, Assign) and outcome.runtime_class != had:
        instead = f"RuntimeClass {shown(had)}" if had else "no RuntimeClass"
        return Assign, f"RuntimeClass {shown(outcome.runtime_class)} instead of {instead}"
    return None, ""
