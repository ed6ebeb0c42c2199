"""CA bundles: what API servers trust, merged so that nobody loses a trust that still holds. Pure.

While a CA is replaced, old and new must both be trusted, in files as in every ``caBundle``. A file
of ours is merged: only duplicates, what has expired, and text that no client reads as a
certificate are left out. A ``caBundle`` may hold entries of others, which are not ours to judge:
it is amended, and every byte that is not one of our own certificates stays.
"""

import hashlib
import ssl
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from certs.pem import CERTIFICATE, is_boundary, scan_blocks


def merge_bundles(*bundles: bytes, now: datetime) -> bytes:
    """Return all certificates of the bundles as one PEM text, in order of first appearance.

    Dropped: duplicates, certificates that ended before ``now``, and what Go and OpenSSL skip too
    (comments, other blocks, bodies that are not base64). Kept: everything else, also one that is
    not valid yet, is no CA, or that this library cannot parse but Go perhaps can.
    """
    kept = dict.fromkeys(
        der for bundle in bundles for der in _certificates(bundle) if not _expired(der, now)
    )
    return "".join(map(ssl.DER_cert_to_PEM_cert, kept)).encode("ascii")


def amend_bundle(bundle: bytes, *, add: Collection[bytes], drop: Collection[bytes]) -> bytes:
    """Return the bundle with the certificates of ``add`` in it and none of ``drop``, both DER.

    What is neither stays byte for byte: certificates of others, expired ones too, and whatever
    else somebody has written there. What is added stands at the end, on lines of its own.
    """
    kept = b"".join(
        part.text for part in _parts(bundle) if part.der is None or part.der not in drop
    )
    for der in add:
        if der not in drop and not holds(kept, der):
            kept += b"\n" if kept and not kept.endswith(b"\n") else b""
            kept += pem_of(der)
    return kept


def holds(bundle: bytes, der: bytes) -> bool:
    """True when every client finds the certificate: in the form it was added in, on its own lines.

    Go, for one, overlooks a certificate that somebody has indented, so that is not good enough.
    """
    return b"\n" + pem_of(der) in b"\n" + bundle


def fingerprint_of(der: bytes) -> str:
    """SHA-256 of a certificate, as openssl prints it."""
    return hashlib.sha256(der).digest().hex(":").upper()


def pem_of(der: bytes) -> bytes:
    """A certificate in the form in which it is added."""
    return ssl.DER_cert_to_PEM_cert(der).encode("ascii")


def by_fingerprint(bundle: bytes) -> dict[str, bytes]:
    """The certificates of a bundle, DER, in order."""
    return {fingerprint_of(der): der for der in _certificates(bundle)}


def overlooked(bundle: bytes) -> int:
    """How many bytes of a bundle are no certificate to anybody, blank ones not counted."""
    texts = (b"".join(part.text.split()) for part in _parts(bundle) if part.der is None)
    return sum(map(len, texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A run of lines; ``der`` is None when they are no certificate."""

    text: bytes
    der: bytes | None = None


def _parts(bundle: bytes) -> Iterator[_Part]:
    """The whole text in order: each certificate from its BEGIN to its END line, and what is not."""
    held: list[bytes] = []
    for line in bundle.splitlines(keepends=True):
        if is_boundary(line, "BEGIN"):
            yield from _flushed(held)
        held.append(line)
        if is_boundary(line, "END"):
            yield from _flushed(held)
    yield from _flushed(held)


def _flushed(held: list[bytes]) -> Iterator[_Part]:
    if text := b"".join(held):
        yield _Part(text=text, der=next(_certificates(text), None))
    held.clear()


def _certificates(bundle: bytes) -> Iterator[bytes]:
    for block in scan_blocks(bundle):
        if block.complete and block.label == CERTIFICATE and (der := block.der()):
            yield der


def _expired(der: bytes, now: datetime) -> bool:
    try:
        return x509.load_der_x509_certificate(der).not_valid_after_utc < now
    except (ValueError, x509.InvalidVersion):
        return False
