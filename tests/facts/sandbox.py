"""Runs the probes of ``webhook/data/probes``: natively, and under a runsc."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import webhook
from tests.runsc.releases import Runsc, as_root

PROBES = Path(webhook.__file__).parent / "data" / "probes"
SECONDS = 300
# What a probe does to interfaces, rules, mounts and queues stays in namespaces that end with it.
_NATIVELY = (
    *("unshare", "--net", "--mount", "--ipc", "--uts"),
    *("sh", "-c", 'ip link set lo up 2>/dev/null; exec "$@"', "sh"),
)


class RunFailed(Exception):
    """The probes did not run; the message has what was printed."""


def natively(features: Sequence[str]) -> Mapping[str, str]:
    """The verdict of each feature's probe on this machine's kernel."""
    return _verdicts((*as_root(), *_NATIVELY), features)


def under(
    runsc: Runsc, features: Sequence[str], flags: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """The verdict of each feature's probe in one sandbox of ``runsc``. Raises RunFailed."""
    spelled = (f"--{name}={value}" for name, value in (flags or {}).items())
    return _verdicts(runsc.command(*spelled), features)


def _verdicts(prefix: Sequence[str], features: Sequence[str]) -> Mapping[str, str]:
    # Pipes, not files: runsc writes over what another process wrote into the same file.
    done = subprocess.run(
        [*prefix, sys.executable, str(PROBES), "-"],
        input="\n".join(features),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    found = dict(_lines(done.stdout.splitlines()))
    missing = [feature for feature in features if feature not in found]
    if missing:
        raise RunFailed(f"no verdict on {missing[0]}: exit {done.returncode}, {_said(done)}")
    return found


def _lines(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        feature, _, verdict = line.partition(" ")
        yield feature, verdict


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr or done.stdout).strip()[-300:]
