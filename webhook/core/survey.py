"""Every pod of a cluster on the steps of a ladder, gathered by the workload that makes it.

Pods of one controller are one workload: a ReplicaSet's Deployment, a Job's CronJob. What is held of
it grows with how its pods differ, not with how many there are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from webhook.core.anew import Controller, by_its_maker, controller_of, made_anew
from webhook.core.decision import outside
from webhook.core.images import ImageReference
from webhook.core.isolation import Fit, Ladder, Obstacle, fit
from webhook.core.needs import Finding
from webhook.core.pod import ContainerView, PodView, mapping, sequence, text
from webhook.core.workload import POD_TEMPLATES_AT

_VOLATILE = (
    "pod-template-hash", "controller-revision-hash", "pod-template-generation", "controller-uid",
    "job-name", "batch.kubernetes.io/", "statefulset.kubernetes.io/", "apps.kubernetes.io/",
    "app.kubernetes.io/version", "helm.sh/", "security.istio.io/", "service.istio.io/",
)  # fmt: skip
"""Labels of one revision or one pod: the next one has another value."""
_HASH = "pod-template-hash"
_FINISHED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """Which object it is."""

    namespace: str
    kind: str
    name: str
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What an override can know a pod by: ``images`` of every container, in the pod's order.

    ``labels`` are those that the next pod of the workload will have too.
    """

    service_account: str
    images: tuple[ImageReference, ...]
    labels: tuple[tuple[str, str], ...]
    every_label: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Pods of one workload that are alike: how they fit, and what they can be known by.

    ``at_fault`` are the images of the containers that bar each step.
    """

    fit: Fit
    traits: Traits
    at_fault: tuple[tuple[ImageReference, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One workload: its pods, how many, and how they fit.

    ``strongest`` is the first step that suits all of them; None where none does. ``outside`` says
    why the gate has nothing to do with it, empty where it has.
    """

    key: Key
    pods: int
    variants: tuple[Variant, ...]
    outside: str = ""

    def suits(self, step: int) -> bool:
        """Whether all its pods suit a step."""
        return all(variant.fit.obstacles[step] is None for variant in self.variants)

    @property
    def strongest(self) -> int | None:
        """The first step that suits it."""
        steps = len(self.variants[0].fit.obstacles) if self.variants else 0
        return next((step for step in range(steps) if self.suits(step)), None)

    @property
    def asks(self) -> tuple[str, ...]:
        """The classes that its pods name themselves."""
        return tuple(dict.fromkeys(v.fit.asks for v in self.variants if v.fit.asks))

    @property
    def recognised(self) -> bool:
        """Whether the table knows one of its images."""
        return any(variant.fit.recognised for variant in self.variants)

    def obstacle(self, step: int) -> Obstacle | None:
        """What keeps it from a step: of variants the first that is kept from it."""
        return next((o for v in self.variants if (o := v.fit.obstacles[step])), None)

    def caveats(self, step: int) -> tuple[Finding, ...]:
        """What should be known of it on a step that suits it, each feature once."""
        every = (finding for v in self.variants for finding in v.fit.caveats[step])
        return tuple({finding.need.feature: finding for finding in every}.values())

    def gains(self, step: int) -> bool:
        """Whether the newest release of a step's runtime would let it up there."""
        strongest = self.strongest
        if strongest is not None and strongest <= step:
            return False
        barred = [o for v in self.variants if (o := v.fit.obstacles[step])]
        return bool(barred) and all(o.solved_by is not None for o in barred)


@dataclass(slots=True, kw_only=True)
class _Record:
    """What is gathered of one object, before those that belong together are put together."""

    parent: Key | None = None
    seen: bool = False
    told: bool = False
    declared: int = 1
    running: int = 0
    outside: str = ""
    variants: dict[object, Variant] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Survey:
    """Objects and their pods come in one by one, in any order; ``workloads`` is what they are."""

    ladder: Ladder
    _records: dict[Key, _Record] = field(default_factory=dict)

    def add(self, obj: Mapping[str, Any], namespace: str, pods: Iterable[PodView]) -> None:
        """Take in an object that is or makes ``pods``."""
        key, owner = key_of(obj, namespace), _owner(obj, namespace)
        if _is_pod(obj):
            self._add_pod(obj, key, owner, pods)
            return
        record = self._records.setdefault(key, _Record())
        # Two objects of one name are one workload, whichever of them comes first.
        declared = max(_declared(obj), record.declared if record.seen else 0)
        owners = [o for o in (owner, record.parent if record.seen else None) if o is not None]
        record.parent, record.seen, record.declared = min(owners, default=None), True, declared
        if not is_superseded(obj):
            record.told = True
            self._judge(record, pods)

    def _add_pod(
        self, obj: Mapping[str, Any], key: Key, owner: Key | None, pods: Iterable[PodView]
    ) -> None:
        record = self._records.setdefault(owner or key, _Record())
        if owner is not None and record.parent is None and not record.seen:
            record.parent = _deployment_of(obj, owner)
        if is_superseded(obj):
            return
        record.running += not _is_finished(obj)
        record.told = True
        if owner is None and not record.seen and not record.running:
            record.declared = 0
        self._judge(record, map(unbound, pods))

    def _judge(self, record: _Record, pods: Iterable[PodView]) -> None:
        for pod in pods:
            anew = made_anew(pod)
            if why := outside(anew, by_its_maker(anew), self.ladder.snapshot):
                record.outside = max(why, record.outside)
                continue
            variant = _variant(anew, self.ladder)
            record.variants.setdefault(_identity(variant), variant)

    def workloads(self) -> tuple[Workload, ...]:
        """Every workload, by namespace, kind and name."""
        together: dict[Key, list[_Record]] = {}
        for key, record in self._records.items():
            together.setdefault(self._root(key), []).append(record)
        return tuple(
            _workload(key, together[key], self._records.get(key))
            for key in sorted(together)
            if any(record.told for record in together[key])
        )

    def _root(self, key: Key) -> Key:
        """The topmost owner that is known to make pods; rings of owners end where they begin."""
        visited = {key}
        while (record := self._records.get(key)) and (parent := record.parent):
            known = parent in self._records or (parent.group, parent.kind) in POD_TEMPLATES_AT
            if parent in visited or not known:
                break
            visited.add(parent)
            key = parent
        return key


def _workload(key: Key, gathered: Sequence[_Record], own: _Record | None) -> Workload:
    running = sum(record.running for record in gathered)
    variants = {k: v for record in gathered for k, v in record.variants.items()}
    declared = own.declared if own is not None else 0
    outside_because = max((record.outside for record in gathered), default="")
    return Workload(
        key=key,
        pods=running or declared,
        variants=tuple(sorted(variants.values(), key=_order)),
        outside="" if variants else outside_because or "its pods are not told",
    )


def key_of(obj: Mapping[str, Any], namespace: str) -> Key:
    """Which object it is."""
    metadata = mapping(obj.get("metadata"))
    return Key(
        namespace=namespace,
        kind=text(obj.get("kind")),
        name=text(metadata.get("name")) or text(metadata.get("generateName")),
        group=text(obj.get("apiVersion")).rpartition("/")[0],
    )


def _owner(obj: Mapping[str, Any], namespace: str) -> Key | None:
    controller = controller_of(mapping(obj.get("metadata")))
    if controller is None or controller.kind == "Node":
        return None
    return _key_of_controller(controller, namespace)


def _key_of_controller(controller: Controller, namespace: str) -> Key:
    return Key(
        namespace=namespace,
        kind=controller.kind,
        name=controller.name,
        group=controller.api_version.rpartition("/")[0],
    )


def _deployment_of(pod: Mapping[str, Any], owner: Key) -> Key | None:
    """The Deployment of a ReplicaSet that is not told of, by the hash that it names it with."""
    suffix = "-" + text(mapping(mapping(pod.get("metadata")).get("labels")).get(_HASH))
    if owner.kind != "ReplicaSet" or suffix == "-" or not owner.name.endswith(suffix):
        return None
    return replace(owner, kind="Deployment", name=owner.name.removesuffix(suffix))


def _is_pod(obj: Mapping[str, Any]) -> bool:
    return obj.get("kind") == "Pod" and obj.get("apiVersion") == "v1"


def is_superseded(obj: Mapping[str, Any]) -> bool:
    """Whether an object only tells what once was: of its owner another one is in force now.

    A ReplicaSet scaled to nothing, a Job or a pod that has ended; what nobody owns still counts.
    """
    if controller_of(mapping(obj.get("metadata"))) is None:
        return False
    if obj.get("kind") == "ReplicaSet":
        return mapping(obj.get("spec")).get("replicas") == 0
    return _is_finished(obj)


def _is_finished(obj: Mapping[str, Any]) -> bool:
    status = mapping(obj.get("status"))
    if _is_pod(obj):
        return text(status.get("phase")) in _FINISHED
    ends = {"Complete", "Failed"}
    return obj.get("kind") == "Job" and any(
        text(c.get("type")) in ends and c.get("status") == "True"
        for c in map(mapping, sequence(status.get("conditions")))
    )


def _declared(obj: Mapping[str, Any]) -> int:
    """How many pods an object asks for; of a CronJob, how many at a time."""
    if _is_finished(obj):
        return 0
    spec, status = mapping(obj.get("spec")), mapping(obj.get("status"))
    kind = obj.get("kind")
    if kind == "PodTemplate":
        return 0
    if kind == "DaemonSet":
        return _count(status.get("desiredNumberScheduled"))
    if kind == "CronJob":
        spec = mapping(mapping(spec.get("jobTemplate")).get("spec"))
    return _count(spec.get("replicas" if kind not in {"CronJob", "Job"} else "parallelism"))


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 10**6 else 1


def unbound(pod: PodView) -> PodView:
    """The pod without the node that the scheduler chose for it; a mirror pod stays as it is."""
    if not pod.node_name or by_its_maker(pod).user:
        return pod
    spec = {key: value for key, value in pod.spec.items() if key != "nodeName"}
    return replace(pod, node_name="", spec=spec)


def _variant(pod: PodView, ladder: Ladder) -> Variant:
    found = fit(pod, ladder)
    return Variant(
        fit=found,
        traits=traits_of(pod),
        at_fault=tuple(_at_fault(obstacle) for obstacle in found.obstacles),
    )


def traits_of(pod: PodView) -> Traits:
    """What an override can know ``pod`` by."""
    labels = tuple(sorted(pod.labels.items()))
    return Traits(
        service_account=pod.service_account,
        images=_references(pod.containers),
        labels=tuple((k, v) for k, v in labels if not k.startswith(_VOLATILE)),
        every_label=labels,
    )


def _references(containers: Iterable[ContainerView]) -> tuple[ImageReference, ...]:
    found = (container.reference for container in containers)
    return tuple(dict.fromkeys(r for r in found if r is not None))


def _at_fault(obstacle: Obstacle | None) -> tuple[ImageReference, ...]:
    """The images of the containers that stay: an init container's may be anything (busybox)."""
    needs = [finding.need for finding in obstacle.findings] if obstacle else []
    containers = [need.container for need in needs if need.container]
    return _references(c for c in containers if ".containers[" in f".{c.field_path}")


def _identity(variant: Variant) -> tuple[object, ...]:
    """What makes two pods of a workload alike: all that a plan or a draft goes by."""
    found = variant.fit
    obstacles = tuple((o.message, o.verdicts, o.solved_by) if o else None for o in found.obstacles)
    return (
        obstacles, found.asks, found.refused_there, found.annotations, variant.at_fault,
        variant.traits.service_account, variant.traits.images, variant.traits.labels,
    )  # fmt: skip


def _order(variant: Variant) -> tuple[object, ...]:
    """An order that does not depend on which pod came first."""
    found, traits = variant.fit, variant.traits
    return (
        tuple(o.message if o else "" for o in found.obstacles), found.asks or "",
        sorted(found.refused_there), found.annotations, traits.service_account,
        tuple(map(str, traits.images)), traits.every_label,
    )  # fmt: skip


def judged(workloads: Iterable[Workload]) -> Iterator[Workload]:
    """Those that the gate has something to do with."""
    return (workload for workload in workloads if not workload.outside)
