"""What kube-score and checkov say of the installation: each finding is fixed, or answered here."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.test_chart import require
from tests.helm.programs import KUBE_SCORE, ROOT, find

CHECKOV = ROOT / ".build" / "checkov" / "bin" / "python"
FILES = [str(ROOT / "deploy" / name) for name in ("install.yaml", "register.yaml")]

ANSWERED = {
    # A limit of cpu throttles, and what waits is everybody's `kubectl create`.
    "container-resources:CPU limit is not set",
    # The tag or digest is pinned, and a cluster must come up while its registry is away.
    "container-image-pull-policy:ImagePullPolicy is not set to Always",
    # topologySpreadConstraints over nodes and zones do it; kube-score looks for the older field.
    "deployment-has-host-podantiaffinity:Deployment does not have a host podAntiAffinity set",
}


ANSWERED_TO_CHECKOV = {
    "CKV_K8S_11": "CPU limits should be set",  # as above
    "CKV_K8S_15": "Image Pull Policy should be Always",  # as above
    # `image.digest` pins it; the rendered file can name the digest of no image before there is one.
    "CKV_K8S_43": "Image should use digest",
    # Each of these programs asks the API server, and its account may do what it does.
    "CKV_K8S_38": "Ensure that Service Account Tokens are only mounted where necessary",
    # The certificate program's: get and patch of the two configurations by name. It is what fills
    # their caBundle; with cert-manager there is no such role.
    "CKV_K8S_155": "Minimize ClusterRoles that grant control over validating or mutating admission "
    "webhook configurations",
}


@pytest.mark.helm
def test_kube_score_finds_nothing_that_is_not_answered() -> None:
    require(KUBE_SCORE)
    command = [str(find(KUBE_SCORE)), "score", "--output-format=json", "--kubernetes-version=v1.37"]
    done = subprocess.run([*command, *FILES], capture_output=True, text=True, check=False)
    found = {
        f"{check['check']['id']}:{comment['summary']}"
        for obj in json.loads(done.stdout)
        for check in obj["checks"]
        if check["grade"] < 10 and not check["skipped"]
        for comment in check["comments"]
    }
    assert found == ANSWERED


@pytest.mark.helm
def test_kube_score_sees_a_pod_that_has_too_much() -> None:
    require(KUBE_SCORE)
    text = (ROOT / "deploy" / "install.yaml").read_text()
    worse = text.replace("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false")
    command = [str(find(KUBE_SCORE)), "score", "--output-format=ci", "-"]
    done = subprocess.run(command, input=worse, capture_output=True, text=True, check=False)
    assert "writable root filesystem" in done.stdout


def checkov(*files: str) -> dict[str, Any]:
    """Its report; it asks no network. It exits with 1 for findings."""
    if not CHECKOV.exists():
        missing = f"checkov is not installed in {CHECKOV.parents[1]}; `make checkov`"
        if os.environ.get("CI"):
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    done = subprocess.run(
        [
            *(str(CHECKOV), "-m", "checkov.main", "--framework=kubernetes", "--output=json"),
            *("--compact", "--quiet", "--skip-download", *(f"--file={file}" for file in files)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    return report


@pytest.mark.slow
def test_checkov_finds_nothing_that_is_not_answered() -> None:
    report = checkov(*FILES)
    failed = report["results"]["failed_checks"]
    found = {check["check_id"]: check["check_name"] for check in failed}
    assert found == ANSWERED_TO_CHECKOV
    assert report["summary"]["passed"] > 300
    role = "CKV_K8S_155"
    assert {check["resource"] for check in failed if check["check_id"] == role} == {
        "ClusterRole.default.runtimegate-certs"
    }


@pytest.mark.slow
def test_checkov_sees_a_pod_that_has_too_much(tmp_path: Path) -> None:
    text = Path(FILES[0]).read_text()
    worse = tmp_path / "worse.yaml"
    worse.write_text(text.replace("drop: [ALL]", "add: [SYS_ADMIN]"))
    failed = checkov(str(worse))["results"]["failed_checks"]
    assert "CKV_K8S_39" in {check["check_id"] for check in failed}


def test_every_answer_is_told_in_the_operations_page() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    assert [check for check in ANSWERED_TO_CHECKOV if f"`{check}`" not in page] == []
