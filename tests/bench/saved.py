"""A saved cluster of any size: `python -m tests.bench saved [PODS]`, 25,000 without a number.

The file is written as kubectl prints it, without an API server, from the people of the other bench;
audit, plan and policy diff are then run on it as whole processes.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from tests.bench.people import Made, facts, workloads

PODS = 25_000
ROOT = Path(__file__).parents[2]
POLICIES = str(ROOT / "policies")
KINDS = {
    "namespaces": ("v1", "Namespace"), "nodes": ("v1", "Node"), "pods": ("v1", "Pod"),
    "runtimeclasses": ("node.k8s.io/v1", "RuntimeClass"), "deployments": ("apps/v1", "Deployment"),
    "replicasets": ("apps/v1", "ReplicaSet"), "statefulsets": ("apps/v1", "StatefulSet"),
    "daemonsets": ("apps/v1", "DaemonSet"), "jobs": ("batch/v1", "Job"),
    "cronjobs": ("batch/v1", "CronJob"),
}  # fmt: skip
COMMANDS = (
    ("audit", "-p", POLICIES),
    ("audit", "-p", POLICIES, "-o", "json"),
    ("plan",),
    ("policy", "diff", POLICIES, POLICIES),
)


def main(pods: str = str(PODS)) -> None:
    """Write, measure, print."""
    with tempfile.TemporaryDirectory(prefix="runtimegate-bench-") as folder:
        path = Path(folder) / "cluster.json"
        count = write(path, int(pods))
        size = path.stat().st_size / 1e6
        print(f"{count:,} objects, {int(pods):,} pods of them, {size:.0f} MB")
        print(f"{'':30} {'wall s':>8} {'CPU s':>8} {'peak MiB':>9}")
        for command in COMMANDS:
            _measure(command, path)


def write(path: Path, pods: int) -> int:
    """Save the cluster; how many objects it has."""
    count = 0
    with path.open("w") as out:
        out.write('{\n    "apiVersion": "v1",\n    "items": [\n')
        for count, obj in enumerate(_objects(pods), 1):
            text = json.dumps(obj, indent=4).replace("\n", "\n        ")
            out.write((",\n" if count > 1 else "") + f"        {text}")
        out.write('\n    ],\n    "kind": "List",\n    "metadata": {"resourceVersion": ""}\n}\n')
    return count


def _objects(pods: int) -> Iterator[dict[str, Any]]:
    for number, made in enumerate(chain(facts(), chain.from_iterable(workloads(pods)))):
        yield _stored(made, number)


def _stored(made: Made, number: int) -> dict[str, Any]:
    """The object as an API server gives it back: with its place, and who manages which field."""
    parts = made.collection.split("/")
    api_version, kind = KINDS[parts[-1]]
    metadata = {**made.obj["metadata"], "uid": str(uuid.UUID(int=number))}
    if "namespaces" in parts[:-1]:
        metadata["namespace"] = parts[parts.index("namespaces") + 1]
    fields: dict[str, Any] = {f"f:field-{n}": {"f:value": {}} for n in range(25)}
    metadata["managedFields"] = [{"manager": "kubectl", "operation": "Update", "fieldsV1": fields}]
    return {**made.obj, "apiVersion": api_version, "kind": kind, "metadata": metadata}


def _measure(command: Sequence[str], path: Path) -> None:
    arguments = [sys.executable, "-m", "webhook.cli", *command, "--cluster", str(path)]
    began = time.monotonic()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    name = " ".join(part for part in command if part != POLICIES and part != "-p")
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    print(f"{name:30} {wall:8.1f} {cpu:8.1f} {peak:9.0f}", flush=True)
    if process.returncode not in {0, 1}:
        raise SystemExit(f"{name}: exit code {process.returncode}")
