"""Every warning there is, made of the longest and most hostile names: what the API server does to
longer ones (k8s.io/apiserver/pkg/endpoints/filters/warning.go) must happen to none of ours.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
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
    node,
    pod,
    pod_view,
    pods,
    policy,
    rules,
    snapshot,
    table,
)
from webhook.core.advice import advise
from webhook.core.cluster import NamespaceView
from webhook.core.decision import CREATE, decide
from webhook.core.messages import MOST_WARNINGS, WARNING_LIMIT, bounded
from webhook.core.names import Action, Mode, Strength, Support
from webhook.core.preview import MOST_GROUPS, ExistingPod, ExistingPods, preview
from webhook.core.snapshot import Snapshot

ITEM_RUNES = 256
TOTAL_RUNES = 4 * 1024
"""``truncateItemRunes`` and ``truncateAtTotalRunes`` of the API server, for one answer."""

ESCAPES = '\x1b[31m\u202e\U000e0001\\"' * 40
NAMES = {"long": "n" * 253, "words": "name " * 60, "escapes": ESCAPES, "wide": "数" * 253}
PAGE = Path(__file__).parents[2] / "docs" / "messages.md"

NEED = "syscall:sync_file_range"


def degraded(name: str, **governs: Any) -> Snapshot:
    postgres = application(needs=[(NEED, Strength.REQUIRED)])
    facts = (fact(NEED, Support.PARTIAL, summary=name), fact("*", Support.FULL, runtime="kata"))
    return snapshot(
        policy(governs=rules(classes("gvisor", "gvisor", "*"), **governs)),
        compat=table(*facts, applications=[postgres]),
    )


def said(obj: dict[str, Any], of: Snapshot) -> Iterator[str]:
    grounds = decide(pod_view(obj), CREATE, of).grounds
    yield from (*grounds.notices, *grounds.warnings)


def database(name: str) -> dict[str, Any]:
    return pod(containers=[container(name, "postgres")])


def of_a_finding(name: str) -> Iterator[str]:
    return said(database(name), degraded(name))


def of_mode_warn(name: str) -> Iterator[str]:
    denied = dict.fromkeys(rules().actions, Action.DENY)
    return said(database(name), degraded(name, mode=Mode.WARN, actions=denied))


def of_a_class_in_mode_warn(name: str) -> Iterator[str]:
    governs = rules(classes("gvisor", "gvisor"), mode=Mode.WARN)
    return said(pod(runtimeClassName=name), snapshot(policy(governs=governs)))


def of_an_assignment_in_mode_warn(name: str) -> Iterator[str]:
    return said(pod(), _chosen(name, Mode.WARN))


def of_an_assignment(name: str) -> Iterator[str]:
    return said(pod(), _chosen(name, Mode.ENFORCE))


def _chosen(name: str, mode: Mode) -> Snapshot:
    governs = rules(classes("gvisor", "*", namespace_default=True), mode=mode)
    annotations = {"runtimegate.dev/default-runtime-class": name}
    known = cluster(
        node("a", "runsc"),
        namespaces={"tenant-a": ({}, annotations)},
        handlers={"gvisor": "runsc", name: "x"},
    )
    return snapshot(policy(governs=governs), cluster=known)


def of_a_choice_that_is_not_allowed(name: str) -> Iterator[str]:
    governs = rules(classes("gvisor", "gvisor", namespace_default=True))
    annotations = {"runtimegate.dev/default-runtime-class": name}
    known = cluster(namespaces={"tenant-a": ({}, annotations)})
    return said(pod(), snapshot(policy(governs=governs), cluster=known))


def of_a_fallback(name: str) -> Iterator[str]:
    denied = dict.fromkeys(rules().actions, Action.DENY)
    of = degraded(name)
    governs = rules(classes("gvisor", "*", fallback=("kata-qemu",)), actions=denied)
    return said(database(name), snapshot(policy(governs=governs), compat=of.compat))


def of_a_need_that_is_none(name: str) -> Iterator[str]:
    return said(pod(annotations={"runtimegate.dev/needs": name}), snapshot())


def of_an_exemption_that_ended(name: str) -> Iterator[str]:
    called = name if name.isprintable() else "e"
    over = exemption(called, of=pods(), expires=TODAY - timedelta(days=1))
    over = replace(over, owner=name)
    return said(pod(), snapshot(policy(exemptions=[over])))


def of_a_workload(name: str) -> Iterator[str]:
    denied = dict.fromkeys(rules().actions, Action.DENY)
    for governs in ({"actions": denied}, {"actions": denied, "mode": Mode.WARN}, {}):
        template = {"metadata": {}, "spec": database(name)["spec"]}
        obj = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {"template": template},
        }
        of = degraded(name, **governs)
        yield from advise(obj, None, namespace="tenant-a", snapshot=of).grounds.warnings


def of_a_namespace_that_moves(name: str) -> Iterator[str]:
    denied = dict.fromkeys(rules().actions, Action.DENY)
    of = degraded(name, actions=denied)
    views = (pod_view({**database(name), "metadata": {"name": f"{name}{i}"}}) for i in range(9))
    existing = ExistingPods(
        pods=tuple(ExistingPod(view=view, controller="") for view in views), whole=False
    )
    before, after = NamespaceView(name="other"), NamespaceView(name="tenant-a")
    yield from preview(existing, before, after, of)
    yield from preview(ExistingPods(problem=name), before, after, of)
    yield from preview(existing, after, NamespaceView(name=name), of)


MADE: tuple[Callable[[str], Iterator[str]], ...] = (
    of_a_finding,
    of_mode_warn,
    of_a_class_in_mode_warn,
    of_an_assignment,
    of_an_assignment_in_mode_warn,
    of_a_choice_that_is_not_allowed,
    of_a_fallback,
    of_a_need_that_is_none,
    of_an_exemption_that_ended,
    of_a_workload,
    of_a_namespace_that_moves,
)
_HALF = re.compile(r"(?<!\\)(?:\\\\)*\\(?:x[0-9a-f]?|u[0-9a-f]{0,3}|U[0-9a-f]{0,7})?…")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("made", MADE, ids=lambda made: made.__name__)
def test_a_warning_stays_under_the_limit_and_is_cut_where_it_can_be_read(
    made: Callable[[str], Iterator[str]], name: str
) -> None:
    warnings = list(made(name))
    assert warnings
    for warning in warnings:
        assert 0 < len(warning) <= WARNING_LIMIT == ITEM_RUNES
        assert warning.isprintable()
        assert not _HALF.search(warning), warning


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_of_a_long_warning_the_remedy_is_kept(name: str) -> None:
    (first,) = of_mode_warn(name)
    assert first.endswith("; use runtimeClassName: kata-qemu")
    of_workloads = list(of_a_workload(name))
    assert of_workloads[1] == "use runtimeClassName: kata-qemu in its pod template"
    assert of_workloads[2].endswith("; use runtimeClassName: kata-qemu in its pod template")


def test_a_long_text_is_cut_after_a_word() -> None:
    text = "word " * 60
    assert bounded(text).endswith("word…")
    assert bounded(text, "do this").endswith("word…; do this")
    assert len(bounded("x" * 300, "y" * 300)) == WARNING_LIMIT


def test_an_escape_is_not_cut_in_two() -> None:
    for length in range(240, 260):
        for escape in ("\\x1b", "\\u202e", "\\U000e0001", '\\"', "\\\\"):
            assert not _HALF.search(bounded("a" * length + escape * 20))


def test_all_warnings_of_an_answer_stay_under_the_limit_of_their_sum() -> None:
    """A pod: what was assigned, and its warnings. A namespace: a guard's, and the preview's."""
    of_a_pod = 1 + MOST_WARNINGS
    of_a_namespace = 1 + 2 + MOST_GROUPS + 1
    assert max(of_a_pod, of_a_namespace) * WARNING_LIMIT < TOTAL_RUNES


def test_the_page_of_messages_names_every_warning() -> None:
    """A row of the page is a warning with the parts that vary left out."""
    page = PAGE.read_text()
    rows = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    patterns = [".+".join(map(re.escape, row.split("…"))) for row in rows]
    unnamed = [
        warning
        for made in MADE
        for warning in made("n")
        if not any(re.fullmatch(pattern, warning) for pattern in patterns)
    ]
    assert unnamed == []
