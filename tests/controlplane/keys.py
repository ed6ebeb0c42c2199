"""The keys of a control plane, made before it starts: nobody has to wait for its own."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.controlplane.settings import KUBERNETES_ADDRESS

# A plane lives for minutes; no clock is wrong enough to be outside of this.
NOT_BEFORE = datetime(2000, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(2100, 1, 1, tzinfo=UTC)
NO_KEY_USAGE = {
    "digital_signature": False,
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "key_cert_sign": False,
    "crl_sign": False,
    "encipher_only": False,
    "decipher_only": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingPair:
    """A certificate for the loopback with its key, and the authority that vouches for it; PEM."""

    ca_pem: str
    certificate_pem: str
    key_pem: str


def serving_pair() -> ServingPair:
    """A new authority, whose key is forgotten, and the one certificate that it signed."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = (
        _certificate("control plane of a test", ca_key, issuer="control plane of a test")
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage("key_cert_sign"), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    addresses = ("127.0.0.1", KUBERNETES_ADDRESS)
    names = [
        x509.DNSName("localhost"),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
    ]
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    leaf = (
        _certificate("kube-apiserver", key, issuer="control plane of a test")
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(issuer_id, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    return ServingPair(
        ca_pem=ca.public_bytes(serialization.Encoding.PEM).decode(),
        certificate_pem=leaf.public_bytes(serialization.Encoding.PEM).decode(),
        key_pem=_pem(key),
    )


def signing_key() -> str:
    """A new private key to sign service account tokens with; PEM."""
    return _pem(ec.generate_private_key(ec.SECP256R1()))


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, *, issuer: str
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _key_usage(usage: str) -> x509.KeyUsage:
    return x509.KeyUsage(**NO_KEY_USAGE | {usage: True})


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()
