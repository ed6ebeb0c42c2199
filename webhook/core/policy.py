"""Runtime policies as core values, and which of them governs a namespace. No parsing here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from webhook.core.images import ImagePattern, glob_matches
from webhook.core.names import NAMESPACE_NAME_LABEL, Action, Mode, Verdict
from webhook.core.pod import ContainerView, PodView


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRequirement:
    """One entry of ``matchExpressions``; ``operator`` is the API's."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """The API's meaning: NotIn and DoesNotExist hold for a label that is not there."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value is not None and value in self.values
            case "NotIn":
                return value is None or value not in self.values
            case "Exists":
                return value is not None
            case _:
                return value is None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSelector:
    """The API's LabelSelector: all of it must hold."""

    match_labels: Mapping[str, str] = field(default_factory=dict)
    match_expressions: tuple[LabelRequirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether ``labels`` fulfil every part."""
        return all(labels.get(k) == v for k, v in self.match_labels.items()) and all(
            requirement.matches(labels) for requirement in self.match_expressions
        )

    @property
    def keys(self) -> frozenset[str]:
        """The labels that it reads."""
        return frozenset(self.match_labels) | {r.key for r in self.match_expressions}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceSelector:
    """Which namespaces a policy is for: every part given must hold."""

    names: tuple[str, ...] = ()
    exclude_names: tuple[str, ...] = ()
    selector: LabelSelector | None = None

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether the namespace is one of them."""
        return self.matches_name(name) and (
            self.selector is None or self.selector.matches(_with_name(name, labels))
        )

    def matches_name(self, name: str) -> bool:
        """Whether the parts that look at the name hold."""
        if self.names and not any(glob_matches(glob, name) for glob in self.names):
            return False
        return not any(glob_matches(glob, name) for glob in self.exclude_names)

    def reads_labels(self) -> bool:
        """Whether the namespace's labels can change the answer (its name's label cannot)."""
        return self.selector is not None and bool(self.selector.keys - {NAMESPACE_NAME_LABEL})


def _with_name(name: str, labels: Mapping[str, str]) -> Mapping[str, str]:
    # The API server sets this label on every namespace and lets nobody change it.
    return {**labels, NAMESPACE_NAME_LABEL: name}


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSelector:
    """Which pods an override or exemption is for: every part given must hold."""

    images: tuple[ImagePattern, ...] = ()
    service_accounts: tuple[str, ...] = ()
    selector: LabelSelector | None = None

    def matches_some(self, pod: PodView) -> bool:
        """For overrides: one container with such an image is enough (a database's exporter)."""
        return self._identity_matches(pod) and (
            not self.images or any(self._image_matches(c) for c in pod.containers)
        )

    def matches_all(self, pod: PodView) -> bool:
        """For exemptions: every container has such an image, lest one sidecar exempts all."""
        return self._identity_matches(pod) and (
            not self.images or all(self._image_matches(c) for c in pod.containers)
        )

    @property
    def without_free_labels(self) -> "PodSelector":
        """The pods that may have been these: with other labels, where more than labels tells.

        Labels are free to change; images are judged when they do, and the service account stays.
        """
        told = self.images or self.service_accounts
        return replace(self, selector=None) if told else self

    def _identity_matches(self, pod: PodView) -> bool:
        if self.service_accounts and not any(
            glob_matches(glob, pod.service_account) for glob in self.service_accounts
        ):
            return False
        return self.selector is None or self.selector.matches(pod.labels)

    def _image_matches(self, container: ContainerView) -> bool:
        reference = container.reference
        return reference is not None and any(p.matches(reference) for p in self.images)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeClasses:
    """Which RuntimeClass a pod gets and which it may ask for; ``allowed`` is resolved."""

    default: str | None = None
    required: bool = False
    allowed: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    namespace_default: bool = False

    def allows(self, runtime_class: str) -> bool:
        """Whether a pod may name ``runtime_class``."""
        return any(glob_matches(glob, runtime_class) for glob in self.allowed)


DEFAULT_ACTIONS: Mapping[Verdict, Action] = {
    Verdict.INCOMPATIBLE: Action.DENY,
    Verdict.DEGRADED: Action.WARN,
    Verdict.UNKNOWN: Action.WARN,
    Verdict.IGNORED_SECURITY: Action.WARN,
    Verdict.COMPATIBLE: Action.IGNORE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a policy says of a pod; an override's are the policy's with its own keys over them."""

    mode: Mode = Mode.ENFORCE
    runtime_classes: RuntimeClasses = field(default_factory=RuntimeClasses)
    actions: Mapping[Verdict, Action] = field(default_factory=lambda: DEFAULT_ACTIONS)
    runtime_annotations: tuple[str, ...] = ()
    workloads: Action = Action.WARN


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Other rules for some pods of the policy's namespaces."""

    name: str
    pods: PodSelector
    rules: Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """Pods outside the rules on purpose: by whom, why, until when.

    ``runtime_classes`` may be used besides the allowed ones, ``""`` being none at all;
    ``features`` are findings left out. ``expires`` None is never.
    """

    name: str
    pods: PodSelector
    runtime_classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    owner: str
    reason: str
    ticket: str | None = None
    expires: date | None

    def expired(self, today: date) -> bool:
        """Whether it is over; the whole last day in UTC still counts."""
        return self.expires is not None and today > self.expires

    def permits(self, runtime_class: str | None) -> bool:
        """Whether an exempt pod may use this class (None: no class)."""
        return any(
            glob_matches(glob, runtime_class)
            if glob and runtime_class
            else glob == (runtime_class or "")
            for glob in self.runtime_classes
        )

    def covers(self, feature: str) -> bool:
        """Whether findings of ``feature`` are left out."""
        return any(glob_matches(glob, feature) for glob in self.features)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One RuntimePolicy."""

    name: str
    namespaces: NamespaceSelector
    priority: int = 0
    rules: Rules = field(default_factory=Rules)
    overrides: tuple[Override, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    description: str = ""
    origin: str = ""

    @property
    def offers_namespace_default(self) -> bool:
        """Whether a Namespace's annotation may choose the default class."""
        every = (self.rules, *(override.rules for override in self.overrides))
        return any(rules.runtime_classes.namespace_default for rules in every)

    def override_for(self, pod: PodView) -> Override | None:
        """The first override that is for ``pod``."""
        return next((o for o in self.overrides if o.pods.matches_some(pod)), None)

    def exemptions_for(self, pod: PodView) -> tuple[Exemption, ...]:
        """Every exemption that is for ``pod``, in the policy's order, the expired ones too."""
        return tuple(e for e in self.exemptions if e.pods.matches_all(pod))


_MOST_NAMESPACES = 16_384


class PolicySet:
    """All policies, indexed: a review costs the policies that can match, not all there are.

    The highest priority governs; of equals the first by name.
    """

    __slots__ = (
        "_by_label",
        "_by_name",
        "_known",
        "_rest",
        "label_keys",
        "offers_namespace_default",
        "policies",
    )

    def __init__(self, policies: Iterable[Policy] = ()) -> None:
        self.policies: tuple[Policy, ...] = tuple(
            sorted(policies, key=lambda p: (-p.priority, p.name))
        )
        selectors = (p.namespaces.selector for p in self.policies)
        keys = frozenset(key for s in selectors if s is not None for key in s.keys)
        self.label_keys: frozenset[str] = keys - {NAMESPACE_NAME_LABEL}
        self.offers_namespace_default = any(p.offers_namespace_default for p in self.policies)
        self._by_name: dict[str, list[int]] = {}
        self._by_label: dict[tuple[str, str], list[int]] = {}
        self._rest: list[int] = []
        for rank, policy in enumerate(self.policies):
            self._index(rank, policy.namespaces)
        self._known: dict[str, tuple[Mapping[str, str], Policy | None]] = {}

    def _index(self, rank: int, namespaces: NamespaceSelector) -> None:
        names = namespaces.names
        if names and not any("*" in name or "?" in name for name in names):
            for name in names:
                self._by_name.setdefault(name, []).append(rank)
        elif namespaces.selector is not None and namespaces.selector.match_labels:
            pair = min(namespaces.selector.match_labels.items())
            self._by_label.setdefault(pair, []).append(rank)
        else:
            self._rest.append(rank)

    def policy_for(self, name: str, labels: Mapping[str, str]) -> Policy | None:
        """The policy that governs the namespace; None where none matches."""
        known = self._known.get(name)
        if known is not None and (known[0] is labels or known[0] == labels):
            return known[1]
        policy = self._first(name, labels)
        if len(self._known) >= _MOST_NAMESPACES:
            self._known.clear()
        self._known[name] = (labels, policy)
        return policy

    def matching(self, name: str, labels: Mapping[str, str]) -> tuple[Policy, ...]:
        """Every policy that matches the namespace, the governing one first."""
        return tuple(
            self.policies[rank]
            for rank in self._candidates(name, labels)
            if self.policies[rank].namespaces.matches(name, labels)
        )

    def needs_namespace(self, name: str) -> bool:
        """Whether more than its name decides for this namespace: its labels, or its own choice."""
        return any(
            p.namespaces.matches_name(name)
            and (p.namespaces.reads_labels() or p.offers_namespace_default)
            for p in self.policies
        )

    def _first(self, name: str, labels: Mapping[str, str]) -> Policy | None:
        for rank in self._candidates(name, labels):
            if self.policies[rank].namespaces.matches(name, labels):
                return self.policies[rank]
        return None

    def _candidates(self, name: str, labels: Mapping[str, str]) -> list[int]:
        found = [*self._rest, *self._by_name.get(name, ())]
        for pair in _with_name(name, labels).items():
            found.extend(self._by_label.get(pair, ()))
        return sorted(found)
