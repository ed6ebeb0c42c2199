"""``runtimegate completion``, and what a shell may offer for the values of options.

click completes commands, options and choices by itself. What else is known - runtimes, releases,
features, applications, contexts, files - is a row below, so that no command speaks of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import click
from click.shell_completion import CompletionItem, get_completion_class
from click.types import StringParamType

SHELLS: Mapping[str, str] = {
    "bash": 'eval "$(runtimegate completion bash)"      # in ~/.bashrc',
    "zsh": 'eval "$(runtimegate completion zsh)"       # in ~/.zshrc, after compinit',
    "fish": "runtimegate completion fish | source       # in ~/.config/fish/config.fish",
}
"""The shells, and the line that switches completion on for good."""

FLAG_SAID = "webhook.cli.plugin.{}"
"""Where click's context keeps a flag of kubectl's that the command itself does not take."""

_COMPLETE_VARIABLE = "_RUNTIMEGATE_COMPLETE"
_FILE_METAVARS = ("FILE", "FOLDER", "DIR")


class Known(StringParamType):
    """A text of which some values are known; any other is taken too."""

    def __init__(self, values: Callable[[click.Context], Iterable[str]]) -> None:
        self._values = values

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click's own argument
        incomplete: str,
    ) -> list[CompletionItem[str]]:
        """The known values that begin so; none where they cannot be had: a shell is no place
        for an error."""
        try:
            known = [value for value in self._values(ctx) if value.startswith(incomplete)]
        except Exception:  # noqa: BLE001 - a rim: whatever is wrong is said when the command runs
            return []
        return [CompletionItem(value) for value in known]


class Files(StringParamType):
    """A text that names a file or folder, or - for standard input."""

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's own argument
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem[str]]:
        """Whatever files the shell finds."""
        return [CompletionItem(incomplete, type="file")]


def _runtimes(_: click.Context) -> Iterable[str]:
    from webhook.core.runtimes import RUNTIMES  # noqa: PLC0415 - most completions need no table

    return RUNTIMES


def _releases(ctx: click.Context) -> Iterable[str]:
    """The releases of the runtime named so far on the line, the newest first."""
    from webhook.live.shipped import shipped  # noqa: PLC0415

    releases = shipped().compat.releases
    known = releases.get(ctx.params.get("runtime") or "gvisor", ())
    return map(str, sorted((release.version for release in known), reverse=True))


def _features(_: click.Context) -> Iterable[str]:
    from webhook.live.shipped import shipped  # noqa: PLC0415

    return sorted({fact.feature for fact in shipped().compat.facts})


def _applications(_: click.Context) -> Iterable[str]:
    from webhook.live.shipped import shipped  # noqa: PLC0415

    return sorted(application.name for application in shipped().compat.catalogue.applications)


def _hypervisors(_: click.Context) -> Iterable[str]:
    from webhook.core.runtimes import HYPERVISORS  # noqa: PLC0415

    return HYPERVISORS


def _contexts(ctx: click.Context) -> Iterable[str]:
    from webhook.live.credentials import context_names  # noqa: PLC0415

    said = ctx.params.get("kubeconfig") or ctx.meta.get(FLAG_SAID.format("kubeconfig"))
    return context_names(said)


VALUES: Mapping[str, Callable[[click.Context], Iterable[str]]] = {
    "runtime": _runtimes,
    "version": _releases,
    "before": _releases,
    "after": _releases,
    "hypervisor": _hypervisors,
    "feature": _features,
    "application": _applications,
    "context": _contexts,
}
"""What the parameter of this name, in whatever command, is completed with."""


def offer_values(command: click.Command) -> None:
    """Let a shell offer values for the parameters of ``command`` that take any text."""
    for parameter in command.params:
        if type(parameter.type) is not StringParamType:
            continue
        if parameter.name in VALUES:
            parameter.type = Known(VALUES[parameter.name])
        elif (parameter.metavar or "").strip("[").startswith(_FILE_METAVARS):
            parameter.type = Files()


@click.command(short_help="Print what makes a shell complete this command.")
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(ctx: click.Context, *, shell: str) -> None:
    """Print the script that makes SHELL complete commands, options and their values."""
    completer = get_completion_class(shell)
    assert completer is not None  # noqa: S101 - click brings all three
    root = ctx.find_root()
    script = completer(root.command, {}, "runtimegate", _COMPLETE_VARIABLE).source()
    click.echo(f"{script.strip()}\n# For good: {SHELLS[shell]}")
