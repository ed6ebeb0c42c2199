"""Every option of every command with its environment variable."""

from collections.abc import Iterator

import click

from webhook.cli import COMMANDS, command_line

_PREFIX = "RUNTIMEGATE"


def rows() -> Iterator[tuple[str, str, str]]:
    """Command, option and environment variable, in the order of the help."""
    root = command_line(COMMANDS)
    context = click.Context(root, info_name="runtimegate", auto_envvar_prefix=_PREFIX)
    for name in COMMANDS:
        command = root.get_command(context, name)
        assert command is not None
        yield from _rows_of(command, name, f"{_PREFIX}_{name.upper()}")


def _rows_of(command: click.Command, typed: str, prefix: str) -> Iterator[tuple[str, str, str]]:
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name != "help":
            own = parameter.envvar if isinstance(parameter.envvar, str) else None
            variable = own or f"{prefix}_{(parameter.name or '').upper()}"
            yield typed, max(parameter.opts, key=len), variable
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from _rows_of(below, f"{typed} {name}", f"{prefix}_{name.upper()}")
