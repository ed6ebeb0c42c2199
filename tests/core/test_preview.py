"""What a namespace's move to another policy would mean to the pods that run in it."""

from dataclasses import replace
from typing import Any

import pytest

from tests.build import classes, fact, pod, policy, rules, snapshot, table
from webhook.core.cluster import ClusterView, NamespaceView
from webhook.core.names import ASSIGNED_BY, MIRROR_POD, NAMESPACE_DEFAULT, Mode
from webhook.core.policy import LabelSelector, NamespaceSelector, Policy
from webhook.core.preview import (
    MOST_PODS,
    ExistingPod,
    ExistingPods,
    needs_pods,
    needs_preview,
    preview,
    view_existing,
)
from webhook.core.snapshot import Snapshot

BEFORE = NamespaceView(name="shop")
AFTER = NamespaceView(name="shop", labels={"tier": "strict"})


def strict(**fields: Any) -> Policy:
    chosen = NamespaceSelector(selector=LabelSelector(match_labels={"tier": "strict"}))
    return policy("strict", namespaces=chosen, priority=200, governs=rules(**fields))


LAX = policy("lax", "*", governs=rules(classes("runc", "*")))
FACTS = table(fact("pod:hostNetwork"))


def of(*policies: Policy, **fields: Any) -> Snapshot:
    return snapshot(*(policies or (LAX, strict())), compat=FACTS, **fields)


def running(name: str = "web", controller: str = "", **tweak: Any) -> ExistingPod:
    obj = pod(name=name, **tweak)
    if controller:
        owners = [{"uid": "other"}, {"uid": controller, "controller": True}]
        obj["metadata"]["ownerReferences"] = owners
    found = view_existing(obj, "shop")
    assert found is not None
    return found


def seen(*pods: ExistingPod, by: Snapshot | None = None, **fields: Any) -> tuple[str, ...]:
    return preview(ExistingPods(pods=pods, **fields), BEFORE, AFTER, by or of())


def test_pods_that_would_be_refused_are_grouped_by_cause_with_the_names_of_a_few() -> None:
    pods = [running(f"web-{n}", hostNetwork=True) for n in range(5)]
    assert seen(*pods, running("ok", runtimeClassName="gvisor")) == (
        (
            "namespace shop moves from policy lax to policy strict: of 6 running pods, if made "
            "anew, 5 would be refused"
        ),
        (
            "web-0, web-1, web-2 and 2 more: RuntimeClass gvisor cannot run this pod: hostNetwork "
            "is not supported"
        ),
    )


def test_pods_that_would_get_another_class_are_named() -> None:
    assigned = {ASSIGNED_BY: "lax"}
    assert seen(
        running("a", annotations=assigned, runtimeClassName="runc"),
        running("b"),
        running("c", hostNetwork=True),
    ) == (
        (
            "namespace shop moves from policy lax to policy strict: of 3 running pods, if made "
            "anew, 1 would be refused and 2 would get another class"
        ),
        "c: RuntimeClass gvisor cannot run this pod: hostNetwork is not supported",
        "a: RuntimeClass gvisor instead of RuntimeClass runc",
        "b: RuntimeClass gvisor instead of no RuntimeClass",
    )


def test_a_class_that_a_pod_asked_for_itself_stays_its_own() -> None:
    lines = seen(running(runtimeClassName="runc"))
    assert lines[1] == (
        "web: RuntimeClass runc is not allowed in namespace shop; allowed: gvisor, kata-*"
    )


def test_where_nothing_would_become_of_them_that_is_said() -> None:
    assert seen(running(runtimeClassName="gvisor")) == (
        (
            "namespace shop moves from policy lax to policy strict: of 1 running pod none would be "
            "refused or get another class if made anew"
        ),
    )


def test_an_empty_namespace_moves_in_silence() -> None:
    assert seen() == ()


@pytest.mark.parametrize("mode", [Mode.WARN, Mode.AUDIT])
def test_a_policy_that_is_only_tried_out_says_so(mode: Mode) -> None:
    lines = seen(running(hostNetwork=True), by=of(LAX, strict(mode=mode)))
    assert lines[0] == (
        f"namespace shop moves from policy lax to policy strict (mode {mode}, which refuses and "
        "assigns nothing): of 1 running pod, if made anew, 1 would be refused"
    )
    assert len(lines) == 2


def test_why_pods_were_not_looked_at_is_said() -> None:
    assert seen(problem="forbidden") == (
        (
            "namespace shop moves from policy lax to policy strict; existing pods were not looked "
            "at: forbidden"
        ),
    )
    assert seen(whole=False) == (
        ("namespace shop moves from policy lax to policy strict; existing pods were not looked at"),
    )


def test_one_pod_of_each_controller_goes_first_when_the_time_is_short() -> None:
    left = iter([True, True, False])
    lines = seen(
        running("a-1", "a", hostNetwork=True),
        running("a-2", "a", hostNetwork=True),
        running("b-1", "b", hostNetwork=True),
        may_go_on=lambda: next(left),
    )
    assert lines[1:] == (
        "only the first 2 of its pods were looked at",
        "a-1, b-1: RuntimeClass gvisor cannot run this pod: hostNetwork is not supported",
    )


def test_no_more_than_so_many_pods_are_looked_at() -> None:
    lines = seen(*[running(runtimeClassName="gvisor")] * (MOST_PODS + 1))
    assert lines[1] == "only the first 3000 of its pods were looked at"


def test_of_many_causes_the_first_are_told() -> None:
    pods = [running(f"p{n}", runtimeClassName=f"x{n}") for n in range(10)]
    lines = seen(*pods)
    assert (len(lines), lines[-1]) == (10, "and pods for 2 more causes")


def test_a_namespace_that_leaves_all_policies_is_told_without_a_look_at_its_pods() -> None:
    by = of(strict())
    assert preview(ExistingPods(), AFTER, BEFORE, by) == (
        "namespace shop moves from policy strict to no policy: its pods are not judged any more",
    )
    assert (needs_pods(BEFORE, by), needs_pods(AFTER, by)) == (False, True)
    assert seen(running(), by=by)[0].startswith("namespace shop moves from no policy to policy str")


def test_another_choice_of_the_default_class_within_a_policy_is_previewed() -> None:
    chooses = classes("gvisor", "gvisor", "kata-qemu", namespace_default=True)
    by = of(policy("own", "shop", governs=rules(chooses)))
    after = replace(BEFORE, annotations={NAMESPACE_DEFAULT: "kata-qemu"})
    assert needs_preview(BEFORE, after, by)
    assigned = running(annotations={ASSIGNED_BY: "own"}, runtimeClassName="gvisor")
    assert preview(ExistingPods(pods=(assigned,)), BEFORE, after, by) == (
        (
            "namespace shop chooses another class within policy own: of 1 running pod, if made "
            "anew, 1 would get another class"
        ),
        "web: RuntimeClass kata-qemu instead of RuntimeClass gvisor",
    )


def test_a_change_that_no_policy_looks_at_needs_no_preview() -> None:
    chosen = replace(BEFORE, annotations={NAMESPACE_DEFAULT: "kata-qemu"})
    assert not needs_preview(BEFORE, replace(BEFORE, labels={"team": "x"}), of())
    assert not needs_preview(BEFORE, chosen, of())
    assert needs_preview(BEFORE, AFTER, of())
    excluded = replace(of(), excluded_namespaces=frozenset({"shop"}))
    assert not needs_preview(BEFORE, AFTER, excluded)
    assert not needs_preview(BEFORE, replace(BEFORE, labels={"x": "y"}), of(strict()))


def test_a_mirror_pod_is_judged_as_one() -> None:
    static = running(annotations={MIRROR_POD: "x"}, nodeName="n1", hostNetwork=True)
    assert "none would be refused" in seen(static)[0]


@pytest.mark.parametrize(
    "tweak",
    [
        {"status": {"phase": "Succeeded"}},
        {"status": {"phase": "Failed"}},
        {"metadata": {"name": "x", "deletionTimestamp": "2026-11-26T00:00:00Z"}},
        {"spec": None},
    ],
)
def test_a_pod_that_has_ended_or_cannot_be_read_does_not_count(tweak: dict[str, Any]) -> None:
    assert view_existing({**pod(), **tweak}, "shop") is None


def test_the_other_namespaces_of_the_cluster_stay_as_they_are() -> None:
    cluster = ClusterView(namespaces={"shop": BEFORE}, live=True)
    by = of(cluster=cluster)
    assert seen(running(hostNetwork=True), by=by)
    assert by.cluster.namespaces == {"shop": BEFORE}
