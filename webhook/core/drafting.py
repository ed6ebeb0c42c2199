"""A survey → policies under which everything surveyed goes on, each pod as isolated as it can be.

The default of a namespace is the strongest class that something in it can run on, and always one
that isolates: nothing gets onto the node's kernel without an override that names it. Overrides are
as narrow as what tells pods apart allows: service account and images, and labels where those also
take other pods. What still cannot be told apart shares one override that suits all of it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from webhook.core.decision import Deny
from webhook.core.isolation import Ladder, Step
from webhook.core.names import Reason, Verdict
from webhook.core.pod import PodView
from webhook.core.selecting import (
    Selector,
    is_account,
    is_annotation,
    is_class_name,
    is_namespace,
    narrowest,
)
from webhook.core.survey import Traits, Variant, Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What pods get: ``default`` is a step, ``fallback`` those after it; and what must be let pass.

    ``also`` are classes that pods name themselves, besides those that isolate.
    """

    default: int
    fallback: tuple[int, ...] = ()
    also: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    passed: frozenset[Verdict] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Pods of one workload that an override is for, or that it takes though it is not for them."""

    workload: Workload
    variant: Variant
    meant: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOverride:
    """One override and why it is there."""

    name: str
    selector: Selector
    ruling: Ruling
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPolicy:
    """The policy of namespaces that need the same."""

    name: str
    namespaces: tuple[str, ...]
    default: int
    overrides: tuple[DraftOverride, ...] = ()
    workloads: int = 0
    pods: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The policies. ``whole``: everything was looked at, so that a rest can be spoken of.

    ``asked`` are the classes that pods name.
    """

    ladder: Ladder
    policies: tuple[DraftPolicy, ...]
    whole: bool
    asked: tuple[str, ...] = ()


def draft(workloads: Iterable[Workload], ladder: Ladder, *, whole: bool) -> Draft:
    """The policies for ``workloads``; the order in which they come changes nothing."""
    by_namespace: dict[str, list[Workload]] = {}
    for workload in sorted(workloads, key=lambda w: w.key):
        if not workload.outside:
            by_namespace.setdefault(workload.key.namespace, []).append(workload)
    writable = {n: found for n, found in by_namespace.items() if is_namespace(n)}
    policies = [_of_namespace(name, found, ladder) for name, found in writable.items()]
    asked = {v.fit.asks for w in _flat(writable) for v in w.variants if is_class_name(v.fit.asks)}
    return Draft(
        ladder=ladder,
        policies=tuple(_alike_together(policies)),
        whole=whole,
        asked=tuple(sorted(filter(None, asked))),
    )


def _flat(by_namespace: Mapping[str, Sequence[Workload]]) -> Iterator[Workload]:
    return (workload for found in by_namespace.values() for workload in found)


def inevitable(pod: PodView, refused: Deny) -> bool:
    """Whether no policy can let a refused pod through.

    What it names is not there, or its names are such as no API server stores and no policy says.
    """
    reasons = {cause.reason for cause in refused.causes} | {refused.reason}
    if reasons & {Reason.RUNTIME_CLASS_NOT_FOUND, Reason.HANDLER_MISMATCH}:
        return True
    if not (is_namespace(pod.namespace) and is_account(pod.service_account)):
        return True
    if Reason.RUNTIME_ANNOTATION_NOT_ALLOWED in reasons:
        return not all(map(is_annotation, pod.annotations))
    return pod.runtime_class_name is not None and not is_class_name(pod.runtime_class_name)


def _of_namespace(name: str, workloads: Sequence[Workload], ladder: Ladder) -> DraftPolicy:
    default = _default(workloads, ladder)
    members = [Member(workload=w, variant=v) for w in workloads for v in w.variants]
    return DraftPolicy(
        name=name,
        namespaces=(name,),
        default=default,
        overrides=tuple(_overrides(members, default, ladder)),
        workloads=len(workloads),
        pods=sum(workload.pods for workload in workloads),
    )


def _default(workloads: Iterable[Workload], ladder: Ladder) -> int:
    """The strongest step that something here can run on; the first where that isolates nothing."""
    found = min((w.strongest for w in workloads if w.strongest is not None), default=0)
    return found if ladder.steps[found].isolates else 0


def planned(variant: Variant, workload: Workload) -> int:
    """The step that an unset pod of a workload gets: the last one where none suits."""
    strongest = workload.strongest
    return len(variant.fit.obstacles) - 1 if strongest is None else strongest


def _deviates(member: Member, default: int, ladder: Ladder) -> bool:
    """Whether the rules of the namespace would not do."""
    found = member.variant.fit
    if found.annotations:
        return True
    if found.asks is not None:
        return bool(found.refused_there) or found.asks not in ladder.isolating
    return planned(member.variant, member.workload) != default or bool(_passed(member, default))


def _passed(member: Member, step: int) -> frozenset[Verdict]:
    obstacle = member.variant.fit.obstacles[step]
    return obstacle.verdicts if obstacle else frozenset()


def _overrides(members: Sequence[Member], default: int, ladder: Ladder) -> Iterator[DraftOverride]:
    """One override after the other; a pod goes by the first that takes it."""
    selectors = list(dict.fromkeys(_selectors(members, default, ladder)))
    each = list(_ruled(members, selectors, default, ladder))
    yield from _ruled(members, _together(each, default, ladder), default, ladder)


def _ruled(
    members: Sequence[Member], selectors: Iterable[Selector], default: int, ladder: Ladder
) -> Iterator[DraftOverride]:
    """An override for each selector that takes pods which the namespace's rules do not suit."""
    left = list(members)
    used: set[str] = set()
    for selector in _in_order(selectors):
        taken = [m for m in left if selector.takes(m.variant.traits)]
        left = [m for m in left if not selector.takes(m.variant.traits)]
        meant = [replace(m, meant=_deviates(m, default, ladder)) for m in taken]
        if any(m.meant for m in meant):
            yield DraftOverride(
                name=_override_name(meant, used),
                selector=selector,
                ruling=_ruling(meant, default, ladder),
                members=tuple(meant),
            )


def _in_order(selectors: Iterable[Selector]) -> list[Selector]:
    """The narrower first, else as their workloads stand."""
    return sorted(selectors, key=lambda s: (-len(s.labels), not s.service_accounts, not s.images))


def _together(
    overrides: Iterable[DraftOverride], default: int, ladder: Ladder
) -> Iterator[Selector]:
    """The selectors, one for all overrides that isolate alike for the same reasons.

    Only of pods with service accounts of their own: what the product of accounts and images takes
    besides is as isolated. An override that does not isolate stays as narrow as it is.
    """
    alike: dict[object, list[Selector]] = {}
    for override in overrides:
        selector = override.selector
        joins = selector.service_accounts and selector.images and not selector.labels
        causes = tuple(sorted({causes_of(m, default) for m in override.members}))
        key = (
            (override.ruling, causes) if joins and _isolating(override.ruling, ladder) else selector
        )
        alike.setdefault(key, []).append(selector)
    for same in alike.values():
        accounts = {account for selector in same for account in selector.service_accounts}
        images = {image for selector in same for image in selector.images}
        yield replace(
            same[0], service_accounts=tuple(sorted(accounts)), images=tuple(sorted(images))
        )


def _isolating(ruling: Ruling, ladder: Ladder) -> bool:
    """Whether it isolates its pods, and lets nothing pass besides."""
    return gives_isolation(ruling, ladder) and not ruling.passed and not ruling.annotations


def gives_isolation(ruling: Ruling, ladder: Ladder) -> bool:
    """Whether every class that it lets pods have isolates them."""
    given = (ladder.steps[step].isolates for step in (ruling.default, *ruling.fallback))
    return all(given) and all(map(ladder.isolated_by, ruling.also))


def causes_of(member: Member, default: int) -> tuple[str, ...]:
    """What bars pods from the default and from every step above their own."""
    last = planned(member.variant, member.workload)
    barred = member.variant.fit.obstacles[default:last]
    return tuple(obstacle.message for obstacle in barred if obstacle is not None)


def _selectors(members: Sequence[Member], default: int, ladder: Ladder) -> Iterator[Selector]:
    by_need: dict[object, list[Traits]] = {}
    for member in members:
        if not goes_its_own_way(member, ladder):
            by_need.setdefault(_need(member), []).append(member.variant.traits)
    for member in members:
        if _deviates(member, default, ladder):
            others = (traits for need, traits in by_need.items() if need != _need(member))
            strangers = [traits for alike in others for traits in alike]
            narrow = not _stays_isolated(member, ladder)
            yield narrowest(member.variant, default, strangers, narrow=narrow)


def goes_its_own_way(member: Member, ladder: Ladder) -> bool:
    """Whether it names a class that isolates and suits it: no override makes a difference to it."""
    found = member.variant.fit
    return found.asks in ladder.isolating and not (found.refused_there or found.annotations)


def _stays_isolated(member: Member, ladder: Ladder) -> bool:
    asks = member.variant.fit.asks
    if asks is not None:
        return ladder.isolated_by(asks)
    return ladder.steps[planned(member.variant, member.workload)].isolates


def _need(member: Member) -> tuple[object, ...]:
    found = member.variant.fit
    step = planned(member.variant, member.workload)
    return (step, found.asks, found.annotations, found.refused_there, _passed(member, step))


def _ruling(members: Sequence[Member], default: int, ladder: Ladder) -> Ruling:
    """What suits all of ``members``."""
    unset = [m for m in members if m.variant.fit.asks is None]
    asking = [m for m in members if m.variant.fit.asks is not None]
    passed = [m.variant.fit.refused_there for m in asking]
    first, fallback = _assigned(unset, default, ladder, apart=not any(passed))
    passed += [] if fallback else [_passed(m, first) for m in unset]
    also = {m.variant.fit.asks for m in asking} - {*ladder.isolating}
    annotations = {name for m in members for name in m.variant.fit.annotations}
    return Ruling(
        default=first,
        fallback=fallback,
        also=tuple(sorted(n for n in also if n and is_class_name(n) and ladder.may_be(n))),
        annotations=tuple(sorted(filter(is_annotation, annotations))),
        passed=frozenset[Verdict]().union(*passed),
    )


def _assigned(
    unset: Sequence[Member], default: int, ladder: Ladder, *, apart: bool
) -> tuple[int, tuple[int, ...]]:
    """The step for pods that name no class, and those to fall back to.

    Pods that need different classes get each its own by falling back, where what bars them from the
    stronger is something that the gate refuses; else all get the strongest that suits all.
    ``apart``: nothing is let pass here that would make the first of the classes do for all.
    """
    wanted = sorted({planned(m.variant, m.workload) for m in unset})
    if not wanted:
        return default, ()
    if len(wanted) == 1 or (apart and _falls_back(unset, wanted, ladder.steps)):
        return wanted[0], tuple(wanted[1:])
    suiting = (
        step
        for step in range(wanted[-1], len(ladder.steps))
        if all(m.variant.fit.obstacles[step] is None for m in unset)
    )
    return next(suiting, len(ladder.steps) - 1), ()


def _falls_back(unset: Sequence[Member], wanted: Sequence[int], steps: Sequence[Step]) -> bool:
    if any(steps[step].runtime_class is None for step in wanted):
        return False
    for member in unset:
        step = planned(member.variant, member.workload)
        obstacles = member.variant.fit.obstacles
        if obstacles[step] is not None:
            return False
        stronger = [obstacles[other] for other in wanted if other < step]
        if not all(o is not None and o.refuses for o in stronger):
            return False
    return True


def _override_name(members: Sequence[Member], used: set[str]) -> str:
    """After the first workload that it is for."""
    first = next(m.workload.key for m in members if m.meant)
    base = re.sub(r"[^a-z0-9]+", "-", first.name.lower())[:50].strip("-") or first.kind.lower()[:50]
    base = base if is_namespace(base) else "pods"
    name, number = base, 2
    while name in used:
        name, number = f"{base}-{number}", number + 1
    used.add(name)
    return name


def _alike_together(policies: Iterable[DraftPolicy]) -> Iterator[DraftPolicy]:
    """Policies of namespaces that need the same, as one; named after the first of them."""
    groups: dict[object, list[DraftPolicy]] = {}
    for policy in policies:
        rules = tuple((o.selector, o.ruling) for o in policy.overrides)
        groups.setdefault((policy.default, rules), []).append(policy)
    yield from map(_as_one, groups.values())


def _as_one(alike: Sequence[DraftPolicy]) -> DraftPolicy:
    return replace(
        alike[0],
        namespaces=tuple(name for policy in alike for name in policy.namespaces),
        overrides=tuple(
            replace(same[0], members=tuple(m for override in same for m in override.members))
            for same in zip(*(policy.overrides for policy in alike), strict=True)
        ),
        workloads=sum(policy.workloads for policy in alike),
        pods=sum(policy.pods for policy in alike),
    )
