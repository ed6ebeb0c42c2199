"""The compiled policies beside the webhook: nothing that one does contradicts the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.controlplane.binaries import Binaries
from tests.controlplane.cluster import ControlPlane
from tests.demo.gate import Gate
from tests.e2e.cases import CASES, Case
from tests.e2e.conftest import cluster, gate, policies
from tests.native.plane import Answer, Plane
from webhook.core.names import ASSIGNED_BY
from webhook.documents.folder import load_policies
from webhook.live.policy_folder import load_folder
from webhook.live.shipped import shipped
from webhook.native.compile import Settings, compile_policies

__all__ = ["cluster", "gate", "policies"]

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]


def compiled(policies: Path, alone: bool = False) -> tuple[dict[str, object], ...]:
    folder = load_folder(policies)
    loaded = load_policies(folder.named_files, shipped())
    made = compile_policies(
        policies=loaded.policies,
        inventory=loaded.inventory,
        compat=loaded.compat,
        today=datetime.now(UTC).date(),  # noqa: TID251 - the server's clock is what is tested
        revision=folder.revision.hash,
        settings=Settings(alone=alone),
    )
    return tuple(dict(document) for document in made.documents)


@pytest.fixture(scope="session")
def control_plane(binaries: Binaries) -> Iterator[ControlPlane]:
    """A control plane of this module's own: the gate's cluster is set up from nothing."""
    with ControlPlane(binaries) as plane:
        yield plane


@pytest.fixture(scope="module")
def both(cluster: ControlPlane, gate: Gate, policies: Path) -> Iterator[Plane]:
    """The webhook registered, and its policies compiled for use beside it."""
    with Plane(plane=cluster) as plane:
        plane.apply(compiled(policies))
        yield plane
        plane.apply([])


def create(plane: Plane, case: Case) -> Answer:
    done = plane.plane.kubectl(
        *("create", "-n", case.namespace, "--dry-run=client", "-o", "json", "-f", "-"),
        stdin=case.manifest,
    )
    path = f"/api/v1/namespaces/{case.namespace}/pods?dryRun=All"
    return plane.ask("POST", path, json.loads(done.stdout))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_with_both_a_pod_gets_what_it_gets_from_the_webhook_alone(both: Plane, case: Case) -> None:
    answer = create(both, case)
    if case.decision == "deny":
        assert not answer.ok
        assert (case.reason or "?") in answer.message or any(s in answer.message for s in case.says)
        return
    assert answer.ok, answer.message
    metadata, spec = answer.body["metadata"], answer.body["spec"]
    assert spec.get("runtimeClassName") == case.runtime_class
    if case.overhead is not None:
        assert spec["overhead"] == case.overhead
    assert metadata.get("annotations", {}).get(ASSIGNED_BY) == case.assigned_by


def test_without_the_webhook_the_compiled_policies_decide_as_it_would_or_let_pass(
    both: Plane, policies: Path
) -> None:
    """The webhooks are taken away for this test, as an outage under failurePolicy Ignore would."""
    configurations = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
    at = "/apis/admissionregistration.k8s.io/v1"
    kept = {c: both.must("GET", f"{at}/{c}").body["items"] for c in configurations}
    for configuration, items in kept.items():
        for item in items:
            both.must("DELETE", f"{at}/{configuration}/{item['metadata']['name']}")
    try:
        both.apply(compiled(policies, alone=True))
        alike = [case.name for case in CASES if _alike(create(both, case), case)]
        assert len(alike) >= LEAST_ALIKE, sorted({c.name for c in CASES} - set(alike))
    finally:
        for configuration, items in kept.items():
            for item in items:
                metadata = {"name": item["metadata"]["name"]}
                both.must("POST", f"{at}/{configuration}", {**item, "metadata": metadata})
        both.apply(compiled(policies))


LEAST_ALIKE = len(CASES) - 2


def _alike(answer: Answer, case: Case) -> bool:
    if case.decision == "deny":
        return not answer.ok
    metadata, spec = answer.body.get("metadata", {}), answer.body.get("spec", {})
    return (
        answer.ok
        and spec.get("runtimeClassName") == case.runtime_class
        and metadata.get("annotations", {}).get(ASSIGNED_BY) == case.assigned_by
    )
