"""Agents that load eBPF programs or modules into the node's kernel, and those that may not."""

import pytest

from tests.build import container, pod
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
from tests.data.shipped import faults, running

RECOGNISED: Images = {
    "falco": (
        "falcosecurity/falco:0.41.3", "docker.io/falcosecurity/falco-no-driver:0.40.0",
        "public.ecr.aws/falcosecurity/falco:0.41.3", "cgr.dev/chainguard/falco:latest",
    ),
    "falco-driver-loader": ("falcosecurity/falco-driver-loader:0.41.3",),
    "tetragon": ("quay.io/cilium/tetragon:v1.7.0",),
    "tracee": ("aquasec/tracee:0.24.1", "docker.io/aquasec/tracee:latest"),
    "pixie": ("gcr.io/pixie-oss/pixie-prod/vizier-pem_image:0.14.15",),
    "inspektor-gadget": ("ghcr.io/inspektor-gadget/inspektor-gadget:v0.55.1",),
    "kubearmor": ("kubearmor/kubearmor:stable",),
    "parca-agent": ("ghcr.io/parca-dev/parca-agent:v0.49.0",),
    "beyla": ("grafana/beyla:3.33.0", "otel/ebpf-instrument:main"),
    "coroot-node-agent": ("ghcr.io/coroot/coroot-node-agent:1.35.6",),
    "retina": ("ghcr.io/microsoft/retina/retina-agent:v1.2.6",),
    "opentelemetry-ebpf-profiler": ("otel/opentelemetry-collector-ebpf-profiler:0.130.0",),
    "bpftrace": ("quay.io/iovisor/bpftrace:latest", "quay.io/bpftrace/bpftrace:v0.26.1"),
    "ebpf-exporter": ("ghcr.io/cloudflare/ebpf_exporter:v2.5.1",),
    "sysdig-agent": ("quay.io/sysdig/agent-slim:13.9.1", "quay.io/sysdig/host-shield:0.19.0"),
    "crowdstrike-falcon-node-sensor": ("registry.example/falcon/falcon-node-sensor:7.31",),
    "stackrox-collector": (
        "quay.io/stackrox-io/collector:3.22.0",
        "registry.redhat.io/advanced-cluster-security/rhacs-collector-rhel8:4.8.0",
    ),
    "deepflow-agent": ("deepflowce/deepflow-agent:v7.1",),
    "datadog-agent": (
        "datadog/agent:7", "gcr.io/datadoghq/agent:7.70.0", "public.ecr.aws/datadog/agent:7",
    ),
    "kepler": ("quay.io/sustainable_computing_io/kepler:v0.11.4",),
    "kubeshark-worker": ("docker.io/kubeshark/worker:v53.3",),
}  # fmt: skip


@pytest.mark.parametrize(("image", "expected"), pairs(RECOGNISED))
def test_the_images_of_the_usual_publishers_are_recognised(image: str, expected: str) -> None:
    assert known_as(image, RECOGNISED) == {expected}


SOMETHING_ELSE = [
    "falcosecurity/falcosidekick:2.31.1",
    "falcosecurity/falcosidekick-ui:2.2.0",
    "falcosecurity/falcoctl:0.11.2",
    "falcosecurity/k8s-metacollector:0.1.1",
    "quay.io/cilium/tetragon-operator:v1.7.0",
    "quay.io/cilium/hubble-export-stdout:v1.1.0",
    "gcr.io/pixie-oss/pixie-prod/vizier-kelvin_image:0.14.15",
    "kubearmor/kubearmor-relay-server:latest",
    "kubearmor/kubearmor-controller:latest",
    "ghcr.io/parca-dev/parca:v0.24.0",
    "ghcr.io/coroot/coroot:1.14.0",
    "ghcr.io/microsoft/retina/retina-operator:v1.2.6",
    "datadog/cluster-agent:7.68.0",
    "datadog/operator:1.16.0",
    "quay.io/sysdig/cluster-shield:1.16.0",
    "registry.example/falcon/falcon-sensor:7.31",
    "registry.example/falcon/falcon-imageanalyzer:1.0",
    "quay.io/stackrox-io/main:4.8.0",
    "docker.io/kubeshark/hub:v53.3",
    "grafana/pyroscope:1.14.0",
    "otel/opentelemetry-collector-contrib:0.130.0",
    "bpfman/bpfman-operator:v0.5.6",
]


@pytest.mark.parametrize("image", SOMETHING_ELSE)
def test_what_only_stands_beside_an_agent_is_not_the_agent(image: str) -> None:
    assert known_as(image, RECOGNISED) == set()


EBPF = ("incompatible", "kernel:ebpf")
MODULES = ("incompatible", "kernel:modules")
ALWAYS = (
    *("falco", "tetragon", "tracee", "pixie", "inspektor-gadget", "kubearmor", "parca-agent"),
    *("beyla", "coroot-node-agent", "retina", "opentelemetry-ebpf-profiler", "bpftrace"),
    *("ebpf-exporter", "sysdig-agent", "crowdstrike-falcon-node-sensor", "stackrox-collector"),
)


@pytest.mark.parametrize("name", ALWAYS)
def test_an_agent_that_watches_by_ebpf_alone_cannot_in_gvisor(name: str) -> None:
    assert gvisor_faults(RECOGNISED[name][0]) == [EBPF]


@pytest.mark.parametrize("name", ALWAYS)
def test_an_agent_that_watches_by_ebpf_alone_sees_its_guest_in_a_virtual_machine(
    name: str,
) -> None:
    assert faults(running(RECOGNISED[name][0]), KATA) == [("degraded", "kernel:ebpf")]


FALCO = "falcosecurity/falco:0.41.3"
LOADER = "falcosecurity/falco-driver-loader:0.41.3"
SOME: Refused = [
    (FALCO, ("/usr/bin/falco",), [EBPF]),
    (FALCO, ("-o", "engine.kind=modern_ebpf"), [EBPF]),
    (FALCO, ("-o", "engine.kind=ebpf"), [EBPF]),
    (FALCO, ("-o", "engine.kind=kmod"), [MODULES]),
    ("falcosecurity/falco:0.37.1", (), [MODULES]),
    ("falcosecurity/falco:0.37.1", ("/usr/bin/falco", "--modern-bpf"), [EBPF]),
    (LOADER, ("kmod",), [MODULES]),
    (LOADER, ("ebpf",), [EBPF]),
    ("docker.io/kubeshark/worker:v53.3", ("./tracer", "-procfs", "/hostproc"), [EBPF]),
    (
        "docker.io/kubeshark/worker:v53.3",
        ("./worker", "-i", "any", "-packet-capture", "af_packet"),
        [("incompatible", "net:packet-socket")],
    ),
    ("quay.io/sysdig/agent-kmodule:13.9.1", (), [MODULES]),
    ("debian:13", ("bpftrace", "-e", "BEGIN { exit() }"), [EBPF]),
    ("debian:13", ("perf", "stat", "ls"), [("incompatible", "syscall:perf_event_open")]),
    ("datadog/agent:7", ("system-probe", "--config=/etc/x"), [("degraded", "kernel:ebpf")]),
    ("deepflowce/deepflow-agent:v7.1", (), [("degraded", "kernel:ebpf")]),
    ("quay.io/sustainable_computing_io/kepler:v0.7.9", (), [("degraded", "kernel:ebpf")]),
]


@pytest.mark.parametrize(("image", "args", "expected"), SOME)
def test_what_an_agent_is_told_follows_from_how_it_is_started(
    image: str, args: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert gvisor_faults(image, *args) == expected


@pytest.mark.parametrize(("image", "args", "_expected"), SOME)
def test_an_agent_has_the_nodes_kernel_under_runc(
    image: str, args: tuple[str, ...], _expected: object
) -> None:
    assert faults(running(image, *args), RUNC) == []


NOT_REFUSED: Harmless = [
    (FALCO, ("-o", "engine.kind=nodriver")),
    (FALCO, ("-o", "engine.kind=gvisor")),
    (FALCO, ("/usr/bin/falco", "--disable-source", "syscall")),
    ("falcosecurity/falco:0.36.2", ("/usr/bin/falco", "--nodriver")),
    ("falcosecurity/falcosidekick:2.31.1", ()),
    ("datadog/agent:7", ("agent", "run")),
    ("datadog/agent:7", ("trace-agent", "--config=/etc/datadog-agent/datadog.yaml")),
    ("quay.io/sustainable_computing_io/kepler:v0.11.4", ()),
    ("docker.io/kubeshark/worker:v53.3", ("./worker", "-i", "any", "-packet-capture", "best")),
    ("debian:13", ("bpftrace", "--version")),
    ("alpine/git:2", ("clone", "https://github.com/bpftrace/bpftrace")),
    ("grafana/alloy:v1.18.1", ("run", "/etc/alloy/config.alloy")),
    ("docker.elastic.co/beats/elastic-agent:9.1.0", ()),
]


@pytest.mark.parametrize(("image", "args"), NOT_REFUSED)
def test_an_agent_that_may_do_without_is_not_refused(image: str, args: tuple[str, ...]) -> None:
    assert gvisor_faults(image, *args) == []


def test_sysdigs_builder_of_drivers_builds_a_probe_where_a_variable_says_so() -> None:
    builder = container("b", "quay.io/sysdig/agent-kmodule:13.9.1")
    builder["env"] = [{"name": "SYSDIG_BPF_PROBE", "value": ""}]
    assert faults(pod(containers=[builder]), GVISOR) == [EBPF]
