"""What the shipped table says of well-known applications: the table that must not drift."""

from typing import Any

import pytest

from tests.build import container, pod, profile
from tests.data.shipped import applications, faults, judged, running, table
from webhook.core.names import VERDICT_RANK, Verdict
from webhook.core.runtimes import RuntimeProfile

KATA = profile("kata", "4.1.0", hypervisor="qemu")
ISTIO_INIT = ("istio-iptables", "-p", "15001", "-z", "15006", "-u", "1337")

PERF = ("degraded", "perf:syscall-rate")
IPTABLES = ("incompatible", "net:iptables-legacy")
COMMENT = ("incompatible", "net:iptables/comment")
URING = ("incompatible", "syscall:io_uring_setup")
ENTER = ("incompatible", "syscall:io_uring_enter")
WAIT = ("incompatible", "kernel:io_uring-wait")
HALF = ("degraded", "syscall:io_uring_setup")
HALF2 = ("degraded", "syscall:io_uring_enter")
CORE = ("incompatible", "proc:/proc/self/coredump_filter")
GS = ("incompatible", "syscall:arch_prctl/ARCH_SET_GS")

NOT_COMPATIBLE: list[tuple[str, tuple[str, ...], str, list[tuple[str, str]]]] = [
    ("postgres:18", (), "20260817.0", [PERF]),
    ("postgres:18", (), "20240729.0", [PERF]),
    ("postgres:11", (), "20181030", [("incompatible", "syscall:sync_file_range"), PERF]),
    ("postgres:18", (), "20181030", [("incompatible", "syscall:sync_file_range"), PERF]),
    ("postgres:18", ("-c", "io_method=io_uring"), "20260817.0", [URING, PERF]),
    ("postgres:17", ("-c", "io_method=io_uring"), "20260817.0", [PERF]),
    ("postgres:latest", ("-c", "io_method=io_uring"), "20240729.0", [URING, PERF]),
    ("postgres:18", ("-c", "io_method=io_uring"), "20221219.0", [WAIT, PERF, HALF]),
    ("bitnami/postgresql:16.4.0-debian-12-r1", (), "20260817.0", [PERF]),
    ("mcr.microsoft.com/mssql/server:2022-latest", (), "20181030", [GS]),
    ("mcr.microsoft.com/mssql/server:2022-latest", (), "20221219.0", [GS]),
    ("mcr.microsoft.com/mssql/server:2022-latest", (), "20260817.0", [GS]),
    ("mysql:9.7", (), "20260817.0", [PERF]),
    ("mariadb:10.11", ("--innodb-use-native-aio=0",), "20221219.0", [PERF]),
    ("mariadb:10.11", (), "20220913.0", [WAIT, PERF]),
    ("mariadb:10.11", (), "20221219.0", [WAIT, PERF]),
    ("mariadb:12", ("--max-connections=9",), "20221219.0", [WAIT, PERF]),
    ("ghcr.io/tigerbeetle/tigerbeetle:0.16.70", ("start",), "20221219.0", [WAIT, HALF, HALF2]),
    ("ghcr.io/tigerbeetle/tigerbeetle:0.16.70", ("start",), "20240729.0", [URING, ENTER]),
    ("ghcr.io/tigerbeetle/tigerbeetle:0.16.70", ("start",), "20260817.0", [URING, ENTER]),
    ("ghcr.io/cloudnative-pg/postgresql:17.2", (), "20260615.0", [CORE, PERF]),
    ("ghcr.io/cloudnative-pg/postgresql:17.2", (), "20260706.0", [PERF]),
    ("ghcr.io/cloudnative-pg/postgresql:17.2", (), "20260817.0", [PERF]),
    ("istio/proxyv2:1.26.0", ISTIO_INIT, "20260817.0", [IPTABLES, COMMENT]),
    ("istio/proxyv2:1.26.7", ISTIO_INIT, "20260817.0", [IPTABLES]),
    ("istio/proxyv2:1.30.0", ISTIO_INIT, "20260817.0", [IPTABLES]),
]  # fmt: skip


@pytest.mark.parametrize(("image", "args", "release", "expected"), NOT_COMPATIBLE)
def test_an_application_that_gvisor_runs_badly_or_not_is_told_so_with_the_true_causes(
    image: str, args: tuple[str, ...], release: str, expected: list[tuple[str, str]]
) -> None:
    assert faults(running(image, *args), profile("gvisor", release)) == expected


EVERYWHERE: list[tuple[str, tuple[str, ...]]] = [
    ("nginx:1.31", ()),
    ("redis:8", ()),
    ("valkey/valkey:9.0", ()),
    ("mongo:8", ()),
    ("docker.elastic.co/elasticsearch/elasticsearch:8.19.0", ()),
    ("istio/proxyv2:1.26.0", ("proxy", "sidecar")),
    ("istio/proxyv2:1.26.0", (*ISTIO_INIT, "--run-validation", "--skip-rule-apply")),
    ("registry.k8s.io/ingress-nginx/controller:v1.13.0", ()),
]


@pytest.mark.parametrize(("image", "args"), EVERYWHERE)
@pytest.mark.parametrize("release", ["20221219.0", "20240729.0", "20260817.0"])
def test_an_application_that_gvisor_runs_well_is_compatible(
    image: str, args: tuple[str, ...], release: str
) -> None:
    assert faults(running(image, *args), profile("gvisor", release)) == []


@pytest.mark.parametrize("release", ["20181030", "20220907.0", "20230118.0", "20240729.0"])
def test_mariadb_is_only_slow_outside_the_window_in_which_io_uring_was_half_on(
    release: str,
) -> None:
    assert faults(running("mariadb:10.11"), profile("gvisor", release)) == [PERF]


def test_mariadb_before_io_uring_is_only_slow_in_that_window_too() -> None:
    assert faults(running("mariadb:10.5"), profile("gvisor", "20221219.0")) == [PERF]


def test_mariadb_is_incompatible_where_an_administrator_turns_io_uring_on() -> None:
    on = profile("gvisor", "20260817.0", flags={"iouring": "true"})
    assert faults(running("mariadb:10.11"), on) == [WAIT, PERF]


def test_istio_init_runs_on_gvisor_with_raw_sockets_from_the_release_that_has_no_comment() -> None:
    raw = profile("gvisor", "20260817.0", flags={"net-raw": "true"})
    assert faults(running("istio/proxyv2:1.26.7", *ISTIO_INIT), raw) == []
    assert faults(running("istio/proxyv2:1.26.0", *ISTIO_INIT), raw) == [COMMENT]


def test_istio_init_that_captures_dns_needs_the_raw_table() -> None:
    init = container("i", "istio/proxyv2:1.28.4", args=[*ISTIO_INIT])
    init["env"] = [{"name": "ISTIO_META_DNS_CAPTURE", "value": "true"}]
    old = profile("gvisor", "20260302.0", flags={"net-raw": "true"})
    assert faults(pod(containers=[init]), old) == [
        ("incompatible", "net:iptables/raw"),
        ("degraded", "net:iptables/large-table"),
    ]


ALL: list[tuple[str, tuple[str, ...]]] = [
    *{(image, args): None for image, args, _, _ in NOT_COMPATIBLE},
    *EVERYWHERE,
]
HOST_KERNEL = [profile("runc", "1.4.0"), profile("crun", "1.26"), profile("youki", "0.6.0")]
KATAS = [profile("kata", "4.1.0", hypervisor=h) for h in ("qemu", "clh", "fc", "dragonball")] + [
    profile("kata")
]


@pytest.mark.parametrize(("image", "args"), ALL)
@pytest.mark.parametrize("runtime", HOST_KERNEL, ids=lambda p: p.runtime)
def test_every_one_of_them_is_compatible_with_the_hosts_kernel(
    image: str, args: tuple[str, ...], runtime: RuntimeProfile
) -> None:
    assert faults(running(image, *args), runtime) == []


@pytest.mark.parametrize(("image", "args"), ALL)
@pytest.mark.parametrize("runtime", KATAS, ids=lambda p: p.hypervisor or "unknown")
def test_every_one_of_them_is_compatible_with_a_guest_of_its_own(
    image: str, args: tuple[str, ...], runtime: RuntimeProfile
) -> None:
    assert faults(running(image, *args), runtime) == []


def test_an_unknown_release_of_gvisor_says_so_where_the_last_two_years_disagree() -> None:
    assert faults(running("ghcr.io/cloudnative-pg/postgresql:17"), profile("gvisor")) == [
        PERF,
        ("unknown", "proc:/proc/self/coredump_filter"),
    ]


RECOGNISED: list[tuple[str, list[str]]] = [
    ("postgres", ["postgresql"]),
    ("docker.io/library/postgres:16-alpine", ["postgresql"]),
    ("public.ecr.aws/docker/library/postgres:16", ["postgresql"]),
    ("mirror.gcr.io/library/postgres:16", ["postgresql"]),
    ("registry.example:5000/proxy/library/postgres@sha256:" + "a" * 64, ["postgresql"]),
    ("cgr.dev/chainguard/postgres", ["postgresql"]),
    ("bitnami/postgresql:17", ["postgresql"]),
    ("docker.io/bitnamilegacy/postgresql:16", ["postgresql"]),
    ("bitnamilegacy/postgresql-repmgr:16", ["postgresql"]),
    ("registry.redhat.io/rhel9/postgresql-15:1", ["postgresql"]),
    ("quay.io/sclorg/postgresql-16-c9s", ["postgresql"]),
    ("timescale/timescaledb-ha:pg17", ["postgresql", "timescaledb"]),
    ("postgis/postgis:17-3.5", ["postgresql"]),
    ("pgvector/pgvector:pg17", ["postgresql"]),
    ("supabase/postgres:15.8.1.060", ["postgresql"]),
    ("ghcr.io/zalando/spilo-17:4.0-p2", ["postgresql"]),
    ("registry.example/crunchydata/crunchy-postgres:ubi9-17.5-2520", ["postgresql"]),
    ("percona/percona-postgresql-operator:2.5.0-ppg16.4-postgres", ["postgresql"]),
    ("ghcr.io/cloudnative-pg/postgresql:17", ["cloudnative-pg", "postgresql"]),
    ("percona", ["mysql"]),
    ("percona/percona-server:8.4", ["mysql"]),
    ("container-registry.oracle.com/mysql/community-server:9.4", ["mysql"]),
    ("bitnami/mariadb-galera", ["mariadb"]),
    ("lscr.io/linuxserver/mariadb", ["mariadb"]),
    ("percona/percona-server-mongodb:8.0", ["mongodb"]),
    ("mongodb/mongodb-community-server:8.0-ubi9", ["mongodb"]),
    ("redis/redis-stack-server", ["redis"]),
    ("valkey/valkey-bundle", ["valkey"]),
    ("nginxinc/nginx-unprivileged:1.29", ["nginx"]),
    ("registry.access.redhat.com/ubi9/nginx-124", ["nginx"]),
    ("openresty/openresty:alpine", ["nginx"]),
    ("mcr.microsoft.com/mssql/rhel/server:2022-latest", ["mssql"]),
    ("registry.example/mirror/mssql/server:2019", ["mssql"]),
]  # fmt: skip


@pytest.mark.parametrize(("image", "expected"), RECOGNISED)
def test_the_images_of_the_usual_publishers_are_recognised(image: str, expected: list[str]) -> None:
    assert sorted(applications(running(image))) == expected


SOMETHING_ELSE = [
    "quay.io/prometheuscommunity/postgres-exporter:v0.17.1",
    "bitnami/postgres-exporter",
    "postgrest/postgrest:v13",
    "dpage/pgadmin4:9",
    "ghcr.io/zalando/postgres-operator:v1.14.0",
    "percona/percona-postgresql-operator:2.5.0",
    "ghcr.io/cloudnative-pg/cloudnative-pg:1.28.0",
    "oliver006/redis_exporter:v1.74.0",
    "bitnami/redis-exporter",
    "redis/redisinsight:2.70",
    "rediscommander/redis-commander",
    "mysql/mysql-router:8.0",
    "container-registry.oracle.com/mysql/community-router:9.4",
    "prom/mysqld-exporter:v0.17.2",
    "phpmyadmin:5",
    "mongo-express:1.0",
    "percona/mongodb_exporter:0.44",
    "quay.io/mongodb/mongodb-kubernetes-operator:0.13.0",
    "quay.io/prometheuscommunity/elasticsearch-exporter:v1.9.0",
    "docker.elastic.co/eck/eck-operator:3.0.0",
    "nginx/nginx-prometheus-exporter:1.4",
    "istio/proxyv2:1.26.0",
    "istio/pilot:1.26.0",
    "mcr.microsoft.com/mssql-tools",
    "example/postgres/migrate:1",
    "postgres-client:1",
]


@pytest.mark.parametrize("image", SOMETHING_ELSE)
def test_what_only_has_the_name_of_a_database_in_its_own_is_not_the_database(image: str) -> None:
    databases = {name for _, names in RECOGNISED for name in names}
    assert databases.intersection(applications(running(image))) == set()


CLIENTS: list[tuple[str, tuple[str, ...]]] = [
    ("postgres:16", ("sh", "-c", "until pg_isready -h db; do sleep 1; done")),
    ("postgres:16", ("psql", "-h", "db", "-f", "/sql/migrate.sql")),
    ("postgres:16", ("sh", "-c", "pg_dump -h db app | gzip > /backup/app.gz")),
    ("bitnami/postgresql:16", ("pg_dumpall", "-h", "db")),
    ("mcr.microsoft.com/mssql/server:2022-latest", ("/opt/mssql-tools18/bin/sqlcmd", "-S", "db")),
    ("mariadb:10.11", ("sh", "-c", "mysqldump -h db app")),
]


@pytest.mark.parametrize(("image", "args"), CLIENTS)
@pytest.mark.parametrize("release", ["20181030", "20221219.0", "20260817.0"])
def test_a_database_image_that_runs_a_client_has_not_the_servers_needs(
    image: str, args: tuple[str, ...], release: str
) -> None:
    assert faults(running(image, *args), profile("gvisor", release)) == []


def test_an_instance_of_cloudnative_pg_is_known_by_label_and_command_whatever_its_image() -> None:
    labels = {"cnpg.io/cluster": "db"}
    instance = running(
        "registry.example/db:17", "/controller/manager", "instance", "run", labels=labels
    )
    pooler = running(
        "ghcr.io/cloudnative-pg/pgbouncer:1.24",
        "/controller/manager",
        "pgbouncer",
        "run",
        labels=labels,
    )
    assert applications(instance) == ["cloudnative-pg"]
    assert applications(pooler) == ["pgbouncer"]


@pytest.mark.parametrize(
    ("name", "least"), [("postgresql", Verdict.DEGRADED), ("redis", Verdict.COMPATIBLE)]
)
def test_no_verdict_contradicts_a_run_that_worked(name: str, least: Verdict) -> None:
    application = next(a for a in table().catalogue.applications if a.name == name)
    image = {"postgresql": "postgres", "redis": "redis"}[name]
    for run in application.verified:
        release = run.versions.intervals[0].start
        if run.works != "yes" or release is None:
            continue
        verdicts = [
            Verdict(verdict)
            for verdict, _ in faults(running(image), profile(run.runtime, str(release)))
        ]
        assert all(VERDICT_RANK[v] >= VERDICT_RANK[least] for v in verdicts)


def test_every_application_of_the_first_set_is_there() -> None:
    names = {application.name for application in table().catalogue.applications}
    assert names >= {
        "postgresql", "mysql", "mariadb", "mongodb", "redis", "valkey", "elasticsearch", "nginx",
        "mssql", "tigerbeetle", "cloudnative-pg", "istio-init",
    }  # fmt: skip


def verified_runs() -> list[Any]:
    """Every run in the shipped table that is said to have gone one way or another, on gVisor."""
    return [
        pytest.param(application.name, run, id=f"{application.name}-{index}")
        for application in table().catalogue.applications
        for index, run in enumerate(application.verified)
    ]


@pytest.mark.parametrize(("name", "run"), verified_runs())
def test_a_run_that_is_cited_names_its_source_and_a_release(name: str, run: Any) -> None:
    assert run.evidence, name
    assert run.works in {"yes", "partial", "no"}


def test_postgres_on_the_gvisor_of_the_article_is_told_since_when_it_works_and_by_which_issue() -> (
    None
):
    finding = judged(running("postgres:11"), profile("gvisor", "20181030"))[0]
    assert finding.need.feature == "syscall:sync_file_range"
    assert (finding.since and finding.since.date) == "2018-11-08"
    assert finding.evidence[0].source == "google/gvisor#88"
