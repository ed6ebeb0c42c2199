"""``runtimegate check``: the webhook's decisions on files, before anything reaches a cluster."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import click

from webhook.cli.facts import cluster_view, group_kind, is_fact
from webhook.cli.manifests import InputError, Inputs, Manifest, load_manifests
from webhook.cli.options import day, policies_option
from webhook.cli.report import (
    Checked,
    Paint,
    as_json,
    plain,
    report_value,
    summary,
    text_report,
)
from webhook.core.decision import CREATE, Change, Operation, decide
from webhook.core.pod import PodShapeError, PodView, mapping, view_pod
from webhook.core.snapshot import Snapshot
from webhook.core.workload import POD_TEMPLATES_AT, pod_templates, workload_kind
from webhook.documents.folder import load_policies
from webhook.live.policy_folder import load_folder
from webhook.live.shipped import shipped
from webhook.wire.patch import json_patch

POD = ("", "Pod")
_JUDGED_SUBRESOURCES = frozenset({"", "ephemeralcontainers", "resize"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of all inputs; ``skipped`` are objects that are no business of the gate."""

    results: tuple[Checked, ...]
    errors: tuple[InputError, ...]
    skipped: int


def check_inputs(inputs: Inputs, snapshot: Snapshot, *, namespace: str) -> Outcome:
    """Decide every pod and pod template; ``namespace`` is that of objects that name none."""
    results: list[Checked] = []
    errors, skipped = list(inputs.errors), 0
    for manifest in inputs.manifests:
        if not _has_pods(manifest, snapshot):
            skipped += not is_fact(manifest)
            continue
        try:
            results.extend(_decided(manifest, snapshot, namespace))
        except PodShapeError as error:
            errors.append(
                InputError(source=manifest.source, line=manifest.line, problem=str(error))
            )
    return Outcome(results=tuple(results), errors=tuple(errors), skipped=skipped)


def _has_pods(manifest: Manifest, snapshot: Snapshot) -> bool:
    review = manifest.review
    if review is not None and not (
        review.operation in set(Change) and review.sub_resource in _JUDGED_SUBRESOURCES
    ):
        return False
    declared = snapshot.inventory.workload_kinds
    return group_kind(manifest) == POD or bool(
        workload_kind(manifest.api_version, manifest.kind, declared)
    )


def _decided(manifest: Manifest, snapshot: Snapshot, namespace: str) -> Iterator[Checked]:
    namespace = manifest.namespace(namespace)
    if group_kind(manifest) == POD:
        pod = _view(manifest, namespace)
        yield _checked(manifest, pod, _operation(manifest, namespace), snapshot)
        return
    declared = snapshot.inventory.workload_kinds
    templates = list(pod_templates(manifest.obj, namespace=namespace, declared=declared))
    if not templates and group_kind(manifest) in POD_TEMPLATES_AT:
        (at,) = POD_TEMPLATES_AT[group_kind(manifest)]
        raise PodShapeError(".".join(at), "must be a pod template")
    for template in templates:
        yield _checked(manifest, template, CREATE, snapshot)


def _checked(manifest: Manifest, pod: PodView, operation: Operation, snapshot: Snapshot) -> Checked:
    decision = decide(pod, operation, snapshot)
    obj = {"metadata": {"annotations": pod.annotations}} if pod.at else manifest.obj
    return Checked(manifest=manifest, pod=pod, decision=decision, patch=json_patch(decision, obj))


def _view(manifest: Manifest, namespace: str) -> PodView:
    default = manifest.review.name if manifest.review else ""
    obj = manifest.obj
    return view_pod(obj.get("spec"), obj.get("metadata"), namespace=namespace, default_name=default)


def _operation(manifest: Manifest, namespace: str) -> Operation:
    """Creating the pod, or what the review says is being done, and by whom."""
    review = manifest.review
    if review is None:
        return CREATE
    old = None
    if review.operation == Change.UPDATE and review.old_object is not None:
        before = mapping(review.old_object)
        old = view_pod(before.get("spec"), before.get("metadata"), namespace=namespace)
    return Operation(
        change=Change(review.operation),
        old=old,
        resized=review.sub_resource == "resize",
        user=review.user,
        groups=review.groups,
    )


@click.command(short_help="Decide the pods of manifests as the webhook would.")
@click.argument("files", metavar="FILE…|-", nargs=-1, required=True)
@policies_option
@click.option(
    "-n",
    "--namespace",
    default="default",
    show_default=True,
    help="The namespace of objects that name none.",
)
@click.option(
    "--cluster",
    type=click.Path(path_type=Path),
    help="What `kubectl get ns,runtimeclass,node -o yaml` printed (JSON will do).",
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
def check(
    *,
    files: Sequence[str],
    policies: Path,
    namespace: str,
    cluster: Path | None,
    output: str,
    today: datetime | None,
) -> int:
    """Decide every pod and pod template in FILEs as the webhook would.

    A FILE is a manifest of any number of documents, a folder of them, or - for what helm or
    kustomize prints. Lists and AdmissionReviews are opened. Namespaces, RuntimeClasses and Nodes
    among the objects count as facts of the cluster. For a Deployment and its like the pods stamped
    from it are decided.

    Exit code 1: a pod is refused. Exit code 2: some input could not be read; the rest was decided.
    """
    inputs = load_manifests(files, stdin=sys.stdin.buffer)
    facts = _cluster_facts(cluster)
    snapshot = _snapshot(policies, inputs, facts.manifests, day(today))
    outcome = check_inputs(inputs, snapshot, namespace=namespace)
    errors = (*facts.errors, *outcome.errors)
    if output == "json":
        click.echo(as_json(report_value(outcome.results, snapshot.revision)))
    else:
        _print(outcome, len(errors), snapshot.revision)
    for error in errors:
        click.echo(str(error), err=True)
    if errors:
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
    inputs = load_manifests([str(path)], stdin=sys.stdin.buffer)
    if inputs.errors or any(map(is_fact, inputs.manifests)):
        return inputs
    problem = "holds no Namespace, RuntimeClass or Node"
    return Inputs(manifests=(), errors=(InputError(source=str(path), problem=problem),))


def _print(outcome: Outcome, errors: int, revision: str) -> None:
    paint = _paint()
    for line in text_report(outcome.results, paint):
        click.echo(line, color=True)
    click.echo(
        summary(
            outcome.results,
            skipped=outcome.skipped,
            errors=errors,
            revision=revision,
        )
    )


def _paint() -> Paint:
    """Colours for a person at a terminal who did not refuse them (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return plain
    return lambda text, colour: click.style(text, fg=colour, bold=colour == "red")
