"""The scenario table through the compiled policies: the same decisions, or what is listed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.native.plane import Plane
from tests.native.topics import (
    Outcome,
    by_core,
    by_server,
    cases_of,
    compiled,
    old_pods,
    prepare,
    topic_snapshot,
)
from tests.scenarios.test_scenarios import TOPICS, named
from webhook.core.decision import Decision, Deny
from webhook.core.images import glob_matches
from webhook.core.names import Reason
from webhook.core.trial import Refusal
from webhook.native.compile import Compiled
from webhook.native.omitted import Omission, Part

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]

REFUSED_BY_THE_SERVER_ITSELF = {
    "default-class/assign.empty": "an empty runtimeClassName is no name",
    "mirror-pods/assign.of-another-node": "a node may make mirror pods of itself alone",
}
"""Cases that never come as far as admission policies, while the webhook would let them pass."""
LEAST_EQUAL, LEAST_OF_NATIVE = 121, 110
"""The floor: fewer cases that are decided alike mean that the compiler has lost something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One case decided by both."""

    case: str
    core: Outcome
    decision: Decision
    native: Outcome
    warnings: tuple[str, ...]
    made: Compiled

    @property
    def alike(self) -> bool:
        """Whether the same becomes of the pod."""
        return _what(self.core) == _what(self.native)

    @property
    def listed(self) -> bool:
        """Whether it is let through, and every cause of the webhook's refusal is listed."""
        return (
            isinstance(self.decision, Deny)
            and self.native.decision != "deny"
            and all(_is_listed(cause, self.made) for cause in self.decision.causes)
        )

    @property
    def sort(self) -> str:
        """equal, let through as listed, refused by the server itself, or a mismatch."""
        if self.alike:
            return "equal"
        if self.listed:
            return "let through as listed"
        if self.case in REFUSED_BY_THE_SERVER_ITSELF and not self.native.native:
            return "refused by the server itself"
        return "mismatch"


def _what(outcome: Outcome) -> tuple[object, ...]:
    return (outcome.decision, outcome.runtime_class, outcome.assigned_by)


def _is_listed(cause: Refusal, made: Compiled) -> bool:
    return any(_says(omission, cause) for omission in made.omissions)


def _says(omission: Omission, cause: Refusal) -> bool:
    if cause.finding is None:
        return False
    need = cause.finding.need
    if omission.part is Part.APPLICATIONS:
        return need.application is not None and need.application.name in omission.names
    if omission.part is Part.DECLARED_NEEDS:
        return "runtimegate.dev/needs" in need.field_path
    if omission.part is Part.FEATURES and need.application is None:
        return any(glob_matches(name, need.feature) for name in omission.names)
    return omission.part is Part.RESIZE and need.feature.startswith("pod:resize")


@pytest.fixture(scope="module")
def compared(control_plane: ControlPlane) -> list[Compared]:
    """Every case of every topic."""
    with Plane(plane=control_plane) as plane:
        return [entry for topic in TOPICS for entry in _of_topic(plane, topic)]


def _of_topic(plane: Plane, topic: Path) -> list[Compared]:
    within = topic_snapshot(topic)
    prepare(plane, topic)
    old = dict(old_pods(plane, topic))
    made = compiled(within)
    plane.apply(made.documents)
    found = []
    for case in cases_of(topic):
        core, decision = by_core(case, within)
        native, answer = by_server(plane, case, old.get(case))
        found.append(
            Compared(
                case=named(case),
                core=core,
                decision=decision,
                native=native,
                warnings=answer.warnings,
                made=made,
            )
        )
    for name in old.values():
        plane.ask("DELETE", f"/api/v1/namespaces/tenant-a/pods/{name}?gracePeriodSeconds=0")
    return found


def test_every_scenario_is_decided_alike_or_let_through_as_listed(
    compared: list[Compared],
) -> None:
    sorts = Counter(entry.sort for entry in compared)
    print(dict(sorts))  # pytest -s shows the counts that docs/policy-compile.md gives
    wrong = [(e.case, e.core, e.native) for e in compared if e.sort == "mismatch"]
    assert wrong == []
    assert sorts["equal"] >= LEAST_EQUAL
    assert sorts["refused by the server itself"] == len(REFUSED_BY_THE_SERVER_ITSELF)


def test_most_are_decided_by_the_compiled_policies_and_not_by_the_server_itself(
    compared: list[Compared],
) -> None:
    assert sum(entry.alike and entry.native.native for entry in compared) >= LEAST_OF_NATIVE


def test_a_refusal_has_the_webhooks_reason_and_begins_with_its_words(
    compared: list[Compared],
) -> None:
    refused = [e for e in compared if e.alike and e.native.decision == "deny" and e.native.native]
    assert len(refused) >= 30
    for entry in refused:
        assert entry.native.reason == entry.core.reason, entry.case
        if entry.core.reason != Reason.RUNTIME_CLASS_REQUIRED:
            assert entry.native.message.startswith(entry.core.message), entry.case
        assert entry.native.message.startswith("policy "), entry.case


def test_mode_warn_says_what_enforce_would_do_and_mode_audit_says_nothing(
    compared: list[Compared],
) -> None:
    by_name = {e.case.partition("/")[2]: e.warnings for e in compared if e.case[:6] == "modes/"}
    assert "would assign runtimeClassName: gvisor" in " ".join(by_name["keep.warn-assign"])
    assert "would refuse this pod: RuntimeClass" in " ".join(by_name["keep.warn-deny"])
    assert by_name["keep.would-keep"] == ()
    assert {by_name[name] for name in by_name if ".audit-" in name} == {()}
