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
            there = facilities.get(probe.facility, True)
            for feature in probe.features:
                said = predicted[runtime][probe.name].get(feature)
                yield _row(probe.name, feature, runtime, said, of_runtime[probe.name], there)


def _row(
    probe: str,
    feature: str,
    runtime: str,
    said: Mapping[str, str] | None,
    seen: Mapping[str, str],
    there: bool,
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
        agrees=_agrees(support, seen["level"], there),
    )


def _agrees(predicted: str, observed: str, there: bool) -> Agrees:
    if predicted == "unknown" or not there:
        return Agrees.UNTOLD
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
