"""What an UPDATE makes worse: an old pod must stay deletable and labelable."""

from collections.abc import Iterator
from dataclasses import replace

from webhook.core.needs import Finding
from webhook.core.pod import PodView
from webhook.core.resize import resizes
from webhook.core.trial import (
    Case,
    Judged,
    Refusal,
    Trial,
    annotation_refusals,
    class_not_allowed,
    class_required,
    excess_refusals,
    finding_refusals,
    judge,
    must_have_class,
    open_case,
)


def resize_of(case: Case, old: PodView | None) -> Case:
    """The case of a resize in place: on any class, the runtime must follow the new resources."""
    return replace(case, asked=resizes(case.pod, old)) if old is not None else case


def attempt_update(case: Case, old: PodView | None) -> Trial:
    """Judge what ``case.pod`` has that ``old`` had not (all of it where ``old`` is None).

    The class itself cannot change; whether the policy allows it is asked again for another image:
    else an exempt image would open a class for any image put in its place. A debug container in a
    pod that is older than the policy changes nothing about its class; one in a pod that is allowed
    its class only as it is, or was by an exemption that has ended or by labels that it has shed,
    does. An annotation newly added is judged, since a restarted sandbox
    would read it. Labels are free.
    """
    runtime_class = case.pod.runtime_class_name
    judged = _worsened(case, old)
    return Trial(
        runtime_class=runtime_class,
        profile=case.snapshot.inventory.profile_of(runtime_class),
        refusals=(
            *_new_class_refusals(case, old),
            *_new_annotations(case, old),
            *_new_excess(case, old),
            *finding_refusals(judged),
        ),
        judged=judged,
    )


def _worsened(case: Case, old: PodView | None) -> tuple[Judged, ...]:
    """The findings that the pod did not have before, under the labels that it gets now."""
    runtime_class = case.pod.runtime_class_name
    judged = judge(case, runtime_class)
    if old is None or not judged:
        return judged
    known = {_identity(entry.finding) for entry in judge(_before(case, old), runtime_class)}
    return tuple(entry for entry in judged if _identity(entry.finding) not in known)


def _identity(finding: Finding) -> tuple[object, ...]:
    """What makes a finding the same before and after an update."""
    need = finding.need
    where = need.container.name if need.container else need.field_path
    application = need.application.name if need.application else None
    return (need.feature, where, application, finding.verdict)


def _before(case: Case, old: PodView) -> Case:
    """The case of the pod as it was, under the labels that it gets now."""
    return open_case(replace(old, labels=case.pod.labels), case.policy, case.snapshot)


def _new_class_refusals(case: Case, old: PodView | None) -> Iterator[Refusal]:
    """The refusals of the class, where what is new to run asks for it again."""
    if old is None:
        yield from _class_refusals(case)
        return
    names = {c.name for c in old.containers}
    images = {(c.name, c.image) for c in old.containers}
    new = [c.name for c in case.pod.containers if (c.name, c.image) not in images]
    added = any(name not in names for name in new)
    replaced = any(name in names for name in new)
    if replaced or (added and _was_let_in(_before(case, old))):
        yield from _class_refusals(case)


def _was_let_in(case: Case) -> bool:
    """Whether the policy lets the pod have its class, or may have let it by an exemption.

    A pod that was never let in is older than the policy.
    """
    runtime_class = case.pod.runtime_class_name
    return not any(_class_refusals(case)) or any(
        exemption.permits(runtime_class)
        and exemption.pods.without_free_labels.matches_all(case.pod)
        for exemption in case.policy.exemptions
    )


def _class_refusals(case: Case) -> Iterator[Refusal]:
    """A refusal where the policy would not let the pod be made with the class that it has."""
    asked = case.pod.runtime_class_name
    if asked is not None:
        if not case.allows(asked):
            yield class_not_allowed(case.pod, asked)
    elif must_have_class(case):
        yield class_required(case.pod)


def _new_annotations(case: Case, old: PodView | None) -> Iterator[Refusal]:
    before = old.annotations if old is not None else {}
    for entry in annotation_refusals(case):
        if before.get(entry.cause) != case.pod.annotations[entry.cause]:
            yield entry


def _new_excess(case: Case, old: PodView | None) -> Iterator[Refusal]:
    if old is None or not any(excess_refusals(_before(case, old))):
        yield from excess_refusals(case)
