"""``runtimegate compat``: ask the compatibility table; a command a module, listed by hand."""

import click

from webhook.cli.compat_diff import diff
from webhook.cli.compat_import import import_
from webhook.cli.compat_learn import learn
from webhook.cli.compat_probe import probe
from webhook.cli.compat_table import table
from webhook.cli.compat_why import why
from webhook.cli.groups import GroupWithHints


@click.group(
    cls=GroupWithHints, short_help="Ask the compatibility table: what runs where, and why not."
)
def compat() -> None:
    """Ask the compatibility table: what a runtime's release does, and what runs on it."""


compat.add_command(table)
compat.add_command(why)
compat.add_command(diff)
compat.add_command(import_)
compat.add_command(learn)
compat.add_command(probe)
