"""Keys and certificates: a CA of our own, and the serving certificates it signs.

Lifetimes. A CA lives ten years and a serving certificate one, as in Gatekeeper's cert-controller
and in Kubewarden: a new CA must reach every ``caBundle`` before it may sign, so it is rare, and
a year less the third in which renewal is due leaves four months for a scheduled job, or a person,
to notice. ``not_before`` lies five minutes back, as in what kube-controller-manager signs: an API
server whose clock is a little behind ours must not refuse a certificate of this second. The clock
is always an argument.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.errors import CertificateError
from certs.pem import (
    PrivateKey,
    encode_certificates,
    encode_key,
    is_ca,
    key_fits,
    parse_certificates,
    parse_key,
)

CA_LIFETIME = timedelta(days=3650)
SERVING_LIFETIME = timedelta(days=365)
BACKDATE = timedelta(minutes=5)

# NIST SP 800-57 part 1 ends 2048 bits with the year 2030, which a CA of today outlives.
_RSA_BITS = 3072
_DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_DNS_NAME = 253
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


class KeyType(StrEnum):
    """What kind of key is made: P-256, or RSA where a policy demands it."""

    ECDSA = "ecdsa"
    RSA = "rsa"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCert:
    """A certificate and its private key, both PEM; the key never shows in a repr."""

    cert_pem: bytes
    key_pem: bytes = field(repr=False)


def issue_ca(
    *, now: datetime, key_type: KeyType = KeyType.ECDSA, lifetime: timedelta = CA_LIFETIME
) -> IssuedCert:
    """Return a new self-signed CA that may sign serving certificates and no further CA.

    Its name carries the start of its key id, so that two CAs in one bundle never share a name:
    a client that looks for an issuer by name finds the right one.
    """
    key = _new_key(key_type)
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = _name(ca_name(key_id.digest.hex()))
    certificate = (
        _builder(subject=name, issuer=name, key=key)
        .not_valid_before(_second(now - BACKDATE))
        .not_valid_after(_second(now + lifetime))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(key, _hash_for(key))
    )
    return IssuedCert(cert_pem=encode_certificates([certificate]), key_pem=encode_key(key))


def ca_name(key_id: str) -> str:
    """The common name of a CA of ours, by the hexadecimal id of its key."""
    return f"runtimegate-ca-{key_id[:8]}"


def issue_serving(
    ca: IssuedCert,
    *,
    now: datetime,
    dns_names: Sequence[str] = (),
    ip_addresses: Sequence[str] = (),
    key_type: KeyType = KeyType.ECDSA,
    lifetime: timedelta = SERVING_LIFETIME,
) -> IssuedCert:
    """Return a new key and a certificate for a server at these names, signed by ``ca``.

    It never begins before its CA nor outlives it. Raises CertificateError for a bad name or none,
    and for a CA that is expired, not yet valid, no CA, or has another key.
    """
    sans = subject_names(dns_names, ip_addresses)
    signer, signing_key = _signer(ca, now)
    key = _new_key(key_type)
    usages = {"digital_signature"} | ({"key_encipherment"} if key_type is KeyType.RSA else set())
    certificate = (
        _builder(subject=_name("runtimegate"), issuer=signer.subject, key=key)
        .not_valid_before(max(_second(now - BACKDATE), signer.not_valid_before_utc))
        .not_valid_after(min(_second(now + lifetime), signer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(*usages), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_authority_key_id(signer), critical=False)
        .add_extension(x509.SubjectAlternativeName(sans), critical=False)
        .sign(signing_key, _hash_for(signing_key))
    )
    return IssuedCert(cert_pem=encode_certificates([certificate]), key_pem=encode_key(key))


def subject_names(dns_names: Sequence[str], ip_addresses: Sequence[str]) -> list[x509.GeneralName]:
    """Return the subject alternative names, each once, in the order given.

    Raises CertificateError for a bad name or none.
    """
    for name in dns_names:
        if not is_dns_name(name):
            problem = (
                "is no DNS name; expected lower-case labels of a-z, 0-9 and -, such as a.b.svc"
            )
            raise CertificateError(repr(name[:80]), problem)
    for address in ip_addresses:
        if not is_ip_address(address):
            problem = "is no IP address; expected one such as 10.0.0.1 or fd00::1"
            raise CertificateError(repr(address[:80]), problem)
    if not dns_names and not ip_addresses:
        raise CertificateError("serving certificate", "names no host; expected a DNS name or an IP")
    addresses = dict.fromkeys(ipaddress.ip_address(each) for each in ip_addresses)
    return [
        *(x509.DNSName(each) for each in dict.fromkeys(dns_names)),
        *(x509.IPAddress(each) for each in addresses),
    ]


def is_dns_name(text: str) -> bool:
    """True for what a client may ask for: lower-case labels, the first perhaps ``*``."""
    labels = text.removeprefix("*.").split(".")
    return len(text) <= _LONGEST_DNS_NAME and all(_DNS_LABEL.fullmatch(each) for each in labels)


def is_ip_address(text: str) -> bool:
    """True for an IPv4 or IPv6 address without zone or prefix length."""
    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _signer(ca: IssuedCert, now: datetime) -> tuple[x509.Certificate, PrivateKey]:
    """The CA's certificate and key, seen to be able to sign at ``now``."""
    certificate = parse_certificates(ca.cert_pem, "CA certificate")[0]
    key = parse_key(ca.key_pem, "CA key")
    if not key_fits(certificate, key):
        raise CertificateError("CA key", "is not the key of the CA certificate; expected that one")
    if not is_ca(certificate):
        raise CertificateError(
            "CA certificate", "is no CA; expected basic constraints with CA:TRUE"
        )
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        span = f"{certificate.not_valid_before_utc} to {certificate.not_valid_after_utc}"
        raise CertificateError(
            "CA certificate", f"is valid from {span}; expected one valid at {now}"
        )
    return certificate, key


def _new_key(key_type: KeyType) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    match key_type:
        case KeyType.ECDSA:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyType.RSA:
            return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)


def _builder(*, subject: x509.Name, issuer: x509.Name, key: PrivateKey) -> x509.CertificateBuilder:
    """What CA and serving certificate share: names, key and its id, a random serial."""
    public_key = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _authority_key_id(signer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """The signer's own key id; a CA made elsewhere may carry none."""
    try:
        key_id = signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier(
            x509.SubjectKeyIdentifier.from_public_key(signer.public_key()).digest, None, None
        )
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id)


def _key_usage(*usages: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in usages for usage in _USAGES})


def _hash_for(key: PrivateKey) -> hashes.SHA256 | None:
    """Ed25519 hashes by itself; the others sign a SHA-256."""
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _second(moment: datetime) -> datetime:
    """X.509 has whole seconds, in UTC."""
    return moment.astimezone(UTC).replace(microsecond=0)
