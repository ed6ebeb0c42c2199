"""Every application of the shipped tables through the shipped policies, compiled: never a false
refusal, and nearly every true one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.build import container, pod
from tests.controlplane.cluster import ControlPlane
from tests.native.plane import Plane, runtime_classes
from webhook.core.applications import Recognition
from webhook.core.cluster import ClusterView
from webhook.core.decision import CREATE, Decision, Deny, decide
from webhook.core.pod import view_pod
from webhook.core.snapshot import Snapshot
from webhook.documents.folder import load_policies
from webhook.live.policy_folder import load_folder
from webhook.live.shipped import shipped
from webhook.native.compile import Settings, compile_policies
from webhook.native.omitted import Part

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]

POLICIES = Path(__file__).parents[2] / "policies"
PODS = "/api/v1/namespaces/tenant-a/pods?dryRun=All"
CLASSES = {"gvisor": "runsc", "kata-qemu": "kata-qemu", "runc": "runc"}
LEAST_REFUSALS, MOST_LET_THROUGH = 150, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One pod: what the core decides, and what the API server said."""

    pod: dict[str, Any]
    core: Decision
    refused: str

    @property
    def applications(self) -> set[str]:
        """Those for which the core refuses it."""
        causes = self.core.causes if isinstance(self.core, Deny) else ()
        needs = [cause.finding.need for cause in causes if cause.finding]
        return {need.application.name for need in needs if need.application}


def pods_of(recognition: Recognition) -> Iterator[dict[str, Any]]:
    """Pods that are known by it, at some releases, and pods that are nearly so."""
    clause = recognition.clause
    words = [re.sub(r"[*?]", "x", word) for word in clause.words[:1]] or [""]
    env = [
        {"name": n, "value": g.replace("*", "x").replace("?", "x")} for n, g in clause.env.items()
    ]
    labels = {k: v.replace("*", "x").replace("?", "x") for k, v in clause.labels.items()}
    patterns = [p.text for p in recognition.images[:2]] or ["registry.invalid/unheard/of"]
    for text in patterns:
        image = re.sub(r"[*]/", "registry.invalid/some/", text, count=1)
        image = image.replace("*", "x").replace("?", "9")
        for tag in ("", ":18.1") if ":" not in image else ("",):
            for word in (*words, ""):
                args = {"args": word.split()} if word else {}
                yield pod(
                    containers=[container("app", image + tag, env=env, **args)], labels=labels
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """All pods, and the applications that are listed as not judged."""

    asked: list[Asked]
    listed: set[str]


@pytest.fixture(scope="module")
def answers(control_plane: ControlPlane) -> Answers:
    folder = load_folder(POLICIES)
    loaded = load_policies(folder.named_files, shipped())
    today = datetime.now(UTC).date()  # noqa: TID251 - the server's clock is what is tested
    within = Snapshot(
        policies=loaded.policies,
        inventory=loaded.inventory,
        compat=loaded.compat,
        cluster=ClusterView(),
        today=today,
    )
    made = compile_policies(
        policies=within.policies,
        inventory=within.inventory,
        compat=within.compat,
        today=today,
        revision=folder.revision.hash,
        settings=Settings(alone=True),
    )
    with Plane(plane=control_plane) as plane:
        _prepare(plane)
        plane.apply(made.documents)
        found = [_ask(plane, within, obj) for obj in _every_pod(within)]
        plane.apply([])
    listed = [o for o in made.omissions if o.part is Part.APPLICATIONS and o.policy == "tenants"]
    return Answers(asked=found, listed={name for o in listed for name in o.names})


def _prepare(plane: Plane) -> None:
    if not plane.ask("GET", "/api/v1/namespaces/tenant-a").ok:
        plane.plane.create_namespace("tenant-a")
    plane.put_classes(runtime_classes(CLASSES))


def _every_pod(within: Snapshot) -> Iterator[dict[str, Any]]:
    for application in within.compat.catalogue.applications:
        for recognition in application.recognise:
            for obj in pods_of(recognition):
                yield obj
                yield {**obj, "spec": {**obj["spec"], "runtimeClassName": "kata-qemu"}}


def _ask(plane: Plane, within: Snapshot, obj: dict[str, Any]) -> Asked:
    view = view_pod(obj["spec"], obj["metadata"], namespace="tenant-a")
    answer = plane.ask("POST", PODS, obj)
    return Asked(pod=obj, core=decide(view, CREATE, within), refused=answer.message)


def test_no_pod_is_refused_that_the_webhook_lets_pass(answers: Answers) -> None:
    by_policy = [entry for entry in answers.asked if "AdmissionPolicy" in entry.refused]
    assert len(by_policy) >= LEAST_REFUSALS
    wrong = [(e.pod, e.refused) for e in by_policy if not isinstance(e.core, Deny)]
    assert wrong == []


def test_nearly_every_pod_that_the_webhook_refuses_is_refused_for_the_same_reason(
    answers: Answers,
) -> None:
    asked = answers.asked
    refused = [e for e in asked if isinstance(e.core, Deny)]
    through = [e for e in refused if not e.refused]
    print(f"{len(asked)} pods, {len(refused)} refused by the core, {len(through)} let through")
    assert len(through) <= MOST_LET_THROUGH * len(refused), [e.pod for e in through][:5]
    assert [e.pod for e in through if not e.applications & answers.listed] == []
    for entry in refused:
        if "AdmissionPolicy" in entry.refused:
            assert isinstance(entry.core, Deny)
            assert entry.refused.endswith(f"[{entry.core.reason}]")
