"""What to do about a subject of an audit: sentences for whoever owns it, the surest first."""

from collections.abc import Iterator

from webhook.core.audit import Assessment, State
from webhook.core.census import Subject
from webhook.core.names import Action, Reason, shown

MOST_REMEDIES = 6
_RESTARTED = {"Deployment": "deployment", "StatefulSet": "statefulset", "DaemonSet": "daemonset"}
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
    if stands.anew.suggestions:
        where = "in its pod template" if subject.templates else "when you make it anew"
        names = " or ".join(shown(name, 63) for name in stands.anew.suggestions)
        yield f"set runtimeClassName: {names} {where}"
    match stands.anew.reason:
        case Reason.RUNTIME_ANNOTATION_NOT_ALLOWED:
            yield "remove the annotation, or have the policy list it in runtimeAnnotations.allowed"
        case Reason.RUNTIME_CLASS_NOT_FOUND | Reason.HANDLER_MISMATCH:
            name = shown(stands.anew.runtime_class or "", 63)
            yield f"make RuntimeClass {name} what the RuntimeInventory says, or correct the latter"
        case Reason.RUNTIME_CLASS_REQUIRED | Reason.RUNTIME_CLASS_NOT_ALLOWED:
            if not stands.anew.suggestions:
                yield "set a runtimeClassName that the policy allows"
        case _:
            pass


def _restart(subject: Subject) -> str:
    namespace, _, kind, name = subject.key
    if kind in _RESTARTED:
        return f"kubectl rollout restart {_RESTARTED[kind]}/{shown(name)} -n {shown(namespace)}"
    if kind == "Pod":
        return f"delete it and create it again without a class (pod {shown(name)})"
    return f"delete its pods, and the {shown(kind, 63)} makes them again"


def _workarounds(stands: Assessment) -> Iterator[str]:
    for finding in stands.findings:
        if finding.workaround and finding.anew and finding.action is not Action.IGNORE:
            yield shown(finding.workaround, _WORK_LIMIT)


def _of_unknown(stands: Assessment) -> Iterator[str]:
    if stands.policy is None:
        yield "let the audit list namespaces"
        return
    classes = {stands.runtime_class, stands.anew.runtime_class} - {None}
    unknown = [f for f in stands.findings if f.verdict == "unknown"]
    if not unknown:
        named = " or ".join(sorted(shown(name or "", 63) for name in classes))
        yield f"describe RuntimeClass {named} in the RuntimeInventory"
        return
    yield f"try it: {unknown[0].summary}, and nobody has recorded whether it works"
