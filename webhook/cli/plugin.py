"""``kubectl runtimegate``: the same commands as a kubectl plugin, with kubectl's own flags.

kubectl runs ``kubectl-runtimegate`` from the PATH with all that follows its name, and, when a
person presses Tab, ``kubectl_complete-runtimegate``. ``--context``, ``--kubeconfig`` and
``--namespace`` may stand before the command and after it; what stands after counts.
"""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem, ShellComplete

from webhook.cli import COMMANDS, CommandGroup, CommandTable, command_line
from webhook.cli.completion import FLAG_SAID, offer_values
from webhook.cli.examples import examples_text

NAME = "kubectl runtimegate"

_WHY = "why"
_SAME_FLAGS = ("check", _WHY, "audit", "plan")
"""The commands that take kubectl's flags; a group of commands, or a server, does not."""

_NO_FILES, _FILES, _FOLDERS = 4, 0, 16
"""The directives of kubectl's completion (cobra's ShellCompDirective)."""


def plugin_commands(commands: CommandTable = COMMANDS) -> CommandTable:
    """Every command, those for a person at kubectl first; ``compat why`` is ``why`` too."""
    why = ("webhook.cli.compat_why:why", "Say whether an image or manifest runs, and why.")
    every = {_WHY: why, **commands}
    return {**{name: every[name] for name in _SAME_FLAGS if name in every}, **commands}


def plugin_command_line(commands: CommandTable = COMMANDS) -> click.Group:
    """The command ``kubectl runtimegate``."""
    group = command_line(plugin_commands(commands), _Plugin)
    group.epilog = _as_plugin(group.epilog)
    group.params.extend(_kubectl_options())
    for option in group.params:
        if option.name in _OPTIONS:
            # The variable of a command says more than one for all of them could.
            option.allow_from_autoenv = False  # type: ignore[attr-defined]  # click lets it be set
            option.show_envvar = False  # type: ignore[attr-defined]
    return group


class _Plugin(CommandGroup):
    """The group whose own kubectl flags are handed to the command that follows."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        if command is None or cmd_name not in _SAME_FLAGS:
            return command
        return _as_kubectl(command, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if name not in _SAME_FLAGS:
            return name, command, rest
        said = {flag: ctx.meta.get(FLAG_SAID.format(flag)) for flag in _OPTIONS}
        before = [f"--{flag}={value}" for flag, value in said.items() if value is not None]
        return name, command, [*before, *rest]


def _as_kubectl(command: click.Command, name: str) -> click.Command:
    """A copy of ``command`` that takes kubectl's flags and speaks of itself as of a plugin's."""
    own = copy.copy(command)
    own.params = [copy.copy(parameter) for parameter in command.params]
    there = {spelling: parameter for parameter in own.params for spelling in parameter.opts}
    own.params += [option for option in _kubectl_options() if option.opts[-1] not in there]
    own.epilog = _as_plugin(examples_text("compat why" if name == _WHY else name))
    if name == _WHY:
        _keep_variables(own, "RUNTIMEGATE_COMPAT_WHY")
    if name == "check":
        namespace = there["--namespace"]
        namespace.default = _namespace_of_context
        namespace.show_default = "that of the context"  # type: ignore[attr-defined]  # click lets it be set
    offer_values(own)
    return own


def _as_plugin(text: str | None) -> str:
    """A text in which the command is called as a person at kubectl calls it."""
    short = (text or "").replace("runtimegate compat why", "runtimegate why")
    return short.replace("runtimegate ", f"{NAME} ")


def _keep_variables(command: click.Command, prefix: str) -> None:
    """Let options be set by the variables that the command has under its other name."""
    for option in command.params:
        if isinstance(option, click.Option) and option.envvar is None:
            option.envvar = f"{prefix}_{(option.name or '').upper()}"


def _remember(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None:
        ctx.meta[FLAG_SAID.format(parameter.name)] = value


_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "context": {"metavar": "NAME", "help": "The context of the kubeconfig."},
    "kubeconfig": {
        "metavar": "FILE",
        "type": click.Path(path_type=Path),
        "help": "The kubeconfig.  [default: as kubectl finds it]",
    },
    "namespace": {"metavar": "NAME", "help": "The namespace.  [default: that of the context]"},
}


def _kubectl_options() -> list[click.Option]:
    """kubectl's flags for a command without them; read first, since a default depends on them."""
    short = {"namespace": ["-n"]}
    return [
        click.Option(
            [*short.get(name, []), f"--{name}"],
            is_eager=True,
            expose_value=False,
            callback=_remember,
            show_envvar=True,
            **how,
        )
        for name, how in _OPTIONS.items()
    ]


def _namespace_of_context() -> str:
    """What kubectl takes where no ``--namespace`` is given."""
    from webhook.live.credentials import find_context  # noqa: PLC0415 - a quarter of a second

    said = click.get_current_context().meta
    file, context = (said.get(FLAG_SAID.format(flag)) for flag in ("kubeconfig", "context"))
    if file is None and context is None and not _kubeconfigs():
        return "default"
    return find_context(kubeconfig=file, context=context).namespace


def _kubeconfigs() -> list[Path]:
    """The files that kubectl would read."""
    named = os.environ.get("KUBECONFIG") or "~/.kube/config"
    paths = [Path(name).expanduser() for name in named.split(os.pathsep) if name]
    return [path for path in paths if path.exists()]


def complete() -> None:
    """The console script ``kubectl_complete-runtimegate``: a completion a line, then what else.

    The last argument is what is being typed. See kubectl's documentation of plugins.
    """
    *before, incomplete = sys.argv[1:] or [""]
    click.echo("\n".join(completions(before, incomplete)))


def completions(before: Sequence[str], incomplete: str) -> list[str]:
    """What kubectl reads: values with their help behind a tab, then ``:`` and a directive."""
    completer = ShellComplete(plugin_command_line(), {}, NAME, "")
    items = completer.get_completions(list(before), incomplete)
    kinds = {item.type for item in items}
    directive = _FILES if "file" in kinds else _FOLDERS if "dir" in kinds else _NO_FILES
    return [*(_line(item) for item in items if item.type == "plain"), f":{directive}"]


def _line(item: CompletionItem[str]) -> str:
    return f"{item.value}\t{item.help}" if item.help else str(item.value)
