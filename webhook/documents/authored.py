"""What the author of a pod gains by what he writes into it, where a policy goes by that.

Images and labels are the author's to choose, and so is the service account ``default``, which every
pod has. An override that they select is a choice of the tenant, not of the administrator: it may be
stricter than its policy, but whatever it is laxer in, everyone may have.
"""

from __future__ import annotations

from collections.abc import Iterator

from webhook.core.images import glob_matches
from webhook.core.isolation import isolates
from webhook.core.names import Action, Mode, Verdict
from webhook.core.policy import PodSelector, Rules
from webhook.core.runtimes import Inventory, RuntimeProfile
from webhook.core.selecting import DEFAULT_ACCOUNT

# How strongly a class isolates: not at all, nobody can say, by a kernel of the pod's own.
_SHARED, _UNKNOWN, _ISOLATED = range(3)


def written_by_author(pods: PodSelector) -> tuple[str, ...]:
    """What selects ``pods``, when all of it is the author's to write; empty when it is not."""
    accounts = pods.service_accounts
    if accounts and not any(glob_matches(glob, DEFAULT_ACCOUNT) for glob in accounts):
        return ()
    keys = sorted(pods.selector.keys) if pods.selector else []
    found = ["image"] if pods.images else []
    if keys:
        found.append(f"label{'s' if len(keys) > 1 else ''} {', '.join(keys)}")
    return (*found, *(["serviceAccountName"] if accounts else []))


def gains(policy: Rules, override: Rules, inventory: Inventory) -> tuple[str, ...]:
    """What an override is laxer in than its policy, as phrases; empty where it is in nothing."""
    if policy.mode is not Mode.ENFORCE:
        return ()
    if override.mode is not Mode.ENFORCE:
        return (f"mode {override.mode}, which refuses nothing",)
    return (
        *_weaker_classes(policy, override, inventory),
        *_softer_verdicts(policy, override),
        *_more_annotations(policy, override),
    )


def _weaker_classes(policy: Rules, override: Rules, inventory: Inventory) -> Iterator[str]:
    """Classes of which each isolates less than all that the policy itself lets pods run on."""
    before, now = policy.runtime_classes, override.runtime_classes
    level = _level(policy, inventory)
    if "*" in now.allowed and level > _SHARED:
        yield "any RuntimeClass"
        return
    literal = (name for name in now.allowed if "*" not in name and "?" not in name)
    for name in dict.fromkeys((*sorted(inventory.by_class), *literal)):
        profile = inventory.by_class.get(name)
        if now.allows(name) and not before.allows(name) and _strength(profile) < level:
            yield f"RuntimeClass {name}{_why_weaker(profile)}"
    if _leaves_unset(override) and _of_unset(inventory) < level:
        yield "no RuntimeClass, the node's default runtime"


def _level(policy: Rules, inventory: Inventory) -> int:
    """The least isolation that a policy lets its pods have."""
    classes = policy.runtime_classes
    if "*" in classes.allowed:
        return _SHARED
    described = inventory.by_class
    allowed = [_strength(p) for name, p in described.items() if classes.allows(name)]
    if any("*" not in n and "?" not in n and n not in described for n in classes.allowed):
        allowed.append(_UNKNOWN)
    if _leaves_unset(policy):
        allowed.append(_of_unset(inventory))
    return min(allowed, default=_UNKNOWN)


def _strength(profile: RuntimeProfile | None) -> int:
    if profile is None or profile.runtime == "other":
        return _UNKNOWN
    return _ISOLATED if isolates(profile) else _SHARED


def _of_unset(inventory: Inventory) -> int:
    # Where the inventory is silent it is runc, as everywhere.
    return _strength(inventory.node_default) if inventory.node_default else _SHARED


def _leaves_unset(rules: Rules) -> bool:
    return not rules.runtime_classes.default and not rules.runtime_classes.required


def _why_weaker(profile: RuntimeProfile | None) -> str:
    if profile is None:
        return ", which the inventory does not describe"
    return (
        ", of which nobody knows how it isolates"
        if isolates(profile)
        else (", which shares the node's kernel")
    )


def _softer_verdicts(policy: Rules, override: Rules) -> Iterator[str]:
    for verdict in Verdict:
        action = override.actions[verdict]
        if policy.actions[verdict] is Action.DENY and action is not Action.DENY:
            yield f"{verdict}: {action} instead of deny"


def _more_annotations(policy: Rules, override: Rules) -> Iterator[str]:
    known = policy.runtime_annotations
    new = [g for g in override.runtime_annotations if not any(glob_matches(k, g) for k in known)]
    if new:
        yield f"annotations {', '.join(new)}, which reconfigure the sandbox"
