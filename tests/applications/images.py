"""Which image each script stands for, so that the table can be asked about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """An image as people run it, of the release that Debian 12 has, and the container's words."""

    image: str
    args: tuple[str, ...] = ()


def _of(image: str, *args: str) -> Stands:
    return Stands(image=image, args=args)


STANDS_FOR: Mapping[str, Stands] = {
    "apache": _of("httpd:2.4.66"),
    "beanstalkd": _of("schickling/beanstalkd:1.12"),
    "bind9": _of("internetsystemsconsortium/bind9:9.18"),
    "caddy": _of("caddy:2.6.2"),
    "chromium": _of("zenika/alpine-chrome:124", "--no-sandbox"),
    "chrony": _of("simonrupf/chronyd:4.3", "chronyd", "-x"),
    "coturn": _of("coturn/coturn:4.6.1"),
    "dnsmasq": _of("jpillora/dnsmasq:2.90"),
    "docker-registry": _of("registry:2.8.2"),
    "dovecot": _of("dovecot/dovecot:2.3.19"),
    "etcd": _of("quay.io/coreos/etcd:v3.4.23"),
    "firebird": _of("jacobalberty/firebird:3.0.11"),
    "freeradius": _of("freeradius/freeradius-server:3.2.1"),
    "gearman": _of("artefactual/gearmand:1.1.19"),
    "git": _of("alpine/git:2.39.5"),
    "gunicorn": _of("python:3.11", "gunicorn", "-w", "2", "a:app"),
    "haproxy": _of("haproxy:2.6.12"),
    "icecast": _of("libretime/icecast:2.4.4"),
    "influxdb": _of("influxdb:1.6.7"),
    "iperf3": _of("networkstatic/iperf3:3.12"),
    "java": _of("eclipse-temurin:17"),
    "kamailio": _of("kamailio/kamailio:5.6.3"),
    "krb5-kdc": _of("gcavalcante8808/krb5-server:1.20"),
    "lighttpd": _of("sebp/lighttpd:1.4.69"),
    "linuxptp": _of("quay.io/openshift/origin-ptp:4.20", "phc2sys", "-a", "-r"),
    "mariadb": _of("mariadb:10.11"),
    "mariadb-without-native-aio": _of("mariadb:10.11", "--innodb-use-native-aio=0"),
    "memcached": _of("memcached:1.6.18"),
    "mosquitto": _of("eclipse-mosquitto:2.0.11"),
    "nats": _of("nats:2.9.10"),
    "nebula": _of("nebulaoss/nebula:1.6.1"),
    "nginx": _of("nginx:1.22.1"),
    "ngircd": _of("linuxserver/ngircd:26.1"),
    "nodejs": _of("node:18.20.4"),
    "nsd": _of("ghcr.io/the-kizz/docker-nsd:4.6.1"),
    "openssh": _of("linuxserver/openssh-server:9.2"),
    "pgbouncer": _of("edoburu/pgbouncer:1.18.0"),
    "php-fpm": _of("php:8.2-fpm"),
    "postgresql": _of("postgres:15.18"),
    "powerdns-authoritative": _of("powerdns/pdns-auth-47:4.7.3"),
    "powerdns-recursor": _of("powerdns/pdns-recursor-48:4.8.8"),
    "privoxy": _of("vimagick/privoxy:3.0.34"),
    "prometheus": _of("prom/prometheus:v2.42.0"),
    "prosody": _of("prosody/prosody:0.12.3"),
    "python": _of("python:3.11"),
    "qemu": _of("tianon/qemu:7.2", "qemu-system-x86_64", "-accel", "tcg"),
    "rabbitmq": _of("rabbitmq:3.10.8"),
    "rclone": _of("rclone/rclone:1.60.1", "mount", "a:", "/mnt"),
    "redis": _of("redis:7.0.15"),
    "restic": _of("restic/restic:0.14.0", "backup", "/data"),
    "rsyslog": _of("rsyslog/syslog_appliance_alpine:8.2302.0"),
    "ruby": _of("ruby:3.1"),
    "samba": _of("dperson/samba:4.17.12"),
    "slapd": _of("osixia/openldap:2.5.13"),
    "snmpd": _of("polinux/snmpd:5.9.3"),
    "sqlite": _of("keinos/sqlite3:3.40.1"),
    "squid": _of("ubuntu/squid:5.7"),
    "sshfs": _of("debian:12", "sshfs", "a:/", "/mnt"),
    "strongswan": _of("strongx509/strongswan:5.9.8"),
    "stunnel": _of("dweomer/stunnel:5.68"),
    "supervisor": _of("python:3.11", "supervisord", "-n"),
    "tarantool": _of("tarantool/tarantool:2.6.0"),
    "tinyproxy": _of("vimagick/tinyproxy:1.11.1"),
    "tor": _of("osminogin/tor-simple:0.4.9"),
    "trafficserver": _of("trafficserver:9.2.5"),
    "transmission": _of("linuxserver/transmission:3.00"),
    "unbound": _of("mvance/unbound:1.17.1"),
    "uwsgi": _of("python:3.11", "uwsgi", "--http-socket", ":8080"),
    "varnish": _of("varnish:7.1.1"),
    "wireguard-go": _of("debian:12", "wireguard-go", "wg0"),
    "xvfb": _of("debian:12", "Xvfb", ":1"),
}
"""Every script of ``scripts/``."""
