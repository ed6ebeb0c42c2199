"""The demo on the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.demo.gate import Gate
from tests.demo.kubectl import Printed
from tests.demo.story import Scene, missing, wrongly_stored

SHOWN_FIELDS = ("runtimeClassName", "overhead", "nodeSelector")


def introduce(title: str, gate: Gate) -> None:
    """A heading, and how the webhook runs."""
    print(f"\n=== {title}\n")
    print(f"{gate.url}, trusted by its own ca.crt alone, as:")
    print(f"  runtimegate {' '.join(gate.command)}\n")


def show(scene: Scene, printed: Printed, spec: Mapping[str, Any] | None) -> bool:
    """Print one scene; whether it went otherwise than it should."""
    print(f"--- {scene.headline}")
    print(f"$ kubectl {' '.join(scene.arguments)}")
    print(printed.both, end="")
    for field in SHOWN_FIELDS if spec is not None else ():
        if field in (spec or {}):
            print(f"(stored: spec.{field}: {json.dumps((spec or {})[field])})")
    wrong = missing(scene, printed.both)
    problems = [f"not printed: {text!r}" for text in wrong] + wrongly_stored(scene, spec)
    for problem in problems:
        print(f"!!! unexpected: {problem}")
    print()
    return bool(problems)


def conclude(wrong: int, *, seconds: float, further: Sequence[str]) -> None:
    """How it went and how to go on."""
    verdict = f"{wrong} scenes went otherwise than they should" if wrong else "all as it should be"
    print(f"=== {verdict}, in {seconds:.1f} s. To go on:")
    for line in further:
        print(f"  {line}")
