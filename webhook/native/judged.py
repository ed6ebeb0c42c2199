"""What the compatibility table refuses for certain, asked of the core itself.

For every feature the core decides a smallest pod that uses it, on every RuntimeClass of the
inventory, on every architecture and, where nobody declared the release, on every release in
question. Only what it refuses in all of those is compiled: anything else could be a false refusal.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from webhook.core.cluster import ClusterView
from webhook.core.decision import CREATE, Deny, decide
from webhook.core.features import uses
from webhook.core.names import VERDICT_RANK, Action, Mode, Verdict
from webhook.core.pod import ARCH_LABEL, PodView, view_pod
from webhook.core.policy import NamespaceSelector, Policy, PolicySet, Rules
from webhook.core.runtimes import ON_THE_NODES_KERNEL, RuntimeProfile
from webhook.core.snapshot import Snapshot
from webhook.core.syscalls import ARCHITECTURES
from webhook.core.there import ASKED_OF_HANDLERS
from webhook.core.trial import attempt, open_case
from webhook.native.ground import making
from webhook.native.uses import Sample

NO_CLASS = ""
"""How a pod without a RuntimeClass is written beside the names of classes."""
_NAMESPACE, _CONTAINER, _IMAGE = "namespace", "container", "registry.invalid/unheard/of:1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certainty:
    """What becomes of a sample on one class: refused for certain, with words; or perhaps."""

    text: str | None = None
    possible: bool = False


NEVER = Certainty()


@dataclass(frozen=True)
class Judge:
    """The core, asked about samples under the rules of one policy."""

    policy: Policy
    snapshot: Snapshot
    known: dict[object, tuple[bool, bool]] = field(default_factory=dict)
    """Verdicts so far: they hang on the actions of rules, not on whose rules they are."""

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Every class of which something is known, and none."""
        inventory = self.snapshot.inventory
        none = (NO_CLASS,) if inventory.node_default else ()
        return (*none, *sorted(inventory.by_class))

    def on(
        self, rules: Rules, runtime_class: str, sample: Sample, image: str, key: object
    ) -> Certainty:
        """What becomes of ``sample`` on a class under ``rules``; ``key`` tells it from others."""
        asked = (runtime_class, key, *sorted(rules.actions.items()))
        if asked not in self.known:
            every = list(self._verdicts(rules, runtime_class, sample, image))
            asks_handlers = _may_be_told(rules, sample_pod(sample, NO_CLASS, image))
            self.known[asked] = (all(every), any(every) or asks_handlers)
        certain, possible = self.known[asked]
        if not certain:
            return Certainty(possible=possible)
        return Certainty(text=self._text(rules, runtime_class, sample, image), possible=True)

    def _verdicts(
        self, rules: Rules, runtime_class: str, sample: Sample, image: str
    ) -> Iterator[bool]:
        policy = self._alone(rules, runtime_class)
        inventory = self.snapshot.inventory
        for arch in ARCHITECTURES:
            pod = sample_pod(sample, NO_CLASS, image, arch)
            for profile in self._profiles(runtime_class, arch):
                within = replace(
                    self._within(policy),
                    inventory=replace(
                        inventory,
                        node_default=profile,
                        by_class=dict.fromkeys(inventory.by_class, profile),
                    ),
                )
                trial = attempt(open_case(pod, policy, within), runtime_class or None)
                found = [refusal.finding for refusal in trial.refusals if refusal.finding]
                yield bool(found)
                if any(j.finding.need.feature in ASKED_OF_HANDLERS for j in trial.judged):
                    yield _whatever_nodes_say(rules, profile, trial.verdict)

    def _profiles(self, runtime_class: str, arch: str) -> Iterator[RuntimeProfile]:
        """The profile of a class; of each release in question where none is declared."""
        profile = self.snapshot.inventory.profile_of(runtime_class or None)
        assert profile is not None  # noqa: S101 - classes are the inventory's
        versions = self.snapshot.compat.bind(profile.for_arch(arch), self.snapshot.today).versions
        if profile.versions or versions == (None,):
            yield profile
            return
        for version in versions:
            if version is not None:
                yield replace(profile, versions=(version,))

    def _text(self, rules: Rules, runtime_class: str, sample: Sample, image: str) -> str:
        """The cause, as the webhook says it, and what to do, on one line.

        It is said of new pods and of live ones, whose class cannot change: it must be true of both.
        """
        policy = self._alone(rules, runtime_class)
        pod = sample_pod(sample, runtime_class, image)
        decision = decide(pod, CREATE, self._within(policy))
        assert isinstance(decision, Deny)  # noqa: S101 - it was refused on every architecture
        remedy, *others = decision.remedies
        if decision.grounds.suggestions:
            remedy = making(" or ".join(decision.grounds.suggestions))
        return "; ".join((decision.cause, remedy, *others)) + f" [{decision.reason}]"

    def _alone(self, rules: Rules, runtime_class: str) -> Policy:
        """A policy of these rules for every namespace, under which pods may have the class."""
        classes = rules.runtime_classes
        allowed = (
            classes.allowed
            if classes.allows(runtime_class)
            else (
                *classes.allowed,
                runtime_class,
            )
        )
        default = (
            replace(classes, allowed=allowed)
            if runtime_class
            else replace(classes, default=None, required=False, namespace_default=False)
        )
        return Policy(
            name=self.policy.name,
            namespaces=NamespaceSelector(names=("*",)),
            rules=replace(
                rules, mode=Mode.ENFORCE, runtime_classes=default, runtime_annotations=("*",)
            ),
        )

    def _within(self, policy: Policy) -> Snapshot:
        return replace(self.snapshot, policies=PolicySet([policy]), cluster=ClusterView())


def _may_be_told(rules: Rules, pod: PodView) -> bool:
    """Whether nodes may say of a handler that it lacks what the pod uses, and that is refused."""
    refused = {Action.DENY} & {rules.actions[v] for v in (Verdict.INCOMPATIBLE, Verdict.UNKNOWN)}
    return bool(refused) and any(use.feature in ASKED_OF_HANDLERS for use in uses(pod))


def _whatever_nodes_say(rules: Rules, profile: RuntimeProfile, known: Verdict) -> bool:
    """Whether all that nodes could say of their handler besides is refused too."""
    if profile.runtime in ON_THE_NODES_KERNEL:
        return False
    worse = [verdict for verdict in Verdict if VERDICT_RANK[verdict] <= VERDICT_RANK[known]]
    return all(rules.actions[verdict] is Action.DENY for verdict in worse)


def sample_pod(sample: Sample, runtime_class: str, image: str, arch: str = "") -> PodView:
    """A pod of one container that has ``sample`` and nothing else."""
    spec = {
        **({"runtimeClassName": runtime_class} if runtime_class else {}),
        **({"nodeSelector": {ARCH_LABEL: arch}} if arch else {}),
        **sample.spec,
        "containers": [{"name": _CONTAINER, "image": image, **sample.container}],
    }
    metadata = {"name": "sample", "annotations": dict(sample.annotations)}
    return view_pod(spec, metadata, namespace=_NAMESPACE)


def texts_of(
    judge: Judge, rules: Iterable[Rules], sample: Sample, image: str = _IMAGE, key: object = None
) -> tuple[Mapping[tuple[int, str], str], Mapping[tuple[int, str], Certainty]]:
    """By rules and class: the words of what is refused for certain; what perhaps is.

    ``key`` says what ``image`` is known for, where that is not the judge's own table.
    """
    key = key or repr(sample)
    certain: dict[tuple[int, str], str] = {}
    perhaps: dict[tuple[int, str], Certainty] = {}
    for index, of in enumerate(rules):
        for runtime_class in judge.classes:
            found = judge.on(of, runtime_class, sample, image, key)
            if found.text is not None:
                certain[index, runtime_class] = found.text
            elif found.possible:
                perhaps[index, runtime_class] = found
    return certain, perhaps
