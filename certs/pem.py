"""PEM bytes to certificates and keys: the only place that judges whether a file can be read.

Every failure is a CertificateError that says what the file holds instead of what it should.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x448, x25519

from certs.errors import CertificateError

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

CERTIFICATE = "CERTIFICATE"
_WANT_CERTIFICATE = "expected a PEM certificate (-----BEGIN CERTIFICATE-----)"
_WANT_KEY = "expected a PEM private key (-----BEGIN PRIVATE KEY-----)"
_WANT_PLAIN_KEY = "expected a key without a passphrase: openssl pkey -in FILE -out NEW"
_BOUNDARY = re.compile(rb"-----(BEGIN|END) ([A-Z0-9 ]{1,40})-----")
_DER_START = (b"\x30\x82", b"\x30\x81")
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_SMALLEST_RSA_BITS = 2048
_OTHER_KEYS = (
    (dsa.DSAPrivateKey, "a DSA key"),
    (ed448.Ed448PrivateKey, "an Ed448 key"),
    (x25519.X25519PrivateKey, "an X25519 key"),
    (x448.X448PrivateKey, "an X448 key"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One PEM block; ``complete`` is false when the file ends before the END line."""

    label: str
    body: bytes
    complete: bool = True

    def der(self) -> bytes | None:
        """What the base64 stands for; None when it is none."""
        try:
            return base64.b64decode(b"".join(self.body.split()), validate=True) or None
        except binascii.Error:
            return None


def scan_blocks(pem: bytes) -> Iterator[Block]:
    """Yield the PEM blocks in order; text around them is skipped, as by Go and OpenSSL."""
    label, body = "", bytearray()
    for line in pem.splitlines(keepends=True):
        boundary = _BOUNDARY.fullmatch(line.strip())
        if boundary is None:
            body += line
            continue
        kind, name = boundary[1], boundary[2].decode("ascii")
        if kind == b"END" and name == label:
            yield Block(label=label, body=bytes(body))
            label = ""
        elif kind == b"BEGIN":
            label = name
        body.clear()
    if label:
        yield Block(label=label, body=bytes(body), complete=False)


def is_boundary(line: bytes, kind: str) -> bool:
    """True for a ``-----BEGIN …-----`` or ``-----END …-----`` line, as ``kind`` says."""
    found = _BOUNDARY.fullmatch(line.strip())
    return found is not None and found[1] == kind.encode("ascii")


def parse_certificates(pem: bytes, label: str) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a file in order, at least one.

    A private key beside them is refused: files with certificates are handed around.
    """
    blocks = _blocks_of(pem, label, _WANT_CERTIFICATE)
    keys = sum(block.label.endswith("PRIVATE KEY") for block in blocks)
    certificates = [block for block in blocks if block.label == CERTIFICATE]
    if keys and not certificates:
        raise CertificateError(label, f"holds a private key, no certificate; {_WANT_CERTIFICATE}")
    if keys:
        problem = "holds a private key beside the certificate; expected certificates only"
        raise CertificateError(label, problem)
    if not certificates:
        held = ", ".join(sorted({block.label for block in blocks}))
        raise CertificateError(label, f"holds {held}, no certificate; {_WANT_CERTIFICATE}")
    return tuple(
        _parse_certificate(block, label, f"certificate {number} of {len(certificates)}")
        for number, block in enumerate(certificates, start=1)
    )


def parse_key(pem: bytes, label: str) -> PrivateKey:
    """Return the one private key of a file, of a kind that API servers accept in TLS."""
    blocks = _blocks_of(pem, label, _WANT_KEY)
    keys = [block for block in blocks if block.label.endswith("PRIVATE KEY")]
    if not keys:
        held = "a certificate" if any(b.label == CERTIFICATE for b in blocks) else blocks[0].label
        raise CertificateError(label, f"holds {held}, no private key; {_WANT_KEY}")
    if len(keys) > 1:
        raise CertificateError(label, f"holds {len(keys)} private keys; expected one")
    if keys[0].label.startswith("ENCRYPTED") or b"ENCRYPTED" in keys[0].body:
        raise CertificateError(label, f"the private key is encrypted; {_WANT_PLAIN_KEY}")
    return _usable_key(_load_key(keys[0], label), label)


def key_fits(certificate: x509.Certificate, key: PrivateKey) -> bool:
    """True when the certificate was issued for this key."""
    return _public_der(certificate) == key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def is_ca(certificate: x509.Certificate) -> bool:
    """True when the certificate may sign others."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def encode_certificates(certificates: Sequence[x509.Certificate]) -> bytes:
    """The certificates as PEM, one after the other."""
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def encode_key(key: PrivateKey) -> bytes:
    """The key as unencrypted PKCS #8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _blocks_of(pem: bytes, label: str, wanted: str) -> list[Block]:
    """The blocks of a file that is PEM and whole; raises CertificateError."""
    if not pem.strip():
        raise CertificateError(label, f"is empty; {wanted}")
    blocks = list(scan_blocks(pem))
    if not blocks:
        form = "is DER" if pem.startswith(_DER_START) else "is not PEM"
        raise CertificateError(label, f"{form}; {wanted}")
    if not blocks[-1].complete:
        end = f"-----END {blocks[-1].label}-----"
        raise CertificateError(label, f"is cut off; expected {end} at its end")
    return blocks


def _parse_certificate(block: Block, label: str, which: str) -> x509.Certificate:
    """One certificate of which everything that we look at later can be read: parsing is lazy."""
    unreadable = (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
        x509.InvalidVersion,
    )
    try:
        certificate = x509.load_der_x509_certificate(block.der() or b"")
        _ = (certificate.subject, certificate.issuer, certificate.extensions)
        _ = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        _public_der(certificate)
    except unreadable as error:
        problem = f"{which} is damaged; expected the base64 of an X.509 certificate"
        raise CertificateError(label, problem) from error
    return certificate


def _load_key(block: Block, label: str) -> object:
    """The key of a block, of whatever kind."""
    boundary = f"{block.label}-----".encode("ascii")
    pem = b"-----BEGIN " + boundary + b"\n" + block.body + b"-----END " + boundary + b"\n"
    try:
        return serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        problem = "the private key is damaged; expected ECDSA, RSA or Ed25519 in PKCS #8"
        raise CertificateError(label, problem) from error


def _usable_key(key: object, label: str) -> PrivateKey:
    """Refuses the kinds and sizes that Go's or OpenSSL's TLS refuses at every handshake."""
    match key:
        case ec.EllipticCurvePrivateKey() if key.curve.name in _CURVES:
            return key
        case ec.EllipticCurvePrivateKey():
            allowed = ", ".join(_CURVES.values())
            kind, expected = f"an ECDSA key on {key.curve.name}", f"one on {allowed}"
        case rsa.RSAPrivateKey() if key.key_size >= _SMALLEST_RSA_BITS:
            return key
        case rsa.RSAPrivateKey():
            kind, expected = f"an RSA key of {key.key_size} bits", f"{_SMALLEST_RSA_BITS} or more"
        case ed25519.Ed25519PrivateKey():
            return key
        case _:
            names = (name for cls, name in _OTHER_KEYS if isinstance(key, cls))
            kind, expected = next(names, "of an unknown kind"), "ECDSA, RSA or Ed25519"
    raise CertificateError(label, f"the private key is {kind}; expected {expected}")


def _public_der(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
