"""``make demo``: the TLS webhook on loopback and what people at ``kubectl create`` would read.

No cluster: this program takes the part of the API server. It posts each manifest to ``/mutate``,
applies the patch, posts the result to ``/validate``, and prints what kubectl would print. It ends
with 1 when something is not decided as ``story.py`` says.
"""

from __future__ import annotations

import base64
import json
import sys
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jsonpatch
import yaml

from tests.demo.gate import Gate, GateError
from tests.demo.kubectl import Printed, created
from tests.demo.printing import conclude, introduce, show
from tests.demo.story import IN_2018, POLICIES, POLICIES_2018, ROOT, TODAY, Scene


def main() -> int:
    """Play all scenes; the exit code."""
    began = time.monotonic()
    try:
        wrong = play("The shipped policies, today's gVisor", POLICIES, TODAY)
        wrong += play("The cluster of October 2018", POLICIES_2018, IN_2018)
    except GateError as error:
        print(error, file=sys.stderr)
        return 2
    conclude(
        wrong,
        seconds=time.monotonic() - began,
        further=(
            "make demo-cluster   the same by the real kubectl on a real API server",
            ".venv/bin/runtimegate check -n tenant-a docs/examples   the same verdicts on files",
            "docs/tutorial.md   from here to a policy of your own",
        ),
    )
    return 1 if wrong else 0


def play(title: str, policies: Path, scenes: Iterable[Scene]) -> int:
    """Start the webhook, play the scenes against it; how many went otherwise than they should."""
    with Gate(policies) as gate:
        introduce(title, gate)
        return sum(show(scene, *create(gate, scene)) for scene in scenes)


def create(gate: Gate, scene: Scene) -> tuple[Printed, Mapping[str, Any] | None]:
    """What kubectl prints, and the pod's spec as it would be stored; None when it is refused."""
    pod = yaml.safe_load(scene.path.read_text())
    pod["metadata"]["namespace"] = scene.namespace
    mutated = gate.post("/mutate", review(pod))
    if "patch" in mutated:
        pod = jsonpatch.apply_patch(pod, json.loads(base64.b64decode(mutated["patch"])))
    validated = gate.post("/validate", review(pod))
    file = str(scene.path.relative_to(ROOT))
    printed = created(file, pod["kind"], pod["metadata"]["name"], (mutated, validated))
    return printed, pod["spec"] if printed.returncode == 0 else None


def review(pod: Mapping[str, Any]) -> dict[str, Any]:
    """The AdmissionReview that the API server posts when a tenant creates the pod."""
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    resource = {"group": "", "version": "v1", "resource": "pods"}
    request = {
        "uid": str(uuid.uuid4()),
        "kind": kind,
        "resource": resource,
        "requestKind": kind,
        "requestResource": resource,
        "name": pod["metadata"]["name"],
        "namespace": pod["metadata"]["namespace"],
        "operation": "CREATE",
        "userInfo": {"username": "alice", "groups": ["system:authenticated"]},
        "object": pod,
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


if __name__ == "__main__":
    sys.exit(main())
