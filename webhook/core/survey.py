"""Every pod of a cluster on the steps of a ladder, gathered by the workload that makes it.

What is held of a workload grows with how its pods differ, not with how many there are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from webhook.core.alike import Alike
from webhook.core.anew import by_its_maker, made_anew
from webhook.core.census import Census, Group, Key
from webhook.core.decision import outside
from webhook.core.images import ImageReference
from webhook.core.isolation import Fit, Ladder, Obstacle, fit
from webhook.core.needs import Finding
from webhook.core.pod import ContainerView, PodView
from webhook.core.workload import WorkloadKind, WorkloadPod

_VOLATILE = (
    "pod-template-hash", "controller-revision-hash", "pod-template-generation", "controller-uid",
    "job-name", "batch.kubernetes.io/", "statefulset.kubernetes.io/", "apps.kubernetes.io/",
    "app.kubernetes.io/version", "helm.sh/", "security.istio.io/", "service.istio.io/",
)  # fmt: skip
"""Labels of one revision or one pod: the next one has another value."""


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


@dataclass(frozen=True, slots=True)
class _Fitting:
    """What was made of a pod: equal where a plan or a draft goes by nothing that differs."""

    identity: object
    variant: Variant | None = field(default=None, compare=False)
    outside: str = field(default="", compare=False)


@dataclass(slots=True, kw_only=True)
class _Judge:
    """Fits pods, as they would be made anew, to the steps of a ladder."""

    ladder: Ladder
    _alike: Alike[_Fitting] = field(init=False)

    def __post_init__(self) -> None:
        self._alike = Alike(self._fitting)

    def of_pod(self, pod: PodView) -> _Fitting:
        return self._alike(pod)

    def of_template(self, template: WorkloadPod) -> _Fitting:
        return self._fitting(template.view)

    def _fitting(self, pod: PodView) -> _Fitting:
        anew = made_anew(pod, self.ladder.snapshot.cluster)
        if why := outside(anew, by_its_maker(anew), self.ladder.snapshot):
            return _Fitting(why, outside=why)
        variant = _variant(anew, self.ladder)
        return _Fitting(_identity(variant), variant)


class Survey:
    """Objects come in one by one, in any order; ``workloads`` is what they are."""

    def __init__(
        self, ladder: Ladder, *, declared: Sequence[WorkloadKind] = (), runs: bool = True
    ) -> None:
        judge = _Judge(ladder=ladder)
        self.census = Census(judge, declared=declared, runs=runs, revisions=True)
        self._runs = runs

    def add(self, obj: Mapping[str, Any], namespace: str) -> None:
        """Take in an object. Raises PodShapeError as a census does."""
        self.census.add(obj, namespace)

    def workloads(self) -> tuple[Workload, ...]:
        """Every workload, by namespace, kind and name.

        Its pods are those that run. Of manifests, and where nothing is told of pods at all, they
        are those that it asks for.
        """
        pods_told = self._runs and self.census.pods + self.census.finished_pods > 0
        return tuple(_workload(group, pods_told) for group in self.census.groups())


def _workload(group: Group[_Fitting], pods_told: bool) -> Workload:
    every = dict.fromkeys((*group.every, *group.revisions))
    variants = [fitting.variant for fitting in every if fitting.variant is not None]
    return Workload(
        key=group.key,
        pods=group.running or (0 if pods_told else group.asked),
        variants=tuple(sorted(variants, key=_order)),
        outside="" if variants else max(fitting.outside for fitting in every),
    )


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
