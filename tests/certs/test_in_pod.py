"""``certs`` as the chart's Jobs run it: by the account of its pod, against the real API server.

Only the mount is a fake: no kubelet is here to bring it, so token and ca.crt lie where a pod has
them in a mount namespace of the process's own. The account, its rights (the install's own Role and
ClusterRole), the token (of the TokenRequest API, as a kubelet asks for it), the arguments (those of
the rendered Jobs) and the API server are the real ones.
"""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.controlplane.binaries import Binaries
from tests.controlplane.cluster import ControlPlane, Result
from tests.deploy.manifests import shipped
from tests.deploy.typed import DEPLOY, install
from tests.helm.programs import NAMESPACE, ROOT

pytestmark = [
    pytest.mark.controlplane,
    pytest.mark.slow,
    pytest.mark.may_skip(reason="a machine may forbid mount namespaces"),
]

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_MOUNTED = """\
mount -t tmpfs tmpfs /run
mkdir -p "$1"
cp "$2"/* "$1"
shift 2
exec "$@"
"""
INSTALL, REGISTER = shipped("install.yaml"), shipped("register.yaml")


def arguments(found: Mapping[str, object]) -> Sequence[str]:
    """What the container of a Job or CronJob is given after ``runtimegate``."""
    spec = found["spec"]
    assert isinstance(spec, dict)
    template = spec.get("jobTemplate", {}).get("spec", spec)["template"]
    given: list[str] = template["spec"]["containers"][0]["args"]
    return given


BOOTSTRAP = arguments(INSTALL.one("Job", "runtimegate-certs"))
FILL = arguments(REGISTER.one("Job", "runtimegate-register"))
RENEW = arguments(INSTALL.one("CronJob", "runtimegate-renew"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod's account, and what else its environment says."""

    plane: ControlPlane
    mount: Path

    def run(self, arguments: Sequence[str]) -> Result:
        """Run the program in it."""
        host, _, port = self.plane.url.removeprefix("https://").rpartition(":")
        script = ("sh", "-ec", _MOUNTED, "sh", ACCOUNT, str(self.mount))
        done = subprocess.run(
            [*UNSHARE, *script, sys.executable, "-m", "webhook.cli", *arguments],
            env={
                "PATH": os.defpath,
                "KUBERNETES_SERVICE_HOST": host,
                "KUBERNETES_SERVICE_PORT": port,
            },
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Result(returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)


UNSHARE = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--map-root-user", "--mount")


@pytest.fixture(scope="module")
def plane(binaries: Binaries) -> Iterator[ControlPlane]:
    """A cluster of its own with the install, not registered yet."""
    with ControlPlane(binaries) as plane:
        install(plane)
        yield plane


@pytest.fixture
def in_pod(plane: ControlPlane, tmp_path: Path) -> Pod:
    """A pod of the certificate program."""
    possible = subprocess.run(
        [*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/run"], capture_output=True, check=False
    )
    if possible.returncode:
        pytest.skip(f"no mount namespace may be made here: {possible.stderr.decode().strip()}")
    return Pod(plane=plane, mount=account(plane, "runtimegate-certs", tmp_path))


def account(plane: ControlPlane, name: str, folder: Path) -> Path:
    """The folder that a kubelet would mount for an account."""
    token = plane.kubectl("create", "token", name, f"--namespace={NAMESPACE}").stdout
    folder.joinpath("token").write_text(token.strip())
    folder.joinpath("ca.crt").write_text(plane.ca_pem)
    folder.joinpath("namespace").write_text(NAMESPACE)
    return folder


def bundles(plane: ControlPlane) -> set[bytes]:
    """The caBundle of every webhook that is registered."""
    both = "mutatingwebhookconfigurations,validatingwebhookconfigurations"
    listed = plane.kubectl("get", both, "-o", "json").json()["items"]
    hooks = [hook for item in listed for hook in item["webhooks"]]
    return {base64.b64decode(hook["clientConfig"].get("caBundle", "")) for hook in hooks}


def secret(plane: ControlPlane, name: str) -> dict[str, bytes]:
    found = plane.kubectl("get", "secret", name, f"--namespace={NAMESPACE}", "-o", "json").json()
    return {key: base64.b64decode(value) for key, value in found.get("data", {}).items()}


def test_from_install_to_renewal_by_the_account_of_the_pod(
    plane: ControlPlane, in_pod: Pod
) -> None:
    first = in_pod.run(BOOTSTRAP)
    assert (first.returncode, first.stderr) == (0, "")
    assert set(secret(plane, "runtimegate-tls")) == {"tls.crt", "tls.key", "ca.crt"}
    assert set(secret(plane, "runtimegate-ca")) == {"ca.crt", "ca.key"}

    night = in_pod.run(RENEW)
    assert night.returncode == 0
    assert night.stderr.startswith("warning: the gate is off: MutatingWebhookConfiguration")

    plane.kubectl("apply", "-f", str(DEPLOY / "register.yaml"))
    filled = in_pod.run(FILL)
    assert (filled.returncode, filled.stderr) == (0, "")
    assert bundles(plane) == {secret(plane, "runtimegate-ca")["ca.crt"]}

    night = in_pod.run(RENEW)
    assert (night.returncode, night.stderr) == (0, "")
    assert "nothing is due before" in night.stdout

    before = secret(plane, "runtimegate-tls")["tls.crt"]
    forced = in_pod.run([*RENEW, "--force"])
    assert (forced.returncode, forced.stderr) == (0, "")
    assert secret(plane, "runtimegate-tls")["tls.crt"] != before

    plane.kubectl("delete", "-f", str(DEPLOY / "register.yaml"))
    off = in_pod.run([*RENEW, "--force"])
    assert (off.returncode, bundles(plane)) == (0, set())
    assert "the gate is off" in off.stderr
    assert "issued a new certificate" in off.stdout
    strict = in_pod.run([each for each in RENEW if each != "--allow-unregistered"])
    assert strict.returncode == 2
    assert "is not registered; expected the configurations that --webhook-config" in strict.stderr


def test_the_account_of_the_servers_may_do_none_of_it(
    plane: ControlPlane, in_pod: Pod, tmp_path: Path
) -> None:
    servers = tmp_path / "servers"
    servers.mkdir()
    refused = Pod(plane=plane, mount=account(plane, "runtimegate", servers)).run(RENEW)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "HTTP 403" in refused.stderr
    assert "grant the verb get on" in refused.stderr


PROBLEMS = {
    "no token": ("token", None, "service account of this pod: Service token file does not exist."),
    "an empty token": ("token", "", "service account of this pod: Token file exists but empty."),
    "a token of nobody": ("token", "x", " cannot be read (HTTP 401: Unauthorized)"),
    "no CA": (
        "ca.crt",
        None,
        "service account of this pod: Service certification file does not exist.",
    ),
    "a CA of no use": ("ca.crt", "garbage", "no certificate or crl found"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_mount_of_no_use_is_said_in_one_line(in_pod: Pod, case: str) -> None:
    file, text, said = PROBLEMS[case]
    if text is None:
        (in_pod.mount / file).unlink()
    else:
        (in_pod.mount / file).write_text(text)
    done = in_pod.run(RENEW)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
