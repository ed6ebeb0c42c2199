"""Changes to what is there already: pods, and the namespaces they run in, at the real kubectl."""

import json
import time

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.demo.gate import Gate
from tests.registration import registered_for_a_while

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]

POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  CLASS
  containers: [{name: web, image: docker.io/library/nginx:1.31, resources: {requests: {cpu: 100m}}}]
"""
LOOKED_AT_WITHIN_SECONDS = 90
HOST = (
    "Warning: host: RuntimeClass gvisor cannot run this pod: hostNetwork: the node's network is "
    "out of reach"
)
RESIZE = {"spec": {"containers": [{"name": "web", "resources": {"requests": {"cpu": "200m"}}}]}}


def manifest(name: str, spec: str = "restartPolicy: Always") -> str:
    return POD.replace("NAME", name).replace("CLASS", spec)


def test_a_resize_that_the_runtime_ignores_is_told_to_whoever_asks_for_it(
    cluster: ControlPlane, gate_2018: Gate
) -> None:
    where = ("-n", "tenant-2018")
    cluster.kubectl("create", *where, "-f", "-", stdin=manifest("resized"))
    done = cluster.kubectl(
        *("patch", "pod", *where, "resized", "--subresource=resize", "-p", json.dumps(RESIZE))
    )
    cluster.kubectl("delete", "pod", *where, "resized", "--force", "--grace-period=0")
    assert "pod/resized patched" in done.stdout
    assert (
        "Warning: container web: RuntimeClass gvisor runs this pod badly: resize: new limits have "
        "no effect until the pod is made anew"
    ) in done.stderr


CHANGES: tuple[tuple[str, ...], ...] = (
    ("label", "pod", "older", "team=shop"),
    ("patch", "pod", "older", "--type=merge", "-p", '{"metadata": {"finalizers": ["x.io/a"]}}'),
    ("patch", "pod", "older", "--subresource=status", "-p", '{"status": {"message": "hello"}}'),
    ("patch", "pod", "older", "--subresource=resize", "-p", json.dumps(RESIZE)),
    ("set", "image", "pod/older", "web=docker.io/library/nginx:1.30"),
    ("delete", "pod", "older", "--force", "--grace-period=0", "--wait=false"),
    ("patch", "pod", "older", "--type=merge", "-p", '{"metadata": {"finalizers": null}}'),
)


def test_a_pod_that_is_older_than_the_policy_may_still_be_changed_and_goes_when_it_is_to(
    cluster: ControlPlane, gate: Gate
) -> None:
    where = ("-n", "tenant-outage")
    older = manifest("older", "runtimeClassName: gvisor\n  hostNetwork: true")
    cluster.kubectl("create", *where, "-f", "-", stdin=older)
    with registered_for_a_while(
        cluster,
        name="runtimegate-older",
        url=gate.url,
        ca_pem=gate.ca_pem,
        operator="In",
        namespaces=["tenant-outage"],
        probe="tenant-outage",
    ):
        anew = older.replace("name: older", "name: newer")
        refused = cluster.kubectl("create", *where, "-f", "-", stdin=anew, check=False)
        assert "needs pod:hostNetwork" in refused.stderr
        for change in CHANGES:
            cluster.kubectl(*change, *where)
    assert cluster.kubectl("get", "pod", *where, "older", check=False).returncode == 1


def told_of_move(plane: ControlPlane, *dry: str) -> list[str]:
    """What is said to who moves the namespace; again while a busy machine could not look at it."""
    label, undo = "e2e.runtimegate.dev/tier", "e2e.runtimegate.dev/tier-"
    deadline = time.monotonic() + LOOKED_AT_WITHIN_SECONDS
    while True:
        moving = ("label", "namespace", "moved-e2e", f"{label}=sandboxed")
        told = plane.kubectl(*moving, *dry).stderr.splitlines()
        if not any("not looked at: " in line for line in told):
            return told
        assert time.monotonic() < deadline, told
        if not dry:
            plane.kubectl("label", "namespace", "moved-e2e", undo)


def test_whoever_moves_a_namespace_hears_what_it_means_to_its_pods(
    cluster: ControlPlane, gate: Gate
) -> None:
    cluster.create_namespace("moved-e2e", {})
    where = ("-n", "moved-e2e")
    cluster.kubectl("create", *where, "-f", "-", stdin=manifest("plain"))
    cluster.kubectl("create", *where, "-f", "-", stdin=manifest("host", "hostNetwork: true"))
    for dry in (("--dry-run=server",), ()):
        assert told_of_move(cluster, *dry) == [
            (
                "Warning: namespace moved-e2e moves from no policy to policy e2e-labelled: of 2 "
                "running pods, if made anew, 1 would be refused and 1 would get another class"
            ),
            HOST,
            "Warning: plain: RuntimeClass gvisor instead of no RuntimeClass",
        ]
    back = cluster.kubectl("label", "namespace", "moved-e2e", "e2e.runtimegate.dev/tier-").stderr
    assert back.splitlines() == [
        (
            "Warning: namespace moved-e2e moves from policy e2e-labelled to no policy: its pods "
            "are not judged any more"
        )
    ]


LISTING = ("list", "pods", "--all-namespaces")


def test_a_preview_that_may_not_list_pods_says_so_and_lets_the_change_pass(
    cluster: ControlPlane, gate: Gate
) -> None:
    cluster.create_namespace("unseen-e2e", {})
    role = cluster.kubectl("get", "clusterrole", "runtimegate", "-o", "json").json()
    rules = [rule for rule in role["rules"] if rule["resources"] != ["pods"]]
    assert len(rules) == len(role["rules"]) - 1
    cluster.kubectl("replace", "-f", "-", stdin=json.dumps({**role, "rules": rules}))
    try:
        cluster.wait_until_may(*LISTING, user="webhook", answer="no")
        done = cluster.kubectl(
            "label", "namespace", "unseen-e2e", "e2e.runtimegate.dev/tier=sandboxed"
        )
    finally:
        now = cluster.kubectl("get", "clusterrole", "runtimegate", "-o", "json").json()
        cluster.kubectl("replace", "-f", "-", stdin=json.dumps({**now, "rules": role["rules"]}))
        cluster.wait_until_may(*LISTING, user="webhook")
    assert done.stderr.splitlines() == [
        (
            "Warning: namespace unseen-e2e moves from no policy to policy e2e-labelled; existing "
            "pods were not looked at: forbidden"
        )
    ]
