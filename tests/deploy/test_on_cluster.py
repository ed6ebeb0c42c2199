"""The installation on the real API server, typed as docs/operations.md says.

Nodes are missing here, so two things are stood in for: the server runs as a process beside, with
the token of its own service account, and the Service in the registered configurations is replaced
by that process's URL. Certificates come by hand where the certificate Job would bring them.
"""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.cluster import ControlPlane, Result
from tests.controlplane.keys import serving_pair
from tests.controlplane.settings import kubeconfig_text
from tests.demo.gate import Gate
from tests.deploy.manifests import Manifests
from tests.deploy.test_chart import require
from tests.deploy.variants import VARIANTS
from tests.helm.programs import HELM, NAMESPACE, ROOT, render

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]

DEPLOY = ROOT / "deploy"
CONFIGURATIONS = ("mutatingwebhookconfiguration", "validatingwebhookconfiguration")
MIRROR = "kubernetes.io/config.mirror"
SECONDS = 30


@pytest.fixture(scope="module")
def installed(control_plane: ControlPlane) -> ControlPlane:
    """A cluster after `kubectl apply -f deploy/install.yaml`, with tenants and RuntimeClasses."""
    done = control_plane.kubectl("apply", "-f", str(DEPLOY / "install.yaml"))
    assert "arning" not in done.stderr
    control_plane.kubectl("apply", "-k", str(DEPLOY / "runtimeclasses"))
    levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    control_plane.create_namespace("variants", levels)
    for name in ("tenant-down", "tenant-up"):
        control_plane.create_namespace(name)
    return control_plane


def pod(name: str, **metadata: Any) -> dict[str, Any]:
    """A pod that gVisor runs."""
    spec = {"containers": [{"name": "main", "image": "docker.io/library/busybox:1"}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


def create(plane: ControlPlane, namespace: str, obj: dict[str, Any], *options: str) -> Result:
    """What `kubectl create` answers."""
    arguments = ("create", "-n", namespace, "-o", "json", *options, "-f", "-")
    return plane.kubectl(*arguments, stdin=json.dumps(obj), check=False)


def replace_in_entries(plane: ControlPlane, kind: str, path: str, value: object) -> None:
    """Set what is at this path of every webhook of a registered configuration."""
    count = len(plane.kubectl("get", kind, "runtimegate", "-o", "json").json()["webhooks"])
    operations = [
        {"op": "add", "path": f"/webhooks/{index}{path}", "value": value} for index in range(count)
    ]
    plane.kubectl("patch", kind, "runtimegate", "--type=json", "-p", json.dumps(operations))


def ca_bundles(plane: ControlPlane) -> set[str]:
    """The caBundles of all registered webhooks."""
    return {
        webhook["clientConfig"].get("caBundle", "")
        for kind in CONFIGURATIONS
        for webhook in plane.kubectl("get", kind, "runtimegate", "-o", "json").json()["webhooks"]
    }


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


CERTS = f"system:serviceaccount:{NAMESPACE}:runtimegate-certs"
SERVER = f"system:serviceaccount:{NAMESPACE}:runtimegate"


@pytest.mark.parametrize(
    ("account", "verb", "what", "namespace", "answer"),
    [
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
        (SERVER, "list", "pods", "default", "no"),
    ],
)
def test_an_account_may_what_the_table_says(
    installed: ControlPlane, account: str, verb: str, what: str, namespace: str, answer: str
) -> None:
    where = (f"--namespace={namespace}",) if namespace else ()
    asked = ("auth", "can-i", verb, what, *where, f"--as={account}")
    assert installed.kubectl(*asked, check=False).stdout.strip() == answer


@pytest.fixture(scope="module")
def registered(installed: ControlPlane) -> ControlPlane:
    """`kubectl apply -f deploy/register.yaml` while no server is there: the worst moment."""
    done = installed.kubectl("apply", "-f", str(DEPLOY / "register.yaml"))
    assert "arning" not in done.stderr
    # A webhook just registered is called within about a second, not at once.
    deadline = time.monotonic() + SECONDS
    while not create(installed, "tenant-down", pod("probe"), "--dry-run=server").returncode:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return installed


def test_without_a_server_no_pod_of_a_tenant_is_made(registered: ControlPlane) -> None:
    refused = create(registered, "tenant-down", pod("a"))
    assert refused.stderr.startswith(
        'Error from server (InternalError): error when creating "STDIN": Internal error occurred:'
        ' failed calling webhook "pods.runtimegate.dev"'
    )


@pytest.mark.parametrize("namespace", [NAMESPACE, "kube-system"])
def test_without_a_server_the_pods_that_bring_it_back_are_made(
    registered: ControlPlane, namespace: str
) -> None:
    made = pod("replica")
    made["spec"]["securityContext"] = {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    made["spec"]["containers"][0]["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    done = create(registered, namespace, made, "--dry-run=server")
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_server_a_node_mirrors_its_static_pods(registered: ControlPlane) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}}
    made = registered.kubectl("create", "-f", "-", "-o", "json", stdin=json.dumps(node)).json()
    owner = {
        "apiVersion": "v1",
        "kind": "Node",
        "name": "one",
        "uid": made["metadata"]["uid"],
        "controller": True,
    }
    static = pod("static-one", annotations={MIRROR: "x"}, ownerReferences=[owner])
    static["spec"]["nodeName"] = "one"
    as_node = ("--as=system:node:one", "--as-group=system:nodes", "--as-group=system:authenticated")
    done = create(registered, "tenant-down", static, *as_node)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_server_the_annotation_alone_passes_nobody(registered: ControlPlane) -> None:
    lie = pod("lie", annotations={MIRROR: "x"})
    assert "failed calling webhook" in create(registered, "tenant-down", lie).stderr


def test_without_a_server_workloads_and_all_else_go_on(registered: ControlPlane) -> None:
    registered.kubectl("create", "deployment", "web", "-n", "tenant-down", "--image=web:1")
    registered.kubectl("create", "configmap", "c", "-n", "tenant-down")


def test_without_a_server_the_install_can_be_applied_again(registered: ControlPlane) -> None:
    again = registered.kubectl("apply", "-f", str(DEPLOY / "install.yaml"))
    assert "failed" not in again.stdout + again.stderr


def test_registering_again_keeps_the_ca_bundle(registered: ControlPlane) -> None:
    bundle = base64.b64encode(serving_pair().ca_pem.encode()).decode()
    for kind in CONFIGURATIONS:
        replace_in_entries(registered, kind, "/clientConfig/caBundle", bundle)
    registered.kubectl("apply", "-f", str(DEPLOY / "register.yaml"))
    assert ca_bundles(registered) == {bundle}


@pytest.fixture(scope="module")
def gate(registered: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """The server with the token of its service account; the registration calls it by URL."""
    token = registered.kubectl("create", "token", "runtimegate", f"--namespace={NAMESPACE}")
    kubeconfig = tmp_path_factory.mktemp("deploy") / "kubeconfig"
    kubeconfig.write_text(
        kubeconfig_text(
            url=registered.url, ca_pem=registered.ca_pem, user="sa", token=token.stdout.strip()
        )
    )
    with Gate(Path(ROOT / "policies"), kubeconfig=kubeconfig) as gate:
        bundle = base64.b64encode(gate.ca_pem.encode()).decode()
        for kind, path in zip(CONFIGURATIONS, ("/mutate", "/validate"), strict=True):
            config = {"url": f"{gate.url}{path}", "caBundle": bundle}
            replace_in_entries(registered, kind, "/clientConfig", config)
        deadline = time.monotonic() + SECONDS
        while create(registered, "tenant-up", pod("probe"), "--dry-run=server").returncode:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield gate


def calls(gate: Gate) -> int:
    """How many reviews the server has answered."""
    _, page = gate.get("/metrics")
    lines = page.decode().splitlines()
    counted = [line for line in lines if line.startswith("runtimegate_reviews_total{")]
    return int(sum(float(line.rpartition(" ")[2]) for line in counted))


def test_the_rights_of_the_service_account_are_enough(gate: Gate) -> None:
    status, report = gate.get("/readyz?verbose")
    assert status == 200
    assert b"forbidden" not in report.lower()


def test_a_pod_is_assigned_its_class(registered: ControlPlane, gate: Gate) -> None:
    made = create(registered, "tenant-up", pod("web")).json()
    assert made["spec"]["runtimeClassName"] == "gvisor"
    assert made["spec"]["overhead"] == {"memory": "64Mi"}


def test_a_pod_is_refused_with_the_reason(registered: ControlPlane, gate: Gate) -> None:
    asked = pod("asked")
    asked["spec"]["runtimeClassName"] = "runc"
    refused = create(registered, "tenant-up", asked)
    assert 'admission webhook "pods.runtimegate.dev" denied the request' in refused.stderr


@pytest.mark.parametrize(("verb", "asked"), [("label", 0), ("annotate", 1)])
def test_the_server_is_asked_only_of_changes_that_it_judges(
    registered: ControlPlane, gate: Gate, verb: str, asked: int
) -> None:
    create(registered, "tenant-up", pod(f"changed-{verb}"))
    before = calls(gate)
    registered.kubectl(verb, "pod", f"changed-{verb}", "-n", "tenant-up", "example.com/a=b")
    assert calls(gate) - before == asked


def test_a_debug_container_is_judged(registered: ControlPlane, gate: Gate) -> None:
    create(registered, "tenant-up", pod("debugged"))
    before = calls(gate)
    registered.kubectl(
        *("debug", "debugged", "-n", "tenant-up", "--image=busybox:1", "--profile=general"),
        *("-q", "--attach=false"),
    )
    assert calls(gate) - before == 1


def test_scaling_a_deployment_asks_nothing(registered: ControlPlane, gate: Gate) -> None:
    registered.kubectl("create", "deployment", "web", "-n", "tenant-up", "--image=web:1")
    before = calls(gate)
    registered.kubectl("annotate", "deployment", "web", "-n", "tenant-up", "example.com/a=b")
    registered.kubectl("scale", "deployment", "web", "-n", "tenant-up", "--replicas=2")
    assert calls(gate) - before == 0


def test_a_runtime_class_that_contradicts_the_inventory_is_refused(
    registered: ControlPlane, gate: Gate
) -> None:
    contradiction = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "kata-mine"},
        "handler": "runc",
    }
    refused = create(registered, "default", contradiction)
    assert 'admission webhook "guards.runtimegate.dev" denied the request' in refused.stderr


def test_without_the_registration_the_gate_is_off(registered: ControlPlane, gate: Gate) -> None:
    registered.kubectl("delete", "-f", str(DEPLOY / "register.yaml"))
    deadline = time.monotonic() + SECONDS
    while (
        '"runtimeClassName"'
        in create(registered, "tenant-up", pod("off"), "--dry-run=server").stdout
    ):
        assert time.monotonic() < deadline
        time.sleep(0.2)
