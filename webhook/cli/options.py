"""Options and readings of them that several commands have alike."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

policies_option = click.option(
    "-p",
    "--policies",
    type=click.Path(path_type=Path),
    default=Path("policies"),
    show_default=True,
    envvar="RUNTIMEGATE_POLICIES",
    help="The policy folder.",
)


def day(today: datetime | None) -> date:
    """The day to judge as of."""
    return (today or datetime.now(UTC)).date()  # noqa: TID251 - the rim: the one clock of these commands
