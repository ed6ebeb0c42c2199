"""The image: its Dockerfile, and what deploy/image.sh makes, run as the Deployment runs it."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.bootstrap import Names, bootstrap
from tests.applications.root import BRINGS_IT
from tests.applications.root import ROOT as DEBIAN
from tests.deploy.image import NEEDED, PREFIX, START_SECONDS, USER, Running, build, running
from tests.deploy.manifests import shipped
from tests.helm.programs import ROOT

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
SERVER = shipped("install.yaml").one("Deployment", "runtimegate")["spec"]["template"]["spec"]


needs_root = pytest.mark.may_skip(reason="the image is unpacked and run by root")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the image; skipped without Debian's packages, or failed where CI is set."""
    if os.geteuid() or not all((DEBIAN / "usr/bin" / name).exists() for name in NEEDED):
        missing = f"needs root, and {' and '.join(NEEDED)} in {DEBIAN}; `{BRINGS_IT}`"
        if os.environ.get("CI") and os.geteuid() == 0:
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("image")
    for part in (folder, *list(folder.parents)[:2]):
        part.chmod(0o755)
    root = build(folder)
    for policy in (ROOT / "policies").glob("*.yaml"):
        shutil.copy(policy, root / "policies")
    now = datetime.now(UTC)  # noqa: TID251 - a real server reads its own clock
    bootstrap(root / "tls", Names(ip_addresses=("127.0.0.1",)), now=now)
    for path in (root / "tls", *(root / "tls").iterdir()):
        os.chown(path, USER, USER)
    return root


@pytest.fixture(scope="module")
def container(image: Path) -> Iterator[Running]:
    """The image as it serves; the arguments the Deployment's but for paths, port, cluster."""
    arguments = ("serve", "--policies=/policies", "--tls-dir=/tls", "--bind=127.0.0.1:0")
    with running(image, (*arguments, "--no-cluster", "--drain-seconds=0")) as container:
        deadline = time.monotonic() + START_SECONDS
        while b"ok" not in container.get("/healthz"):
            assert time.monotonic() < deadline
        yield container


@needs_root
@pytest.mark.slow
def test_with_a_read_only_root_it_answers_a_review(container: Running) -> None:
    pod = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "busybox:1"}]}}
    request = {
        "uid": "1",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "operation": "CREATE",
        "namespace": "tenant-a",
        "userInfo": {"username": "tenant"},
        "object": pod,
    }
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    answer = json.loads(container.get("/mutate?timeout=5s", json.dumps(review).encode()))
    assert answer["response"]["allowed"] is True
    assert answer["response"]["patchType"] == "JSONPatch"


@needs_root
@pytest.mark.slow
def test_it_runs_as_nobody_with_no_capability(container: Running) -> None:
    pids = container.processes()
    assert len(pids) > 1  # the arbiter and its worker
    for pid in pids:
        status = container.status(pid)
        assert status["Uid"].split() == [str(USER)] * 4
        assert status["Groups"] == ""
        assert {status[f"Cap{name}"] for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
        assert status["NoNewPrivs"] == "1"


@needs_root
@pytest.mark.slow
def test_nothing_but_tmp_can_be_written(container: Running) -> None:
    lines = Path(f"/proc/{container.pid}/mountinfo").read_text().splitlines()
    options = {line.split()[4]: line.split()[5].split(",") for line in lines}
    assert {point for point in ("/", "/usr", "/etc", "/opt", "/tmp") if "rw" in options[point]} == {
        "/tmp"
    }


@needs_root
@pytest.mark.slow
def test_it_fits_in_the_memory_that_it_is_given(container: Running) -> None:
    resident = sum(int(container.status(pid)["VmRSS"].split()[0]) for pid in container.processes())
    limit = re.fullmatch(r"(\d+)Mi", SERVER["containers"][0]["resources"]["limits"]["memory"])
    assert limit is not None
    assert resident < int(limit[1]) * 1024 * 0.75


@needs_root
@pytest.mark.slow
def test_no_installer_and_no_compiler_are_in_it(image: Path) -> None:
    packages = image / PREFIX.removeprefix("/") / "lib/python3.11/site-packages"
    assert {name for name in ("pip", "setuptools", "wheel") if (packages / name).exists()} == set()


def test_the_dockerfile_runs_the_steps_that_are_tested() -> None:
    assert re.findall(r"^RUN (.*)$", DOCKERFILE, re.MULTILINE) == [
        f"/src/deploy/image.sh /src {PREFIX}"
    ]


def test_the_dockerfile_names_the_user_and_program_of_the_chart() -> None:
    assert f"USER {USER}:{USER}" in DOCKERFILE
    assert SERVER["securityContext"]["runAsUser"] == USER
    assert f'ENTRYPOINT ["{PREFIX}/bin/runtimegate"]' in DOCKERFILE


def test_the_image_is_of_the_charts_version() -> None:
    chart = (ROOT / "deploy" / "chart" / "Chart.yaml").read_text()
    project = (ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.*)"$', project, re.MULTILINE)
    assert version is not None
    assert f"appVersion: {version[1]}\n" in chart
    assert f"ARG VERSION={version[1]}\n" in DOCKERFILE


def test_what_the_build_needs_is_sent_to_it() -> None:
    sent = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    script = (ROOT / "deploy" / "image.sh").read_text()
    used = {"deploy/image.sh", *re.findall(r'\$source/([\w./-]+)"', script)}
    assert used == {line[1:] for line in sent if line.startswith("!")}
