"""What the gate protects beside pods: RuntimeClasses, and what policies select namespaces by.

A tenant who could make ``gvisor`` mean another handler, or move a namespace to a laxer policy by a
label, would need no way round the gate.
"""

from collections.abc import Iterator, Sequence

from webhook.core.cluster import NamespaceView
from webhook.core.decision import Deny, Grounds, Keep
from webhook.core.images import glob_matches
from webhook.core.messages import bounded
from webhook.core.names import NAMESPACE_DEFAULT, Action, Handler, Mode, Reason, shown
from webhook.core.policy import Policy
from webhook.core.snapshot import Snapshot

MOST_NAMED = 5


def guard_new_runtime_class(name: str, handler: Handler, snapshot: Snapshot) -> Keep | Deny:
    """Judge the making of a RuntimeClass: as ``guard_runtime_class``, and it must be declared.

    Else ``kata-mine`` with handler ``runc`` would be a class that a policy allows by ``kata-*``.
    """
    if name in snapshot.inventory.by_class:
        return guard_runtime_class(name, handler, snapshot)
    opened = [p.name for p in snapshot.policies.policies if _opens(p, name)]
    if not opened:
        return _PASSED
    said = (
        f"RuntimeClass {shown(name)} is not in the inventory, and policies ({_few(opened)}) would "
        "let pods ask for it: declare it first"
    )
    guard = snapshot.inventory.guards.runtime_classes
    return _objected(guard, Reason.RUNTIME_CLASS_UNKNOWN, said)


def _opens(policy: Policy, name: str) -> bool:
    """Whether a policy that is enforced allows a class by its name or family, not as one of any."""
    every = (policy.rules, *(override.rules for override in policy.overrides))
    return any(
        glob != "*" and glob_matches(glob, name)
        for rules in every
        if rules.mode is Mode.ENFORCE
        for glob in rules.runtime_classes.allowed
    )


def guard_runtime_class(name: str, handler: Handler, snapshot: Snapshot) -> Keep | Deny:
    """Judge the changing of a RuntimeClass: it must not contradict the inventory."""
    profile = snapshot.inventory.by_class.get(name)
    expected = profile.handler if profile else None
    if expected is None or expected == handler:
        return _PASSED
    said = (
        f"RuntimeClass {shown(name)} must have handler {expected}, as the inventory declares, "
        f"not {shown(handler)}"
    )
    return _objected(snapshot.inventory.guards.runtime_classes, Reason.HANDLER_MISMATCH, said)


def guard_runtime_class_deletion(name: str, snapshot: Snapshot) -> Keep | Deny:
    """Judge the deletion of a RuntimeClass: no policy may name it."""
    naming = [p.name for p in snapshot.policies.policies if name in set(_named_by(p))]
    if not naming:
        return _PASSED
    said = f"RuntimeClass {shown(name)} is named by policies ({_few(naming)}): change them first"
    return _objected(snapshot.inventory.guards.runtime_classes, Reason.RUNTIME_CLASS_IN_USE, said)


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"


def _named_by(policy: Policy) -> Iterator[str]:
    """The classes that a policy assigns or allows by their very names."""
    for rules in (policy.rules, *(override.rules for override in policy.overrides)):
        classes = rules.runtime_classes
        yield from (classes.default or "", *classes.fallback, *classes.allowed)
    for exemption in policy.exemptions:
        yield from exemption.runtime_classes


def guard_namespace(
    new: NamespaceView, old: NamespaceView | None, groups: frozenset[str], snapshot: Snapshot
) -> Keep | Deny:
    """Judge a change of what policies select a namespace by, made by someone of ``groups``."""
    guard = snapshot.inventory.guards.namespace_labels
    if guard is None or not groups.isdisjoint(guard.groups):
        return _PASSED
    before = old or NamespaceView(name=new.name)
    policies = snapshot.policies
    changed = [
        f"label {key}"
        for key in sorted(policies.label_keys)
        if before.labels.get(key) != new.labels.get(key)
    ]
    if policies.offers_namespace_default and before.annotations.get(
        NAMESPACE_DEFAULT
    ) != new.annotations.get(NAMESPACE_DEFAULT):
        changed.append(f"annotation {NAMESPACE_DEFAULT}")
    if not changed:
        return _PASSED
    said = (
        f"{', '.join(changed[:MOST_NAMED])} of namespace {shown(new.name)} decides on its runtime "
        f"policy; only members of {', '.join(guard.groups) or 'no group'} may change it"
    )
    return _objected(guard.action, Reason.NAMESPACE_GUARDED, said)


_PASSED = Keep(grounds=Grounds(why="nothing guarded is changed"))


def _objected(action: Action, reason: Reason, said: str) -> Keep | Deny:
    match action:
        case Action.DENY:
            return Deny(grounds=Grounds(), reason=reason, message=said, cause=said)
        case Action.WARN:
            return Keep(grounds=Grounds(why=str(reason), warnings=(bounded(said),)))
        case _:
            return _PASSED
