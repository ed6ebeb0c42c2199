"""From `kubectl create` through the webhook to the kernel that the pod then really runs on."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [
    pytest.mark.node,
    pytest.mark.slow,
    pytest.mark.may_skip(reason="a machine may forbid namespaces and cgroups"),
]

GVISOR = "4.19.0-gvisor"


@pytest.fixture(scope="session")
def scenes(shown: dict[str, Any]) -> dict[str, Any]:
    """What users created, and what became of it."""
    found: dict[str, Any] = shown["scenes"]
    return found


def test_a_plain_pod_in_a_labelled_namespace_runs_in_gvisor(scenes: dict[str, Any]) -> None:
    assert scenes["sandboxed"]["phase"] == "Succeeded"
    assert GVISOR in scenes["sandboxed"]["log"]
    assert "Starting gVisor" in scenes["sandboxed"]["log"]


def test_the_user_is_told_which_class_was_assigned(scenes: dict[str, Any]) -> None:
    said = scenes["sandboxed"]["stderr"]
    assert said == "Warning: policy sandboxed assigned runtimeClassName: gvisor\n"


def test_the_api_server_adds_the_overhead_of_the_assigned_class(scenes: dict[str, Any]) -> None:
    assert scenes["sandboxed"]["overhead"] == {"memory": "64Mi"}


def test_a_plain_pod_in_an_unlabelled_namespace_runs_in_runc(
    scenes: dict[str, Any], shown: dict[str, Any]
) -> None:
    assert scenes["unlabelled"]["runtime_class"] is None
    assert shown["kernel"] in scenes["unlabelled"]["log"]


def test_nothing_is_said_where_no_policy_is(scenes: dict[str, Any]) -> None:
    assert scenes["unlabelled"]["stderr"] == ""


def test_a_refused_pod_never_reaches_the_node(scenes: dict[str, Any]) -> None:
    assert scenes["refused"]["returncode"] == 1
    assert scenes["refused"]["seen_by_kubelet"] is False


def test_a_pod_that_is_not_refused_reaches_it(scenes: dict[str, Any]) -> None:
    assert scenes["sandboxed"]["seen_by_kubelet"] is True


def test_the_refusal_names_the_field(scenes: dict[str, Any]) -> None:
    first = scenes["refused"]["stderr"].splitlines()[0]
    assert "RuntimeClass gvisor cannot run this pod: hostNetwork" in first


def test_a_pod_that_gvisor_cannot_run_runs_on_the_fallback(
    scenes: dict[str, Any], shown: dict[str, Any]
) -> None:
    assert scenes["fallback"]["runtime_class"] == "runc"
    assert scenes["fallback"]["phase"] == "Succeeded"
    assert shown["kernel"] in scenes["fallback"]["log"]


def test_the_user_is_told_why_the_fallback_was_assigned(scenes: dict[str, Any]) -> None:
    said = scenes["fallback"]["stderr"]
    assert said.startswith("Warning: policy mixed assigned runtimeClassName: runc, because ")


def test_the_pod_of_a_deployment_runs_in_gvisor(scenes: dict[str, Any]) -> None:
    assert scenes["deployment"]["runtime_class"] == "gvisor"
    assert GVISOR in scenes["deployment"]["log"]


def test_a_class_that_no_node_offers_leaves_the_pod_without_a_sandbox(
    scenes: dict[str, Any],
) -> None:
    said = " ".join(scenes["no-handler"]["events"])
    assert 'no runtime for "kata-qemu" is configured' in said


def test_the_user_is_warned_that_no_node_offers_the_class(scenes: dict[str, Any]) -> None:
    assert "kata-qemu" in scenes["no-handler"]["stderr"]
