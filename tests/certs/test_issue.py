"""What we issue is what API servers and strict clients accept."""

import ipaddress
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store

from certs.issue import (
    BACKDATE,
    CA_LIFETIME,
    SERVING_LIFETIME,
    IssuedCert,
    KeyType,
    is_dns_name,
    is_ip_address,
    issue_ca,
    issue_serving,
)
from certs.pem import encode_key
from tests.certs.build import DAY, NAME, NOW, ca, leaf, made_elsewhere, message_of, parsed


def extension(
    cert: IssuedCert, kind: type[x509.ExtensionType]
) -> x509.Extension[x509.ExtensionType]:
    return parsed(cert.cert_pem).extensions.get_extension_for_class(kind)


def test_a_ca_may_sign_servers_and_no_further_ca() -> None:
    found = extension(ca(), x509.BasicConstraints)
    assert (found.critical, found.value) == (True, x509.BasicConstraints(ca=True, path_length=0))


def test_a_ca_signs_certificates_and_nothing_else() -> None:
    usage = parsed(ca().cert_pem).extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert not usage.value.digital_signature


def test_a_serving_certificate_is_for_servers_only() -> None:
    found = extension(leaf(), x509.ExtendedKeyUsage)
    assert found.value == x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


def test_a_serving_certificate_is_no_ca() -> None:
    found = extension(leaf(), x509.BasicConstraints)
    assert (found.critical, found.value) == (
        True,
        x509.BasicConstraints(ca=False, path_length=None),
    )


def test_a_serving_certificate_names_dns_names_and_addresses_once_each_in_order() -> None:
    cert = leaf(dns_names=("b.svc", "a.svc", "b.svc"), ip_addresses=("::1", "10.0.0.1", "0:0::1"))
    assert extension(cert, x509.SubjectAlternativeName).value == x509.SubjectAlternativeName(
        [
            x509.DNSName("b.svc"),
            x509.DNSName("a.svc"),
            x509.IPAddress(ipaddress.ip_address("::1")),
            x509.IPAddress(ipaddress.ip_address("10.0.0.1")),
        ]
    )


def test_a_serving_certificate_points_to_its_ca_by_key_id() -> None:
    own = parsed(ca().cert_pem).extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    pointer = parsed(leaf().cert_pem).extensions.get_extension_for_class(
        x509.AuthorityKeyIdentifier
    )
    assert pointer.value.key_identifier == own.value.digest


def test_a_ca_without_key_id_is_pointed_to_by_the_hash_of_its_key() -> None:
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    signer = made_elsewhere(constraints)
    cert = issue_serving(signer, now=NOW, dns_names=[NAME])
    pointer = parsed(cert.cert_pem).extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    key_id = x509.SubjectKeyIdentifier.from_public_key(parsed(signer.cert_pem).public_key())
    assert pointer.value.key_identifier == key_id.digest


def test_a_strict_verifier_accepts_what_we_issue() -> None:
    store = Store([parsed(ca().cert_pem)])
    verifier = PolicyBuilder().store(store).time(NOW).build_server_verifier(x509.DNSName(NAME))
    assert len(verifier.verify(parsed(leaf().cert_pem), [])) == 2


def test_a_ca_of_another_kind_of_key_can_sign() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    signer = made_elsewhere(x509.BasicConstraints(ca=True, path_length=None), key=key)
    issued = parsed(issue_serving(signer, now=NOW, dns_names=[NAME]).cert_pem)
    issued.verify_directly_issued_by(parsed(signer.cert_pem))


def test_validity_begins_five_minutes_back_and_runs_its_life_from_now() -> None:
    for cert, lifetime in ((ca(), CA_LIFETIME), (leaf(), SERVING_LIFETIME)):
        found = parsed(cert.cert_pem)
        assert found.not_valid_before_utc == NOW - BACKDATE
        assert found.not_valid_after_utc == NOW + lifetime


def test_a_fraction_of_a_second_is_cut_off() -> None:
    cert = issue_ca(now=NOW + timedelta(microseconds=999_999))
    assert parsed(cert.cert_pem).not_valid_after_utc == NOW + CA_LIFETIME


def test_a_serving_certificate_never_outlives_its_ca() -> None:
    signer = ca(lifetime=10 * DAY)
    assert parsed(leaf(signer=signer).cert_pem).not_valid_after_utc == NOW + 10 * DAY


def test_a_serving_certificate_never_begins_before_its_ca() -> None:
    later = NOW + timedelta(minutes=2)
    signer = ca(now=later)
    cert = leaf(signer=signer, now=later - timedelta(minutes=1))
    assert parsed(cert.cert_pem).not_valid_before_utc == later - BACKDATE


def test_two_cas_never_share_a_name_a_serial_or_a_key() -> None:
    one, two = parsed(ca(1).cert_pem), parsed(ca(2).cert_pem)
    assert one.subject != two.subject
    assert one.serial_number != two.serial_number
    assert one.public_key() != two.public_key()


def test_keys_are_p256_unless_rsa_is_asked_for() -> None:
    key = parsed(leaf().cert_pem).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_rsa_keys_have_3072_bits_and_may_also_encipher_keys() -> None:
    signer = ca(key_type=KeyType.RSA)
    cert = issue_serving(signer, now=NOW, dns_names=[NAME], key_type=KeyType.RSA)
    key = parsed(cert.cert_pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 3072
    usage = parsed(cert.cert_pem).extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment) == (True, True)


def test_a_key_never_shows_in_a_repr() -> None:
    assert "PRIVATE" not in repr(ca())


@pytest.mark.parametrize(
    ("name", "shown"), [("", "''"), ("Gate.svc", "'Gate.svc'"), ("a\n", "'a\\n'")]
)
def test_a_bad_dns_name_is_refused(name: str, shown: str) -> None:
    assert message_of(lambda: issue_serving(ca(), now=NOW, dns_names=[name])) == (
        f"{shown}: is no DNS name; expected lower-case labels of a-z, 0-9 and -, such as a.b.svc"
    )


def test_a_bad_address_is_refused() -> None:
    found = message_of(lambda: issue_serving(ca(), now=NOW, ip_addresses=["10.0.0.0/8"]))
    assert found == "'10.0.0.0/8': is no IP address; expected one such as 10.0.0.1 or fd00::1"


def test_a_certificate_without_names_is_refused() -> None:
    found = message_of(lambda: issue_serving(ca(), now=NOW))
    assert found == "serving certificate: names no host; expected a DNS name or an IP"


def test_an_expired_ca_does_not_sign() -> None:
    late = NOW + CA_LIFETIME + DAY
    assert message_of(lambda: issue_serving(ca(), now=late, dns_names=[NAME])) == (
        "CA certificate: is valid from 2026-11-24 11:55:00+00:00 to 2036-11-21 12:00:00+00:00; "
        "expected one valid at 2036-11-22 12:00:00+00:00"
    )


def test_a_ca_with_another_key_does_not_sign() -> None:
    mixed = IssuedCert(cert_pem=ca(1).cert_pem, key_pem=ca(2).key_pem)
    assert message_of(lambda: issue_serving(mixed, now=NOW, dns_names=[NAME])) == (
        "CA key: is not the key of the CA certificate; expected that one"
    )


def test_a_certificate_that_is_no_ca_does_not_sign() -> None:
    assert message_of(lambda: issue_serving(leaf(), now=NOW, dns_names=[NAME])) == (
        "CA certificate: is no CA; expected basic constraints with CA:TRUE"
    )


def test_a_certificate_without_basic_constraints_does_not_sign() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    plain = made_elsewhere(key=key)
    assert plain.key_pem == encode_key(key)
    assert message_of(lambda: issue_serving(plain, now=NOW, dns_names=[NAME])) == (
        "CA certificate: is no CA; expected basic constraints with CA:TRUE"
    )


@pytest.mark.parametrize("text", ["a", "*.a.svc", "a-b.c0.svc", "x" * 63, ".".join(["a" * 61] * 4)])
def test_dns_names(text: str) -> None:
    assert is_dns_name(text)


@pytest.mark.parametrize(
    "text",
    ["a.", ".a", "-a", "a-", "a_b", "*", "a.*.b", "x" * 64, ".".join(["a" * 63] * 4), "ä.svc"],
)
def test_no_dns_names(text: str) -> None:
    assert not is_dns_name(text)


def test_an_address_with_a_zone_is_none_that_a_certificate_can_carry() -> None:
    assert is_ip_address("fe80::1")
    assert not is_ip_address("fe80::1%eth0")
