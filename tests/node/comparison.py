"""What was predicted against what was seen: one row a probe and feature and runtime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.node.probes import Probe

EFFECTS: Mapping[str, str] = {
    "full": "works",
    "partial": "is limited", "scoped": "is limited",
    "stub": "has no effect", "ignored": "has no effect",
    "gated": "fails", "errno": "fails", "absent": "fails",
}  # fmt: skip
"""What a level of support comes to; a pod sees no difference between two of the same effect."""


_NO_CONTRADICTION = frozenset({
    ("gated", "has no effect"),  # what is switched off is refused, or does nothing
    ("partial", "works"),  # a probe need not meet the limits
})  # fmt: skip


class Agrees(StrEnum):
    """``UNTOLD``: this machine cannot tell, or the table says that nobody knows."""

    YES = "yes"
    NO = "no"
    UNTOLD = "untold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One row."""

    probe: str
    feature: str
    runtime: str
    predicted: str
    verdict: str
    observed: str
    stage: str
    detail: str
    agrees: Agrees


def compare(
    probes: Sequence[Probe],
    predicted: Mapping[str, Mapping[str, Any]],
    seen: Mapping[str, Mapping[str, Any]],
    facilities: Mapping[str, bool],
) -> Iterator[Compared]:
    """``predicted`` and ``seen`` are by runtime and probe, as trial.py gives them."""
    for runtime, of_runtime in seen.items():
        for probe in probes:
            if probe.name not in of_runtime:
                continue
            there = facilities.get(probe.facility, True) and not _refused_alike(probe, seen)
            for feature in probe.features:
                of_pod = predicted[runtime][probe.name]
                told = there and not _failed_by_another(feature, of_pod, of_runtime[probe.name])
                said = of_pod.get(feature)
                yield _row(probe.name, feature, runtime, said, of_runtime[probe.name], told)


def _refused_alike(probe: Probe, seen: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the kubelet or the API server refuses the pod whatever its runtime is."""
    stages = {o[probe.name]["stage"] for o in seen.values() if probe.name in o}
    return len(seen) > 1 and stages <= {"kubelet", "API server"}


def _failed_by_another(
    feature: str, of_pod: Mapping[str, Mapping[str, str]], seen: Mapping[str, str]
) -> bool:
    """Whether the pod never ran, and another feature of it was predicted to be why."""
    failing = {f for f, said in of_pod.items() if EFFECTS.get(said["support"]) == "fails"}
    return seen["stage"] != "inside" and feature not in failing and bool(failing)


def _row(
    probe: str,
    feature: str,
    runtime: str,
    said: Mapping[str, str] | None,
    seen: Mapping[str, str],
    told: bool,
) -> Compared:
    support = said["support"] if said else "full"
    return Compared(
        probe=probe,
        feature=feature,
        runtime=runtime,
        predicted=support if said else "",
        verdict=said["verdict"] if said else "",
        observed=seen["level"],
        stage=seen["stage"],
        detail=seen["detail"],
        agrees=_agrees(support, seen["level"], told),
    )


def _agrees(predicted: str, observed: str, told: bool) -> Agrees:
    if predicted == "unknown" or not told:
        return Agrees.UNTOLD
    if (predicted, EFFECTS.get(observed)) in _NO_CONTRADICTION:
        return Agrees.YES
    if EFFECTS[predicted] == EFFECTS.get(observed):
        return Agrees.YES
    return Agrees.NO


def markdown(rows: Sequence[Compared]) -> str:
    """The table for people."""
    lines = [
        "| probe | feature | runtime | predicted | observed | agrees |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        said = f"{row.predicted} ({row.verdict})" if row.predicted else "no finding"
        detail = row.detail.replace("|", "\\|")
        seen = f"{row.observed}, {row.stage}: {detail}"
        lines.append(
            f"| {row.probe} | `{row.feature}` | {row.runtime} | {said} | {seen} | {row.agrees} |"
        )
    return "\n".join(lines) + "\n"
