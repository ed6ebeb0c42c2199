"""The laws of merging: nobody loses a trust that still holds."""

import base64
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from certs.bundle import amend_bundle, by_fingerprint, holds, merge_bundles, overlooked
from tests.certs.build import DAY, NOW, ca, leaf, made_elsewhere, parsed

LATER = NOW + 100 * DAY


@cache
def pool() -> dict[bytes, bool]:
    """Certificates as PEM, and whether they still hold at LATER."""
    return {
        **{ca(number).cert_pem: True for number in range(4)},
        **{ca(number, lifetime=50 * DAY).cert_pem: False for number in range(10, 13)},
        ca(20, now=LATER + 5 * DAY).cert_pem: True,
        ca(21, lifetime=100 * DAY).cert_pem: True,
        leaf().cert_pem: True,
        made_elsewhere().cert_pem: True,
    }


NOISE = st.sampled_from(
    [
        b"",
        b"# a comment\n",
        b"Subject: CN=somebody\n\n",
        b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
        b"-----END CERTIFICATE-----\n",
    ]
)
CERTIFICATES = st.deferred(lambda: st.sampled_from(sorted(pool())))
BUNDLES = st.lists(st.one_of(CERTIFICATES, CERTIFICATES, NOISE), max_size=8).map(b"".join)


def held(bundle: bytes) -> list[bytes]:
    """The certificates of a merged bundle, each as its own PEM."""
    end = b"-----END CERTIFICATE-----\n"
    return [each + end for each in bundle.split(end)[:-1]]


@given(BUNDLES)
def test_merging_again_changes_nothing(bundle: bytes) -> None:
    merged = merge_bundles(bundle, now=LATER)
    assert merge_bundles(merged, now=LATER) == merged
    assert merge_bundles(merged, bundle, now=LATER) == merged


@given(BUNDLES, BUNDLES)
def test_exactly_what_still_holds_is_kept(old: bytes, new: bytes) -> None:
    wanted = {pem for pem, holds in pool().items() if holds and pem in old + new}
    assert set(held(merge_bundles(old, new, now=LATER))) == wanted


@given(BUNDLES, BUNDLES)
def test_nothing_is_held_twice(old: bytes, new: bytes) -> None:
    found = held(merge_bundles(old, new, now=LATER))
    assert len(found) == len(set(found))


@given(BUNDLES, BUNDLES)
def test_the_old_stay_where_they_are_and_the_new_follow(old: bytes, new: bytes) -> None:
    before = merge_bundles(old, now=LATER)
    assert merge_bundles(old, new, now=LATER).startswith(before)


@given(BUNDLES, BUNDLES, BUNDLES)
def test_it_does_not_matter_in_how_many_steps_bundles_are_merged(
    a: bytes, b: bytes, c: bytes
) -> None:
    at_once = merge_bundles(a, b, c, now=LATER)
    assert merge_bundles(merge_bundles(a, b, now=LATER), c, now=LATER) == at_once
    assert merge_bundles(a, merge_bundles(b, c, now=LATER), now=LATER) == at_once


@given(BUNDLES, st.binary(max_size=200))
def test_any_bytes_after_a_bundle_take_nothing_away(bundle: bytes, junk: bytes) -> None:
    before = set(held(merge_bundles(bundle, now=LATER)))
    assert before <= set(held(merge_bundles(bundle + b"\n" + junk, now=LATER)))


@given(st.binary())
def test_any_bytes_can_be_merged(junk: bytes) -> None:
    merge_bundles(junk, now=LATER)


def test_the_old_ca_is_kept_beside_the_new() -> None:
    merged = merge_bundles(ca(1).cert_pem, ca(2).cert_pem, now=NOW)
    assert merged == ca(1).cert_pem + ca(2).cert_pem


def test_a_ca_is_kept_through_its_last_second() -> None:
    last = ca(30, lifetime=50 * DAY)
    assert merge_bundles(last.cert_pem, now=parsed(last.cert_pem).not_valid_after_utc)


def test_a_certificate_that_only_others_can_parse_is_kept() -> None:
    body = base64.encodebytes(b"\x30\x82 what a later standard may bring " * 4)
    foreign = b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"
    merged = merge_bundles(foreign, ca().cert_pem, now=NOW)
    assert merge_bundles(merged, now=NOW) == merged
    assert b"".join(body.split()) in b"".join(merged.split())


def test_a_block_that_is_cut_off_is_left_out() -> None:
    assert merge_bundles(ca().cert_pem + leaf().cert_pem[:100], now=NOW) == ca().cert_pem


def test_a_private_key_in_a_bundle_is_left_out() -> None:
    assert merge_bundles(ca().key_pem + ca().cert_pem, now=NOW) == ca().cert_pem


def test_a_bundle_of_windows_reads_the_same() -> None:
    assert merge_bundles(ca().cert_pem.replace(b"\n", b"\r\n"), now=NOW) == ca().cert_pem


@pytest.mark.parametrize("bundle", [b"", b"\n", ca(10, lifetime=50 * DAY).cert_pem])
def test_nothing_that_holds_is_an_empty_bundle(bundle: bytes) -> None:
    assert merge_bundles(bundle, now=LATER) == b""


def test_what_is_merged_is_read_by_openssl() -> None:
    merged = merge_bundles(ca(1).cert_pem, b"# hand-made\n", ca(2).cert_pem, now=NOW)
    assert len(x509.load_pem_x509_certificates(merged)) == 2


DERS = CERTIFICATES.map(parsed).map(
    lambda certificate: certificate.public_bytes(serialization.Encoding.DER)
)


@given(BUNDLES, st.lists(DERS, max_size=3), st.lists(DERS, max_size=2))
def test_an_amended_bundle_holds_what_was_added_and_nothing_dropped(
    bundle: bytes, add: list[bytes], drop: list[bytes]
) -> None:
    amended = amend_bundle(bundle, add=add, drop=drop)
    assert all(holds(amended, der) for der in add if der not in drop)
    assert not set(drop) & set(by_fingerprint(amended).values())


@given(BUNDLES, st.lists(DERS, max_size=3), st.lists(DERS, max_size=2))
def test_amending_again_changes_nothing(bundle: bytes, add: list[bytes], drop: list[bytes]) -> None:
    amended = amend_bundle(bundle, add=add, drop=drop)
    assert amend_bundle(amended, add=add, drop=drop) == amended


@given(st.binary(max_size=300), DERS)
def test_what_others_wrote_stays_byte_for_byte(theirs: bytes, der: bytes) -> None:
    added = amend_bundle(theirs, add=[der], drop=[])
    assert added.startswith(theirs)
    assert amend_bundle(added, add=[], drop=[der]).rstrip(b"\n") == theirs.rstrip(b"\n")


def test_an_indented_copy_does_not_count_for_go_overlooks_it() -> None:
    indented = ca().cert_pem.replace(b"-----BEGIN", b"  -----BEGIN")
    (der,) = by_fingerprint(indented).values()
    assert not holds(indented, der)
    assert amend_bundle(indented, add=[der], drop=[]) == indented + ca().cert_pem


def test_what_is_no_certificate_is_counted_without_blanks() -> None:
    assert overlooked(ca().cert_pem + b"# a b\n\n" + leaf().cert_pem) == 3
