"""Rows for people: a table at a terminal, aligned columns where the output is piped."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

import click

from webhook.cli.terminal import at_terminal, columns, paint_for

Cells = Sequence[str]

_LEAST = 12
"""A column that is narrower than this, and than its text, reads like no text."""


def print_rows(title: str, head: Cells, rows: Sequence[Cells]) -> None:
    """A heading and its rows; nothing for no rows."""
    if not rows:
        return
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    if columns() and columns() < sum(min(width, _LEAST) + 3 for width in widths) + 1:
        print_stacked(title, ((row[0], list(zip(head[1:], row[1:], strict=True))) for row in rows))
        return
    if at_terminal():
        _print_table(title, head, rows)
        return
    click.echo(title)
    for row in (head, *rows):
        cells = (f"{cell:<{min(width, 60)}}" for cell, width in zip(row, widths, strict=True))
        click.echo(("  " + "  ".join(cells)).rstrip())


def print_stacked(title: str, rows: Iterable[tuple[str, Sequence[tuple[str, str]]]]) -> None:
    """Rows below each other, for a terminal that is too narrow for a table: of each its name, then
    what there is to say of it."""
    paint = paint_for()
    click.echo(title)
    for name, cells in rows:
        for line in _filled(name, "  "):
            click.echo(paint(line, "cyan"))
        for head, cell in cells:
            if cell:
                click.echo("\n".join(_filled(f"{head}: {cell}" if head else cell, "    ")))


def _filled(text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        width=columns(),
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_on_hyphens=False,
    )


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
