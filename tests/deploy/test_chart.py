"""The chart as helm renders it: the files of deploy/ are current, and values are strict."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.controlplane.binaries import Program
from tests.deploy.manifests import Manifests
from tests.deploy.rendered import DEPLOY, FILES, rendered
from tests.deploy.variants import VARIANTS
from tests.helm.programs import CHART, HELM, HelmMissing, RenderError, find, render, run

pytestmark = pytest.mark.helm


def require(program: Program, environ: Mapping[str, str] = os.environ) -> None:
    """Skip for lack of a program; where CI is set fail."""
    try:
        find(program)
    except HelmMissing as missing:
        if environ.get("CI"):
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))


@pytest.fixture(autouse=True)
def _helm() -> None:
    require(HELM)


@pytest.mark.parametrize("name", FILES)
def test_the_rendered_file_is_current(name: str) -> None:
    assert Path(DEPLOY / name).read_text() == rendered(name), "make deploy"


def test_helm_finds_nothing_to_say() -> None:
    assert "0 chart(s) failed" in run("lint", "--strict", str(CHART))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_renders(variant: str) -> None:
    made = Manifests(render(*VARIANTS[variant]))
    assert made.one("Deployment", "runtimegate")


def container(*values: str) -> Mapping[str, object]:
    """The server's container under these values."""
    made = Manifests(render(*values)).one("Deployment", "runtimegate")
    found: Mapping[str, object] = made["spec"]["template"]["spec"]["containers"][0]
    return found


def test_with_client_certificates_the_probes_only_knock() -> None:
    made = container(*VARIANTS["client certificates"])
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    asked = [made[probe]["tcpSocket"] for probe in probes]  # type: ignore[index]  # a mapping of objects
    assert asked == [{"port": "https"}] * 3


def test_namespaces_left_alone_are_so_in_the_server_too() -> None:
    made = Manifests(render(*VARIANTS["more namespaces left alone"]))
    names = ["kube-system", "runtimegate-system", "calico-system", "rook-ceph"]
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        for webhook in made.one(kind, "runtimegate")["webhooks"]:
            (expression,) = webhook["namespaceSelector"]["matchExpressions"]
            assert expression["values"] == names
    spec = made.one("Deployment", "runtimegate")["spec"]["template"]["spec"]
    excluded = [a for a in spec["containers"][0]["args"] if a.startswith("--exclude-namespace")]
    assert excluded == [f"--exclude-namespace={name}" for name in names[1:]]


def test_with_cert_manager_there_is_no_account_that_writes() -> None:
    made = Manifests(render(*VARIANTS["cert-manager"]))
    assert [a["metadata"]["name"] for a in made.kind("ServiceAccount")] == ["runtimegate"]
    (configuration,) = made.kind("MutatingWebhookConfiguration")
    assert configuration["metadata"]["annotations"] == {
        "cert-manager.io/inject-ca-from": "runtimegate-system/runtimegate"
    }


def test_a_port_is_told_once() -> None:
    made = container("--set=server.bind=0.0.0.0:9443")
    assert made["ports"] == [{"name": "https", "containerPort": 9443, "protocol": "TCP"}]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("replica=3", "replica"),
        ("webhooks.register=yes", "/webhooks/register"),
        ("webhooks.failurePolicy=Never", "/webhooks/failurePolicy"),
        ("certificates.mode=vault", "/certificates/mode"),
        ("certificates.mode=secret,webhooks.register=true", "/certificates/caBundle"),
        ("policies.git.path=../..", "/policies/git/path"),
        ("image.digest=latest", "/image/digest"),
        ("replicas=null", "replicas"),
        ("policies.git.repository=git@a:b", "/policies/git/secretName"),
        ("policies.git.repository=ssh://git@a/b", "/policies/git/secretName"),
        ("policies.configMap=ours,policies.git.repository=https://a/b", "/policies/configMap"),
        ("policies.files.a\\.yaml=x,policies.git.repository=https://a/b", "/policies/files"),
        ("policies.files.a\\.yaml=x,policies.configMap=ours", "/policies/files"),
    ],
)
def test_a_wrong_value_is_refused_by_name(values: str, said: str) -> None:
    with pytest.raises(RenderError) as refused:
        render(f"--set={values}")
    assert said in str(refused.value)
