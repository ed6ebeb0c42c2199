"""``runtimegate compat table``: the rows in force, for people, programs and pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from webhook.cli.compat_applications_page import applications_page
from webhook.cli.compat_options import (
    UNKNOWN,
    Asked,
    known_runtime,
    load_table,
    policies_option,
)
from webhook.cli.compat_pages import index_page, runtime_page
from webhook.cli.compat_words import (
    application_value,
    evidence_text,
    fact_value,
    one_line,
    recognised_by,
    releases_text,
    support_text,
    verified_text,
    when_text,
)
from webhook.cli.options import output_option
from webhook.cli.report import as_json
from webhook.cli.tables import print_rows
from webhook.core.applications import Application
from webhook.core.comparison import rows_of
from webhook.core.compat import CompatTable, Fact
from webhook.core.images import glob_matches
from webhook.core.names import counted, shown
from webhook.core.runtimes import RUNTIMES
from webhook.core.versions import Version
from webhook.live.verified import verified


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of the table; None asks for all."""

    runtime: str | None = None
    version: Version | None = None
    feature: str | None = None
    application: str | None = None

    @property
    def wants_facts(self) -> bool:
        """Whether facts are asked for: by a part of theirs, or by asking for nothing."""
        return self.application is None or self.runtime is not None or self.feature is not None

    @property
    def wants_applications(self) -> bool:
        """Whether applications are asked for."""
        return self.application is not None or not (self.runtime or self.feature)


@click.command(short_help="Show the rows of the table that are in force.")
@click.option("--runtime", help="Rows of this runtime only.")
@click.option("--version", help="Rows in force for this release of --runtime only.")
@click.option(
    "--feature",
    metavar="GLOB",
    help="Rows of these features only, such as syscall:io_uring_* (and rows that cover them).",
)
@click.option(
    "--application", metavar="GLOB", help="Applications of this name, such as postgresql."
)
@policies_option
@output_option("text", "json", "markdown", said="For people, for programs, for pages.")
def table(
    *,
    runtime: str | None,
    version: str | None,
    feature: str | None,
    application: str | None,
    policies: Path | None,
    output: str,
) -> None:
    """Show what the table says: facts on runtimes, applications and their needs, and the sources.

    Without options text is an overview and JSON is everything. With -o markdown --runtime and
    --application print the pages of docs/compatibility.
    """
    compat = load_table(policies)
    question = Question(
        runtime=known_runtime(runtime) if runtime else None,
        version=_version(runtime, version, compat),
        feature=feature,
        application=application,
    )
    facts = facts_asked(compat, question)
    applications = applications_asked(compat, question)
    _require_some(compat, question, applications)
    match output:
        case "json":
            click.echo(as_json(table_value(compat, question, facts, applications)))
        case "markdown":
            click.echo(_page(compat, question, facts, applications), nl=False)
        case _:
            _print(compat, question, facts, applications)


def _version(runtime: str | None, written: str | None, compat: CompatTable) -> Version | None:
    if written is None:
        return None
    if runtime is None:
        raise click.UsageError("--version is a release of --runtime: give both")
    if written == UNKNOWN:
        raise click.BadParameter("must be a release; omit it for all", param_hint="--version")
    return Asked(runtime=runtime, version=written).profile(compat).versions[0]


def _require_some(
    compat: CompatTable, question: Question, applications: Sequence[Application]
) -> None:
    asked = question.application
    if asked is None or applications or "*" in asked or "?" in asked:
        return
    names = [application.name for application in compat.catalogue.applications]
    near = get_close_matches(asked, names, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    message = f"no application is called {shown(asked, 80)!r}{hint}"
    raise click.BadParameter(message, param_hint="--application")


def facts_asked(compat: CompatTable, question: Question) -> tuple[Fact, ...]:
    """The rows that answer the question, by runtime and feature."""
    if not question.wants_facts:
        return ()
    runtimes = (question.runtime,) if question.runtime else RUNTIMES
    return tuple(
        fact
        for runtime in runtimes
        for fact in rows_of(compat, runtime, question.version)
        if question.feature is None or _about(fact.feature, question.feature)
    )


def _about(row: str, asked: str) -> bool:
    """Whether a row speaks of the features asked for, perhaps as a rule for more than those."""
    return (
        glob_matches(asked, row)
        or asked.startswith(f"{row}/")
        or (row.endswith("*") and glob_matches(row, asked))
    )


def applications_asked(compat: CompatTable, question: Question) -> tuple[Application, ...]:
    """The applications that answer the question, by name."""
    if not question.wants_applications:
        return ()
    return tuple(
        application
        for application in compat.catalogue.applications
        if question.application is None or glob_matches(question.application, application.name)
    )


def table_value(
    compat: CompatTable,
    question: Question,
    facts: Sequence[Fact],
    applications: Sequence[Application],
) -> dict[str, Any]:
    """The JSON of ``compat table -o json``: a contract."""
    return {
        "data": compat.version,
        "runtime": question.runtime,
        "version": str(question.version) if question.version else None,
        "releases": {
            runtime: [{"version": str(r.version), "date": r.date.isoformat()} for r in releases]
            for runtime, releases in sorted(compat.releases.items())
            if question.runtime in {None, runtime} and question.wants_facts
        },
        "facts": [fact_value(fact, verified().of(fact)) for fact in facts],
        "applications": [application_value(application) for application in applications],
    }


def _page(
    compat: CompatTable,
    question: Question,
    facts: Sequence[Fact],
    applications: Sequence[Application],
) -> str:
    if question.application is not None:
        return applications_page(compat, applications)
    if question.runtime is None and question.feature is None:
        return index_page(compat)
    return runtime_page(
        compat, facts, verified(), runtime=question.runtime, version=question.version
    )


def _print(
    compat: CompatTable,
    question: Question,
    facts: Sequence[Fact],
    applications: Sequence[Application],
) -> None:
    if question == Question():
        _print_overview(compat)
        return
    for runtime in dict.fromkeys(fact.runtime for fact in facts):
        release = f" {question.version}" if question.version else ""
        rows = [_fact_cells(fact) for fact in facts if fact.runtime == runtime]
        head = ("feature", "support", "releases", "when", "verified on", "origin", "source", "does")
        print_rows(f"{runtime}{release}: {counted(len(rows), 'row')}", head, rows)
    for application in applications:
        _print_application(application)
    if not facts and not applications:
        click.echo("no rows")


def _fact_cells(fact: Fact) -> tuple[str, ...]:
    return (
        fact.feature,
        support_text(fact),
        releases_text(fact.versions),
        when_text(fact.when),
        verified_text(verified().of(fact)),
        fact.origin,
        shown(evidence_text(fact.evidence), 160),
        shown(one_line(fact.note or fact.summary), 320),
    )


def _print_application(application: Application) -> None:
    click.echo(f"{application.name} ({application.origin})")
    for way in recognised_by(application):
        click.echo(f"  is {shown(way, 200)}")
    needs = [
        (
            need.feature,
            str(need.strength),
            releases_text(need.versions) if need.versions else "all",
            shown(one_line(need.note), 200),
        )
        for need in application.needs
    ]
    print_rows("  needs", ("feature", "strength", "of its releases", "what for"), needs)
    runs = [
        (
            f"{run.runtime} {releases_text(run.versions)}",
            run.works,
            run.application_version,
            shown(evidence_text(run.evidence), 160),
            shown(one_line(run.note), 200),
        )
        for run in application.verified
    ]
    print_rows("  seen to run", ("on", "works", "its release", "source", "note"), runs)


def _print_overview(compat: CompatTable) -> None:
    rows = Counter(fact.runtime for fact in compat.facts)
    cells = [
        (runtime, str(rows[runtime]), str(len(releases)), _newest(compat, runtime))
        for runtime in RUNTIMES
        if (releases := compat.releases.get(runtime, ())) or rows[runtime]
    ]
    head = ("runtime", "rows", "releases", "newest")
    print_rows(f"compatibility data {compat.version}", head, cells)
    count = len(compat.catalogue.applications)
    click.echo(f"{counted(count, 'application')}; see --runtime, --feature, --application")


def _newest(compat: CompatTable, runtime: str) -> str:
    releases = compat.releases.get(runtime, ())
    return str(releases[-1].version) if releases else ""
