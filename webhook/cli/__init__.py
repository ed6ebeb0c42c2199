"""The command ``runtimegate``, and the one place that turns exceptions into exit codes.

A command returns its exit code (None is 0) or raises; what it raises becomes 2 where the person can
mend it and 3 where only we can. Commands are imported when they are named: ``version`` and
``check`` must not wait for a web server.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from webhook.cli.completion import offer_values
from webhook.cli.examples import examples_text
from webhook.cli.groups import GroupWithHints
from webhook.core.names import VERSION, shown


class ExitCode(IntEnum):
    """What every command's exit code means."""

    CLEAN = 0
    FINDINGS = 1
    UNREADABLE = 2
    BUG = 3


SIGPIPE_CODE = 128 + 13
SIGINT_CODE = 128 + 2

CommandTable = Mapping[str, tuple[str, str]]

COMMANDS: CommandTable = {
    "check": ("webhook.cli.check:check", "Decide the pods of manifests as the webhook would."),
    "policy": (
        "webhook.cli.policy:policy",
        "Lint, show, test, compare and compile the policies in git.",
    ),
    "compat": (
        "webhook.cli.compat:compat",
        "Ask the compatibility table what runs where, and why.",
    ),
    "audit": (
        "webhook.cli.audit:audit",
        "Show how everything that runs stands under the policies.",
    ),
    "plan": (
        "webhook.cli.plan:plan",
        "Show how strongly each workload can be isolated, and draft policies.",
    ),
    "serve": ("webhook.cli.serve:serve", "Run the admission webhook."),
    "certs": ("webhook.cli.certs:certs", "Make the certificates of the webhook."),
    "completion": (
        "webhook.cli.completion:completion",
        "Print what makes a shell complete this command.",
    ),
    "version": ("webhook.cli.version:version", "Print the version of the program and its data."),
}
"""Every command: where it is, and its line in ``--help`` (written here so that help is quick)."""

MENDABLE: tuple[str, ...] = (
    "webhook.documents.source:DocumentErrors",
    "webhook.live.git:GitError",
    "webhook.live.credentials:KubeError",
    "certs.errors:CertificateError",
)
"""Errors whose text is for the person who gave the input; looked up only once one was raised."""


@dataclass(slots=True)
class Invocation:
    """What the options before the command say."""

    debug: bool = False


class CommandGroup(GroupWithHints):
    """A group whose commands are those of a table."""

    table: CommandTable = COMMANDS

    # click calls these three with its own arguments, needed here or not.
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own argument
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self.table:
            return None
        module, _, attribute = self.table[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        _finish(command, cmd_name)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's own argument
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.table.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever read our output has enough. The interpreter must not flush into it again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(SIGPIPE_CODE) from None
        return result


def _finish(command: click.Command, words: str) -> None:
    """What every command has alike: its options' variables and examples in its help, values that
    shells offer."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            parameter.show_envvar = True
            parameter.metavar = parameter.metavar or _metavar(parameter)
    offer_values(command)
    command.epilog = examples_text(words)
    if isinstance(command, click.Group):
        for name, sub_command in command.commands.items():
            _finish(sub_command, f"{words} {name}")


_METAVARS = {"runtime": "NAME", "version": "RELEASE", "name": "NAME"}
_FOLDERS = frozenset({"policies", "tls_dir", "directory"})


def _metavar(option: click.Option) -> str | None:
    """How help calls the value of an option that does not say so itself: alike in all commands."""
    if isinstance(option.type, click.Path):
        return "FOLDER" if option.name in _FOLDERS or not option.type.file_okay else "FILE"
    return _METAVARS.get(option.name or "")


def command_line(commands: CommandTable, kind: type[CommandGroup] = CommandGroup) -> click.Group:
    """The command ``runtimegate`` with these commands."""
    group = kind(
        callback=_remember_debug,
        params=[
            click.Option(
                ["--debug"], is_flag=True, show_envvar=True, help="Show the traceback of a bug."
            ),
            click.Option(
                ["--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                allow_from_autoenv=False,
                callback=_tell_version,
                help="Show the version; the command says more.",
            ),
        ],
        help="Put every pod on the container runtime that its namespace's policy demands.",
        epilog="Exit codes: 0 clean; 1 refusals or findings; 2 usage or input; 3 a bug of ours."
        f"\n\n{examples_text('')}",
        context_settings={
            "auto_envvar_prefix": "RUNTIMEGATE",
            "help_option_names": ["-h", "--help"],
            "max_content_width": 100,
        },
    )
    group.table = commands
    return group


def _tell_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        click.echo(f"runtimegate {VERSION}")
        ctx.exit()


@click.pass_obj
def _remember_debug(invocation: Invocation, *, debug: bool) -> None:
    invocation.debug = debug


def main() -> None:
    """The console scripts ``runtimegate`` and ``kubectl-runtimegate``."""
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal that cannot show a character must not end the command.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:], program=Path(sys.argv[0]).name))


def run(
    arguments: Sequence[str], *, program: str = "runtimegate", commands: CommandTable = COMMANDS
) -> int:
    """Run one command line and return its exit code."""
    invocation = Invocation()
    try:
        group, name = _called(program, commands)
        returned = group.main(
            list(arguments),
            prog_name=name,
            standalone_mode=False,
            obj=invocation,
        )
    except click.Abort:
        return SIGINT_CODE
    except click.ClickException as error:
        error.show()
        return ExitCode.UNREADABLE
    except Exception as error:  # noqa: BLE001 - the rim: said to the person, never lost
        return _failed(error, invocation)
    return returned if isinstance(returned, int) else ExitCode.CLEAN


def _called(program: str, commands: CommandTable) -> tuple[click.Group, str]:
    """The commands and the name that the program was called by."""
    if program != "kubectl-runtimegate":
        return command_line(commands), "runtimegate"
    from webhook.cli.plugin import NAME, plugin_command_line  # noqa: PLC0415 - it imports this

    return plugin_command_line(commands), NAME


def _failed(error: Exception, invocation: Invocation) -> int:
    if isinstance(error, _mendable()):
        click.echo(str(error), err=True)
        return ExitCode.UNREADABLE
    if isinstance(error, OSError) and error.strerror:
        where = f"{shown(str(error.filename))}: " if error.filename else ""
        click.echo(f"{where}{error.strerror}", err=True)
        return ExitCode.UNREADABLE
    if invocation.debug:
        traceback.print_exception(error)
    else:
        click.echo(
            f"runtimegate: this is a bug ({type(error).__name__}: {shown(str(error), 300)}); "
            "please report it with the output of: runtimegate --debug …",
            err=True,
        )
    return ExitCode.BUG


def _mendable() -> tuple[type[Exception], ...]:
    """The error types of MENDABLE, of the modules that were imported at all."""
    found = []
    for place in MENDABLE:
        module, _, attribute = place.partition(":")
        if module in sys.modules:
            found.append(getattr(sys.modules[module], attribute))
    return tuple(found)
