"""helm and kube-score: which releases they are, where they lie, and the chart as helm renders it.

Only the standard library: `build` runs this before anything is installed.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from tests.controlplane.binaries import Program, pinned_version

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CHART = ROOT / "deploy" / "chart"
NAMESPACE = "runtimegate-system"
BUILD_DIR = ROOT / ".build" / "helm"
BRINGS_THEM = "make helm"
_HELM_VERSION = pinned_version(HERE / "go.mod", "helm.sh/helm/v4")

HELM = Program(
    name="helm",
    package="helm.sh/helm/v4/cmd/helm",
    module=HERE,
    version=_HELM_VERSION,
    ldflags=f"-s -w -X helm.sh/helm/v4/internal/version.version={_HELM_VERSION}",
    takes="3 to 5 minutes",
    folder=BUILD_DIR,
)
KUBE_SCORE = Program(
    name="kube-score",
    package="github.com/zegl/kube-score/cmd/kube-score",
    module=HERE / "kubescore",
    version=pinned_version(HERE / "kubescore" / "go.mod", "github.com/zegl/kube-score"),
    ldflags="-s -w",
    takes="a minute",
    folder=BUILD_DIR,
)
PROGRAMS = (HELM, KUBE_SCORE)


class HelmMissing(Exception):
    """A program is not there; the message names it and the command that brings it."""


def find(program: Program) -> Path:
    """The binary, if it is of the release that go.mod names; raises HelmMissing."""
    if not program.is_current():
        raise HelmMissing(f"{program.name}: not built, or of an older go.mod; `{BRINGS_THEM}`")
    return program.path


class RenderError(Exception):
    """helm refused the chart or the values; the message is helm's."""


def render(*arguments: str, namespace: str = NAMESPACE) -> str:
    """What `helm template` prints for the chart with these further arguments."""
    return run("template", "runtimegate", str(CHART), f"--namespace={namespace}", *arguments)


def run(*arguments: str) -> str:
    """Run helm with a home of its own, so that nobody's plugins or settings take part."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [str(find(HELM)), *arguments],
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": home},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RenderError(done.stderr.strip())
    return done.stdout
