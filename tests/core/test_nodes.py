"""What is read of Nodes, and on which of them a pod may land."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.build import node
from webhook.core.names import Handler
from webhook.core.nodes import HandlerView, Landing, Nodes, NodeView, Told, view_node
from webhook.core.placement import ANYWHERE, LabelCondition, Placement, Taint, Term, Toleration

RUNSC = Handler("runsc")
SANDBOX = Taint(key="sandbox", value="gvisor")
GONE = Taint(key="gone", effect="NoExecute")


def landing(*nodes: NodeView, placement: Placement = ANYWHERE, **scheduling: Any) -> Landing:
    within, tolerations = scheduling.get("within", {}), scheduling.get("tolerations", ())
    return Nodes(nodes).landing(RUNSC, within, tolerations, placement)


def test_a_node_is_read() -> None:
    view = view_node(
        {
            "metadata": {"name": "worker-1", "labels": {"kubernetes.io/arch": "arm64"}},
            "spec": {"taints": [{"key": "sandbox", "value": "gvisor", "effect": "NoSchedule"}]},
            "status": {
                "conditions": [
                    {"type": "DiskPressure", "status": "False"},
                    {"type": "Ready", "status": "True"},
                ],
                "runtimeHandlers": [
                    {"name": ""},
                    {"name": "runsc", "features": {"userNamespaces": True}},
                ],
            },
        }
    )
    assert view == NodeView(
        name="worker-1",
        labels={"kubernetes.io/arch": "arm64"},
        ready=True,
        handlers=frozenset(
            {HandlerView(name=Handler("")), HandlerView(name=RUNSC, features=(True, None))}
        ),
        taints=(SANDBOX,),
    )


@pytest.mark.parametrize("status", ["False", "Unknown", None])
def test_a_node_is_ready_only_when_it_says_so(status: str | None) -> None:
    pressed = {"type": "MemoryPressure", "status": "True"}
    conditions = [pressed, {"type": "Ready", "status": status}]
    assert not view_node({"status": {"conditions": conditions}}).ready


@pytest.mark.parametrize("handlers", [None, [], "runsc"])
def test_a_node_that_reports_no_handlers_is_not_known_to_lack_one(handlers: object) -> None:
    assert view_node({"status": {"runtimeHandlers": handlers}}).handlers is None


@pytest.mark.parametrize("obj", [{}, {"metadata": None}, {"metadata": [], "status": 5, "spec": 3}])
def test_an_object_without_its_parts_is_read_as_empty(obj: dict[str, Any]) -> None:
    assert view_node(obj) == NodeView(name="")


def test_a_pod_lands_on_a_ready_node_with_its_handler() -> None:
    assert landing(node("a", "runc"), node("b", "runsc"))


def test_a_pod_does_not_land_where_no_node_has_its_handler() -> None:
    assert not landing(node("a", "runc"))


def test_a_node_that_is_not_ready_takes_nothing() -> None:
    assert not landing(node("a", "runsc", ready=False))


def test_a_node_that_reports_no_handlers_may_have_any() -> None:
    assert landing(node("a"))


def test_the_classs_scheduling_must_fit_the_node() -> None:
    fitting = {"sandbox": "gvisor"}
    assert not landing(node("a", "runsc"), within=fitting)
    assert landing(node("a", "runsc", labels=fitting), within=fitting)


def test_a_taint_keeps_off_what_does_not_tolerate_it() -> None:
    tainted = node("a", "runsc", taints=[SANDBOX])
    tolerations = (Toleration(key="sandbox", operator="Exists"),)
    assert not landing(tainted)
    assert landing(tainted, placement=Placement(tolerations=tolerations))
    assert landing(tainted, tolerations=tolerations)


def test_a_pod_that_names_its_node_is_kept_off_by_no_execute_alone() -> None:
    named = Placement(node_name="a")
    assert landing(node("a", "runsc", taints=[SANDBOX]), placement=named)
    assert not landing(node("a", "runsc", taints=[GONE]), placement=named)
    assert not landing(node("b", "runsc"), placement=named)


def test_the_architectures_are_those_of_the_nodes_that_fit() -> None:
    nodes = (
        node("a", "runsc", labels={"kubernetes.io/arch": "arm64"}),
        node("b", "runsc", labels={"kubernetes.io/arch": "amd64"}),
        node("c", "runsc", labels={"kubernetes.io/arch": "s390x"}),
        node("d", "runsc"),
    )
    assert landing(*nodes).architectures == ("amd64", "arm64")
    assert landing(nodes[0], node("b", "runc", labels=nodes[1].labels)).architectures == ("arm64",)


def test_the_architecture_of_a_node_that_is_not_ready_counts_too() -> None:
    away = node("a", "runsc", ready=False, labels={"kubernetes.io/arch": "arm64"})
    assert landing(away).architectures == ("arm64",)


def test_what_nodes_tell_of_the_handler_is_counted() -> None:
    nodes = (
        node("a", "runsc", features=(True, False)),
        node("b", "runsc", features=(False, None)),
        node("c", "runc", features=(True, True)),
    )
    assert landing(*nodes).told_of("userNamespaces") == Told(having=1, lacking=1, silent=0)
    assert landing(*nodes).told_of("recursiveReadOnlyMounts") == Told(having=0, lacking=1, silent=1)


def test_what_is_told_by_nodes_that_do_not_fit_and_of_other_handlers_counts_for_nothing() -> None:
    here, there = {"zone": "a"}, {"zone": "b"}
    nodes = (
        node("a", "runsc", labels=here, features=(True, False)),
        node("b", "runsc", labels=there, features=(True, False)),
        node("c", "runsc", labels=there, features=(False, True)),
    )
    found = landing(*nodes, within=here)
    assert found.told_of("userNamespaces") == Told(having=1, lacking=0, silent=0)
    assert found.told_of("recursiveReadOnlyMounts") == Told(having=0, lacking=1, silent=0)
    runc = HandlerView(name=Handler("runc"), features=(True, False))
    both = NodeView(name="d", ready=True, handlers=frozenset({runc, HandlerView(name=RUNSC)}))
    assert landing(both).told_of("userNamespaces") == Told(having=0, lacking=0, silent=1)


def test_a_node_that_is_not_ready_still_tells_what_it_has() -> None:
    away = node("a", "runsc", ready=False, features=(True, None))
    assert landing(away).told_of("userNamespaces") == Told(having=1, lacking=0, silent=0)


def test_what_nodes_remember_does_not_make_them_others() -> None:
    used, fresh = Nodes([node("a", "runsc")]), Nodes([node("a", "runsc")])
    used.landing(RUNSC, {"x": "y"}, (), ANYWHERE)
    assert (used, hash(used), repr(used)) == (fresh, hash(fresh), repr(fresh))
    assert used != Nodes()
    assert used != Nodes([node("a", "runc")])
    assert [n.name for n in used] == ["a"]
    assert len(used) == 1


def test_a_label_that_no_node_has_costs_no_memory() -> None:
    nodes = Nodes([node("a", labels={"disk": "ssd"})])
    assert nodes.by_value("a-tenants") is nodes.by_value("another-tenants")


def on(key: str, operator: str, *values: str) -> LabelCondition:
    return LabelCondition(key=key, operator=operator, values=values)


def labels(*conditions: LabelCondition) -> Term:
    return Term(labels=conditions)


def names(*conditions: LabelCondition) -> Term:
    return Term(names=conditions)


@pytest.mark.parametrize(
    ("affinity", "fitting"),
    [
        ((labels(on("disk", "In", "ssd")),), "a"),
        ((labels(on("disk", "In", "ssd", "hdd")),), "ab"),
        ((labels(on("disk", "NotIn", "ssd")),), "bc"),
        ((labels(on("disk", "Exists")),), "ab"),
        ((labels(on("disk", "DoesNotExist")),), "c"),
        ((labels(on("size", "Gt", "7")),), "b"),
        ((labels(on("size", "Lt", "8")),), "a"),
        ((labels(on("size", "Later", "8")),), "abc"),
        ((labels(on("none-has-it", "In", "x")),), ""),
        ((labels(on("none-has-it", "NotIn", "x")),), "abc"),
        ((labels(on("none-has-it", "DoesNotExist")),), "abc"),
        ((labels(on("disk", "Exists"), on("size", "Gt", "7")),), "b"),
        ((labels(on("disk", "In", "ssd")), labels(on("disk", "In", "hdd"))), "ab"),
        ((names(on("metadata.name", "In", "a", "c", "gone")),), "ac"),
        ((names(on("metadata.name", "NotIn", "a")),), "bc"),
        ((names(on("metadata.name", "Later", "a")),), "abc"),
        ((names(on("metadata.other", "In", "a")),), "abc"),
        ((names(on("metadata.other", "NotIn", "a")),), "abc"),
        (
            (Term(labels=(on("disk", "In", "hdd"),), names=(on("metadata.name", "In", "a"),)),),
            "",
        ),
        ((Term(), labels(on("disk", "In", "ssd"))), "a"),
        ((Term(),), ""),
        ((), ""),
    ],
)
def test_the_required_affinity_fits_as_in_the_scheduler(
    affinity: tuple[Term, ...], fitting: str
) -> None:
    nodes = (
        node("a", labels={"disk": "ssd", "size": "7"}),
        node("b", labels={"disk": "hdd", "size": "12"}),
        node("c"),
    )
    found = landing(*nodes, placement=Placement(affinity=affinity))
    assert "".join(n.name for i, n in enumerate(nodes) if found.bits >> i & 1) == fitting


KEYS, VALUES = ("disk", "zone", "none-has-it"), ("ssd", "7", "12")
_conditions = st.builds(
    LabelCondition,
    key=st.sampled_from(KEYS),
    operator=st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Later"]),
    values=st.lists(st.sampled_from(VALUES), max_size=2).map(tuple),
)
_on_names = st.builds(
    LabelCondition,
    key=st.sampled_from(["metadata.name", "metadata.other"]),
    operator=st.sampled_from(["In", "NotIn", "Later"]),
    values=st.lists(st.sampled_from(["n0", "n2", "gone"]), max_size=2).map(tuple),
)
_terms = st.builds(
    Term,
    labels=st.lists(_conditions, max_size=2).map(tuple),
    names=st.lists(_on_names, max_size=1).map(tuple),
)
_tolerations = st.lists(
    st.builds(
        Toleration,
        key=st.sampled_from(["", "sandbox", "gone"]),
        operator=st.sampled_from(["Equal", "Exists"]),
        value=st.sampled_from(["", "gvisor"]),
        effect=st.sampled_from(["", "NoSchedule", "NoExecute"]),
    ),
    max_size=2,
).map(tuple)
_placements = st.builds(
    Placement,
    node_name=st.sampled_from(["", "", "n1", "gone"]),
    selector=st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=1).map(
        tuple
    ),
    affinity=st.none() | st.lists(_terms, max_size=2).map(tuple),
    tolerations=_tolerations,
)
_labels = st.dictionaries(st.sampled_from(KEYS[:2]), st.sampled_from(VALUES))
_nodes = st.lists(
    st.builds(
        lambda handlers, labels, taints, ready: (handlers, labels, taints, ready),
        st.lists(st.sampled_from(["runsc", "runc"]), max_size=2),
        _labels,
        st.lists(st.sampled_from([SANDBOX, GONE]), max_size=2),
        st.booleans(),
    ),
    max_size=5,
)


def _fits(view: NodeView, within: dict[str, str], placement: Placement) -> bool:
    """The same said node by node, as the scheduler and the kubelet do."""
    return (
        (view.handlers is None or RUNSC in {h.name for h in view.handlers})
        and all(view.labels.get(k) == v for k, v in (*within.items(), *placement.selector))
        and (not placement.node_name or placement.node_name == view.name)
        and (placement.affinity is None or any(_holds(term, view) for term in placement.affinity))
        and all(
            any(toleration.tolerates(taint) for toleration in placement.tolerations)
            for taint in view.taints
            if not (placement.node_name and taint.effect == "NoSchedule")
        )
    )


def _holds(term: Term, view: NodeView) -> bool:
    return (
        bool(term.labels or term.names)
        and all(c.holds(view.labels.get(c.key)) for c in term.labels)
        and all(c.key != "metadata.name" or c.holds(view.name) for c in term.names)
    )


@given(_nodes, _labels, _placements)
def test_the_nodes_found_at_once_are_those_found_one_by_one(
    drawn: list[Any], within: dict[str, str], placement: Placement
) -> None:
    nodes = [
        node(f"n{i}", *handlers, labels=labels, taints=taints, ready=ready)
        for i, (handlers, labels, taints, ready) in enumerate(drawn)
    ]
    found = Nodes(nodes).landing(RUNSC, within, (), placement)
    fitting = [n for n in nodes if _fits(n, within, placement)]
    assert [n for i, n in enumerate(nodes) if found.bits >> i & 1] == fitting
    assert bool(found) == any(n.ready for n in fitting)
