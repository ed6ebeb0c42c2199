"""The CI files that docs/policy-diff.md shows: their very shell lines, in a clone as of CI."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_policy_diff import DB, INVENTORY, LAX, STRICT, deployment, save
from tests.live.git_repository import GitRepository

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "policy-diff.md").read_text()

pytestmark = pytest.mark.slow


def shown(containing: str) -> Any:
    """The YAML block of the page that holds some text."""
    (block,) = (b for b in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if containing in b)
    return yaml.safe_load(block)


@pytest.fixture
def clone(tmp_path: Path) -> GitRepository:
    """A clone of a repository whose branch ``change`` refuses more, with a saved cluster."""
    origin = GitRepository(tmp_path / "origin")
    origin.commit({"policies/tenants.yaml": LAX, "policies/inventory.yaml": INVENTORY})
    origin.git("checkout", "--quiet", "-b", "change")
    origin.commit({"policies/tenants.yaml": STRICT})
    cloned = origin.clone(tmp_path / "clone")
    cloned.git("checkout", "--quiet", "--detach")
    save(cloned.root / "cluster.json", deployment("db", containers=[DB]))
    return cloned


def run(script: str, clone: GitRepository, tmp_path: Path, **environ: str) -> int:
    """Run a script with the command ``runtimegate`` on its path, as GitHub's and GitLab's do."""
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "runtimegate").write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m webhook.cli "$@"\n'
    )
    (programs / "curl").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/curl\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=clone.root,
        env={**os.environ, **environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode


def test_the_workflow_for_github_comments_and_then_ends_as_the_comparison_did(
    clone: GitRepository, tmp_path: Path
) -> None:
    workflow = shown("GITHUB_BASE_REF")
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    steps = workflow["jobs"]["diff"]["steps"]
    assert steps[0]["with"] == {"fetch-depth": 0}
    (diff,) = (step for step in steps if step.get("id") == "diff")
    output = tmp_path / "output"
    said = {"GITHUB_BASE_REF": "main", "GITHUB_OUTPUT": str(output)}
    assert run(diff["run"], clone, tmp_path, **said) == 0
    assert output.read_text() == "code=1\n"
    assert "### runtimegate: newly refused: 1 workload\n" in (clone.root / "diff.md").read_text()
    (comment,) = (step for step in steps if "gh pr comment" in step.get("run", ""))
    assert comment["run"].endswith("--body-file diff.md")
    assert steps[-1]["run"] == "exit ${{ steps.diff.outputs.code }}"


def test_the_job_for_gitlab_comments_and_then_ends_as_the_comparison_did(
    clone: GitRepository, tmp_path: Path
) -> None:
    job = shown("CI_MERGE_REQUEST_IID")["policy-diff"]
    assert job["variables"] == {"GIT_DEPTH": "0"}
    install, *lines = job["script"]
    assert install.startswith("pip install ")
    base = clone.git("rev-parse", "origin/main")
    said = {
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "COMMENT_TOKEN": "t", "CI_PROJECT_ID": "7",
        "CI_API_V4_URL": "https://git.example/api/v4", "CI_MERGE_REQUEST_IID": "3",
    }  # fmt: skip
    assert run("\n".join(lines), clone, tmp_path, **said) == 1
    arguments = (tmp_path / "curl").read_text().splitlines()
    assert arguments[-2:] == [
        "body@diff.md", "https://git.example/api/v4/projects/7/merge_requests/3/notes",
    ]  # fmt: skip
    assert "### runtimegate: newly refused: 1 workload\n" in (clone.root / "diff.md").read_text()
