"""The pods and workloads of a cluster as subjects: each workload once, with its pods counted.

A pod belongs to the topmost workload that its controllers lead to (ReplicaSet → Deployment, Job →
CronJob); one that no controller keeps alive stands for itself. Objects may come in any order. What
is kept of an object is its assessment, which equal pods share, never the object.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from webhook.core.anew import Controller, controller_of
from webhook.core.audit import RANK, Assessment, State
from webhook.core.audit_findings import Noted
from webhook.core.pod import PodView, mapping, sequence, text, view_pod
from webhook.core.workload import WorkloadKind, workload_kind, workload_pods

MOST_STEPS = 8
"""How far controllers are followed: a tenant may write two that control each other."""
MOST_IMAGES = 20
_ENDED = frozenset({"Succeeded", "Failed"})
_POD = ("", "Pod")


class Key(NamedTuple):
    """An object of a cluster; of one namespace, since a controller lives where its objects do."""

    namespace: str
    group: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """How some pods or one template of a subject stand now, and under other policies.

    ``after`` is None where no others are in question.
    """

    now: Assessment
    after: Assessment | None = None


@dataclass(slots=True, kw_only=True)
class Tally:
    """What is known of one object: its templates by field path, its pods by how they stand."""

    uid: str = ""
    templates: dict[str, Standing] = field(default_factory=dict)
    pods: dict[Standing, int] = field(default_factory=dict)
    finished: int = 0
    images: dict[str, None] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Count the pods of an object that this one controls as its own."""
        for standing, count in other.pods.items():
            self.pods[standing] = self.pods.get(standing, 0) + count
        self.finished += other.finished
        self.see(other.images)

    def see(self, images: Iterable[str]) -> None:
        """Note images, the first of many."""
        for image in images:
            if len(self.images) >= MOST_IMAGES:
                return
            self.images.setdefault(image)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A workload with its pods, or a pod by itself."""

    key: Key
    api_version: str
    uid: str
    templates: Mapping[str, Standing]
    pods: Mapping[Standing, int]
    finished: int
    images: Sequence[str]

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Every way that one of its pods or templates stands, each once."""
        return tuple(dict.fromkeys((*self.templates.values(), *self.pods)))

    @property
    def running(self) -> int:
        """How many of its pods have not ended."""
        return sum(self.pods.values())

    @property
    def states(self) -> tuple[State, ...]:
        """Every state of its pods and templates, the worst first; compliance only by itself."""
        found = {state for standing in self.standings for state in standing.now.states}
        if len(found) > 1:
            found.discard(State.COMPLIANT)
        return tuple(sorted(found, key=RANK.__getitem__))

    @property
    def worst(self) -> Standing:
        """The first of those that stand worst, templates before pods; what is refused is worse."""
        return min(self.standings, key=_badness)

    @property
    def refused(self) -> bool:
        """Whether one of its pods would be refused if it were made anew."""
        return any(standing.now.anew.refused for standing in self.standings)

    @property
    def finished_only(self) -> bool:
        """Whether all of it has ended."""
        return not self.pods and not self.templates

    def findings(self) -> tuple[tuple[Noted, int], ...]:
        """Each finding once, as its template or first pod has it, and in how many pods it is."""
        first: dict[tuple[object, ...], Noted] = {}
        counts: Counter[tuple[object, ...]] = Counter()
        for standing in self.standings:
            for finding in standing.now.findings:
                first.setdefault(finding.identity, finding)
                counts[finding.identity] += self.pods.get(standing, 0)
        return tuple((finding, counts[identity]) for identity, finding in first.items())

    def runtime_classes(self) -> Mapping[str, int]:
        """How many of its pods run with which class; empty is none."""
        return _counted(self.pods, lambda standing: standing.now.runtime_class or "")

    def pod_states(self) -> Mapping[str, int]:
        """How many of its pods stand how, each counted by its worst state."""
        return _counted(self.pods, lambda standing: str(standing.now.state))


def _badness(standing: Standing) -> tuple[int, bool]:
    return RANK[standing.now.state], not standing.now.anew.refused


def _counted(pods: Mapping[Standing, int], name_of: Callable[[Standing], str]) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for standing, count in pods.items():
        found[name_of(standing)] += count
    return found


Judge = Callable[[PodView, bool], Standing]
"""``judge(pod, runs)``: equal pods should get the very same Standing."""


class Census:
    """Objects are added one by one; ``subjects`` groups what they were.

    ``runs`` is false for manifests: their pods have still to be made. ``add`` raises PodShapeError
    for what is no pod or has no pod template where its kind has one.
    """

    def __init__(
        self, judge: Judge, *, declared: Sequence[WorkloadKind] = (), runs: bool = True
    ) -> None:
        self._judge = judge
        self._declared = declared
        self._runs = runs
        self._tallies: dict[Key, Tally] = {}
        self._above: dict[Key, Key] = {}
        self._versions: dict[Key, str] = {}
        self.others = 0
        self.finished_pods = 0
        self.finished_workloads = 0

    def add(self, obj: Mapping[str, Any], namespace: str) -> None:
        """Look at one object; one of a kind that makes no pods is only counted, in ``others``."""
        metadata = mapping(obj.get("metadata"))
        api_version, kind = text(obj.get("apiVersion")), text(obj.get("kind"))
        key = Key(namespace, _group(api_version), kind, text(metadata.get("name")))
        if (key.group, kind) == _POD:
            self._add_pod(obj, metadata, key)
        elif workload_kind(api_version, kind, self._declared) is None:
            self.others += 1
        else:
            self._add_workload(obj, metadata, key)

    def _add_pod(self, obj: Mapping[str, Any], metadata: Mapping[str, Any], key: Key) -> None:
        view = view_pod(obj.get("spec"), metadata, namespace=key.namespace)
        controller = controller_of(metadata)
        if not key.name:
            key = key._replace(name=view.name)
        # A static pod is "controlled" by its node, which keeps no others like it.
        if controller is not None and controller.kind != "Node":
            key = self._controlling(controller, key.namespace)
        tally = self._tally(key, controller.uid if controller else text(metadata.get("uid")))
        if self._runs and _has_ended(obj, metadata):
            tally.finished += 1
            self.finished_pods += 1
            return
        standing = self._judge(view, self._runs)
        tally.pods[standing] = tally.pods.get(standing, 0) + 1
        tally.see(_images(view))

    def _add_workload(self, obj: Mapping[str, Any], metadata: Mapping[str, Any], key: Key) -> None:
        self._versions[key] = text(obj.get("apiVersion"))
        controller = controller_of(metadata)
        if controller is not None:
            above = self._controlling(controller, key.namespace)
            if workload_kind(controller.api_version, controller.kind, self._declared):
                self._above[key] = above
                return
            if mapping(obj.get("spec")).get("replicas") == 0:
                # Of an owner that is no workload known here, such as an older revision's.
                return
        if self._runs and _has_finished(obj, key):
            self.finished_workloads += 1
            return
        tally = self._tally(key, text(metadata.get("uid")))
        for pod in workload_pods(obj, namespace=key.namespace, declared=self._declared):
            tally.templates[pod.view.at] = self._judge(pod.view, False)
            tally.see(_images(pod.view))

    def _controlling(self, controller: Controller, namespace: str) -> Key:
        group = _group(controller.api_version)
        key = Key(namespace, group, controller.kind, controller.name)
        self._versions.setdefault(key, controller.api_version)
        return key

    def _tally(self, key: Key, uid: str) -> Tally:
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = Tally()
        tally.uid = tally.uid or uid
        return tally

    def subjects(self) -> Iterator[Subject]:
        """Every subject, in the order of namespace, kind and name; what has only ended is none."""
        grouped: dict[Key, Tally] = {}
        for key, tally in self._tallies.items():
            top = self._top(key)
            if top == key:
                mine = grouped.setdefault(key, Tally())
                mine.uid = mine.uid or tally.uid
                mine.templates.update(tally.templates)
                mine.add(tally)
            else:
                grouped.setdefault(top, Tally()).add(tally)
        for key in sorted(grouped):
            subject = self._subject(key, grouped[key])
            if not subject.finished_only:
                yield subject

    def _top(self, key: Key) -> Key:
        for _ in range(MOST_STEPS):
            if key not in self._above:
                break
            key = self._above[key]
        return key

    def _subject(self, key: Key, tally: Tally) -> Subject:
        return Subject(
            key=key,
            api_version=self._versions.get(key, "v1"),
            uid=tally.uid,
            templates=tally.templates,
            pods=tally.pods,
            finished=tally.finished,
            images=tuple(tally.images),
        )


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def _images(pod: PodView) -> Iterator[str]:
    return (str(container.reference or container.image) for container in pod.containers)


def _has_ended(obj: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    """Whether a pod has ended or is being ended."""
    phase = text(mapping(obj.get("status")).get("phase"))
    return phase in _ENDED or bool(metadata.get("deletionTimestamp"))


def _has_finished(obj: Mapping[str, Any], key: Key) -> bool:
    """Whether a Job makes no more pods."""
    if (key.group, key.kind) != ("batch", "Job"):
        return False
    conditions = map(mapping, sequence(mapping(obj.get("status")).get("conditions")))
    return any(
        text(c.get("type")) in {"Complete", "Failed"} and c.get("status") == "True"
        for c in conditions
    )
