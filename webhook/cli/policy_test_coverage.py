"""What of the policies the tests reach: policies, overrides, exemptions and fallbacks.

- A policy is reached by a pod that it governs, an override by one whose rules it gives.
- An exemption is reached where it was needed: without it the decision would be another. Of several
  that do the same for a pod, the one that the decision names is reached.
- A class of a ``fallback`` is reached by a pod that gets it, or would in mode enforce, because
  the default was refused. One that an override inherits is the policy's.

Whether a test then expects anything worth expecting is for its reader to see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import floor
from typing import Any

from webhook.cli.policy_test_run import Answer
from webhook.core.decision import Assign, Decision, Deny, Keep, decide, governing_policy
from webhook.core.policy import Exemption, Policy, PolicySet
from webhook.core.trial import default_class, open_case
from webhook.documents.folder import Loaded
from webhook.documents.policy import RuntimePolicy
from webhook.documents.reading import Placed, of_kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that a test can reach; ``name`` is ``policy``, or ``policy/what`` of it."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Everything that there is to reach, where it is written, and what of it was reached."""

    places: Mapping[Item, tuple[str, int]]
    reached: frozenset[Item]

    @property
    def missed(self) -> tuple[Item, ...]:
        """What no test reaches, in the order of the files."""
        return tuple(item for item in self.places if item not in self.reached)

    @property
    def share(self) -> float:
        """Of 100; where there is nothing to reach all of it is."""
        return 100 * len(self.reached) / len(self.places) if self.places else 100.0

    @property
    def percent(self) -> str:
        """``share`` for people, never more than it is: 100 is all."""
        return f"{floor(10 * self.share) / 10:g} %"


def coverage_of(loaded: Loaded, answers: Iterable[Answer]) -> Coverage:
    """What ``answers`` reach of the policies."""
    places = {
        item: (placed.source.file, placed.line(*path))
        for placed, model in of_kind(RuntimePolicy, loaded.documents)
        for item, path in _items(placed, model)
    }
    reached = {item for answer in answers for item in _reached(answer, places)}
    return Coverage(places=places, reached=frozenset(reached))


def coverage_value(coverage: Coverage) -> dict[str, Any]:
    """As JSON; see docs/policy-test.md."""
    return {
        "percent": floor(100 * coverage.share) / 100,
        "reached": len(coverage.reached),
        "total": len(coverage.places),
        "items": [
            {
                "kind": item.kind,
                "name": item.name,
                "source": file,
                "line": line,
                "reached": item in coverage.reached,
            }
            for item, (file, line) in coverage.places.items()
        ],
    }


_Path = tuple[str | int, ...]


def _items(placed: Placed, model: RuntimePolicy) -> Iterator[tuple[Item, _Path]]:
    name, spec = placed.name, model.spec
    yield Item(kind="policy", name=name), ()
    yield from _fallbacks(name, spec.runtime_classes.fallback, ("spec",))
    for index, override in enumerate(spec.overrides):
        at, own = ("spec", "overrides", index), f"{name}/{override.name}"
        yield Item(kind="override", name=own), at
        yield from _fallbacks(own, override.runtime_classes.fallback, at)
    for index, exemption in enumerate(spec.exemptions):
        own = f"{name}/{exemption.name}"
        yield Item(kind="exemption", name=own), ("spec", "exemptions", index)


def _fallbacks(owner: str, classes: Iterable[str], at: _Path) -> Iterator[tuple[Item, _Path]]:
    for index, name in enumerate(classes):
        yield _fallback(owner, name), (*at, "runtimeClasses", "fallback", index)


def _fallback(owner: str, runtime_class: str) -> Item:
    return Item(kind="fallback", name=f"{owner}/{runtime_class}")


def _reached(answer: Answer, places: Mapping[Item, tuple[str, int]]) -> Iterator[Item]:
    decision, pod = answer.checked.decision, answer.subject.pod
    grounds = decision.grounds
    if grounds.policy is None:
        return
    policy = governing_policy(pod.namespace, answer.snapshot)
    assert policy is not None  # noqa: S101 - it is the one that the decision names
    yield Item(kind="policy", name=policy.name)
    if grounds.override:
        yield Item(kind="override", name=f"{policy.name}/{grounds.override}")
    enforced = answer.checked.enforced
    if isinstance(enforced, Assign) and (
        enforced.runtime_class != default_class(open_case(pod, policy, answer.snapshot))
    ):
        own = _fallback(f"{policy.name}/{grounds.override}", enforced.runtime_class)
        yield own if own in places else _fallback(policy.name, enforced.runtime_class)
    for exemption in _needed(answer, policy):
        yield Item(kind="exemption", name=f"{policy.name}/{exemption.name}")


def _needed(answer: Answer, policy: Policy) -> Iterator[Exemption]:
    """The exemptions without which the decision would be another."""
    snapshot = answer.snapshot
    counts = [
        exemption
        for exemption in policy.exemptions_for(answer.subject.pod)
        if not exemption.expired(snapshot.today)
    ]
    named = answer.checked.decision.grounds.exemption
    for exemption in counts:
        alone = _differs(answer, policy, (exemption,))
        if alone or (exemption.name == named and _differs(answer, policy, tuple(counts))):
            yield exemption


def _differs(answer: Answer, policy: Policy, left_out: tuple[Exemption, ...]) -> bool:
    fewer = replace(answer.snapshot, policies=_without(answer.snapshot.policies, policy, left_out))
    decided = decide(answer.subject.pod, answer.subject.operation, fewer)
    return _essence(decided) != _essence(answer.checked.decision)


def _without(policies: PolicySet, policy: Policy, left_out: tuple[Exemption, ...]) -> PolicySet:
    """The policies, of which one lacks some of its exemptions."""
    rest = tuple(e for e in policy.exemptions if e not in left_out)
    return PolicySet(replace(p, exemptions=rest) if p is policy else p for p in policies.policies)


def _essence(decision: Decision) -> tuple[object, ...]:
    """What a decision does and finds, apart from how it is told and what permitted it."""
    grounds = decision.grounds
    match decision:
        case Keep():
            more: object = _essence(decision.would) if decision.would else None
        case Assign():
            more = decision.runtime_class
        case Deny():
            more = decision.causes
    return (type(decision), grounds.runtime_class, grounds.findings, more)
