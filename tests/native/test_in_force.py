"""What the API server makes of compiled policies: types, cost, the end of exemptions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.build import container, exemption, inventory, pod, pods, policy
from tests.controlplane.binaries import Binaries
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.fixtures import controller_manager
from tests.native.plane import (
    ADMISSION,
    SEEN_WITHIN_SECONDS,
    Answer,
    Plane,
    lasting_today,
    runtime_classes,
)
from tests.native.test_other_doors import snapshot_of_doors
from tests.native.topics import compiled
from webhook.core.compat import CompatTable
from webhook.core.policy import PolicySet
from webhook.documents.folder import load_policies
from webhook.live.policy_folder import load_folder
from webhook.live.shipped import shipped
from webhook.native.compile import Compiled, Settings, compile_policies

__all__ = ["controller_manager"]

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]

POLICIES = Path(__file__).parents[2] / "policies"
PODS = "/api/v1/namespaces/tenant-a/pods?dryRun=All"
CLASSES = {"gvisor": "runsc", "kata-qemu": "kata-qemu", "runc": "runc"}
MOST_CONTAINERS = 300
"""What a pod may have and be judged within the API server's cost limit; documented."""


@pytest.fixture(scope="session")
def control_plane(binaries: Binaries) -> Iterator[ControlPlane]:
    """One of this module's own: the controllers would change what other modules make."""
    with ControlPlane(binaries) as plane:
        yield plane


@pytest.fixture(scope="module")
def plane(controller_manager: ControlPlane) -> Iterator[Plane]:
    with Plane(plane=controller_manager) as plane:
        if not plane.ask("GET", "/api/v1/namespaces/tenant-a").ok:
            controller_manager.create_namespace("tenant-a")
        plane.put_classes(runtime_classes(CLASSES))
        yield plane
        plane.apply([])


def shipped_policies() -> Compiled:
    folder = load_folder(POLICIES)
    loaded = load_policies(folder.named_files, shipped())
    return compile_policies(
        policies=loaded.policies,
        inventory=loaded.inventory,
        compat=loaded.compat,
        today=datetime.now(UTC).date(),  # noqa: TID251 - the server's clock is what is tested
        revision=folder.revision.hash,
        settings=Settings(alone=True),
    )


def create(plane: Plane, **fields: Any) -> Answer:
    return plane.ask("POST", PODS, pod(**fields))


def test_the_type_checker_of_the_api_server_has_nothing_to_say(plane: Plane) -> None:
    """Its warnings would stand in the status of the policies, for every operator to wonder at."""
    documents = (*shipped_policies().documents, *compiled(snapshot_of_doors()).documents)
    plane.apply(documents)
    policies = [d for d in documents if d["kind"] == "ValidatingAdmissionPolicy"]
    names = [document["metadata"]["name"] for document in policies]
    assert {"runtimegate-tenants.bindings", "runtimegate-strict.bindings"} <= {*names}
    assert "runtimegate-lax.bindings" not in names, "some rules are not enforced: it lets all pass"
    for name in names:
        assert checked(plane, name) == {}


def checked(plane: Plane, name: str) -> Any:
    deadline = time.monotonic() + SEEN_WITHIN_SECONDS
    while True:
        found = plane.must("GET", f"{ADMISSION}/validatingadmissionpolicies/{name}").body
        status = found.get("status", {})
        if status.get("observedGeneration") == found["metadata"]["generation"]:
            return status.get("typeChecking", {})
        assert time.monotonic() < deadline, f"{name} is not type-checked"
        time.sleep(0.2)


def test_a_pod_of_many_containers_is_judged_within_the_cost_limit(plane: Plane) -> None:
    plane.apply(shipped_policies().documents)
    many = [container(f"c{number}") for number in range(MOST_CONTAINERS)]
    assert create(plane, containers=many).ok
    last = container("last", "docker.io/library/postgres:18")
    assert "[RuntimeDegraded]" in create(plane, containers=[*many, last]).message


def test_a_pod_with_a_huge_command_line_is_judged_within_the_cost_limit(plane: Plane) -> None:
    plane.apply(shipped_policies().documents)
    for size in (4_000, 8_000, 100_000, 1_000_000):
        assert create(plane, containers=[container(args=["x" * size])]).ok


def test_a_policy_for_which_a_pod_is_too_much_refuses_it(plane: Plane) -> None:
    plane.apply(shipped_policies().documents)
    many = [container(f"c{number}") for number in range(900)]
    assert not create(plane, containers=many).ok


def exemptions() -> Compiled:
    """Two exemptions compiled a week ago: one ended yesterday, of one this is the last day."""
    today = lasting_today()
    over, last_day = (
        exemption(
            name,
            "",
            "runc",
            of=pods(service_accounts=(name,)),
            expires=today - timedelta(days=days),
        )
        for name, days in (("over", 1), ("last-day", 0))
    )
    return compile_policies(
        policies=PolicySet([replace(policy(), exemptions=(over, last_day))]),
        inventory=inventory(),
        compat=CompatTable(),
        today=today - timedelta(days=7),  # both are in force when they are compiled
        revision="exemptions",
        settings=Settings(),
    )


def test_a_compiled_exemption_ends_by_the_clock_of_the_api_server(plane: Plane) -> None:
    plane.apply(exemptions().documents)
    unset = create(plane, serviceAccountName="last-day")
    assert "runtimeClassName" not in unset.body["spec"]
    assert create(plane, serviceAccountName="last-day", runtimeClassName="runc").ok
    assigned = create(plane, serviceAccountName="over")
    assert assigned.body["spec"]["runtimeClassName"] == "gvisor"
    refused = create(plane, serviceAccountName="over", runtimeClassName="runc")
    assert "[RuntimeClassNotAllowed]" in refused.message


def test_a_tenant_cannot_turn_the_clock_back_with_managed_fields(plane: Plane) -> None:
    """Another manager's time, long ago, is no time that counts: the newest does."""
    plane.apply(exemptions().documents)
    fields = {
        "manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
        "time": "2020-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:hostname": {}}},
    }  # fmt: skip
    obj = pod(serviceAccountName="over", runtimeClassName="runc", hostname="x")
    spelled: tuple[list[Any], ...] = ([{}], [fields], [])
    for managed in spelled:
        obj["metadata"]["managedFields"] = managed
        assert not plane.ask("POST", PODS, obj).ok
