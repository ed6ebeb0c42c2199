"""``runtimegate plan``: how strongly each workload can be isolated, and a draft that does it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from webhook.cli.cluster_options import take_where, where_options
from webhook.cli.garbage import seldom_collected
from webhook.cli.options import day, output_option, today_option
from webhook.cli.plan_draft import (
    Drafted,
    Sources,
    check_folder,
    load_sources,
    made,
    write_draft,
)
from webhook.cli.plan_report import Planned, plan_text, plan_value
from webhook.cli.pods import misshapen_told, pods_of
from webhook.cli.population import Population, Progress, open_population, unwatched
from webhook.cli.progress import progress_bar
from webhook.cli.report import as_json
from webhook.core.census import is_over
from webhook.core.drafting import draft
from webhook.core.isolation import Ladder, actions_for, ladder
from webhook.core.pod import PodView
from webhook.core.selecting import is_class_name
from webhook.core.snapshot import Snapshot
from webhook.core.survey import Survey
from webhook.core.workload import WorkloadKind
from webhook.documents.drafted import About

PREFERRED = "gvisor,kata-qemu,runc"


@click.command(short_help="Show how strongly each workload can be isolated, and draft policies.")
@where_options
@click.option(
    "--prefer",
    "prefer",
    default=PREFERRED,
    show_default=True,
    metavar="CLASS,…",
    help="RuntimeClasses, the strongest first. One on the node's own kernel of which the cluster "
    "has no RuntimeClass, such as runc, means: no class.",
)
@click.option(
    "-p",
    "--policies",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    envvar="RUNTIMEGATE_POLICIES",
    help="A policy folder that there is already: its inventory and its own tables count.",
)
@click.option(
    "--inventory",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="What the RuntimeClasses mean.  [default: that of -p, else assumed by name, and said]",
)
@click.option(
    "--accept",
    type=click.Choice(["compatible", "degraded"]),
    default="compatible",
    show_default=True,
    help="degraded: a class that runs a pod badly will do.",
)
@click.option("--refuse-unknown", is_flag=True, help="A class of which nobody knows will not do.")
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write a draft of the policies that do it into this folder, which must be empty.",
)
@click.option("--force", is_flag=True, help="Replace an earlier draft in that folder.")
@output_option("text", "json")
@today_option("Judge as of this day (UTC): releases age.")
def plan(
    *,
    prefer: str,
    policies: Path | None,
    inventory: Path | None,
    accept: str,
    refuse_unknown: bool,
    folder: Path | None,
    force: bool,
    output: str,
    today: datetime | None,
    **given: Any,
) -> int:
    """Show the strongest class that each workload can run on, and what keeps it from stronger ones.

    The way in for a cluster that is not sandboxed yet. Looked at is a cluster, a saved one
    (--cluster) or manifests (-f). With --write the policies that give every workload its class are
    written as a draft; every object is decided again under them before.

    Exit code 0: done. 1: the draft would refuse something or does not lint clean, and was not
    written. 2: something could not be read or listed; the rest was planned.
    """
    where, names = take_where(given), class_names(prefer)
    if folder is not None:
        check_folder(folder, force=force)
    sources = load_sources(policies, inventory)
    with seldom_collected(), progress_bar(wanted=True) as progress:
        population = open_population(where)
        planned = make_plan(
            population,
            sources,
            Wanted(
                names=names,
                today=day(today),
                accept_degraded=accept == "degraded",
                refuse_unknown=refuse_unknown,
                draft=folder is not None,
            ),
            progress,
        )
    drafted = planned.drafted
    if drafted is not None and folder is not None and drafted.holds:
        planned = replace(planned, drafted=write_draft(drafted, folder))
    _print(planned, output)
    for line in planned.incomplete:
        click.echo(line, err=True)
    if planned.incomplete:
        return 2
    return 0 if drafted is None or drafted.holds else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for."""

    names: tuple[str, ...]
    today: date
    accept_degraded: bool = False
    refuse_unknown: bool = False
    draft: bool = False


def make_plan(
    population: Population, sources: Sources, wanted: Wanted, progress: Progress = unwatched
) -> Planned:
    """The plan for what ``population`` holds. Raises click.UsageError for an order that is none."""
    snapshot = population.snapshot(sources.loaded, today=wanted.today, revision="")
    actions = actions_for(
        accept_degraded=wanted.accept_degraded, refuse_unknown=wanted.refuse_unknown
    )
    climbed, assumptions = ladder(wanted.names, snapshot, actions)
    _check_known(climbed, snapshot)
    _check_order(climbed)
    survey = Survey(climbed, declared=sources.kinds, runs=not population.where.files)
    for manifest in population.manifests(sources.kinds, progress):
        with misshapen_told(manifest, population.errors):
            survey.add(manifest.obj, manifest.namespace(population.where.unnamed))
    planned = Planned(
        origin=population.origin,
        today=wanted.today,
        ladder=climbed,
        assumptions=assumptions,
        workloads=survey.workloads(),
        finished=survey.census.finished,
        whole=_is_whole(population),
        incomplete=_incomplete(population),
    )
    if not wanted.draft:
        return planned
    drafted = _drafted(planned, population, sources, progress)
    return replace(planned, drafted=drafted, incomplete=_incomplete(population))


def _drafted(
    planned: Planned, population: Population, sources: Sources, progress: Progress
) -> Drafted:
    about = About(
        origin=planned.origin,
        today=planned.today,
        excluded=population.where.excluded,
    )
    policies = draft(planned.workloads, planned.ladder, whole=planned.whole)
    found = _objects(population, sources.kinds, progress)
    return made(policies, about, sources, found)


def _objects(
    population: Population, kinds: Sequence[WorkloadKind], progress: Progress
) -> Iterator[tuple[Mapping[str, Any], str, list[PodView]]]:
    """Each object that is or makes pods, its namespace and the pods; what is over makes none."""
    runs = not population.where.files
    for manifest in population.manifests(kinds, progress):
        obj, namespace = manifest.obj, manifest.namespace(population.where.unnamed)
        if is_over(obj, runs=runs):
            continue
        pods: list[PodView] = []
        with misshapen_told(manifest, population.errors):
            pods = pods_of(manifest, namespace, kinds)
        if pods:
            yield obj, namespace, pods


def _is_whole(population: Population) -> bool:
    """Whether there is nothing in the cluster that was not looked at."""
    where = population.where
    return not (where.files or where.namespaces or population.missing or population.errors)


def _incomplete(population: Population) -> tuple[str, ...]:
    """What could not be read or listed, each once: a second reading tells it again."""
    return tuple(dict.fromkeys(map(str, (*population.errors, *population.missing))))


def _check_known(climbed: Ladder, snapshot: Snapshot) -> None:
    """Nothing may be called isolated by a class of which nobody knows what it is."""
    for step in climbed.steps:
        if not step.assumed or step.profile.runtime != "other":
            continue
        known = {*snapshot.inventory.by_class, *(snapshot.cluster.runtime_classes or {})}
        near = get_close_matches(step.name, sorted(known | {*PREFERRED.split(",")} - {step.name}))
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise click.UsageError(
            f"--prefer: {step.name}: neither its name nor its handler says which runtime it is; "
            f"an inventory does (-p or --inventory){hint}"
        )


def _check_order(climbed: Ladder) -> None:
    """What isolates stands first: all else would be a default that isolates nothing."""
    isolating = [step for step in climbed.steps if step.isolates]
    if not isolating:
        names = ", ".join(step.name for step in climbed.steps)
        raise click.UsageError(f"--prefer: {names}: at least one class must isolate")
    for step, at_its_place in zip(climbed.steps, isolating, strict=False):
        if step is not at_its_place:
            raise click.UsageError(
                f"--prefer: {step.name} runs on the node's kernel and stands before "
                f"{at_its_place.name}, which isolates"
            )


def class_names(prefer: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in prefer.split(","))
    for number, name in enumerate(names):
        if not is_class_name(name):
            raise click.UsageError(f"--prefer: {name!r} is no name of a RuntimeClass")
        if name in names[:number]:
            raise click.UsageError(f"--prefer: {name} is named twice")
    return names


def _print(planned: Planned, output: str) -> None:
    if output == "json":
        click.echo(as_json(plan_value(planned)))
        return
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    for line in plan_text(planned, width):
        click.echo(line)
