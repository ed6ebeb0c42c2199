"""Creates the pods of probes and says what became of each: a level, and what was seen."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.controlplane.cluster import ControlPlane
from tests.node.probes import Probe

AT_ONCE = 10
DECIDED_WITHIN_SECONDS = 90
LEVELS = frozenset({"full", "partial", "scoped", "stub", "ignored", "errno", "absent"})
UNDECIDED = "undecided"
_FAILURES = frozenset(
    {"FailedCreatePodSandBox", "Failed", "FailedMount", "FailedMapVolume", "FailedValidation"}
)
_WORTH_WAITING = re.compile(r"object \S+ not registered|failed to sync configmap cache")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What became of one pod; ``stage`` is where: kubelet, sandbox, container, or inside."""

    level: str
    stage: str
    detail: str


def observe(
    plane: ControlPlane,
    namespace: str,
    probes: Sequence[Probe],
    runtime_class: str,
    tick: Callable[[], None],
) -> dict[str, Observed]:
    """Run all, some at once; by the name of the probe."""
    found: dict[str, Observed] = {}
    waiting = list(probes)
    running: dict[str, tuple[Probe, float]] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            probe = waiting.pop(0)
            name = f"{probe.name}-{runtime_class}"
            done = _create(plane, namespace, probe.pod(name=name, runtime_class=runtime_class))
            if done:
                found[probe.name] = done
            else:
                running[name] = (probe, time.monotonic() + DECIDED_WITHIN_SECONDS)
        tick()
        decided = dict(_decided(plane, namespace, running))
        for name, observed in decided.items():
            probe, _ = running.pop(name)
            found[probe.name] = observed
        if decided:
            plane.kubectl(
                *("delete", "pod", "-n", namespace, *decided, "--wait=false", "--now"),
                check=False,
            )
        time.sleep(0.3)
    return found


def _create(plane: ControlPlane, namespace: str, pod: Mapping[str, Any]) -> Observed | None:
    """None once it is created; the refusal of the API server otherwise."""
    done = plane.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(pod), check=False)
    if not done.returncode:
        return None
    return Observed(level="absent", stage="API server", detail=_short(done.stderr))


def _decided(
    plane: ControlPlane, namespace: str, running: Mapping[str, tuple[Probe, float]]
) -> Iterator[tuple[str, Observed]]:
    got = plane.kubectl("get", "pods,events", "-n", namespace, "-o", "json").json()["items"]
    events: dict[str, list[Mapping[str, Any]]] = {}
    for item in got:
        if item["kind"] == "Event":
            events.setdefault(item["involvedObject"].get("name", ""), []).append(item)
    for item in got:
        name = item["metadata"]["name"]
        if item["kind"] != "Pod" or name not in running:
            continue
        observed = _of_pod(item) or _of_events(events.get(name, ()))
        if observed is None and time.monotonic() > running[name][1]:
            status = json.dumps(item["status"].get("containerStatuses", item["status"]))
            observed = Observed(level=UNDECIDED, stage="", detail=_short(status))
        if observed:
            yield name, observed


def _of_pod(pod: Mapping[str, Any]) -> Observed | None:
    status = pod["status"]
    main = next((c for c in status.get("containerStatuses", ()) if c["name"] == "main"), None)
    ended = main and main["state"].get("terminated")
    if ended:
        message = ended.get("message", "")
        level, _, detail = message.partition(" ")
        if level in LEVELS:
            return Observed(level=level, stage="inside", detail=_short(detail))
        if ended["reason"] in {"OOMKilled", "Error", "Completed"}:
            said = f"{ended['reason']}, exit code {ended['exitCode']} {message}"
            return Observed(level=UNDECIDED, stage="inside", detail=_short(said))
        return Observed(level="absent", stage="container", detail=_short(message))
    if status.get("phase") == "Failed":
        said = f"{status.get('reason', '')}: {status.get('message', '')}"
        return Observed(level="absent", stage="kubelet", detail=_short(said))
    return None


_STAGES = {"FailedCreatePodSandBox": "sandbox", "Failed": "container"}


def _of_events(events: Sequence[Mapping[str, Any]]) -> Observed | None:
    for event in events:
        if event["reason"] not in _FAILURES or _WORTH_WAITING.search(event.get("message", "")):
            continue
        said = f"{event['reason']}: {event.get('message', '')}"
        stage = _STAGES.get(event["reason"], "kubelet")
        return Observed(level="absent", stage=stage, detail=_short(said))
    return None


def _short(text: str) -> str:
    """One line that is the same each time: no ids of sandboxes, no folder of this run."""
    text = re.sub(r"[0-9a-f]{64}", "<id>", " ".join(text.split()))
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uid>", text)
    text = re.sub(r"/\S*runtimegate-node-[^/\s\"]+", "<node>", text)
    return text if len(text) <= 600 else f"{text[:597]}..."
