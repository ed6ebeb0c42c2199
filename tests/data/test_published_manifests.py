"""Wrong verdicts that reading manifests of public projects found, each held as it is right now.

A container that runs another program of an agent's or a server's image is not the agent; what
publishers beside the usual ones build is what it says.
"""

import pytest

from tests.build import container, pod
from tests.data.agents import GVISOR, KATA, Harmless, Images, gvisor_faults, pairs
from tests.data.shipped import applications, faults, running
from webhook.core.runtimes import RuntimeProfile

BESIDE_THE_AGENT: Harmless = [
    # longhorn/longhorn deploy/longhorn.yaml: has every node pull the image.
    (
        "docker.io/longhornio/longhorn-share-manager:v1.7.1",
        ("sh", "-c", "echo share-manager image pulled && sleep infinity"),
    ),
    # metallb/metallb config/manifests/metallb-frr.yaml and metallb-frr-k8s.yaml
    ("quay.io/metallb/speaker:v0.15.2", ("/cp-tool", "/frr-metrics", "/etc/frr_metrics/m")),
    ("quay.io/frrouting/frr:10.5.3", ("/bin/sh", "-c", "cp -rLf /tmp/frr/* /etc/frr/")),
    ("quay.io/frrouting/frr:10.5.3", ("/etc/frr_reloader/frr-reloader.sh",)),
    ("quay.io/frrouting/frr:10.5.3", ("/etc/frr_metrics/frr-metrics", "--metrics-port=9121")),
    ("quay.io/frrouting/frr:10.4.3", ("/etc/frr_status/frr-status", "--log-level=info")),
    # Azure/azure-container-networking npm/deploy/kustomize and npm/examples/windows
    ("mcr.microsoft.com/containernetworking/azure-npm:v1.6.29", ("azure-npm", "controlplane")),
    (
        "mcr.microsoft.com/containernetworking/azure-npm:v1.6.29",
        ("powershell.exe", "$env:CONTAINER_SANDBOX_MOUNT_POINT/npm.exe start"),
    ),
    # aquasecurity/tracee deploy/kubernetes/tracee/tracee.yaml
    ("docker.io/aquasec/tracee:0.24.1", ("/tracee/tracee-operator", "--leader-elect")),
    # cilium/tetragon contrib/tetragon-rthooks/k8s/ds-uninstall.yaml
    ("quay.io/cilium/tetragon:v1.7.0", ("tetragon-oci-hook-setup", "uninstall")),
    # flannel-io/flannel Documentation/kube-flannel.yml
    ("ghcr.io/flannel-io/flannel:v0.28.9", ("/opt/bin/install-conf", "/a", "/b")),
    # DataDog/helm-charts test/datadog/baseline/manifests
    (
        "gcr.io/datadoghq/agent:7.81.1",
        ("cp", "/etc/config/system-probe-seccomp.json", "/host/seccomp/system-probe"),
    ),
    # rancher/rke2-charts packages/rke2-canal
    ("rancher/hardened-calico:v3.32.1", ("/opt/cni/bin/install",)),
    # aws/amazon-vpc-cni-k8s config/master
    ("eks.test/aws-network-policy-agent:v1.4.2", ("--enable-network-policy=false",)),
    # Jobs that build on a BuildKit elsewhere
    ("moby/buildkit:v0.25.0", ("buildctl", "--addr", "tcp://b:1234", "build")),
]


@pytest.mark.parametrize(("image", "args"), BESIDE_THE_AGENT)
def test_another_program_of_an_agents_image_is_not_refused(
    image: str, args: tuple[str, ...]
) -> None:
    assert gvisor_faults(image, *args) == []


BESIDE_THE_SERVER: Harmless = [
    ("postgres:16", ("/usr/local/bin/pg_dump", "-h", "db")),
    ("postgres:16", ("/usr/bin/psql", "-c", "select 1")),
    ("postgres:16", ("pg_basebackup", "-D", "/backup")),
    ("postgres:16", ("chown", "-R", "999:999", "/var/lib/postgresql/data")),
    ("postgres:16", ("sh", "-c", "sleep infinity")),
    ("postgres:16", ("tail", "-f", "/dev/null")),
    ("mysql:8.4", ("/usr/bin/mysqldump", "--all-databases")),
    ("mysql:8.4", ("cp", "/mnt/config-map/primary.cnf", "/mnt/conf.d/")),
    ("mariadb:11", ("/usr/bin/mariadb-dump", "--all-databases")),
    ("mariadb:11", ("bash", "-c", "sleep infinity")),
]


@pytest.mark.parametrize(("image", "args"), BESIDE_THE_SERVER)
def test_a_client_and_what_prepares_a_volume_are_not_the_server(
    image: str, args: tuple[str, ...]
) -> None:
    assert gvisor_faults(image, *args) == []


@pytest.mark.parametrize(
    ("image", "args"),
    [
        ("postgres:16", ("postgres", "-c", "fsync=off")),
        ("postgres:16", ("-c", "shared_preload_libraries=pg_stat_statements")),
        ("postgres:16", ("bash", "-c", "chown -R postgres /d && docker-entrypoint.sh postgres")),
        ("mysql:8.4", ("--datadir", "/var/lib/mysql/datadir")),
        ("mysql:8.4", ("bash", "-c", "/entrypoint.sh --server-id=$((20 + 1))")),
        ("mariadb:11", ("--transaction-isolation=READ-COMMITTED",)),
    ],
)
def test_a_server_is_one_however_it_is_started(image: str, args: tuple[str, ...]) -> None:
    assert ("degraded", "perf:syscall-rate") in gvisor_faults(image, *args)


PUBLISHED: Images = {
    "postgresql": (
        "registry.access.redhat.com/rhscl/postgresql-13-rhel7", "centos/postgresql-12-centos7",
        "quay.io/centos7/postgresql-13-centos7", "tensorchord/vchord-suite:pg17-20250815",
        "apecloud/spilo:14.8.0",
    ),
    "mysql": (
        "quay.io/fedora/mysql-80", "rhscl/mysql-80-rhel7", "centos/mysql-57-centos7",
    ),
    "mariadb": (
        "quay.io/fedora/mariadb-103", "rhscl/mariadb-103-rhel7", "centos/mariadb-103-centos7",
    ),
    "redis": ("quay.io/fedora/redis-6", "rhscl/redis-5-rhel7", "centos/redis-5-centos7"),
    "mongodb": ("rhscl/mongodb-36-rhel7", "centos/mongodb-36-centos7"),
    "scylladb": ("bitnami/scylladb:6.2.0",),
    "datadog-agent": ("registry.datadoghq.com/agent:7.81.1",),
    "crowdstrike-falcon-node-sensor": (
        "registry.crowdstrike.com/falcon-sensor/us-2/release/falcon-sensor:7.33",
    ),
    "openvpn": ("haugene/transmission-openvpn:5.3.2",),
    "klipper-lb": ("rancher/klipper-lb:v0.4.9",),
}  # fmt: skip


@pytest.mark.parametrize(("image", "expected"), pairs(PUBLISHED))
def test_images_of_other_publishers_are_recognised(image: str, expected: str) -> None:
    assert expected in applications(running(image))


SOMETHING_ELSE = [
    "openshift/postgresql-apb:latest",
    "ansibleplaybookbundle/mysql-apb",
    "centos/postgresql-exporter",
    "registry.crowdstrike.com/falcon-container/us-2/release/falcon-sensor:7.33",
    "registry.crowdstrike.com/falcon-kac/us-2/release/falcon-kac",
    "registry.datadoghq.com/cluster-agent:7.81.1",
    "registry.datadoghq.com/operator:1.20.0",
    "istio/proxyv2:1.28.0",
    "rancher/klipper-helm:v0.9.8",
    "rancher/hardened-calico:v3.32.1",
    "haugene/transmission-rss",
    "tensorchord/vectorchord-demo",
]


@pytest.mark.parametrize("image", SOMETHING_ELSE)
def test_what_has_such_a_name_in_its_own_is_something_else(image: str) -> None:
    assert applications(running(image)) == []


REFUSED = [
    ("rancher/klipper-lb:v0.4.9", (), ("incompatible", "net:iptables-legacy")),
    ("istio/ztunnel:1.28.0", ("proxy", "ztunnel"), ("incompatible", "pod:hostPath/Socket")),
    ("istio/proxy_init:1.4.10", ("-p", "15001"), ("incompatible", "net:iptables-legacy")),
    ("hwdsl2/ipsec-vpn-server", (), ("incompatible", "net:xfrm")),
    ("haugene/transmission-openvpn", (), ("degraded", "device:/dev/net/tun")),
    ("mcr.microsoft.com/azure-sql-edge", (), ("unknown", "syscall:arch_prctl/ARCH_SET_GS")),
    ("rancher/hardened-calico:v3", ("start_runit",), ("incompatible", "net:netlink-multicast")),
    (
        "eks.test/aws-network-policy-agent:v1.4.2",
        ("--enable-network-policy=true",),
        ("incompatible", "kernel:ebpf"),
    ),
    (
        "registry.datadoghq.com/agent:7.81.1",
        ("system-probe", "--config=/etc/x.yaml"),
        ("degraded", "kernel:ebpf"),
    ),
]


@pytest.mark.parametrize(("image", "args", "expected"), REFUSED)
def test_what_nothing_was_said_of_is_told_what_gvisor_lacks(
    image: str, args: tuple[str, ...], expected: tuple[str, str]
) -> None:
    assert expected in gvisor_faults(image, *args)


def test_a_proxy_that_is_handed_the_nodes_networks_cannot_be_a_guest() -> None:
    assert faults(running("istio/ztunnel:1.28.0"), KATA) == [
        ("incompatible", "pod:hostPath/Socket")
    ]


@pytest.mark.parametrize("runtime", [GVISOR, KATA])
def test_a_device_plugin_cannot_reach_the_kubelet_out_of_a_sandbox(
    runtime: RuntimeProfile,
) -> None:
    """NVIDIA/k8s-device-plugin deployments/static/nvidia-device-plugin.yml."""
    plugin = pod(
        containers=[container(image="nvcr.io/nvidia/k8s-device-plugin:v0.20.0")],
        volumes=[{"name": "s", "hostPath": {"path": "/var/lib/kubelet/device-plugins"}}],
    )
    assert faults(plugin, runtime) == [("incompatible", "pod:hostPath/Socket/plugin")]
