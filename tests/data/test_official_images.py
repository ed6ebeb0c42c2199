"""Docker's official images, all of them: which application the table sees in each."""

import pytest

from tests.build import profile
from tests.data.shipped import applications, faults, running

# The namespace `library` as of 2026-08, those that are deprecated and still pulled among them.
OFFICIAL = {
    "adminer": "adminer", "aerospike": "aerospike", "almalinux": "distribution",
    "alpine": "busybox", "alt": "distribution", "amazoncorretto": "openjdk",
    "amazonlinux": "distribution", "api-firewall": "api-firewall", "arangodb": "arangodb",
    "archlinux": "debian", "backdrop": "backdrop", "bash": "bash", "bonita": "bonita",
    "buildpack-deps": "gcc", "busybox": "busybox", "caddy": "caddy", "cassandra": "cassandra",
    "chronograf": "chronograf", "cirros": "distribution", "clearlinux": "distribution",
    "clefos": "distribution", "clickhouse": "clickhouse", "clojure": "clojure",
    "composer": "php", "consul": "consul", "convertigo": "convertigo",
    "couchbase": "couchbase", "couchdb": "couchdb", "crate": "crate", "dart": "dart",
    "debian": "distribution", "drupal": "drupal", "eclipse-mosquitto": "mosquitto",
    "eclipse-temurin": "openjdk", "eggdrop": "eggdrop", "elasticsearch": "elasticsearch",
    "elixir": "erlang", "emqx": "emqx", "erlang": "erlang", "fedora": "debian",
    "flink": "flink", "friendica": "friendica", "gazebo": "ros", "gcc": "gcc",
    "geonetwork": "geonetwork", "ghost": "ghost", "glassfish": "payara", "golang": "golang",
    "gradle": "maven", "groovy": "groovy", "haproxy": "haproxy", "haskell": "haskell",
    "haxe": "haxe", "hello-world": "whoami", "hitch": "hitch", "httpd": "httpd",
    "hylang": "hylang", "ibm-semeru-runtimes": "openjdk", "ibmjava": "ibmjava",
    "influxdb": "influxdb", "irssi": "irssi", "jenkins": "jenkins", "jetty": "jetty",
    "joomla": "joomla", "jruby": "ruby", "julia": "julia", "kapacitor": "kapacitor",
    "kibana": "kibana", "kong": "kong", "krakend": "krakend",
    "lightstreamer": "lightstreamer", "liquibase": "liquibase", "logstash": "logstash",
    "mageia": "distribution", "mariadb": "mariadb", "matomo": "matomo", "maven": "maven",
    "mediawiki": "mediawiki", "memcached": "memcached", "mongo": "mongodb",
    "mongo-express": "mongo-express", "monica": "monica", "mono": "mono", "mysql": "mysql",
    "nats": "nats", "nats-streaming": "nats-streaming", "neo4j": "neo4j",
    "neurodebian": "distribution", "nextcloud": "nextcloud", "nginx": "nginx",
    "node": "nodejs", "notary": "notary", "odoo": "odoo", "open-liberty": "open-liberty",
    "openjdk": "openjdk", "oraclelinux": "distribution", "orientdb": "orientdb",
    "owncloud": "owncloud", "percona": "mysql", "perl": "perl", "photon": "distribution",
    "php": "php", "phpmyadmin": "phpmyadmin", "piwik": "matomo", "plone": "plone",
    "postfixadmin": "postfixadmin", "postgres": "postgresql", "pypy": "python",
    "python": "python", "r-base": "r", "rabbitmq": "rabbitmq", "rakudo-star": "rakudo-star",
    "redis": "redis", "redmine": "redmine", "registry": "registry",
    "rethinkdb": "rethinkdb", "rocket.chat": "rocket-chat", "rockylinux": "distribution",
    "ros": "ros", "ruby": "ruby", "rust": "rust", "sapmachine": "openjdk",
    "satosa": "satosa", "sentry": "sentry", "silverpeas": "silverpeas", "sl": "distribution",
    "solr": "solr", "sonarqube": "sonarqube", "spark": "spark", "spiped": "spiped",
    "storm": "storm", "swift": "swift", "swipl": "swipl", "teamspeak": "teamspeak",
    "tomcat": "tomcat", "tomee": "tomcat", "traefik": "traefik", "ubuntu": "distribution",
    "unit": "nginx-unit", "varnish": "varnish", "vault": "vault",
    "websphere-liberty": "open-liberty", "wordpress": "wordpress", "xwiki": "xwiki",
    "yourls": "yourls", "znc": "znc", "zookeeper": "zookeeper",
}  # fmt: skip

OTHERS = {
    "apache/superset:5": "superset", "argoproj.example/goharbor/harbor-db:2": "postgresql",
    "bitnami/drupal:11": "drupal", "bitnami/moodle:5": "moodle",
    "confluentinc/cp-schema-registry:8.0": "schema-registry",
    "debezium/connect:3.0": "kafka-connect", "dpage/pgadmin4:9": "pgadmin",
    "docker.elastic.co/logstash/logstash:9.1": "logstash", "gogs/gogs:0.13": "gogs",
    "ghcr.io/goauthentik/server:2026.8": "authentik", "goharbor/harbor-core:v2.13": "harbor",
    "hashicorp/vault:1.20": "vault", "quay.io/infinispan/server:15.2": "infinispan",
    "jasonrivers/nagios:4": "nagios", "kong/kong-gateway:3.11": "kong",
    "localstack/localstack:4": "localstack", "matrixdotorg/synapse:v1.135": "synapse",
    "mattermost/mattermost-team-edition:10": "mattermost", "metabase/metabase:v0.55": "metabase",
    "nsqio/nsq:v1.3": "nsq", "oryd/hydra:v2.3": "ory", "payara/micro:6": "payara",
    "registry.k8s.io/pause:3.10": "pause", "rocketchat/rocket.chat:7": "rocket-chat",
    "sonatype/nexus3:3.83": "nexus", "trinodb/trino:476": "trino",
    "vaultwarden/server:1.34": "vaultwarden", "verdaccio/verdaccio:6": "verdaccio",
    "vernemq/vernemq:2": "vernemq", "curlimages/curl:8.15": "curl",
}  # fmt: skip

SOMETHING_ELSE = [
    "example/drupal-exporter:1",
    "example/swift:1",
    "example/vault:1",
    "hashicorp/vault-k8s:1.7",
    "hashicorp/vault-csi-provider:1.5",
    "hashicorp/vault-secrets-operator:0.10",
    "kong/kubernetes-ingress-controller:3.5",
    "apache/apisix-ingress-controller:1.8",
    "quay.io/infinispan/operator:2.4",
    "goharbor/harbor-exporter:v2.13",
    "goharbor/trivy-adapter-photon:v2.13",
    "phpmyadmin-exporter:1",
    "example/metabase-backup:1",
    "example/gcc:1",
    "example/storm:1",
    "matrixdotorg/sygnal:0.15",
    "rspamd-exporter:1",
    "bitnami/kubectl:1.33",
]

# On 20221219.0, and seen to fail there: io_uring that waits for nobody, setsid that answers 0.
REFUSED = {"mariadb", "varnish"}
RELEASES = ("20221219.0", "20240729.0", "20260817.0")


@pytest.mark.parametrize(("name", "expected"), OFFICIAL.items())
def test_every_official_image_is_recognised(name: str, expected: str) -> None:
    assert applications(running(name)) == [expected]


@pytest.mark.parametrize(("image", "expected"), OTHERS.items())
def test_images_of_other_publishers_are_recognised(image: str, expected: str) -> None:
    assert applications(running(image)) == [expected]


@pytest.mark.parametrize("image", SOMETHING_ELSE)
def test_what_only_resembles_one_of_them_is_not_recognised(image: str) -> None:
    assert applications(running(image)) == []


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", sorted(set(OFFICIAL) - REFUSED))
def test_no_official_image_is_refused_on_a_release_of_the_last_years(
    name: str, release: str
) -> None:
    found = faults(running(name), profile("gvisor", release))
    assert [feature for verdict, feature in found if verdict == "incompatible"] == []


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_the_two_that_a_release_breaks_are_refused_on_that_one_alone(name: str) -> None:
    refused = [
        release
        for release in RELEASES
        if "incompatible"
        in [verdict for verdict, _ in faults(running(name), profile("gvisor", release))]
    ]
    assert refused == ["20221219.0"]


def test_mpirun_is_told_of_the_release_from_which_the_processors_have_a_topology() -> None:
    command = running("mpioperator/openmpi:4", "mpirun", "-n", "2", "/home/mpiuser/pi")
    topology = ("incompatible", "sys:/sys/devices/system/cpu/cpu0/topology")
    assert faults(command, profile("gvisor", "20240729.0")) == [topology]
    assert faults(command, profile("gvisor", "20260817.0")) == []


def test_a_music_player_is_told_of_the_signalfd_that_loses_its_number() -> None:
    expected = [("incompatible", "syscall:signalfd4/existing-fd")]
    assert faults(running("vimagick/mpd:0.23"), profile("gvisor", "20260817.0")) == expected


@pytest.mark.parametrize("words", ["tini -s -- server", "tini -- server"])
def test_tini_is_never_refused_for_it_is_nearly_always_process_1(words: str) -> None:
    asked = running("example/app:1", "sh", "-c", words)
    assert faults(asked, profile("gvisor", "20221219.0")) == []
