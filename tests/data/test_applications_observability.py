"""Collectors of metrics and logs, and what watches for intruders: what is said of which."""

import pytest

from tests.data.agents import (
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
    "prometheus": (
        "prom/prometheus:v3.5.0", "quay.io/prometheus/prometheus:v3.5.0",
        "rancher/mirrored-prometheus-prometheus:v3.2.1", "cgr.dev/chainguard/prometheus:latest",
    ),
    "node-exporter": (
        "quay.io/prometheus/node-exporter:v1.9.1", "prom/node-exporter:v1.9.1",
        "rancher/mirrored-prometheus-node-exporter:v1.9.1", "bitnamilegacy/node-exporter:1.9.1",
    ),
    "node-problem-detector": (
        "registry.k8s.io/node-problem-detector/node-problem-detector:v0.8.19",
    ),
    "cadvisor": ("gcr.io/cadvisor/cadvisor:v0.52.1", "ghcr.io/google/cadvisor:v0.60.5"),
    "smartctl-exporter": ("quay.io/prometheuscommunity/smartctl-exporter:v0.14.0",),
    "netdata": ("netdata/netdata:v2.11.0",),
    "fluent-bit": (
        "fluent/fluent-bit:4.0.5", "cr.fluentbit.io/fluent/fluent-bit:4.0.5",
        "public.ecr.aws/aws-observability/aws-for-fluent-bit:2.33.0",
    ),
    "grafana": ("grafana/grafana:12.1.0", "bitnami/grafana:12"),
    "opentelemetry-collector": ("otel/opentelemetry-collector-contrib:0.130.0",),
    "blackbox-exporter": ("prom/blackbox-exporter:v0.27.0",),
    "pushgateway": ("prom/pushgateway:v1.11.1", "quay.io/prometheus/pushgateway:v1.11.1"),
    "process-exporter": ("ncabatoff/process-exporter:0.8.7",),
    "zabbix-agent": ("zabbix/zabbix-agent2:alpine-7.4-latest", "zabbix/zabbix-agent:7.0"),
    "suricata": ("jasonish/suricata:8.0.1",),
    "zeek": ("zeek/zeek:8.0.1",),
    "clamav": ("clamav/clamav:1.5.1",),
    "fail2ban": ("crazymax/fail2ban:1.1.0",),
}  # fmt: skip


@pytest.mark.parametrize(("image", "expected"), pairs(RECOGNISED))
def test_the_images_of_the_usual_publishers_are_recognised(image: str, expected: str) -> None:
    assert known_as(image, RECOGNISED) == {expected}


SOMETHING_ELSE = [
    "prom/alertmanager:v0.28.1",
    "zabbix/zabbix-server-mysql:7.4",
    "zabbix/zabbix-proxy-sqlite3:7.4",
    "quay.io/prometheus-operator/prometheus-operator:v0.84.0",
    "quay.io/prometheus-operator/prometheus-config-reloader:v0.84.0",
    "registry.k8s.io/prometheus-adapter/prometheus-adapter:v0.12.0",
    "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.16.0",
    "grafana/loki:3.5.3",
    "grafana/grafana-operator:v5.18.0",
    "kiwigrid/k8s-sidecar:1.30.0",
    "ghcr.io/fluent/fluent-operator/fluent-operator:3.4.0",
    "ghcr.io/open-telemetry/opentelemetry-operator/opentelemetry-operator:0.131.0",
    "example/clamav-exporter:1",
]


@pytest.mark.parametrize("image", SOMETHING_ELSE)
def test_what_only_stands_beside_a_collector_is_not_the_collector(image: str) -> None:
    assert known_as(image, RECOGNISED) == set()


NODE_EXPORTER = "quay.io/prometheus/node-exporter:v1.9.1"
DETECTOR = "registry.k8s.io/node-problem-detector/node-problem-detector:v0.8.19"
DISKS = ("degraded", "proc:/proc/diskstats")
MEMORY = ("degraded", "proc:/proc/vmstat")
PACKETS = ("incompatible", "net:packet-socket")

TOLD: Refused = [
    (NODE_EXPORTER, (), [DISKS, MEMORY]),
    (NODE_EXPORTER, ("--no-collector.diskstats",), [MEMORY]),
    (
        DETECTOR,
        ("--config.system-log-monitor=/config/kernel-monitor.json",),
        [("degraded", "device:/dev/kmsg")],
    ),
    (
        "quay.io/prometheuscommunity/smartctl-exporter:v0.14.0",
        (),
        [("incompatible", "kernel:block-devices")],
    ),
    ("jasonish/suricata:8.0.1", ("--af-packet=eth0",), [PACKETS]),
    ("zeek/zeek:8.0.1", ("zeek", "-i", "eth0"), [PACKETS]),
    ("clamav/clamav:1.5.1", ("clamonacc", "-F"), [("incompatible", "syscall:fanotify_init")]),
    ("crazymax/fail2ban:1.1.0", (), [("degraded", "net:iptables-legacy")]),
]


@pytest.mark.parametrize(("image", "args", "expected"), TOLD)
def test_what_reaches_for_the_node_is_told_what_it_does_not_get_in_gvisor(
    image: str, args: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert gvisor_faults(image, *args) == expected


@pytest.mark.parametrize(("image", "args", "_expected"), TOLD)
def test_what_reaches_for_the_node_gets_it_under_runc(
    image: str, args: tuple[str, ...], _expected: object
) -> None:
    assert faults(running(image, *args), RUNC) == []


NOT_REFUSED: Harmless = [
    ("prom/prometheus:v3.5.0", ()),
    ("grafana/grafana:12.1.0", ()),
    ("otel/opentelemetry-collector-contrib:0.130.0", ("--config=/conf/relay.yaml",)),
    ("fluent/fluent-bit:4.0.5", ()),
    ("netdata/netdata:v2.11.0", ()),
    ("gcr.io/cadvisor/cadvisor:v0.52.1", ()),
    (NODE_EXPORTER, ("--path.procfs=/host/proc", "--path.sysfs=/host/sys")),
    (DETECTOR, ("--config.custom-plugin-monitor=/config/health-checker-kubelet.json",)),
    ("jasonish/suricata:8.0.1", ("-r", "/data/x.pcap")),
    ("zeek/zeek:8.0.1", ("zeek", "-r", "/data/x.pcap")),
    ("clamav/clamav:1.5.1", ()),
    ("alpine/git:2", ("clone", "https://github.com/prometheus/node_exporter")),
    ("prom/alertmanager:v0.28.1", ()),
    ("prom/blackbox-exporter:v0.27.0", ()),
    ("prom/pushgateway:v1.11.1", ()),
    ("zabbix/zabbix-agent2:7.4", ()),
    ("registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.16.0", ()),
    ("grafana/promtail:3.5.3", ()),
    ("timberio/vector:0.49.0-alpine", ()),
    ("docker.elastic.co/beats/filebeat:9.1.0", ()),
]


@pytest.mark.parametrize(("image", "args"), NOT_REFUSED)
def test_a_collector_that_needs_nothing_of_the_node_is_not_refused(
    image: str, args: tuple[str, ...]
) -> None:
    assert gvisor_faults(image, *args) == []


@pytest.mark.parametrize("name", RECOGNISED)
def test_no_verdict_without_options_contradicts_a_run_that_worked(name: str) -> None:
    assert contradicted_runs(RECOGNISED[name][0], name) == []
