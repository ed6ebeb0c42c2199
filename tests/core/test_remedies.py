"""What to do about a subject: one sentence for each thing that can be done."""

from datetime import timedelta
from typing import Any

import pytest

from tests.build import (
    TODAY,
    application,
    classes,
    cluster,
    container,
    exemption,
    fact,
    pod,
    pods,
    policy,
    rules,
    snapshot,
    table,
)  # fmt: skip
from webhook.core.audit import standpoint
from webhook.core.census import Census
from webhook.core.judging import Judging
from webhook.core.names import ASSIGNED_BY, Strength, Support
from webhook.core.remedies import MOST_REMEDIES, remedies
from webhook.core.snapshot import Snapshot
from webhook.core.subject import subjects

GATE = {ASSIGNED_BY: "tenants"}
LACKS = table(
    fact("pod:hostNetwork", workaround="Use a hostPort.\x1b[2J"),
    fact("perf:syscall-rate", Support.PARTIAL),
    fact("syscall:bpf", Support.UNKNOWN),
    applications=[application(needs=[("perf:syscall-rate", Strength.REQUIRED)])],
)


def told(
    within: Snapshot | None = None,
    *,
    kind: str = "",
    name: str = "web",
    whole: bool = False,
    **tweak: Any,
) -> tuple[str, ...]:
    obj = pod(name="web-0", **tweak)
    if kind:
        owner = {"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": True}
        obj["metadata"]["ownerReferences"] = [owner]
    at = standpoint(within or snapshot(compat=LACKS), whole=whole)
    census = Census(Judging(at))
    census.add(obj, "tenant-a")
    (subject,) = subjects(census)
    return remedies(subject)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_an_unassigned_workload_is_to_be_restarted(kind: str) -> None:
    assert told(kind=kind) == (
        (
            f"make its pods anew, and they get RuntimeClass gvisor: "
            f"kubectl rollout restart {kind.lower()}/web -n tenant-a"
        ),
    )


def test_a_name_that_no_cluster_has_gets_into_no_command() -> None:
    assert told(kind="Deployment", name="web; rm -rf ~") == (
        (
            "make its pods anew, and they get RuntimeClass gvisor: delete its pods, and the "
            "Deployment makes them again"
        ),
    )


def test_a_pod_by_itself_is_to_be_created_again() -> None:
    assert told(runtimeClassName="kata-qemu", annotations=GATE) == (
        (
            "make its pods anew, and they get RuntimeClass gvisor: delete it and create it again "
            "without a class"
        ),
    )


def test_a_refused_class_names_those_that_would_do() -> None:
    assert told(runtimeClassName="runc") == (
        "use runtimeClassName: gvisor or kata-qemu when you make it anew",
    )


def test_a_class_is_to_be_set_where_none_is_known_to_do() -> None:
    needing = snapshot(policy(governs=rules(classes(None, "other-*", required=True))))
    assert told(needing) == ("set a runtimeClassName that the policy allows",)


def test_an_annotation_is_to_be_removed() -> None:
    found = told(runtimeClassName="gvisor", annotations={"dev.gvisor.flag.debug": "true"})
    assert found == (
        "remove the annotation, or have the policy list it in runtimeAnnotations.allowed",
    )


def test_a_class_that_means_something_else_is_to_be_corrected() -> None:
    fooled = snapshot(cluster=cluster(handlers={"gvisor": "runc"}))
    assert told(fooled, runtimeClassName="gvisor") == (
        "make RuntimeClass gvisor what the RuntimeInventory says, or correct the latter",
    )


def test_a_class_that_is_not_there_is_to_be_created() -> None:
    without = snapshot(cluster=cluster(handlers={"runc": "runc"}))
    assert told(without, runtimeClassName="gvisor")[0] == (
        "create RuntimeClass gvisor: the cluster has none of that name"
    )


def test_a_workaround_is_told_escaped() -> None:
    found = told(runtimeClassName="gvisor", hostNetwork=True)
    assert found[-1] == "Use a hostPort.\\x1b[2J"


def test_an_exemption_that_ended_is_to_be_renewed_by_its_owner() -> None:
    by = exemption(of=pods(), features=["pod:*"], expires=TODAY - timedelta(days=1))
    ended = snapshot(policy(exemptions=[by]), compat=LACKS)
    assert told(ended, runtimeClassName="gvisor", hostNetwork=True)[0] == (
        "exemption node-agent of policy tenants ended on 2026-11-23: ask storage-team to renew it, "
        "or do without"
    )


def test_a_class_that_nobody_described_is_to_be_described() -> None:
    anything = snapshot(policy(governs=rules(classes("gvisor", "*"))))
    assert told(anything, runtimeClassName="fast") == (
        "describe RuntimeClass fast in the RuntimeInventory",
    )


def test_what_nobody_knows_is_to_be_tried() -> None:
    found = told(runtimeClassName="gvisor", annotations={"runtimegate.dev/needs": "syscall:bpf"})
    assert found == (
        "try it: syscall bpf is not known to work, and nobody has recorded whether it works",
    )


def test_a_pod_too_large_to_judge_is_to_be_smaller() -> None:
    large = [container(f"c{n}") for n in range(1_001)]
    found = told(runtimeClassName="gvisor", containers=large)
    assert found == ("make the pod smaller, so that it can be judged",)


def test_where_namespaces_may_not_be_listed_that_is_to_be_allowed() -> None:
    by_label = snapshot(
        policy(governs=rules(classes("gvisor", "*", namespace_default=True))), cluster=cluster()
    )
    assert told(by_label, whole=True) == ("let the audit list namespaces",)


def test_there_are_not_too_many() -> None:
    lacking = table(*(fact(f"syscall:s{n}", workaround=f"Way {n}.") for n in range(20)))
    needs = ", ".join(f"syscall:s{n}" for n in range(20))
    found = told(snapshot(compat=lacking), runtimeClassName="gvisor",
                 annotations={"runtimegate.dev/needs": needs})  # fmt: skip
    assert len(found) == MOST_REMEDIES
