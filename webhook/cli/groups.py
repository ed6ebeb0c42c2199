"""Groups of commands that say, of a command that is none, which was probably meant."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

import click

from webhook.core.names import shown


class GroupWithHints(click.Group):
    """A group that knows what people mean by ``chek``, and where ``lint`` is."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name.startswith("-") or self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, args)
        meant = [*_below(self, ctx, name)] or get_close_matches(name, self.list_commands(ctx))
        hint = f"; did you mean {' or '.join(meant)}?" if meant else ""
        raise click.UsageError(f"no command {shown(name, 60)!r}{hint}", ctx)


def _below(group: click.Group, ctx: click.Context, name: str) -> Iterator[str]:
    """Where a command of this name is, one group further down."""
    for first in group.list_commands(ctx):
        command = group.get_command(ctx, first)
        if isinstance(command, click.Group) and name in command.commands:
            yield f"{first} {name}"
