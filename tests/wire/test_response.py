"""AdmissionReview out: verdict, status, patch, warnings, audit annotations."""

import base64
from typing import Any

import orjson
import pytest

from tests.build import (
    container,
    created,
    exemption,
    fact,
    override,
    pod,
    pods,
    policy,
    rules,
    snapshot,
    table,
)
from webhook.core.decision import Decision, Deny, Keep
from webhook.core.names import Mode, Support
from webhook.core.snapshot import Snapshot
from webhook.wire.patch import json_patch
from webhook.wire.response import (
    allowed_response,
    audit_annotations,
    decision_word,
    mutating_response,
    reason_of,
    validating_response,
)

NO_HOST_NETWORK = table(fact("pod:hostNetwork"), fact("pod:hostNetwork", runtime="kata"))


def read(body: bytes) -> Any:
    """The ``response`` of a review."""
    review = orjson.loads(body)
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    return review["response"]


def test_a_review_that_is_none_of_ours_is_allowed() -> None:
    assert read(allowed_response("u")) == {"uid": "u", "allowed": True}


def test_an_assigned_class_is_answered_with_a_patch_and_a_notice() -> None:
    obj = pod()
    decision = created(obj)
    response = read(mutating_response("u", decision, json_patch(decision, obj), "r1"))
    assert orjson.loads(base64.b64decode(response.pop("patch"))) == json_patch(decision, obj)
    assert response == {
        "uid": "u",
        "allowed": True,
        "patchType": "JSONPatch",
        "warnings": ["policy tenants assigned runtimeClassName: gvisor"],
        "auditAnnotations": {
            "decision": "assign",
            "policy": "tenants",
            "runtime-class": "gvisor",
            "revision": "r1",
        },
    }


def test_mutation_never_refuses() -> None:
    decision = created(pod(runtimeClassName="runc"))
    response = read(mutating_response("u", decision, [], "r1"))
    assert response == {
        "uid": "u",
        "allowed": True,
        "auditAnnotations": {
            "decision": "deny",
            "policy": "tenants",
            "reason": "RuntimeClassNotAllowed",
            "runtime-class": "runc",
            "revision": "r1",
        },
    }


def validated(obj: dict[str, Any], within: Snapshot | None = None) -> Any:
    """The answer of validation."""
    decision = created(obj, within)
    assert isinstance(decision, Keep | Deny)
    return read(validating_response("u", decision, "r1"))


def test_a_kept_pod_is_allowed() -> None:
    assert validated(pod(runtimeClassName="gvisor")) == {
        "uid": "u",
        "allowed": True,
        "auditAnnotations": {
            "decision": "keep",
            "policy": "tenants",
            "runtime-class": "gvisor",
            "revision": "r1",
        },
    }


def test_a_kept_pod_is_allowed_with_its_warnings() -> None:
    within = snapshot(compat=table(fact("pod:hostNetwork", Support.PARTIAL)))
    response = validated(pod(runtimeClassName="gvisor", hostNetwork=True), within)
    assert response["allowed"]
    assert response["warnings"] == [
        "RuntimeClass gvisor runs this pod badly: hostNetwork is limited"
    ]


def test_a_refused_pod_is_forbidden_with_message_and_causes() -> None:
    obj = pod(runtimeClassName="runc", annotations={"run.oci.handler": "x"}, hostNetwork=True)
    within = snapshot(compat=table(fact("pod:hostNetwork", runtime="runc")))
    response = validated(obj, within)
    assert not response["allowed"]
    assert "warnings" not in response
    status = response["status"]
    assert (status["code"], status["reason"]) == (403, "Forbidden")
    assert status["message"] == (
        "policy tenants: RuntimeClass runc is not allowed in namespace tenant-a; "
        "allowed: gvisor, kata-* (2 more causes); ask whoever keeps policy tenants\n"
        "  spec.hostNetwork: needs pod:hostNetwork; runc 1.3.0 does not have it "
        "(google/gvisor#88)\n"
        "  also: annotation run.oci.handler reconfigures the sandbox and is not allowed"
    )
    assert status["details"]["causes"] == [
        {
            "reason": "RuntimeClassNotAllowed",
            "field": "spec.runtimeClassName",
            "message": "runc",
        },
        {
            "reason": "RuntimeAnnotationNotAllowed",
            "field": "metadata.annotations[run.oci.handler]",
            "message": "run.oci.handler",
        },
        {
            "reason": "RuntimeIncompatible",
            "field": "spec.hostNetwork",
            "message": "hostNetwork is not supported",
        },
    ]


def test_at_most_twenty_causes_are_given() -> None:
    obj = pod(runtimeClassName="gvisor", annotations={f"run.oci.x{i}": "" for i in range(100)})
    assert len(validated(obj)["status"]["details"]["causes"]) == 20


def annotated(decision: Decision) -> dict[str, str]:
    """The audit annotations, the revision apart."""
    annotations = audit_annotations(decision, "r1")
    assert annotations.pop("revision") == "r1"
    return annotations


def test_override_and_exemption_are_kept_for_the_audit() -> None:
    governs = policy(overrides=[override()], exemptions=[exemption("e", of=pods())])
    decision = created(pod(containers=[container("db", "postgres")]), snapshot(governs))
    assert annotated(decision) == {
        "decision": "assign",
        "policy": "tenants",
        "override": "databases",
        "exemption": "e",
        "runtime-class": "kata-qemu",
    }


def test_findings_are_kept_for_the_audit_each_once() -> None:
    twice = [container(f"c{i}", securityContext={"privileged": True}) for i in range(2)]
    decision = created(pod(containers=twice, hostNetwork=True), snapshot(compat=NO_HOST_NETWORK))
    assert annotated(decision)["findings"] == "pod:hostNetwork=incompatible,pod:privileged=unknown"


def test_a_pod_outside_the_gate_says_why() -> None:
    assert annotated(created(pod(os={"name": "windows"}))) == {
        "decision": "keep",
        "reason": "a Windows pod",
    }


@pytest.mark.parametrize("mode", [Mode.WARN, Mode.AUDIT])
def test_what_would_have_been_is_kept_for_the_audit(mode: Mode) -> None:
    within = snapshot(policy(governs=rules(mode=mode)))
    assert annotated(created(pod(runtimeClassName="runc"), within)) == {
        "decision": "keep",
        "would": "deny",
        "policy": "tenants",
        "reason": "RuntimeClassNotAllowed",
        "runtime-class": "runc",
    }


def test_what_a_tenant_wrote_is_kept_safe_and_short() -> None:
    values = annotated(created(pod(runtimeClassName="\x1b" + "x" * 1_000_000)))
    assert values["runtime-class"].isprintable()
    assert len(values["runtime-class"]) < 300


def test_five_thousand_findings_are_cut() -> None:
    sysctls = [{"name": f"net.x{i}"} for i in range(5_000)]
    decision = created(pod(securityContext={"sysctls": sysctls}))
    assert len(annotated(decision)["findings"]) == 1024


@pytest.mark.parametrize(
    ("obj", "word", "reason"),
    [
        (pod(runtimeClassName="gvisor"), "keep", ""),
        (pod(), "assign", ""),
        (pod(runtimeClassName="runc"), "deny", "RuntimeClassNotAllowed"),
    ],
)
def test_a_decision_has_a_word_and_a_refusal_its_reason(
    obj: dict[str, Any], word: str, reason: str
) -> None:
    assert decision_word(created(obj)) == word
    assert reason_of(created(obj)) == reason
