"""Rows for people: a table at a terminal, aligned columns where the output is piped."""

from __future__ import annotations

from collections.abc import Sequence

import click

from webhook.cli.terminal import at_terminal

Cells = Sequence[str]


def print_rows(title: str, head: Cells, rows: Sequence[Cells]) -> None:
    """A heading and its rows; nothing for no rows."""
    if not rows:
        return
    if at_terminal():
        _print_table(title, head, rows)
        return
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    click.echo(title)
    for row in (head, *rows):
        cells = (f"{cell:<{min(width, 60)}}" for cell, width in zip(row, widths, strict=True))
        click.echo(("  " + "  ".join(cells)).rstrip())


def _print_table(title: str, head: Cells, rows: Sequence[Cells]) -> None:
    # Imported here: it takes longer to import than a piped answer takes to print.
    from rich.console import Console  # noqa: PLC0415 - only this needs it
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(title=Text(title, style="bold"), title_justify="left")
    for number, name in enumerate(head):
        table.add_column(Text(name), style="cyan" if number == 0 else None, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
