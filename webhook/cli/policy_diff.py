"""``runtimegate policy diff``: what a change of policies does, before a cluster learns of it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from webhook.cli.cluster_options import take_where, where_options
from webhook.cli.difference_survey import Survey
from webhook.cli.garbage import seldom_collected
from webhook.cli.options import day, output_option, today_option
from webhook.cli.policy_diff_markdown import MOST_BYTES, markdown
from webhook.cli.policy_diff_report import Report, report_value, text_lines
from webhook.cli.policy_sides import Side, left_behind, load_side, with_inventory
from webhook.cli.population import Population, open_population
from webhook.cli.progress import progress_bar
from webhook.cli.report import as_json
from webhook.cli.terminal import paint_for

_LEAST_BYTES = 4_000


@click.command(short_help="Show what a change of policies does, before a cluster learns of it.")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="[NEW]", required=False)
@click.option(
    "--inventory",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="A RuntimeInventory in place of NEW's: an upgrade of a runtime. Without NEW, OLD's "
    "policies with it.",
)
@where_options
@output_option(
    "text",
    "json",
    "markdown",
    said="For people, for programs, or for the comment of a pull request.",
)
@click.option(
    "--most-bytes",
    type=click.IntRange(min=_LEAST_BYTES),
    default=MOST_BYTES,
    show_default=True,
    help="How long the Markdown may be. The default is what a comment on GitHub takes.",
)
@today_option("Judge as of this day (UTC): exemptions end, releases age.")
def diff(
    *,
    old: str,
    new: str | None,
    inventory: Path | None,
    output: str,
    most_bytes: int,
    today: datetime | None,
    **given: Any,
) -> int:
    """Show what changes from the policies OLD to the policies NEW, and for whom.

    OLD and NEW are policy folders or git revisions of one (main:policies, HEAD~1:policies). Every
    pod and pod template of manifests (-f), of a saved cluster (--cluster) or of a live one is
    decided under both; a pod that runs as if it were made anew.

    Exit code 1: something is newly refused. 2: something could not be read, or the cluster does not
    let itself be listed in part; what could be was compared, and the report says what is missing.
    """
    where = take_where(given)
    if new is None and inventory is None:
        raise click.UsageError("give OLD and NEW, or OLD and --inventory")
    before = load_side(old)
    after = load_side(new) if new is not None else before
    if inventory is not None:
        after = with_inventory(after, inventory)
    with seldom_collected():
        population = open_population(where)
        report = compare(before, after, population, day(today))
    _print(report, output, most_bytes)
    _tell_what_is_missing(report, before, after)
    if not report.whole:
        return 2
    return 1 if report.refuses_more else 0


def compare(before: Side, after: Side, population: Population, today: date) -> Report:
    """Decide everything of the population under both sides."""
    declared = (
        *after.loaded.inventory.workload_kinds,
        *before.loaded.inventory.workload_kinds,
    )
    survey = Survey(
        before=population.snapshot(before.loaded, today=today, revision=before.revision.hash),
        after=population.snapshot(after.loaded, today=today, revision=after.revision.hash),
        declared=declared,
        runs=not population.where.files,
        errors=population.errors,
    )
    with progress_bar(wanted=True) as progress:
        survey.look(population.manifests(declared, progress), population.where.unnamed)
    return Report(
        old=before,
        new=after,
        origin=population.origin,
        live=population.live,
        looked=survey.looked,
        entries=tuple(survey.entries()),
        errors=tuple(population.errors),
        missing=tuple(population.missing),
    )


def _print(report: Report, output: str, most_bytes: int) -> None:
    match output:
        case "json":
            click.echo(as_json(report_value(report)))
        case "markdown":
            click.echo(markdown(report, most_bytes), nl=False)
        case _:
            for line in text_lines(report, paint_for()):
                click.echo(line, color=True)


def _tell_what_is_missing(report: Report, before: Side, after: Side) -> None:
    if not before.is_folder and not after.is_folder and (note := left_behind(after)):
        click.echo(f"note: {note}", err=True)
    for entry in report.missing:
        click.echo(f"not looked at: {entry}", err=True)
    for error in report.errors:
        click.echo(str(error), err=True)
