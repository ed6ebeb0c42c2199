from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.build import TODAY, container, fact, inventory, node, pod, pod_view, profile
from webhook.core.applications import Evidence
from webhook.core.assumed import assumed_class
from webhook.core.cluster import ClusterView, RuntimeClassView
from webhook.core.compat import CompatTable, Release
from webhook.core.isolation import (
    NOT_OFFERED,
    Ladder,
    actions_for,
    fit,
    ladder,
    sentence,
)
from webhook.core.names import Action, Handler, Support, Verdict
from webhook.core.nodes import Nodes
from webhook.core.policy import PolicySet
from webhook.core.runtimes import Inventory
from webhook.core.snapshot import Snapshot
from webhook.core.versions import parse_version

CLASSES = ("gvisor", "kata-qemu", "runc")
STRICT = actions_for(accept_degraded=False, refuse_unknown=False)


def releases(*versions: str) -> tuple[Release, ...]:
    return tuple(
        Release(version=parse_version(v), date=TODAY - timedelta(days=9)) for v in versions
    )


TABLE = CompatTable(
    facts=[
        fact("pod:hostNetwork"),
        fact("pod:hostNetwork", runtime="kata"),
        fact("pod:hostNetwork", Support.FULL, runtime="runc"),
        fact("pod:hostPID", Support.ABSENT, "<20260101"),
        fact("pod:hostPID", Support.FULL, ">=20260101"),
        fact("pod:hostPID", Support.FULL, runtime="kata"),
        fact("pod:hostPID", Support.FULL, runtime="runc"),
        fact("pod:privileged", Support.SCOPED),
        fact("pod:privileged", Support.FULL, runtime="kata"),
    ],
    releases={"gvisor": releases("20240729.0", "20260817.0"), "kata": releases("4.1.0")},
)


def snapshot(known: Inventory | None = None, cluster: ClusterView | None = None) -> Snapshot:
    return Snapshot(
        policies=PolicySet(),
        inventory=inventory() if known is None else known,
        compat=TABLE,
        cluster=cluster or ClusterView(),
        today=TODAY,
    )


def climbed(within: Snapshot | None = None, *names: str) -> Ladder:
    return ladder(names or CLASSES, within or snapshot(), STRICT)[0]


def strongest(on: Ladder, **spec: Any) -> str | None:
    obstacles = fit(pod_view(pod(**spec)), on).obstacles
    return next((s.name for s, o in zip(on.steps, obstacles, strict=True) if o is None), None)


def test_a_pod_that_needs_nothing_suits_the_strongest_class() -> None:
    assert strongest(climbed()) == "gvisor"


def test_a_pod_on_the_nodes_network_suits_only_the_nodes_kernel() -> None:
    found = fit(pod_view(pod(hostNetwork=True)), climbed())
    assert [o.reason if o else None for o in found.obstacles] == [
        "RuntimeIncompatible", "RuntimeIncompatible", None,
    ]  # fmt: skip


def test_what_only_a_newer_release_can_do_names_that_release() -> None:
    old = inventory(gvisor=profile("gvisor", "20240729.0"), kata_qemu=profile("kata", "4.1.0"))
    obstacle = fit(pod_view(pod(hostPID=True)), climbed(snapshot(old))).obstacles[0]
    assert obstacle is not None
    assert str(obstacle.solved_by) == "20260817.0"
    assert sentence(obstacle, climbed(snapshot(old)).steps[0]).startswith(
        "gvisor: cannot run this pod: hostPID is not supported; not on 20260817.0 ["
    )


def test_degraded_keeps_from_a_class_unless_it_is_accepted() -> None:
    spec: dict[str, Any] = {"containers": [container(securityContext={"privileged": True})]}
    assert strongest(climbed(), **spec) == "kata-qemu"
    lenient = actions_for(accept_degraded=True, refuse_unknown=False)
    assert strongest(ladder(CLASSES, snapshot(), lenient)[0], **spec) == "gvisor"


def test_unknown_keeps_from_a_class_only_where_it_is_refused() -> None:
    spec: dict[str, Any] = {"hostUsers": False}
    assert strongest(climbed(), **spec) == "gvisor"
    wary = actions_for(accept_degraded=False, refuse_unknown=True)
    assert wary[Verdict.UNKNOWN] is Action.DENY
    assert strongest(ladder(CLASSES, snapshot(), wary)[0], **spec) is None


def test_a_ladder_that_only_isolates_ends_with_no_class() -> None:
    assert [(s.name, s.runtime_class) for s in climbed(None, "gvisor").steps] == [
        ("gvisor", "gvisor"), ("no class", None),
    ]  # fmt: skip


def test_runc_is_no_class_where_the_cluster_has_none_of_that_name() -> None:
    none = ClusterView(runtime_classes={})
    assert climbed(snapshot(cluster=none)).steps[2].runtime_class is None
    view = RuntimeClassView(name="runc", handler=Handler("runc"))
    there = ClusterView(runtime_classes={"runc": view})
    assert climbed(snapshot(cluster=there)).steps[2].runtime_class == "runc"


def test_a_class_that_the_cluster_lacks_is_planned_as_if_it_were_there() -> None:
    on = climbed(snapshot(cluster=ClusterView(runtime_classes={})))
    assert (on.steps[0].present, strongest(on)) == (False, "gvisor")


def test_a_class_that_means_another_handler_suits_nothing() -> None:
    view = RuntimeClassView(name="gvisor", handler=Handler("runc"))
    on = climbed(snapshot(cluster=ClusterView(runtime_classes={"gvisor": view})))
    assert strongest(on) == "kata-qemu"


def test_a_class_that_none_of_its_nodes_offers_does_not_suit_a_pod() -> None:
    view = RuntimeClassView(name="gvisor", handler=Handler("runsc"))
    nodes = Nodes([
        node("a", "runsc", labels={"disk": "ssd"}), node("b", "runc", labels={"disk": "hdd"}),
    ])  # fmt: skip
    on = climbed(snapshot(cluster=ClusterView(runtime_classes={"gvisor": view}, nodes=nodes)))
    obstacle = fit(pod_view(pod(nodeSelector={"disk": "hdd"})), on).obstacles[0]
    assert obstacle is not None
    assert (obstacle.reason, obstacle.refuses) == (NOT_OFFERED, False)
    assert strongest(on, nodeSelector={"disk": "ssd"}) == "gvisor"


def test_a_class_that_no_node_offers_yet_is_to_be_installed_and_keeps_nothing_away() -> None:
    cluster = ClusterView(runtime_classes={}, nodes=Nodes([node("a", "runc")]))
    on = climbed(snapshot(cluster=cluster))
    assert (on.steps[0].offered, strongest(on)) == (False, "gvisor")


def test_without_an_inventory_what_is_assumed_is_said() -> None:
    _, said = ladder(CLASSES, snapshot(Inventory()), STRICT)
    assert said == (
        "gvisor is gVisor 20260817.0, the newest that the table knows (handler runsc)",
        "kata-qemu is Kata Containers 4.1.0, the newest that the table knows (handler kata-qemu)",
        "a pod without a class runs on runc, release unknown",
    )


def test_with_an_inventory_nothing_is_assumed() -> None:
    assert ladder(CLASSES, snapshot(), STRICT)[1] == ()


@pytest.mark.parametrize(
    ("name", "handler", "runtime", "hypervisor", "vendor"),
    [
        ("gvisor", "runsc", "gvisor", None, None),
        ("gvisor", "gvisor", "gvisor", None, "gke"),
        ("sandboxed", "kata-clh", "kata", "clh", None),
        ("kata", None, "kata", "qemu", None),
        ("kata-fc", None, "kata", "fc", None),
        ("gvisor", "runc", "runc", None, None),
        ("nvidia", None, "nvidia", None, None),
        ("mystery", "mystery", "other", None, None),
    ],
)
def test_a_handler_says_more_than_a_name(
    name: str, handler: str | None, runtime: str, hypervisor: str | None, vendor: str | None
) -> None:
    found = assumed_class(name, Handler(handler) if handler else None, TABLE).profile
    assert (found.runtime, found.hypervisor, found.vendor) == (runtime, hypervisor, vendor)


def test_the_release_of_a_class_that_is_there_is_not_guessed() -> None:
    assert assumed_class("gvisor", Handler("runsc"), TABLE).profile.versions == ()


def known_as(**handlers: str) -> Snapshot:
    """A cluster of which only these classes are known, ``a_b=`` is ``a-b``, by their handlers."""
    views = {
        name.replace("_", "-"): RuntimeClassView(
            name=name.replace("_", "-"), handler=Handler(handler)
        )
        for name, handler in handlers.items()
    }
    return snapshot(Inventory(), ClusterView(runtime_classes=views))


def test_a_class_that_is_there_is_what_its_handler_says() -> None:
    on = climbed(known_as(sandboxed="runsc", strong="kata-clh", plain="runc"), "sandboxed")
    assert on.steps[0].profile.runtime == "gvisor"
    assert [on.isolated_by(name) for name in ("strong", "plain")] == [True, False]


def test_a_class_that_is_not_there_isolates_nothing_where_the_classes_are_known() -> None:
    assert not climbed(known_as(runc="runc"), "runc").isolated_by("kata-fc")
    assert climbed(snapshot(Inventory()), "runc").isolated_by("kata-fc")


def test_runc_is_a_class_where_the_inventory_says_so_and_the_cluster_nothing() -> None:
    assert climbed().steps[2].runtime_class == "runc"
    assert climbed(snapshot(Inventory()), "runc").steps[0].runtime_class is None


def test_where_nothing_is_known_of_nodes_every_class_is_offered() -> None:
    assert all(step.offered for step in climbed().steps)


@pytest.mark.parametrize(
    ("releases", "newer"),
    [
        (("20260817.0",), None),
        (("20240729.0",), "20260817.0"),
        (("20240729.0", "20260817.0"), "20260817.0"),
        ((), "20260817.0"),
    ],
    ids=["newest", "old", "in an upgrade", "undeclared"],
)
def test_the_newest_release_is_newer_than_the_oldest_that_runs(
    releases: tuple[str, ...], newer: str | None
) -> None:
    on = climbed(snapshot(inventory(gvisor=profile("gvisor", *releases))), "gvisor")
    assert on.steps[0].newer == (parse_version(newer) if newer else None)


def test_a_class_that_a_pod_names_is_judged_as_what_it_is_assumed_to_be() -> None:
    on = climbed(snapshot(Inventory()), "runc")
    found = fit(pod_view(pod(runtimeClassName="gvisor", hostNetwork=True)), on)
    assert found.refused_there == {Verdict.INCOMPATIBLE}


def test_what_only_warns_would_not_have_to_be_let_pass() -> None:
    on, _ = ladder(CLASSES, snapshot(), actions_for(accept_degraded=True, refuse_unknown=False))
    found = fit(pod_view(pod(runtimeClassName="gvisor", hostNetwork=True, hostPID=True)), on)
    assert found.refused_there == {Verdict.INCOMPATIBLE}


def test_a_pod_that_is_too_large_to_judge_would_have_to_be_let_pass_in_everything() -> None:
    many = [container(f"c{n}") for n in range(1_001)]
    found = fit(pod_view(pod(containers=many, runtimeClassName="gvisor")), climbed())
    assert found.refused_there == frozenset(Verdict) - {Verdict.COMPATIBLE}


def test_a_newer_release_that_does_not_do_either_is_not_named() -> None:
    old = inventory(gvisor=profile("gvisor", "20240729.0"))
    obstacle = fit(pod_view(pod(hostNetwork=True)), climbed(snapshot(old), "gvisor")).obstacles[0]
    assert obstacle is not None
    assert obstacle.solved_by is None


def test_annotations_that_reconfigure_the_sandbox_are_told_and_keep_from_no_class() -> None:
    found = fit(pod_view(pod(annotations={"dev.gvisor.spec.mount.x": "y"})), climbed())
    assert found.obstacles[0] is None
    assert len(found.annotations) == 1


def test_a_sentence_counts_the_other_causes_and_shows_a_source_on_one_line() -> None:
    hostile = Evidence(kind="source", source="x\n\x1b[31m" + "y" * 200, date="2026-01-01")
    rows = CompatTable(facts=[fact("pod:hostNetwork", evidence=(hostile,)), fact("pod:hostIPC")])
    on = climbed(replace(snapshot(), compat=rows), "gvisor")
    obstacle = fit(pod_view(pod(hostNetwork=True, hostIPC=True)), on).obstacles[0]
    assert obstacle is not None
    said = sentence(obstacle, on.steps[0])
    assert ", and 1 more cause" in said
    assert said.isprintable()
    assert len(said) < 400
