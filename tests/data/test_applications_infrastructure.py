"""Infrastructure - storage, VPNs, names, mail: what is said of which."""

import pytest

from tests.build import profile
from tests.data.shipped import applications, faults, running, table
from webhook.core.names import VERDICT_RANK, Verdict

RECOGNISED: list[tuple[str, tuple[str, ...]]] = [
    ("openvpn", ("kylemanna/openvpn:2.4", "openvpn/openvpn-as:3.0.0")),
    ("bind9", ("ubuntu/bind9:9.20-24.10_edge", "internetsystemsconsortium/bind9:9.20")),
    ("unbound", ("mvance/unbound:1.22.0",)),
    ("dnsmasq", ("jpillora/dnsmasq",)),
    ("powerdns", ("powerdns/pdns-auth-49:4.9.8",)),
    ("nfs-provisioner", ("registry.k8s.io/sig-storage/nfs-provisioner:v4.0.8",)),
    ("samba", ("dperson/samba", "crazymax/samba:4.21.4")),
    ("dovecot", ("dovecot/dovecot:2.4.1", "ghcr.io/docker-mailserver/docker-mailserver:15.0")),
    ("postfix", ("boky/postfix:v4.4.0",)),
    ("kubevirt", ("quay.io/kubevirt/virt-launcher:v1.6.0",)),
    ("chrony", ("cturra/ntp:latest",)),
    ("docker-socket-tools", ("containrrr/watchtower:1.7.1",)),
    ("portainer", ("portainer/portainer-ce:2.33.0",)),
    ("openldap", ("osixia/openldap:1.5.0", "bitnamilegacy/openldap:2.6")),
    ("cert-manager", ("quay.io/jetstack/cert-manager-controller:v1.18.2",)),
]


@pytest.mark.parametrize(
    ("image", "expected"), [(image, name) for name, images in RECOGNISED for image in images]
)
def test_the_images_of_the_usual_publishers_are_recognised(image: str, expected: str) -> None:
    assert expected in applications(running(image))


SOMETHING_ELSE = [
    "tailscale/k8s-operator:v1.86.2",
    "registry.k8s.io/sig-storage/nfs-subdir-external-provisioner:v4.0.18",
    "registry.k8s.io/sig-storage/nfsplugin:v4.11.0",
    "registry.k8s.io/sig-storage/csi-provisioner:v5.3.0",
    "longhornio/longhorn-ui:v1.9.1",
    "longhornio/csi-attacher:v4.9.0",
    "quay.io/kubevirt/virt-api:v1.6.0",
    "quay.io/kubevirt/virt-controller:v1.6.0",
    "quay.io/kubevirt/virt-operator:v1.6.0",
    "hashicorp/vault-k8s:1.6.2",
    "hashicorp/vault-secrets-operator:0.10.0",
    "ghcr.io/external-secrets/external-secrets:v0.19.0",
    "velero/velero-plugin-for-aws:v1.12.2",
    "quay.io/ceph/ceph:v19.2.3",
    "rook/ceph:v1.17.7",
    "osixia/phpldapadmin:0.9.0",
]


@pytest.mark.parametrize("image", SOMETHING_ELSE)
def test_what_only_stands_beside_an_agent_is_not_the_agent(image: str) -> None:
    names = {name for name, _ in RECOGNISED}
    assert names.intersection(applications(running(image))) == set()


GVISOR = "20260817.0"
TUN = ("degraded", "device:/dev/net/tun")

REFUSED: list[tuple[str, tuple[str, ...], list[tuple[str, str]]]] = [
    (
        "registry.k8s.io/sig-storage/nfs-provisioner:v4.0.8",
        (),
        [("incompatible", "syscall:open_by_handle_at")],
    ),
    (
        "quay.io/kubevirt/virt-launcher:v1.6.0",
        (),
        [("incompatible", "device:/dev/kvm"), ("degraded", "device:/dev/net/tun")],
    ),
    ("debian:11", ("chronyd", "-d"), [("incompatible", "syscall:adjtimex")]),
    (
        "kylemanna/openvpn:2.4",
        ("openvpn", "--dev", "tun"),
        [("incompatible", "net:tun/kernel-name"), ("degraded", "device:/dev/net/tun")],
    ),
]


@pytest.mark.parametrize(("image", "args", "expected"), REFUSED)
def test_what_needs_the_nodes_kernel_cannot_run_in_gvisor_and_is_told_why(
    image: str, args: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert faults(running(image, *args), profile("gvisor", GVISOR)) == expected


@pytest.mark.parametrize(("image", "args", "_expected"), REFUSED)
def test_what_needs_the_nodes_kernel_has_it_under_runc(
    image: str, args: tuple[str, ...], _expected: object
) -> None:
    assert faults(running(image, *args), profile("runc", "1.4.0")) == []


NOT_REFUSED: list[tuple[str, tuple[str, ...]]] = [
    ("ubuntu/bind9:9.20-24.10_edge", ()),
    ("mvance/unbound:1.22.0", ()),
    ("cznic/knot:3.4", ()),
    ("crazymax/samba:4.21.4", ()),
    ("dovecot/dovecot:2.4.1", ()),
    ("hashicorp/vault:1.20.2", ("server",)),
    ("quay.io/jetstack/cert-manager-controller:v1.18.2", ()),
    ("tailscale/tailscale:v1.86.2", ()),
    ("restic/restic:0.18.0", ("backup", "/data")),
    ("rclone/rclone:1.70", ("sync", "a:", "b:")),
    ("rclone/rclone:1.70", ("mount", "a:", "/mnt")),
    ("cturra/ntp:latest", ()),
    ("debian:11", ("chronyd", "-x", "-d")),
    ("osixia/openldap:1.5.0", ()),
]


@pytest.mark.parametrize(("image", "args"), NOT_REFUSED)
def test_what_needs_nothing_of_the_nodes_kernel_is_not_refused(
    image: str, args: tuple[str, ...]
) -> None:
    assert faults(running(image, *args), profile("gvisor", GVISOR)) == []


@pytest.mark.parametrize(
    ("image", "release", "expected"),
    [
        ("mvance/unbound:1.22.0", "20240729.0", [
            ("incompatible", "net:IP_MTU_DISCOVER/IP_PMTUDISC_OMIT"),
        ]),
        ("mvance/unbound:1.22.0", "20221219.0", []),
        ("dovecot/dovecot:2.4.1", "20240729.0", [("incompatible", "net:SO_PEERCRED/pid")]),
        ("dovecot/dovecot:2.4.1", "20260622.0", []),
    ],
)  # fmt: skip
def test_what_a_release_of_gvisor_broke_or_mended_is_told_of_that_release_only(
    image: str, release: str, expected: list[tuple[str, str]]
) -> None:
    assert faults(running(image), profile("gvisor", release)) == expected


def test_a_virtual_machine_that_may_be_emulated_is_not_refused_for_want_of_kvm() -> None:
    launcher = running("quay.io/kubevirt/virt-launcher:v1.6.0", "--allow-emulation")
    assert faults(launcher, profile("gvisor", GVISOR)) == [TUN]


@pytest.mark.parametrize("name", [name for name, _ in RECOGNISED])
def test_no_verdict_without_options_contradicts_a_run_that_worked(name: str) -> None:
    application = next(a for a in table().catalogue.applications if a.name == name)
    image = next(images[0] for known, images in RECOGNISED if known == name)
    for run in application.verified:
        release = run.versions.intervals[0].start
        if run.works != "yes" or release is None:
            continue
        verdicts = [Verdict(v) for v, _ in faults(running(image), profile("gvisor", str(release)))]
        assert all(VERDICT_RANK[v] >= VERDICT_RANK[Verdict.DEGRADED] for v in verdicts)
