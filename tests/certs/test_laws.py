"""Whatever a file holds: it is read, or refused with one line that says why."""

import base64
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from certs.errors import CertificateError
from certs.inspect import inspect_bundle, inspect_pair
from tests.certs.build import ca, leaf


@cache
def good() -> tuple[bytes, bytes, bytes]:
    return leaf().cert_pem, leaf().key_pem, ca().cert_pem


def outcome(cert_pem: bytes, key_pem: bytes, ca_pem: bytes) -> str:
    """Empty, or the message."""
    try:
        inspect_pair(cert_pem=cert_pem, key_pem=key_pem, ca_pem=ca_pem)
        inspect_bundle(ca_pem)
    except CertificateError as error:
        return str(error)
    return ""


def spoiled(pem: bytes, position: int, byte: int) -> bytes:
    """The PEM with one byte of its DER replaced."""
    first, *body, last = pem.splitlines()
    der = bytearray(base64.b64decode(b"".join(body)))
    der[position % len(der)] = byte
    return b"\n".join((first, base64.b64encode(der), last, b""))


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@given(st.integers(0, 2), st.integers(0, 2000), st.integers(0, 255))
@example(2, 922, 0)
def test_any_byte_may_be_wrong(which: int, position: int, byte: int) -> None:
    files = list(good())
    files[which] = spoiled(files[which], position, byte)
    assert "\n" not in outcome(*files)


@given(st.integers(0, 2), st.integers(0, 1500))
def test_any_file_may_be_cut_off(which: int, length: int) -> None:
    files = list(good())
    files[which] = files[which][:length]
    assert "\n" not in outcome(*files)


@given(st.binary(), st.binary(), st.binary())
@example(b"-----BEGIN A\n-----", b"-----BEGIN PRIVATE KEY-----", b"\xef\xbb\xbf")
def test_any_bytes_may_be_given(cert_pem: bytes, key_pem: bytes, ca_pem: bytes) -> None:
    assert "\n" not in outcome(cert_pem, key_pem, ca_pem)
