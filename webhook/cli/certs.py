"""``runtimegate certs``: make, show and renew the webhook's own CA and certificate."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from certs.bootstrap import (
    Change,
    Names,
    Outcome,
    Status,
    bootstrap,
    renew,
    service_names,
    status,
)
from certs.files import CA_CRT, TLS_CRT
from certs.inspect import CaCert, ServingCert, show_names, show_time
from certs.issue import KeyType
from certs.plan import Nothing, RenewServing, RotateCA

_Command = TypeVar("_Command", bound=Callable[..., int | None])

_LOCALHOST = Names(dns_names=("localhost",), ip_addresses=("127.0.0.1", "::1"))
_DONE = {RotateCA: "made a new CA", RenewServing: "issued a new certificate"}


def _option(*names: str, **settings: Any) -> Callable[[_Command], _Command]:
    """An option whose environment variable is named after it, the same for every command."""
    flag = next(name for name in names if name.startswith("--"))
    variable = "RUNTIMEGATE_CERTS_" + flag[2:].upper().replace("-", "_")
    return click.option(*names, envvar=variable, **settings)


_directory = _option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    required=True,
    help="Directory with tls.crt, tls.key, ca.crt and ca.key.",
)
_output = _option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text is for people, JSON is a contract.",
)


def _names_options(command: _Command) -> _Command:
    """The options that say what the certificate is for."""
    options = (
        _option("--service", metavar="NAME", help="Service of the webhook: NAME.NS.svc and so on."),
        _option(
            "--namespace",
            metavar="NS",
            default="runtimegate",
            show_default=True,
            help="Namespace of that Service.",
        ),
        _option("--dns-name", "dns_names", metavar="NAME", multiple=True, help="A further name."),
        _option("--ip", "ip_addresses", metavar="ADDRESS", multiple=True, help="An address."),
        _option("--localhost", is_flag=True, help="Also localhost, 127.0.0.1 and ::1."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group("certs")
def certs() -> None:
    """Make, show and renew the webhook's own CA and serving certificate.

    Keys are ECDSA P-256 or RSA 3072. The CA holds ten years and the certificate one; each is
    renewed when two thirds of that are over.
    """


@certs.command("bootstrap")
@_directory
@_names_options
@_option(
    "--key-type",
    type=click.Choice([kind.value for kind in KeyType]),
    default=KeyType.ECDSA.value,
    show_default=True,
    help="Kind of the keys that are made.",
)
@_option("--force", is_flag=True, help="Replace everything, the CA too: no caBundle fits any more.")
@_output
def bootstrap_command(
    directory: Path, key_type: str, force: bool, output: str, **given: Any
) -> None:
    """Make a CA and a certificate; what is there and still holds is kept.

    Without any name the certificate is for the Service runtimegate.
    """
    names = _names(**given) or Names(dns_names=service_names("runtimegate", given["namespace"]))
    outcome = bootstrap(directory, names, now=_now(), key_type=KeyType(key_type), force=force)
    _show(directory, outcome.status, outcome, output)


@certs.command("renew")
@_directory
@_option("--force", is_flag=True, help="Renew the certificate although it still holds.")
@_output
def renew_command(directory: Path, force: bool, output: str) -> None:
    """Renew what is past two thirds of its life, for the same names.

    A CA gets a successor beside it in ca.crt, which signs from the next renewal on.
    """
    outcome = renew(directory, now=_now(), force=force)
    _show(directory, outcome.status, outcome, output)


@certs.command("status")
@_directory
@_names_options
@_output
def status_command(directory: Path, output: str, **given: Any) -> int:
    """Show what a directory holds; exit code 1 when a renewal is due or a given name is missing."""
    names = _names(**given)
    stands = status(directory, now=_now(), names=names)
    _show(directory, stands, None, output)
    if isinstance(stands.step, Nothing):
        return 0
    if output == "text":
        remedy = "bootstrap, with the same names, --dir" if names else "renew --dir"
        click.echo(f"run: runtimegate certs {remedy} {directory}")
    return 1


def _names(
    *,
    service: str | None,
    namespace: str,
    dns_names: tuple[str, ...],
    ip_addresses: tuple[str, ...],
    localhost: bool,
) -> Names | None:
    """The names that the options give, the Service's first; None when they give none."""
    local = _LOCALHOST if localhost else Names()
    dns = (*(service_names(service, namespace) if service else ()), *dns_names, *local.dns_names)
    addresses = (*ip_addresses, *local.ip_addresses)
    return Names(dns_names=dns, ip_addresses=addresses) if dns or addresses else None


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the rim: the one reading of the clock


def _show(directory: Path, stands: Status, outcome: Outcome | None, output: str) -> None:
    if output == "json":
        click.echo(json.dumps(_as_json(directory, stands, outcome), indent=2))
    else:
        click.echo("\n".join(_as_text(directory, stands, outcome)))


def _as_text(directory: Path, stands: Status, outcome: Outcome | None) -> Iterator[str]:
    if outcome:
        yield from (f"{_DONE[type(step)]}: {step.reason}" for step in outcome.steps)
        if outcome.written:
            yield "wrote " + ", ".join(str(directory / name) for name in outcome.written)
        else:
            yield f"kept everything in {directory}"
    yield f"{directory / TLS_CRT}  {_validity(stands.serving)}"
    yield f"  {show_names(stands.serving)}"
    yield f"  SHA-256 {stands.serving.fingerprint}"
    for ca in stands.cas:
        yield f"{directory / CA_CRT}  {_validity(ca)}, {ca.subject}"
        yield f"  SHA-256 {ca.fingerprint}"
    yield from _advice(directory, stands, outcome)


def _validity(cert: ServingCert | CaCert) -> str:
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
            **_cert_json(stands.serving),
            "dnsNames": stands.serving.dns_names,
            "ipAddresses": stands.serving.ip_addresses,
            "issuerKeyId": stands.serving.issuer_key_id,
        },
        "cas": [{**_cert_json(ca), "keyId": ca.key_id} for ca in stands.cas],
        "due": None if isinstance(due, Nothing) else _step_json(due),
        "nextDue": _moment(due.until) if isinstance(due, Nothing) else None,
    }
    if outcome:
        shown["done"] = [_step_json(step) for step in outcome.steps]
        shown["written"] = [str(directory / name) for name in outcome.written]
    return shown


def _cert_json(cert: ServingCert | CaCert) -> dict[str, str]:
    return {
        "subject": cert.subject,
        "notBefore": _moment(cert.not_before),
        "notAfter": _moment(cert.not_after),
        "renewAt": _moment(cert.renew_at),
        "sha256": cert.fingerprint,
    }


def _step_json(step: Change) -> dict[str, str]:
    return {"step": type(step).__name__, "reason": step.reason}


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
