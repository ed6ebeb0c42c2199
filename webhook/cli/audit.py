"""``runtimegate audit``: how everything that runs in a cluster stands under the policies."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import click

from webhook.cli.audit_json import About, Incomplete, PolicySource, Report, report_of, report_value
from webhook.cli.cluster_options import take_where, where_options
from webhook.cli.manifests import InputError
from webhook.cli.options import day, policies_option
from webhook.cli.population import Population, open_population
from webhook.cli.report import as_json
from webhook.core.audit import standpoint
from webhook.core.census import Census
from webhook.core.judging import Judging
from webhook.core.pod import PodShapeError
from webhook.documents.folder import Loaded, load_policies
from webhook.live.policy_folder import load_folder
from webhook.live.shipped import shipped, shipped_version


@click.command(short_help="Show how everything that runs stands under the policies.")
@policies_option
@where_options
@click.option(
    "--what-if",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Other policies: tell what they would change for what runs.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or for programs.",
)
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Judge as of this day (UTC): exemptions end, releases age.",
)
def audit(
    *,
    policies: Path,
    what_if: Path | None,
    output: str,
    today: datetime | None,
    **given: Any,
) -> int:
    """Show how every pod and workload of a cluster stands under the policies.

    Exit code 1: something would be refused, or stands wrong. 2: something could not be read.
    """
    where = take_where(given)
    population = open_population(where)
    report = _audited(population, policies, what_if, today)
    if output == "json":
        click.echo(as_json(report_value(report)))
    if report.errors or report.missing:
        return 2
    return 1 if report.failing else 0


def _audited(
    population: Population, policies: Path, what_if: Path | None, today: datetime | None
) -> Report:
    now = datetime.now(UTC)  # noqa: TID251 - the rim: the one clock of this command
    source, loaded = _load(policies)
    other = _load(what_if) if what_if else None
    runs = not population.where.files

    def look(of: PolicySource, read: Loaded) -> Any:
        snapshot = population.snapshot(read, today=day(today), revision=of.revision)
        return standpoint(snapshot, whole=runs)

    judging = Judging(look(source, loaded), look(*other) if other else None)
    declared = loaded.inventory.workload_kinds
    census = Census(judging, declared=declared, runs=runs)
    errors = []
    for manifest in population.manifests(declared):
        try:
            census.add(manifest.obj, manifest.namespace("default"))
        except PodShapeError as error:
            at = InputError(source=manifest.source, line=manifest.line, problem=str(error))
            errors.append(str(at))
    about = About(
        origin=population.origin,
        live=population.live,
        generated_at=now,
        today=day(today).isoformat(),
        namespaces=population.where.namespaces,
        policies=source,
        what_if=other[0] if other else None,
        inventory=loaded.inventory,
        data_version=shipped_version(),
        program=version_of("runtimegate"),
    )
    missing = [Incomplete(what=m.what, why=m.why) for m in population.missing]
    return report_of(about, census, missing, [*map(str, population.errors), *errors])


def _load(folder: Path) -> tuple[PolicySource, Loaded]:
    text = load_folder(folder)
    source = PolicySource(folder=str(folder), revision=str(text.revision))
    return source, load_policies(text.named_files, shipped())
