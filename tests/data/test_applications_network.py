"""Agents of the cluster's network and tools that look at packets: what is said of which."""

import pytest

from tests.build import container, pod, profile
from tests.data.agents import (
    GVISOR,
    KATA,
    RUNC,
    Harmless,
    Images,
    Refused,
    contradicted_runs,
    gvisor_faults,
    known_as,
    pairs,
)
from tests.data.shipped import faults, running

RECOGNISED: Images = {
    "kube-proxy": (
        "registry.k8s.io/kube-proxy:v1.34.0", "rancher/mirrored-kube-proxy:v1.33.1",
        "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/kube-proxy:v1.33.0-eksbuild.2",
        "gke.gcr.io/kube-proxy-amd64:v1.33.2",
    ),
    "cilium": ("quay.io/cilium/cilium:v1.18.0", "rancher/mirrored-cilium-cilium:v1.17.5"),
    "calico-node": (
        "calico/node:v3.30.2", "quay.io/calico/node:v3.30.2",
        "rancher/mirrored-calico-node:v3.30.2",
    ),
    "flannel": (
        "ghcr.io/flannel-io/flannel:v0.27.0", "flannel/flannel:v0.27.0",
        "rancher/mirrored-flannel-io-flannel:v0.25.7",
    ),
    "weave-net": ("weaveworks/weave-kube:2.8.1",),
    "weave-npc": ("weaveworks/weave-npc:2.8.1",),
    "antrea": (
        "antrea/antrea-agent-ubuntu:v2.4.0",
        "projects.registry.vmware.com/antrea/antrea-ubuntu:v1.13.0",
    ),
    "kube-ovn": ("kubeovn/kube-ovn:v1.14.0",),
    "ovn-kubernetes": ("ghcr.io/ovn-kubernetes/ovn-kubernetes/ovn-kube-ubuntu:master",),
    "kube-router": ("cloudnativelabs/kube-router:v2.6.0",),
    "aws-vpc-cni": ("602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:v1.20.1",),
    "azure-npm": ("mcr.microsoft.com/containernetworking/azure-npm:v1.6.30",),
    "metallb-speaker": ("quay.io/metallb/speaker:v0.15.2",),
    "kube-vip": ("ghcr.io/kube-vip/kube-vip:v1.0.1", "plndr/kube-vip:v0.3.0"),
    "keepalived": ("osixia/keepalived:2.0.20",),
    "frr": ("quay.io/frrouting/frr:10.4.0",),
    "bird": ("pierky/bird:2.17",),
    "netshoot": ("nicolaka/netshoot:v0.14",),
    "node-local-dns": ("registry.k8s.io/dns/k8s-dns-node-cache:1.26.4",),
    "coredns": (
        "registry.k8s.io/coredns/coredns:v1.12.3", "coredns/coredns:1.12.3",
        "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/coredns:v1.12.1-eksbuild.2",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("image", "expected"), pairs(RECOGNISED))
def test_the_images_of_the_usual_publishers_are_recognised(image: str, expected: str) -> None:
    assert known_as(image, RECOGNISED) == {expected}


SOMETHING_ELSE = [
    "quay.io/cilium/operator-generic:v1.18.0",
    "quay.io/cilium/hubble-relay:v1.18.0",
    "quay.io/cilium/cilium-envoy:v1.34.4",
    "quay.io/cilium/tetragon-operator:v1.5.0",
    "calico/kube-controllers:v3.30.2",
    "calico/typha:v3.30.2",
    "calico/cni:v3.30.2",
    "flannel/flannel-cni-plugin:v1.7.1",
    "antrea/antrea-controller-ubuntu:v2.4.0",
    "quay.io/metallb/controller:v0.15.2",
    "ghcr.io/kube-vip/kube-vip-cloud-provider:v0.0.12",
    "602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni-init:v1.20.1",
    "registry.k8s.io/external-dns/external-dns:v0.18.0",
    "registry.k8s.io/cpa/cluster-proportional-autoscaler:v1.9.0",
    "example/kube-proxy/exporter:1",
    "example/keepalived-exporter:1",
]


@pytest.mark.parametrize("image", SOMETHING_ELSE)
def test_what_only_stands_beside_an_agent_is_not_the_agent(image: str) -> None:
    assert known_as(image, RECOGNISED) == set()


LEGACY = ("incompatible", "net:iptables-legacy")
CONNTRACK = ("incompatible", "net:iptables/conntrack")
COMMENT = ("incompatible", "net:iptables/comment")
EBPF = ("incompatible", "kernel:ebpf")
IPSET = ("incompatible", "net:ipset")
IPVS = ("incompatible", "net:ipvs")
OVS = ("incompatible", "net:openvswitch")
PROXY = "registry.k8s.io/kube-proxy:v1.34.0"
ROUTER = "cloudnativelabs/kube-router:v2.6.0"
NODE_CACHE = "registry.k8s.io/dns/k8s-dns-node-cache:1.26.4"

REFUSED: Refused = [
    (PROXY, (), [LEGACY, CONNTRACK, COMMENT]),
    (PROXY, ("kube-proxy", "--proxy-mode", "nftables"), [("incompatible", "net:nftables")]),
    (PROXY, ("kube-proxy", "--proxy-mode=ipvs"), [IPVS]),
    ("rancher/hardened-kubernetes:v1.34", ("kube-proxy",), [LEGACY, CONNTRACK, COMMENT]),
    ("example/proxy:1", ("/usr/local/bin/kube-proxy",), [LEGACY, CONNTRACK, COMMENT]),
    ("quay.io/cilium/cilium:v1.18.0", ("cilium-agent",), [EBPF]),
    ("example/net:1", ("cilium-agent", "--config-dir=/x"), [EBPF]),
    ("calico/node:v3.30.2", (), [("incompatible", "net:netlink-multicast")]),
    (
        "ghcr.io/flannel-io/flannel:v0.27.0",
        ("--ip-masq", "--kube-subnet-mgr"),
        [COMMENT, ("degraded", "net:vxlan")],
    ),
    ("weaveworks/weave-kube:2.8.1", (), [CONNTRACK]),
    ("weaveworks/weave-npc:2.8.1", (), [IPSET]),
    ("antrea/antrea-agent-ubuntu:v2.4.0", ("antrea-agent",), [OVS]),
    ("kubeovn/kube-ovn:v1.14.0", ("/kube-ovn/start-ovs.sh",), [OVS]),
    ("ovn-kube-ubuntu:master", ("/root/ovnkube.sh", "ovs-server"), [OVS]),
    (ROUTER, (), [IPSET, CONNTRACK, IPVS]),
    (ROUTER, ("--run-firewall=false",), [IPVS]),
    (ROUTER, ("--run-service-proxy=false",), [IPSET, CONNTRACK]),
    ("amazon-k8s-cni:v1.20.1", (), [("incompatible", "net:ip-rule")]),
    ("mcr.microsoft.com/containernetworking/azure-npm:v1.6.30", (), [IPSET]),
    ("quay.io/metallb/speaker:v0.15.2", (), [("degraded", "net:packet-socket/write")]),
    (NODE_CACHE, (), [("incompatible", "net:dummy"), ("degraded", "net:iptables/comment")]),
    (NODE_CACHE, ("-setupiptables=false",), [("incompatible", "net:dummy")]),
    ("osixia/keepalived:2.0.20", (), [("incompatible", "net:netlink-multicast")]),
    ("quay.io/frrouting/frr:10.4.0", (), [("incompatible", "net:netlink-multicast")]),
    ("debian:11", ("tcpdump", "-i", "eth0"), [("incompatible", "net:packet-socket")]),
]


@pytest.mark.parametrize(("image", "args", "expected"), REFUSED)
def test_what_needs_the_nodes_kernel_cannot_run_in_gvisor_and_is_told_why(
    image: str, args: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert gvisor_faults(image, *args) == expected


@pytest.mark.parametrize(("image", "args", "_expected"), REFUSED)
def test_what_needs_the_nodes_kernel_has_it_under_runc(
    image: str, args: tuple[str, ...], _expected: object
) -> None:
    assert faults(running(image, *args), RUNC) == []


NOT_REFUSED: Harmless = [
    ("registry.k8s.io/coredns/coredns:v1.12.3", ()),
    ("pierky/bird:2.17", ()),
    (PROXY, ("kube-proxy", "--cleanup")),
    ("quay.io/cilium/cilium:v1.18.0", ("cilium-dbg", "build-config")),
    ("calico/node:v3.30.2", ("calico-node", "-init", "-best-effort")),
    ("flannel/flannel:v0.27.0", ("cp", "-f", "/etc/kube-flannel/cni-conf.json", "/etc/cni/net.d")),
    ("antrea/antrea-ubuntu:v1.13.0", ("antrea-controller",)),
    ("kubeovn/kube-ovn:v1.14.0", ("/kube-ovn/start-controller.sh",)),
    ("ovn-kube-ubuntu:master", ("/root/ovnkube.sh", "ovnkube-cluster-manager")),
    ("ghcr.io/kube-vip/kube-vip:v1.0.1", ("manager",)),
    (NODE_CACHE, ("-setupinterface=false", "-setupiptables=false")),
    ("debian:11", ("tcpdump", "-r", "/data/x.pcap")),
    ("bitnami/kubectl:1.34", ("kubectl", "rollout", "restart", "daemonset", "kube-proxy")),
    ("bitnami/kubectl:1.34", ("kubectl", "rollout", "restart", "daemonset/kube-proxy")),
    ("bitnami/kubectl:1.34", ("kubectl", "logs", "daemonset/cilium", "-c", "flanneld")),
]


@pytest.mark.parametrize(("image", "args"), NOT_REFUSED)
def test_what_needs_nothing_of_the_nodes_kernel_is_not_refused(
    image: str, args: tuple[str, ...]
) -> None:
    assert gvisor_faults(image, *args) == []


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("vip_arp", ("incompatible", "net:packet-socket/write")),
        ("lb_enable", ("incompatible", "net:ipvs")),
    ],
)
def test_kube_vip_needs_what_its_variables_turn_on(
    variable: str, expected: tuple[str, str]
) -> None:
    on = container("v", "ghcr.io/kube-vip/kube-vip:v1.0.1", args=["manager"])
    on["env"] = [{"name": variable, "value": "true"}]
    assert faults(pod(containers=[on]), GVISOR) == [expected]


@pytest.mark.parametrize(
    ("release", "expected"),
    [("20221219.0", [("degraded", "net:RTM_NEWROUTE")]), ("20240729.0", [])],
)
def test_bird_writes_its_routes_into_the_kernel_from_the_release_that_takes_them(
    release: str, expected: list[tuple[str, str]]
) -> None:
    assert faults(running("pierky/bird:2.17"), profile("gvisor", release)) == expected


def test_calicos_data_path_of_ebpf_is_named_where_a_variable_turns_it_on() -> None:
    node = container(
        "n", "calico/node:v3.30.2", env=[{"name": "FELIX_BPFENABLED", "value": "true"}]
    )
    assert faults(pod(containers=[node]), GVISOR) == [
        ("incompatible", "net:netlink-multicast"),
        EBPF,
    ]


def test_an_agent_in_a_virtual_machine_is_told_of_the_field_that_reaches_for_the_node() -> None:
    agent = pod(containers=[container("p", PROXY)], hostNetwork=True)
    assert [feature for _, feature in faults(agent, KATA)] == ["pod:hostNetwork"]


@pytest.mark.parametrize("name", RECOGNISED)
def test_no_verdict_without_options_contradicts_a_run_that_worked(name: str) -> None:
    assert contradicted_runs(RECOGNISED[name][0], name) == []
