"""Virtual machines and clusters within containers: what is said of them."""

import pytest

from tests.build import container, pod, profile
from tests.data.shipped import applications, faults, running

GVISOR = profile("gvisor", "20260817.0")
KVM = ("incompatible", "device:/dev/kvm")
KMSG = ("incompatible", "device:/dev/kmsg")


@pytest.mark.parametrize(
    ("image", "args", "expected"),
    [
        ("qemux/qemu:7.48", (), [KVM]),
        ("dockurr/windows:6.05", (), [KVM]),
        ("budtmo/docker-android:emulator_14.0", (), [KVM]),
        ("example/vm:1", ("firecracker", "--api-sock", "/run/fc.sock"), [KVM]),
        ("example/vm:1", ("cloud-hypervisor", "--kernel", "/k"), [KVM]),
        ("example/vm:1", ("qemu-system-x86_64", "-enable-kvm"), [KVM]),
        ("example/vm:1", ("qemu-system-x86_64", "-accel", "kvm"), [KVM]),
        ("redroid/redroid:12.0.0_64only-latest", (), [("incompatible", "fs:binder")]),
        ("tonistiigi/binfmt:qemu-v10", ("--install", "all"), [("incompatible", "fs:binfmt_misc")]),
        ("rancher/k3s:v1.36.3-k3s1", ("server",), [KMSG]),
        ("docker.io/k0sproject/k0s:v1.36.3-k0s.2", ("k0s", "worker"), [KMSG]),
    ],
)
def test_what_needs_the_nodes_kernel_cannot_run_in_gvisor(
    image: str, args: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert faults(running(image, *args), GVISOR) == expected
    assert faults(running(image, *args), profile("runc", "1.4.0")) == []


def emulated() -> dict[str, object]:
    made = container("c", "qemux/qemu:7.48")
    made["env"] = [{"name": "KVM", "value": "N"}]
    return pod(containers=[made])


@pytest.mark.parametrize(
    "made",
    [
        emulated(),
        running("example/vm:1", "qemu-system-x86_64", "-accel", "tcg", "-m", "64"),
        running("example/vm:1", "qemu-system-x86_64", "-accel", "kvm", "-accel", "tcg"),
        running("example/vm:1", "qemu-aarch64", "/bin/busybox"),
        running("rancher/k3s:v1.36.3-k3s1", "server", "--disable-agent"),
        running("rancher/k3s:v1.36.3-k3s1", "kubectl", "get", "pods"),
        running("docker.io/k0sproject/k0s:v1.36.3-k0s.2", "k0s", "controller"),
        running("ghcr.io/loft-sh/vcluster-pro:0.37.0"),
        running("quay.io/kubevirt/virt-controller:v1.9.0"),
    ],
)
def test_what_emulates_or_only_controls_is_not_refused(made: dict[str, object]) -> None:
    assert faults(made, GVISOR) == []


@pytest.mark.parametrize(
    "image",
    [
        "quay.io/kubevirt/virt-exportserver:v1.9.0",
        "quay.io/kubevirt/libguestfs-tools:v1.9.0",
        "budtmo/docker-android:genymotion",
        "rancher/k3s-upgrade:v1.36.3-k3s1",
        "ghcr.io/firecracker-microvm/firecracker-go-sdk:1",
    ],
)
def test_tools_beside_virtual_machines_are_not_the_machine(image: str) -> None:
    assert applications(running(image)) == []


@pytest.mark.parametrize(
    ("image", "args"),
    [
        ("example/tool:1", ("create", "--distro", "k3s")),
        ("example/backup:1", ("/var/lib/rancher/k3s", "/var/lib/k0s")),
        ("example/vpn-ui:1", ("--home", "/var/lib/zerotier-one")),
        ("example/game:1", ("+force_install_dir", "/home/steam/steamcmd")),
    ],
)
def test_a_folder_or_a_choice_of_their_name_is_not_the_program(
    image: str, args: tuple[str, ...]
) -> None:
    assert applications(running(image, *args)) == []
