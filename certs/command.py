"""``certs``: make, show and renew the webhook's own CA and certificate, in files or a cluster."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from certs.access import SecretName, Target, parse_secret_name
from certs.asked import Asked, Place
from certs.bootstrap import Names, bootstrap, renew, service_names, status
from certs.issue import KeyType, subject_names
from certs.plan import Nothing
from certs.report import show_directory

_Command = TypeVar("_Command", bound=Callable[..., int | None])

_LOCALHOST = Names(dns_names=("localhost",), ip_addresses=("127.0.0.1", "::1"))


def _option(*names: str, **settings: Any) -> Callable[[_Command], _Command]:
    """An option whose environment variable is named after it, the same for every command."""
    flag = next(name for name in names if name.startswith("--"))
    variable = "RUNTIMEGATE_CERTS_" + flag[2:].upper().replace("-", "_")
    return click.option(*names, envvar=variable, **settings)


_directory = _option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    help="Folder with tls.crt, tls.key, ca.crt and ca.key; or else --secret.",
)
_output = _option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or for programs.",
)
_key_type = _option(
    "--key-type",
    type=click.Choice([kind.value for kind in KeyType]),
    help="Kind of the keys that are made; ecdsa when nothing is there yet, else what is there.",
)


def _all_of(options: tuple[Callable[[_Command], _Command], ...], command: _Command) -> _Command:
    for option in reversed(options):
        command = option(command)
    return command


def _cluster_options(command: _Command) -> _Command:
    """The options that say which objects of which cluster are meant."""
    options = (
        _option("--secret", metavar="NS/NAME", help="Secret that the servers mount."),
        _option(
            "--ca-secret", metavar="NS/NAME", help="Secret of the CA's key.  [default: NAME-ca]"
        ),
        _option(
            "--webhook-config",
            "webhook_configs",
            metavar="NAME",
            multiple=True,
            help="Mutating- and ValidatingWebhookConfiguration to keep the caBundle of.",
        ),
        _option(
            "--kubeconfig",
            type=click.Path(path_type=Path),
            help="How to reach the cluster; else the pod's service account, or as kubectl does.",
        ),
        _option(
            "--check-served",
            metavar="HOST:PORT",
            multiple=True,
            help="Keep an old CA as long as an address of HOST presents another certificate.",
        ),
        _option(
            "--grace",
            type=click.FloatRange(min=0),
            metavar="SECONDS",
            default=3600,
            show_default=True,
            help="How long every server may take to present a new certificate of the Secret.",
        ),
    )
    return _all_of(options, command)


def _names_options(command: _Command) -> _Command:
    """The options that say what the certificate is for."""
    options = (
        _option("--service", metavar="NAME", help="Service of the webhook: NAME.NS.svc and so on."),
        _option(
            "--namespace",
            metavar="NS",
            default="runtimegate-system",
            show_default=True,
            help="Namespace of that Service.",
        ),
        _option("--dns-name", "dns_names", metavar="NAME", multiple=True, help="A further name."),
        _option("--ip", "ip_addresses", metavar="ADDRESS", multiple=True, help="An address."),
        _option("--localhost", is_flag=True, help="Also localhost, 127.0.0.1 and ::1."),
    )
    return _all_of(options, command)


def _change_options(command: _Command) -> _Command:
    """The options of a command that makes something: what, where, and how patiently."""
    settle = _option(
        "--settle",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        default=10,
        show_default=True,
        help="How long every API server may take to hear of a new CA in a caBundle.",
    )
    options = (_directory, _cluster_options, settle, _names_options, _key_type)
    return _all_of(options, command)


@click.group("certs")
def certs() -> None:
    """Make, show and renew the webhook's own CA and serving certificate.

    In files (--dir), or in a cluster (--secret): there the CA is put into every caBundle before
    it signs, and the old one is dropped only when nothing served needs it.

    Keys are ECDSA P-256 or RSA 3072. The CA holds ten years and the certificate one; each is
    renewed when two thirds of that are over.
    """


@certs.command("bootstrap", short_help="Make a CA and a certificate.")
@_change_options
@_option(
    "--wait",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    default=0,
    show_default=True,
    help="How long to wait for webhook configurations that are not registered yet.",
)
@_option(
    "--force",
    is_flag=True,
    help="With --dir, replace everything, the CA too: no caBundle fits any more. "
    "With --secret, a new CA beside what others made or nobody can read.",
)
@_output
def bootstrap_command(
    directory: Path | None, output: str, key_type: str | None, force: bool, **given: Any
) -> int | None:
    """Make a CA and a certificate; what is there and still holds is kept.

    Without any name the certificate is for the Service runtimegate.
    """
    names = _names(given) or Names(dns_names=service_names("runtimegate", given["namespace"]))
    kind = KeyType(key_type or KeyType.ECDSA)
    if directory := _one_place(directory, given):
        outcome = bootstrap(directory, names, now=_now(), key_type=kind, force=force)
        show_directory(directory, outcome.status, outcome, output)
        return None
    subject_names(names.dns_names, names.ip_addresses)
    asked = Asked(names=names, key_type=KeyType(key_type) if key_type else None, force=force)
    return _change(given, asked, output)


@certs.command("renew", short_help="Renew what is past two thirds of its life.")
@_change_options
@_option("--force", is_flag=True, help="Renew the certificate although it still holds.")
@_option("--rotate-ca", is_flag=True, help="A new CA although the old still holds (--secret).")
@_option(
    "--allow-unregistered",
    is_flag=True,
    help="While no configuration of --webhook-config is registered (the gate is switched off) only "
    "warn: the certificate is renewed, the CA left as it is (--secret).",
)
@_output
def renew_command(
    directory: Path | None, output: str, key_type: str | None, force: bool, **given: Any
) -> int | None:
    """Renew what is past two thirds of its life, for the same names or those given.

    In files a CA gets a successor beside it in ca.crt, which signs from the next renewal on. In a
    cluster the certificate follows at once, and the old CA is dropped by a later run.
    """
    names, kind = _names(given), KeyType(key_type) if key_type else None
    if directory := _one_place(directory, given):
        if given["rotate_ca"]:
            raise click.UsageError("--rotate-ca is for --secret; with --dir: bootstrap --force")
        if given["allow_unregistered"]:
            raise click.UsageError("--allow-unregistered is for --secret, not for --dir")
        outcome = renew(directory, now=_now(), names=names, key_type=kind, force=force)
        show_directory(directory, outcome.status, outcome, output)
        return None
    if given["rotate_ca"] and not given["webhook_configs"]:
        raise click.UsageError("--rotate-ca needs --webhook-config, to see what is trusted")
    if given["rotate_ca"] and given["allow_unregistered"]:
        raise click.UsageError("--rotate-ca cannot go with --allow-unregistered: no CA is changed")
    asked = Asked(
        names=names,
        key_type=kind,
        renew=force,
        rotate=given["rotate_ca"],
        strict=True,
        unregistered=given["allow_unregistered"],
    )
    return _change(given, asked, output)


@certs.command("status", short_help="Show until when all holds, and what is overdue.")
@_directory
@_cluster_options
@_names_options
@_output
def status_command(directory: Path | None, output: str, **given: Any) -> int:
    """Show how things stand.

    Exit code 1: a renewal is overdue, or a given name is missing.
    """
    names = _names(given)
    if not (directory := _one_place(directory, given)):
        return _look(given, Asked(names=names), output)
    stands = status(directory, now=_now(), names=names)
    show_directory(directory, stands, None, output)
    if isinstance(stands.step, Nothing):
        return 0
    if output == "text":
        lost = names or not stands.cas  # only bootstrap gives other names, or a CA anew
        remedy = "bootstrap, with the same names, --dir" if lost else "renew --dir"
        click.echo(f"run: runtimegate certs {remedy} {directory}")
    return 1


def _change(given: dict[str, Any], asked: Asked, output: str) -> int:
    from certs import cluster_command  # noqa: PLC0415 - a directory needs no API server's client

    return cluster_command.change(_place(given), asked, output, _now, time.sleep)


def _look(given: dict[str, Any], asked: Asked, output: str) -> int:
    from certs import cluster_command  # noqa: PLC0415 - a directory needs no API server's client

    return cluster_command.show(_place(given), asked, output, _now)


def _place(given: dict[str, Any]) -> Place:
    secret = parse_secret_name(given["secret"], "--secret")
    beside = SecretName(namespace=secret.namespace, name=f"{secret.name}-ca")
    ca_secret = given["ca_secret"]
    target = Target(
        secret=secret,
        ca_secret=parse_secret_name(ca_secret, "--ca-secret") if ca_secret else beside,
        webhook_configs=given["webhook_configs"],
    )
    if target.secret == target.ca_secret:
        problem = "names one Secret twice: servers must not read the CA's key"
        raise click.UsageError(f"--ca-secret {problem}")
    return Place(
        target=target,
        kubeconfig=given["kubeconfig"],
        check_served=given["check_served"],
        settle=timedelta(seconds=given.get("settle") or 0),
        grace=timedelta(seconds=given["grace"]),
        wait_seconds=given.get("wait") or 0,
    )


def _one_place(directory: Path | None, given: dict[str, Any]) -> Path | None:
    """The directory, or None for the cluster; raises UsageError unless exactly one is meant."""
    if (directory is None) == (given["secret"] is None):
        raise click.UsageError("expected one of --dir (files) and --secret (a cluster)")
    if directory and (given["webhook_configs"] or given["ca_secret"]):
        raise click.UsageError("--webhook-config and --ca-secret are for --secret, not for --dir")
    return directory


def _names(given: dict[str, Any]) -> Names | None:
    """The names that the options give, the Service's first; None when they give none."""
    local = _LOCALHOST if given["localhost"] else Names()
    service = given["service"]
    named = service_names(service, given["namespace"]) if service else ()
    dns = (*named, *given["dns_names"], *local.dns_names)
    addresses = (*given["ip_addresses"], *local.ip_addresses)
    return Names(dns_names=dns, ip_addresses=addresses) if dns or addresses else None


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the rim: the one reading of the clock
