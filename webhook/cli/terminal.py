"""What a stream is to its reader: a terminal of some width, in colours or without."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

import click

from webhook.cli.report import Paint, plain


def at_terminal(stream: TextIO | None = None) -> bool:
    """Whether a person reads it and did not refuse colours (https://no-color.org)."""
    return (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR")


def paint_for(stream: TextIO | None = None) -> Paint:
    """Colours for such a person, nothing for anybody else."""
    return _painted if at_terminal(stream) else plain


def columns(stream: TextIO | None = None) -> int:
    """How wide the terminal is; 0 where there is none to break lines for."""
    return shutil.get_terminal_size().columns if (stream or sys.stdout).isatty() else 0


def _painted(text: str, colour: str) -> str:
    return click.style(text, fg=colour, bold=True if colour == "red" else None)
