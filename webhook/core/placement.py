"""Where a pod may run, as far as its author and its RuntimeClass say.

Of the scheduler's filters those that the API itself defines: the node's name, the node selector,
the required node affinity and the tolerations. What is not understood admits: nothing is said
against a pod because this program is older than the API.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from webhook.core.pod import ARCH_LABEL, PodView, mapping, sequence, text
from webhook.core.syscalls import ARCHITECTURES

MOST_TOLERATIONS, MOST_CONDITIONS = 200, 32
NODE_CONDITIONS = "node.kubernetes.io/"
"""Taints below it are conditions of the moment (not ready, cordoned, out of memory, …), which the
node controllers set and take away."""


_WHOLE = re.compile(r"[-+]?[0-9]{1,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """A taint of a node that keeps pods off it: effect NoSchedule or NoExecute."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Toleration:
    """A toleration of a pod or of a RuntimeClass's scheduling."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def tolerates(self, taint: Taint) -> bool:
        """Whether it lets the pod onto a node with ``taint`` (k8s.io/api core/v1)."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        return self.operator != "Equal" or (bool(self.key) and self.value == taint.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCondition:
    """A condition on one label of a node; ``operator`` as the API's NodeSelectorOperator."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, value: str | None) -> bool:
        """Whether it holds for a node whose label has ``value`` (None: has no such label)."""
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case "Gt" | "Lt":
                return self._compares(value)
            case _:
                return True

    def _compares(self, value: str | None) -> bool:
        bound = _whole(self.values[0]) if len(self.values) == 1 else None
        found = _whole(value or "")
        if bound is None or found is None:
            return False
        return found > bound if self.operator == "Gt" else found < bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One alternative of a required node affinity: all of it must hold; an empty one never does.

    ``names`` are the conditions on ``metadata.name``, the one field that the API lets match.
    """

    labels: tuple[LabelCondition, ...] = ()
    names: tuple[LabelCondition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """What a pod says of the nodes it may run on; ``affinity`` None is no required affinity."""

    node_name: str = ""
    selector: tuple[tuple[str, str], ...] = ()
    affinity: tuple[Term, ...] | None = None
    tolerations: tuple[Toleration, ...] = ()

    @property
    def architectures(self) -> tuple[str, ...]:
        """Those of ``ARCHITECTURES`` that selector and affinity ask for; empty: they ask for none.

        An architecture that the compatibility table does not know is not told apart.
        """
        selected = dict(self.selector).get(ARCH_LABEL)
        if selected is not None:
            return tuple(arch for arch in ARCHITECTURES if arch == selected)
        if self.affinity is None:
            return ()
        fitting = tuple(
            arch for arch in ARCHITECTURES if any(_admits(term, arch) for term in self.affinity)
        )
        return () if fitting == ARCHITECTURES and not self._every_term_names_one() else fitting

    def _every_term_names_one(self) -> bool:
        return all(
            any(condition.key == ARCH_LABEL for condition in term.labels)
            for term in self.affinity or ()
        )


ANYWHERE = Placement()


def _admits(term: Term, arch: str) -> bool:
    return all(c.holds(arch) for c in term.labels if c.key == ARCH_LABEL)


def placement_of(pod: PodView) -> Placement | None:
    """Where ``pod`` may run; ``ANYWHERE`` for the many that do not say.

    None for one that says more than any pod that runs: a tenant must not keep the gate busy, so
    that is counted before anything is read.
    """
    spec = pod.spec
    if len(sequence(spec.get("tolerations"))) > MOST_TOLERATIONS:
        return None
    terms = _required_terms(spec.get("affinity"))
    if terms and _have_more_conditions(terms, MOST_CONDITIONS):
        return None
    tolerations = tuple(view_tolerations(spec.get("tolerations")))
    selector = pod.node_selector
    if not (pod.node_name or selector or tolerations) and terms is None:
        return ANYWHERE
    return Placement(
        node_name=pod.node_name,
        selector=tuple(sorted((text(k), text(v)) for k, v in selector.items())),
        affinity=None if terms is None else tuple(_view_terms(terms)),
        tolerations=tolerations,
    )


def view_tolerations(value: object) -> Iterator[Toleration]:
    """The tolerations that matter here: those of conditions of the moment do not."""
    for entry in sequence(value):
        raw = mapping(entry)
        key = text(raw.get("key"))
        if not key.startswith(NODE_CONDITIONS):
            yield Toleration(
                key=key,
                operator=text(raw.get("operator")) or "Equal",
                value=text(raw.get("value")),
                effect=text(raw.get("effect")),
            )


def view_taints(value: object) -> Iterator[Taint]:
    """The taints that keep a pod off a node until somebody takes them away."""
    for entry in sequence(value):
        raw = mapping(entry)
        key, effect = text(raw.get("key")), text(raw.get("effect"))
        if effect in {"NoSchedule", "NoExecute"} and not key.startswith(NODE_CONDITIONS):
            yield Taint(key=key, value=text(raw.get("value")), effect=effect)


def _required_terms(affinity: object) -> Sequence[object] | None:
    """The alternatives of the required node affinity as sent; None where it requires nothing."""
    if not affinity:
        return None
    node_affinity = mapping(mapping(affinity).get("nodeAffinity"))
    required = node_affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not isinstance(required, dict):
        return None
    return sequence(required.get("nodeSelectorTerms"))


def _have_more_conditions(terms: Iterable[object], most: int) -> bool:
    found = (
        condition
        for term in terms
        for key in ("matchExpressions", "matchFields")
        for condition in sequence(mapping(term).get(key))
    )
    return next(islice((True for _ in found), most, None), False)


def _view_terms(terms: Iterable[object]) -> Iterator[Term]:
    """``terms``, of the empty ones the first: one more alternative that never holds adds nothing.

    So there are no more of them than conditions, and one.
    """
    seen_empty = False
    for term in terms:
        raw = mapping(term)
        labels, names = raw.get("matchExpressions"), raw.get("matchFields")
        if sequence(labels) or sequence(names):
            yield Term(labels=tuple(_conditions(labels)), names=tuple(_conditions(names)))
        elif not seen_empty:
            seen_empty = True
            yield Term()


def _conditions(value: object) -> Iterator[LabelCondition]:
    for entry in sequence(value):
        raw: Mapping[str, Any] = mapping(entry)
        yield LabelCondition(
            key=text(raw.get("key")),
            operator=text(raw.get("operator")),
            values=tuple(text(v) for v in sequence(raw.get("values"))),
        )


def _whole(value: str) -> int | None:
    """``value`` as the API server reads it for Gt and Lt: a 64-bit integer."""
    return int(value) if _WHOLE.fullmatch(value) else None
