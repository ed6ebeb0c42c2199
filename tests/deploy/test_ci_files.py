"""What CI systems run of us: the shape of the files, and their very shell lines."""

import os
import re
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from webhook.cli import COMMANDS, command_line

ROOT = Path(__file__).parents[2]
EXAMPLES = "docs/examples"
BUILD_LOCK = "deploy/image-build.lock"
RUNTIMEGATE = Path(sys.executable).with_name("runtimegate")
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "deploy/github/action.yml").read_text())
JOB: dict[str, Any] = yaml.safe_load(
    (ROOT / "deploy/gitlab/runtimegate.gitlab-ci.yml").read_text()
)[".runtimegate-check"]
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


def step(name: str) -> dict[str, Any]:
    """A step of the action."""
    (found,) = (step for step in ACTION["runs"]["steps"] if step["name"] == name)
    return dict(found)


def run_step(
    name: str, tmp_path: Path, inputs: Mapping[str, str], **replaced: str
) -> subprocess.CompletedProcess[str]:
    """Run a step as the runner does: expressions of its environment put in, then bash."""
    defaults = {key: entry["default"] for key, entry in ACTION["inputs"].items()}
    known = {f"inputs.{key}": value for key, value in {**defaults, **inputs}.items()}
    known |= {"github.action_path": str(ROOT / "deploy/github"), "runner.temp": str(tmp_path)}
    environment = {
        key: re.sub(r"\$\{\{ ([a-z._-]+) \}\}", lambda found: known[found[1]], value)
        for key, value in step(name)["env"].items()
    }
    script = tmp_path / "step.sh"
    script.write_text(step(name)["run"])
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=ROOT,
        env={**os.environ, "GITHUB_OUTPUT": str(tmp_path / "output"), **environment, **replaced},
        capture_output=True,
        text=True,
        check=False,
    )


def check_step(tmp_path: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """The action's check with the program of this environment."""
    return run_step("Check manifests", tmp_path, inputs, RUNTIMEGATE=str(RUNTIMEGATE))


def test_the_action_is_composite_and_takes_inputs_by_the_environment_only() -> None:
    assert ACTION["runs"]["using"] == "composite"
    for found in ACTION["runs"]["steps"]:
        assert found["shell"] == "bash"
        assert "${{" not in found["run"]
    used = re.findall(r"inputs\.([a-z]+)", (ROOT / "deploy/github/action.yml").read_text())
    assert set(used) == set(ACTION["inputs"])
    for name, entry in ACTION["inputs"].items():
        assert {"description", "default"} == set(entry), name


def test_the_actions_check_shows_refusals_and_fails(tmp_path: Path) -> None:
    done = check_step(
        tmp_path, files=f"{EXAMPLES}/web.yaml\n\n{EXAMPLES}/runc.yaml\n", namespace="tenant-a"
    )
    assert done.returncode == 1
    assert done.stdout.startswith(f"::error file={EXAMPLES}/runc.yaml,line=7,col=3,title=")
    assert (tmp_path / "output").read_text() == "exit-code=1\n"


def test_the_actions_check_of_clean_manifests_passes_and_writes_sarif(tmp_path: Path) -> None:
    sarif = tmp_path / "out.sarif"
    done = check_step(
        tmp_path, files=f"{EXAMPLES}/web.yaml", namespace="tenant-a", sarif=str(sarif)
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert '"version": "2.1.0"' in sarif.read_text()
    assert (tmp_path / "output").read_text() == "exit-code=0\n"


@pytest.mark.parametrize("hostile", ["$(touch pwned)", "a; touch pwned", "--output=json", "`id`"])
def test_an_input_is_never_run(tmp_path: Path, hostile: str) -> None:
    done = check_step(tmp_path, files=hostile)
    assert done.returncode == 2
    assert done.stdout.startswith("::error file=")
    assert not (ROOT / "pwned").exists()


def job_lines(part: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the lines of the GitLab job as its runner does: one script that ends at a failure."""
    lines = [line.replace(".runtimegate/bin/runtimegate", str(RUNTIMEGATE)) for line in JOB[part]]
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(lines)],
        cwd=variables.pop("folder"),
        env={**os.environ, **JOB["variables"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("file", "code"), [("web.yaml", 0), ("runc.yaml", 1), ("no.yaml", 2)])
def test_the_gitlab_job_writes_the_report_whatever_is_found(
    tmp_path: Path, file: str, code: int
) -> None:
    done = job_lines(
        "script",
        folder=str(tmp_path),
        RUNTIMEGATE_FILES=str(ROOT / EXAMPLES / file),
        RUNTIMEGATE_POLICIES=str(ROOT / "policies"),
        RUNTIMEGATE_CHECK_NAMESPACE="tenant-a",
    )
    assert done.returncode == code
    (report,) = (tmp_path / name for name in [JOB["artifacts"]["reports"]["junit"]])
    root = ElementTree.parse(report).getroot()
    assert (root.attrib["failures"], root.attrib["errors"]) == (str(int(code == 1)), str(code // 2))
    assert "; policies " in done.stdout


def test_the_gitlab_job_says_which_variable_is_missing(tmp_path: Path) -> None:
    done = job_lines("before_script", folder=str(tmp_path))
    assert done.returncode != 0
    assert "RUNTIMEGATE_SOURCE: says where runtimegate comes from" in done.stderr


def test_the_hooks_run_commands_that_there_are() -> None:
    root = command_line(COMMANDS)
    for hook in HOOKS:
        assert {"id", "name", "description", "entry", "language"} <= set(hook)
        program, *words = hook["entry"].split()
        assert program == "runtimegate"
        assert root.get_command(None, words[0]) is not None  # type: ignore[arg-type]  # click takes none here


def test_the_hook_takes_the_changed_files_whatever_they_are() -> None:
    (entry,) = (hook["entry"] for hook in HOOKS if hook["id"] == "runtimegate-check")
    words = entry.split()[1:]
    files = [f"{EXAMPLES}/web.yaml", "deploy/chart/values.yaml", "deploy/chart/Chart.yaml"]
    command = [str(RUNTIMEGATE), *words, "-n", "tenant-a", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "files left out: 1 Chart.yaml, 1 values" in done.stdout.replace(
        "1 values, 1 Chart.yaml", "1 Chart.yaml, 1 values"
    )


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What makes pip take all of the lock files from a folder: three installs, one download."""
    folder = tmp_path_factory.mktemp("wheels")
    locks = [f"--requirement={ROOT / lock}" for lock in ("requirements.lock", BUILD_LOCK)]
    download = ("-m", "pip", "download", "-q", "--disable-pip-version-check", "--require-hashes")
    subprocess.run([sys.executable, *download, f"--dest={folder}", *locks], check=True)
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}


@pytest.mark.slow
def test_the_action_installs_the_program_that_its_check_runs(
    tmp_path: Path, wheels: Mapping[str, str]
) -> None:
    done = run_step("Install runtimegate", tmp_path, {"python": sys.executable}, **wheels)
    assert done.returncode == 0, done.stderr
    done = run_step("Check manifests", tmp_path, {"files": f"{EXAMPLES}/web.yaml"})
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_the_gitlab_job_installs_from_where_the_variable_says(
    tmp_path: Path, wheels: Mapping[str, str]
) -> None:
    source = {"RUNTIMEGATE_SOURCE": str(ROOT), **wheels}
    done = job_lines("before_script", folder=str(tmp_path), **source)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".runtimegate/bin/runtimegate").exists()


@pytest.mark.slow
def test_pre_commit_runs_the_hook_of_this_checkout(
    tmp_path: Path, wheels: Mapping[str, str]
) -> None:
    tool, repository = tmp_path / "tool", tmp_path / "repository"
    venv.create(tool, with_pip=True)
    installed = [str(tool / "bin/pip"), "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*installed, "pre-commit>=3.2"], check=True)
    repository.mkdir()
    for name in ("web.yaml", "host-network.yaml"):
        (repository / name).write_bytes((ROOT / EXAMPLES / name).read_bytes())
    (repository / "values.yaml").write_text("a: 1\n")
    environment = {**os.environ, **wheels, "PRE_COMMIT_HOME": str(tmp_path / "home")}
    environment |= {"RUNTIMEGATE_POLICIES": str(ROOT / "policies")}
    environment |= {"RUNTIMEGATE_CHECK_NAMESPACE": "tenant-a"}
    subprocess.run(["git", "init", "-q"], cwd=repository, check=True)
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    done = subprocess.run(
        [tool / "bin/pre-commit", "try-repo", ROOT, "runtimegate-check", "--all-files"],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "spec.hostNetwork" in done.stdout
    assert "2 pods: 1 assigned, 1 refused; files left out: 1 values; " in done.stdout
