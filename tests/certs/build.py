"""Certificates for tests: a valid one, and the tweak that the test is about."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from certs.errors import CertificateError
from certs.issue import (
    CA_LIFETIME,
    SERVING_LIFETIME,
    IssuedCert,
    KeyType,
    issue_ca,
    issue_serving,
)
from certs.pem import PrivateKey, encode_certificates, encode_key

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
NAME = "gate.ns.svc"


@cache
def ca(
    number: int = 0,
    *,
    now: datetime = NOW,
    lifetime: timedelta = CA_LIFETIME,
    key_type: KeyType = KeyType.ECDSA,
) -> IssuedCert:
    """A CA; another ``number`` is another CA."""
    assert number >= 0
    return issue_ca(now=now, lifetime=lifetime, key_type=key_type)


@cache
def leaf(
    number: int = 0,
    *,
    signer: IssuedCert | None = None,
    now: datetime = NOW,
    lifetime: timedelta = SERVING_LIFETIME,
    dns_names: tuple[str, ...] = (NAME,),
    ip_addresses: tuple[str, ...] = ("10.0.0.1",),
) -> IssuedCert:
    """A serving certificate of ``signer``, the first CA when omitted."""
    assert number >= 0
    return issue_serving(
        signer or ca(),
        now=now,
        dns_names=dns_names,
        ip_addresses=ip_addresses,
        lifetime=lifetime,
    )


def parsed(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def made_elsewhere(
    *extensions: x509.ExtensionType,
    key: PrivateKey | None = None,
    subject: str = "elsewhere",
    issuer: tuple[str, PrivateKey] | None = None,
) -> IssuedCert:
    """A certificate as others make them, self-signed unless ``issuer`` says who signs."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    issuer_name, signer = issuer or (subject, own)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer_name))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 100 * DAY)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    certificate = builder.sign(signer, algorithm)
    return IssuedCert(cert_pem=encode_certificates([certificate]), key_pem=encode_key(own))


def name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def with_passphrase(key_pem: bytes) -> bytes:
    """The key encrypted, as PKCS #8."""
    return _encoded(key_pem, serialization.PrivateFormat.PKCS8)


def with_old_passphrase(key_pem: bytes) -> bytes:
    """The key encrypted as OpenSSL did before 1.0: headers inside the block."""
    return _encoded(key_pem, serialization.PrivateFormat.TraditionalOpenSSL)


def _encoded(key_pem: bytes, form: serialization.PrivateFormat) -> bytes:
    key = serialization.load_pem_private_key(key_pem, None)
    lock = serialization.BestAvailableEncryption(b"secret")
    return key.private_bytes(serialization.Encoding.PEM, form, lock)


def message_of(attempt: Callable[[], object]) -> str:
    """The message of the CertificateError that ``attempt`` raises."""
    try:
        attempt()
    except CertificateError as error:
        return str(error)
    raise AssertionError("nothing was raised")
