"""A directory brought into order, again and again over the years."""

import threading
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from certs.bootstrap import (
    Change,
    Names,
    bootstrap,
    local_names,
    renew,
    self_signed_pair,
    service_names,
    status,
)
from certs.files import load_serving, write_files
from certs.inspect import inspect_bundle, signed_by
from certs.issue import CA_LIFETIME, SERVING_LIFETIME, KeyType
from certs.pem import parse_certificates
from certs.plan import Nothing, RenewServing, RotateCA
from tests.certs.build import DAY, NAME, NOW, ca, leaf, message_of, with_passphrase

NAMES = Names(dns_names=(NAME,))
YEAR = SERVING_LIFETIME


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def kinds(steps: tuple[Change, ...]) -> list[type[Change]]:
    return [type(step) for step in steps]


def test_an_empty_directory_gets_a_ca_and_a_pair(tmp_path: Path) -> None:
    found = bootstrap(tmp_path / "tls", NAMES, now=NOW)
    assert found.steps == (
        RotateCA(reason=f"there is no {tmp_path}/tls/ca.crt yet"),
        RenewServing(reason=f"there is no {tmp_path}/tls/tls.crt yet"),
    )
    assert found.written == ("ca.key", "ca.crt", "tls.key", "tls.crt")
    assert found.status.serving.dns_names == (NAME,)
    assert load_serving(tmp_path / "tls").ca == found.status.cas[0]


def test_a_second_bootstrap_changes_no_byte(tmp_path: Path) -> None:
    bootstrap(tmp_path, NAMES, now=NOW)
    before = contents(tmp_path)
    found = bootstrap(tmp_path, NAMES, now=NOW + DAY)
    assert (found.steps, found.written) == ((), ())
    assert contents(tmp_path) == before


def test_another_name_renews_the_certificate_and_keeps_the_ca(tmp_path: Path) -> None:
    first = bootstrap(tmp_path, NAMES, now=NOW)
    found = bootstrap(tmp_path, Names(dns_names=("b",), ip_addresses=("::1",)), now=NOW)
    assert kinds(found.steps) == [RenewServing]
    assert found.status.serving.dns_names == ("b",)
    assert found.status.cas == first.status.cas


def test_force_replaces_everything_and_drops_the_old_ca(tmp_path: Path) -> None:
    first = bootstrap(tmp_path, NAMES, now=NOW)
    found = bootstrap(tmp_path, NAMES, now=NOW, force=True)
    assert found.written == ("ca.key", "ca.crt", "tls.key", "tls.crt")
    assert len(found.status.cas) == 1
    assert found.status.cas != first.status.cas


def test_force_replaces_also_what_cannot_be_read(tmp_path: Path) -> None:
    write_files(tmp_path, dict.fromkeys(("tls.crt", "tls.key", "ca.crt", "ca.key"), b"x"))
    bootstrap(tmp_path, NAMES, now=NOW, force=True)
    assert load_serving(tmp_path).cert.dns_names == (NAME,)


@pytest.mark.slow
def test_rsa_is_made_on_request_and_stays_at_renewal(tmp_path: Path) -> None:
    bootstrap(tmp_path, NAMES, now=NOW, key_type=KeyType.RSA)
    renew(tmp_path, now=NOW, force=True)
    key = parse_certificates((tmp_path / "tls.crt").read_bytes(), "tls.crt")[0].public_key()
    assert getattr(key, "key_size", None) == 3072


HALVES = {
    "key new, certificate old": {"tls.key": leaf(1).key_pem},
    "certificate gone": {"tls.crt": b""},
    "certificate damaged": {"tls.crt": b"x"},
    "key encrypted": {"tls.key": with_passphrase(leaf().key_pem)},
    "certificate of another CA": {"tls.crt": leaf().cert_pem, "tls.key": leaf().key_pem},
}


@pytest.mark.parametrize("case", HALVES)
def test_half_a_pair_is_mended_with_the_same_ca(tmp_path: Path, case: str) -> None:
    first = bootstrap(tmp_path, NAMES, now=NOW)
    write_files(tmp_path, HALVES[case])
    found = bootstrap(tmp_path, NAMES, now=NOW)
    assert kinds(found.steps) == [RenewServing]
    assert found.status.cas == first.status.cas


def test_a_new_ca_key_without_its_certificate_is_mended_and_the_old_ca_stays_trusted(
    tmp_path: Path,
) -> None:
    first = bootstrap(tmp_path, NAMES, now=NOW)
    pair = contents(tmp_path)["tls.crt"]
    write_files(tmp_path, {"ca.key": ca().key_pem})
    found = bootstrap(tmp_path, NAMES, now=NOW)
    reason = f"{tmp_path}/ca.crt does not hold the certificate of {tmp_path}/ca.key"
    assert found.steps == (RotateCA(reason=reason),)
    assert found.status.cas[0] == first.status.cas[0]
    assert contents(tmp_path)["tls.crt"] == pair


def test_a_damaged_bundle_is_replaced_with_what_of_it_can_be_read(tmp_path: Path) -> None:
    bootstrap(tmp_path, NAMES, now=NOW)
    write_files(tmp_path, {"ca.crt": ca(1).cert_pem + ca(2).cert_pem[:99]})
    found = bootstrap(tmp_path, NAMES, now=NOW)
    assert kinds(found.steps) == [RotateCA, RenewServing]
    assert found.status.cas[0] == inspect_bundle(ca(1).cert_pem)[0]


@pytest.mark.parametrize(
    ("bundle", "said"),
    [(b"", "is empty"), (b"x", "is not PEM"), (ca(1).cert_pem + ca(2).cert_pem[:99], "")],
)
def test_a_renewal_makes_no_ca_in_place_of_a_bundle_that_is_lost(
    tmp_path: Path, bundle: bytes, said: str
) -> None:
    bootstrap(tmp_path, NAMES, now=NOW)
    write_files(tmp_path, {"ca.crt": bundle})
    before = contents(tmp_path)
    for late, force in ((NOW, False), (NOW, True), (NOW + YEAR, False)):
        message = message_of(partial(renew, tmp_path, now=late, force=force))
        assert message.startswith(f"{tmp_path}/ca.crt: {said}")
        assert message.endswith(
            "; put back the one of a caBundle, or bootstrap makes a new CA, which nobody trusts yet"
        )
    assert contents(tmp_path) == before


def test_an_encrypted_ca_key_is_left_alone(tmp_path: Path) -> None:
    bootstrap(tmp_path, NAMES, now=NOW)
    write_files(tmp_path, {"ca.key": with_passphrase(ca().key_pem), "tls.crt": b""})
    before = contents(tmp_path)
    assert message_of(lambda: bootstrap(tmp_path, NAMES, now=NOW)) == (
        f"{tmp_path}/ca.key: the private key is encrypted; "
        "expected a key without a passphrase: openssl pkey -in FILE -out NEW"
    )
    assert contents(tmp_path) == before


OURS = {"tls.crt": leaf().cert_pem, "tls.key": leaf().key_pem, "ca.crt": ca().cert_pem}


@pytest.mark.parametrize("bundle", [ca().cert_pem, b""])
def test_a_valid_pair_of_others_is_kept(tmp_path: Path, bundle: bytes) -> None:
    write_files(tmp_path, {**OURS, "ca.crt": bundle})
    assert bootstrap(tmp_path, NAMES, now=NOW).steps == ()


def test_an_old_pair_of_others_is_not_touched(tmp_path: Path) -> None:
    write_files(tmp_path, OURS)
    late = NOW + YEAR
    assert message_of(lambda: bootstrap(tmp_path, NAMES, now=late)) == (
        f"{tmp_path}: has no ca.key, so it was made elsewhere (tls.crt is past two thirds of its "
        "life, which ends at 2027-11-24 12:00:00 UTC); "
        "expected its maker to renew it, or bootstrap --force to replace it"
    )
    assert contents(tmp_path) == OURS


@pytest.mark.parametrize("files", [{"tls.key": leaf().key_pem}, {"ca.crt": b"x"}])
def test_fragments_of_others_are_not_touched(tmp_path: Path, files: dict[str, bytes]) -> None:
    write_files(tmp_path, files)
    with pytest.raises(ValueError, match=r"has no ca\.key, so it was made elsewhere"):
        bootstrap(tmp_path, NAMES, now=NOW)
    assert contents(tmp_path) == files


def test_two_at_once_make_one_ca(tmp_path: Path) -> None:
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(bootstrap(tmp_path, NAMES, now=NOW)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(each.steps) for each in found) == [0, 0, 0, 2]
    assert len({each.status.serving.fingerprint for each in found}) == 1


def test_renewal_before_it_is_due_changes_nothing(tmp_path: Path) -> None:
    bootstrap(tmp_path, NAMES, now=NOW)
    before = contents(tmp_path)
    assert renew(tmp_path, now=NOW + YEAR / 2).steps == ()
    assert contents(tmp_path) == before


def test_renewal_keeps_the_names_and_the_ca_and_changes_the_key(tmp_path: Path) -> None:
    names = Names(dns_names=(NAME, "b"), ip_addresses=("10.0.0.1",))
    first = bootstrap(tmp_path, names, now=NOW)
    key = contents(tmp_path)["tls.key"]
    found = renew(tmp_path, now=NOW + YEAR * 3 / 4)
    assert found.steps == (
        RenewServing(
            reason="tls.crt is past two thirds of its life, which ends at 2027-11-24 12:00:00 UTC"
        ),
    )
    assert found.status.serving.dns_names == names.dns_names
    assert found.status.serving.ip_addresses == names.ip_addresses
    assert found.status.cas == first.status.cas
    assert contents(tmp_path)["tls.key"] != key


def test_a_renewal_that_is_asked_for_is_made_once(tmp_path: Path) -> None:
    bootstrap(tmp_path, NAMES, now=NOW)
    assert renew(tmp_path, now=NOW, force=True).steps == (RenewServing(reason="asked for"),)
    assert kinds(renew(tmp_path, now=NOW + YEAR, force=True).steps) == [RenewServing]


def test_a_renewal_needs_something_to_renew(tmp_path: Path) -> None:
    assert message_of(lambda: renew(tmp_path, now=NOW)) == (
        f"{tmp_path}/tls.crt: does not exist; expected a PEM file"
    )


def test_a_renewal_that_is_asked_for_in_a_directory_of_others_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, OURS)
    assert message_of(lambda: renew(tmp_path, now=NOW, force=True)) == (
        f"{tmp_path}: has no ca.key, so it was made elsewhere (asked for); "
        "expected its maker to renew it, or bootstrap --force to replace it"
    )


def test_a_clock_that_is_a_day_behind_changes_nothing(tmp_path: Path) -> None:
    bootstrap(tmp_path, NAMES, now=NOW)
    before = contents(tmp_path)
    assert message_of(lambda: bootstrap(tmp_path, NAMES, now=NOW - DAY)) == (
        "ca.crt: is not valid before 2026-11-24 11:55:00 UTC, in 23 hours; "
        "expected one valid now: compare this machine's clock with the issuer's"
    )
    assert contents(tmp_path) == before


def test_a_ca_gets_a_successor_long_before_anything_is_signed_by_it(tmp_path: Path) -> None:
    bootstrap(tmp_path, NAMES, now=NOW)
    handover = NOW + CA_LIFETIME * 2 / 3 + DAY
    renew(tmp_path, now=handover - 100 * DAY)
    old = contents(tmp_path)
    found = renew(tmp_path, now=handover)
    assert kinds(found.steps) == [RotateCA]
    assert len(found.status.cas) == 2
    assert contents(tmp_path)["tls.crt"] == old["tls.crt"]
    later = renew(tmp_path, now=handover + YEAR * 2 / 3)
    assert kinds(later.steps) == [RenewServing]
    assert not signed_by(contents(tmp_path)["tls.crt"], old["ca.crt"])


@pytest.mark.slow
def test_a_client_that_takes_the_bundle_once_a_quarter_trusts_us_for_thirty_years(
    tmp_path: Path,
) -> None:
    bootstrap(tmp_path, NAMES, now=NOW)
    bundle = contents(tmp_path)["ca.crt"]
    for day in range(0, 365 * 30, 30):
        found = renew(tmp_path, now=NOW + timedelta(days=day))
        assert isinstance(found.status.step, Nothing)
        assert signed_by(contents(tmp_path)["tls.crt"], bundle), f"day {day}"
        assert len(found.status.cas) <= 2
        if day % 90 == 0:
            bundle = contents(tmp_path)["ca.crt"]


def test_after_years_without_care_everything_is_made_anew(tmp_path: Path) -> None:
    bootstrap(tmp_path, NAMES, now=NOW)
    found = renew(tmp_path, now=NOW + CA_LIFETIME + DAY)
    assert kinds(found.steps) == [RotateCA, RenewServing]
    assert len(found.status.cas) == 1
    assert isinstance(found.status.step, Nothing)


@pytest.mark.parametrize("left", [timedelta(minutes=30), timedelta(hours=2), 40 * DAY])
def test_late_care_ends_with_nothing_left_to_do(tmp_path: Path, left: timedelta) -> None:
    bootstrap(tmp_path, NAMES, now=NOW)
    found = renew(tmp_path, now=NOW + CA_LIFETIME - left)
    assert isinstance(found.status.step, Nothing)


def test_status_tells_what_is_due(tmp_path: Path) -> None:
    bootstrap(tmp_path, NAMES, now=NOW)
    assert isinstance(status(tmp_path, now=NOW).step, Nothing)
    found = status(tmp_path, now=NOW + YEAR * 2)
    assert found.step == RenewServing(reason="tls.crt expired at 2027-11-24 12:00:00 UTC")


def test_status_needs_no_ca_key(tmp_path: Path) -> None:
    bootstrap(tmp_path, NAMES, now=NOW)
    handover = NOW + CA_LIFETIME * 2 / 3 + DAY
    renew(tmp_path, now=handover)
    with_key = status(tmp_path, now=handover)
    (tmp_path / "ca.key").unlink()
    assert status(tmp_path, now=handover) == with_key


def test_status_tells_which_names_are_missing(tmp_path: Path) -> None:
    bootstrap(tmp_path, NAMES, now=NOW)
    assert status(tmp_path, now=NOW, names=Names(dns_names=("b",))).step == RenewServing(
        reason="tls.crt: is for DNS gate.ns.svc; expected also DNS b"
    )


def test_status_of_nothing_is_an_error(tmp_path: Path) -> None:
    assert message_of(lambda: status(tmp_path, now=NOW)) == (
        f"{tmp_path}/tls.crt: does not exist; expected a PEM file"
    )


def test_a_service_has_three_names() -> None:
    assert service_names("gate", "ns") == (
        "gate.ns.svc",
        "gate.ns.svc.cluster.local",
        "gate.ns",
    )


def test_a_server_on_this_machine_is_reached_by_name_and_loopback(tmp_path: Path) -> None:
    found = self_signed_pair(tmp_path, now=NOW, hostname="Build-7.example.org.")
    assert found.status.serving.dns_names == ("localhost", "build-7.example.org")
    assert found.status.serving.ip_addresses == ("127.0.0.1", "::1")


@pytest.mark.parametrize("hostname", ["", "localhost", "my_laptop", "x" * 64])
def test_a_host_name_that_is_no_dns_name_is_left_out(hostname: str) -> None:
    assert local_names(hostname).dns_names == ("localhost",)


def test_a_self_signed_pair_is_kept_while_it_holds(tmp_path: Path) -> None:
    first = self_signed_pair(tmp_path, now=NOW, hostname="a")
    again: datetime = NOW + DAY
    assert self_signed_pair(tmp_path, now=again, hostname="a").status.serving == (
        first.status.serving
    )
