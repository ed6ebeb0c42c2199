"""What kube-score says of the installation: each finding is fixed, or answered here."""

import json
import subprocess

import pytest

from tests.deploy.test_chart import require
from tests.helm.programs import KUBE_SCORE, ROOT, find

pytestmark = pytest.mark.helm

ANSWERED = {
    # A limit of cpu throttles, and what waits is everybody's `kubectl create`.
    "container-resources:CPU limit is not set",
    # The tag or digest is pinned, and a cluster must come up while its registry is away.
    "container-image-pull-policy:ImagePullPolicy is not set to Always",
    # topologySpreadConstraints over nodes and zones do it; kube-score looks for the older field.
    "deployment-has-host-podantiaffinity:Deployment does not have a host podAntiAffinity set",
}


def test_kube_score_finds_nothing_that_is_not_answered() -> None:
    require(KUBE_SCORE)
    paths = [str(ROOT / "deploy" / name) for name in ("install.yaml", "register.yaml")]
    command = [str(find(KUBE_SCORE)), "score", "--output-format=json", "--kubernetes-version=v1.37"]
    done = subprocess.run([*command, *paths], capture_output=True, text=True, check=False)
    found = {
        f"{check['check']['id']}:{comment['summary']}"
        for obj in json.loads(done.stdout)
        for check in obj["checks"]
        if check["grade"] < 10 and not check["skipped"]
        for comment in check["comments"]
    }
    assert found == ANSWERED


def test_kube_score_sees_a_pod_that_has_too_much() -> None:
    require(KUBE_SCORE)
    text = (ROOT / "deploy" / "install.yaml").read_text()
    worse = text.replace("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false")
    command = [str(find(KUBE_SCORE)), "score", "--output-format=ci", "-"]
    done = subprocess.run(command, input=worse, capture_output=True, text=True, check=False)
    assert "writable root filesystem" in done.stdout
