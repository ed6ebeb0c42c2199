"""What ``certs`` prints about a directory: for people, and as JSON."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from certs.bootstrap import Change, Outcome, Status
from certs.files import CA_CRT, TLS_CRT
from certs.inspect import CaCert, ServingCert, show_names, show_time
from certs.plan import Nothing, RenewServing, RotateCA

DONE = {RotateCA: "made a new CA", RenewServing: "issued a new certificate"}


def show_directory(directory: Path, stands: Status, outcome: Outcome | None, output: str) -> None:
    if output == "json":
        click.echo(json.dumps(_as_json(directory, stands, outcome), indent=2))
    else:
        click.echo("\n".join(_as_text(directory, stands, outcome)))


def _as_text(directory: Path, stands: Status, outcome: Outcome | None) -> Iterator[str]:
    if outcome:
        yield from (f"{DONE[type(step)]}: {step.reason}" for step in outcome.steps)
        if outcome.written:
            yield "wrote " + ", ".join(str(directory / name) for name in outcome.written)
        else:
            yield f"kept everything in {directory}"
    yield f"{directory / TLS_CRT}  {validity(stands.serving)}"
    yield f"  {show_names(stands.serving)}"
    yield f"  SHA-256 {stands.serving.fingerprint}"
    for ca in stands.cas:
        yield f"{directory / CA_CRT}  {validity(ca)}, {ca.subject}"
        yield f"  SHA-256 {ca.fingerprint}"
    yield from _advice(directory, stands, outcome)


def validity(cert: ServingCert | CaCert) -> str:
    """Until when, and from when it is renewed."""
    return f"until {show_time(cert.not_after)}, renewal from {show_time(cert.renew_at)}"


def _advice(directory: Path, stands: Status, outcome: Outcome | None) -> Iterator[str]:
    """What the person has to do now."""
    if outcome and any(isinstance(step, RotateCA) for step in outcome.steps):
        yield f"put it into every caBundle: base64 -w0 {directory / CA_CRT}"
    match stands.step:
        case Nothing(until=until):
            yield f"nothing is due before {show_time(until)}"
        case RenewServing(reason=reason) | RotateCA(reason=reason):
            yield f"renewal is due: {reason}"


def _as_json(directory: Path, stands: Status, outcome: Outcome | None) -> dict[str, Any]:
    due = stands.step
    shown: dict[str, Any] = {
        "directory": str(directory),
        "serving": {
            **cert_json(stands.serving),
            "dnsNames": stands.serving.dns_names,
            "ipAddresses": stands.serving.ip_addresses,
            "issuerKeyId": stands.serving.issuer_key_id,
        },
        "cas": [{**cert_json(ca), "keyId": ca.key_id} for ca in stands.cas],
        "due": None if isinstance(due, Nothing) else step_json(due),
        "nextDue": moment_json(due.until) if isinstance(due, Nothing) else None,
    }
    if outcome:
        shown["done"] = [step_json(step) for step in outcome.steps]
        shown["written"] = [str(directory / name) for name in outcome.written]
    return shown


def cert_json(cert: ServingCert | CaCert) -> dict[str, str]:
    """A certificate."""
    return {
        "subject": cert.subject,
        "notBefore": moment_json(cert.not_before),
        "notAfter": moment_json(cert.not_after),
        "renewAt": moment_json(cert.renew_at),
        "sha256": cert.fingerprint,
    }


def step_json(step: Change) -> dict[str, str]:
    """A step that is due or was taken."""
    return {"step": type(step).__name__, "reason": step.reason}


def moment_json(moment: datetime) -> str:
    """A moment as in RFC 3339."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
