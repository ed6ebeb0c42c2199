"""``policy test`` on folders made for it: what it says of a case, and what it counts as reached."""

import json
import subprocess
import sys
from math import floor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.documents.build import (
    LEFT_OUT,
    exemption,
    inventory,
    override,
    policy,
    policy_test,
    runtime,
)
from webhook.cli import run

TENANTS = policy(
    "tenants",
    runtimeClasses={"default": "gvisor", "required": True, "allowed": ["gvisor", "kata-*"]},
    compatibility={"degraded": "deny"},
)
CLASSES = inventory(
    runtime(handler="runsc", versions=["20260817.0"]),
    runtime(runtimeClass="kata-qemu", runtime="kata", versions=["4.1.0"], hypervisor="qemu"),
    runtime(runtimeClass="runc", runtime="runc"),
    runtime(runtimeClass="gvisor-old", versions=["20251201.0"]),
)
RUNC = {"pod": {"image": "nginx:1.29", "runtimeClassName": "runc"}}
DENIED = {**RUNC, "name": "runc is refused", "expect": {"decision": "deny"}}


def folder(at: Path, *tests: str, policies: str = TENANTS) -> str:
    """A policy folder, its inventory, and tests ``a.yaml``, ``b.yaml``, … below it."""
    root = at / "policies"
    (root / "tests").mkdir(parents=True, exist_ok=True)
    (root / "tenants.yaml").write_text(policies)
    (root / "inventory.yaml").write_text(CLASSES)
    for name, text in zip("abcdefgh", tests, strict=False):
        (root / "tests" / f"{name}.yaml").write_text(text)
    return str(root)


class Ran:
    """One run of the command."""

    def __init__(self, capsys: pytest.CaptureFixture[str], at: str, *arguments: str) -> None:
        self.code = run(["policy", "test", "-p", at, *arguments])
        self.out, self.err = capsys.readouterr()
        self.out = self.out.replace(at, "policies")

    @property
    def value(self) -> Any:
        """What was printed as JSON."""
        return json.loads(self.out)


@pytest.fixture
def ran(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a document of these cases under the policies of tenants."""

    def run_it(
        *cases: dict[str, Any],
        policies: str = TENANTS,
        arguments: tuple[str, ...] = (),
        **spec: Any,
    ) -> Ran:
        return Ran(
            capsys, folder(tmp_path, policy_test(*cases, **spec), policies=policies), *arguments
        )

    return run_it


def differences(ran: Ran) -> list[str]:
    """What the text says is not as expected, line by line."""
    lines = [line.strip() for line in ran.out.splitlines()]
    return [line for line in lines if ": expected " in line]


def test_cases_that_hold_are_counted(ran: Any) -> None:
    result = ran(DENIED, {"name": "b", "expect": {"decision": "assign"}})
    assert (result.code, result.err) == (0, "")
    first, second, last = result.out.splitlines()
    assert first == "policies/tests/a.yaml"
    assert second == "  it: 2 passed"
    assert last.startswith("2 cases in 1 test: 2 passed; policies ")


def test_a_case_that_does_not_hold_is_told_with_its_place_and_the_whole_decision(ran: Any) -> None:
    result = ran(
        {**RUNC, "name": "runc is fine", "expect": {"decision": "keep", "reason": LEFT_OUT}}
    )
    assert result.code == 1
    assert result.out.splitlines()[1:-1] == [
        "  it: 1 failed",
        "  FAILED runc is fine",
        "    policies/tests/a.yaml:1",
        "    Pod tenant-a/main",
        "      decision: expected keep, was deny",
        ("      decided: deny, RuntimeClass runc, policy tenants, RuntimeClassNotAllowed"),
        (
            "        policy tenants: RuntimeClass runc is not allowed in namespace tenant-a; "
            "allowed: gvisor, kata-*; use runtimeClassName: gvisor or kata-qemu"
        ),
    ]


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        (
            {"reason": "RuntimeDegraded"},
            "reason: expected RuntimeDegraded, was RuntimeClassNotAllowed",
        ),
        ({"would": "deny", "decision": LEFT_OUT}, "would: expected deny, was none"),
        ({"runtimeClass": ""}, "runtimeClass: expected none, was runc"),
        ({"policy": ""}, "policy: expected none, was tenants"),
        ({"override": "a"}, "override: expected a, was none"),
        ({"exemption": "a"}, "exemption: expected a, was none"),
        ({"verdict": "unknown"}, "verdict: expected unknown, was compatible"),
        ({"recognised": False}, "recognised: expected false, was true"),
        ({"message": ["no way"]}, 'message: expected "no way", which is not said'),
        ({"suggestions": ["runc"]}, "suggestions: expected runc, was gvisor; kata-qemu"),
        ({"suggestions": []}, "suggestions: expected none, was gvisor; kata-qemu"),
        ({"warnings": ["careful"]}, 'warnings: expected "careful", which is not said'),
        (
            {"findings": [{"feature": "pod:*", "action": "deny", "container": "db"}]},
            "findings: expected pod:* in db (deny), was none",
        ),
        ({"workload": "warn"}, "workload: expected warn, was none"),
    ],
)
def test_every_expectation_can_fail(ran: Any, expect: dict[str, Any], said: str) -> None:
    result = ran({**RUNC, "expect": expect})
    assert (result.code, differences(result)) == (1, [said])


@pytest.mark.parametrize(
    "expect",
    [
        {"reason": "RuntimeClassNotAllowed"},
        {"would": ""},
        {"runtimeClass": "runc"},
        {"policy": "tenants", "override": "", "exemption": ""},
        {"verdict": "compatible", "recognised": True},
        {"message": ["is not allowed in\n  namespace tenant-a", "use runtimeClassName: gvisor"]},
        {"suggestions": ["kata-qemu"], "warnings": [], "findings": []},
        {"findings": [{"feature": "*", "absent": True}]},
    ],
)
def test_every_expectation_can_hold(ran: Any, expect: dict[str, Any]) -> None:
    assert ran({**RUNC, "expect": expect}).code == 0


FOUND = "pod:hostNetwork (incompatible, deny)"
HOST = {"pod": {"image": "nginx:1.29", "spec": {"hostNetwork": True}}}


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([{"feature": "pod:hostNetwork", "verdict": "incompatible", "action": "deny"}], []),
        (
            [{"feature": "pod:hostNetwork", "action": "warn"}],
            [
                f"findings: expected pod:hostNetwork (warn), was {FOUND}",
            ],
        ),
        (
            [{"feature": "pod:hostN*", "absent": True}],
            [f"findings: expected no pod:hostN*, was {FOUND}"],
        ),
        ([{"feature": "pod:hostN*", "absent": True, "verdict": "degraded"}], []),
        ([], [f"findings: expected none, was {FOUND}"]),
        (
            [{"feature": "pod:hostPID"}],
            [f"findings: expected pod:hostPID, was {FOUND}"],
        ),
    ],
)
def test_findings_are_asked_by_feature(
    ran: Any, findings: list[dict[str, Any]], said: list[str]
) -> None:
    result = ran({**HOST, "expect": {"findings": findings}})
    assert (result.code, differences(result)) == (1 if said else 0, said)


def test_warnings_are_told_where_none_was_expected(ran: Any) -> None:
    result = ran({"expect": {"warnings": []}})
    assert differences(result) == [
        'warnings: expected none, was "policy tenants assigned runtimeClassName: gvisor"'
    ]


def test_in_mode_warn_the_decision_is_keep_and_the_rest_what_enforce_would_do(ran: Any) -> None:
    expect = {"decision": "keep", "would": "deny", "reason": "RuntimeClassNotAllowed"}
    warned = policy("tenants", mode="warn", runtimeClasses={"default": "gvisor"})
    assert ran({**RUNC, "expect": expect}, policies=warned).code == 0
    result = ran({**RUNC, "expect": {"would": ""}}, policies=warned)
    assert differences(result) == ["would: expected none, was deny"]
    assert "decided: keep, would deny, RuntimeClass runc, policy tenants" in result.out


LABELLED = policy("labelled", namespaces={"selector": {"matchLabels": {"tier": "x"}}})


def test_the_labels_of_the_namespace_select_the_policy(ran: Any) -> None:
    namespace = {"name": "shop", "labels": {"tier": "x"}}
    cases = [
        {"namespace": namespace, "expect": {"policy": "labelled"}},
        {"namespace": {"name": "shop"}, "expect": {"policy": ""}},
        {
            "namespace": {"name": "shop"},
            "cluster": {
                "objects": [
                    {"apiVersion": "v1", "kind": "Namespace", "metadata": namespace},
                ]
            },
            "expect": {"policy": "labelled"},
        },
    ]
    assert ran(*cases, policies=LABELLED).code == 0


def test_the_annotations_of_the_namespace_choose_where_the_policy_lets_them(ran: Any) -> None:
    classes = {"default": "gvisor", "allowed": ["gvisor", "kata-*"], "namespaceDefault": True}
    chosen = {
        "name": "tenant-a",
        "annotations": {"runtimegate.dev/default-runtime-class": "kata-qemu"},
    }
    case = {"namespace": chosen, "expect": {"runtimeClass": "kata-qemu"}}
    assert ran(case, policies=policy("tenants", runtimeClasses=classes)).code == 0


def test_an_update_is_judged_by_what_changed(ran: Any) -> None:
    new = {
        "expect": {"decision": "deny"},
        "pod": {"image": "postgres:17", "runtimeClassName": "gvisor"},
    }
    old = {
        "expect": {"decision": "keep"},
        "oldPod": {"image": "postgres:17", "runtimeClassName": "gvisor"},
        "pod": {**new["pod"], "labels": {"a": "b"}},
    }
    assert ran(new, old).code == 0


def test_a_resize_is_judged_as_one(ran: Any) -> None:
    def pod(cpu: str) -> dict[str, Any]:
        limits = {"resources": {"limits": {"cpu": cpu}}}
        return {
            "runtimeClassName": "gvisor-old",
            "spec": {"containers": [{"name": "a", "image": "nginx", **limits}]},
        }

    resized = {
        "oldPod": pod("1"),
        "pod": pod("2"),
        "subresource": "resize",
        "expect": {"findings": [{"feature": "pod:resize"}]},
    }
    other = {**resized, "subresource": LEFT_OUT, "expect": {"findings": []}}
    result = ran(resized, other, policies=policy("tenants"))
    assert result.code == 0, result.out


def test_a_mirror_pod_is_one_only_by_its_user(ran: Any) -> None:
    mirror = {
        "pod": {
            "image": "a",
            "annotations": {"kubernetes.io/config.mirror": "x"},
            "spec": {"nodeName": "n", "hostNetwork": True},
        },
        "user": {"name": "system:node:n", "groups": ["system:nodes"]},
        "expect": {"policy": ""},
    }
    assert (
        ran(mirror, {**mirror, "user": {"name": "jane"}, "expect": {"policy": "tenants"}}).code == 0
    )


@pytest.mark.parametrize(
    ("cluster", "expect"),
    [
        ({"runtimeClasses": {"gvisor": "runsc"}}, {"decision": "assign"}),
        ({"runtimeClasses": {"gvisor": "runc"}}, {"reason": "HandlerMismatch"}),
        ({"runtimeClasses": {"kata-qemu": "kata"}}, {"reason": "RuntimeClassNotFound"}),
        ({"files": ["cluster.json"]}, {"warnings": ["no Ready node that this pod may run on"]}),
    ],
)
def test_what_is_known_of_the_cluster_counts(
    ran: Any, tmp_path: Path, cluster: dict[str, Any], expect: dict[str, Any]
) -> None:
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n"},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "runtimeHandlers": [{"name": "runc"}],
        },
    }
    gvisor = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "gvisor"},
        "handler": "runsc",
    }
    listed = {"apiVersion": "v1", "kind": "List", "items": [node, gvisor]}
    (tmp_path / "policies" / "tests").mkdir(parents=True)
    (tmp_path / "policies" / "tests" / "cluster.json").write_text(json.dumps(listed))
    result = ran({"cluster": cluster, "expect": expect})
    assert result.code == 0, result.out


def test_what_a_case_brings_of_the_cluster_is_its_own(ran: Any) -> None:
    brought = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "kata-qemu"},
        "handler": "kata",
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a"},
        "spec": {"runtimeClassName": "kata-qemu", "containers": [{"name": "a", "image": "nginx"}]},
    }
    lacks = {"pod": LEFT_OUT, "objects": [pod], "expect": {"reason": "RuntimeClassNotFound"}}
    has = {"pod": LEFT_OUT, "objects": [pod, brought], "expect": {"decision": "keep"}}
    result = ran(lacks, has, lacks, has, cluster={"runtimeClasses": {"gvisor": "runsc"}})
    assert result.code == 0, result.out


def template(image: str, **spec: Any) -> dict[str, Any]:
    return {"template": {"spec": {"containers": [{"name": "a", "image": image}], **spec}}}


def deployment(name: str, image: str, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, **metadata},
        "spec": template(image),
    }


def test_every_pod_of_the_manifests_must_be_as_expected(ran: Any) -> None:
    objects = [deployment("web", "nginx:1.29"), deployment("db", "postgres:17")]
    result = ran({"pod": LEFT_OUT, "objects": objects, "expect": {"decision": "assign"}})
    assert result.code == 1
    assert "    Deployment tenant-a/db\n      decision: expected assign, was deny" in result.out
    assert "Deployment tenant-a/web" not in result.out


def test_only_those_that_are_chosen_are_asked(ran: Any) -> None:
    objects = [deployment("web", "nginx:1.29"), deployment("db", "postgres:17")]
    case = {"pod": LEFT_OUT, "objects": objects, "expect": {"decision": "assign"}}
    assert ran({**case, "only": {"names": ["w*"], "kinds": ["Deployment"]}}).code == 0


@pytest.mark.parametrize(
    ("only", "at", "what"),
    [
        ({"kinds": ["Job"]}, "kinds[0]", "Job"),
        ({"names": ["w*", "bd"]}, "names[1]", "bd"),
        ({"kinds": ["Deployment"], "names": ["set"]}, "names[0]", "set"),
    ],
)
def test_each_that_is_chosen_must_be_there(
    ran: Any, only: dict[str, Any], at: str, what: str
) -> None:
    objects = [deployment("web", "nginx"), {**deployment("set", "nginx"), "kind": "StatefulSet"}]
    result = ran({"pod": LEFT_OUT, "objects": objects, "only": only})
    assert result.code == 2
    assert (
        f"policies/tests/a.yaml:1: spec.cases[0].only.{at}: no object that pods are made of is "
        f"{what}: there is Deployment web, StatefulSet set\n"
    ) in result.out


def test_what_the_author_of_a_workload_hears_is_asked_too(ran: Any) -> None:
    case = {"pod": LEFT_OUT, "objects": [deployment("db", "postgres:17")]}
    assert ran({**case, "expect": {"workload": "warn"}}).code == 0
    denied = policy(
        "tenants",
        runtimeClasses={"default": "gvisor"},
        workloads="deny",
        compatibility={"degraded": "deny"},
    )
    assert ran({**case, "expect": {"workload": "deny"}}, policies=denied).code == 0
    kept = deployment("web", "nginx:1.29")
    kept["spec"] = template("nginx:1.29", runtimeClassName="gvisor")
    assert ran({"pod": LEFT_OUT, "objects": [kept], "expect": {"workload": "ignore"}}).code == 0


def test_the_namespace_of_an_object_stands_before_that_of_the_case(ran: Any) -> None:
    objects = [deployment("web", "nginx:1.29", namespace="other")]
    assert ran({"pod": LEFT_OUT, "objects": objects, "expect": {"policy": ""}}).code == 0
    result = ran({"pod": LEFT_OUT, "objects": [deployment("web", "nginx")]}, namespace=LEFT_OUT)
    assert result.code == 2
    assert "spec.cases[0]: Deployment web names no namespace: give namespace" in result.out


def review(operation: str, image: str, old: str | None) -> dict[str, Any]:
    def pod(image: str) -> dict[str, Any]:
        containers = [{"name": "a", "image": image}]
        spec = {"runtimeClassName": "gvisor", "containers": containers}
        return {"metadata": {"name": "p"}, "spec": spec}

    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1",
            "operation": operation,
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "namespace": "tenant-b",
            "name": "p",
            "userInfo": {"username": "jane"},
            "object": pod(image),
            "oldObject": pod(old) if old else None,
        },
    }


def test_what_an_api_server_once_asked_can_be_asked_again(ran: Any) -> None:
    cases = [
        {"objects": [review(operation, "postgres:17", old)], "expect": {"decision": decision}}
        for operation, old, decision in (
            ("CREATE", None, "deny"),
            ("UPDATE", "postgres:17", "keep"),
            ("UPDATE", "nginx:1", "deny"),
        )
    ]
    result = ran(*cases)
    assert result.code == 0, result.out


def test_of_a_review_of_a_workload_the_pods_that_it_will_make_are_asked(ran: Any) -> None:
    asked = review("UPDATE", "nginx:1", "nginx:1")
    kind = {"group": "apps", "version": "v1", "kind": "Deployment"}
    workload = deployment("db", "postgres:17")
    asked["request"] = {
        **asked["request"],
        "kind": kind,
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
        "object": workload,
        "oldObject": workload,
    }
    assert ran({"pod": LEFT_OUT, "objects": [asked]}).code == 0


def test_a_review_of_what_is_not_judged_is_about_no_pod(ran: Any) -> None:
    asked = review("UPDATE", "nginx:1", "nginx:1")
    asked["request"]["subResource"] = "status"
    result = ran({"pod": LEFT_OUT, "objects": [asked]})
    assert result.code == 2
    assert "spec.cases[0].objects[0]: holds no pod: there is Pod p" in result.out


def test_a_review_whose_old_pod_is_none_is_an_error(ran: Any) -> None:
    asked = review("UPDATE", "nginx:1", "nginx:1")
    asked["request"]["oldObject"] = {"spec": {}}
    result = ran({"pod": LEFT_OUT, "objects": [asked]})
    assert result.code == 2
    assert "Pod p: spec.containers: must hold at least one container" in result.out


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (
            {"objects": [{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}}]},
            "spec.cases[0]: Job j: spec.template: must be a pod template",
        ),
        ({"files": ["none.yaml"]}, "files[0]: none.yaml does not exist"),
        (
            {"files": ["../../secret.yaml"]},
            "files[0]: ../../secret.yaml leads out of the policy folder",
        ),
        ({"files": ["empty.json"]}, "files[0]: empty.json holds no object"),
        ({"files": ["broken.json"]}, "files[0]: policies/tests/broken.json:1: is not JSON: "),
        (
            {"files": ["values.json"]},
            "files[0]: policies/tests/values.json:1: apiVersion: must be set",
        ),
        ({"files": ["service.json"]}, "files[0]: holds no pod: there is Service web"),
        (
            {"objects": [deployment("web", "nginx")], "files": ["service.json"]},
            "files[0]: holds no pod: there is Service web",
        ),
        (
            {"objects": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}]},
            "objects: holds no pod: there is Namespace a",
        ),
        ({"objects": [{"kind": "Pod"}]}, "objects[0]: apiVersion: must be set to a text"),
        (
            {"objects": [{"apiVersion": "v1", "kind": "Pod", "spec": {}}]},
            "spec.containers: must hold at least one container",
        ),
        (
            {"pod": {"image": "a"}, "cluster": {"files": ["service.json"]}},
            "cluster: holds no Namespace, RuntimeClass or Node",
        ),
    ],
)
def test_a_case_that_cannot_be_asked_is_an_error_and_the_others_are_run(
    ran: Any, tmp_path: Path, case: dict[str, Any], said: str
) -> None:
    tests = tmp_path / "policies" / "tests"
    tests.mkdir(parents=True)
    (tests / "empty.json").write_text("")
    (tests / "broken.json").write_text('{"a"')
    (tests / "values.json").write_text('{"a": 1}')
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
    (tests / "service.json").write_text(json.dumps(service))
    result = ran({"name": "odd", **case}, DENIED)
    assert result.code == 2
    assert "  it: 1 passed, 1 could not be asked\n  ERROR odd\n" in result.out
    assert "policies/tests/a.yaml:1: spec.cases[0]" in result.out
    assert said in result.out


def test_cases_are_chosen_by_their_name_or_their_tests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = folder(tmp_path, policy_test(DENIED), policy_test(DENIED, {"name": "b"}, name="other"))
    assert len(Ran(capsys, at, "-k", "RUNC is", "-o", "json").value["cases"]) == 2
    assert len(Ran(capsys, at, "--filter=other", "-o", "json").value["cases"]) == 2
    assert len(Ran(capsys, at, "-k", "other: runc", "-o", "json").value["cases"]) == 1


def test_a_run_of_nothing_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = folder(tmp_path)
    none = Ran(capsys, at)
    assert (none.code, none.err.replace(at, "policies")) == (
        2,
        ("Error: policies holds no PolicyTest (docs/policy-test.md tells how to write one)\n"),
    )
    (Path(at) / "tests" / ".runtimegateignore").touch()
    assert "; left out for their .runtimegateignore: tests" in Ran(capsys, at).err
    (Path(at) / "tests" / ".runtimegateignore").unlink()
    other = Ran(capsys, folder(tmp_path, policy_test()), "-k", "\x1b[31m")
    assert (other.code, other.err) == (2, "Error: no case or test has '\\\\x1b[31m' in its name\n")


def test_a_broken_test_is_told_as_lint_tells_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = folder(tmp_path, policy_test({"expect": {}}))
    assert Ran(capsys, at).code == 2
    assert run(["policy", "lint", "-p", at]) == 2
    assert (
        "tests/a.yaml:1: spec.cases[0].expect: must hold at least one of" in capsys.readouterr().err
    )


def test_others_pass_over_a_broken_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = folder(tmp_path, policy_test({"expect": {}}))
    manifest = tmp_path / "web.yaml"
    manifest.write_text(json.dumps(deployment("web", "nginx:1.29")))
    assert run(["check", "-p", at, "-n", "tenant-a", str(manifest)]) == 0
    assert run(["policy", "show", "tenant-a", "-p", at]) == 0


EXCEPTIONS = policy(
    "tenants",
    runtimeClasses={
        "default": "gvisor", "allowed": ["gvisor", "kata-qemu"], "fallback": ["kata-qemu", "runc"],
    },
    compatibility={"degraded": "deny"},
    overrides=[
        override(pods={"images": ["*/mysql"]}, runtimeClasses={"default": "kata-qemu"}),
        override(
            name="queues",
            pods={"images": ["*/redis"]},
            runtimeClasses={"default": "gvisor", "fallback": ["kata-qemu"]},
        ),
    ],
    exemptions=[
        exemption(runtimeClasses=["runc"]),
        exemption(name="again", runtimeClasses=["runc"]),
        exemption(
            name="slow",
            pods={"serviceAccounts": ["slow"]},
            runtimeClasses=LEFT_OUT,
            features=["perf:*"],
        ),
    ],
)  # fmt: skip
AGENT = {"image": "nginx", "serviceAccountName": "node-agent"}
RAW_SOCKETS = {"runtimegate.dev/needs": "net:raw-socket"}
EVERYTHING = [
    "exemption tenants/again",
    "exemption tenants/node-agent",
    "exemption tenants/slow",
    "fallback tenants/kata-qemu",
    "fallback tenants/queues/kata-qemu",
    "fallback tenants/runc",
    "override tenants/databases",
    "override tenants/queues",
    "policy tenants",
]


@pytest.mark.parametrize(
    ("case", "reached"),
    [
        ({"namespace": {"name": "other"}}, []),
        ({}, ["policy tenants"]),
        ({"pod": {"image": "mysql:9"}}, ["override tenants/databases", "policy tenants"]),
        # Assigned because gVisor was refused, and not where it was asked for.
        ({"pod": {"image": "postgres:17"}}, ["fallback tenants/kata-qemu", "policy tenants"]),
        ({"pod": {"image": "postgres:17", "runtimeClassName": "kata-qemu"}}, ["policy tenants"]),
        (
            {"pod": {"image": "redis:8", "spec": {"hostPID": True}}},
            ["override tenants/queues", "policy tenants"],
        ),
        (
            {
                "pod": {
                    "image": "redis:8",
                    "annotations": {"runtimegate.dev/needs": "net:raw-socket"},
                }
            },
            ["fallback tenants/queues/kata-qemu", "override tenants/queues", "policy tenants"],
        ),
        # An exemption is reached where it is needed, by a pod that it is for.
        ({"pod": AGENT}, ["policy tenants"]),
        (
            {
                "pod": {
                    "image": "nginx",
                    "serviceAccountName": "node-agent",
                    "runtimeClassName": "runc",
                }
            },
            ["exemption tenants/node-agent", "policy tenants"],
        ),
        (
            {
                "date": "2027-07-01",
                "pod": {
                    "image": "nginx",
                    "serviceAccountName": "node-agent",
                    "runtimeClassName": "runc",
                },
            },
            ["policy tenants"],
        ),
        (
            {"pod": {"image": "postgres:17", "serviceAccountName": "slow"}},
            ["exemption tenants/slow", "policy tenants"],
        ),
        ({"pod": {"image": "nginx", "serviceAccountName": "slow"}}, ["policy tenants"]),
    ],
)
def test_coverage_is_of_what_a_pod_needs(
    ran: Any, case: dict[str, Any], reached: list[str]
) -> None:
    case = {"expect": {"recognised": True}, **case}
    result = ran(case, policies=EXCEPTIONS, arguments=("-o", "json", "--coverage"))
    coverage = result.value["coverage"]
    items = {f"{item['kind']} {item['name']}": item["reached"] for item in coverage["items"]}
    assert sorted(items) == EVERYTHING
    assert sorted(name for name, there in items.items() if there) == reached
    assert (coverage["reached"], coverage["total"]) == (len(reached), 9)
    assert coverage["percent"] == floor(10000 * len(reached) / 9) / 100


def test_a_fallback_that_mode_warn_would_assign_is_reached(ran: Any) -> None:
    warned = policy(
        "tenants",
        mode="warn",
        runtimeClasses={"default": "gvisor", "allowed": ["*"], "fallback": ["kata-qemu"]},
        compatibility={"degraded": "deny"},
    )
    case = {"pod": {"image": "postgres:17"}, "expect": {"would": "assign"}}
    assert ran(case, policies=warned, arguments=("--fail-under", "100")).code == 0


def test_what_is_not_reached_is_named_and_fails_where_it_must_not(ran: Any) -> None:
    arguments = ("--coverage",)
    told = ran(DENIED, policies=EXCEPTIONS, arguments=arguments)
    assert told.code == 0
    assert told.out.splitlines()[3:6] == [
        "coverage 11.1 % (1 of 9)",
        "  no case reaches fallback tenants/kata-qemu (policies/tenants.yaml:1)",
        "  no case reaches fallback tenants/runc (policies/tenants.yaml:1)",
    ]
    short = ran(DENIED, policies=EXCEPTIONS, arguments=("--fail-under", "12"))
    assert short.code == 1
    assert "coverage 11.1 % (1 of 9), less than 12 %\n" in short.out
    assert ran(DENIED, policies=EXCEPTIONS, arguments=("--fail-under", "11.1")).code == 0


@pytest.mark.parametrize("least", ["nan", "101", "-1", "many"])
def test_what_coverage_must_be_is_a_number(ran: Any, least: str) -> None:
    result = ran(DENIED, arguments=("--fail-under", least))
    assert result.code == 2
    assert "Invalid value for '--fail-under'" in result.err


def test_junit_holds_a_case_each_and_the_coverage(ran: Any) -> None:
    result = ran(
        DENIED,
        {**RUNC, "name": "<b>", "expect": {"decision": "keep"}},
        {"name": "c", "pod": LEFT_OUT, "files": ["none.yaml"]},
        policies=EXCEPTIONS,
        arguments=("-o", "junit", "--fail-under", "100"),
    )
    assert result.code == 2
    root = ElementTree.fromstring(result.out.encode())
    assert {key: root.attrib[key] for key in ("tests", "failures", "errors")} == {
        "tests": "4",
        "failures": "2",
        "errors": "1",
    }
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    assert list(cases) == [
        "runc is refused",
        "<b>",
        "c",
        "at least 100 % of the policies are reached",
    ]
    assert cases["<b>"][0].attrib["message"] == "decision: expected keep, was deny"
    assert "policy tenants: RuntimeClass runc is not allowed" in (cases["<b>"][0].text or "")
    assert cases["c"][0].attrib["message"] == "none.yaml does not exist"
    assert "no case reaches exemption tenants/slow" in (list(cases.values())[3][0].text or "")


def test_json_holds_every_case_with_its_pods_and_differences(ran: Any) -> None:
    value = ran(
        {**RUNC, "name": "a", "expect": {"decision": "keep"}}, arguments=("-o", "json")
    ).value
    (case,) = value["cases"]
    (pod,) = case.pop("pods")
    assert case == {
        "test": "it",
        "name": "a",
        "source": "policies/tests/a.yaml",
        "line": 1,
        "outcome": "failed",
        "errors": [],
    }
    assert pod["differences"] == [
        {"field": "decision", "line": 1, "expected": "keep", "actual": "deny"}
    ]
    assert pod["result"]["reason"] == "RuntimeClassNotAllowed"
    assert (value["passed"], value["failed"], value["errors"], value["coverage"]) == (0, 1, 0, None)


def test_lines_are_those_of_the_case_and_of_each_expectation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "apiVersion: runtimegate.dev/v1\nkind: PolicyTest\nmetadata: {name: it}\nspec:\n"
        "  date: 2026-11-24\n  namespace: {name: tenant-a}\n"
        "  expect:\n    policy: nobody\n"
        "  cases:\n    - name: a\n      pod: {image: nginx}\n      expect:\n"
        "        decision: keep\n        message:\n          - yes\n          - no\n"
    )
    (case,) = Ran(capsys, folder(tmp_path, text), "-o", "json").value["cases"]
    assert case["line"] == 10
    lines = [(d["field"], d["line"]) for d in case["pods"][0]["differences"]]
    assert lines == [("decision", 13), ("policy", 8), ("message", 15), ("message", 16)]


HOSTILE = "registry.example.com/\x1b[2J\u202e::error::"


def test_what_a_manifest_says_reaches_no_terminal_raw(ran: Any) -> None:
    objects = [
        deployment("\x1b[31mred\n::error::\u202e", "postgres:17", namespace="tenant-a"),
        {**deployment("b", HOSTILE), "kind": "Deployment"},
    ]
    objects[1]["spec"] = template(HOSTILE, hostNetwork=True, runtimeClassName="\x1b[2J")
    case = {"pod": LEFT_OUT, "objects": objects, "expect": {"decision": "keep", "warnings": ["x"]}}
    result = ran(case)
    assert result.code == 1
    assert "\x1b" not in result.out
    assert "\u202e" not in result.out
    assert "\n::" not in result.out
    only = ran({**case, "only": {"names": ["nothing"]}})
    assert only.code == 2
    assert "\x1b" not in only.out
    assert "\u202e" not in only.out


@pytest.mark.slow
def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    cases = [{**RUNC, "name": f"case {n}", "expect": {"decision": "keep"}} for n in range(2000)]
    at = folder(tmp_path, policy_test(*cases))
    command = [sys.executable, "-m", "webhook.cli", "policy", "test", "-p", at]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 128 + 13
