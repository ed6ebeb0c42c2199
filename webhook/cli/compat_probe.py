"""``runtimegate compat probe``: a command, or the rows' own probes, under a real runsc."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import click

from webhook.cli.compat_options import load_table, pairs, policies_option
from webhook.cli.compat_probe_report import Probed, probed_lines, probed_value
from webhook.cli.options import output_option
from webhook.cli.recording_files import count_log
from webhook.cli.report import as_json
from webhook.core.compat import CompatTable
from webhook.core.names import shown
from webhook.core.runtimes import DEFAULT_ARCH, RuntimeProfile
from webhook.documents.recordings.signs import signs_of
from webhook.documents.recordings.tally import Counting
from webhook.documents.recordings.witness import statements
from webhook.live.runsc import (
    NETWORKS,
    Runsc,
    RunscError,
    Sandbox,
    find_runsc,
    is_root,
    run_natively,
    run_under,
)

_ANY_DAY = date(2026, 11, 24)
"""Matters to no runtime with a release."""
_ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}


@click.command(
    short_help="Run a command under a real runsc, and compare what it does with the table.",
    context_settings={"allow_interspersed_args": False},
)
@click.option(
    "--runsc", type=click.Path(path_type=Path), help="The runsc.  [default: the one on the PATH]"
)
@click.option("--version", help="Its release, where it does not say one itself.")
@click.option(
    "--flag",
    "flags",
    metavar="NAME=VALUE",
    multiple=True,
    help="A flag to start it with, such as platform=kvm; may be given several times.",
)
@click.option(
    "--rootfs",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="The root file system to run in.  [default: this machine's]",
)
@click.option(
    "--network",
    type=click.Choice(NETWORKS),
    default=NETWORKS[0],
    show_default=True,
    help="None but lo, a network of the sandbox's own (runsc makes it with ip and iptables), or "
    "the host's.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1, max=86_400),
    default=300.0,
    show_default=True,
    help="Seconds after which a command that still runs, as a server does, is ended.",
)
@click.option(
    "--native/--no-native",
    default=True,
    show_default=True,
    help="Whether to run it on this machine's own kernel too, as control.",
)
@click.option(
    "--log-dir",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    help="Keep runsc's logs here, for `compat learn`.",
)
@click.option("--facts", is_flag=True, help="Run the probes of the table's rows, no COMMAND.")
@click.option("--feature", metavar="GLOB", help="With --facts: of these features only.")
@policies_option
@output_option("text", "json")
@click.argument("command", metavar="[-- COMMAND [ARGUMENT]…]", nargs=-1, type=click.UNPROCESSED)
def probe(
    *,
    runsc: Path | None,
    version: str | None,
    flags: tuple[str, ...],
    rootfs: Path | None,
    network: str,
    timeout: float,
    native: bool,
    log_dir: Path | None,
    facts: bool,
    feature: str | None,
    policies: Path | None,
    output: str,
    command: tuple[str, ...],
) -> int:
    """Run COMMAND under a real runsc: how it ends, and what that says about the table's rows.

    It runs on the root file system of this machine, or of --rootfs; what it writes is thrown away.
    The control is the same command on this machine's own kernel, on an overlay that is thrown away
    too. With --facts the probes run that measured the table's rows.

    As root everything runs in namespaces that end with it. Without root runsc runs rootless, where
    the machine allows user namespaces, without a control and without --network sandbox.

    Exit code 1: a row of the table is contradicted, or COMMAND fails under runsc and not natively.
    """
    _require_one_task(command, facts=facts, feature=feature, rootfs=rootfs)
    given = pairs(flags, "--flag", leading="-")
    if not is_root() and (network == "sandbox" or facts):
        what = "--facts" if facts else "--network sandbox"
        raise click.UsageError(f"{what} needs root")
    table = load_table(policies)
    try:
        found = find_runsc(runsc, version)
        if facts:
            return _probe_facts(table, found, given, feature, output)
        sandbox = Sandbox(flags=given, root=rootfs or Path("/"), network=network, seconds=timeout)
        probed = _probe(found, sandbox, command, table, native=native, log_dir=log_dir)
    except RunscError as error:
        raise click.ClickException(str(error)) from None
    value = as_json(probed_value(probed)) if output == "json" else None
    click.echo(value or "\n".join(probed_lines(probed)))
    return 1 if probed.contradicted or probed.fails_here_alone else 0


def _require_one_task(
    command: Sequence[str], *, facts: bool, feature: str | None, rootfs: Path | None
) -> None:
    if facts == bool(command):
        raise click.UsageError("give a COMMAND after --, or --facts")
    if feature and not facts:
        raise click.UsageError("--feature is for --facts")
    if facts and rootfs:
        raise click.UsageError("--facts runs on this machine's root: leave --rootfs out")


def _probe(
    runsc: Runsc,
    sandbox: Sandbox,
    command: Sequence[str],
    table: CompatTable,
    *,
    native: bool,
    log_dir: Path | None,
) -> Probed:
    arch = _ARCHES.get(platform.machine(), DEFAULT_ARCH)
    flags = {"network": sandbox.network, **sandbox.flags}
    profile = RuntimeProfile(runtime="gvisor", versions=(runsc.version,), flags=flags, arch=arch)
    bound = table.bind(profile, _ANY_DAY)
    counting = Counting(signs_of(table), arch)
    with _log_folder(log_dir) as log:
        with _waiting(f"{command[0]} under runsc {runsc.version}"):
            ran = run_under(runsc, sandbox, command, log)
        for file in sorted(log.glob("*boot*")):
            count_log(file, counting)
    control = None
    if native:
        with _waiting(f"{command[0]} natively"):
            control = run_natively(sandbox, command)
    tally = counting.tally()
    return Probed(
        runsc=runsc,
        sandbox=sandbox,
        command=tuple(command),
        ran=ran,
        control=control,
        control_wanted=native,
        tally=tally,
        statements=statements(tally, bound),
        bound=bound,
        log_dir=log_dir,
    )


def _probe_facts(
    table: CompatTable, runsc: Runsc, flags: Mapping[str, str], glob: str | None, output: str
) -> int:
    # The probes are programs for Linux, and take long to import: only here.
    from webhook.cli.compat_probe_facts import facts_lines, facts_value, probe_facts  # noqa: PLC0415 - only this needs it

    probed = probe_facts(table, runsc, flags, glob)
    value = as_json(facts_value(probed)) if output == "json" else None
    click.echo(value or "\n".join(facts_lines(probed)))
    return 1 if probed.contradicted else 0


@contextmanager
def _log_folder(kept: Path | None) -> Iterator[Path]:
    """Where runsc writes its logs: the folder that they are kept in, else one that is removed."""
    if kept is None:
        with tempfile.TemporaryDirectory(prefix=f"runtimegate-probe-{os.getpid()}-") as folder:
            yield Path(folder)
        return
    kept.mkdir(parents=True, exist_ok=True)
    if any(kept.iterdir()):
        raise click.BadParameter("must be a new or an empty folder", param_hint="--log-dir")
    yield kept


@contextmanager
def _waiting(what: str) -> Iterator[None]:
    """Say at a terminal what is waited for."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - longer to import than --help takes
    from rich.text import Text  # noqa: PLC0415

    with Console(stderr=True).status(Text(shown(what, 100))):
        yield
