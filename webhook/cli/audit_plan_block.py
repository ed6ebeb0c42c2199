"""The plan as sections of the audit's page: how much could be sandboxed, and what is in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from webhook.cli.audit_page_blocks import Block
from webhook.core.names import counted

MOST_KEPT = 100


def plan_blocks(plan: Mapping[str, Any]) -> Iterator[Block]:
    """Sections made from the value of ``plan -o json``."""
    totals = plan["totals"]
    isolating = {entry["class"]: entry["isolates"] for entry in plan["classes"]}
    yield Block(
        title="How strongly it could be isolated",
        lead=[
            f"{_count(totals['sandboxed'])} of {_count(totals)} could run in a sandbox today.",
            *_on_none(totals["onNone"]),
        ],
        notes=[
            ("First", plan["preparations"]),
            ("What newer releases would add", [_gain(entry) for entry in plan["newer"]]),
            ("Assumed", plan["assumptions"]),
        ],
        columns=("Strongest RuntimeClass", "Sandbox", "Workloads", "Running pods"),
        rows=[
            (
                entry["class"],
                "yes" if isolating[entry["class"]] else "no",
                _share(entry["workloads"], totals["workloads"]),
                _share(entry["pods"], totals["pods"]),
            )
            for entry in totals["byClass"]
        ],
        rest=f"Left alone, as system namespaces are: {_count(totals['leftAlone'])}."
        if totals["leftAlone"]["workloads"]
        else "",
    )
    kept = [workload for workload in plan["workloads"] if workload["obstacles"]]
    if kept:
        yield _kept(kept)


def _count(counts: Mapping[str, int]) -> str:
    return f"{counted(counts['workloads'], 'workload')} ({counted(counts['pods'], 'pod')})"


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.0%})" if whole else f"{part:,}"


def _on_none(counts: Mapping[str, int]) -> Iterator[str]:
    if counts["workloads"]:
        yield f"{_count(counts)} can run on none of the classes."


def _gain(newer: Mapping[str, Any]) -> str:
    """What the newest release of a runtime would add."""
    release = f"{newer['runtime']} {newer['to']} on RuntimeClass {newer['class']}"
    return f"{release}: {_count(newer)}" if newer["workloads"] else f"{release}: nothing"


def _kept(kept: Sequence[Mapping[str, Any]]) -> Block:
    rows = [
        (
            f"{workload['kind']} {workload['namespace']}/{workload['name']}",
            f"{workload['pods']:,}",
            workload["class"] or "none",
            "\n".join(map(_obstacle, workload["obstacles"])),
        )
        for workload in kept[:MOST_KEPT]
    ]
    left = len(kept) - MOST_KEPT
    return Block(
        title="What keeps workloads from a stronger class",
        lead=[f"{counted(len(kept), 'workload')} cannot run on the strongest class."],
        columns=("Workload", "Pods", "Can run on", "Kept from a stronger class by"),
        rows=rows,
        rest=f"and {counted(left, 'more workload')}: runtimegate plan lists them all"
        if left > 0
        else "",
    )


def _obstacle(obstacle: Mapping[str, Any]) -> str:
    """``RuntimeClass gvisor cannot run this pod: …``; and the release that would."""
    solved = f" (release {obstacle['solvedBy']} runs it)" if obstacle["solvedBy"] else ""
    return f"{obstacle['message']}{solved}"
