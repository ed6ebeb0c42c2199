"""Each way a file can be unreadable has one message: where, what is wrong, what is expected."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from certs.pem import encode_key, parse_certificates, parse_key, scan_blocks
from tests.certs.build import ca, leaf, message_of, with_old_passphrase, with_passphrase

CRT, KEY = "/tls/tls.crt", "/tls/tls.key"
WANT_CRT = "expected a PEM certificate (-----BEGIN CERTIFICATE-----)"
WANT_KEY = "expected a PEM private key (-----BEGIN PRIVATE KEY-----)"
OPEN_IT = "expected a key without a passphrase: openssl pkey -in FILE -out NEW"
DER = base64.b64decode(b"".join(leaf().cert_pem.splitlines()[1:-1]))


def block(label: str, body: bytes) -> bytes:
    return f"-----BEGIN {label}-----\n".encode() + body + f"\n-----END {label}-----\n".encode()


BAD_CERTIFICATES = {
    "empty": (b"", f"is empty; {WANT_CRT}"),
    "blank": (b" \n\n", f"is empty; {WANT_CRT}"),
    "text": (b"hello\n", f"is not PEM; {WANT_CRT}"),
    "binary": (b"\x00\xff" * 500, f"is not PEM; {WANT_CRT}"),
    "DER": (DER, f"is DER; {WANT_CRT}"),
    "a key": (leaf().key_pem, f"holds a private key, no certificate; {WANT_CRT}"),
    "a key beside": (
        leaf().key_pem + leaf().cert_pem,
        "holds a private key beside the certificate; expected certificates only",
    ),
    "a request": (
        block("CERTIFICATE REQUEST", b"AAAA"),
        f"holds CERTIFICATE REQUEST, no certificate; {WANT_CRT}",
    ),
    "cut off": (
        leaf().cert_pem[:200],
        "is cut off; expected -----END CERTIFICATE----- at its end",
    ),
    "no base64": (
        block("CERTIFICATE", b"!!!!"),
        "certificate 1 of 1 is damaged; expected the base64 of an X.509 certificate",
    ),
    "no DER": (
        block("CERTIFICATE", b"AAAA"),
        "certificate 1 of 1 is damaged; expected the base64 of an X.509 certificate",
    ),
    "damaged second": (
        leaf().cert_pem + block("CERTIFICATE", base64.b64encode(DER[:-9])),
        "certificate 2 of 2 is damaged; expected the base64 of an X.509 certificate",
    ),
}


@pytest.mark.parametrize("case", BAD_CERTIFICATES)
def test_a_file_without_readable_certificates_is_refused(case: str) -> None:
    pem, problem = BAD_CERTIFICATES[case]
    assert message_of(lambda: parse_certificates(pem, CRT)) == f"{CRT}: {problem}"


BAD_KEYS = {
    "empty": (b"", f"is empty; {WANT_KEY}"),
    "text": (b"hello\n", f"is not PEM; {WANT_KEY}"),
    "a certificate": (leaf().cert_pem, f"holds a certificate, no private key; {WANT_KEY}"),
    "parameters": (
        block("EC PARAMETERS", b"AAAA"),
        f"holds EC PARAMETERS, no private key; {WANT_KEY}",
    ),
    "two": (leaf().key_pem * 2, "holds 2 private keys; expected one"),
    "cut off": (
        leaf().key_pem[:100],
        "is cut off; expected -----END PRIVATE KEY----- at its end",
    ),
    "encrypted": (with_passphrase(leaf().key_pem), f"the private key is encrypted; {OPEN_IT}"),
    "encrypted of old": (
        with_old_passphrase(leaf().key_pem),
        f"the private key is encrypted; {OPEN_IT}",
    ),
    "damaged": (
        block("PRIVATE KEY", b"AAAA"),
        "the private key is damaged; expected ECDSA, RSA or Ed25519 in PKCS #8",
    ),
    "small RSA": (
        lambda: rsa.generate_private_key(65537, 1024),
        "the private key is an RSA key of 1024 bits; expected 2048 or more",
    ),
    "odd curve": (
        lambda: ec.generate_private_key(ec.SECP256K1()),
        "the private key is an ECDSA key on secp256k1; expected one on P-256, P-384, P-521",
    ),
    "DSA": (
        lambda: dsa.generate_private_key(2048),
        "the private key is a DSA key; expected ECDSA, RSA or Ed25519",
    ),
    "Ed448": (
        ed448.Ed448PrivateKey.generate,
        "the private key is an Ed448 key; expected ECDSA, RSA or Ed25519",
    ),
}


@pytest.mark.parametrize("case", BAD_KEYS)
def test_a_file_without_a_usable_key_is_refused(case: str) -> None:
    given, problem = BAD_KEYS[case]
    pem = given if isinstance(given, bytes) else encode_key(given())  # type: ignore[operator]  # bytes or a class of keys
    assert message_of(lambda: parse_key(pem, KEY)) == f"{KEY}: {problem}"


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()]
)
def test_keys_that_api_servers_accept_are_read(key: ec.EllipticCurvePrivateKey) -> None:
    assert encode_key(parse_key(encode_key(key), KEY)) == encode_key(key)


def test_a_key_after_its_curve_as_openssl_writes_it_is_read() -> None:
    key = parse_key(leaf().key_pem, KEY)
    old = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    assert encode_key(parse_key(block("EC PARAMETERS", b"BggqhkjOPQMBBw==") + old, KEY)) == (
        leaf().key_pem
    )


def test_a_chain_is_read_in_order_with_text_and_windows_line_ends() -> None:
    pem = b"my CA\r\n" + ca().cert_pem.replace(b"\n", b"\r\n") + b"# leaf\n" + leaf().cert_pem
    found = parse_certificates(pem, CRT)
    assert [parse_certificates(each, CRT)[0] for each in (ca().cert_pem, leaf().cert_pem)] == [
        *found
    ]


def test_a_block_that_begins_within_another_replaces_it() -> None:
    found = list(scan_blocks(b"-----BEGIN CERTIFICATE-----\nAAAA\n" + block("X", b"BBBB")))
    assert [(each.label, each.der()) for each in found] == [("X", b"\x04\x10A")]


def test_an_end_without_its_begin_is_skipped() -> None:
    found = list(scan_blocks(b"-----END X-----\n-----BEGIN A-----\n-----END B-----\n"))
    assert [(each.label, each.complete) for each in found] == [("A", False)]


def test_a_megabyte_of_begin_lines_is_read_in_a_moment() -> None:
    pem = b"-----BEGIN CERTIFICATE-----\n" * 40_000
    assert message_of(lambda: parse_certificates(pem, CRT)) == (
        f"{CRT}: is cut off; expected -----END CERTIFICATE----- at its end"
    )
