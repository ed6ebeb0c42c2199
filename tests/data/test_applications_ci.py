"""Builders of images, Docker without root, agents of CI: what is said of them."""

import pytest

from tests.build import profile
from tests.data.shipped import applications, faults, running

GVISOR = "20260817.0"
SUID = ("incompatible", "exec:setuid")


@pytest.mark.parametrize(
    "image",
    ["docker:29-dind-rootless", "docker:28.3-dind-rootless", "moby/buildkit:v0.32.2-rootless"],
)
def test_docker_and_buildkit_without_root_need_setuid_programs(image: str) -> None:
    assert SUID in faults(running(image), profile("gvisor", GVISOR))
    allowed = profile("gvisor", GVISOR, flags={"allow-suid": "true"})
    assert SUID not in faults(running(image), allowed)


@pytest.mark.parametrize("image", ["docker:29-dind", "moby/buildkit:v0.32.2", "docker:29-cli"])
def test_with_root_they_need_none(image: str) -> None:
    verdicts = faults(running(image), profile("gvisor", GVISOR))
    assert not [feature for _, feature in verdicts if feature == "exec:setuid"]


@pytest.mark.parametrize("version", ["27", "28", "29"])
def test_docker_in_docker_with_its_flags_is_degraded_and_not_refused_for_its_layers(
    version: str,
) -> None:
    flags = {"net-raw": "true", "allow-packet-socket-write": "true"}
    dind = running(f"docker:{version}-dind", "--iptables=false", "--ip6tables=false")
    assert faults(dind, profile("gvisor", GVISOR, flags=flags)) == [
        ("degraded", "kernel:cgroup/devices"),
        ("degraded", "kernel:cgroup/limits"),
    ]


def test_the_docker_of_a_runner_scale_set_is_docker_in_docker_and_its_runner_is_not() -> None:
    sidecar = running("docker:dind", "dockerd", "--host=unix:///var/run/docker.sock")
    runner = running("ghcr.io/actions/actions-runner:latest", "/home/runner/run.sh")
    assert applications(sidecar) == ["docker-in-docker"]
    assert applications(runner) == ["github-actions-runner"]


@pytest.mark.parametrize(
    ("image", "args"),
    [
        ("woodpeckerci/woodpecker-agent:v3.17.0", ()),
        ("buildkite/agent:3", ("start",)),
        ("gitea/act_runner:0.2.13", ()),
        ("quay.io/skopeo/stable:v1.20", ("copy", "a", "b")),
        ("aquasec/trivy:0.66.0", ("image", "x")),
        ("ghcr.io/anchore/grype:v0.99", ()),
        ("concourse/concourse:8.2.5", ("worker",)),
        ("jenkins/inbound-agent:3327", ()),
        ("gitlab/gitlab-runner:v18.3", ()),
        ("gcr.io/tekton-releases/x:1", ("/tekton/bin/entrypoint", "-entrypoint", "sh")),
    ],
)
def test_agents_of_ci_and_tools_for_images_are_known_and_not_refused(
    image: str, args: tuple[str, ...]
) -> None:
    assert applications(running(image, *args)) != []
    assert faults(running(image, *args), profile("gvisor", GVISOR)) == []
