"""Which namespaces two policies share, and which pods an override takes from the next: exactly.

Labels that a namespace may have are free, so a conjunction of label conditions can hold unless the
conditions on one key contradict each other. The name is the one part that patterns decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from webhook.core.names import NAMESPACE_NAME_LABEL
from webhook.core.policy import LabelRequirement, LabelSelector, NamespaceSelector, PodSelector
from webhook.documents.languages import DnsLabels, Language, example, globs, images

_OPPOSITE: Mapping[str, str] = {
    "In": "NotIn",
    "NotIn": "In",
    "Exists": "DoesNotExist",
    "DoesNotExist": "Exists",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Demand:
    """A namespace that is wanted: names of every group, none of the others, these labels."""

    groups: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[str, ...] = ()
    labels: tuple[LabelRequirement, ...] = ()

    def example(self) -> str | None:
        """The name of such a namespace; None where there can be none."""
        on_name = [r for r in self.labels if r.key == NAMESPACE_NAME_LABEL]
        if not _satisfiable(r for r in self.labels if r.key != NAMESPACE_NAME_LABEL):
            return None
        if any(r.operator == "DoesNotExist" for r in on_name):
            return None  # every namespace has this label, and its value is its name
        wanted: list[Language] = [DnsLabels(), *(globs(group) for group in self.groups)]
        wanted += [globs(sorted(r.values)) for r in on_name if r.operator == "In"]
        named = {name for r in on_name if r.operator == "NotIn" for name in r.values}
        excluded = (*self.excluded, *sorted(named))
        return example(wanted, [globs(excluded)] if excluded else [])


def requirements(selector: LabelSelector | None) -> tuple[LabelRequirement, ...]:
    """All parts of a selector as conditions on one key each."""
    if selector is None:
        return ()
    pairs = selector.match_labels.items()
    exact = [LabelRequirement(key=k, operator="In", values=frozenset({v})) for k, v in pairs]
    return (*exact, *selector.match_expressions)


def _satisfiable(conditions: Iterable[LabelRequirement]) -> bool:
    by_key: dict[str, list[LabelRequirement]] = {}
    for condition in conditions:
        by_key.setdefault(condition.key, []).append(condition)
    return all(_can_hold(together) for together in by_key.values())


def _can_hold(together: Sequence[LabelRequirement]) -> bool:
    """Whether one label, there or not, can fulfil all conditions on its key."""
    operators = {condition.operator for condition in together}
    if "DoesNotExist" in operators:
        return operators.isdisjoint({"In", "Exists"})
    listed = [condition.values for condition in together if condition.operator == "In"]
    if not listed:
        return True
    barred = [condition.values for condition in together if condition.operator == "NotIn"]
    return bool(frozenset.intersection(*listed) - frozenset[str]().union(*barred))


def _demand(namespaces: NamespaceSelector) -> _Demand:
    return _Demand(
        groups=(namespaces.names,) if namespaces.names else (),
        excluded=namespaces.exclude_names,
        labels=requirements(namespaces.selector),
    )


def shared_namespace(a: NamespaceSelector, b: NamespaceSelector) -> str | None:
    """The name of a namespace that both match; None where there can be none."""
    one, other = _demand(a), _demand(b)
    return _Demand(
        groups=one.groups + other.groups,
        excluded=one.excluded + other.excluded,
        labels=one.labels + other.labels,
    ).example()


def covers(outer: NamespaceSelector, inner: NamespaceSelector) -> bool:
    """Whether ``outer`` matches every namespace that ``inner`` matches."""
    return all(demand.example() is None for demand in _escapes(_demand(inner), outer))


def _escapes(inner: _Demand, outer: NamespaceSelector) -> Iterator[_Demand]:
    """Every way for a namespace of ``inner`` not to be one of ``outer``."""
    if outer.names:
        yield replace(inner, excluded=inner.excluded + outer.names)
    if outer.exclude_names:
        yield replace(inner, groups=(*inner.groups, outer.exclude_names))
    for condition in requirements(outer.selector):
        opposite = replace(condition, operator=_OPPOSITE[condition.operator])
        yield replace(inner, labels=(*inner.labels, opposite))


def takes_all(first: PodSelector, second: PodSelector) -> bool:
    """Whether every pod of ``second`` is one of ``first`` too, read as overrides read them."""
    return (
        _includes_images(first, second)
        and _includes_accounts(first, second)
        and all(
            not _satisfiable(
                (
                    *requirements(second.selector),
                    replace(condition, operator=_OPPOSITE[condition.operator]),
                )
            )
            for condition in requirements(first.selector)
        )
    )


def _includes_images(first: PodSelector, second: PodSelector) -> bool:
    if not first.images:
        return True
    return bool(second.images) and example([images(second.images)], [images(first.images)]) is None


def _includes_accounts(first: PodSelector, second: PodSelector) -> bool:
    if not first.service_accounts:
        return True
    return bool(second.service_accounts) and (
        example([globs(second.service_accounts)], [globs(first.service_accounts)]) is None
    )


def candidates(selectors: Sequence[NamespaceSelector]) -> list[tuple[int, int]]:
    """Pairs of ``selectors`` that may share a namespace, the smaller index first.

    A glob can only meet one whose letters before the first ``*`` or ``?`` begin alike, and two
    policies that want different values of one label never meet: among thousands few are left.
    """
    values = _values_of_commonest_label(selectors)
    prefixes = sorted(
        (_prefix(glob), index)
        for index, selector in enumerate(selectors)
        for glob in selector.names or ("*",)
    )
    found: set[tuple[int, int]] = set()
    for place, (prefix, index) in enumerate(prefixes, start=1):
        for later in range(place, len(prefixes)):
            other_prefix, other = prefixes[later]
            if not other_prefix.startswith(prefix):
                break
            differ = len({values[index], values[other], None}) == 3
            if other != index and not differ:
                found.add((min(index, other), max(index, other)))
    return sorted(found)


def _values_of_commonest_label(selectors: Sequence[NamespaceSelector]) -> list[str | None]:
    """What each selector wants of the label that most of them want; None where it does not say."""
    wanted = [s.selector.match_labels if s.selector else {} for s in selectors]
    counted = Counter(key for labels in wanted for key in labels).most_common(1)
    key = counted[0][0] if counted else ""
    return [labels.get(key) for labels in wanted]


def _prefix(glob: str) -> str:
    ends = [glob.index(char) for char in "*?" if char in glob]
    return glob[: min(ends, default=len(glob))]
