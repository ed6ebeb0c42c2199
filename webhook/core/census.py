"""The pods and workloads of a cluster: each workload once, with its pods counted.

The one grouping behind audit, plan and policy diff. A pod belongs to the topmost workload that its
controllers lead to (ReplicaSet → Deployment, Job → CronJob); one that no controller keeps alive
stands for itself. What has ended runs no more and is only counted. Objects may come in any order.
What is kept of an object is how it was judged, which equal pods share, never the object.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from webhook.core.anew import Controller, controller_of
from webhook.core.pod import PodView, mapping, sequence, text, view_pod
from webhook.core.workload import WorkloadKind, WorkloadPod, pods_made_of, workload_kind

MOST_STEPS = 8
"""How far controllers are followed: a tenant may write two that control each other."""
_ENDED = frozenset({"Succeeded", "Failed"})
_FINISHED = frozenset({"Complete", "Failed"})
_POD = ("", "Pod")
_REVISIONS = frozenset({("apps", "ReplicaSet"), ("", "ReplicationController")})
"""Of which an owner keeps older ones, scaled to nothing."""
_HASH = "pod-template-hash"
_MOST_ASKED = 10**6

JudgedT = TypeVar("JudgedT", bound=Hashable)
"""What a judge makes of a pod; pods with equal ones are counted together."""


class Key(NamedTuple):
    """An object of a cluster; of one namespace, since a controller lives where its objects do."""

    namespace: str
    kind: str
    name: str
    group: str = ""


_MadeT_co = TypeVar("_MadeT_co", bound=Hashable, covariant=True)


class Judge(Protocol[_MadeT_co]):
    """What is made of the pods that a census sees."""

    def of_pod(self, pod: PodView) -> _MadeT_co:
        """Of a pod, or of the manifest of one."""

    def of_template(self, template: WorkloadPod) -> _MadeT_co:
        """Of what pods are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Generic[JudgedT]):
    """A workload with its pods, or a pod by itself.

    ``templates`` are its own by field path; ``revisions`` those of what it controls, a ReplicaSet's
    say, each once. ``asked`` is how many pods it asks for.
    """

    key: Key
    api_version: str
    uid: str
    templates: Mapping[str, JudgedT]
    revisions: tuple[JudgedT, ...]
    pods: Mapping[JudgedT, int]
    finished: int
    asked: int

    @property
    def running(self) -> int:
        """How many of its pods have not ended."""
        return sum(self.pods.values())

    @property
    def every(self) -> tuple[JudgedT, ...]:
        """All that was made of its templates and pods, each once."""
        return tuple(dict.fromkeys((*self.templates.values(), *self.pods)))


@dataclass(slots=True, kw_only=True)
class _Tally(Generic[JudgedT]):
    """What is known of one object, before those that belong together are put together."""

    uid: str = ""
    told: bool = False
    asked: int = 0
    finished: int = 0
    templates: dict[str, JudgedT] = field(default_factory=dict)
    displaced: list[JudgedT] = field(default_factory=list)
    pods: dict[JudgedT, int] = field(default_factory=dict)

    def take(self, at: str, judged: JudgedT) -> None:
        """A template; a file may hold two objects of one name, and both count."""
        if at in self.templates:
            self.displaced.append(self.templates[at])
        self.templates[at] = judged


class Counted(NamedTuple, Generic[JudgedT]):
    """What ``add`` has counted: under which object, and what was made of its pod or templates."""

    key: Key
    templates: Sequence[tuple[str, JudgedT]] = ()
    pod: JudgedT | None = None


class Census(Generic[JudgedT]):
    """Objects are added one by one; ``groups`` puts together what belongs together.

    ``runs`` is false for manifests: their pods have still to be made, whatever a status says.
    ``revisions``: older ReplicaSets and Jobs of a workload that is told of are judged too.
    """

    def __init__(
        self,
        judge: Judge[JudgedT],
        *,
        declared: Sequence[WorkloadKind] = (),
        runs: bool = True,
        revisions: bool = False,
    ) -> None:
        self._judge = judge
        self._declared = declared
        self._runs = runs
        self._revisions = revisions
        self._tallies: dict[Key, _Tally[JudgedT]] = {}
        self._above: dict[Key, Key] = {}
        self._guessed: dict[Key, Key] = {}
        self._versions: dict[Key, str] = {}
        self.others = 0
        self.pods = 0
        self.finished_pods = 0
        self.finished_workloads = 0

    def add(self, obj: Mapping[str, Any], namespace: str) -> Counted[JudgedT] | None:
        """Look at one object; None where it has ended or makes no pods, which is only counted.

        Raises PodShapeError for what is no pod or has no pod template where its kind has one.
        """
        key = key_of(obj, namespace)
        if (key.group, key.kind) == _POD:
            return self._add_pod(obj, key)
        if workload_kind(text(obj.get("apiVersion")), key.kind, self._declared) is None:
            self.others += 1
            return None
        return self._add_workload(obj, key)

    @property
    def finished(self) -> Mapping[str, int]:
        """What has ended: ``pods``, and ``workloads`` that nothing known controls."""
        return {"pods": self.finished_pods, "workloads": self.finished_workloads}

    def _add_pod(self, obj: Mapping[str, Any], key: Key) -> Counted[JudgedT] | None:
        metadata = mapping(obj.get("metadata"))
        view = view_pod(obj.get("spec"), metadata, namespace=key.namespace)
        controller = _keeper(metadata)
        if controller is not None:
            key = self._controlling(controller, key.namespace)
            if deployment := _deployment_of(metadata, key):
                self._guessed[key] = deployment
                self._versions.setdefault(deployment, controller.api_version)
        tally = self._tally(key, controller.uid if controller else text(metadata.get("uid")))
        if self._runs and _has_ended(obj):
            tally.finished += 1
            self.finished_pods += 1
            return None
        self.pods += 1
        judged = self._judge.of_pod(view)
        tally.pods[judged] = tally.pods.get(judged, 0) + 1
        return Counted(key, pod=judged)

    def _add_workload(self, obj: Mapping[str, Any], key: Key) -> Counted[JudgedT] | None:
        metadata = mapping(obj.get("metadata"))
        self._versions[key] = text(obj.get("apiVersion"))
        above = self._known_above(metadata, key)
        others = (above, self._above.get(key))
        self._above[key] = min((o for o in others if o not in {None, key}), default=key)
        if is_over(obj, runs=self._runs):
            self.finished_workloads += above is None and key.kind == "Job"
            return None
        tally = self._tally(key, text(metadata.get("uid")))
        tally.told = True
        tally.asked = max(tally.asked, _asked(obj, runs=self._runs))
        top = self.top(key)
        if top != key and not self._revisions and self._is_told(top):
            return None
        pods = pods_made_of(obj, namespace=key.namespace, declared=self._declared)
        judged = [(pod.view.at, self._judge.of_template(pod)) for pod in pods]
        for at, template in judged:
            tally.take(at, template)
        return Counted(key, templates=judged)

    def _known_above(self, metadata: Mapping[str, Any], key: Key) -> Key | None:
        """The workload that controls one; an object of a kind that makes no pods stands above none.

        An operator's own, a database say, of which nothing is known here.
        """
        controller = controller_of(metadata)
        if controller is None or not workload_kind(
            controller.api_version, controller.kind, self._declared
        ):
            return None
        return self._controlling(controller, key.namespace)

    def _is_told(self, key: Key) -> bool:
        tally = self._tallies.get(key)
        return tally is not None and tally.told

    def _controlling(self, controller: Controller, namespace: str) -> Key:
        key = _key_of_controller(controller, namespace)
        self._versions.setdefault(key, controller.api_version)
        return key

    def _tally(self, key: Key, uid: str) -> _Tally[JudgedT]:
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = _Tally()
        tally.uid = tally.uid or uid
        return tally

    def groups(self) -> Iterator[Group[JudgedT]]:
        """Every workload and every pod by itself, in the order of namespace, kind and name.

        What has only ended is none.
        """
        members: dict[Key, list[Key]] = {}
        for key in self._tallies:
            members.setdefault(self.top(key), []).append(key)
        for key in sorted(members):
            group = self._group(key, members[key])
            if group.templates or group.pods:
                yield group

    def top(self, key: Key) -> Key:
        """The topmost workload that an object belongs to; those in a ring stand for themselves."""
        found = key
        for _ in range(MOST_STEPS):
            above = self._above.get(found) or self._guessed.get(found, found)
            if above == found:
                return found
            found = above
        return key

    def _group(self, key: Key, members: Sequence[Key]) -> Group[JudgedT]:
        own = self._tallies.get(key) or _Tally[JudgedT]()
        tallies = [self._tallies[member] for member in members]
        pods: dict[JudgedT, int] = {}
        for tally in tallies:
            for judged, count in tally.pods.items():
                pods[judged] = pods.get(judged, 0) + count
        below = [t for t in tallies if t is not own]
        templates = own.templates if own.told else _stand_ins(below)
        revisions = [judged for t in below for judged in t.templates.values()]
        revisions += [judged for tally in tallies for judged in tally.displaced]
        return Group(
            key=key,
            api_version=self._versions.get(key, "v1"),
            uid=own.uid,
            templates=templates,
            revisions=tuple(dict.fromkeys(revisions)),
            pods=pods,
            finished=sum(tally.finished for tally in tallies),
            asked=own.asked if own.told else sum(tally.asked for tally in below),
        )


def _stand_ins(below: Sequence[_Tally[JudgedT]]) -> Mapping[str, JudgedT]:
    """The templates of what a workload controls, where it is not told of itself."""
    return {at: judged for tally in below for at, judged in tally.templates.items()}


def key_of(obj: Mapping[str, Any], namespace: str) -> Key:
    """Which object it is."""
    metadata = mapping(obj.get("metadata"))
    return Key(
        namespace=namespace,
        kind=text(obj.get("kind")),
        name=text(metadata.get("name")) or text(metadata.get("generateName")),
        group=_group_of(text(obj.get("apiVersion"))),
    )


def is_over(obj: Mapping[str, Any], *, runs: bool = True) -> bool:
    """Whether an object makes no pods any more, so that it keeps nothing from anything.

    A pod or a Job that has ended, and a ReplicaSet of something else that is scaled to nothing: an
    older revision. ``runs`` is false for manifests, which have still to be made.
    """
    if runs and _has_ended(obj):
        return True
    which = _group_of(text(obj.get("apiVersion"))), text(obj.get("kind"))
    return (
        which in _REVISIONS
        and mapping(obj.get("spec")).get("replicas") == 0
        and controller_of(mapping(obj.get("metadata"))) is not None
    )


def _has_ended(obj: Mapping[str, Any]) -> bool:
    """Whether a pod has ended or is being ended, or a Job has finished."""
    status = mapping(obj.get("status"))
    which = _group_of(text(obj.get("apiVersion"))), text(obj.get("kind"))
    if which == _POD:
        leaves = mapping(obj.get("metadata")).get("deletionTimestamp")
        return text(status.get("phase")) in _ENDED or bool(leaves)
    return which == ("batch", "Job") and any(
        text(c.get("type")) in _FINISHED and c.get("status") == "True"
        for c in map(mapping, sequence(status.get("conditions")))
    )


def _keeper(metadata: Mapping[str, Any]) -> Controller | None:
    """What keeps a pod alive. A static pod's "controller" is its node, which keeps no others."""
    controller = controller_of(metadata)
    return controller if controller is not None and controller.kind != "Node" else None


def _key_of_controller(controller: Controller, namespace: str) -> Key:
    return Key(namespace, controller.kind, controller.name, _group_of(controller.api_version))


def _deployment_of(metadata: Mapping[str, Any], owner: Key) -> Key | None:
    """The Deployment of a pod's ReplicaSet, by the hash that it names it with.

    It counts where the ReplicaSet is not told of, as where only Deployments and pods are.
    """
    suffix = "-" + text(mapping(metadata.get("labels")).get(_HASH))
    if (owner.group, owner.kind) != ("apps", "ReplicaSet") or suffix == "-":
        return None
    name = owner.name.removesuffix(suffix)
    return owner._replace(kind="Deployment", name=name) if name != owner.name else None


def _group_of(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def _asked(obj: Mapping[str, Any], *, runs: bool) -> int:
    """How many pods an object asks for; of a CronJob, how many at a time."""
    spec, kind = mapping(obj.get("spec")), obj.get("kind")
    if kind == "PodTemplate":
        return 0
    if kind == "DaemonSet":
        return _count(mapping(obj.get("status")).get("desiredNumberScheduled") if runs else None)
    if kind == "CronJob":
        spec = mapping(mapping(spec.get("jobTemplate")).get("spec"))
    return _count(spec.get("parallelism" if kind in {"CronJob", "Job"} else "replicas"))


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < _MOST_ASKED else 1
