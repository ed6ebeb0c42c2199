"""What is done, and in which order nobody loses a connection."""

from dataclasses import replace
from datetime import timedelta

import pytest

from certs.inspect import CaCert, ServingCert
from certs.plan import Missing, Nothing, RenewServing, RotateCA, State, plan
from tests.certs.build import DAY, NOW, message_of

CA = CaCert(
    subject="CN=ca",
    not_before=NOW,
    not_after=NOW + 3000 * DAY,
    fingerprint="00",
    key_id="00",
)
SERVING = ServingCert(
    subject="CN=serving",
    not_before=NOW,
    not_after=NOW + 300 * DAY,
    fingerprint="00",
    dns_names=("gate.ns.svc",),
    ip_addresses=(),
    issuer_key_id="00",
)
STATE = State(ca=CA, serving=SERVING, dns_names=("gate.ns.svc",))
SECOND = timedelta(seconds=1)


def test_nothing_is_due_before_the_first_third_that_is_left() -> None:
    assert plan(STATE, NOW) == Nothing(until=NOW + 200 * DAY)


def test_the_ca_can_be_the_next_to_come_due() -> None:
    half_over = replace(CA, not_before=NOW - 30 * DAY, not_after=NOW + 30 * DAY)
    state = replace(STATE, ca=half_over)
    assert plan(state, NOW) == Nothing(until=NOW + 10 * DAY)


def test_the_serving_certificate_is_renewed_at_two_thirds_of_its_life() -> None:
    assert isinstance(plan(STATE, NOW + 200 * DAY - SECOND), Nothing)
    assert plan(STATE, NOW + 200 * DAY) == RenewServing(
        reason="tls.crt is past two thirds of its life, which ends at 2027-09-20 12:00:00 UTC"
    )


def test_an_expired_serving_certificate_is_renewed() -> None:
    assert plan(STATE, NOW + 301 * DAY) == RenewServing(
        reason="tls.crt expired at 2027-09-20 12:00:00 UTC"
    )


def test_a_missing_serving_certificate_is_issued() -> None:
    state = replace(STATE, serving=Missing(reason="there is no tls.crt yet"))
    assert plan(state, NOW) == RenewServing(reason="there is no tls.crt yet")


def test_a_serving_certificate_that_lacks_a_name_is_renewed() -> None:
    state = replace(STATE, dns_names=("gate.ns.svc", "b"), ip_addresses=("::1",))
    assert plan(state, NOW) == RenewServing(
        reason="tls.crt: is for DNS gate.ns.svc; expected also DNS b, IP ::1"
    )


def test_names_that_are_not_asked_for_do_no_harm() -> None:
    assert isinstance(plan(replace(STATE, dns_names=()), NOW), Nothing)


def test_a_missing_ca_is_made_before_anything_is_issued() -> None:
    state = State(ca=Missing(reason="there is no ca.crt yet"), serving=Missing(reason="neither"))
    assert plan(state, NOW) == RotateCA(reason="there is no ca.crt yet")


def test_an_expired_ca_is_replaced_before_anything_is_issued() -> None:
    state = replace(STATE, serving=Missing(reason="there is no tls.crt yet"))
    assert plan(state, NOW + 3001 * DAY) == RotateCA(
        reason="ca.crt expired at 2035-02-10 12:00:00 UTC"
    )


@pytest.mark.parametrize(
    ("left", "step"),
    [(timedelta(minutes=59, seconds=59), RotateCA), (timedelta(hours=1), RenewServing)],
)
def test_a_ca_in_its_last_hour_signs_nothing_more(left: timedelta, step: type) -> None:
    state = replace(STATE, serving=Missing(reason="there is no tls.crt yet"))
    assert isinstance(plan(state, CA.not_after - left), step)


def test_a_ca_gets_its_successor_at_two_thirds_of_its_life() -> None:
    serving = replace(SERVING, not_before=NOW + 1900 * DAY, not_after=NOW + 2900 * DAY)
    state = replace(STATE, serving=serving)
    assert isinstance(plan(state, NOW + 2000 * DAY - SECOND), Nothing)
    assert plan(state, NOW + 2000 * DAY) == RotateCA(
        reason="ca.crt is past two thirds of its life, which ends at 2035-02-10 12:00:00 UTC"
    )


def test_the_ca_that_all_trust_renews_before_its_successor_comes() -> None:
    assert isinstance(plan(STATE, NOW + 2500 * DAY), RenewServing)


def test_a_ca_of_others_is_not_looked_after() -> None:
    assert plan(replace(STATE, ca=None), NOW) == Nothing(until=NOW + 200 * DAY)
    assert isinstance(plan(replace(STATE, ca=None), NOW + 200 * DAY), RenewServing)


@pytest.mark.parametrize(
    ("state", "label"),
    [
        (replace(STATE, ca=replace(CA, not_before=NOW + DAY)), "ca.crt"),
        (replace(STATE, serving=replace(SERVING, not_before=NOW + DAY)), "tls.crt"),
        (replace(STATE, ca=None, serving=replace(SERVING, not_before=NOW + DAY)), "tls.crt"),
    ],
)
def test_a_clock_that_is_a_day_behind_replaces_nothing(state: State, label: str) -> None:
    assert message_of(lambda: plan(state, NOW)) == (
        f"{label}: is not valid before 2026-11-25 12:00:00 UTC, in 1 day; "
        "expected one valid now: compare this machine's clock with the issuer's"
    )
