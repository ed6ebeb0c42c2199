"""``runtimegate audit``: how everything that runs in a cluster stands under the policies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from webhook.cli.audit_csv import csv_lines
from webhook.cli.audit_json import (
    About,
    Incomplete,
    PolicySource,
    Report,
    head_value,
    report_of,
    report_value,
    subject_value,
)
from webhook.cli.audit_page import html_page
from webhook.cli.audit_page_blocks import Block
from webhook.cli.audit_plan_block import plan_blocks
from webhook.cli.audit_publish import publish, report_documents
from webhook.cli.audit_text import Style, nothing_in, summaries, text_report
from webhook.cli.cluster_options import take_where, where_options
from webhook.cli.garbage import seldom_collected
from webhook.cli.options import day, output_option, policies_option, today_option
from webhook.cli.plan import Wanted, class_names, make_plan
from webhook.cli.plan_draft import load_sources
from webhook.cli.plan_report import plan_value
from webhook.cli.pods import misshapen_told
from webhook.cli.population import Population, Progress, open_population
from webhook.cli.progress import progress_bar
from webhook.cli.terminal import columns, paint_for
from webhook.core.audit import Standpoint, standpoint
from webhook.core.census import Census
from webhook.core.judging import Judging
from webhook.core.names import VERSION
from webhook.core.subject import Standing
from webhook.core.workload import WorkloadKind
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
@output_option(
    "text",
    "html",
    "json",
    "csv",
    "policyreport",
    "metrics",
    said="For people, as a page for a browser, for programs, for a spreadsheet; PolicyReport "
    "objects; Prometheus's text.",
)
@click.option(
    "--prefer",
    metavar="CLASS,…",
    help="With -o html: RuntimeClasses, the strongest first; the page tells what could run on "
    "which, as runtimegate plan does.",
)
@click.option("--all", "show_all", is_flag=True, help="List every workload, not just the worst.")
@click.option(
    "--write-reports",
    is_flag=True,
    help="Write PolicyReports to the cluster too, where their CRDs are installed.",
)
@click.option(
    "--metrics-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write metrics too, for node-exporter's textfile collector.",
)
@click.option(
    "--push-metrics",
    metavar="URL",
    help="Push metrics too, to this Pushgateway.",
)
@click.option(
    "--exit-zero", is_flag=True, help="Exit 0 where there are findings; 2 stays what it is."
)
@click.option("--no-progress", is_flag=True, help="Show no progress at a terminal.")
@today_option("Judge as of this day (UTC): exemptions end, releases age.")
def audit(
    *,
    policies: Path,
    what_if: Path | None,
    output: str,
    prefer: str | None,
    show_all: bool,
    write_reports: bool,
    metrics_file: Path | None,
    push_metrics: str | None,
    exit_zero: bool,
    no_progress: bool,
    today: datetime | None,
    **given: Any,
) -> int:
    """Show how every pod and workload of a cluster stands under the policies.

    Without -f and --cluster the cluster of the kubeconfig is asked. It is only read, unless
    --write-reports is given. Pods are shown by the workload that keeps them alive.

    Exit code 1: something would be refused if it were made anew, is on another runtime than its
    policy demands or on none, cannot run where it is, or lives on an exemption that has ended.
    2: something could not be read or listed; the rest is still reported.
    """
    where = take_where(given)
    if write_reports and not where.live:
        raise click.UsageError("--write-reports writes to a cluster; -f and --cluster read files")
    if prefer is not None and output != "html":
        raise click.UsageError("--prefer adds the plan to the page of -o html")
    with seldom_collected():
        population = open_population(where)
        source, loaded = _load(policies)
        other = _load(what_if) if what_if else None
        audited = _Audited(population=population, today=day(today), source=source, loaded=loaded)
        with progress_bar(wanted=not no_progress) as progress:
            report = audited.report(other, progress)
            blocks = audited.plan(prefer, policies, progress) if prefer is not None else ()
    # Before anything is printed: whoever reads may have enough after ten lines.
    told = [*summaries(report)]
    if write_reports:
        told += publish(report, where)
    told += _metrics(report, metrics_file, push_metrics)
    if output == "html":
        _write([html_page(report_value(report), blocks)])
    else:
        _print(report, output, show_all)
    for line in (*nothing_in(report), *told):
        click.echo(line, err=True)
    if told:
        return 2
    return 1 if report.failing and not exit_zero else 0


def _metrics(report: Report, path: Path | None, url: str | None) -> Iterator[str]:
    """Write and push the metrics; a line for what did not work."""
    if path is None and url is None:
        return
    # Imported here: the client takes longer to import than a small audit takes.
    from webhook.cli.audit_metrics import push, write  # noqa: PLC0415 - only this needs it

    problems = (
        write(report, path) if path is not None else "",
        push(report, url) if url is not None else "",
    )
    yield from filter(None, problems)


def _load(folder: Path) -> tuple[PolicySource, Loaded]:
    text = load_folder(folder)
    source = PolicySource(folder=str(folder), revision=str(text.revision))
    return source, load_policies(text.named_files, shipped())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Audited:
    """A cluster, and the policies in force in it."""

    population: Population
    today: date
    source: PolicySource
    loaded: Loaded

    def report(self, other: tuple[PolicySource, Loaded] | None, progress: Progress) -> Report:
        """Look at everything once."""
        runs = not self.population.where.files
        judging = Judging(
            self._look(self.source, self.loaded), self._look(*other) if other else None, runs=runs
        )
        census = Census(judging, declared=self.declared, runs=runs)
        self._add_all(census, progress)
        missing = [Incomplete(what=m.what, why=m.why) for m in self.population.missing]
        about = self._about(other[0] if other else None)
        return report_of(about, census, missing, [*map(str, self.population.errors)])

    def plan(self, prefer: str, policies: Path, progress: Progress) -> tuple[Block, ...]:
        """What could run on which class, for the page; a second look at everything."""
        wanted = Wanted(names=class_names(prefer), today=self.today)
        planned = make_plan(self.population, load_sources(policies, None), wanted, progress)
        return tuple(plan_blocks(plan_value(planned)))

    @property
    def declared(self) -> tuple[WorkloadKind, ...]:
        """Kinds with pod templates besides the built-in ones."""
        return self.loaded.inventory.workload_kinds

    def _look(self, source: PolicySource, loaded: Loaded) -> Standpoint:
        snapshot = self.population.snapshot(loaded, today=self.today, revision=source.revision)
        return standpoint(snapshot, whole=not self.population.where.files)

    def _add_all(self, census: Census[Standing], progress: Progress) -> None:
        unnamed = self.population.where.unnamed
        for manifest in self.population.manifests(self.declared, progress):
            with misshapen_told(manifest, self.population.errors):
                census.add(manifest.obj, manifest.namespace(unnamed))

    def _about(self, what_if: PolicySource | None) -> About:
        return About(
            origin=self.population.origin,
            live=self.population.live,
            generated_at=datetime.now(UTC),  # noqa: TID251 - the rim: the one clock of this command
            today=self.today.isoformat(),
            namespaces=self.population.where.namespaces,
            policies=self.source,
            what_if=what_if,
            inventory=self.loaded.inventory,
            data_version=shipped_version(),
            program=VERSION,
        )


def _print(report: Report, output: str, every: bool) -> None:
    if output == "json":
        _write(_json(report))
    elif output == "csv":
        _write(csv_lines(report))
    elif output == "policyreport":
        _write(report_documents(report))
    elif output == "metrics":
        from webhook.cli.audit_metrics import metrics_text  # noqa: PLC0415 - see _metrics

        _write([metrics_text(report)])
    else:
        style = Style(width=columns(), every=every, paint=paint_for())
        _write(f"{line}\n" for line in text_report(report, style))


def _write(parts: Iterable[str]) -> None:
    for part in parts:
        click.echo(part, nl=False, color=True)


def _json(report: Report) -> Iterator[str]:
    """The report a subject at a time, for there may be fifty thousand; ASCII, as all JSON here."""
    head = json.dumps(head_value(report), indent=2)
    yield head.removesuffix("\n}") + ',\n  "subjects": ['
    for number, subject in enumerate(report.subjects):
        text = json.dumps(subject_value(subject), indent=2)
        yield ("," if number else "") + "\n    " + text.replace("\n", "\n    ")
    yield ("\n  ]" if report.subjects else "]") + "\n}\n"
