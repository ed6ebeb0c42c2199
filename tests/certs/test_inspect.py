"""What is served is what API servers accept; everything else has one message each."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.inspect import (
    Labels,
    check_names,
    check_validity,
    inspect_bundle,
    inspect_pair,
    inspect_serving,
    key_matches,
    show_names,
    signed_by,
)
from certs.issue import BACKDATE, SERVING_LIFETIME, IssuedCert
from certs.pem import parse_key
from tests.certs.build import (
    DAY,
    NAME,
    NOW,
    ca,
    leaf,
    made_elsewhere,
    message_of,
    parsed,
    with_passphrase,
)

SAN = x509.SubjectAlternativeName([x509.DNSName(NAME)])
CA_TRUE = x509.BasicConstraints(ca=True, path_length=None)


def intermediate() -> IssuedCert:
    root = parsed(ca().cert_pem).subject.rfc4514_string().removeprefix("CN=")
    return made_elsewhere(
        CA_TRUE, subject="between", issuer=(root, parse_key(ca().key_pem, "ca.key"))
    )


def below(middle: IssuedCert) -> IssuedCert:
    return made_elsewhere(SAN, issuer=("between", parse_key(middle.key_pem, "key")))


def test_a_serving_certificate_says_when_for_whom_and_by_whom() -> None:
    found = inspect_serving(leaf().cert_pem)
    assert (found.not_before, found.not_after) == (NOW - BACKDATE, NOW + SERVING_LIFETIME)
    assert (found.dns_names, found.ip_addresses) == ((NAME,), ("10.0.0.1",))
    assert found.issuer_key_id == inspect_bundle(ca().cert_pem)[0].key_id
    assert found.subject == "CN=runtimegate"


def test_renewal_is_due_after_two_thirds_of_a_life() -> None:
    found = inspect_serving(leaf(lifetime=90 * DAY - BACKDATE).cert_pem)
    assert found.renew_at == NOW - BACKDATE + 60 * DAY


def test_the_fingerprint_is_the_one_that_openssl_prints() -> None:
    digest = inspect_serving(leaf().cert_pem).fingerprint
    assert len(digest) == 32 * 3 - 1
    assert digest == digest.upper()
    assert digest.split(":")[0] == f"{parsed(leaf().cert_pem).fingerprint(hashes.SHA256())[0]:02X}"


def test_a_certificate_without_key_ids_has_empty_ones() -> None:
    assert inspect_serving(made_elsewhere(SAN).cert_pem).issuer_key_id == ""
    assert inspect_bundle(made_elsewhere(CA_TRUE).cert_pem)[0].key_id == ""


def test_a_bundle_is_shown_in_order() -> None:
    found = inspect_bundle(ca(1).cert_pem + ca(2).cert_pem)
    assert [each.subject for each in found] == [
        parsed(each.cert_pem).subject.rfc4514_string() for each in (ca(1), ca(2))
    ]


def test_a_pair_that_fits_is_returned_with_its_ca() -> None:
    found = inspect_pair(
        cert_pem=leaf().cert_pem, key_pem=leaf().key_pem, ca_pem=ca(1).cert_pem + ca().cert_pem
    )
    assert found.cert == inspect_serving(leaf().cert_pem)
    assert found.ca == inspect_bundle(ca().cert_pem)[0]
    assert found.pem == leaf().key_pem + leaf().cert_pem


def test_without_a_bundle_a_pair_has_no_ca() -> None:
    found = inspect_pair(cert_pem=leaf().cert_pem, key_pem=leaf().key_pem, ca_pem=b"\n")
    assert found.ca is None


def test_a_chain_over_an_intermediate_is_followed_to_its_ca() -> None:
    middle = intermediate()
    end = below(middle)
    found = inspect_pair(
        cert_pem=end.cert_pem + middle.cert_pem, key_pem=end.key_pem, ca_pem=ca().cert_pem
    )
    assert found.ca == inspect_bundle(ca().cert_pem)[0]


def test_a_chain_without_its_intermediate_is_refused() -> None:
    end = below(intermediate())
    assert not signed_by(end.cert_pem, ca().cert_pem)


def test_certificates_that_signed_each_other_are_not_followed_for_ever() -> None:
    one, two = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    first = made_elsewhere(CA_TRUE, key=one, subject="one", issuer=("two", two))
    second = made_elsewhere(CA_TRUE, key=two, subject="two", issuer=("one", one))
    end = made_elsewhere(SAN, issuer=("one", one))
    assert not signed_by(end.cert_pem + first.cert_pem + second.cert_pem, ca().cert_pem)


def test_a_self_signed_certificate_may_be_its_own_bundle() -> None:
    alone = made_elsewhere(SAN)
    assert signed_by(alone.cert_pem, alone.cert_pem)


def test_what_a_certificate_that_is_no_ca_signed_does_not_count() -> None:
    maker = made_elsewhere(SAN, subject="maker")
    end = made_elsewhere(SAN, issuer=("maker", parse_key(maker.key_pem, "key")))
    assert not signed_by(end.cert_pem, maker.cert_pem)


def test_a_namesake_of_the_ca_does_not_count() -> None:
    namesake = made_elsewhere(
        CA_TRUE, subject=parsed(ca().cert_pem).subject.rfc4514_string().removeprefix("CN=")
    )
    assert not signed_by(leaf().cert_pem, namesake.cert_pem)
    assert signed_by(leaf().cert_pem, namesake.cert_pem + ca().cert_pem)


def test_a_key_matches_the_certificate_that_was_issued_for_it() -> None:
    assert key_matches(leaf(1).cert_pem, leaf(1).key_pem)
    assert not key_matches(leaf(1).cert_pem, leaf(2).key_pem)


WANT_CRT = "expected a PEM certificate (-----BEGIN CERTIFICATE-----)"
OPEN_IT = "expected a key without a passphrase: openssl pkey -in FILE -out NEW"
CA_0, CA_1 = (parsed(each.cert_pem).subject.rfc4514_string() for each in (ca(), ca(1)))
BAD_PAIRS = {
    "half-written": (
        {"cert_pem": leaf(1).cert_pem, "key_pem": leaf(2).key_pem},
        "tls.key: is not the key of tls.crt; expected the two from one issue",
    ),
    "wrong order": (
        {"cert_pem": ca().cert_pem + leaf().cert_pem, "key_pem": leaf().key_pem},
        "tls.crt: the certificate of tls.key is number 2 of 2; expected it first, then its issuers",
    ),
    "another CA": (
        {"cert_pem": leaf().cert_pem, "key_pem": leaf().key_pem, "ca_pem": ca(1).cert_pem},
        f"tls.crt: is not signed by a CA of ca.crt ('{CA_1}'); expected one of them, not '{CA_0}'",
    ),
    "damaged bundle": (
        {"cert_pem": leaf().cert_pem, "key_pem": leaf().key_pem, "ca_pem": b"x"},
        f"ca.crt: is not PEM; {WANT_CRT}",
    ),
    "encrypted": (
        {"cert_pem": leaf().cert_pem, "key_pem": with_passphrase(leaf().key_pem)},
        f"tls.key: the private key is encrypted; {OPEN_IT}",
    ),
    "swapped": (
        {"cert_pem": leaf().key_pem, "key_pem": leaf().cert_pem},
        f"tls.crt: holds a private key, no certificate; {WANT_CRT}",
    ),
}


@pytest.mark.parametrize("case", BAD_PAIRS)
def test_a_pair_that_does_not_fit_is_refused(case: str) -> None:
    given, message = BAD_PAIRS[case]
    assert message_of(lambda: inspect_pair(**given)) == message  # type: ignore[arg-type]  # a table of arguments


def test_messages_name_the_files_they_are_given() -> None:
    labels = Labels(cert="/a/tls.crt", key="/b/tls.key")
    found = message_of(
        lambda: inspect_pair(cert_pem=leaf(1).cert_pem, key_pem=leaf(2).key_pem, labels=labels)
    )
    assert found == "/b/tls.key: is not the key of /a/tls.crt; expected the two from one issue"


def test_a_certificate_without_names_is_refused() -> None:
    assert message_of(lambda: inspect_serving(made_elsewhere().cert_pem)) == (
        "tls.crt: names no host; expected subject alternative names (the common name is ignored)"
    )


def test_a_certificate_for_clients_is_refused() -> None:
    client = made_elsewhere(SAN, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]))
    assert message_of(lambda: inspect_serving(client.cert_pem, label="a.crt")) == (
        "a.crt: is not for servers; expected the extended key usage serverAuth"
    )


def test_a_certificate_for_any_use_is_for_servers_too() -> None:
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    assert inspect_serving(made_elsewhere(SAN, usage).cert_pem).dns_names == (NAME,)


def test_line_breaks_and_escapes_in_names_are_shown_as_text() -> None:
    san = x509.SubjectAlternativeName([x509.DNSName("a\n\x1b[31m")])
    found = inspect_serving(made_elsewhere(san, subject="x\ny").cert_pem)
    assert show_names(found) == "DNS a\\n\\x1b[31m"
    assert "\n" not in found.subject


def test_an_expired_certificate_is_refused() -> None:
    cert = inspect_serving(leaf().cert_pem)
    late = NOW + SERVING_LIFETIME + 3 * DAY + timedelta(hours=5)
    assert message_of(lambda: check_validity(cert, late, label="tls.crt")) == (
        "tls.crt: expired 3 days ago, at 2027-11-24 12:00:00 UTC; expected one valid now"
    )


def test_a_certificate_is_valid_through_its_last_second() -> None:
    cert = inspect_serving(leaf().cert_pem)
    check_validity(cert, NOW + SERVING_LIFETIME, label="tls.crt")
    late = NOW + SERVING_LIFETIME + timedelta(microseconds=1)
    assert message_of(lambda: check_validity(cert, late, label="tls.crt")) == (
        "tls.crt: expired less than a second ago, at 2027-11-24 12:00:00 UTC; "
        "expected one valid now"
    )


def test_a_certificate_of_tomorrow_is_refused_and_the_clocks_are_named() -> None:
    cert = inspect_bundle(ca().cert_pem)[0]
    assert message_of(lambda: check_validity(cert, NOW - DAY, label="ca.crt")) == (
        "ca.crt: is not valid before 2026-11-24 11:55:00 UTC, in 23 hours; "
        "expected one valid now: compare this machine's clock with the issuer's"
    )


def test_a_certificate_for_other_names_is_refused() -> None:
    cert = inspect_serving(leaf().cert_pem)
    names = [NAME, "other.ns.svc"]
    found = message_of(
        lambda: check_names(cert, dns_names=names, ip_addresses=["::1"], label="tls.crt")
    )
    assert found == (
        "tls.crt: is for DNS gate.ns.svc, IP 10.0.0.1; expected also DNS other.ns.svc, IP ::1"
    )


def test_a_wildcard_is_good_for_one_label() -> None:
    cert = inspect_serving(leaf(dns_names=("*.ns.svc",)).cert_pem)
    check_names(cert, dns_names=["a.ns.svc", "*.ns.svc"], ip_addresses=[], label="tls.crt")
    for name in ("a.b.ns.svc", "ns.svc", "localhost"):
        assert (
            message_of(
                lambda name=name: check_names(  # type: ignore[misc]  # a table of arguments
                    cert, dns_names=[name], ip_addresses=[], label="tls.crt"
                )
            )
            == f"tls.crt: is for DNS *.ns.svc, IP 10.0.0.1; expected also DNS {name}"
        )
