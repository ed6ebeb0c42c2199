"""What the shipped table says of commands in init containers, and of Wine."""

from typing import Any

import pytest

from tests.build import container, pod, profile
from tests.data.shipped import applications, faults, running

GVISOR = profile("gvisor", "20260817.0")
RAW = profile("gvisor", "20260817.0", flags={"net-raw": "true"})
OTHERS = [profile("kata", "4.1.0", hypervisor="qemu"), profile("runc", "1.4.0")]
WRITE = [("incompatible", "kernel:sysctl-write/vm.max_map_count")]
IPTABLES = ("incompatible", "net:iptables-legacy")
GUARDED = (
    'set -xe\nDESIRED="262144"\nCURRENT=$(sysctl -n vm.max_map_count)\n'
    'if [ "$DESIRED" -gt "$CURRENT" ]; then\n  sysctl -w vm.max_map_count=$DESIRED\nfi\n'
)


def initial(image: str, *command: str) -> dict[str, Any]:
    """A pod whose init container runs ``command``."""
    first = container("first", image, command=[*command])
    return pod(containers=[container("app", "registry.example/app:1")], initContainers=[first])


@pytest.mark.parametrize("release", ["20181030", "20221219.0", "20240729.0", "20260905"])
@pytest.mark.parametrize(
    ("image", "command"),
    [
        ("busybox", ("sysctl", "-w", "vm.max_map_count=262144")),
        ("mirror.example/library/busybox:1.36", ("sh", "-c", "sysctl -w vm.max_map_count=524288")),
        ("alpine:3.20", ("sh", "-c", "echo 262144 > /proc/sys/vm/max_map_count")),
    ],
)
def test_busybox_cannot_set_max_map_count_in_gvisor(
    image: str, command: tuple[str, ...], release: str
) -> None:
    obj = initial(image, *command)
    assert faults(obj, profile("gvisor", release)) == WRITE
    assert [faults(obj, other) for other in OTHERS] == [[], []]


@pytest.mark.parametrize(
    ("image", "command"),
    [
        # procps says what it could not write, and ends well.
        ("docker.elastic.co/elasticsearch/elasticsearch:8.15.1",
         ("sysctl", "-w", "vm.max_map_count=262144")),
        ("bitnami/os-shell:12", ("sh", "-c", "sysctl -w vm.max_map_count=262144")),
        # OpenSearch's chart writes only what is too small, and it is not.
        ("busybox", ("sh", "-c", GUARDED)),
        ("busybox", ("sh", "-c", "sysctl -w vm.max_map_count=262144 || true")),
        ("busybox", ("sysctl", "vm.max_map_count")),
        ("busybox", ("sleep", "3600")),
        ("registry.example/busybox-tools:1", ("sysctl", "-w", "vm.max_map_count=262144")),
    ],
)  # fmt: skip
def test_what_ends_well_though_nothing_was_set_is_not_refused(
    image: str, command: tuple[str, ...]
) -> None:
    assert WRITE[0] not in faults(initial(image, *command), GVISOR)


def test_jupyterhubs_block_of_cloud_metadata_needs_raw_sockets() -> None:
    rule = ("iptables", "-A", "OUTPUT", "-d", "169.254.169.254", "-j", "DROP")
    obj = initial("quay.io/jupyterhub/k8s-network-tools:4.3.3", *rule)
    assert faults(obj, GVISOR) == [IPTABLES]
    assert [faults(obj, on) for on in (RAW, *OTHERS)] == [[], [], []]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("/sbin/iptables", "-P", "INPUT", "DROP"), [IPTABLES]),
        (("sh", "-c", "iptables -t nat -A PREROUTING -j REDIRECT"), [IPTABLES]),
        (("sh", "-c", "iptables -A INPUT -j DROP || true"), []),
        (("dockerless", "--iptables=false"), []),
        (("cat", "/etc/iptables/rules.v4"), []),
        (("ip6tables-save",), []),
    ],
)
def test_rules_of_iptables_are_known_by_the_command(
    command: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert faults(initial("registry.example/tools:1", *command), GVISOR) == expected


def test_matches_that_gvisor_lacks_are_told_with_raw_sockets_too() -> None:
    rule = ("iptables", "-A", "INPUT", "-m", "conntrack", "--ctstate", "NEW", "-j", "DROP",
            "-m", "comment", "--comment", "x")  # fmt: skip
    assert faults(initial("registry.example/tools:1", *rule), RAW) == [
        ("incompatible", "net:iptables/comment"),
        ("incompatible", "net:iptables/conntrack"),
    ]


def test_wine_may_lack_its_programs_of_32_bits() -> None:
    assert faults(running("scottyhardy/docker-wine:stable"), GVISOR) == [("unknown", "exec:ia32")]
    assert faults(running("registry.example/x:1", "/usr/bin/wine", "a.exe"), GVISOR) == [
        ("unknown", "exec:ia32")
    ]
    assert applications(running("registry.example/wine-shop:1")) == []
