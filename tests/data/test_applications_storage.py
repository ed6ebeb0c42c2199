"""Storage, FUSE and backup: which images are recognised, and what is said of them."""

import pytest

from tests.build import container, pod, profile
from tests.data.shipped import applications, faults, running
from webhook.core.runtimes import RuntimeProfile

GVISOR = profile("gvisor", "20260817.0")

RECOGNISED: list[tuple[str, str, tuple[str, ...]]] = [
    ("nfs-server", "erichough/nfs-server:2.2.1", ()),
    ("nfs-server", "itsthenetwork/nfs-server-alpine:12", ()),
    ("nfs-server", "registry.k8s.io/volume-nfs:0.8", ()),
    ("nfs-provisioner", "registry.k8s.io/sig-storage/nfs-provisioner:v4.0.8", ()),
    ("aws-ebs-csi-node", "public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.64.0", ("node",)),
    (
        "azuredisk-csi-node",
        "mcr.microsoft.com/oss/v2/kubernetes-csi/azuredisk-csi:v1.34.5",
        ("--nodeid=a",),
    ),
    (
        "gce-pd-csi-node",
        "gke.gcr.io/gcp-compute-persistent-disk-csi-driver:v1.26.4",
        ("--run-controller-service=false",),
    ),
    ("ceph-csi-node", "quay.io/cephcsi/cephcsi:v3.12.2", ("--type=rbd", "--nodeserver=true")),
    ("nfs-csi", "registry.k8s.io/sig-storage/nfsplugin:v4.13.4", ()),
    ("smb-csi", "registry.k8s.io/sig-storage/smbplugin:v1.20.3", ("--nodeid=a",)),
    ("longhorn", "longhornio/longhorn-instance-manager:v1.12.1", ()),
    ("longhorn", "rancher/mirrored-longhornio-longhorn-instance-manager:v1.9.1", ()),
    ("drbd", "quay.io/piraeusdatastore/drbd9-noble:v9.2.11", ()),
    ("topolvm", "ghcr.io/topolvm/topolvm:0.40.0", ("/lvmd",)),
    ("restic", "restic/restic:0.19.1", ("backup", "/data")),
    ("kopia", "kopia/kopia:0.23.1", ()),
    ("velero", "velero/velero:v1.18.1", ("node-agent", "server")),
    ("rclone", "rclone/rclone:1.75.0", ("sync", "a:", "b:")),
    ("juicefs", "juicedata/mount:ce-v1.3.0", ()),
    ("seaweedfs", "chrislusf/seaweedfs:4.44", ("server",)),
]


@pytest.mark.parametrize(("name", "image", "args"), RECOGNISED)
def test_the_images_of_the_usual_publishers_are_recognised(
    name: str, image: str, args: tuple[str, ...]
) -> None:
    assert name in applications(running(image, *args))


SOMETHING_ELSE: list[tuple[str, tuple[str, ...]]] = [
    ("public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.64.0", ("controller",)),
    ("mcr.microsoft.com/oss/v2/kubernetes-csi/azuredisk-csi:v1.34.5", ("--endpoint=unix:///csi",)),
    ("gke.gcr.io/gcp-compute-persistent-disk-csi-driver:v1.26.4", ("--run-node-service=false",)),
    ("quay.io/cephcsi/cephcsi:v3.12.2", ("--type=rbd", "--controllerserver=true")),
    ("registry.k8s.io/sig-storage/smbplugin:v1.20.3", ("--endpoint=unix:///csi",)),
    ("quay.io/ceph/ceph:v19.2.3", ("bash",)),
    ("rook/ceph:v1.20.6", ("ceph", "operator")),
    ("openebs/lvm-driver:1.5.0", ("--plugin=controller",)),
    ("longhornio/longhorn-manager:v1.12.1", ("wait-for",)),
    ("velero/velero-plugin-for-aws:v1.12.2", ()),
    ("restic/rest-server:0.14.0", ()),
    ("juicedata/juicefs-operator:v0.5.0", ()),
    ("quay.io/piraeusdatastore/linstor-csi:v1.6.0", ()),
    ("minio/mc:latest", ()),
]


@pytest.mark.parametrize(("image", "args"), SOMETHING_ELSE)
def test_controllers_plugins_and_clients_are_not_the_agent_of_the_node(
    image: str, args: tuple[str, ...]
) -> None:
    assert applications(running(image, *args)) == []


BLOCK = ("incompatible", "fs:block")
DISKS = ("incompatible", "kernel:block-devices")

REFUSED: list[tuple[str, tuple[str, ...], list[tuple[str, str]]]] = [
    ("erichough/nfs-server:2.2.1", (), [("incompatible", "kernel:nfsd")]),
    ("registry.k8s.io/volume-nfs:0.8", (), [("incompatible", "kernel:nfsd")]),
    ("public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.64.0", ("node",), [BLOCK]),
    ("quay.io/cephcsi/cephcsi:v3.12.2", ("--type=rbd", "--nodeserver=true"), [DISKS]),
    ("registry.k8s.io/sig-storage/nfsplugin:v4.13.4", (), [("incompatible", "fs:nfs")]),
    (
        "registry.k8s.io/sig-storage/smbplugin:v1.20.3",
        ("--nodeid=a",),
        [("incompatible", "fs:cifs")],
    ),
    ("longhornio/longhorn-instance-manager:v1.12.1", (), [DISKS]),
    ("longhornio/longhorn-share-manager:v1.12.1", (), [BLOCK]),
    ("longhornio/longhorn-engine:v1.12.1", ("controller", "--frontend", "tgt-blockdev"), [DISKS]),
    ("quay.io/piraeusdatastore/drbd9-noble:v9.2.11", (), [("incompatible", "kernel:modules")]),
    ("debian:12", ("iscsid", "-f"), [("incompatible", "net:netlink-iscsi")]),
]


@pytest.mark.parametrize(("image", "args", "expected"), REFUSED)
def test_what_needs_the_nodes_disks_or_mounts_cannot_run_in_gvisor(
    image: str, args: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert faults(running(image, *args), GVISOR) == expected


@pytest.mark.parametrize(("image", "args", "_expected"), REFUSED)
def test_what_needs_the_nodes_disks_or_mounts_has_them_under_runc(
    image: str, args: tuple[str, ...], _expected: object
) -> None:
    assert faults(running(image, *args), profile("runc", "1.4.0")) == []


NOT_REFUSED: list[tuple[str, tuple[str, ...]]] = [
    ("quay.io/cephcsi/cephcsi:v3.12.2", ("--type=cephfs", "--nodeserver=true")),
    ("registry.k8s.io/sig-storage/nfs-subdir-external-provisioner:v4.0.18", ()),
    ("minio/minio:RELEASE.2025-09-07T16-13-09Z", ("server", "/data")),
    ("chrislusf/seaweedfs:4.44", ("mount", "-dir=/mnt")),
    ("rclone/rclone:1.75.0", ("mount", "a:", "/mnt")),
    ("restic/restic:0.19.1", ("mount", "/mnt")),
    ("restic/restic:0.19.1", ("backup", "/data")),
    ("debian:12", ("sshfs", "a:/", "/mnt")),
    ("juicedata/mount:ce-v1.3.0", ("sh", "-c", "/sbin/mount.juicefs redis://r /mnt")),
    ("crazymax/samba:4.21.4", ()),
    ("quay.io/ceph/ceph:v19.2.3", ("ceph-mon", "--foreground")),
    ("longhornio/longhorn-engine:v1.12.1", ("replica", "/vol")),
]


@pytest.mark.parametrize(("image", "args"), NOT_REFUSED)
def test_what_needs_no_disk_of_the_node_is_not_refused(image: str, args: tuple[str, ...]) -> None:
    assert faults(running(image, *args), GVISOR) == []


@pytest.mark.parametrize("image", ["rclone/rclone:1.75.0", "restic/restic:0.19.1"])
def test_a_mount_by_fuse_is_refused_before_gvisor_had_fuse_and_only_a_mount(image: str) -> None:
    old = profile("gvisor", "20221026.0")
    mount = running(image, "mount", "a:", "/mnt")
    assert faults(mount, old) == [("incompatible", "device:/dev/fuse")]
    assert faults(running(image, "ls", "a:"), old) == []


def osd(label: str) -> dict[str, object]:
    return running("quay.io/ceph/ceph:v20.2.4", "ceph-osd", "--foreground", labels={"app": label})


def test_an_osd_of_rook_is_refused_and_of_another_nobody_knows() -> None:
    assert faults(osd("rook-ceph-osd"), GVISOR) == [DISKS]
    assert faults(osd("mine"), GVISOR) == [("unknown", "kernel:block-devices")]


def test_the_node_plugin_of_openebs_is_told_from_its_controller_by_a_variable() -> None:
    node = container("c", "openebs/lvm-driver:1.5.0")
    node["env"] = [{"name": "OPENEBS_NODE_DRIVER", "value": "agent"}]
    assert faults(pod(containers=[node]), GVISOR) == [BLOCK]
    assert applications(running("openebs/lvm-driver:1.5.0")) == []


@pytest.mark.parametrize(
    ("runtime", "expected"),
    [
        (profile("kata", "4.1.0", hypervisor="qemu"), []),
        (profile("runc", "1.4.0"), []),
    ],
    ids=["kata", "runc"],
)
def test_a_guest_of_its_own_mounts_smb_shares(
    runtime: RuntimeProfile, expected: list[tuple[str, str]]
) -> None:
    smb = running("registry.k8s.io/sig-storage/smbplugin:v1.20.3", "--nodeid=a")
    assert faults(smb, runtime) == expected


def test_of_nfs_in_a_guest_nobody_knows() -> None:
    nfs = running("registry.k8s.io/sig-storage/nfsplugin:v4.13.4")
    kata = profile("kata", "4.1.0", hypervisor="qemu")
    assert faults(nfs, kata) == [("unknown", "fs:nfs")]
