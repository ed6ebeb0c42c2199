"""What certificates say, and whether a pair can be served: PEM in, frozen values out.

The checks are those that kube-apiserver makes at every handshake, made once and in words. Each
bad input raises a CertificateError with one message: which file, what is wrong, what is expected.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

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

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

RENEW_AFTER: Final = (2, 3)  # of its life, as cert-manager does: a third is left to notice


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cert:
    """What serving certificates and CAs have in common."""

    subject: str
    not_before: datetime
    not_after: datetime
    fingerprint: str  # SHA-256 of the certificate, as openssl prints it

    @property
    def renew_at(self) -> datetime:
        """When two thirds of its life are over."""
        part, whole = RENEW_AFTER
        return self.not_before + (self.not_after - self.not_before) * part / whole


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingCert(_Cert):
    """The certificate that the webhook presents."""

    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    issuer_key_id: str  # hexadecimal; empty when the issuer gave none


@dataclass(frozen=True, slots=True, kw_only=True)
class CaCert(_Cert):
    """A certificate of the bundle that API servers trust."""

    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What messages call the three inputs: their paths."""

    cert: str = "tls.crt"
    key: str = "tls.key"
    ca: str = "ca.crt"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingPair:
    """A certificate seen to fit its key and its CA: never one half of a change."""

    cert: ServingCert
    ca: CaCert | None  # the one of the bundle at which the chain ends; None without a bundle
    rsa: bool  # the kind of its key; else ECDSA or Ed25519
    pem: bytes = field(repr=False)  # key, then chain, in one text that OpenSSL loads


def inspect_serving(cert_pem: bytes, *, label: str = "tls.crt") -> ServingCert:
    """Return what the first certificate of a chain says; raises CertificateError.

    Refused: no host names (clients have ignored the common name since Go 1.15), and an extended
    key usage that leaves servers out.
    """
    return _view_serving(parse_certificates(cert_pem, label)[0], label)


def inspect_bundle(ca_pem: bytes, *, label: str = "ca.crt") -> tuple[CaCert, ...]:
    """Return what the certificates of a CA bundle say, in order; raises CertificateError."""
    return tuple(_view_ca(each) for each in parse_certificates(ca_pem, label))


def inspect_pair(
    *, cert_pem: bytes, key_pem: bytes, ca_pem: bytes = b"", labels: Labels | None = None
) -> ServingPair:
    """Return the pair that may be served; raises CertificateError when the parts do not fit.

    An empty ``ca_pem`` means that there is no bundle to check against. Validity in time is not
    judged here (``check_validity``), so that an expired certificate can still be shown.
    """
    names = labels or Labels()
    chain = parse_certificates(cert_pem, names.cert)
    key = parse_key(key_pem, names.key)
    _check_key(chain, key, names)
    cert = _view_serving(chain[0], names.cert)
    ca = _check_signed(chain, ca_pem, names) if ca_pem.strip() else None
    pem = encode_key(key) + encode_certificates(chain)
    return ServingPair(cert=cert, ca=ca, rsa=isinstance(key, rsa.RSAPrivateKey), pem=pem)


def key_matches(cert_pem: bytes, key_pem: bytes) -> bool:
    """True when the first certificate was issued for the key; raises CertificateError on damage."""
    return key_fits(parse_certificates(cert_pem, "tls.crt")[0], parse_key(key_pem, "tls.key"))


def signed_by(cert_pem: bytes, ca_pem: bytes) -> bool:
    """True when the chain ends at a CA of the bundle; raises CertificateError on damage."""
    bundle = parse_certificates(ca_pem, "ca.crt")
    return _anchor(parse_certificates(cert_pem, "tls.crt"), bundle) is not None


def check_validity(cert: ServingCert | CaCert, now: datetime, *, label: str) -> None:
    """Raise CertificateError unless ``now`` lies within the certificate's life."""
    if now > cert.not_after:
        ago = _roughly(now - cert.not_after)
        problem = f"expired {ago} ago, at {show_time(cert.not_after)}; expected one valid now"
        raise CertificateError(label, problem)
    if now < cert.not_before:
        wait = _roughly(cert.not_before - now)
        problem = f"is not valid before {show_time(cert.not_before)}, in {wait}; expected one "
        problem += "valid now: compare this machine's clock with the issuer's"
        raise CertificateError(label, problem)


def check_names(
    cert: ServingCert, *, dns_names: Sequence[str], ip_addresses: Sequence[str], label: str
) -> None:
    """Raise CertificateError unless the certificate is good for all these names."""
    missing = [f"DNS {name}" for name in dns_names if not covers(cert.dns_names, name)]
    missing += [f"IP {address}" for address in ip_addresses if address not in cert.ip_addresses]
    if missing:
        problem = f"is for {show_names(cert)}; expected also {', '.join(missing)}"
        raise CertificateError(label, problem)


def issuer_of(cert_pem: bytes, ca_pem: bytes) -> CaCert | None:
    """The CA of the bundle at which the chain ends; raises CertificateError on damage."""
    chain = parse_certificates(cert_pem, "tls.crt")
    anchor = _anchor(chain, parse_certificates(ca_pem, "ca.crt"))
    return _view_ca(anchor) if anchor else None


def covers(names: Sequence[str], wanted: str) -> bool:
    """True when a certificate for ``names`` is good for ``wanted``.

    A wildcard stands for exactly one label (RFC 6125 6.4.3).
    """
    _, dot, parent = wanted.partition(".")
    return wanted in names or (bool(dot) and f"*.{parent}" in names)


def show_names(cert: ServingCert) -> str:
    """``DNS a.b.svc, IP 10.0.0.1``"""
    dns = [f"DNS {name}" for name in cert.dns_names]
    return ", ".join(dns + [f"IP {address}" for address in cert.ip_addresses])


def show_time(moment: datetime) -> str:
    """``2027-11-24 02:10:00 UTC``"""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def printable(text: str) -> str:
    """``text`` as somebody else wrote it, without line breaks or escapes to a terminal."""
    return text.encode("unicode_escape").decode("ascii")


def _check_key(chain: Sequence[x509.Certificate], key: PrivateKey, names: Labels) -> None:
    if key_fits(chain[0], key):
        return
    for number, certificate in enumerate(chain[1:], start=2):
        if key_fits(certificate, key):
            problem = f"the certificate of {names.key} is number {number} of {len(chain)}"
            raise CertificateError(names.cert, f"{problem}; expected it first, then its issuers")
    problem = f"is not the key of {names.cert}; expected the two from one issue"
    raise CertificateError(names.key, problem)


def _check_signed(chain: Sequence[x509.Certificate], ca_pem: bytes, names: Labels) -> CaCert:
    bundle = parse_certificates(ca_pem, names.ca)
    anchor = _anchor(chain, bundle)
    if anchor is None:
        issuer = printable(chain[-1].issuer.rfc4514_string())
        held = ", ".join(f"'{printable(ca.subject.rfc4514_string())}'" for ca in bundle[:3])
        problem = (
            f"is not signed by a CA of {names.ca} ({held}); expected one of them, not '{issuer}'"
        )
        raise CertificateError(names.cert, problem)
    return _view_ca(anchor)


def _anchor(
    chain: Sequence[x509.Certificate], bundle: Sequence[x509.Certificate]
) -> x509.Certificate | None:
    """The certificate of the bundle at which the chain ends, by way of its own intermediates."""
    current = chain[0]
    for _ in chain:
        if current in bundle:
            return current
        for candidate in bundle:
            if _issued(current, candidate):
                return candidate
        following = next((each for each in chain[1:] if _issued(current, each)), None)
        if following is None:
            return None
        current = following
    return None


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if not is_ca(issuer):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _view_serving(certificate: x509.Certificate, label: str) -> ServingCert:
    extensions = certificate.extensions
    usages = _extension(extensions, x509.ExtendedKeyUsage)
    allowed = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if usages is not None and not any(usage in allowed for usage in usages):
        problem = "is not for servers; expected the extended key usage serverAuth"
        raise CertificateError(label, problem)
    names = _extension(extensions, x509.SubjectAlternativeName)
    dns_names = names.get_values_for_type(x509.DNSName) if names else []
    addresses = names.get_values_for_type(x509.IPAddress) if names else []
    if not dns_names and not addresses:
        problem = "names no host; expected subject alternative names (the common name is ignored)"
        raise CertificateError(label, problem)
    issuer = _extension(extensions, x509.AuthorityKeyIdentifier)
    return ServingCert(
        subject=printable(certificate.subject.rfc4514_string()),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        dns_names=tuple(printable(name) for name in dns_names),
        ip_addresses=tuple(str(address) for address in addresses),
        issuer_key_id=(issuer.key_identifier or b"").hex() if issuer else "",
    )


def _view_ca(certificate: x509.Certificate) -> CaCert:
    key_id = _extension(certificate.extensions, x509.SubjectKeyIdentifier)
    return CaCert(
        subject=printable(certificate.subject.rfc4514_string()),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        key_id=key_id.digest.hex() if key_id else "",
    )


def _extension(extensions: x509.Extensions, kind: type[_Extension]) -> _Extension | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _roughly(span: timedelta) -> str:
    """``3 days``, ``5 hours``, ``2 minutes``: the largest unit that fits."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count = int(span.total_seconds()) // size
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a second"
