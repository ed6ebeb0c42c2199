"""The rules that SARIF results refer to: the reasons, and the features that pods use. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webhook.cli.remarks import ADVICE, Remark
from webhook.core.features import NAMESPACES
from webhook.core.names import Reason, shown

_CLASSES = "https://kubernetes.io/docs/concepts/containers/runtime-class/"
_OF_NAMESPACE: Mapping[str, str] = {
    "pod": "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/",
    "syscall": "https://man7.org/linux/man-pages/man2/syscalls.2.html",
    "cap": "https://man7.org/linux/man-pages/man7/capabilities.7.html",
    "proc": "https://man7.org/linux/man-pages/man5/proc.5.html",
}

REASONS: Mapping[str, tuple[str, str]] = {
    Reason.RUNTIME_CLASS_NOT_ALLOWED: (
        "The policy does not allow this RuntimeClass",
        "Name a class that the policy of the namespace allows; the message lists them.",
    ),
    Reason.RUNTIME_CLASS_REQUIRED: (
        "The pod must name a RuntimeClass",
        "Set spec.runtimeClassName to a class that the message lists.",
    ),
    Reason.RUNTIME_CLASS_NOT_FOUND: (
        "The cluster has no such RuntimeClass",
        "Create the RuntimeClass, or name another.",
    ),
    Reason.RUNTIME_CLASS_UNKNOWN: (
        "Nobody says what this RuntimeClass means",
        "Add the class to the RuntimeInventory beside the policies.",
    ),
    Reason.HANDLER_MISMATCH: (
        "The RuntimeClass has another handler than the inventory declares",
        "Somebody changed one of the two: find out who, and which is right.",
    ),
    Reason.RUNTIME_ANNOTATION_NOT_ALLOWED: (
        "The annotation reconfigures the sandbox",
        "Remove the annotation, or let the policy allow it in runtimeAnnotations.",
    ),
    Reason.RUNTIME_INCOMPATIBLE: (
        "The runtime lacks what the pod needs",
        "Use a class that the message names, or do without what is missing.",
    ),
    Reason.RUNTIME_DEGRADED: (
        "The runtime runs the pod badly, and the policy refuses that",
        "Use a class that the message names.",
    ),
    Reason.RUNTIME_UNVERIFIED: (
        "Nobody knows whether the runtime runs the pod, and the policy refuses that",
        "Test it, and add the evidence to the compatibility table.",
    ),
    Reason.SECURITY_FIELD_IGNORED: (
        "The runtime silently ignores a security field, and the policy refuses that",
        "Use a runtime that enforces the field, or the flag that turns it on.",
    ),
    ADVICE: (
        "What the author of the pod is told",
        "Nothing is refused; the message says what to know before the pod runs.",
    ),
}
"""Of each reason that a pod is refused for: what it means, and what to do."""


def rule_value(remark: Remark) -> dict[str, Any]:
    """The ``reportingDescriptor`` of a remark's rule."""
    if remark.finding is None:
        title, advice = REASONS[remark.rule]
        return _rule(remark, title, advice, _CLASSES, tags=["runtime", "policy"])
    # The feature's, whatever runtime and application it was found with: results say which.
    namespace = remark.rule.partition(":")[0]
    what = NAMESPACES.get(namespace, "what an application needs")
    title = f"A runtime lacks {shown(remark.rule)}, or has it only in part"
    advice = (
        f"{shown(remark.rule)} is {what}. Use a RuntimeClass that has it, or do without it. "
        f"`runtimegate compat table --feature '{shown(remark.rule)}'` shows what each runtime does."
    )
    uri = _OF_NAMESPACE.get(namespace, _CLASSES)
    return _rule(remark, title, advice, uri, tags=["runtime", "compatibility", namespace])


def _rule(remark: Remark, title: str, advice: str, uri: str, *, tags: list[str]) -> dict[str, Any]:
    return {
        "id": remark.rule,
        "shortDescription": {"text": title},
        "fullDescription": {"text": f"{title}."},
        "help": {"text": advice, "markdown": advice},
        "helpUri": uri,
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": tags},
    }
