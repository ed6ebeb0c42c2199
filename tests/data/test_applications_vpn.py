"""Virtual private networks: the kernel's do not run in gVisor, those in userspace may."""

from collections.abc import Mapping

import pytest

from tests.build import container, pod, profile
from tests.data.shipped import applications, faults, running

GVISOR = profile("gvisor", "20260817.0")
MULTICAST = ("incompatible", "net:netlink-multicast")
TUN = ("degraded", "device:/dev/net/tun")
KERNEL = ("incompatible", "net:wireguard")
RULES = ("incompatible", "net:iptables-legacy")


def with_env(image: str, env: Mapping[str, str], *args: str) -> dict[str, object]:
    made = container("c", image, **({"args": [*args]} if args else {}))
    made["env"] = [{"name": name, "value": value} for name, value in env.items()]
    return pod(containers=[made])


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("lscr.io/linuxserver/wireguard:1.0.20250521", [KERNEL]),
        ("ghcr.io/wg-easy/wg-easy:14", [RULES, KERNEL]),
        ("ghcr.io/wg-easy/wg-easy:15.4.0", [RULES, MULTICAST, ("degraded", "net:wireguard")]),
        ("zerotier/zerotier:1.14.1", [MULTICAST, TUN]),
        ("netbirdio/netbird:0.77.1", [MULTICAST, TUN]),
        (
            "qmcgaw/gluetun:v3.41.1",
            [("incompatible", "net:ip-rule"), ("incompatible", "net:iptables/conntrack"), TUN],
        ),
        ("strongx509/strongswan:6.0.1", [("incompatible", "net:xfrm")]),
    ],
)
def test_what_makes_its_interface_by_the_kernel_cannot_run_in_gvisor(
    image: str, expected: list[tuple[str, str]]
) -> None:
    assert sorted(faults(running(image), GVISOR)) == sorted(expected)
    assert faults(running(image), profile("runc", "1.4.0")) == []


def test_tailscale_is_not_refused_for_its_image_works_in_userspace() -> None:
    assert faults(running("tailscale/tailscale:v1.102.3"), GVISOR) == []
    assert faults(with_env("tailscale/tailscale", {"TS_USERSPACE": "true"}), GVISOR) == []


@pytest.mark.parametrize("said", ["false", "False"])
def test_tailscale_in_the_kernel_is_refused(said: str) -> None:
    kernel = with_env("ghcr.io/tailscale/tailscale:v1.102.3", {"TS_USERSPACE": said})
    assert faults(kernel, GVISOR) == [MULTICAST, TUN, ("degraded", "net:ip-rule")]


def test_tailscaled_alone_is_refused_unless_told_to_work_in_userspace() -> None:
    assert faults(running("debian:12", "tailscaled"), GVISOR) == [MULTICAST, TUN]
    userspace = running("debian:12", "tailscaled", "--tun=userspace-networking")
    assert faults(userspace, GVISOR) == []


@pytest.mark.parametrize(
    "made",
    [
        with_env("netbirdio/netbird:0.77.1", {"NB_USE_NETSTACK_MODE": "true"}),
        running("netbirdio/netbird:0.77.1-rootless"),
        running("headscale/headscale:0.29.2", "serve"),
        running("siomiz/softethervpn:9799"),
    ],
)
def test_what_has_a_stack_of_its_own_or_opens_no_device_is_not_refused(
    made: dict[str, object],
) -> None:
    assert faults(made, GVISOR) == []


@pytest.mark.parametrize(
    ("release", "feature"), [("1.9.7", "ioctl:SIOCSIFADDR"), ("1.11.1", "ioctl:SIOCSIFFLAGS")]
)
def test_nebula_is_degraded_by_the_ioctl_that_its_release_sets_up_its_device_with(
    release: str, feature: str
) -> None:
    assert faults(running(f"nebulaoss/nebula:{release}"), GVISOR) == [("degraded", feature)]


def test_wireguard_in_userspace_is_refused_for_it_watches_its_device_by_netlink() -> None:
    assert faults(running("debian:12", "wireguard-go", "wg0"), GVISOR) == [MULTICAST, TUN]
    assert faults(running("debian:12", "boringtun-cli", "wg0"), GVISOR) == [TUN]


def test_of_the_kernels_wireguard_in_a_guest_nobody_knows() -> None:
    kata = profile("kata", "4.1.0", hypervisor="qemu")
    assert faults(running("linuxserver/wireguard"), kata) == [("unknown", "net:wireguard")]


@pytest.mark.parametrize(
    "image",
    [
        "netbirdio/management:0.77.1",
        "netbirdio/signal:0.77.1",
        "netbirdio/relay:0.77.1",
        "tailscale/k8s-operator:v1.102.3",
        "mindflavor/prometheus-wireguard-exporter:3.6.6",
        "example/openvpn/exporter:1",
        "ngoduykhanh/wireguard-ui:0.6.2",
    ],
)
def test_servers_operators_and_exporters_are_not_the_network(image: str) -> None:
    assert applications(running(image)) == []
