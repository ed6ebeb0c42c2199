"""What holds over the whole tree: imports, documents against code, facts for every feature."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from webhook.cli import ExitCode
from webhook.core.features import FEATURES
from webhook.core.names import VERSION, Reason
from webhook.core.runtimes import RUNTIMES
from webhook.live.shipped import shipped
from webhook.server import metrics

ROOT = Path(__file__).parents[1]
REFERENCE = (ROOT / "docs" / "reference.md").read_text()


@pytest.mark.slow
def test_the_import_contracts_hold() -> None:
    # In a process of its own: it switches off every logger that there is (dictConfig).
    command = ("lint-imports", "--config", str(ROOT / "pyproject.toml"), "--no-cache")
    program = str(Path(sys.executable).with_name(command[0]))
    done = subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_program_says_the_version_of_its_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_in_the_reference(reason: Reason) -> None:
    assert f"| `{reason}` |" in REFERENCE


def test_every_exit_code_is_in_the_reference() -> None:
    line = next(line for line in REFERENCE.splitlines() if line.startswith("Of every command:"))
    assert re.findall(r"\d", line) == [str(int(code)) for code in ExitCode]


def test_every_metric_is_in_the_reference_and_no_other() -> None:
    code = Path(metrics.__file__).read_text()
    named = {name.removesuffix("_total") for name in re.findall(r'"(runtimegate_\w+)"', code)}
    listed = re.findall(r"^\| `(runtimegate_\w+)` \|", REFERENCE, re.MULTILINE)
    assert {name.removesuffix("_total") for name in listed} == named


@pytest.mark.parametrize("runtime", [runtime for runtime in RUNTIMES if runtime != "other"])
def test_every_pod_feature_has_a_row_for_every_runtime(runtime: str) -> None:
    facts = [fact.feature for fact in shipped().compat.facts if fact.runtime == runtime]
    known = tuple(feature.rstrip("*") for feature in facts)
    missing = {row.id for row in FEATURES if not any(k.startswith(row.id) for k in known)}
    assert missing == set()


def test_every_fact_has_evidence() -> None:
    assert [fact.feature for fact in shipped().compat.facts if not fact.evidence] == []
