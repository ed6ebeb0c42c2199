"""Service meshes: what redirects a pod's traffic, and what only stands beside it."""

from typing import Any

import pytest

from tests.build import container, pod, profile
from tests.data.agents import (
    GVISOR,
    KATA,
    RUNC,
    Harmless,
    Images,
    Refused,
    gvisor_faults,
    known_as,
    pairs,
)
from tests.data.shipped import applications, faults, running

RECOGNISED: Images = {
    "linkerd-init": ("cr.l5d.io/linkerd/proxy-init:v2.4.3", "ghcr.io/linkerd/proxy-init:v2.2.1"),
    "kuma-init": ("kumahq/kuma-init:2.11.5", "kong/kuma-init:2.11.5"),
    "open-service-mesh-init": ("openservicemesh/init:v1.2.4",),
    "istio-cni": (
        "docker.io/istio/install-cni:1.28.0", "rancher/mirrored-istio-install-cni:1.26.0",
    ),
    "istio-init": ("istio/proxy_init:1.4.10", "gcr.io/istio-release/proxy_init:1.1.0"),
    "ztunnel": (
        "istio/ztunnel:1.28.0", "registry.istio.io/release/istio-release/ztunnel:1.28.0",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("image", "expected"), pairs(RECOGNISED))
def test_the_images_of_the_usual_publishers_are_recognised(image: str, expected: str) -> None:
    assert known_as(image, RECOGNISED) == {expected}


SOMETHING_ELSE = [
    "cr.l5d.io/linkerd/proxy:edge-25.8.1",
    "cr.l5d.io/linkerd/controller:edge-25.8.1",
    "cr.l5d.io/linkerd/cni-plugin:v1.6.2",
    "hashicorp/consul-k8s-control-plane:1.7.1",
    "hashicorp/consul-dataplane:1.7.1",
    "kumahq/kuma-dp:2.11.5",
    "kumahq/kuma-cp:2.11.5",
    "istio/pilot:1.28.0",
    "istio/proxyv2:1.28.0",
    "openservicemesh/osm-controller:v1.2.4",
    "daprio/daprd:1.15.9",
]


@pytest.mark.parametrize("image", SOMETHING_ELSE)
def test_what_redirects_no_traffic_is_not_taken_for_what_does(image: str) -> None:
    assert applications(running(image)) == []


LEGACY = ("incompatible", "net:iptables-legacy")
COMMENT = ("incompatible", "net:iptables/comment")
LINKERD = "cr.l5d.io/linkerd/proxy:edge-26.5.1"
LINKERD_INIT = ("/usr/lib/linkerd/linkerd2-proxy-init",)

REFUSED: Refused = [
    ("cr.l5d.io/linkerd/proxy-init:v2.4.3", (), [LEGACY, COMMENT]),
    (LINKERD, LINKERD_INIT, [LEGACY, COMMENT]),
    (
        LINKERD,
        (*LINKERD_INIT, "--firewall-bin-path", "iptables-nft"),
        [("incompatible", "net:iptables-nft"), COMMENT],
    ),
    ("kumahq/kuma-init:2.11.5", (), [LEGACY, COMMENT]),
    ("kumahq/kuma-init:2.11.5", ("--disable-comments",), [LEGACY]),
    ("openservicemesh/init:v1.2.4", (), [LEGACY]),
]


@pytest.mark.parametrize(("image", "args", "expected"), REFUSED)
def test_what_redirects_traffic_by_iptables_cannot_in_gvisor_and_is_told_why(
    image: str, args: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert gvisor_faults(image, *args) == expected


@pytest.mark.parametrize(("image", "args", "_expected"), REFUSED)
def test_what_redirects_traffic_by_iptables_can_where_the_kernel_is_linux(
    image: str, args: tuple[str, ...], _expected: object
) -> None:
    assert [faults(running(image, *args), runtime) for runtime in (RUNC, KATA)] == [[], []]


NOT_REFUSED: Harmless = [
    (LINKERD, ()),
    ("kumahq/kuma-init:2.11.5", ("/usr/bin/kumactl", "install", "transparent-proxy-validator")),
    ("hashicorp/consul-k8s-control-plane:1.7.1", ("connect-init", "-pod-name=x")),
    ("docker.io/istio/install-cni:1.28.0", ("install-cni",)),
]


@pytest.mark.parametrize(("image", "args"), NOT_REFUSED)
def test_what_redirects_no_traffic_is_not_refused(image: str, args: tuple[str, ...]) -> None:
    assert gvisor_faults(image, *args) == []


def with_variable(image: str, name: str, value: str, *args: str) -> Any:
    """A pod of one container with a variable."""
    env = [{"name": name, "value": value}]
    return pod(containers=[container("c", image, args=[*args], env=env)])


def test_consuls_init_container_redirects_traffic_only_with_its_variable() -> None:
    init = with_variable(
        "hashicorp/consul-k8s-control-plane:1.7.1",
        "CONSUL_REDIRECT_TRAFFIC_CONFIG",
        '{"ProxyUserID":"5995"}',
        "connect-init",
    )
    assert faults(init, GVISOR) == [LEGACY]


def test_istios_agent_of_a_node_needs_sets_of_addresses_in_ambient_mode_only() -> None:
    image = "docker.io/istio/install-cni:1.28.0"
    ambient = with_variable(image, "AMBIENT_ENABLED", "true", "install-cni")
    assert faults(ambient, GVISOR) == [("incompatible", "net:ipset")]
    plain = with_variable(image, "AMBIENT_ENABLED", "false", "install-cni")
    assert faults(plain, GVISOR) == []


INIT_ARGS = (
    *("istio-iptables", "-p", "15001", "-z", "15006", "-u", "1337", "-m", "REDIRECT"),
    *("-i", "*", "-x", "", "-b", "*", "-d", "15090,15021,15020"),
    "--log_output_level=default:info",
)


def injected(release: str, *more: str) -> Any:
    """A pod as Istio's injector leaves it, without its CNI plugin (injection-template.yaml)."""
    added = {"add": ["NET_ADMIN", "NET_RAW"], "drop": ["ALL"]}
    init = container(
        "istio-init",
        f"docker.io/istio/proxyv2:{release}",
        args=[*INIT_ARGS, *more],
        securityContext={
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "capabilities": added,
            "readOnlyRootFilesystem": False,
            "runAsGroup": 0,
            "runAsNonRoot": False,
            "runAsUser": 0,
        },
    )
    sidecar = container(
        "istio-proxy",
        f"docker.io/istio/proxyv2:{release}",
        args=["proxy", "sidecar", "--domain", "$(POD_NAMESPACE).svc.cluster.local"],
    )
    return pod(initContainers=[init], containers=[container(), sidecar])


def net_features(obj: Any, release: str, **flags: str) -> list[tuple[str, str]]:
    """What gVisor is told of a pod's network; capabilities are told of besides."""
    return [f for f in faults(obj, profile("gvisor", release, flags=flags)) if "net:" in f[1]]


RAW = {"net-raw": "true"}


@pytest.mark.parametrize(
    ("istio", "expected"),
    [
        ("1.17.8", []),
        ("1.25.5", []),
        ("1.26.0", [COMMENT]),
        ("1.26.6", [COMMENT]),
        ("1.26.7", []),
        ("1.27.2", [COMMENT]),
        ("1.27.3", []),
        ("1.28.0", []),
        ("1.30.0", []),
    ],
)
def test_a_pod_that_istio_injected_is_told_what_its_release_probes(
    istio: str, expected: list[tuple[str, str]]
) -> None:
    assert net_features(injected(istio), "20260817.0", **RAW) == expected
    assert net_features(injected(istio), "20260817.0") == [LEGACY, *expected]


@pytest.mark.parametrize(
    ("istio", "gvisor", "expected"),
    [
        ("1.17.8", "20231218.0", []),
        ("1.18.0", "20231218.0", [("incompatible", "net:iptables/inverse-port")]),
        ("1.18.0", "20240109.0", []),
        ("1.28.4", "20260302.0", [("degraded", "net:iptables/large-table")]),
        ("1.28.4", "20260316.0", []),
    ],
)
def test_a_pod_that_istio_injected_is_told_what_a_release_of_gvisor_lacks(
    istio: str, gvisor: str, expected: list[tuple[str, str]]
) -> None:
    assert net_features(injected(istio), gvisor, **RAW) == expected


def test_a_pod_beside_istios_cni_plugin_or_nftables_needs_no_iptables() -> None:
    beside = injected("1.26.0", "--run-validation", "--skip-rule-apply")
    assert net_features(beside, "20260817.0") == []
    native = injected("1.28.0", "--native-nftables")
    assert net_features(native, "20260817.0") == [("incompatible", "net:nftables")]
