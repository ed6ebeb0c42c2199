"""What vendors document of theirs, and what Kata does with each hypervisor: never mixed up."""

from typing import Any

import pytest

from tests.build import container, pod, profile
from tests.data.shipped import faults, judged, table
from webhook.core.names import Support
from webhook.core.runtimes import HYPERVISORS, RuntimeProfile

EKS = profile("other", vendor="eks")
EKS_KATA = profile("kata", "4.1.0", vendor="eks")
GKE = profile("gvisor", "20260817.0", vendor="gke")
GVISOR = profile("gvisor", "20260817.0")
ALIBABA = profile("kata", "4.1.0", vendor="alibaba")
OPENSHIFT = profile("kata", "4.1.0", vendor="openshift", hypervisor="qemu")
PEER_PODS = profile("kata", "4.1.0", vendor="openshift", hypervisor="remote")
KATA = {name: profile("kata", "4.1.0", hypervisor=name) for name in HYPERVISORS}

IMAGE = "registry.example/app:1"


def asking(**spec: Any) -> dict[str, Any]:
    """A pod of an application that nobody knows, which asks for nothing but this."""
    return pod(containers=[container("app", IMAGE)], **spec)


def with_container(**fields: Any) -> dict[str, Any]:
    """The same, asked by its container."""
    return pod(containers=[container("app", IMAGE, **fields)])


HOST_NETWORK = asking(hostNetwork=True)
HOST_PID = asking(hostPID=True)
HOST_IPC = asking(hostIPC=True)
SHARED_PID = asking(shareProcessNamespace=True)
USERNS = asking(hostUsers=False)
HOST_PATH = asking(volumes=[{"name": "v", "hostPath": {"path": "/srv"}}])
BLOCK = with_container(volumeDevices=[{"name": "d", "devicePath": "/dev/x"}])
PRIVILEGED = with_container(securityContext={"privileged": True})
SELINUX = with_container(securityContext={"seLinuxOptions": {"level": "s0:c1"}})
UNMASKED = with_container(securityContext={"procMount": "Unmasked"})
SECCOMP = asking(securityContext={"seccompProfile": {"type": "RuntimeDefault"}})
SYSCTL = asking(securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "1024"}]})
PROBED = with_container(readinessProbe={"exec": {"command": ["true"]}})
SHARED_MOUNT = with_container(
    volumeMounts=[{"name": "v", "mountPath": "/v", "mountPropagation": "Bidirectional"}]
)
GPU = with_container(resources={"limits": {"nvidia.com/gpu": "1"}})
WHOLE_GPU = with_container(resources={"limits": {"nvidia.com/pgpu": "1"}})

VERDICTS: list[tuple[RuntimeProfile, dict[str, Any], str]] = [
    *((runtime, HOST_NETWORK, "incompatible") for runtime in (EKS, EKS_KATA, ALIBABA, OPENSHIFT)),
    *((runtime, USERNS, "incompatible") for runtime in (EKS, EKS_KATA, OPENSHIFT)),
    *((runtime, obj, "degraded") for runtime in (EKS, EKS_KATA) for obj in (HOST_PID, HOST_IPC)),
    *((runtime, obj, "compatible") for runtime in (EKS, EKS_KATA) for obj in (BLOCK, PROBED)),
    (EKS, PRIVILEGED, "unknown"),
    (EKS, SECCOMP, "unknown"),
    (GKE, HOST_PATH, "incompatible"),
    (GVISOR, HOST_PATH, "compatible"),
    (GKE, PRIVILEGED, "incompatible"),
    (GVISOR, PRIVILEGED, "degraded"),
    (GKE, BLOCK, "incompatible"),
    (GKE, SHARED_MOUNT, "incompatible"),
    (GKE, SELINUX, "ignoredSecurity"),
    (GVISOR, SELINUX, "incompatible"),
    (GKE, SECCOMP, "ignoredSecurity"),
    (GKE, SYSCTL, "ignoredSecurity"),
    *((ALIBABA, obj, "incompatible") for obj in (HOST_PID, HOST_IPC, SHARED_PID, PRIVILEGED)),
    *((ALIBABA, obj, "compatible") for obj in (BLOCK, SELINUX, UNMASKED, SYSCTL)),
    (KATA["qemu"], SHARED_PID, "compatible"),
    (KATA["qemu"], HOST_PID, "degraded"),
    (OPENSHIFT, HOST_PATH, "unknown"),
    (PEER_PODS, HOST_PATH, "degraded"),
    (OPENSHIFT, SELINUX, "compatible"),
    (PEER_PODS, SELINUX, "ignoredSecurity"),
    (OPENSHIFT, PRIVILEGED, "degraded"),
    (OPENSHIFT, BLOCK, "compatible"),
    (PEER_PODS, BLOCK, "incompatible"),
    *((KATA[name], BLOCK, "compatible") for name in ("qemu", "clh", "dragonball")),
    *((KATA[name], BLOCK, "incompatible") for name in ("fc", "stratovirt", "remote")),
    *((KATA[name], HOST_PATH, "compatible") for name in ("qemu", "clh", "stratovirt")),
    *((KATA[name], HOST_PATH, "degraded") for name in ("fc", "remote")),
    *((KATA[name], GPU, "unknown") for name in ("qemu", "remote")),
    *((KATA[name], GPU, "incompatible") for name in ("clh", "fc", "dragonball", "stratovirt")),
    (KATA["qemu"], WHOLE_GPU, "compatible"),
    *((KATA[name], WHOLE_GPU, "incompatible") for name in ("clh", "fc", "dragonball")),
]  # fmt: skip


@pytest.mark.parametrize(("runtime", "obj", "expected"), VERDICTS)
def test_a_vendor_or_hypervisor_has_a_verdict_of_its_own(
    runtime: RuntimeProfile, obj: dict[str, Any], expected: str
) -> None:
    (finding,) = judged(obj, runtime)
    assert finding.verdict.value == expected


@pytest.mark.parametrize("name", HYPERVISORS)
def test_every_hypervisor_runs_a_plain_pod(name: str) -> None:
    assert faults(asking(), KATA[name]) == []


@pytest.mark.parametrize("vendor", ["gke", "eks", "alibaba", "openshift"])
def test_what_a_vendor_says_holds_for_nobody_else(vendor: str) -> None:
    rows = [fact for fact in table().facts if fact.when.vendor == vendor]
    assert rows
    assert [fact.feature for fact in rows if fact.when.match(profile(fact.runtime))] == []


@pytest.mark.parametrize("vendor", ["gke", "eks", "alibaba"])
def test_what_a_vendor_says_is_known_from_the_vendor(vendor: str) -> None:
    rows = [fact for fact in table().facts if fact.when.vendor == vendor]
    assert {e.kind for fact in rows for e in fact.evidence} == {"vendor"}


def test_what_a_vendor_refuses_is_told_in_a_few_words() -> None:
    rows = [f for f in table().facts if f.when.vendor and f.support is Support.ABSENT]
    assert [fact.feature for fact in rows if not fact.summary] == []
