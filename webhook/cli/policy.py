"""``runtimegate policy``: lint, describe, test and show the policies in git."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from webhook.cli.facts import cluster_view
from webhook.cli.governance import Section, governance_value, sections
from webhook.cli.groups import GroupWithHints
from webhook.cli.manifests import load_manifests
from webhook.cli.options import (
    day,
    namespace_name,
    output_option,
    policies_option,
    today_option,
)
from webhook.cli.policy_compile import compile_command
from webhook.cli.policy_diff import diff
from webhook.cli.policy_test import policy_test
from webhook.cli.regular_files import MOST_CLUSTER_BYTES
from webhook.cli.report import as_json, broken
from webhook.cli.tables import print_stacked
from webhook.cli.terminal import at_terminal, columns
from webhook.core.cluster import NamespaceView
from webhook.core.names import counted
from webhook.core.runtimes import Inventory
from webhook.documents.folder import Loaded, load_policies, load_with_tests
from webhook.documents.lint import LintWarning, lint_all, warnings_counted
from webhook.documents.reading import KINDS
from webhook.documents.schema import combined_schema, schema_of
from webhook.live.policy_folder import IGNORE, FolderText, load_folder
from webhook.live.shipped import shipped

CommandT = TypeVar("CommandT", bound=Callable[..., object])

_output = output_option("text", "json")
_today = today_option("Judge as of this day (UTC): exemptions end.")


@click.group(
    cls=GroupWithHints, short_help="Lint, show, test, compare and compile the policies in git."
)
def policy() -> None:
    """Lint, show, test, compare and compile the policies in git."""


@policy.command(name="lint", short_help="Read a policy folder and warn of what is hardly meant.")
@policies_option
@_output
@_today
def lint_command(*, policies: Path, output: str, today: datetime | None) -> int:
    """Read a policy folder as the webhook would, and warn of what is allowed but hardly meant.

    Exit code 0: nothing to say. 1: warnings. 2: errors; the webhook would refuse the folder.
    """
    folder = load_folder(policies)
    loaded = load_with_tests(folder.named_files, shipped())
    found = lint_all(loaded, day(today))
    warnings = [warning for warning in found if not warning.accepted]
    if output == "json":
        click.echo(as_json(_lint_value(folder, loaded, found)))
    else:
        for line in (*map(str, warnings), _lint_summary(folder, loaded, found)):
            click.echo("\n".join(broken(line, columns())))
    return 1 if warnings else 0


def _lint_value(
    folder: FolderText, loaded: Loaded, warnings: Sequence[LintWarning]
) -> dict[str, Any]:
    return {
        "revision": str(folder.revision),
        "documents": len(loaded.documents),
        "leftOut": list(folder.left_out),
        "warnings": [_warning_value(warning) for warning in warnings if not warning.accepted],
        "accepted": [_warning_value(warning) for warning in warnings if warning.accepted],
    }


def _warning_value(warning: LintWarning) -> dict[str, Any]:
    found = {"fieldPath" if k == "field_path" else k: v for k, v in asdict(warning).items()}
    del found["accepted"]
    return found


def _lint_summary(folder: FolderText, loaded: Loaded, warnings: Sequence[LintWarning]) -> str:
    documents = counted(len(loaded.documents), "document")
    found = warnings_counted(warnings)
    left_out = f"; left out for their {IGNORE}: {', '.join(folder.left_out)}"
    return f"{documents}, revision {folder.revision}: {found}{left_out if folder.left_out else ''}"


@policy.command(short_help="Print the JSON Schema of the documents, for editors.")
@click.argument("kind", metavar="[KIND]", type=click.Choice(list(KINDS)), required=False)
def schema(*, kind: str | None) -> None:
    """Print the JSON Schema of KIND; without one, a schema for every kind of document.

    KIND is RuntimePolicy, RuntimeInventory, RuntimeFacts, ApplicationRequirements or PolicyTest.
    """
    click.echo(as_json(schema_of(kind) if kind else combined_schema()))


@policy.command(short_help="Show which policy governs a namespace, and why.")
@click.argument("namespace", metavar="NAMESPACE", callback=namespace_name)
@policies_option
@click.option(
    "--label",
    "labels",
    metavar="KEY=VALUE",
    multiple=True,
    help="A label of the namespace; may be given several times.",
)
@click.option(
    "--cluster",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What `kubectl get ns -o yaml` printed (JSON will do): the namespace's labels.",
)
@_output
@_today
def show(
    *,
    namespace: str,
    policies: Path,
    labels: tuple[str, ...],
    cluster: Path | None,
    output: str,
    today: datetime | None,
) -> None:
    """Show which policy governs NAMESPACE, which others match and lost, and what then holds.

    Labels come from --cluster and --label; a namespace that neither tells of has none.
    """
    loaded = load_policies(load_folder(policies).named_files, shipped())
    view = _namespace(namespace, _pairs(labels), cluster)
    value = governance_value(view, loaded.policies, day(today))
    if output == "json":
        click.echo(as_json(value))
    else:
        _print(sections(value))


def _pairs(labels: Iterable[str]) -> dict[str, str]:
    for label in labels:
        if "=" not in label:
            raise click.BadParameter(f"must be KEY=VALUE, not {label!r}", param_hint="--label")
    return dict(label.split("=", 1) for label in labels)


def _namespace(name: str, labels: dict[str, str], cluster: Path | None) -> NamespaceView:
    """The namespace as the cluster file has it, with the labels given over those."""
    known = NamespaceView(name=name)
    if cluster is not None:
        inputs = load_manifests(
            [str(cluster)], stdin=sys.stdin.buffer, most_bytes=MOST_CLUSTER_BYTES
        )
        if inputs.errors:
            raise click.FileError(str(cluster), "; ".join(map(str, inputs.errors)))
        known = cluster_view(inputs.manifests, (), Inventory()).namespace(name) or known
    return NamespaceView(
        name=name, labels={**known.labels, **labels}, annotations=known.annotations
    )


def _print(told: Iterable[Section]) -> None:
    """Tables for a person at a terminal, plain lines otherwise."""
    if at_terminal():
        _print_tables(told)
        return
    for number, (heading, rows) in enumerate(told):
        width = max((len(name) for name, _ in rows), default=0)
        click.echo(("\n" if number else "") + heading)
        for name, text in rows:
            click.echo(f"  {name:<{width}}  {text}")


_LEAST_VALUE = 30
"""A table with less room than this for its values is told in lines."""


def _print_tables(told: Iterable[Section]) -> None:
    # Imported here: it takes longer to import than a piped answer takes to print.
    from rich.console import Console  # noqa: PLC0415 - only this needs it
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    for heading, rows in told:
        if columns() < max((len(name) for name, _ in rows), default=0) + _LEAST_VALUE:
            print_stacked(heading, ((name, [("", text)]) for name, text in rows))
            continue
        table = Table(title=Text(heading, style="bold"), title_justify="left", show_header=False)
        table.add_column(style="cyan", no_wrap=True)
        table.add_column()
        for name, text in rows:
            table.add_row(Text(name), Text(text))
        console.print(table)


policy.add_command(policy_test)
policy.add_command(diff)
policy.add_command(compile_command)
