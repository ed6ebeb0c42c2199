"""The laws of the order, for any state: what may be signed, trusted and dropped when."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from certs.inspect import CaCert, ServingCert
from certs.plan import Missing, Nothing, RenewServing, RotateCA
from certs.rollout import (
    Bundle,
    DropCA,
    ForgetCA,
    Pace,
    Rollout,
    RolloutStep,
    Settle,
    TrustCA,
    needed,
    plan_rollout,
    retired,
)
from tests.certs.build import DAY, NOW

PACE = Pace()


def ca(number: int, *, begin: datetime = NOW - 100 * DAY, days: int = 3650) -> CaCert:
    print_ = f"{number:02}"
    return CaCert(
        subject=f"CN={print_}",
        not_before=begin,
        not_after=begin + days * DAY,
        fingerprint=print_,
        key_id=print_,
    )


def serving(age: timedelta) -> ServingCert:
    return ServingCert(
        subject="CN=serving",
        not_before=NOW - age,
        not_after=NOW - age + 365 * DAY,
        fingerprint="leaf",
        dns_names=("gate.ns.svc",),
        ip_addresses=(),
        issuer_key_id="",
    )


AGES = st.sampled_from([timedelta(minutes=5), timedelta(hours=3), 100 * DAY, 250 * DAY, 400 * DAY])


@st.composite
def states(draw: st.DrawFn) -> Rollout:
    ours = tuple(
        ca(number, days=draw(st.sampled_from([50, 140, 3650])))
        for number in range(draw(st.integers(1, 3)))
    )
    prints = [each.fingerprint for each in ours]
    some = st.frozensets(st.sampled_from(prints))
    served: ServingCert | Missing = draw(
        st.one_of(AGES.map(serving), st.just(Missing(reason="none")))
    )
    known = isinstance(served, ServingCert)
    return Rollout(
        signer=ours[-1],
        ours=ours,
        serving=served,
        issuer=draw(st.sampled_from(["", *prints])) if known else "",
        bundles=tuple(
            Bundle(place=str(number), holds=draw(some)) for number in range(draw(st.integers(0, 3)))
        ),
        trusted_since=draw(
            st.sampled_from([None, NOW, NOW - timedelta(seconds=9), NOW - timedelta(seconds=10)])
        ),
        unwanted=draw(st.frozensets(st.sampled_from([*prints, "leaf"]))),
        outdated=draw(st.sampled_from([(), ("10.0.0.1:443",)])),
    )


def step(state: Rollout) -> RolloutStep:
    return plan_rollout(state, PACE, NOW)


@given(states())
def test_nothing_is_signed_by_a_ca_that_a_bundle_lacks(state: Rollout) -> None:
    if isinstance(step(state), RenewServing | Settle):
        assert all(state.signer_print in bundle.holds for bundle in state.bundles)


@given(states())
def test_nothing_that_works_is_replaced_before_the_new_ca_has_settled(state: Rollout) -> None:
    works = isinstance(state.serving, ServingCert) and state.issuer != state.signer_print
    if works and state.bundles and isinstance(step(state), RenewServing):
        assert state.trusted_since is not None
        assert NOW - state.trusted_since >= PACE.settle


@given(states())
def test_a_ca_that_holds_and_signed_what_is_served_is_never_dropped(state: Rollout) -> None:
    due = step(state)
    if isinstance(due, DropCA | ForgetCA):
        assert state.signer_print not in {each.fingerprint for each in due.cas}
        for each in due.cas:
            assert each.not_after < NOW or state.issuer != each.fingerprint


@given(states())
def test_a_ca_that_holds_is_not_dropped_within_the_grace_or_while_seen(state: Rollout) -> None:
    due = step(state)
    if isinstance(due, DropCA | ForgetCA) and any(each.not_after > NOW for each in due.cas):
        assert isinstance(state.serving, ServingCert)
        assert state.issuer == state.signer_print
        assert NOW - state.serving.not_before >= PACE.grace
        assert state.outdated == ()


@given(states())
def test_what_is_forgotten_is_in_no_bundle(state: Rollout) -> None:
    due = step(state)
    if isinstance(due, ForgetCA):
        over = {each.fingerprint for each in due.cas}
        assert all(not over & bundle.holds for bundle in state.bundles)


@given(states())
def test_what_is_needed_and_what_is_retired_are_all_of_ours(state: Rollout) -> None:
    keep, over = needed(state, PACE, NOW), retired(state, PACE, NOW)
    assert not set(keep) & set(over)
    assert {*keep, *over} == set(state.ours)


@given(states())
def test_nothing_is_put_in_that_is_to_be_taken_out(state: Rollout) -> None:
    due = step(state)
    if isinstance(due, TrustCA):
        assert due.places
        assert not set(due.cas) & set(retired(state, PACE, NOW))


@given(states())
def test_the_next_time_lies_ahead(state: Rollout) -> None:
    due = step(state)
    if isinstance(due, Nothing):
        assert due.until > NOW


@given(states())
def test_a_missing_signer_comes_before_everything(state: Rollout) -> None:
    lost = Rollout(
        signer=Missing(reason="gone"),
        ours=state.ours,
        serving=state.serving,
        issuer=state.issuer,
        bundles=state.bundles,
    )
    assert step(lost) == RotateCA(reason="gone")
