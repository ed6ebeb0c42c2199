"""What ``certs`` prints about a cluster: for people, and as JSON."""

import json
from collections.abc import Iterator
from typing import Any

import click

from certs.access import Target
from certs.bundle import overlooked
from certs.inspect import CaCert, ServingCert, show_names, show_time
from certs.plan import Missing, Nothing, RenewServing, RotateCA
from certs.report import cert_json, moment_json, validity
from certs.rollout import DropCA, ForgetCA, TrustCA
from certs.rotate import ClusterChange, ClusterOutcome

_DONE: dict[type[ClusterChange], str] = {
    RotateCA: "made a new CA",
    TrustCA: "trusted in every bundle",
    RenewServing: "issued a new certificate",
    DropCA: "took an old CA out of every bundle",
    ForgetCA: "forgot an old CA",
}


def show_cluster(outcome: ClusterOutcome, target: Target, output: str) -> None:
    """Print how things stand, and what was done."""
    if output == "json":
        click.echo(json.dumps(_as_json(outcome, target), indent=2))
    else:
        click.echo("\n".join(_as_text(outcome, target)))


def findings(outcome: ClusterOutcome) -> tuple[str, ...]:
    """What a person must hear of, a sentence each: none is exit code 0."""
    return tuple(_findings(outcome))


def off_warning(outcome: ClusterOutcome) -> str:
    """What ``renew --allow-unregistered`` says while nothing is registered."""
    absent = " and ".join(map(str, outcome.objects.absent))
    return (
        f"warning: the gate is off: {absent} are not registered, so no pod is judged. The "
        "certificate is kept valid and the CA left as it is. Was it not switched off on purpose? "
        "Then apply register.yaml, or mend the name that --webhook-config gives"
    )


def _findings(outcome: ClusterOutcome) -> Iterator[str]:
    match outcome.step:
        case TrustCA(reason=reason):
            yield f"not trusted: {reason}"
        case RotateCA(reason=reason) | RenewServing(reason=reason):
            yield f"renewal is due: {reason}"
        case _:
            yield from (f"{hook}: {wrong}" for hook, wrong in outcome.unverified)
    yield from (f"{ref} is not registered" for ref in outcome.objects.absent)
    yield from (f"{address}: not the certificate of the Secret" for address in outcome.late)
    for hook in outcome.found.strangers:
        yield f"{hook} calls {hook.host or 'nothing'}, which the certificate is not for: left alone"


def _notes(outcome: ClusterOutcome) -> Iterator[str]:
    """What is no fault of the certificates, but perhaps not what somebody meant."""
    for hook in outcome.found.webhooks:
        if count := overlooked(hook.ca_bundle):
            yield f"{hook}: caBundle has {count} bytes that are no certificate, kept as they are"
    for address in outcome.found.rollout.outdated:
        if address not in outcome.late:
            yield f"{address}: not the certificate of the Secret yet"


def _as_text(outcome: ClusterOutcome, target: Target) -> Iterator[str]:
    state = outcome.found.rollout
    yield from (f"{_DONE[type(step)]}: {step.reason}" for step in outcome.steps)
    if isinstance(state.serving, ServingCert):
        yield f"Secret {target.secret}  {validity(state.serving)}"
        yield f"  {show_names(state.serving)}"
        yield f"  SHA-256 {state.serving.fingerprint}"
    for ca in _cas(outcome):
        kind = "" if ca == state.signer else ", no longer used"
        yield f"Secret {target.ca_secret}  {validity(ca)}, {ca.subject}{kind}"
        yield f"  SHA-256 {ca.fingerprint}"
    yield from _notes(outcome)
    problems = findings(outcome)
    yield from problems
    yield from _outlook(outcome, problems)
    if not target.webhook_configs and not isinstance(outcome.step, Nothing):
        yield "a CA is only changed with --webhook-config, where it is seen what is trusted"


def _outlook(outcome: ClusterOutcome, problems: tuple[str, ...]) -> Iterator[str]:
    match outcome.step:
        case Nothing(until=until):
            yield f"nothing is due before {show_time(until)}"
        case DropCA(reason=reason) | ForgetCA(reason=reason):
            yield f"the next renew tidies up: {reason}"
        case _ if not problems:
            yield "the next renew goes on"
        case _:
            pass


def _cas(outcome: ClusterOutcome) -> tuple[CaCert, ...]:
    return outcome.found.rollout.ours


def _as_json(outcome: ClusterOutcome, target: Target) -> dict[str, Any]:
    state, step = outcome.found.rollout, outcome.step
    return {
        "secret": str(target.secret),
        "caSecret": str(target.ca_secret),
        "webhookConfigs": list(target.webhook_configs),
        "serving": _serving(state.serving),
        "cas": [
            {**cert_json(ca), "keyId": ca.key_id, "signs": ca == state.signer}
            for ca in _cas(outcome)
        ],
        "bundles": [
            {"place": bundle.place, "holds": sorted(bundle.holds)} for bundle in state.bundles
        ],
        "due": None if isinstance(step, Nothing) else _step(step),
        "nextDue": moment_json(step.until) if isinstance(step, Nothing) else None,
        "findings": list(findings(outcome)),
        "notes": list(_notes(outcome)),
        "done": [_step(taken) for taken in outcome.steps],
    }


def _step(step: Any) -> dict[str, str]:
    return {"step": type(step).__name__, "reason": step.reason}


def _serving(cert: ServingCert | Missing) -> dict[str, Any] | None:
    if isinstance(cert, Missing):
        return None
    return {
        **cert_json(cert),
        "dnsNames": cert.dns_names,
        "ipAddresses": cert.ip_addresses,
        "issuerKeyId": cert.issuer_key_id,
    }
