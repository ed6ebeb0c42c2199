"""``runtimegate check``: the webhook's decisions on files, before anything reaches a cluster."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TextIO

import click

from webhook.cli.check_inputs import Outcome, check_inputs
from webhook.cli.check_junit import check_suites
from webhook.cli.facts import cluster_view
from webhook.cli.garbage import seldom_collected
from webhook.cli.junit import junit_xml
from webhook.cli.manifests import InputError, Inputs, Manifest, load_manifests
from webhook.cli.options import (
    day,
    namespace_name,
    output_option,
    policies_option,
    today_option,
)
from webhook.cli.patched import patched as patch_manifests
from webhook.cli.remarks import Remark, remarks_of
from webhook.cli.report import (
    as_json,
    broken,
    report_value,
    summary,
    text_report,
)
from webhook.cli.sarif import sarif_log
from webhook.cli.saved_objects import open_objects
from webhook.cli.terminal import columns, paint_for
from webhook.cli.workflow_commands import inert, workflow_commands
from webhook.core.names import VERSION, counted
from webhook.core.snapshot import Snapshot
from webhook.documents.folder import load_policies
from webhook.live.policy_folder import load_folder
from webhook.live.shipped import shipped


@click.command(short_help="Decide the pods of manifests as the webhook would.")
@click.argument("files", metavar="FILE…|-", nargs=-1, required=True)
@policies_option
@click.option(
    "-n",
    "--namespace",
    default="default",
    show_default=True,
    metavar="NAME",
    callback=namespace_name,
    help="The namespace of objects that name none.",
)
@click.option(
    "--cluster",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What `kubectl get ns,runtimeclass,node -o yaml` printed (JSON will do).",
)
@output_option(
    "text",
    "json",
    "sarif",
    "junit",
    "github",
    said="For people, for programs, or for what shows the results of CI.",
)
@click.option(
    "--patched",
    is_flag=True,
    help="Print the manifests with the classes that would be assigned, unless a pod is refused.",
)
@click.option(
    "--mixed",
    is_flag=True,
    help="Leave out what is no manifest of named files too, as of folders.",
)
@today_option("Judge as of this day (UTC): exemptions end, releases age.")
def check(
    *,
    files: Sequence[str],
    policies: Path,
    namespace: str,
    cluster: Path | None,
    output: str,
    patched: bool,
    mixed: bool,
    today: datetime | None,
) -> int:
    """Decide every pod and pod template in FILEs as the webhook would.

    A FILE is a manifest of any number of documents, a folder of them, or - for what helm or
    kustomize prints. Lists and AdmissionReviews are opened. Namespaces, RuntimeClasses and Nodes
    among the objects count as facts of the cluster. For a Deployment and its like the pods stamped
    from it are decided.

    Exit code 1: a pod is refused. 2: some input could not be read; the rest was decided.
    """
    if patched and output != "text":
        raise click.UsageError("--patched prints manifests: it cannot be used with --output")
    with seldom_collected():
        inputs = load_manifests(files, stdin=sys.stdin.buffer, mixed=mixed)
        facts = _cluster_facts(cluster)
        snapshot = _snapshot(policies, inputs, facts.manifests, day(today))
        outcome = check_inputs(inputs, snapshot, namespace=namespace)
    outcome = replace(outcome, errors=(*facts.errors, *outcome.errors))
    if patched:
        return _print_patched(inputs, outcome, snapshot.revision)
    _PRINTED[output](outcome, snapshot.revision)
    return _exit_code(outcome)


def _exit_code(outcome: Outcome) -> int:
    if outcome.errors:
        return 2
    return 1 if any(checked.refused for checked in outcome.results) else 0


def _snapshot(policies: Path, inputs: Inputs, cluster: Sequence[Manifest], today: date) -> Snapshot:
    folder = load_folder(policies)
    loaded = load_policies(folder.named_files, shipped())
    return Snapshot(
        policies=loaded.policies,
        inventory=loaded.inventory,
        compat=loaded.compat,
        cluster=cluster_view(cluster, inputs.manifests, loaded.inventory),
        today=today,
        revision=str(folder.revision),
    )


def _cluster_facts(path: Path | None) -> Inputs:
    """What ``--cluster`` holds; an error where that is nothing of a cluster."""
    if path is None:
        return Inputs(manifests=(), errors=())
    saved = open_objects([str(path)], stdin=sys.stdin.buffer)
    facts = tuple(saved.facts())
    errors = tuple(saved.errors)
    if not facts and not errors:
        problem = "holds no Namespace, RuntimeClass or Node"
        errors = (InputError(source=str(path), problem=problem),)
    return Inputs(manifests=facts, errors=errors)


def _print_text(outcome: Outcome, revision: str) -> None:
    for line in text_report(outcome.results, paint_for(sys.stdout), columns(sys.stdout)):
        click.echo(inert(line), color=True)
    _tell_summary(outcome, revision, sys.stdout)
    _tell_errors(outcome)


def _print_json(outcome: Outcome, revision: str) -> None:
    click.echo(as_json(report_value(outcome.results, revision)))
    _tell_errors(outcome)


def _print_sarif(outcome: Outcome, revision: str) -> None:
    log = sarif_log(
        _remarks(outcome),
        outcome.errors,
        version=VERSION,
        revision=revision,
        exit_code=_exit_code(outcome),
        folder=str(Path.cwd()),
    )
    click.echo(as_json(log))
    _tell_errors(outcome)


def _print_junit(outcome: Outcome, _revision: str) -> None:
    suites = check_suites(outcome.results, outcome.errors)
    click.echo(junit_xml(suites, name="runtimegate check"), nl=False)
    _tell_errors(outcome)


def _print_github(outcome: Outcome, revision: str) -> None:
    # What cannot be read is among them, and is told once: Actions shows both streams as one.
    for line in workflow_commands(_remarks(outcome), outcome.errors):
        click.echo(line)
    _tell_summary(outcome, revision, sys.stdout)


_PRINTED: Mapping[str, Callable[[Outcome, str], None]] = {
    "text": _print_text,
    "json": _print_json,
    "sarif": _print_sarif,
    "junit": _print_junit,
    "github": _print_github,
}


def _print_patched(inputs: Inputs, outcome: Outcome, revision: str) -> int:
    """All of the manifests, or nothing where one would be refused or is not whole."""
    written = patch_manifests(inputs.contents, outcome.results)
    outcome = replace(outcome, errors=(*outcome.errors, *written.errors))
    code = _exit_code(outcome)
    if not code:
        click.echo(written.content, nl=False)
    refused = [checked for checked in outcome.results if checked.refused]
    for line in text_report(refused, paint_for(sys.stderr), columns(sys.stderr)):
        click.echo(inert(line), err=True, color=True)
    _tell_summary(outcome, revision, sys.stderr)
    if written.left:
        click.echo(f"{counted(written.left, 'pod')}: the class is the operator's to set", err=True)
    if code:
        click.echo("nothing is printed, for not all of it would be stored", err=True)
    _tell_errors(outcome)
    return code


def _remarks(outcome: Outcome) -> list[Remark]:
    return [remark for checked in outcome.results for remark in remarks_of(checked)]


def _tell_summary(outcome: Outcome, revision: str, stream: TextIO) -> None:
    line = summary(
        outcome.results,
        skipped=outcome.skipped,
        errors=len(outcome.errors),
        revision=revision,
        left_out=outcome.left_out,
    )
    for piece in broken(line, columns(stream)):
        click.echo(inert(piece), file=stream)


def _tell_errors(outcome: Outcome) -> None:
    for error in outcome.errors:
        click.echo(inert(str(error)), err=True)
