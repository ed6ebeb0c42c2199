"""The nodes of a cluster as the gate reads them: which may run a pod, and what they offer it.

There may be thousands, and a review must not look at each: a set of nodes is the bits of one
number, a condition is an operation on two of them, and what is found of a label is kept.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from webhook.core.names import Handler
from webhook.core.placement import (
    LabelCondition,
    Placement,
    Taint,
    Term,
    Toleration,
    view_taints,
)
from webhook.core.pod import ARCH_LABEL, mapping, sequence, strings, text
from webhook.core.syscalls import ARCHITECTURES

K = TypeVar("K", bound=Hashable)
_NONE: Mapping[str, int] = {}
HANDLER_FEATURES: tuple[str, ...] = ("userNamespaces", "recursiveReadOnlyMounts")
"""What a kubelet tells of each runtime handler (``status.runtimeHandlers[].features``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerView:
    """A runtime handler of a node; of each feature whether it has it, None where nobody says."""

    name: Handler
    features: tuple[bool | None, ...] = (None,) * len(HANDLER_FEATURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A Node: ``handlers`` is None where its kubelet does not report them (before 1.30)."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    ready: bool = False
    handlers: frozenset[HandlerView] | None = None
    taints: tuple[Taint, ...] = ()


def view_node(obj: Mapping[str, Any]) -> NodeView:
    """Read a Node object: readiness, taints, and the runtime handlers that its kubelet reports."""
    metadata, status = mapping(obj.get("metadata")), mapping(obj.get("status"))
    handlers = status.get("runtimeHandlers")
    return NodeView(
        name=text(metadata.get("name")),
        labels=strings(metadata.get("labels")),
        ready=any(
            mapping(c).get("type") == "Ready" and mapping(c).get("status") == "True"
            for c in sequence(status.get("conditions"))
        ),
        handlers=(
            frozenset(_view_handler(mapping(h)) for h in handlers)
            if isinstance(handlers, list) and handlers
            else None
        ),
        taints=tuple(view_taints(mapping(obj.get("spec")).get("taints"))),
    )


def _view_handler(raw: Mapping[str, Any]) -> HandlerView:
    told = mapping(raw.get("features"))
    features = (told.get(name) for name in HANDLER_FEATURES)
    return HandlerView(
        name=Handler(text(raw.get("name"))),
        features=tuple(value if isinstance(value, bool) else None for value in features),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How many nodes say that they have a feature, that they have not, or say nothing."""

    having: int
    lacking: int
    silent: int


class Landing:
    """The nodes on which a pod may land: within its placement, offering its handler.

    It is true where one of them is Ready now; the others may be again, and count for the rest.
    """

    __slots__ = ("_handler", "_nodes", "bits", "ready")

    def __init__(self, nodes: "Nodes", bits: int, handler: Handler) -> None:
        self._nodes = nodes
        self._handler = handler
        self.bits = bits
        self.ready = bits & nodes.ready

    def __bool__(self) -> bool:
        return bool(self.ready)

    @property
    def architectures(self) -> tuple[str, ...]:
        """Those of ``ARCHITECTURES`` among the nodes."""
        by_value = self._nodes.by_value(ARCH_LABEL)
        return tuple(arch for arch in ARCHITECTURES if by_value.get(arch, 0) & self.bits)

    def told_of(self, feature: str) -> Told:
        """What the nodes say of one of ``HANDLER_FEATURES``, for the handler in question."""
        column = HANDLER_FEATURES.index(feature)
        having, lacking = self._nodes.reported(self._handler, column)
        return Told(
            having=(having & self.bits).bit_count(),
            lacking=(lacking & self.bits).bit_count(),
            silent=(self.bits & ~having & ~lacking).bit_count(),
        )


class Nodes:
    """All nodes of one moment; immutable but for what it remembers of labels."""

    def __init__(self, nodes: Iterable[NodeView] = ()) -> None:
        self._nodes = tuple(nodes)
        self._by_value: dict[str, Mapping[str, int]] = {}

    def __iter__(self) -> Iterator[NodeView]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Nodes) and self._nodes == other._nodes

    def __hash__(self) -> int:
        return hash(tuple(node.name for node in self._nodes))

    def __repr__(self) -> str:
        return f"Nodes({self._nodes!r})"

    def landing(
        self,
        handler: Handler,
        within: Mapping[str, str],
        tolerations: tuple[Toleration, ...],
        placement: Placement,
    ) -> Landing:
        """Where a pod of ``placement`` may land whose RuntimeClass has this handler and scheduling.

        ``within`` and ``tolerations`` are the class's; a node that reports no handlers may have it.
        """
        bits = self._with_handler.get(handler, 0) | self._reporting_none
        for key, value in (*within.items(), *placement.selector):
            bits &= self.by_value(key).get(value, 0)
        if placement.affinity is not None:
            bits &= self._any_of(placement.affinity)
        if placement.node_name:
            bits &= self._called((placement.node_name,))
        return Landing(self, bits & ~self._repelling(placement, tolerations), handler)

    def by_value(self, key: str) -> Mapping[str, int]:
        """The nodes that have the label ``key``, by its value."""
        found = self._by_value.get(key)
        if found is None:
            if key not in self._keys:  # a tenant may ask for any number of keys
                return _NONE
            found = self._by_value[key] = _bits_by(
                (index, node.labels[key])
                for index, node in enumerate(self._nodes)
                if key in node.labels
            )
        return found

    def reported(self, handler: Handler, column: int) -> tuple[int, int]:
        """The nodes that say a handler has a feature, and those that say it has not."""
        having = lacking = 0
        for view, bits in self._handlers.items():
            if view.name == handler:
                having |= bits if view.features[column] is True else 0
                lacking |= bits if view.features[column] is False else 0
        return having, lacking

    def _any_of(self, affinity: tuple[Term, ...]) -> int:
        bits = 0
        for term in affinity:
            bits |= self._all_of(term)
        return bits

    def _all_of(self, term: Term) -> int:
        if not term.labels and not term.names:
            return 0
        bits = self._all
        for condition in term.labels:
            bits &= self._fulfilling(condition, self.by_value(condition.key))
        for condition in term.names:
            # The API lets one field be matched, by these two; of another, nothing is known.
            if condition.key == "metadata.name" and condition.operator == "In":
                bits &= self._called(condition.values)
            elif condition.key == "metadata.name" and condition.operator == "NotIn":
                bits &= ~self._called(condition.values)
        return bits

    def _called(self, names: Iterable[str]) -> int:
        at = self._at
        return _union(1 << at[name] for name in names if name in at)

    def _fulfilling(self, condition: LabelCondition, by_value: Mapping[str, int]) -> int:
        if condition.operator == "In":
            # There may be a value for each node: only those asked for are looked at.
            return _union(by_value.get(value, 0) for value in condition.values)
        if condition.operator == "NotIn":
            return self._all & ~_union(by_value.get(value, 0) for value in condition.values)
        lacking = self._all & ~_union(by_value.values()) if condition.holds(None) else 0
        return lacking | _union(bits for value, bits in by_value.items() if condition.holds(value))

    def _repelling(self, placement: Placement, tolerations: tuple[Toleration, ...]) -> int:
        """The nodes with a taint that is not tolerated.

        A pod that names its node has passed the scheduler by: only NoExecute keeps it off.
        """
        tolerated = (*placement.tolerations, *tolerations)
        return _union(
            bits
            for taint, bits in self._taints.items()
            if not (placement.node_name and taint.effect == "NoSchedule")
            and not any(toleration.tolerates(taint) for toleration in tolerated)
        )

    @cached_property
    def _all(self) -> int:
        return (1 << len(self._nodes)) - 1

    @cached_property
    def ready(self) -> int:
        """The bits of the nodes that are Ready."""
        return _bits_by((i, node.ready) for i, node in enumerate(self._nodes)).get(True, 0)

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset[str]().union(*(node.labels for node in self._nodes))

    @cached_property
    def _at(self) -> Mapping[str, int]:
        return {node.name: index for index, node in enumerate(self._nodes)}

    @cached_property
    def _taints(self) -> Mapping[Taint, int]:
        return _bits_by((i, t) for i, node in enumerate(self._nodes) for t in node.taints)

    @cached_property
    def _handlers(self) -> Mapping[HandlerView, int]:
        """The nodes by each handler that one of them reports, features included."""
        by_report = _bits_by((i, node.handlers) for i, node in enumerate(self._nodes))
        every = {view for report in by_report for view in report or ()}
        return {
            view: _union(bits for report, bits in by_report.items() if view in (report or ()))
            for view in every
        }

    @cached_property
    def _with_handler(self) -> Mapping[Handler, int]:
        found: dict[Handler, int] = {}
        for view, bits in self._handlers.items():
            found[view.name] = found.get(view.name, 0) | bits
        return found

    @cached_property
    def _reporting_none(self) -> int:
        return _bits_by((i, node.handlers) for i, node in enumerate(self._nodes)).get(None, 0)


def _bits_by(places: Iterable[tuple[int, K]]) -> dict[K, int]:
    """The bits of the indices at which each key was found."""
    found: dict[K, int] = {}
    for index, key in places:
        found[key] = found.get(key, 0) | 1 << index
    return found


def _union(sets: Iterable[int]) -> int:
    bits = 0
    for each in sets:
        bits |= each
    return bits
