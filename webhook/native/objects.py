"""The objects of compiled policies: what they match, their labels, and how large they may be."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from webhook.core.names import ALWAYS_EXCLUDED, MIRROR_POD, NAMESPACE_NAME_LABEL, Mode
from webhook.core.policy import LabelSelector, Policy
from webhook.native.cel import TRUE, either, literal, negated
from webhook.native.validations import Validation
from webhook.native.variables import Variables, name_test

API = "admissionregistration.k8s.io/v1"
MANAGED_BY_LABEL, MANAGED_BY = "app.kubernetes.io/managed-by", "runtimegate-policy-compile"
COMPILED_LABEL = "runtimegate.dev/compiled"
MOST_BYTES = 1_000_000
"""What etcd takes of one object, with room for what the API server adds (its limit is 1.5 MiB)."""
MOST_EXPRESSION = 100_000
"""What CEL's parser takes of one expression, in characters."""
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class CompileError(ValueError):
    """Policies that no native policy of this form can hold; the message says what to change."""


def document(
    kind: str, name: str, spec: Mapping[str, Any], *, policy: str, revision: str
) -> dict[str, Any]:
    """One object of a policy; raises CompileError where it is too large."""
    made = {
        "apiVersion": API,
        "kind": kind,
        "metadata": {
            "name": name,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY, "runtimegate.dev/revision": revision},
            "annotations": {"runtimegate.dev/policy": policy},
        },
        "spec": spec,
    }
    _check_size(made)
    return made


def labelled(documents: Sequence[dict[str, Any]]) -> str:
    """Give all of them the name for exactly these: what bears another an earlier run has left."""
    check_names(documents)
    text = json.dumps(documents, sort_keys=True)
    label = hashlib.sha256(text.encode()).hexdigest()[:12]
    for made in documents:
        made["metadata"]["labels"][COMPILED_LABEL] = label
    return label


def constraints(
    policy: Policy, excluded: Sequence[str], *, created_only: bool
) -> Mapping[str, Any]:
    """The requests that a policy is asked about: pods made, and pods and their images changed."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "scope": "Namespaced"}
    rules = [{**rule, "operations": ["CREATE"], "resources": ["pods"]}]
    if not created_only:
        changed = ["pods", "pods/ephemeralcontainers"]
        rules.append({**rule, "operations": ["UPDATE"], "resources": changed})
    return {
        "matchPolicy": "Equivalent",
        "namespaceSelector": _selector(
            policy.namespaces.selector, sorted({*ALWAYS_EXCLUDED, *excluded})
        ),
        "resourceRules": rules,
    }


def conditions(policy: Policy) -> list[Mapping[str, str]]:
    """Which pods are the policy's business, as ``core.decision`` has it."""
    found = {
        "of-a-namespace-of-the-policy": name_test(policy.namespaces),
        "no-windows-pod": "object.spec.?os.?name.orValue('') != 'windows'",
        "no-mirror-pod-of-its-node": _NO_MIRROR_POD,
    }
    return [{"name": n, "expression": e} for n, e in found.items() if e != TRUE]


_NO_MIRROR_POD = (
    f"!({literal(MIRROR_POD)} in object.metadata.?annotations.orValue({{}}))"
    " || object.spec.?nodeName.orValue('') == ''"
    " || request.userInfo.username != 'system:node:' + object.spec.nodeName"
    " || !('system:nodes' in request.userInfo.?groups.orValue([]))"
)
ACTIONS: Mapping[Mode, str] = {Mode.ENFORCE: "Deny", Mode.WARN: "Warn", Mode.AUDIT: "Audit"}


def _selector(selector: LabelSelector | None, excluded: Sequence[str]) -> Mapping[str, Any]:
    """The policy's own selector, and the namespaces that no policy is for."""
    not_excluded = {"key": NAMESPACE_NAME_LABEL, "operator": "NotIn", "values": [*excluded]}
    found: dict[str, Any] = {}
    expressions: list[Mapping[str, Any]] = [not_excluded]
    if selector is not None:
        if selector.match_labels:
            found["matchLabels"] = dict(sorted(selector.match_labels.items()))
        for requirement in selector.match_expressions:
            values = {"values": sorted(requirement.values)} if requirement.values else {}
            expressions.append({"key": requirement.key, "operator": requirement.operator, **values})
    return {**found, "matchExpressions": expressions}


def variable_list(variables: Variables) -> list[Mapping[str, str]]:
    """``spec.variables``."""
    return [{"name": name, "expression": text} for name, text in variables.items()]


def _check_size(document: Mapping[str, Any]) -> None:
    of = f"{document['kind']} {document['metadata']['name']}"
    longest = max(map(len, _texts(document)), default=0)
    if longest > MOST_EXPRESSION:
        raise CompileError(
            f"{of}: an expression of {longest:,} characters is more than CEL takes "
            f"({MOST_EXPRESSION:,}): give the policy fewer overrides, names or patterns"
        )
    size = sum(map(len, _texts(document)))
    if size > MOST_BYTES:
        raise CompileError(
            f"{of}: {size:,} bytes are more than the API server stores of one object "
            f"({MOST_BYTES:,}): give the policy fewer overrides, names or patterns"
        )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield str(key)
            yield from _texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)


def validation(of: Validation, judged: str) -> Mapping[str, str]:
    """One entry of ``spec.validations``."""
    guard = TRUE if judged == TRUE else "variables.judged"
    spoken = {"messageExpression": of.message} if of.message else {}
    return {
        "expression": either([negated(guard), negated(of.refused)]),
        "message": of.plain,
        **spoken,
        "reason": "Forbidden",
    }


def check_names(documents: Sequence[Mapping[str, Any]]) -> None:
    """Raise CompileError for a name that no object can have, or that two would have."""
    seen: set[tuple[str, str]] = set()
    for made in documents:
        kind, name = made["kind"], made["metadata"]["name"]
        if len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
            raise CompileError(
                f"{name[:80]}: must be a DNS subdomain of at most 253 characters; choose another "
                "--name-prefix"
            )
        if (kind, name) in seen:
            raise CompileError(
                f"two policies would both be {kind} {name}: rename the one whose name ends in a "
                "mode"
            )
        seen.add((kind, name))
