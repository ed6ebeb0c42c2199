"""Which policy governs a namespace, and why: as a value for programs and lines for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from webhook.core.cluster import NamespaceView
from webhook.core.images import glob_matches
from webhook.core.names import (
    ALWAYS_EXCLUDED,
    NAMESPACE_DEFAULT,
    NAMESPACE_NAME_LABEL,
    WORST_FIRST,
    Verdict,
    shown,
)
from webhook.core.policy import (
    Exemption,
    LabelSelector,
    Override,
    PodSelector,
    Policy,
    PolicySet,
    Rules,
)
from webhook.documents.lint import EXPIRES_SOON

Row = tuple[str, str]
Section = tuple[str, Sequence[Row]]
"""A heading and the lines below it, each a name and what there is to say."""


def governance_value(namespace: NamespaceView, policies: PolicySet, today: date) -> dict[str, Any]:
    """The JSON of ``policy show -o json``."""
    matching = policies.matching(namespace.name, namespace.labels)
    excluded = namespace.name in ALWAYS_EXCLUDED
    governing = matching[0] if matching and not excluded else None
    return {
        "namespace": namespace.name,
        "labels": dict(namespace.labels),
        "excluded": excluded,
        "policy": _governing(governing, namespace, today) if governing else None,
        "lost": [_lost(policy, matching[0]) for policy in matching[1:]] if governing else [],
        "byOtherLabels": [
            _identity(policy) for policy in _near(namespace, policies) if not excluded
        ],
    }


def _identity(policy: Policy) -> dict[str, Any]:
    return {"name": policy.name, "priority": policy.priority, "origin": policy.origin}


def _governing(policy: Policy, namespace: NamespaceView, today: date) -> dict[str, Any]:
    return {
        **_identity(policy),
        "description": policy.description,
        "why": list(_why(policy, namespace)),
        "rules": rules_value(policy.rules, namespace),
        "overrides": [_override_value(o, namespace) for o in policy.overrides],
        "exemptions": [_exemption_value(e, today) for e in policy.exemptions],
    }


def _lost(policy: Policy, winner: Policy) -> dict[str, Any]:
    if policy.priority < winner.priority:
        why = f"priority {policy.priority} is below {winner.priority}"
    else:
        why = f"priority {policy.priority} too, but {winner.name} is first by name"
    return {**_identity(policy), "why": why}


def _near(namespace: NamespaceView, policies: PolicySet) -> Iterator[Policy]:
    """Policies that would match a namespace of this name if it had other labels."""
    for policy in policies.policies:
        if policy.namespaces.matches_name(namespace.name) and not policy.namespaces.matches(
            namespace.name, namespace.labels
        ):
            yield policy


def _why(policy: Policy, namespace: NamespaceView) -> Iterator[str]:
    """The parts of the selector that hold."""
    namespaces = policy.namespaces
    if namespaces.names:
        glob = next(g for g in namespaces.names if glob_matches(g, namespace.name))
        yield f"its name matches {glob}"
    if namespaces.exclude_names:
        yield f"its name matches none of {', '.join(namespaces.exclude_names)}"
    if namespaces.selector:
        yield f"its labels fulfil {selector_text(namespaces.selector)}"


def rules_value(rules: Rules, namespace: NamespaceView) -> dict[str, Any]:
    """Rules by the names they have in a policy; ``namespaceChoice`` is what the Namespace asks."""
    classes = rules.runtime_classes
    chosen = namespace.annotations.get(NAMESPACE_DEFAULT) if classes.namespace_default else None
    return {
        "mode": str(rules.mode),
        "runtimeClasses": {
            "default": classes.default,
            "required": classes.required,
            "allowed": list(classes.allowed),
            "fallback": list(classes.fallback),
            "namespaceDefault": classes.namespace_default,
            "namespaceChoice": chosen if chosen and classes.allows(chosen) else None,
        },
        "compatibility": {
            str(verdict): str(rules.actions[verdict])
            for verdict in WORST_FIRST
            if verdict is not Verdict.COMPATIBLE
        },
        "runtimeAnnotations": {"allowed": list(rules.runtime_annotations)},
        "workloads": str(rules.workloads),
    }


def _override_value(override: Override, namespace: NamespaceView) -> dict[str, Any]:
    return {
        "name": override.name,
        "pods": pods_text(override.pods),
        "rules": rules_value(override.rules, namespace),
    }


def _exemption_value(exemption: Exemption, today: date) -> dict[str, Any]:
    return {
        "name": exemption.name,
        "pods": pods_text(exemption.pods),
        "runtimeClasses": list(exemption.runtime_classes),
        "features": list(exemption.features),
        "owner": exemption.owner,
        "reason": exemption.reason,
        "ticket": exemption.ticket,
        "expires": exemption.expires.isoformat() if exemption.expires else "never",
        "state": exemption_state(exemption, today),
    }


def exemption_state(exemption: Exemption, today: date) -> str:
    """``active``, ``expires soon`` or ``expired``."""
    if exemption.expired(today):
        return "expired"
    soon = exemption.expires is not None and exemption.expires - today <= EXPIRES_SOON
    return "expires soon" if soon else "active"


def selector_text(selector: LabelSelector) -> str:
    """A selector as ``kubectl -l`` would take it."""
    parts = [f"{key}={value}" for key, value in sorted(selector.match_labels.items())]
    for requirement in selector.match_expressions:
        values = f"({','.join(sorted(requirement.values))})"
        parts.append(
            {
                "In": f"{requirement.key} in {values}",
                "NotIn": f"{requirement.key} notin {values}",
                "Exists": requirement.key,
                "DoesNotExist": f"!{requirement.key}",
            }[requirement.operator]
        )
    return ",".join(parts)


def pods_text(pods: PodSelector) -> str:
    """What an override or exemption asks of a pod."""
    parts = []
    if pods.images:
        parts.append(f"image {' or '.join(pattern.text for pattern in pods.images)}")
    if pods.service_accounts:
        parts.append(f"service account {' or '.join(pods.service_accounts)}")
    if pods.selector:
        parts.append(f"labels {selector_text(pods.selector)}")
    return ", ".join(parts)


def sections(value: Mapping[str, Any]) -> Iterator[Section]:
    """``governance_value`` as headed lines."""
    labels = {k: v for k, v in value["labels"].items() if k != NAMESPACE_NAME_LABEL}
    told = ", ".join(f"{shown(k)}={shown(v)}" for k, v in sorted(labels.items()))
    policy = value["policy"]
    yield (
        f"namespace {shown(value['namespace'])}",
        [
            ("labels", told or "none known"),
            ("governed by", _governed(value)),
            *(("because", why) for why in (policy["why"] if policy else ())),
            *(("over", f"{_named(lost)}: {lost['why']}") for lost in value["lost"]),
            *(("other labels", f"{_named(near)} would match") for near in value["byOtherLabels"]),
        ],
    )
    if policy is None:
        return
    yield "rules", list(_rules_rows(policy["rules"], {}))
    for override in policy["overrides"]:
        yield (
            f"override {override['name']}",
            [
                ("pods", override["pods"]),
                *_rules_rows(override["rules"], policy["rules"]),
            ],
        )
    for exemption in policy["exemptions"]:
        yield f"exemption {exemption['name']}", list(_exemption_rows(exemption))


def _governed(value: Mapping[str, Any]) -> str:
    if value["excluded"]:
        return "nothing: the gate never judges this namespace"
    if value["policy"] is None:
        return "nothing: no policy matches, pods are kept as they are"
    return f"policy {_named(value['policy'])}"


def _named(policy: Mapping[str, Any]) -> str:
    return f"{policy['name']} ({policy['origin']}, priority {policy['priority']})"


def _rules_rows(rules: Mapping[str, Any], above: Mapping[str, Any]) -> Iterator[Row]:
    """The rules; of an override only those that differ from the policy's ``above``."""
    for key, said in rules.items():
        if not isinstance(said, Mapping):
            if said != above.get(key):
                yield key, str(said)
            continue
        for inner, words in said.items():
            if words != above.get(key, {}).get(inner, None) or not above:
                yield f"{key}.{inner}", _words(words)


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "none" if value is None else shown(str(value))


def _exemption_rows(exemption: Mapping[str, Any]) -> Iterator[Row]:
    yield "state", f"{exemption['state']}, expires {exemption['expires']}"
    yield "pods", exemption["pods"]
    if exemption["runtimeClasses"]:
        classes = ", ".join(name or "none" for name in exemption["runtimeClasses"])
        yield "classes besides", classes
    if exemption["features"]:
        yield "findings left out", ", ".join(exemption["features"])
    yield "owner", shown(exemption["owner"])
    yield "reason", shown(exemption["reason"], 300)
    if exemption["ticket"]:
        yield "ticket", shown(exemption["ticket"], 300)
