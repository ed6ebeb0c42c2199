"""What holds of every plan: whatever runs, a draft lints clean and refuses none of it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.build import TODAY, inventory, node, profile
from tests.laws.strategies import raw_pods, tables
from webhook.cli.plan_draft import snapshot_under
from webhook.core.anew import by_its_maker, made_anew
from webhook.core.census import is_over
from webhook.core.cluster import ClusterView, RuntimeClassView
from webhook.core.decision import Assign, Deny, Keep, decide
from webhook.core.drafting import Draft, draft, inevitable
from webhook.core.isolation import Ladder, actions_for, ladder
from webhook.core.names import Handler
from webhook.core.nodes import Nodes
from webhook.core.pod import PodView, view_pod
from webhook.core.policy import PolicySet
from webhook.core.runtimes import Inventory
from webhook.core.snapshot import Snapshot
from webhook.core.survey import Survey
from webhook.core.workload import pod_templates
from webhook.documents.drafted import About, drafted_files
from webhook.documents.folder import load_policies
from webhook.documents.lint import lint
from webhook.live.shipped import shipped

Thing = tuple[dict[str, Any], str]

namespaces = st.sampled_from(["tenant-a", "tenant-b", "inventory", "kube-system", "*", "no such"])
names = st.sampled_from(["web", "db", "agent", "*", "x" * 70, "Ünï\n# c"])
owners = st.sampled_from([
    {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "controller": True},
    {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": True},
    {"apiVersion": "batch/v1", "kind": "Job", "name": "web", "controller": True},
    {"apiVersion": "x/v1", "kind": "*", "name": "web", "controller": True},
])  # fmt: skip
ladders = st.sampled_from([
    ("gvisor", "kata-qemu", "runc"), ("kata-qemu", "gvisor"), ("gvisor", "runc"), ("kata-clh",),
])  # fmt: skip
inventories = st.sampled_from([
    Inventory(),
    inventory(),
    inventory(gvisor=profile("gvisor", "20181030.0", handler="runsc")),
    inventory(gvisor=profile("gvisor"), runc=profile("runc", "1.3.0")),
])  # fmt: skip
clusters = st.sampled_from([
    ClusterView(),
    ClusterView(runtime_classes={}),
    ClusterView(
        runtime_classes={
            "gvisor": RuntimeClassView(name="gvisor", handler=Handler("runsc")),
            "runc": RuntimeClassView(name="runc", handler=Handler("runc")),
        },
        nodes=Nodes([node("worker-1", "runsc", "runc"), node("worker-2", "runc")]),
    ),
])  # fmt: skip
snapshots = st.builds(
    lambda known, table, cluster: Snapshot(
        policies=PolicySet(), inventory=known, compat=table, cluster=cluster, today=TODAY
    ),
    inventories,
    tables(),
    clusters,
)


def things() -> st.SearchStrategy[Thing]:
    """An object that is or makes pods, and its namespace."""
    return st.tuples(
        st.builds(_thing, raw_pods(), names, st.none() | owners, st.integers(0, 4)), namespaces
    )


def _thing(pod: dict[str, Any], name: str, owner: Any, die: int) -> dict[str, Any]:
    metadata = {"name": name, **({"ownerReferences": [owner]} if owner else {})}
    if die > 1:
        written = pod.get("metadata")
        return {**pod, "metadata": {**(written if isinstance(written, dict) else {}), **metadata}}
    kind = ("ReplicaSet", "Deployment")[die]
    template = {"spec": pod["spec"], "metadata": pod.get("metadata")}
    return {
        "apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": {"template": template},
    }  # fmt: skip


def pods_of(thing: Thing) -> list[PodView]:
    """The pods of an object."""
    obj, namespace = thing
    if obj["kind"] == "Pod":
        return [view_pod(obj["spec"], obj.get("metadata"), namespace=namespace)]
    return list(pod_templates(obj, namespace=namespace))


def drafted(found: Sequence[Thing], climbed: Ladder) -> tuple[Draft, dict[str, str]]:
    """The draft for these objects, and its files."""
    survey = Survey(ladder=climbed)
    for thing in found:
        survey.add(thing[0], thing[1])
    made = draft(survey.workloads(), climbed, whole=True)
    return made, drafted_files(made, About(origin="x\n- y: *z", today=TODAY))


@given(st.lists(things(), max_size=5), snapshots, ladders, st.booleans(), st.booleans())
def test_a_draft_lints_clean_and_refuses_nothing_that_is_there(
    found: list[Thing], within: Snapshot, classes: tuple[str, ...], degraded: bool, unknown: bool
) -> None:
    actions = actions_for(accept_degraded=degraded, refuse_unknown=unknown)
    climbed, _ = ladder(classes, within, actions)
    made, files = drafted(found, climbed)
    loaded = load_policies([(n, t.encode()) for n, t in files.items()], shipped())
    assert [str(w) for w in lint(loaded, TODAY)] == []
    under = replace(snapshot_under(loaded, made, TODAY), compat=within.compat)
    for thing in found:
        if not is_over(thing[0]):
            for pod in pods_of(thing):
                _holds(made_anew(pod, under.cluster), under, climbed)


def _holds(pod: PodView, under: Snapshot, climbed: Ladder) -> None:
    decision = decide(pod, by_its_maker(pod), under)
    if isinstance(decision, Deny):
        assert inevitable(pod, decision), decision.message
        return
    if decision.grounds.policy is None:
        return
    runs_on = decision.runtime_class if isinstance(decision, Assign) else pod.runtime_class_name
    if runs_on not in climbed.isolating:
        # Nothing gets onto the node's kernel without an override that names it.
        assert decision.grounds.override is not None
    assert not (isinstance(decision, Keep) and decision.would)


@given(st.lists(things(), max_size=4), snapshots, st.randoms(use_true_random=False))
def test_a_draft_is_the_same_in_whatever_order_its_objects_come(
    found: list[Thing], within: Snapshot, random: Any
) -> None:
    actions = actions_for(accept_degraded=False, refuse_unknown=False)
    climbed, _ = ladder(("gvisor", "kata-qemu", "runc"), within, actions)
    _, first = drafted(found, climbed)
    shuffled = [*found]
    random.shuffle(shuffled)
    _, second = drafted(shuffled, climbed)
    assert first == second
