"""The objects of compiled policies: what they match, their labels, and how large they may be."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from webhook.core.names import ALWAYS_EXCLUDED, MIRROR_POD, NAMESPACE_NAME_LABEL, Mode
from webhook.core.policy import LabelSelector, Policy
from webhook.core.trial import RECONFIGURING
from webhook.native.cel import TRUE, either, globbed, literal, negated
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


class Asked(Enum):
    """The requests that a policy is asked about: an operation and its resources, for each rule."""

    MADE = (("CREATE", ("pods",)),)
    MADE_OR_CHANGED = (
        ("CREATE", ("pods",)),
        # Whoever may write the status of a pod writes its annotations too.
        ("UPDATE", ("pods", "pods/ephemeralcontainers", "pods/status")),
    )
    BOUND = (("CREATE", ("pods/binding", "bindings")),)
    """A Binding's annotations are copied to its pod."""


def constraints(policy: Policy, excluded: Sequence[str], asked: Asked) -> Mapping[str, Any]:
    """The requests of ``asked`` in the namespaces that the policy may be for."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "scope": "Namespaced"}
    rules = [
        {**rule, "operations": [operation], "resources": [*resources]}
        for operation, resources in asked.value
    ]
    return {
        "matchPolicy": "Equivalent",
        "namespaceSelector": _selector(
            policy.namespaces.selector, sorted({*ALWAYS_EXCLUDED, *excluded})
        ),
        "resourceRules": rules,
    }


def conditions(policy: Policy, asked: Asked) -> list[Mapping[str, str]]:
    """Which pods and Bindings are the policy's business, as ``core.decision`` has it."""
    found = {"of-a-namespace-of-the-policy": name_test(policy.namespaces)}
    if asked is Asked.BOUND:
        found["a-sandbox-is-reconfigured"] = f"{_ANNOTATIONS}.exists(k, {_RECONFIGURES})"
    else:
        found["no-windows-pod"] = "object.spec.?os.?name.orValue('') != 'windows'"
        found["no-mirror-pod-of-its-node"] = _NO_MIRROR_POD
    if asked is Asked.MADE_OR_CHANGED:
        found["no-status-that-leaves-the-sandbox"] = _NO_STATUS_THAT_LEAVES_IT
    return [{"name": n, "expression": e} for n, e in found.items() if e != TRUE]


_ANNOTATIONS = "object.metadata.?annotations.orValue({})"
_OLD_ANNOTATIONS = "oldObject.metadata.?annotations.orValue({})"
_RECONFIGURES = globbed("k", RECONFIGURING)
_NO_STATUS_THAT_LEAVES_IT = (
    "request.?subResource.orValue('') != 'status'"
    f" || ({_ANNOTATIONS} != {_OLD_ANNOTATIONS} && {_ANNOTATIONS}.exists(k, {_RECONFIGURES}"
    f" && (!(k in {_OLD_ANNOTATIONS})"
    " || oldObject.metadata.annotations[k] != object.metadata.annotations[k])))"
)
"""The webhook's own condition. Every node writes the status of each of its pods all the time: what
leaves the annotations as they are, as nearly all of it does, costs one comparison."""
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
                "mode, in .handlers or in .bindings"
            )
        seen.add((kind, name))
