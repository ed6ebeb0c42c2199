"""``runtimegate check`` says offline what the cluster says: one table drives both."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.e2e.cases import CASES, CASES_2018, NAMESPACES, RUNTIME_CLASSES, Case

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `kubectl get ns,runtimeclass -o yaml` would print of the tests' cluster."""
    namespaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        for name, labels in NAMESPACES.items()
    ]
    items = [*namespaces, *yaml.safe_load_all(RUNTIME_CLASSES)]
    path = tmp_path_factory.mktemp("check") / "cluster.yaml"
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}))
    return path


def decide(case: Case, policies: Path, cluster: Path) -> dict[str, object]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "webhook.cli", "check", "-p", str(policies)),
            *("-n", case.namespace, "--cluster", str(cluster), "-o", "json", "-"),
        ],
        input=case.manifest,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (1 if case.decision == "deny" else 0), done.stderr
    (result,) = json.loads(done.stdout)["results"]
    return dict(result)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_check_decides_as_the_cluster_does(case: Case, policies: Path, cluster_file: Path) -> None:
    compare(case, decide(case, policies, cluster_file))


@pytest.mark.parametrize("case", CASES_2018, ids=lambda case: case.name.replace(" ", "-"))
def test_check_decides_as_the_cluster_of_2018_does(case: Case, cluster_file: Path) -> None:
    policies = ROOT / "policies" / "examples" / "2018-article"
    compare(case, decide(case, policies, cluster_file))


def compare(case: Case, result: dict[str, object]) -> None:
    assert result["decision"] == case.decision
    assert result["reason"] == case.reason
    if case.namespace != "trial-e2e":
        assert result["runtimeClass"] == case.runtime_class
    said = f"{result['message']}\n" + "\n".join(f"Warning: {w}" for w in _texts(result)) + "\n"
    for text in case.says:
        wanted = text.partition("denied the request: ")[2] or text
        assert wanted in said


def _texts(result: dict[str, object]) -> list[str]:
    warnings = result["warnings"]
    assert isinstance(warnings, list)
    return warnings
