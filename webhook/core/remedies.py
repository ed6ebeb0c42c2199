"""What to do about a subject of an audit: sentences for whoever owns it, the surest first."""

import re
from collections.abc import Iterator

from webhook.core.audit import Assessment, State
from webhook.core.instead import setting
from webhook.core.names import Action, Reason, Verdict, shown
from webhook.core.subject import Subject

MOST_REMEDIES = 6
_RESTARTED = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")
"""What a cluster's object may be called. Of a file it may be called anything, and a command that a
person copies into a shell must not be written by a stranger."""
_OF_THE_CLASS = frozenset({Reason.RUNTIME_CLASS_REQUIRED, Reason.RUNTIME_CLASS_NOT_ALLOWED})
_WORK_LIMIT = 320


def remedies(subject: Subject) -> tuple[str, ...]:
    """Of its worst pod or template; safe to show."""
    found = dict.fromkeys(_remedies(subject, subject.worst.now))
    return tuple(found)[:MOST_REMEDIES]


def _remedies(subject: Subject, stands: Assessment) -> Iterator[str]:
    if State.EXPIRED in stands.states:
        yield from _renewals(stands)
    if stands.anew.refused:
        yield from _of_refusal(subject, stands)
    elif {State.UNASSIGNED, State.OTHER_RUNTIME} & set(stands.states):
        gets = shown(stands.anew.runtime_class or "none", 63)
        yield f"make its pods anew, and they get RuntimeClass {gets}: {_restart(subject)}"
    yield from _workarounds(stands)
    if State.UNKNOWN in stands.states:
        yield from _of_unknown(stands)


def _renewals(stands: Assessment) -> Iterator[str]:
    for exemption in stands.ended:
        yield (
            f"exemption {exemption.name} of policy {stands.policy} ended on "
            f"{exemption.expires}: ask {shown(exemption.owner, 80)} to renew it, or do without"
        )


def _of_refusal(subject: Subject, stands: Assessment) -> Iterator[str]:
    suggestions, reason = stands.anew.suggestions, stands.anew.reason
    if suggestions:
        yield setting(_class_where(subject), " or ".join(shown(name, 63) for name in suggestions))
    if reason in _OF_THE_CLASS and not suggestions:
        if _class_where(subject) is None:
            yield setting(None, "one that it allows")
        else:
            yield "set a runtimeClassName that the policy allows"
    if reason is Reason.RUNTIME_ANNOTATION_NOT_ALLOWED:
        yield "remove the annotation, or have the policy list it in runtimeAnnotations.allowed"
    name = shown(stands.anew.runtime_class or "", 63)
    if reason is Reason.RUNTIME_CLASS_NOT_FOUND:
        yield f"create RuntimeClass {name}: the cluster has none of that name"
    if reason is Reason.HANDLER_MISMATCH:
        yield f"make RuntimeClass {name} what the RuntimeInventory says, or correct the latter"


def _class_where(subject: Subject) -> str | None:
    """Where the templates of a workload name a class; a pod by itself must be made anew for it."""
    ways = [standing.now.anew.class_where for standing in subject.templates.values()]
    return ways[0] if ways else "when you make it anew"


def _restart(subject: Subject) -> str:
    namespace, kind, name, _ = subject.key
    if kind in _RESTARTED and _NAME.fullmatch(name) and _NAME.fullmatch(namespace):
        return f"kubectl rollout restart {kind.lower()}/{name} -n {namespace}"
    if kind == "Pod":
        return "delete it and create it again without a class"
    return f"delete its pods, and the {shown(kind, 63)} makes them again"


def _workarounds(stands: Assessment) -> Iterator[str]:
    for finding in stands.findings:
        if finding.workaround and finding.anew and finding.action is not Action.IGNORE:
            yield shown(finding.workaround, _WORK_LIMIT)


def _of_unknown(stands: Assessment) -> Iterator[str]:
    if stands.policy is None:
        yield "let the audit list namespaces"
        return
    unknown = next((f for f in stands.findings if f.verdict is Verdict.UNKNOWN), None)
    if unknown is not None:
        yield f"try it: {unknown.summary}, and nobody has recorded whether it works"
    elif stands.anew.reason is Reason.RUNTIME_UNVERIFIED:
        yield "make the pod smaller, so that it can be judged"
    else:
        names = sorted({stands.runtime_class or "", stands.anew.runtime_class or ""} - {""})
        named = " or ".join(shown(name, 63) for name in names)
        yield f"describe RuntimeClass {named} in the RuntimeInventory"
