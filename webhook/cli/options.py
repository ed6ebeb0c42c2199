"""Options and readings of them that several commands have alike."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

import click
from click.core import ParameterSource

from webhook.core.names import shown
from webhook.core.selecting import is_namespace

CommandT = TypeVar("CommandT", bound=Callable[..., object])


def namespace_name(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """Refuse what no namespace can be called: no policy would match it, and all would be kept."""
    if is_namespace(value):
        return value
    raise click.BadParameter(
        f"{shown(value, 80)!r} is no name of a namespace: lower-case letters, digits and '-'",
        ctx=ctx,
        param=parameter,
    )


def _policies_there(ctx: click.Context, parameter: click.Parameter, value: Path) -> Path:
    """Say how to name the folder, where nobody named one and the usual one is not there."""
    usual = ctx.get_parameter_source(parameter.name or "") is ParameterSource.DEFAULT
    if usual and not ctx.resilient_parsing and not value.exists():
        raise click.UsageError(f"there is no folder {value} here: -p names the policy folder")
    return value


policies_option = click.option(
    "-p",
    "--policies",
    type=click.Path(path_type=Path),
    default=Path("policies"),
    show_default=True,
    envvar="RUNTIMEGATE_POLICIES",
    metavar="FOLDER",
    callback=_policies_there,
    help="The policy folder.",
)

files_option = click.option(
    "-f",
    "--filename",
    "files",
    metavar="FILE|-",
    multiple=True,
    help="Manifests, a folder of them, or - for standard input; may be given several times.",
)


def output_option(
    *formats: str, said: str = "For people or for programs."
) -> Callable[[CommandT], CommandT]:
    """``-o``: the first format is the default. Text is for people, JSON is a contract."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help=said,
    )


def today_option(said: str) -> Callable[[CommandT], CommandT]:
    """``--today``, with what depends on the day."""
    return click.option(
        "--today", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help=said
    )


def day(today: datetime | None) -> date:
    """The day to judge as of."""
    return (today or datetime.now(UTC)).date()  # noqa: TID251 - the rim: the one clock of these commands
