"""``runtimegate version``."""

from __future__ import annotations

import json
import platform

import click

from webhook.cli.options import output_option
from webhook.core.names import VERSION
from webhook.live.shipped import shipped_version


@click.command(short_help="Print the version of the program and its data.")
@output_option("text", "json")
def version(*, output: str) -> None:
    """Print the version of the program, of its compatibility data and of Python."""
    values = {
        "version": VERSION,
        "compatData": shipped_version(),
        "python": platform.python_version(),
    }
    if output == "json":
        click.echo(json.dumps(values, indent=2))
        return
    click.echo(f"runtimegate {values['version']}")
    click.echo(f"compatibility data {values['compatData']}")
    click.echo(f"Python {values['python']}")
