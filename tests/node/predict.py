"""What the product says of the pods of probes, by its own command: ``runtimegate compat why``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tests.demo.story import ROOT
from tests.node.probes import Probe


def predict(
    probes: Sequence[Probe], runtime: str, releases: Mapping[str, str]
) -> dict[str, dict[str, Mapping[str, str]]]:
    """By probe and feature: ``support`` and ``verdict``; every need of a pod is a finding."""
    if not probes:
        return {}
    pods = [p.pod(name=p.name, runtime_class=runtime) for p in probes]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "webhook.cli", "compat", "why", "-o", "json", "-f", "-"),
            *("--runtime", runtime, "--version", releases[runtime]),
            *("--cri", f"containerd={releases['containerd']}"),
        ],
        cwd=ROOT,
        input=json.dumps({"apiVersion": "v1", "kind": "List", "items": pods}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"compat why: {done.stderr}")
    answer: Any = json.loads(done.stdout)
    results = answer.get("results", [answer])
    return {
        probe.name: {
            f["feature"]: {"support": f["support"], "verdict": f["verdict"]}
            for f in result["findings"]
        }
        for probe, result in zip(probes, results, strict=True)
    }
