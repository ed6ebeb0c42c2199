"""Where a pod may run, as far as its author says."""

from typing import Any

import pytest

from tests.build import pod, pod_view
from tests.counted import Counted
from webhook.core.placement import (
    ANYWHERE,
    MOST_CONDITIONS,
    MOST_TOLERATIONS,
    LabelCondition,
    Placement,
    Taint,
    Term,
    Toleration,
    placement_of,
    view_taints,
)

SANDBOX = Taint(key="sandbox", value="gvisor")


def placed(**spec: Any) -> Placement | None:
    return placement_of(pod_view(pod(**spec)))


def affinity(*terms: dict[str, Any]) -> dict[str, Any]:
    return demanded([*terms])


def demanded(terms: list[dict[str, Any]]) -> dict[str, Any]:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    return {"nodeAffinity": required}


def on_arch(operator: str, *values: str) -> dict[str, Any]:
    condition = {"key": "kubernetes.io/arch", "operator": operator, "values": [*values]}
    return {"matchExpressions": [condition]}


def test_a_pod_that_says_nothing_may_run_anywhere() -> None:
    assert placed() is ANYWHERE


def test_what_the_api_server_adds_to_every_pod_says_nothing() -> None:
    added = [
        {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"},
        {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"},
    ]
    assert placed(tolerations=added) is ANYWHERE


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"nodeName": "n1"}, Placement(node_name="n1")),
        ({"nodeSelector": {"a": "b"}}, Placement(selector=(("a", "b"),))),
        (
            {"tolerations": [{"key": "sandbox", "value": "gvisor"}]},
            Placement(tolerations=(Toleration(key="sandbox", operator="Equal", value="gvisor"),)),
        ),
        ({"affinity": affinity()}, Placement(affinity=())),
    ],
)
def test_each_part_alone_says_where(spec: dict[str, Any], said: Placement) -> None:
    assert placed(**spec) == said


def test_selector_node_and_tolerations_are_read() -> None:
    found = placed(
        nodeSelector={"disk": "ssd", "a": "b"},
        nodeName="n1",
        tolerations=[{"key": "sandbox", "operator": "Exists"}],
    )
    assert found == Placement(
        node_name="n1",
        selector=(("a", "b"), ("disk", "ssd")),
        tolerations=(Toleration(key="sandbox", operator="Exists"),),
    )


def test_the_required_affinity_is_read() -> None:
    named = {"key": "metadata.name", "operator": "In", "values": ["n1"]}
    term = {"matchExpressions": [{"key": "gpu", "operator": "Exists"}], "matchFields": [named]}
    assert placed(affinity=affinity(term)) == Placement(
        affinity=(
            Term(
                labels=(LabelCondition(key="gpu", operator="Exists"),),
                names=(LabelCondition(key="metadata.name", operator="In", values=("n1",)),),
            ),
        )
    )


def test_a_preferred_affinity_demands_nothing() -> None:
    preferred = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}]}
    assert placed(affinity={"nodeAffinity": preferred}) is ANYWHERE


@pytest.mark.parametrize("junk", [None, 5, "x", [], {"nodeAffinity": 5}])
def test_an_affinity_that_is_none_demands_nothing(junk: object) -> None:
    assert placed(affinity=junk) is ANYWHERE


def test_a_pod_with_more_tolerations_than_any_has_is_not_judged() -> None:
    one = {"key": "a", "operator": "Exists"}
    assert placed(tolerations=[one] * MOST_TOLERATIONS) is not None
    assert placed(tolerations=[one] * (MOST_TOLERATIONS + 1)) is None


def test_a_pod_with_more_conditions_than_any_has_is_not_judged() -> None:
    assert placed(affinity=affinity(*[on_arch("Exists")] * MOST_CONDITIONS)) is not None
    assert placed(affinity=affinity(*[on_arch("Exists")] * (MOST_CONDITIONS + 1))) is None
    named = {"matchFields": on_arch("Exists")["matchExpressions"]}
    assert placed(affinity=affinity(*[named] * (MOST_CONDITIONS + 1))) is None


def test_conditions_are_counted_whichever_term_they_are_in() -> None:
    one = {"key": "metadata.name", "operator": "In", "values": ["n1"]}
    most = {"matchExpressions": [one] * (MOST_CONDITIONS - 2), "matchFields": [one]}
    assert placed(affinity=affinity(most, {"matchFields": [one]})) is not None
    assert placed(affinity=affinity(most, {"matchFields": [one, one]})) is None


def test_of_too_many_conditions_no_more_are_looked_at_than_show_it() -> None:
    terms = Counted([on_arch("Exists")] * 1_000)
    assert placed(affinity=demanded(terms)) is None
    assert terms.read == MOST_CONDITIONS + 1
    conditions = Counted(on_arch("Exists")["matchExpressions"] * 1_000)
    assert placed(affinity=affinity({"matchExpressions": conditions})) is None
    assert conditions.read == MOST_CONDITIONS + 1


def test_of_the_terms_that_never_hold_one_is_kept() -> None:
    none: dict[str, Any] = {"matchExpressions": []}
    found = placed(affinity=affinity({}, on_arch("Exists"), *[none] * 1_000))
    exists = LabelCondition(key="kubernetes.io/arch", operator="Exists")
    assert found == Placement(affinity=(Term(), Term(labels=(exists,))))
    assert placed(affinity=affinity(*[{}] * 1_000)) == Placement(affinity=(Term(),))


@pytest.mark.parametrize(
    "toleration",
    [
        Toleration(key="sandbox", value="gvisor"),
        Toleration(key="sandbox", operator="Exists"),
        Toleration(operator="Exists"),
        Toleration(key="sandbox", value="gvisor", effect="NoSchedule"),
        Toleration(key="sandbox", operator="Gt", value="1"),
    ],
)
def test_a_toleration_tolerates(toleration: Toleration) -> None:
    assert toleration.tolerates(SANDBOX)


@pytest.mark.parametrize(
    "toleration",
    [
        Toleration(key="sandbox", value="kata"),
        Toleration(key="other", operator="Exists"),
        Toleration(key="sandbox", operator="Exists", effect="NoExecute"),
        Toleration(value="gvisor"),
    ],
)
def test_a_toleration_of_something_else_does_not(toleration: Toleration) -> None:
    assert not toleration.tolerates(SANDBOX)


def test_a_taint_that_is_only_preferred_or_a_condition_of_the_moment_is_left_out() -> None:
    taints = [
        {"key": "sandbox", "value": "gvisor", "effect": "NoSchedule"},
        {"key": "gone", "effect": "NoExecute"},
        {"key": "soft", "effect": "PreferNoSchedule"},
        {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"},
    ]
    assert tuple(view_taints(taints)) == (SANDBOX, Taint(key="gone", effect="NoExecute"))


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        (LabelCondition(key="k", operator="In", values=("a", "b")), "b", True),
        (LabelCondition(key="k", operator="In", values=("a",)), None, False),
        (LabelCondition(key="k", operator="NotIn", values=("a",)), "a", False),
        (LabelCondition(key="k", operator="NotIn", values=("a",)), None, True),
        (LabelCondition(key="k", operator="Exists"), "a", True),
        (LabelCondition(key="k", operator="Exists"), None, False),
        (LabelCondition(key="k", operator="DoesNotExist"), None, True),
        (LabelCondition(key="k", operator="DoesNotExist"), "a", False),
        (LabelCondition(key="k", operator="Gt", values=("5",)), "6", True),
        (LabelCondition(key="k", operator="Gt", values=("5",)), "5", False),
        (LabelCondition(key="k", operator="Gt", values=("5", "6")), "7", False),
        (LabelCondition(key="k", operator="Gt", values=("-5",)), "-6", False),
        (LabelCondition(key="k", operator="Lt", values=("5",)), "4", True),
        (LabelCondition(key="k", operator="Lt", values=("5",)), "5", False),
        (LabelCondition(key="k", operator="Lt", values=("5",)), None, False),
        (LabelCondition(key="k", operator="Lt", values=("5",)), "four", False),
        (LabelCondition(key="k", operator="Lt", values=("9" * 400,)), "4", False),
        (LabelCondition(key="k", operator="Lt", values=("+5",)), "4", True),
        (LabelCondition(key="k", operator="Lt", values=("-+5",)), "-6", False),
        (LabelCondition(key="k", operator="Gt", values=("\u0664",)), "5", False),
        (LabelCondition(key="k", operator="Near", values=("5",)), "4", True),
    ],
)
def test_a_condition_holds_as_in_the_scheduler(
    condition: LabelCondition, value: str | None, holds: bool
) -> None:
    assert condition.holds(value) is holds


HAS_GPU = {"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}
HAS_SSD = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}


def both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {"matchExpressions": [*one["matchExpressions"], *other["matchExpressions"]]}


@pytest.mark.parametrize(
    ("spec", "architectures"),
    [
        ({}, ()),
        ({"nodeSelector": {"kubernetes.io/arch": "arm64"}}, ("arm64",)),
        ({"nodeSelector": {"kubernetes.io/arch": "s390x"}}, ()),
        ({"affinity": affinity(on_arch("In", "arm64"))}, ("arm64",)),
        ({"affinity": affinity(on_arch("In", "arm64", "amd64"))}, ("amd64", "arm64")),
        ({"affinity": affinity(on_arch("NotIn", "arm64"))}, ("amd64",)),
        ({"affinity": affinity(on_arch("In", "amd64"), on_arch("In", "arm64"))},
         ("amd64", "arm64")),
        ({"affinity": affinity(HAS_GPU)}, ()),
        ({"affinity": affinity(on_arch("In", "amd64"), HAS_GPU)}, ()),
        ({"affinity": affinity(both(on_arch("In", "arm64"), HAS_SSD))}, ("arm64",)),
        ({"nodeName": "n1"}, ()),
    ],
)  # fmt: skip
def test_the_architectures_that_a_pod_asks_for(
    spec: dict[str, Any], architectures: tuple[str, ...]
) -> None:
    found = placed(**spec)
    assert found is not None
    assert found.architectures == architectures
