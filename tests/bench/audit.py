"""An audit of a large cluster: `python -m tests.bench audit [PODS]`, 50,000 without a number.

A real API server is filled and `runtimegate audit` run against it, then against what kubectl saves
of it. The API server shares the machine, so wall time says what a person waits here; CPU time and
peak memory are the audit's own.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.crowd import Api
from tests.bench.people import NAMESPACES, NODES, populate
from tests.controlplane.binaries import find_binaries
from tests.controlplane.cluster import ControlPlane

PODS = 50_000
KINDS = "ns,runtimeclass,node,deploy,rs,sts,ds,job,cronjob,pod"
ROOT = Path(__file__).parents[2]
CRDS = ROOT / "tests" / "data" / "crds"


def main(pods: str = str(PODS)) -> None:
    """Fill, measure, print."""
    with (
        ControlPlane(find_binaries(os.environ)) as plane,
        tempfile.TemporaryDirectory(prefix="runtimegate-bench-") as folder,
    ):
        began = time.monotonic()
        api = Api(plane.url, token=plane.token("admin"), ca_pem=plane.ca_pem)
        workloads = populate(api, int(pods))
        print(
            f"{int(pods):,} pods of {workloads:,} workloads, {NAMESPACES} namespaces, {NODES:,} "
            f"nodes; made in {time.monotonic() - began:.0f} s; load {os.getloadavg()[0]:.1f}"
        )
        print(f"{'':34} {'wall s':>8} {'CPU s':>8} {'peak MiB':>9} {'output MB':>10}")
        live = ("--kubeconfig", str(plane.kubeconfig("admin")))
        output = Path(folder) / "output"
        for name, options in _runs():
            _measure(f"cluster, {name}", (*live, *options), output)
        plane.kubectl("apply", "--server-side", "-f", str(CRDS))
        time.sleep(5)  # a CRD is served a moment after it is there
        for name in ("reports made", "reports replaced"):
            _measure(f"cluster, {name}", (*live, "--write-reports"), output)
        saved = _saved(plane, Path(folder))
        print(f"saved by kubectl: {saved.stat().st_size / 1e6:.0f} MB")
        for name, options in _runs():
            _measure(f"file, {name}", ("--cluster", str(saved), *options), output)


def _runs() -> Sequence[tuple[str, Sequence[str]]]:
    return (
        ("text", ()),
        ("JSON", ("-o", "json")),
        ("JSON, what if", ("-o", "json", "--what-if", str(ROOT / "policies"))),
    )


def _measure(name: str, options: Sequence[str], output: Path) -> None:
    command = [sys.executable, "-m", "webhook.cli", "audit", "-p", str(ROOT / "policies"), *options]
    began = time.monotonic()
    with output.open("wb") as out:
        process = subprocess.Popen(command, stdout=out)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    size = output.stat().st_size / 1e6
    print(f"{name:34} {wall:8.1f} {cpu:8.1f} {peak:9.0f} {size:10.1f}", flush=True)
    if process.returncode not in {0, 1}:
        raise SystemExit(f"{name}: exit code {process.returncode}")


def _saved(plane: ControlPlane, folder: Path) -> Path:
    path = folder / "cluster.json"
    config = f"--kubeconfig={plane.kubeconfig('admin')}"
    with path.open("wb") as out:
        command = [str(plane.kubectl_path), config, "get", KINDS, "-A", "-o", "json"]
        subprocess.run(command, stdout=out, check=True)
    return path
