"""``runtimegate serve``: what the options say, seen to work, then given to the server.

Everything that can be wrong is found before the first fork and said in one line each: a server
that cannot serve must not look as if it did.
"""

import logging
import os
import re
import socket
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from certs.bootstrap import self_signed_pair
from certs.errors import CertificateError
from certs.files import ServingFiles, serving_files
from webhook.core.names import VERSION

if TYPE_CHECKING:
    from webhook.live.credentials import Access
    from webhook.server.process import Settings
    from webhook.server.tls import ServingContext

_BACKLOG = 1024
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - writable where the root file system is not
_DEFAULT_TLS_DIR = Path(".runtimegate/tls")
_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})")


class UnusableSetting(click.ClickException):
    """Something that serving needs cannot be had; exit code 2."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """What was typed; the names are the options'."""

    policies: Path
    bind: str
    tls_dir: Path | None
    tls_cert: Path | None
    tls_key: Path | None
    self_signed: bool
    client_ca: Path | None
    no_cluster: bool
    kubeconfig: Path | None
    excluded_namespaces: tuple[str, ...]
    workers: int
    threads: int
    reload_seconds: float
    drain_seconds: float
    finish_seconds: float
    cluster_max_age_seconds: float | None


@click.command(short_help="Run the admission webhook.")
@click.option(
    "-p",
    "--policies",
    type=click.Path(path_type=Path),
    default=Path("policies"),
    show_default=True,
    envvar="RUNTIMEGATE_POLICIES",
    help="Policy folder; changes in it take effect while serving.",
)
@click.option(
    "--bind",
    default="0.0.0.0:8443",
    show_default=True,
    metavar="ADDRESS:PORT",
    help="Where to listen; port 0 takes a free one, [::]:8443 is IPv6.",
)
@click.option(
    "--tls-dir",
    type=click.Path(path_type=Path),
    help="Folder with tls.crt, tls.key and ca.crt; read again when they change."
    f"  [default: {_DEFAULT_TLS_DIR}]",
)
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate, with its chain.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its private key.")
@click.option(
    "--self-signed", is_flag=True, help="Make a CA and a certificate for localhost if missing."
)
@click.option(
    "--client-ca",
    type=click.Path(path_type=Path),
    help="Serve only clients with a certificate from this CA.",
)
@click.option("--no-cluster", is_flag=True, help="Run without an API server.")
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path),
    help="Reach the API server by this file; else by the Pod's account, or as kubectl would.",
)
@click.option(
    "--exclude-namespace",
    "excluded_namespaces",
    multiple=True,
    metavar="NAME",
    help="Leave this namespace alone, as kube-system always is: the server's own.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes. One, and more replicas, is the usual way.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Threads a process for what may wait: namespaces to fetch, metrics.",
)
@click.option(
    "--reload-seconds",
    type=click.FloatRange(0.1, 3600),
    default=2.0,
    show_default=True,
    help="How often to look for changed policies and certificates; SIGHUP looks at once.",
)
@click.option(
    "--drain-seconds",
    type=click.FloatRange(0, 300),
    default=5.0,
    show_default=True,
    help="After SIGTERM go on serving so long, not ready, until clients have been sent elsewhere.",
)
@click.option(
    "--finish-seconds",
    type=click.FloatRange(1, 300),
    default=10.0,
    show_default=True,
    help="How long requests under way may take after that.",
)
@click.option(
    "--cluster-max-age-seconds",
    type=click.FloatRange(120, 86400),
    help="Be not ready when the API server was last heard of longer ago; at least 120, since"
    " a quiet cluster is heard of once a minute.  [default: no limit]",
)
def serve(**given: Any) -> NoReturn:
    """Run the admission webhook until it is told to stop.

    A log line for each review goes to standard output, all else to standard error, as JSON.
    """
    options = _Options(**given)
    files = _tls_files(options)
    metrics_folder = _share_metrics(os.environ, options.workers)
    # After the line above: the metrics library reads its variable when it is imported.
    from webhook.server.logs import log_to  # noqa: PLC0415 - only this needs it
    from webhook.server.process import Gate  # noqa: PLC0415

    settings = _settings(options, files)
    log_to(logging.StreamHandler(sys.stderr))
    click.echo(_announcement(options, settings), err=True)
    with metrics_folder:
        Gate(settings).run()


def _settings(options: _Options, files: ServingFiles) -> "Settings":
    from webhook.live.reload import FolderSource  # noqa: PLC0415 - as in serve
    from webhook.server.process import Settings  # noqa: PLC0415

    source = FolderSource(options.policies)
    stamp = source.stamp()
    return Settings(
        version=VERSION,
        source=source,
        stamp=stamp,
        policies=source.load(),
        tls=_serving_context(options, files),
        access=_access(options),
        listener=_listen(options.bind),
        excluded_namespaces=frozenset(options.excluded_namespaces),
        workers=options.workers,
        threads=options.threads,
        look_seconds=options.reload_seconds,
        drain_seconds=options.drain_seconds,
        finish_seconds=options.finish_seconds,
        cluster_max_age_seconds=options.cluster_max_age_seconds,
    )


def _tls_files(options: _Options) -> ServingFiles:
    if options.tls_cert is None and options.tls_key is None:
        return serving_files(options.tls_dir or _DEFAULT_TLS_DIR)
    if options.tls_cert is None or options.tls_key is None:
        raise click.UsageError("--tls-cert and --tls-key go together")
    if options.tls_dir is not None or options.self_signed:
        raise click.UsageError("--tls-cert and --tls-key stand for themselves: no --tls-dir beside")
    return ServingFiles(cert=options.tls_cert, key=options.tls_key)


def _serving_context(options: _Options, files: ServingFiles) -> "ServingContext":
    from webhook.server.tls import ServingContext  # noqa: PLC0415 - as in serve

    now = _now()
    if options.self_signed:
        self_signed_pair(files.cert.parent, now=now, hostname=socket.gethostname())
    try:
        return ServingContext(files, now=now, client_ca=options.client_ca)
    except CertificateError as error:
        if files.cert.exists() or options.tls_cert is not None:
            raise
        raise UnusableSetting(
            f"{error}; make one with: runtimegate certs bootstrap --dir {files.cert.parent}, "
            "or let serve make one: --self-signed"
        ) from error


def _access(options: _Options) -> "Access | None":
    from webhook.live.credentials import NoClusterError, find_access  # noqa: PLC0415 - as in serve

    if options.no_cluster:
        return None
    try:
        return find_access(kubeconfig=options.kubeconfig)
    except NoClusterError as error:
        raise UnusableSetting(f"{error}; to run without an API server: --no-cluster") from error


def _listen(bind: str) -> socket.socket:
    """Bind here, not in gunicorn: it tries five times, and does not say which port 0 became."""
    found = _ADDRESS.fullmatch(bind)
    if found is None or int(found["port"]) > 65535:
        raise click.BadParameter(
            f"must be ADDRESS:PORT, such as 0.0.0.0:8443 or [::]:8443, not {bind!r}",
            param_hint="--bind",
        )
    try:
        return _bound(found["six"] or found["host"] or "0.0.0.0", int(found["port"]))
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise UnusableSetting(f"cannot listen on {bind}: {said}") from error


def _bound(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _announcement(options: _Options, settings: "Settings") -> str:
    """The one line on start."""
    host, port = settings.listener.getsockname()[:2]
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    count = len(settings.policies.policies.policies)
    cluster = f"cluster {settings.access.host}" if settings.access else "no cluster"
    return (
        f"runtimegate {settings.version}: serving on https://{address}; "
        f"policies: {count} of {options.policies}, revision {settings.policies.revision}; {cluster}"
    )


class _NoFolder:
    """Where one worker needs no folder."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def _share_metrics(
    environ: "os._Environ[str] | dict[str, str]", workers: int
) -> "tempfile.TemporaryDirectory[str] | _NoFolder":
    """A folder in which several workers add up their counters; it goes when serving ends."""
    if workers == 1:
        return _NoFolder()
    shared = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
    folder = tempfile.TemporaryDirectory(prefix="runtimegate-metrics-", dir=shared)
    environ["PROMETHEUS_MULTIPROC_DIR"] = folder.name
    return folder


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the rim: the one reading of the clock
