"""What becomes of a pod's needs on the nodes where it may land."""

from typing import Any

import pytest

from tests.build import TODAY, cluster, fact, node, pod, pod_view, profile, table
from webhook.core.compat import CompatTable, Conditions
from webhook.core.names import Support, Verdict
from webhook.core.needs import Finding, needs_of
from webhook.core.nodes import NodeView
from webhook.core.placement import placement_of
from webhook.core.there import There, concerns_there

USER_NAMESPACES = "pod:hostUsers/false"
ON_ARM = Conditions(arch=frozenset({"arm64"}))
NEEDS_BPF: Any = {"annotations": {"runtimegate.dev/needs": "syscall:bpf"}}
AMD, ARM = {"kubernetes.io/arch": "amd64"}, {"kubernetes.io/arch": "arm64"}


def concerns(
    obj: Any, rows: CompatTable, *nodes: NodeView, runtime: str = "gvisor"
) -> tuple[Finding, ...]:
    view = pod_view(obj)
    placement = placement_of(view)
    there = There(placement=placement, landing=cluster(*nodes).landing("gvisor", placement))
    release = "20260817.0" if runtime == "gvisor" else "1.3.0"
    return concerns_there(needs_of(view, rows), profile(runtime, release), there, rows, TODAY)


def told(
    *features: tuple[bool | None, bool | None],
    table_says: Support = Support.ABSENT,
    runtime: str = "gvisor",
) -> list[tuple[Verdict, str]]:
    """Verdict and summary on ``hostUsers: false``, with a node for each of ``features``."""
    nodes = [node(f"n{i}", "runsc", features=each) for i, each in enumerate(features)]
    rows = table(fact(USER_NAMESPACES, table_says, runtime=runtime, summary="of the table"))
    return [
        (f.verdict, f.fact.summary if f.fact else "")
        for f in concerns(pod(hostUsers=False), rows, *nodes, runtime=runtime)
    ]


YES, NO = (True, None), (False, None)


def test_nodes_that_offer_user_namespaces_are_believed_of_a_runtime_on_their_own_kernel() -> None:
    assert told(YES, YES, runtime="runc") == []


def test_a_sandbox_of_which_nodes_say_yes_is_what_the_table_says() -> None:
    assert told(YES) == [(Verdict.INCOMPATIBLE, "of the table")]
    assert told(YES, table_says=Support.FULL) == []


@pytest.mark.parametrize("runtime", ["gvisor", "runc"])
def test_nodes_that_lack_user_namespaces_are_believed_before_the_table(runtime: str) -> None:
    summary = "no node that fits offers user namespaces with it"
    said = told(NO, table_says=Support.FULL, runtime=runtime)
    assert said == [(Verdict.INCOMPATIBLE, summary)]


def test_where_only_some_nodes_offer_it_nobody_knows() -> None:
    summary = "only some nodes offer user namespaces with it"
    assert told(YES, NO, table_says=Support.FULL) == [(Verdict.UNKNOWN, summary)]


@pytest.mark.parametrize("features", [((None, True),), (YES, (None, None)), ()])
def test_where_a_node_says_nothing_the_table_answers(features: Any) -> None:
    assert told(*features) == [(Verdict.INCOMPATIBLE, "of the table")]


def test_what_nodes_say_names_them_as_its_evidence() -> None:
    rows = table(fact(USER_NAMESPACES, Support.FULL))
    (finding,) = concerns(pod(hostUsers=False), rows, node("a", "runsc", features=NO))
    (evidence,) = finding.evidence
    assert (evidence.kind, evidence.source, evidence.date) == (
        "measured", "status.runtimeHandlers of 1 node", TODAY.isoformat(),
    )  # fmt: skip


def test_on_nodes_of_several_architectures_the_worst_counts_and_is_named() -> None:
    rows = table(fact("syscall:bpf", Support.FULL), fact("syscall:bpf", when=ON_ARM))
    both = (node("a", "runsc", labels=AMD), node("b", "runsc", labels=ARM))
    (finding,) = concerns(pod(**NEEDS_BPF), rows, *both)
    assert (finding.verdict, finding.arch) == (Verdict.INCOMPATIBLE, "arm64")


def test_a_finding_of_every_architecture_is_one_and_names_none() -> None:
    rows = table(fact("syscall:bpf"))
    both = (node("a", "runsc", labels=AMD), node("b", "runsc", labels=ARM))
    (finding,) = concerns(pod(**NEEDS_BPF), rows, *both)
    assert (finding.verdict, finding.arch) == (Verdict.INCOMPATIBLE, "")


def test_a_verdict_that_differs_by_architecture_is_the_worse() -> None:
    rows = table(fact("syscall:bpf", Support.PARTIAL), fact("syscall:bpf", when=ON_ARM))
    both = (node("a", "runsc", labels=AMD), node("b", "runsc", labels=ARM))
    (finding,) = concerns(pod(**NEEDS_BPF), rows, *both)
    assert (finding.verdict, finding.arch) == (Verdict.INCOMPATIBLE, "arm64")


def test_the_architecture_of_the_nodes_that_fit_goes_before_the_inventorys() -> None:
    rows = table(fact("syscall:bpf", Support.FULL), fact("syscall:bpf", when=ON_ARM))
    (finding,) = concerns(pod(**NEEDS_BPF), rows, node("b", "runsc", labels=ARM))
    assert (finding.verdict, finding.arch) == (Verdict.INCOMPATIBLE, "")


def test_without_nodes_the_architecture_is_the_one_that_the_pod_asks_for() -> None:
    rows = table(fact("syscall:bpf", Support.FULL), fact("syscall:bpf", when=ON_ARM))
    assert concerns(pod(**NEEDS_BPF), rows) == ()
    (finding,) = concerns(pod(nodeSelector=ARM, **NEEDS_BPF), rows)
    assert finding.verdict is Verdict.INCOMPATIBLE
