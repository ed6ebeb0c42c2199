"""`kubectl apply -f deploy/install.yaml` on the real API server: what is made, and who may what."""

import base64
import json
import re

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.demo.gate import Gate
from tests.deploy.manifests import Manifests
from tests.deploy.test_chart import require
from tests.deploy.typed import CERTS, DEPLOY, SERVER, install, server_kubeconfig, until
from tests.deploy.variants import VARIANTS
from tests.helm.programs import HELM, NAMESPACE, ROOT, render

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]


@pytest.fixture(scope="module")
def installed(control_plane: ControlPlane) -> ControlPlane:
    """A cluster with the install, and a namespace for variants of it."""
    install(control_plane)
    levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    control_plane.create_namespace("variants", levels)
    for account, verb, what, namespace, answer in MAY:
        if answer == "yes":
            control_plane.wait_until_may(*asked(account, verb, what, namespace))
    return control_plane


def generations(plane: ControlPlane) -> dict[str, int]:
    """How often the specification of each installed object was changed."""
    text = plane.kubectl("get", "-f", str(DEPLOY / "install.yaml"), "-o", "json").json()
    return {
        f"{obj['kind']} {obj['metadata']['name']}": obj["metadata"].get("generation", 0)
        for obj in text["items"]
    }


@pytest.mark.parametrize("option", ["-f=install.yaml", "-k=."], ids=["again", "by kustomization"])
def test_a_second_apply_changes_nothing(installed: ControlPlane, option: str) -> None:
    before = generations(installed)
    flag, _, path = option.partition("=")
    installed.kubectl("apply", flag, str(DEPLOY / path))
    assert generations(installed) == before


def test_a_second_apply_keeps_the_certificate(installed: ControlPlane) -> None:
    secret = ("secret", "runtimegate-tls", f"--namespace={NAMESPACE}")
    data = json.dumps({"data": {"tls.crt": base64.b64encode(b"pair").decode()}})
    installed.kubectl("patch", *secret, "-p", data)
    installed.kubectl("apply", "-f", str(DEPLOY / "install.yaml"))
    kept = installed.kubectl("get", *secret, "-o", "json").json()
    assert base64.b64decode(kept["data"]["tls.crt"]) == b"pair"


@pytest.mark.helm
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_api_server_takes_every_variant_without_a_warning(
    installed: ControlPlane, variant: str
) -> None:
    require(HELM)
    theirs = ("cert-manager.io/", "monitoring.coreos.com/")  # of operators that are not here
    objects = [
        obj
        for obj in Manifests(
            render(*VARIANTS[variant], "--set=name=other", namespace="variants")
        ).objects
        if not obj["apiVersion"].startswith(theirs)
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    done = installed.kubectl("create", "--dry-run=server", "-f", "-", stdin=text, check=False)
    assert (done.returncode, done.stderr) == (0, "")


MAY = (
    (CERTS, "patch", "secret/runtimegate-tls", NAMESPACE, "yes"),
    (CERTS, "get", "secret/runtimegate-ca", NAMESPACE, "yes"),
    (CERTS, "patch", "mutatingwebhookconfiguration/runtimegate", "", "yes"),
    (CERTS, "get", "secret/other", NAMESPACE, "no"),
    (CERTS, "list", "secrets", NAMESPACE, "no"),
    (CERTS, "create", "secrets", NAMESPACE, "no"),
    (CERTS, "get", "secret/runtimegate-tls", "default", "no"),
    (CERTS, "patch", "validatingwebhookconfiguration/other", "", "no"),
    (CERTS, "delete", "validatingwebhookconfiguration/runtimegate", "", "no"),
    (SERVER, "watch", "namespaces", "", "yes"),
    (SERVER, "get", "secret/runtimegate-tls", NAMESPACE, "no"),
    (SERVER, "list", "pods", "", "yes"),
    (SERVER, "get", "pods", "default", "no"),
    (SERVER, "watch", "pods", "default", "no"),
)


def asked(account: str, verb: str, what: str, namespace: str) -> tuple[str, ...]:
    where = (f"--namespace={namespace}",) if namespace else ()
    return (verb, what, *where, f"--as={account}")


@pytest.mark.parametrize(("account", "verb", "what", "namespace", "answer"), MAY)
def test_an_account_may_what_the_table_says(
    installed: ControlPlane, account: str, verb: str, what: str, namespace: str, answer: str
) -> None:
    question = ("auth", "can-i", *asked(account, verb, what, namespace))
    assert installed.kubectl(*question, check=False).stdout.strip() == answer


@pytest.mark.parametrize("resource", ["namespaces", "nodes", "runtimeclasses"])
def test_without_one_of_its_watches_the_server_says_so(
    installed: ControlPlane, resource: str
) -> None:
    role = installed.kubectl("get", "clusterrole", "runtimegate", "-o", "json").json()
    for rule in role["rules"]:
        if rule["resources"] == [resource]:
            rule["verbs"].remove("watch")
    installed.kubectl(
        "patch", "clusterrole", "runtimegate", "-p", json.dumps({"rules": role["rules"]})
    )
    watching = asked(SERVER, "watch", resource, "")
    try:
        installed.wait_until_may(*watching, answer="no")
        with Gate(ROOT / "policies", kubeconfig=server_kubeconfig(installed)) as gate:
            said = re.compile(rf"\b{resource}(\.[\w.]+)? is forbidden")
            until(lambda: said.search(gate.get("/readyz?verbose")[1].decode()) is not None)
    finally:
        installed.kubectl("apply", "-f", str(DEPLOY / "install.yaml"))
        installed.wait_until_may(*watching)
