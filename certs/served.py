"""What an address presents: the other end of a rotation, looked at from outside."""

import socket
import ssl
from dataclasses import dataclass

from certs.bundle import fingerprint_of
from certs.errors import CertificateError
from certs.inspect import printable

_SECONDS = 5.0
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A host, whose addresses are all looked at (a headless Service has one per server)."""

    host: str
    port: int


def parse_endpoint(text: str, label: str) -> Endpoint:
    """``HOST:PORT``, an IPv6 address in brackets; raises CertificateError."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) <= _HIGHEST_PORT:
        problem = f"{text[:120]!r} is no address; expected HOST:PORT"
        raise CertificateError(label, problem)
    return Endpoint(host=host, port=int(port))


def outdated(endpoints: tuple[Endpoint, ...], fingerprint: str) -> tuple[str, ...]:
    """The addresses that do not present the certificate, each with what it does instead.

    One that cannot be reached counts: nobody knows what it presents.
    """
    found = []
    for endpoint in endpoints:
        for shown, address in _addresses(endpoint):
            presented = _presented(address)
            if presented != fingerprint:
                found.append(f"{shown} ({_instead(presented)})")
    return tuple(found)


def _addresses(endpoint: Endpoint) -> list[tuple[str, tuple[str, int] | OSError]]:
    try:
        infos = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except OSError as error:
        return [(f"{printable(endpoint.host)}:{endpoint.port}", error)]
    hosts = dict.fromkeys(str(info[4][0]) for info in infos)
    return [(f"{host}:{endpoint.port}", (host, endpoint.port)) for host in hosts]


def _presented(address: tuple[str, int] | OSError) -> str | OSError:
    """The fingerprint of what is presented there. Nothing is sent, so nothing need be trusted."""
    if isinstance(address, OSError):
        return address
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection(address, timeout=_SECONDS) as plain,
            context.wrap_socket(plain) as connection,
        ):
            der = connection.getpeercert(binary_form=True) or b""
    except OSError as error:
        return error
    return fingerprint_of(der)


def _instead(presented: str | OSError) -> str:
    if isinstance(presented, OSError):
        return f"not reached: {printable(presented.strerror or str(presented)).lower()}"
    return f"presents {presented[:23]}…"
