"""Both ends of real TLS on loopback: a small server, and clients that trust one bundle only."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.files import write_files
from certs.issue import IssuedCert, issue_ca, issue_serving
from certs.pem import encode_certificates, encode_key, parse_certificates, parse_key

# OpenSSL judges by the real clock, so these tests have to live in the present.
NOW = datetime.now(UTC)  # noqa: TID251 - real TLS reads the real clock
DAY = timedelta(days=1)
NAME = "gate.ns.svc"
PATIENCE = 90.0  # a busy machine: a listener is there before its server is
CA = issue_ca(now=NOW)


def serving(*, signer: IssuedCert = CA, now: datetime = NOW, days: float = 30) -> IssuedCert:
    """A certificate for NAME and loopback."""
    return issue_serving(
        signer,
        now=now,
        dns_names=[NAME],
        ip_addresses=["127.0.0.1"],
        lifetime=timedelta(days=days),
    )


def client_identity(path: Path, signer: IssuedCert) -> Path:
    """A file with key and certificate of a client, as an API server may be given one."""
    key = ec.generate_private_key(ec.SECP256R1())
    ca = parse_certificates(signer.cert_pem, "CA")[0]
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(usage, critical=False)
        .sign(parse_key(signer.key_pem, "CA key"), hashes.SHA256())
    )
    path.write_bytes(encode_key(key) + encode_certificates([certificate]))
    return path


def put(directory: Path, pair: IssuedCert, ca_pem: bytes = CA.cert_pem) -> None:
    """Write a whole TLS directory, the bundle first."""
    files = {"ca.crt": ca_pem, "tls.key": pair.key_pem, "tls.crt": pair.cert_pem}
    write_files(directory, files)


def client(ca_pem: bytes = CA.cert_pem, identity: Path | None = None) -> ssl.SSLContext:
    """A client that checks strictly and trusts this bundle only."""
    context = ssl.create_default_context(cadata=ca_pem.decode("ascii"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(["h2", "http/1.1"])
    if identity:
        context.load_cert_chain(identity)
    return context


@contextmanager
def connected(port: int, context: ssl.SSLContext, name: str = NAME) -> Iterator[ssl.SSLSocket]:
    """A connection over which one byte went there and back."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=name) as connection,
    ):
        exchange(connection)
        yield connection


def exchange(connection: ssl.SSLSocket) -> None:
    connection.sendall(b"?")
    assert connection.recv(1) == b"!"


def presented(port: int, context: ssl.SSLContext | None = None, name: str = NAME) -> bytes:
    """The certificate that a new connection is shown, as PEM."""
    with connected(port, context or client(), name) as connection:
        return _shown(connection)


def presented_to_http(port: int, context: ssl.SSLContext | None = None) -> bytes:
    """The certificate that a new connection to an HTTP server is shown, once it has answered."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain,
        (context or client()).wrap_socket(plain, server_hostname=NAME) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n")
        answer = connection.recv(100)
        if not answer:
            raise ConnectionResetError("the server closed the connection")
        assert answer.startswith(b"HTTP/1.1 200 OK")
        return _shown(connection)


def _shown(connection: ssl.SSLSocket) -> bytes:
    der = connection.getpeercert(binary_form=True)
    assert der is not None
    return ssl.DER_cert_to_PEM_cert(der).encode("ascii")


@contextmanager
def served(context: ssl.SSLContext) -> Iterator[int]:
    """The port of a server with a thread a connection, as gunicorn's gthread has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        acceptor = threading.Thread(target=_accept, args=(listener, context))
        acceptor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()


def _accept(listener: socket.socket, context: ssl.SSLContext) -> None:
    answering = []
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            break
        answering.append(threading.Thread(target=_answer, args=(plain, context)))
        answering[-1].start()
    for thread in answering:
        thread.join()


def _answer(plain: socket.socket, context: ssl.SSLContext) -> None:
    """Whatever goes wrong shows at the client."""
    plain.settimeout(PATIENCE)
    with plain, suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
        while connection.recv(1):
            connection.sendall(b"!")
