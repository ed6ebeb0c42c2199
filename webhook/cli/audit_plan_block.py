"""The plan as sections of the audit's page: how much could be sandboxed, and what is in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from webhook.cli.audit_page import Block
from webhook.core.names import counted

MOST_KEPT = 100


def plan_blocks(plan: Mapping[str, Any]) -> Iterator[Block]:
    """Sections made from the value of ``plan -o json``."""
    totals = plan["totals"]
    isolating = {entry["class"]: entry["isolates"] for entry in plan["classes"]}
    yield Block(
        title="How strongly it could be isolated",
        lead=[
            (
                f"{_count(totals['sandboxed'])} of {_count(totals)} could run in a sandbox today; "
                f"{_count(totals['leftAlone'])} are left alone."
            ),
            *(_gain(entry) for entry in plan["newer"]),
            *plan["preparations"],
            *plan["assumptions"],
        ],
        columns=("Strongest RuntimeClass", "Sandbox", "Workloads", "Running pods"),
        rows=[
            (
                entry["class"],
                "yes" if isolating[entry["class"]] else "no",
                f"{entry['workloads']:,}",
                f"{entry['pods']:,}",
            )
            for entry in totals["byClass"]
        ],
        rest=f"{_count(totals['onNone'])} can run on none of them"
        if totals["onNone"]["workloads"]
        else "",
    )
    kept = [w for w in plan["workloads"] if w["obstacles"]]
    if kept:
        yield _kept(kept)


def _count(counts: Mapping[str, int]) -> str:
    return f"{counted(counts['workloads'], 'workload')} ({counted(counts['pods'], 'pod')})"


def _gain(newer: Mapping[str, Any]) -> str:
    """What the newest release of a runtime would add."""
    release = f"{newer['runtime']} {newer['to']} for RuntimeClass {newer['class']}"
    if not newer["workloads"]:
        return f"{release} would add nothing."
    return f"{release} would add {_count(newer)}."


def _kept(kept: list[Mapping[str, Any]]) -> Block:
    causes = Counter[str]()
    for workload in kept:
        causes.update({obstacle["message"]: workload["pods"] for obstacle in workload["obstacles"]})
    most = max(causes, key=lambda cause: causes[cause])
    rows = [
        (
            f"{workload['kind']} {workload['namespace']}/{workload['name']}",
            f"{workload['pods']:,}",
            workload["class"] or "none",
            obstacle["class"],
            obstacle["message"] + _solved(obstacle),
        )
        for workload in kept[:MOST_KEPT]
        for obstacle in workload["obstacles"]
    ]
    left = len(kept) - MOST_KEPT
    return Block(
        title="What keeps workloads from a stronger class",
        lead=[f"Most pods are kept by: {most}."],
        columns=("Workload", "Pods", "Can run on", "Kept from", "Because"),
        rows=rows,
        rest=f"and {counted(left, 'more workload')}: see runtimegate plan" if left > 0 else "",
    )


def _solved(obstacle: Mapping[str, Any]) -> str:
    return f" (release {obstacle['solvedBy']} runs it)" if obstacle["solvedBy"] else ""
