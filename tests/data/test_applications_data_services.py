"""Data services, web servers, languages, builders: which images are which, and what is said."""

import pytest

from tests.build import container, pod, profile
from tests.data.shipped import applications, faults, running, table
from webhook.core.names import VERDICT_RANK, Verdict
from webhook.core.runtimes import RuntimeProfile

RECOGNISED: list[tuple[str, tuple[str, ...]]] = [
    # Relatives of PostgreSQL are PostgreSQL and more.
    ("timescaledb", ("timescale/timescaledb:2.21.0-pg17", "timescale/timescaledb-ha:pg17")),
    ("postgresql", ("postgres:18", "timescale/timescaledb:2.21.0-pg17", "postgis/postgis:17-3.5")),
    ("pgbouncer", (
        "edoburu/pgbouncer:v1.24.1", "bitnami/pgbouncer:1", "bitnamilegacy/pgbouncer:1.24",
        "ghcr.io/cloudnative-pg/pgbouncer:1.24.1",
        "registry.developers.crunchydata.com/crunchydata/crunchy-pgbouncer:ubi9-1.24-2520",
        "percona/percona-pgbouncer:1.24",
    )),
    ("pgpool", ("bitnami/pgpool:4", "pgpool/pgpool:4.6")),
    ("cockroachdb", ("cockroachdb/cockroach:v25.2.0",)),
    ("yugabytedb", ("yugabytedb/yugabyte:2.25.2.0-b359",)),
    ("tidb", ("pingcap/tidb:v8.5.2", "pingcap/tikv:v8.5.2", "pingcap/pd:v8.5.2")),
    ("vitess", ("vitess/lite:v22.0.0", "vitess/vtgate:v22.0.0")),
    ("proxysql", ("proxysql/proxysql:3.0", "percona/proxysql2:2.7.3")),
    ("oracle-database", (
        "container-registry.oracle.com/database/free:23.9.0.0", "gvenzl/oracle-free:23-slim",
        "ghcr.io/gvenzl/oracle-xe:21", "container-registry.oracle.com/database/enterprise:19.3.0.0",
    )),
    ("db2", ("icr.io/db2_community/db2:12.1.2.0", "ibmcom/db2:11.5.8.0")),
    ("sap-hana", ("saplabs/hanaexpress:2.00.076",)),
    # Documents, columns, graphs, keys.
    ("cassandra", (
        "cassandra:5.0", "bitnami/cassandra:5.0", "docker.io/k8ssandra/cass-management-api:5.0.4",
        "cgr.dev/chainguard/cassandra",
    )),
    ("scylladb", ("scylladb/scylla:2025.2.0", "scylladb/scylla-enterprise:2024.2")),
    ("clickhouse", (
        "clickhouse:25.6", "clickhouse/clickhouse-server:25.6-alpine",
        "clickhouse/clickhouse-keeper:25.6", "bitnami/clickhouse:25",
    )),
    ("influxdb", ("influxdb:2.7", "influxdb:3-core", "bitnami/influxdb:2")),
    ("neo4j", ("neo4j:5.26-community", "docker.io/library/neo4j:2026.08")),
    ("etcd", (
        "quay.io/coreos/etcd:v3.6.4", "registry.k8s.io/etcd:3.6.4-0", "bitnami/etcd:3.6",
        "gcr.io/etcd-development/etcd:v3.6.4", "rancher/mirrored-coreos-etcd:v3.5.21",
    )),
    ("consul", ("hashicorp/consul:1.21", "consul:1.15")),
    ("zookeeper", ("zookeeper:3.9", "bitnami/zookeeper:3.9", "pravega/zookeeper:0.2.15")),
    ("couchdb", ("couchdb:3.5", "apache/couchdb:3.5")),
    ("couchbase", ("couchbase:8.0", "couchbase/server:8.0.0")),
    ("qdrant", ("qdrant/qdrant:v1.15", "ghcr.io/qdrant/qdrant/qdrant:v1.15-unprivileged")),
    ("foundationdb", ("foundationdb/foundationdb:7.3.63",)),
    # Caches and queues.
    ("memcached", (
        "memcached:1.6-alpine", "bitnami/memcached:1.6", "cgr.dev/chainguard/memcached",
        "registry.redhat.io/rhel9/memcached:1",
    )),
    ("dragonfly", ("docker.dragonflydb.io/dragonflydb/dragonfly:v1.31.0",)),
    ("varnish", ("varnish:7.7", "quay.io/varnish-software/varnish-enterprise:6.0")),
    ("hazelcast", ("hazelcast/hazelcast:5.5",)),
    ("kafka", (
        "apache/kafka:4.3.1", "apache/kafka-native:4.3.1", "bitnami/kafka:4.0",
        "bitnamilegacy/kafka:4.0.0", "confluentinc/cp-kafka:8.0.0", "confluentinc/cp-server:8.0.0",
        "quay.io/strimzi/kafka:0.47.0-kafka-4.0.0",
        "registry.redhat.io/amq-streams/kafka-39-rhel9:3.0",
    )),
    ("redpanda", ("docker.redpanda.com/redpandadata/redpanda:v25.2.1",)),
    ("rabbitmq", (
        "rabbitmq:4-management", "bitnami/rabbitmq:4.1", "cgr.dev/chainguard/rabbitmq",
    )),
    ("nats", ("nats:2.11-alpine", "bitnami/nats:2.11", "public.ecr.aws/docker/library/nats:2")),
    ("pulsar", ("apachepulsar/pulsar:4.1.0", "apachepulsar/pulsar-all:4.0.6")),
    ("activemq", ("apache/activemq-classic:6.1.7", "apache/activemq-artemis:2.42.0")),
    ("mosquitto", ("eclipse-mosquitto:2.0.22",)),
    ("emqx", ("emqx/emqx:6.0.0", "emqx/emqx-enterprise:5.10")),
    # Search and objects.
    ("opensearch", ("opensearchproject/opensearch:3.2.0", "bitnami/opensearch:3")),
    ("solr", ("solr:9.9", "apache/solr-nightly:10", "bitnami/solr:9")),
    ("meilisearch", ("getmeili/meilisearch:v1.16",)),
    ("typesense", ("typesense/typesense:29.0",)),
    ("minio", (
        "minio/minio:RELEASE.2025-07-23T15-54-02Z", "quay.io/minio/minio", "bitnami/minio:2025",
    )),
    ("registry", ("registry:3", "mirror.gcr.io/library/registry:2.8")),
    # Web.
    ("httpd", (
        "httpd:2.4.68", "bitnami/apache:2.4", "registry.access.redhat.com/ubi9/httpd-24:1",
        "cgr.dev/chainguard/apache2",
    )),
    ("caddy", ("caddy:2.10", "caddy/ingress:v0.2.1")),
    ("haproxy", (
        "haproxy:3.2-alpine", "haproxytech/haproxy-ubuntu:3.2",
        "haproxytech/kubernetes-ingress:3.1", "quay.io/jcmoraisjr/haproxy-ingress:v0.15",
    )),
    ("traefik", ("traefik:v3.5", "rancher/mirrored-library-traefik:3.3.6")),
    ("envoy", ("envoyproxy/envoy:v1.35.0", "envoyproxy/envoy:distroless-v1.35.0")),
    ("tomcat", ("tomcat:11.0-jre21", "bitnami/tomcat:11", "tomee:10")),
    ("squid", ("ubuntu/squid:6.6-24.04_beta",)),
    ("wordpress", ("wordpress:7.0.0-php8.4-apache", "bitnami/wordpress:6")),
    ("nextcloud", ("nextcloud:34.0.0-fpm", "lscr.io/linuxserver/nextcloud:34")),
    ("gitea", ("gitea/gitea:1.26.2-rootless", "docker.gitea.com/gitea:1.26", "bitnami/gitea:1")),
    ("keycloak", ("quay.io/keycloak/keycloak:26.6.4", "bitnami/keycloak:26")),
    # Languages.
    ("nodejs", (
        "node:22-alpine", "registry.access.redhat.com/ubi9/nodejs-22:1", "cgr.dev/chainguard/node",
        "gcr.io/distroless/nodejs22-debian12", "bitnami/node:22",
    )),
    ("python", ("python:3.13-slim", "gcr.io/distroless/python3-debian12", "bitnami/python:3")),
    ("openjdk", (
        "eclipse-temurin:21-jre", "amazoncorretto:21", "mcr.microsoft.com/openjdk/jdk:21-ubuntu",
        "gcr.io/distroless/java21-debian12", "registry.access.redhat.com/ubi9/openjdk-21:1",
        "azul/zulu-openjdk-alpine:21", "bellsoft/liberica-openjdk-alpine:21",
    )),
    ("golang", ("golang:1.25", "cgr.dev/chainguard/go")),
    ("php", ("php:8.4-fpm-alpine", "bitnami/php-fpm:8.4", "dunglas/frankenphp:1")),
    ("ruby", ("ruby:3.4",)),
    ("rust", ("rust:1.88",)),
    ("erlang", ("erlang:28", "elixir:1.18", "hexpm/elixir:1.18.4-erlang-28.0.1-debian-bookworm")),
    ("dotnet", ("mcr.microsoft.com/dotnet/aspnet:9.0", "mcr.microsoft.com/dotnet/sdk:8.0")),
    # Builders.
    ("docker-in-docker", ("docker:29-dind", "docker:28.3-dind-rootless", "cruizba/ubuntu-dind")),
    ("podman", ("quay.io/podman/stable:v5.5",)),
    ("buildah", ("quay.io/buildah/stable:v1.40", "registry.redhat.io/rhel9/buildah:9.6")),
    ("kaniko", (
        "gcr.io/kaniko-project/executor:v1.24.0-debug", "chainguard/kaniko",
        "ghcr.io/osscontainertools/kaniko:v1.25.0",
    )),
    ("buildkit", ("moby/buildkit:v0.23.2-rootless", "moby/buildkit:buildx-stable-1")),
    ("jenkins", ("jenkins/jenkins:lts-jdk21", "bitnami/jenkins:2")),
    ("jenkins-agent", ("jenkins/inbound-agent:latest-jdk21",)),
    ("gitlab-runner", (
        "gitlab/gitlab-runner:alpine-v18.2.0",
        "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x86_64-v18.2.0",
    )),
    ("github-actions-runner", ("ghcr.io/actions/actions-runner:2.327.1",)),
    ("git", ("alpine/git:2.49.1", "registry.k8s.io/git-sync/git-sync:v4.4.2")),
    # Workflows and models.
    ("airflow", ("apache/airflow:3.0.3", "bitnami/airflow:3")),
    ("argo-workflows", ("quay.io/argoproj/argoexec:v3.7.0",)),
    ("ray", ("rayproject/ray:2.48.0-py312-gpu",)),
    ("spark", ("apache/spark:4.0.0", "spark:3.5.6", "bitnami/spark:4")),
    ("ollama", ("ollama/ollama:0.31.1",)),
    ("vllm", ("vllm/vllm-openai:v0.10.0", "vllm/vllm-tpu:v0.13.2")),
    ("triton", ("nvcr.io/nvidia/tritonserver:25.08-py3",)),
    ("tensorflow", ("tensorflow/serving:2.19.0-gpu", "tensorflow/tensorflow:2.19.0")),
    ("pytorch", ("pytorch/pytorch:2.7.1-cuda12.8-cudnn9-runtime",)),
    ("jupyter", (
        "quay.io/jupyter/scipy-notebook:2026-08-18", "jupyter/base-notebook",
        "quay.io/jupyterhub/k8s-singleuser-sample:4.2.0",
    )),
    ("mlflow", ("ghcr.io/mlflow/mlflow:v3.1.4",)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("image", "expected"), [(image, name) for name, images in RECOGNISED for image in images]
)
def test_the_images_of_the_usual_publishers_are_recognised(image: str, expected: str) -> None:
    assert expected in applications(running(image))


SOMETHING_ELSE = [
    "quay.io/prometheuscommunity/postgres-exporter:v0.17.1",
    "postgrest/postgrest:v13",
    "dpage/pgadmin4:9",
    "prometheuscommunity/pgbouncer-exporter:v0.11.0",
    "spreaker/prometheus-pgbouncer-exporter",
    "oliver006/redis_exporter:v1.74.0",
    "bitnami/redis-exporter",
    "redis/redisinsight:2.70",
    "mysql/mysql-router:8.0",
    "prom/mysqld-exporter:v0.17.2",
    "adminer:5",
    "phpmyadmin:5",
    "mongo-express:1.0",
    "cockroachdb/cockroach-operator:v2.18.0",
    "yugabytedb/yugabyte-k8s-operator:1.0",
    "pingcap/tidb-operator:v1.6.1",
    "ghcr.io/k8ssandra/cass-operator:v1.24.0",
    "scylladb/scylla-operator:1.17",
    "scylladb/scylla-manager-agent:3.5",
    "altinity/clickhouse-operator:0.25",
    "quay.io/brancz/etcd-defrag:1",
    "hashicorp/consul-k8s-control-plane:1.7",
    "hashicorp/consul-template:0.41",
    "kubermatic/zookeeper-operator:1",
    "pravega/zookeeper-operator:0.2.15",
    "prom/memcached-exporter:v0.15.3",
    "quay.io/prometheus/memcached-exporter:v0.15.3",
    "kafbat/kafka-ui:v1.3.0",
    "provectuslabs/kafka-ui:v0.7.2",
    "danielqsj/kafka-exporter:v1.9.0",
    "bitnami/kafka-exporter",
    "quay.io/strimzi/operator:0.47.0",
    "quay.io/strimzi/kafka-bridge:0.32.0",
    "confluentinc/cp-schema-registry:8.0.0",
    "kbudde/rabbitmq-exporter:1.0",
    "rabbitmqoperator/cluster-operator:2.15.0",
    "natsio/nats-box:0.18.0",
    "natsio/nats-server-config-reloader:0.18.2",
    "natsio/prometheus-nats-exporter:0.17.3",
    "docker.redpanda.com/redpandadata/console:v3.1.0",
    "docker.redpanda.com/redpandadata/connect:4.60",
    "quay.io/prometheuscommunity/elasticsearch-exporter:v1.9.0",
    "opensearchproject/opensearch-dashboards:3.2.0",
    "opensearchproject/opensearch-operator:2.8.0",
    "apache/solr-operator:v0.9.1",
    "minio/mc:latest",
    "minio/operator:v7.1.1",
    "nginx/nginx-prometheus-exporter:1.4",
    "nginxinc/nginx-unprivileged:1.29",
    "prom/haproxy-exporter:v0.15.0",
    "quay.io/keycloak/keycloak-operator:26.6.4",
    "bitnami/keycloak-config-cli:6",
    "xperimental/nextcloud-exporter:0.8.0",
    "gitea/act_runner:0.2.12",
    "quay.io/calico/node:v3.30.2",
    "calico/node:v3.30.2",
    "quay.io/prometheus/node-exporter:v1.9.1",
    "registry.k8s.io/nfd/node-feature-discovery:v0.17.3",
    "docker:28-cli",
    "docker:28",
    "gcr.io/kaniko-project-mirror/other:1",
    "jenkins/jnlp-proxy:1",
    "kiwigrid/k8s-sidecar:1.30.0",
    "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-operator:v1.39",
    "ghcr.io/actions/gha-runner-scale-set-controller:0.12.1",
    "quay.io/argoproj/argocd:v3.0.12",
    "quay.io/argoproj/workflow-controller:v3.7.0",
    "quay.io/kuberay/operator:v1.4.2",
    "ghcr.io/kubeflow/spark-operator/controller:2.2.1",
    "quay.io/jupyterhub/k8s-hub:4.2.0",
    "apache/airflow-exporter:1",
    "registry-exporter:1",
    "example/python-app:3",
    "example/php/exporter:1",
]


@pytest.mark.parametrize("image", SOMETHING_ELSE)
def test_what_only_has_the_name_of_a_service_in_its_own_is_not_the_service(image: str) -> None:
    names = {name for name, _ in RECOGNISED} | {"redis", "mysql", "mongodb", "elasticsearch"}
    assert names.intersection(applications(running(image))) == set()


BY_COMMAND: list[tuple[tuple[str, ...], list[str]]] = [
    (("gunicorn", "-b", "0.0.0.0:8000", "app:app"), ["gunicorn"]),
    (("uvicorn", "app:app"), ["uvicorn"]),
    (("celery", "-A", "app", "worker"), ["celery"]),
    (("/bin/sh", "-c", "celery -A app worker -l info"), ["celery"]),
    (("streamlit", "run", "app.py"), ["streamlit"]),
    (("dockerd", "--host=unix:///var/run/docker.sock"), ["docker-in-docker"]),
    (("buildah", "bud", "-t", "x", "."), ["buildah"]),
    (("sh", "-c", "buildctl-daemonless.sh build --frontend dockerfile.v0"), ["buildkit"]),
    (("vllm", "serve", "org/model"), ["vllm"]),
    (("jupyterhub-singleuser", "--ip=0.0.0.0"), ["jupyter"]),
    (("/tekton/bin/entrypoint", "-wait_file", "/tekton/downward/ready"), ["tekton"]),
    (("/var/run/argo/argoexec", "emissary", "--", "sh"), ["argo-workflows"]),
    (("dask-worker", "tcp://scheduler:8786"), ["dask"]),
    (("python", "manage.py", "runserver"), []),
    (("sh", "-c", "docker build -t x . && docker push x"), []),
]


@pytest.mark.parametrize(("words", "expected"), BY_COMMAND)
def test_what_has_no_image_of_its_own_is_known_by_its_command(
    words: tuple[str, ...], expected: list[str]
) -> None:
    command = container("c", "registry.example/app:1", command=[*words])
    assert applications(pod(containers=[command])) == expected


BY_LABEL: list[tuple[str, tuple[str, ...], str]] = [
    ("actions.github.com/scale-set-name", ("/home/runner/run.sh",), "github-actions-runner"),
    ("strimzi.io/cluster", ("/opt/kafka/kafka_run.sh",), "kafka"),
    ("ray.io/cluster", ("/bin/bash", "-c", "ulimit -n 65536; ray start --head"), "ray"),
    ("spark-role", ("executor",), "spark"),
]


@pytest.mark.parametrize(("label", "words", "expected"), BY_LABEL)
def test_an_instance_is_known_by_its_operators_label_and_its_command_together(
    label: str, words: tuple[str, ...], expected: str
) -> None:
    instance = container("c", "registry.example/own:1", command=[*words])
    sidecar = container("s", "registry.example/logs:1", command=["tail", "-f", "/log"])
    assert applications(pod(labels={label: "x"}, containers=[instance])) == [expected]
    assert applications(pod(labels={label: "x"}, containers=[sidecar])) == []
    assert applications(pod(containers=[instance])) == []


DEVICES = ("incompatible", "kernel:cgroup/devices")
SOME_DEVICES = ("degraded", "kernel:cgroup/devices")
LIMITS = ("degraded", "kernel:cgroup/limits")
RAW = ("incompatible", "net:raw-socket")
PACKETS = ("incompatible", "net:packet-socket/write")
ADDRTYPE = ("incompatible", "net:iptables/addrtype")
RECURSIVE = ("incompatible", "syscall:mount/MS_REC")
SETGROUPS = ("degraded", "proc:/proc/self/setgroups")
SETNS = ("degraded", "syscall:setns/CLONE_NEWUSER")
AIO = ("unknown", "proc:/proc/sys/fs/aio-max-nr")

FAULTS: list[tuple[str, tuple[str, ...], str, list[tuple[str, str]]]] = [
    ("varnish:7.7", (), "20221219.0", [("incompatible", "syscall:setsid/session-id")]),
    ("varnish:7.7", (), "20231106.0", []),
    ("varnish:7.7", (), "20260817.0", []),
    ("getmeili/meilisearch:v0.11", (), "20200622.1", [
        ("incompatible", "syscall:set_robust_list"),
    ]),
    ("getmeili/meilisearch:v1.16", (), "20200804.0", []),
    ("gcr.io/kaniko-project/executor:v1.24.0", (), "20260511.0", []),
    ("gcr.io/kaniko-project/executor:v1.24.0", (), "20260520.0", [
        ("incompatible", "fs:overlay/copy-up-xattr"),
    ]),
    ("gcr.io/kaniko-project/executor:v1.24.0", (), "20260525.0", []),
    ("gcr.io/kaniko-project/executor:v1.24.0", (), "20221219.0", []),
    ("quay.io/buildah/stable", (), "20221219.0", [RECURSIVE, SETGROUPS]),
    ("quay.io/buildah/stable", (), "20240729.0", [SETGROUPS]),
    ("quay.io/buildah/stable", (), "20260817.0", []),
    ("quay.io/podman/stable", (), "20221219.0", [RECURSIVE, LIMITS, SETNS]),
    ("quay.io/podman/stable", (), "20240729.0", [LIMITS, SETNS]),
    ("quay.io/podman/stable", (), "20260817.0", [LIMITS]),
    ("docker:27-dind", (), "20260817.0", [ADDRTYPE, RAW, SOME_DEVICES, LIMITS]),
    ("docker:29-dind", (), "20260817.0", [ADDRTYPE, PACKETS, RAW, SOME_DEVICES, LIMITS]),
    ("docker:27-dind", ("--iptables=false", "--bridge=none"), "20260817.0", [SOME_DEVICES, LIMITS]),
    ("docker:27-dind", ("--iptables=false", "--bridge=none"), "20221219.0", [DEVICES, LIMITS]),
    ("docker:29-dind", ("docker", "build", "."), "20260817.0", []),
    ("debian:12", (), "20221219.0", [("degraded", "syscall:statx/AT_NO_AUTOMOUNT")]),
    ("debian:11", (), "20221219.0", []),
    ("maven:3.9", (), "20221219.0", [("degraded", "syscall:statx/AT_NO_AUTOMOUNT")]),
    ("maven:3.9", (), "20240729.0", []),
    ("debian:12", (), "20240729.0", []),
    ("scylladb/scylla:2025.2", (), "20260817.0", [AIO]),
    ("scylladb/scylla:2025.2", ("--reactor-backend=epoll",), "20260817.0", []),
    ("docker.redpanda.com/redpandadata/redpanda:v25.2.1", (), "20260817.0", [AIO]),
    ("gvenzl/oracle-free:23-slim", (), "20260817.0", [AIO]),
]  # fmt: skip


@pytest.mark.parametrize(("image", "args", "release", "expected"), FAULTS)
def test_a_service_is_told_what_gvisor_lacks_for_it_by_release(
    image: str, args: tuple[str, ...], release: str, expected: list[tuple[str, str]]
) -> None:
    assert sorted(faults(running(image, *args), profile("gvisor", release))) == sorted(expected)


def test_docker_27_with_its_documented_flags_runs_with_the_limits_that_gvisor_documents() -> None:
    flags = profile("gvisor", "20260817.0", flags={"net-raw": "true"})
    dind = running("docker:27-dind", "--iptables=false", "--ip6tables=false")
    assert faults(dind, flags) == [SOME_DEVICES, LIMITS]


def test_docker_29_needs_to_write_to_packet_sockets_as_well() -> None:
    raw = {"net-raw": "true"}
    dind = running("docker:29-dind", "--iptables=false", "--ip6tables=false")
    assert faults(dind, profile("gvisor", "20260817.0", flags=raw)) == [
        PACKETS, SOME_DEVICES, LIMITS,
    ]  # fmt: skip
    both = profile("gvisor", "20260817.0", flags={**raw, "allow-packet-socket-write": "true"})
    assert faults(dind, both) == [SOME_DEVICES, LIMITS]


def test_timescaledb_does_not_start_where_files_cannot_be_allocated_ahead() -> None:
    image = running("timescale/timescaledb:2.0-pg11")
    assert ("incompatible", "syscall:fallocate/mode-0") in faults(
        image, profile("gvisor", "20190304.1")
    )
    assert faults(image, profile("gvisor", "20190529.1")) == [("degraded", "perf:syscall-rate")]


def test_celery_is_degraded_where_its_client_of_rabbitmq_cannot_read_its_socket() -> None:
    worker = pod(containers=[container("c", "app:1", command=["celery", "-A", "a", "worker"])])
    assert faults(worker, profile("gvisor", "20200427.0")) == [("degraded", "net:TCP_SYNCNT/read")]
    assert faults(worker, profile("gvisor", "20200518.0")) == []


def test_dotnet_8_stops_on_arm64_where_programs_are_not_told_the_processors_features() -> None:
    old = profile("gvisor", "20240729.0", arch="arm64")
    hwcap = [("incompatible", "exec:auxv-hwcap")]
    assert faults(running("mcr.microsoft.com/dotnet/aspnet:8.0"), old) == hwcap
    assert faults(running("mcr.microsoft.com/dotnet/aspnet:7.0"), old) == []
    new = profile("gvisor", "20260817.0", arch="arm64")
    assert faults(running("mcr.microsoft.com/dotnet/aspnet:8.0"), new) == []
    amd64 = profile("gvisor", "20240729.0", arch="amd64")
    assert faults(running("mcr.microsoft.com/dotnet/aspnet:8.0"), amd64) == []


@pytest.mark.parametrize(
    ("release", "flag"),
    [
        ("20260817.0", {"mount-cgroup-v2": "true"}),
        ("20260905", {"in-sandbox-cgroup": "v2"}),
    ],
)
def test_systemd_runs_with_the_flag_of_its_release_that_mounts_cgroups(
    release: str, flag: dict[str, str]
) -> None:
    init = pod(containers=[container("c", "registry.example/os:1", command=["/sbin/init"])])
    without = profile("gvisor", release)
    assert faults(init, without) == [("incompatible", "fs:cgroup2")]
    assert faults(init, profile("gvisor", release, flags=flag)) == [("degraded", "fs:cgroup2")]


# google/gvisor@release-20260817.0:website/_data/application-compatibility.yml, verdict yes.
GVISORS_LIST = [
    ("postgresql", "postgres:18.4"),
    ("mysql", "mysql:9.7.1"),
    ("mariadb", "mariadb:12.3.2"),
    ("redis", "redis:8.8.0"),
    ("valkey", "valkey/valkey:9.0.4"),
    ("nginx", "nginx:1.31.2"),
    ("httpd", "httpd:2.4.68"),
    ("gitea", "gitea/gitea:1.26.2"),
    ("wordpress", "wordpress:7.0.0-php8.4-apache"),
    ("nextcloud", "nextcloud:34.0.0"),
    ("kafka", "apache/kafka:4.3.1"),
    ("mosquitto", "eclipse-mosquitto:2.0.22"),
    ("rabbitmq", "rabbitmq:4.3.2-management"),
    ("keycloak", "quay.io/keycloak/keycloak:26.6.4"),
    ("ollama", "ollama/ollama:0.31.1"),
    ("claude-code", "registry.example/claude-code:2.1.220"),
    ("openclaw", "ghcr.io/openclaw/openclaw:2026.7.1-2"),
    ("picoclaw", "docker.io/sipeed/picoclaw:0.2.6"),
    ("hermes-agent", "nousresearch/hermes-agent:v2026.4.13"),
]


@pytest.mark.parametrize(("name", "image"), GVISORS_LIST)
def test_what_gvisor_lists_as_working_is_not_incompatible_on_that_release(
    name: str, image: str
) -> None:
    assert name in applications(running(image))
    verdicts = {verdict for verdict, _ in faults(running(image), profile("gvisor", "20260817.0"))}
    assert "incompatible" not in verdicts


@pytest.mark.parametrize(("name", "image"), GVISORS_LIST)
def test_what_gvisor_lists_as_working_says_so(name: str, image: str) -> None:
    version = next(i.partition(":")[2] for n, i in GVISORS_LIST if n == name)
    application = next(a for a in table().catalogue.applications if a.name == name)
    listed = [
        v for v in application.verified
        if any("application-compatibility.yml" in e.source for e in v.evidence)
    ]  # fmt: skip
    assert [(v.works, version.startswith(v.application_version)) for v in listed] == [
        ("yes", True)
    ], image


@pytest.mark.parametrize("image", ["docker:29.6.1-dind", "quay.io/podman/stable:v4.9.3"])
def test_what_gvisor_lists_as_working_in_part_is_at_least_degraded(image: str) -> None:
    worst = Verdict(faults(running(image), profile("gvisor", "20260817.0"))[0][0])
    assert VERDICT_RANK[worst] <= VERDICT_RANK[Verdict.DEGRADED]


@pytest.mark.parametrize(
    "runtime",
    [
        profile("runc", "1.4.0"),
        profile("crun", "1.26"),
        profile("youki", "0.6.0"),
        profile("kata", "4.1.0", hypervisor="qemu"),
        profile("kata", "4.1.0", hypervisor="clh"),
    ],
    ids=lambda p: f"{p.runtime}-{p.hypervisor or ''}",
)
def test_all_of_them_run_on_a_linux_kernel(runtime: RuntimeProfile) -> None:
    found = {images[0]: faults(running(images[0]), runtime) for _, images in RECOGNISED}
    assert {image: fault for image, fault in found.items() if fault} == {}


SINCE_2018 = ["20181120", "20190722.1", "20200518.0", "20211026.0", "20221219.0", "20240729.0"]


@pytest.mark.parametrize("release", [*SINCE_2018, "20260817.0"])
def test_no_run_that_worked_is_called_incompatible_by_the_table(release: str) -> None:
    image_of = {name: images[0] for name, images in RECOGNISED}
    wrong = [
        (application.name, fault)
        for application in table().catalogue.applications
        if application.name in image_of
        for run in application.verified
        if run.works == "yes" and run.runtime == "gvisor"
        and any(profile("gvisor", release).versions[0] in i for i in run.versions.intervals)
        for fault in faults(running(image_of[application.name]), profile("gvisor", release))
        if fault[0] == "incompatible"
    ]  # fmt: skip
    assert wrong == []
