"""The rotation in a cluster: what is served is verified at every moment, whatever dies when."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from certs.bundle import amend_bundle, by_fingerprint
from certs.errors import CertificateError
from certs.inspect import inspect_bundle, inspect_serving
from certs.issue import KeyType
from certs.kube import Ref
from certs.plan import Nothing, RotateCA
from certs.report_cluster import findings
from certs.rollout import Pace, Rollout, RolloutStep, plan_rollout
from certs.rotate import ClusterJob, ClusterOutcome, bring_about, look
from certs.served import Endpoint
from certs.state import Wish
from tests.certs.build import DAY, NAME, NOW, ca, leaf, message_of, with_passphrase
from tests.certs.fake_api import (
    CA_SECRET,
    CONFIGS,
    SECRET,
    TARGET,
    FakeApi,
    FakeClock,
    Killed,
    outages,
)

NAMES = (NAME, "gate.ns")
WISH = Wish(dns_names=NAMES)
PACE = Pace(settle=timedelta(seconds=10), grace=timedelta(hours=1))
BOOTSTRAP = ClusterJob(target=TARGET, wish=WISH, pace=PACE, strict=False)
RENEW = ClusterJob(target=TARGET, wish=Wish(), pace=PACE)
HOURS_2 = timedelta(hours=2)


def new_api(*webhooks: str, ca_bundle: bytes = b"", now: datetime = NOW) -> FakeApi:
    api = FakeApi(clock=FakeClock(moment=now))
    if webhooks:
        api.register(*webhooks, ca_bundle=ca_bundle)
    return api


def started(*, ca_bundle: bytes = b"") -> FakeApi:
    """A cluster in which a bootstrap has been."""
    api = new_api("pods.gate", "guards.gate", ca_bundle=ca_bundle)
    bring_about(api, BOOTSTRAP, api.clock.time)
    return api


def run(api: FakeApi, job: ClusterJob = RENEW) -> ClusterOutcome:
    return bring_about(api, job, api.clock.time)


def signer(api: FakeApi) -> str:
    """The fingerprint of the CA that signs."""
    return inspect_bundle(api.data(CA_SECRET, "ca.crt"))[-1].fingerprint


def rotating(api: FakeApi) -> ClusterJob:
    return replace(RENEW, wish=Wish(unwanted=frozenset({signer(api)})))


def steps(outcome: ClusterOutcome) -> list[str]:
    return [type(step).__name__ for step in outcome.steps]


def cas_in(bundle: bytes) -> list[str]:
    return [each.fingerprint for each in inspect_bundle(bundle)]


def outages_of(api: FakeApi, since: datetime) -> list[str]:
    return outages(api.history, settle=PACE.settle, grace=PACE.grace, since=since)


def test_bootstrap_makes_the_ca_trusts_it_and_then_issues() -> None:
    api = new_api("pods.gate")
    outcome = run(api, BOOTSTRAP)
    assert steps(outcome) == ["RotateCA", "TrustCA", "RenewServing"]
    assert outcome.unverified == ()
    assert inspect_serving(api.chain()).dns_names == NAMES


def test_bootstrap_does_not_wait_for_webhooks_that_are_not_registered() -> None:
    api = new_api()
    outcome = run(api, BOOTSTRAP)
    assert [str(ref) for ref in outcome.objects.absent] == [str(ref) for ref in CONFIGS]
    assert api.chain()


def test_the_secret_of_the_servers_does_not_hold_the_key_of_the_ca() -> None:
    api = started()
    assert sorted(api.objects[SECRET]["data"]) == ["ca.crt", "tls.crt", "tls.key"]
    assert api.data(CA_SECRET, "ca.key") not in base64.b64decode(
        base64.b64encode(b"".join(api.data(SECRET, key) for key in api.objects[SECRET]["data"]))
    )


def test_a_second_bootstrap_only_reads() -> None:
    api = started()
    api.calls.clear()
    assert steps(run(api, BOOTSTRAP)) == []
    assert {verb for verb, _ in api.calls} == {"get"}


def test_a_due_certificate_is_renewed_by_the_ca_that_is_trusted() -> None:
    api = started()
    before = signer(api)
    api.clock.moment = NOW + 250 * DAY
    assert steps(run(api)) == ["RenewServing"]
    assert signer(api) == before
    assert outages_of(api, NOW + DAY) == []


def test_a_rotation_drops_the_old_ca_in_a_later_run() -> None:
    api = started()
    old = signer(api)
    assert steps(run(api, rotating(api))) == ["RotateCA", "TrustCA", "RenewServing"]
    assert all(old in cas_in(bundle) for bundle in api.bundles().values())
    api.clock.moment += HOURS_2
    assert steps(run(api)) == ["DropCA", "ForgetCA"]
    places = [*api.bundles().values(), api.data(SECRET, "ca.crt"), api.data(CA_SECRET, "ca.crt")]
    assert [cas_in(place) for place in places] == [[signer(api)]] * len(places)


def test_a_ca_past_two_thirds_of_its_life_is_rotated() -> None:
    api = started()
    api.clock.moment = NOW + 2500 * DAY
    assert "RotateCA" in steps(run(api))
    assert isinstance(run(api).step, Nothing)


def test_new_keys_are_of_the_kind_that_is_there() -> None:
    api = new_api("pods.gate")
    run(api, replace(BOOTSTRAP, key_type=KeyType.RSA))
    outcome = run(api, rotating(api))
    assert outcome.found.pair is not None
    assert outcome.found.pair.rsa


def whole_rotation(api: FakeApi, job: ClusterJob) -> None:
    """Run, wait, run: as a daily job does."""
    run(api, job)
    api.clock.moment += HOURS_2
    run(api)


def lengths() -> tuple[int, int]:
    """How many calls a bootstrap and a whole rotation take."""
    api = started()
    first = len(api.calls)
    whole_rotation(api, rotating(api))
    return first, len(api.calls) - first


CALLS_OF_BOOTSTRAP, CALLS_OF_ROTATION = lengths()


@pytest.mark.parametrize("kind", ["die_before", "die_after"])
@pytest.mark.parametrize("number", range(CALLS_OF_BOOTSTRAP))
def test_a_bootstrap_that_dies_at_any_call_is_finished_by_the_next(number: int, kind: str) -> None:
    api = new_api("pods.gate", "guards.gate")
    setattr(api, kind, number)
    with pytest.raises(Killed):
        run(api, BOOTSTRAP)
    outcome = run(api, BOOTSTRAP)
    assert isinstance(outcome.step, Nothing)
    assert outcome.unverified == ()
    assert len(cas_in(api.data(SECRET, "ca.crt"))) == 1


@pytest.mark.parametrize("pause", [timedelta(seconds=1), HOURS_2], ids=["at-once", "later"])
@pytest.mark.parametrize("kind", ["die_before", "die_after"])
@pytest.mark.parametrize("number", range(CALLS_OF_ROTATION))
def test_a_rotation_that_dies_at_any_call_breaks_nothing_and_is_finished_by_the_next(
    number: int, kind: str, pause: timedelta
) -> None:
    api = started()
    api.clock.moment += HOURS_2
    begun, old = api.clock.moment, signer(api)
    setattr(api, kind, len(api.calls) + number)
    job = rotating(api)
    with pytest.raises(Killed):
        whole_rotation(api, job)
    api.clock.moment += pause
    for _ in range(3):
        run(api, job)
        api.clock.moment += HOURS_2
    assert signer(api) != old
    assert [cas_in(bundle) for bundle in api.bundles().values()] == [[signer(api)]] * 4
    assert cas_in(api.data(CA_SECRET, "ca.crt")) == [signer(api)]
    assert outages_of(api, begun) == []


Plan = Callable[[Rollout, Pace, datetime], RolloutStep]


def sign_before_trust(state: Rollout, pace: Pace, now: datetime) -> RolloutStep:
    """WRONG on purpose: the certificate comes first, the caBundles after it."""
    first = plan_rollout(replace(state, bundles=()), pace, now)
    return plan_rollout(state, pace, now) if isinstance(first, Nothing) else first


def sign_at_once(state: Rollout, pace: Pace, now: datetime) -> RolloutStep:
    """WRONG on purpose: API servers get no time to hear of the new CA."""
    return plan_rollout(state, replace(pace, settle=timedelta(0)), now)


def drop_at_once(state: Rollout, pace: Pace, now: datetime) -> RolloutStep:
    """WRONG on purpose: servers get no time to present the new certificate."""
    return plan_rollout(state, replace(pace, grace=timedelta(0)), now)


def drop_before_signing(state: Rollout, pace: Pace, now: datetime) -> RolloutStep:
    """WRONG on purpose: as if what is served were signed by the new CA already."""
    pretended = replace(state, issuer=state.signer_print) if len(state.ours) > 1 else state
    return plan_rollout(pretended, pace, now)


@pytest.mark.parametrize(
    "plan", [sign_before_trust, sign_at_once, drop_at_once, drop_before_signing]
)
def test_every_other_order_breaks_something(plan: Plan) -> None:
    api = started()
    api.clock.moment += HOURS_2
    begun = api.clock.moment
    job = replace(rotating(api), wish=replace(rotating(api).wish, dns_names=NAMES))
    bring_about(api, job, api.clock.time, plan=plan)
    assert outages_of(api, begun) != []


def test_the_order_of_the_law_breaks_nothing() -> None:
    api = started()
    api.clock.moment += HOURS_2
    begun = api.clock.moment
    whole_rotation(api, rotating(api))
    assert outages_of(api, begun) == []


def test_a_second_run_that_changes_everything_in_between_does_no_harm() -> None:
    api = started()
    api.clock.moment += HOURS_2
    begun, job = api.clock.moment, rotating(api)
    meddled: list[ClusterOutcome] = []

    def meddling(state: Rollout, pace: Pace, now: datetime) -> RolloutStep:
        step = plan_rollout(state, pace, now)
        if isinstance(step, RotateCA) and not meddled:
            meddled.append(run(api, job))
        return step

    outcome = bring_about(api, job, api.clock.time, plan=meddling)
    assert steps(meddled[0]) == ["RotateCA", "TrustCA", "RenewServing"]
    assert steps(outcome) == []
    assert outages_of(api, begun) == []


def test_foreign_certificates_in_a_bundle_outlive_a_rotation() -> None:
    expired = ca(5, lifetime=DAY, now=NOW - 10 * DAY)
    foreign = ca(4).cert_pem + b"# written by hand\n" + expired.cert_pem + b"junk\n"
    api = started(ca_bundle=foreign)
    whole_rotation(api, rotating(api))
    own = next(iter(by_fingerprint(api.data(CA_SECRET, "ca.crt")).values()))
    assert set(api.bundles().values()) == {amend_bundle(foreign, add=[own], drop=[])}


def test_a_bundle_that_somebody_emptied_is_filled_again() -> None:
    api = started()
    api.register("pods.gate")
    assert steps(run(api)) == ["TrustCA"]
    assert [cas_in(bundle) for bundle in api.bundles().values()] == [[signer(api)]] * 2


def test_while_an_old_certificate_may_be_served_an_emptied_bundle_gets_both_cas() -> None:
    api = started()
    run(api, rotating(api))
    api.register("pods.gate")
    run(api)
    assert {len(cas_in(bundle)) for bundle in api.bundles().values()} == {2}


def test_a_lost_secret_of_the_ca_costs_no_call() -> None:
    api = started()
    api.clock.moment += HOURS_2
    begun, old = api.clock.moment, signer(api)
    del api.objects[CA_SECRET]
    run(api, BOOTSTRAP)
    api.clock.moment += HOURS_2
    run(api)
    assert outages_of(api, begun) == []
    assert old not in cas_in(next(iter(api.bundles().values())))


def test_a_lost_secret_of_the_servers_is_made_again() -> None:
    api = started()
    del api.objects[SECRET]
    assert steps(run(api, BOOTSTRAP)) == ["RenewServing"]


def test_what_others_made_is_left_alone_and_named() -> None:
    api = new_api("pods.gate")
    theirs = leaf(signer=ca(7))
    api.set_data(SECRET, tls_crt=theirs.cert_pem, tls_key=theirs.key_pem, ca_crt=b"")
    assert message_of(lambda: run(api, BOOTSTRAP)) == (
        "Secret ns/tls: was made elsewhere (Secret ns/tls-ca does not exist); expected its maker "
        "to renew it, or bootstrap --force to replace it"
    )


def test_with_force_what_others_made_is_replaced_without_an_outage() -> None:
    other = ca(7)
    api = new_api("pods.gate", ca_bundle=other.cert_pem)
    theirs = leaf(signer=other)
    api.set_data(SECRET, tls_crt=theirs.cert_pem, tls_key=theirs.key_pem, ca_crt=other.cert_pem)
    begun = api.clock.moment
    run(api, replace(BOOTSTRAP, wish=replace(WISH, force=True)))
    assert api.chain() != theirs.cert_pem
    assert outages_of(api, begun) == []


def test_cert_managers_secret_is_left_alone_and_shown() -> None:
    other = ca(7)
    api = new_api("pods.gate", ca_bundle=other.cert_pem)
    theirs = leaf(signer=other)
    api.set_data(SECRET, tls_crt=theirs.cert_pem, tls_key=theirs.key_pem, ca_crt=other.cert_pem)
    body = api.objects[SECRET]
    body["metadata"]["annotations"] = {"cert-manager.io/certificate-name": "tls"}
    forced = replace(BOOTSTRAP, wish=replace(WISH, force=True))
    assert message_of(lambda: run(api, forced)) == (
        "Secret ns/tls: is cert-manager's, which renews it; expected a Secret of our own"
    )
    outcome = look(api, RENEW, NOW)
    assert isinstance(outcome.step, Nothing)
    assert outcome.unverified == ()


NOT_PEM = "is not PEM; expected a PEM certificate (-----BEGIN CERTIFICATE-----)"
NOT_ITS_KEY = "is not the key of Secret ns/tls tls.crt; expected the two from one issue"
ENCRYPTED = (
    "the private key is encrypted; "
    "expected a key without a passphrase: openssl pkey -in FILE -out NEW"
)
BROKEN = {
    "tls_key of another certificate": (
        {"tls_key": leaf(9).key_pem},
        f"Secret ns/tls tls.key: {NOT_ITS_KEY}",
    ),
    "garbage": (
        {"tls_crt": b"x"},
        f"Secret ns/tls tls.crt: {NOT_PEM}",
    ),
    "encrypted": (
        {"tls_key": with_passphrase(leaf(9).key_pem)},
        f"Secret ns/tls tls.key: {ENCRYPTED}",
    ),
    "half-written": (
        {"tls_key": b""},
        "Secret ns/tls tls.key: is empty; expected a PEM private key (-----BEGIN PRIVATE KEY-----)",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_secret_of_no_use_is_named_by_status_and_mended_by_bootstrap(case: str) -> None:
    values, message = BROKEN[case]
    api = started()
    api.set_data(SECRET, **values)
    assert message_of(lambda: look(api, RENEW, api.clock.moment)) == message
    assert steps(run(api, BOOTSTRAP)) == ["RenewServing"]
    assert isinstance(look(api, RENEW, api.clock.moment).step, Nothing)


def test_a_ca_key_that_does_not_fit_is_left_to_a_person() -> None:
    api = started()
    api.set_data(CA_SECRET, ca_key=ca(8).key_pem)
    assert message_of(lambda: run(api)) == (
        "Secret ns/tls-ca ca.key: is not the key of a certificate in ca.crt; expected the CA's; "
        "bootstrap --force makes a new CA beside the old"
    )


def test_with_force_an_encrypted_ca_key_is_replaced_without_an_outage() -> None:
    api = started()
    api.clock.moment += HOURS_2
    begun = api.clock.moment
    api.set_data(CA_SECRET, ca_key=with_passphrase(ca(8).key_pem))
    assert ENCRYPTED in message_of(lambda: run(api, BOOTSTRAP))
    forced = replace(BOOTSTRAP, wish=replace(WISH, force=True))
    assert steps(run(api, forced)) == ["RotateCA", "TrustCA", "RenewServing"]
    assert outages_of(api, begun) == []


def test_renew_makes_no_ca_where_there_is_none() -> None:
    job = replace(RENEW, wish=WISH)
    assert message_of(lambda: run(new_api("pods.gate"), job)) == (
        "Secret ns/tls-ca: is not there or empty; expected the CA's Secret, which bootstrap makes"
    )


def test_renew_without_names_cannot_mend_a_secret_of_no_use() -> None:
    api = started()
    api.set_data(SECRET, tls_crt=b"x")
    assert message_of(lambda: run(api)) == (
        "Secret ns/tls tls.crt: is not PEM; "
        "expected a PEM certificate (-----BEGIN CERTIFICATE-----)"
    )


def test_names_that_would_leave_a_webhook_without_a_server_are_refused() -> None:
    api = started()
    versions = api.versions
    job = replace(BOOTSTRAP, wish=Wish(dns_names=("other.ns.svc",)))
    assert message_of(lambda: run(api, job)) == (
        "MutatingWebhookConfiguration gate webhook pods.gate: calls gate.ns.svc, which the names "
        "asked for leave out; expected it among them, or the webhook to call one of them first"
    )
    assert api.versions == versions


def test_webhooks_that_call_another_name_are_named() -> None:
    api = FakeApi(clock=FakeClock(moment=NOW))
    api.register("pods.gate", service="other")
    assert message_of(lambda: run(api, BOOTSTRAP)) == (
        "the webhooks of gate: call other.ns.svc, which the certificate is not for; "
        "expected --service and --namespace, or --dns-name, to say so"
    )


def test_a_clock_that_is_a_day_behind_changes_nothing() -> None:
    api = started()
    api.clock.moment = NOW - DAY
    versions = api.versions
    with pytest.raises(CertificateError, match="compare this machine's clock"):
        run(api)
    assert api.versions == versions


def test_status_says_what_is_not_trusted_and_by_whom() -> None:
    api = started()
    api.register("pods.gate")
    subject = inspect_bundle(api.data(CA_SECRET, "ca.crt"))[0].subject
    (said,) = findings(look(api, RENEW, api.clock.moment))
    assert said == (
        f"not trusted: {subject} is missing in "
        "MutatingWebhookConfiguration gate webhook pods.gate and 1 more"
    )


def test_status_of_an_overdue_renewal_is_a_finding() -> None:
    api = started()
    (due,) = findings(look(api, RENEW, NOW + 250 * DAY))
    assert due.startswith("renewal is due: tls.crt is past two thirds of its life")


def test_an_old_ca_that_waits_for_its_time_is_no_finding() -> None:
    api = started()
    run(api, rotating(api))
    assert findings(look(api, RENEW, api.clock.moment)) == ()
    assert findings(look(api, RENEW, api.clock.moment + HOURS_2)) == ()


def test_an_address_that_lags_keeps_the_old_ca_and_is_a_finding_after_the_grace() -> None:
    api = started()
    run(api, rotating(api))
    away = replace(RENEW, endpoints=(Endpoint(host="127.0.0.1", port=1),))
    assert findings(look(api, away, api.clock.moment)) == ()
    api.clock.moment += HOURS_2
    assert steps(run(api, away)) == []
    assert findings(look(api, away, api.clock.moment)) == (
        "127.0.0.1:1 (not reached: connection refused): not the certificate of the Secret",
    )


def test_a_webhook_that_calls_another_service_is_left_alone_and_a_finding() -> None:
    api = started()
    hooks = api.objects[CONFIGS[0]]["webhooks"]
    called = {"service": {"name": "other", "namespace": "ns"}}
    hooks.append({"name": "other.gate", "clientConfig": called})
    assert steps(run(api, rotating(api))) == ["RotateCA", "TrustCA", "RenewServing"]
    assert api.objects[CONFIGS[0]]["webhooks"][-1]["clientConfig"] == called
    (said,) = findings(look(api, RENEW, api.clock.moment))
    assert said == (
        "MutatingWebhookConfiguration gate webhook other.gate calls other.ns.svc, "
        "which the certificate is not for: left alone"
    )


BLIND = replace(TARGET, webhook_configs=())


def test_a_first_bootstrap_needs_no_webhooks() -> None:
    api = new_api()
    assert steps(run(api, replace(BOOTSTRAP, target=BLIND))) == ["RotateCA", "RenewServing"]


def test_without_seeing_the_webhooks_a_due_ca_is_left_alone() -> None:
    api = started()
    api.clock.moment = begun = NOW + 2500 * DAY
    outcome = run(api, replace(BOOTSTRAP, target=BLIND))
    assert steps(outcome) == ["RenewServing"]
    assert isinstance(outcome.step, RotateCA)
    assert outages_of(api, begun) == []


def test_without_seeing_the_webhooks_a_rotation_that_died_is_left_alone() -> None:
    api = started()
    api.clock.moment += HOURS_2
    begun, job = api.clock.moment, rotating(api)
    api.die_after = next_write(api)
    with pytest.raises(Killed):
        run(api, job)
    outcome = run(api, replace(BOOTSTRAP, target=BLIND))
    assert steps(outcome) == ["TrustCA"]
    assert outages_of(api, begun) == []
    assert steps(run(api, job)) == ["TrustCA", "RenewServing"]
    assert outages_of(api, begun) == []


OFF = replace(RENEW, unregistered=True)
"""The chart's CronJob."""


def switch_off(api: FakeApi) -> dict[Ref, dict[str, Any]]:
    """Delete the configurations, as an emergency has it; what they were."""
    return {ref: api.objects.pop(ref) for ref in CONFIGS}


def test_a_configuration_that_is_not_registered_is_an_error_unless_told() -> None:
    api = started()
    switch_off(api)
    assert message_of(lambda: run(api)) == (
        "MutatingWebhookConfiguration gate and ValidatingWebhookConfiguration gate: is not "
        "registered; expected the configurations that --webhook-config names"
    )


def test_while_the_gate_is_off_a_due_certificate_is_renewed() -> None:
    api = started()
    switch_off(api)
    api.clock.moment += 300 * DAY
    outcome = run(api, OFF)
    assert (steps(outcome), outcome.gate_is_off) == (["RenewServing"], True)
    assert findings(outcome) == (
        "MutatingWebhookConfiguration gate is not registered",
        "ValidatingWebhookConfiguration gate is not registered",
    )


def test_while_the_gate_is_off_no_ca_is_changed_so_that_its_return_finds_the_old_one() -> None:
    api = started()
    saved = switch_off(api)
    api.clock.moment = begun = NOW + 2500 * DAY
    before = signer(api)
    assert steps(run(api, OFF)) == ["RenewServing"]
    assert signer(api) == before
    for ref, body in saved.items():
        api.put(ref, body)
    assert outages_of(api, begun) == []
    assert steps(run(api, OFF))[:2] == ["RotateCA", "TrustCA"]
    assert outages_of(api, begun) == []


def test_while_the_gate_is_off_a_rotation_that_died_is_left_alone() -> None:
    api = started()
    api.clock.moment += HOURS_2
    begun = api.clock.moment
    api.die_after = next_write(api)
    with pytest.raises(Killed):
        run(api, rotating(api))
    saved = switch_off(api)
    assert steps(run(api, OFF)) == ["TrustCA"]  # in the ca.crt beside the certificate
    for ref, body in saved.items():
        api.put(ref, body)
    assert steps(run(api, OFF)) == ["TrustCA", "RenewServing"]
    assert outages_of(api, begun) == []


def test_what_is_told_of_a_gate_that_is_off_holds_only_while_it_is() -> None:
    api = started()
    assert not run(api, OFF).gate_is_off
    api.objects.pop(CONFIGS[0])
    assert not run(api, OFF).gate_is_off


def test_renew_makes_no_ca_for_a_gate_that_is_off() -> None:
    api = new_api()
    assert message_of(lambda: run(api, OFF)) == (
        "Secret ns/tls: does not exist; expected bootstrap to have made it"
    )


def next_write(api: FakeApi) -> int:
    """The number of the call that a rotation writes with first: after the four objects are read."""
    return len(api.calls) + 4
