"""What the shipped table says of the NVIDIA runtime, of Wasm shims and of Windows nodes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.build import container, pod, profile
from tests.data.shipped import faults, judged, running
from webhook.cli import run
from webhook.core.runtimes import RuntimeProfile

NVIDIA = profile("nvidia", "1.20.0")
WASM = profile("wasm")
WINDOWS = profile("windows")
OTHER = profile("other")
LINUX = [profile(r) for r in ("gvisor", "kata", "runc", "crun", "youki", "nvidia", "wasm")]

IMAGE = "registry.example/app:1"
EXEC = {"exec": {"command": ["true"]}}


def asking(**spec: Any) -> dict[str, Any]:
    """A pod of an application that nobody knows, which asks for nothing but this."""
    return pod(containers=[container("app", IMAGE)], **spec)


def with_container(**fields: Any) -> dict[str, Any]:
    """The same, asked by its container."""
    return pod(containers=[container("app", IMAGE, **fields)])


def secured(**security: Any) -> dict[str, Any]:
    """The same, with a securityContext."""
    return with_container(securityContext=security)


def limited(name: str) -> dict[str, Any]:
    """The same, limited to one of a resource."""
    return with_container(resources={"limits": {name: "1"}})


def needing(features: str) -> dict[str, Any]:
    """The same, with needs that it declares itself."""
    declared = {"runtimegate.dev/needs": features}
    return pod(annotations=declared, containers=[container("app", IMAGE)])


HOST_NETWORK = asking(hostNetwork=True)
PROBED = with_container(livenessProbe=EXEC)
HOOKED = with_container(lifecycle={"preStop": EXEC})
OF_LINUX = asking(os={"name": "linux"})
OF_WINDOWS = asking(os={"name": "windows"})
BLOCK = with_container(volumeDevices=[{"name": "d", "devicePath": "/dev/x"}])
HOST_PROCESS = asking(securityContext={"windowsOptions": {"hostProcess": True}})
SELINUX = secured(seLinuxOptions={"type": "spc_t"})
SYSCTL = asking(securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]})


def mounting(**mount: str) -> dict[str, Any]:
    """A pod whose one container has this volume mount."""
    return with_container(volumeMounts=[{"name": "v", "mountPath": "/v", **mount}])


VERDICTS: list[tuple[RuntimeProfile, dict[str, Any], str]] = [
    # The NVIDIA runtime is runc, and gives GPUs.
    (NVIDIA, limited("nvidia.com/gpu"), "compatible"),
    (NVIDIA, limited("nvidia.com/mig-1g.5gb"), "compatible"),
    (NVIDIA, needing("device:/dev/nvidia0"), "compatible"),
    (NVIDIA, needing("syscall:io_uring_setup"), "compatible"),
    (NVIDIA, HOST_NETWORK, "compatible"),
    (NVIDIA, SELINUX, "compatible"),
    (NVIDIA, PROBED, "compatible"),
    (NVIDIA, asking(hostUsers=False), "unknown"),
    # A shim for Wasm runs Linux programs too, and no second command in a container.
    (WASM, HOST_NETWORK, "compatible"),
    (WASM, OF_LINUX, "compatible"),
    (WASM, asking(volumes=[{"name": "v", "hostPath": {"path": "/srv"}}]), "compatible"),
    (WASM, needing("syscall:clone3"), "compatible"),
    (WASM, PROBED, "incompatible"),
    (WASM, HOOKED, "incompatible"),
    (WASM, SELINUX, "ignoredSecurity"),
    (WASM, limited("nvidia.com/gpu"), "unknown"),
    (WASM, BLOCK, "unknown"),
    (WASM, needing("device:/dev/kvm"), "unknown"),
    # Windows nodes.
    (WINDOWS, OF_LINUX, "incompatible"),
    (WINDOWS, OF_WINDOWS, "compatible"),
    (WINDOWS, HOST_PROCESS, "compatible"),
    (WINDOWS, PROBED, "compatible"),
    (WINDOWS, HOST_NETWORK, "degraded"),
    (WINDOWS, secured(privileged=True), "incompatible"),
    (WINDOWS, asking(hostPID=True), "incompatible"),
    (WINDOWS, asking(hostIPC=True), "incompatible"),
    (WINDOWS, asking(hostUsers=False), "incompatible"),
    (WINDOWS, asking(shareProcessNamespace=True), "incompatible"),
    (WINDOWS, BLOCK, "incompatible"),
    (WINDOWS, limited("hugepages-2Mi"), "incompatible"),
    (WINDOWS, mounting(mountPropagation="HostToContainer"), "incompatible"),
    (WINDOWS, mounting(subPath="d"), "compatible"),
    (WINDOWS, secured(procMount="Unmasked"), "incompatible"),
    (WINDOWS, secured(capabilities={"add": ["NET_ADMIN"]}), "degraded"),
    (WINDOWS, secured(seccompProfile={"type": "RuntimeDefault"}), "ignoredSecurity"),
    (WINDOWS, secured(appArmorProfile={"type": "RuntimeDefault"}), "ignoredSecurity"),
    (WINDOWS, secured(allowPrivilegeEscalation=False), "ignoredSecurity"),
    (WINDOWS, SELINUX, "ignoredSecurity"),
    (WINDOWS, SYSCTL, "ignoredSecurity"),
    (WINDOWS, limited("example.com/thing"), "unknown"),
    (WINDOWS, needing("syscall:read"), "unknown"),
    # What every runtime of Linux containers says of Windows.
    *((runtime, OF_LINUX, "compatible") for runtime in (*LINUX, OTHER)),
    *((runtime, obj, "incompatible") for runtime in LINUX for obj in (OF_WINDOWS, HOST_PROCESS)),
    *((runtime, PROBED, "compatible") for runtime in (*LINUX[:-1], OTHER)),
]  # fmt: skip


@pytest.mark.parametrize(("runtime", "obj", "expected"), VERDICTS)
def test_a_runtime_has_its_verdict(
    runtime: RuntimeProfile, obj: dict[str, Any], expected: str
) -> None:
    (finding,) = judged(obj, runtime)
    assert finding.verdict.value == expected


@pytest.mark.parametrize("image", ["postgres:18", "redis:8", "nginx:1.31", "mariadb:12"])
def test_an_application_of_linux_runs_beside_modules_and_is_not_known_to_run_on_windows(
    image: str,
) -> None:
    assert faults(running(image), WASM) == []
    verdicts = {verdict for verdict, _ in faults(running(image), WINDOWS)}
    assert verdicts == {"unknown"}  # never refused: the image may hold a program for Windows


def test_a_probe_by_http_asks_nothing_of_a_runtime() -> None:
    assert judged(with_container(livenessProbe={"httpGet": {"port": 80}}), WASM) == ()


SAID: list[tuple[dict[str, Any], tuple[str, ...], str]] = [
    (
        PROBED,
        ("--runtime=wasm",),
        (
            "  incompatible: exec: commands cannot be run in a running container\n"
            "    spec.containers[0].livenessProbe.exec needs pod:exec\n"
            "    the Wasm runtime: errno: runs no further command in a container ('exec is "
            "not supported'). Probes and hooks by command fail, as kubectl exec does.\n"
            "    source 2026-04-21: "
            "containerd/runwasi@eb9967aa:crates/containerd-shimkit/src/sandbox/shim/local.rs\n"
            "    workaround: Use probes by HTTP, gRPC or TCP.\n"
        ),
    ),
    (
        OF_LINUX,
        ("--runtime=windows",),
        (
            "  incompatible: os.name/linux: Linux containers do not run on Windows nodes\n"
            "    spec.os.name needs pod:os.name/linux\n"
            "    the Windows runtime: absent: does not run Linux containers\n"
            "    documentation 2022-12-09: "
            "kubernetes/website@06fab74e4:content/en/docs/concepts/windows/intro.md\n"
        ),
    ),
    (
        asking(hostUsers=False),
        ("--runtime=kata", "--version=4.1.0", "--cri=cri-o=1.36.3"),
        (
            "  incompatible: hostUsers/false: user namespaces are not offered to the kubelet\n"
            "    spec.hostUsers needs pod:hostUsers/false\n"
            "    Kata Containers 4.1.0: absent: tells the container runtime no features, so "
            "the kubelet "
            "rejects the pod. Neither of its shims has any in its answer to -info, and none has a "
            "command features.\n"
        ),
    ),
    (
        HOST_NETWORK,
        ("--runtime=other", "--vendor=eks"),
        (
            "  incompatible: hostNetwork: the node's network is out of reach\n"
            "    spec.hostNetwork needs pod:hostNetwork\n"
            "    the runtime: absent: has a network of its own. Pods that ask for the "
            "node's fail to "
            "start.\n"
            "    vendor 2026-11-23: "
            "https://docs.aws.amazon.com/eks/latest/userguide/sandboxing-limitations.html\n"
            "    workaround: Remove hostNetwork.\n"
        ),
    ),
    (
        asking(hostUsers=False),
        ("--runtime=nvidia", "--cri=containerd=1.7.28"),
        (
            "  incompatible: hostUsers/false: containerd before 2.0 offers no user namespaces\n"
            "    spec.hostUsers needs pod:hostUsers/false\n"
            "    the NVIDIA runtime: absent: is behind a containerd before 2.0. The kubelet "
            "rejects the "
            "pod.\n"
            "    documentation 2024-11-05: "
            "containerd/containerd@v2.0.0:docs/user-namespaces/README.md\n"
        ),
    ),
]


@pytest.mark.parametrize(("obj", "options", "expected"), SAID)
def test_why_says_it_so(
    obj: dict[str, Any],
    options: tuple[str, ...],
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "pod.json"
    file.write_text(json.dumps(obj))
    assert run(["compat", "why", *options, "-f", str(file)]) == 1
    assert expected in capsys.readouterr().out
