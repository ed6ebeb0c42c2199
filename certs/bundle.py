"""CA bundles: what API servers trust, merged so that nobody loses a trust that still holds. Pure.

While a CA is replaced, old and new must both be trusted, in files as in every ``caBundle``; and a
``caBundle`` may hold entries of others, which are not ours to judge. So a merge only ever leaves
out duplicates, what has expired, and text that no client reads as a certificate.
"""

import ssl
from collections.abc import Iterator
from datetime import datetime

from cryptography import x509

from certs.pem import CERTIFICATE, scan_blocks


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


def _certificates(bundle: bytes) -> Iterator[bytes]:
    for block in scan_blocks(bundle):
        if block.complete and block.label == CERTIFICATE and (der := block.der()):
            yield der


def _expired(der: bytes, now: datetime) -> bool:
    try:
        return x509.load_der_x509_certificate(der).not_valid_after_utc < now
    except (ValueError, x509.InvalidVersion):
        return False
