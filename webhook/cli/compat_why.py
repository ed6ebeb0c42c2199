"""``runtimegate compat why``: the verdict on an image or manifest, on any runtime, and why."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from webhook.cli.compat_options import (
    Asked,
    load_table,
    of_day_option,
    pairs,
    policies_option,
    profile_options,
    titled,
)
from webhook.cli.compat_words import one_line, releases_text, verified_text
from webhook.cli.manifests import InputError, load_manifests
from webhook.cli.options import day, files_option, output_option
from webhook.cli.pods import Found, found_value, pods_in
from webhook.cli.report import Paint, as_json, broken, finding_value, plain
from webhook.cli.terminal import columns, paint_for
from webhook.core.applications import Verified
from webhook.core.compat import CompatTable
from webhook.core.explain import Explanation, applications_of, explain, newest_release, runs_of
from webhook.core.images import parse_image
from webhook.core.messages import cause_of
from webhook.core.names import RUNTIME_TITLES, Verdict, shown
from webhook.core.needs import Finding
from webhook.core.pod import PodView, described, view_pod
from webhook.core.policy import DEFAULT_ACTIONS
from webhook.core.trial import Judged
from webhook.live.verified import verified

_AFTER_DASHES = "webhook.cli.compat_why.arguments"
_COLOURS = {
    Verdict.INCOMPATIBLE: "red",
    Verdict.DEGRADED: "red",
    Verdict.IGNORED_SECURITY: "yellow",
    Verdict.UNKNOWN: "yellow",
    Verdict.COMPATIBLE: "green",
}
_MOST_RUNS = 6


class _TakesArguments(click.Command):
    """A command that keeps what stands after ``--`` as it is: the container's arguments."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            args, ctx.meta[_AFTER_DASHES] = args[:at], args[at + 1 :]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- ARGUMENT…]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said of one pod, and where the pod came from; ``found`` None for a bare image."""

    subject: str
    found: Found | None
    explanation: Explanation


@click.command(cls=_TakesArguments, short_help="Say whether an image or manifest runs, and why.")
@click.argument("images", metavar="[IMAGE]…", nargs=-1)
@files_option
@click.option("--runtime", default="gvisor", show_default=True, help="The runtime.")
@click.option(
    "--version",
    help="Its release, or unknown.  [default: the newest that the table lists]",
)
@profile_options
@click.option(
    "--env",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    help="A variable of the IMAGE's container; may be given several times.",
)
@policies_option
@of_day_option
@output_option("text", "json")
@click.pass_context
def why(
    ctx: click.Context,
    /,
    *,
    images: tuple[str, ...],
    files: tuple[str, ...],
    variables: tuple[str, ...],
    policies: Path | None,
    today: datetime | None,
    output: str,
    **installed: Any,
) -> int:
    """Say whether IMAGE, or each pod of FILE, runs on a runtime, and why.

    What stands after -- are the container's arguments.

    Without --version it is the newest release that the table lists. With --version unknown, the
    releases of the last 24 months are judged, and where they disagree the verdict is unknown.

    Exit code 1: some verdict is incompatible or degraded. 2: some input could not be read.
    """
    arguments: Sequence[str] = ctx.meta.get(_AFTER_DASHES, ())
    _require_a_subject(images, files, bool(arguments or variables))
    table = load_table(policies)
    profile = Asked(**installed).profile(table)
    found, errors = _found(files)
    subjects = [(image, None, _pod_of(image, arguments, variables)) for image in images]
    answers = [
        Answer(subject=subject, found=place, explanation=explain(pod, profile, table, day(today)))
        for subject, place, pod in (*subjects, *((f.name, f, f.pod) for f in found))
    ]
    if output == "json":
        click.echo(as_json(answers_value(answers)))
    elif answers or not errors:
        _print(answers, table, assumed=installed["version"] is None)
    for error in errors:
        click.echo(str(error), err=True)
    if errors:
        return 2
    return 1 if any(answer.explanation.refusable for answer in answers) else 0


def _require_a_subject(images: Sequence[str], files: Sequence[str], told: bool) -> None:
    if bool(images) == bool(files):
        raise click.UsageError("give an IMAGE, or manifests with -f")
    if files and told:
        raise click.UsageError("arguments and --env are for an IMAGE: manifests have their own")


def _found(files: Sequence[str]) -> tuple[list[Found], list[InputError]]:
    return pods_in(load_manifests(files, stdin=sys.stdin.buffer))


def _pod_of(image: str, arguments: Sequence[str], variables: Sequence[str]) -> PodView:
    """A pod of one container, named after its image."""
    reference = parse_image(image)
    if reference is None:
        message = f"must be an image reference such as postgres:18, not {shown(image, 120)!r}"
        raise click.BadParameter(message, param_hint="IMAGE")
    container = {
        "name": reference.path[-1],
        "image": image,
        "args": list(arguments),
        "env": [{"name": k, "value": v} for k, v in pairs(variables, "--env").items()],
    }
    return view_pod({"containers": [container]}, {}, namespace="default")


def answers_value(answers: Sequence[Answer]) -> dict[str, Any]:
    """The JSON of ``compat why -o json``: a contract (DESIGN 6).

    Of one pod its explanation; of none or several ``results``, each with where it came from.
    """
    if len(answers) == 1:
        return explanation_value(answers[0].explanation)
    return {"results": [{**_origin(a), **explanation_value(a.explanation)} for a in answers]}


def _origin(answer: Answer) -> dict[str, Any]:
    """Where a pod stands; an image has the same keys."""
    if answer.found is not None:
        return found_value(answer.found)
    nowhere = dict.fromkeys(("kind", "namespace", "name", "template"), "")
    return {"source": answer.subject, "document": 0, **nowhere}


def explanation_value(explanation: Explanation) -> dict[str, Any]:
    """One pod on one runtime; a finding's ``action`` is what a policy does that says nothing."""
    return {
        "runtime": explanation.profile.runtime,
        "version": str(explanation.version) if explanation.version else None,
        "verdict": str(explanation.verdict),
        "recognised": explanation.needs.recognised,
        "findings": [
            finding_value(Judged(finding=finding, action=DEFAULT_ACTIONS[finding.verdict]))
            for finding in explanation.findings
        ],
        "suggestions": [str(suggestion) for suggestion in explanation.suggestions],
    }


def _print(answers: Sequence[Answer], table: CompatTable, *, assumed: bool) -> None:
    paint = paint_for()
    for number, answer in enumerate(answers):
        if number:
            click.echo()
        for line in text_of(answer, paint):
            click.echo("\n".join(broken(line, columns())))
    if not answers:
        click.echo("no pods")
    elif note := _release_note(answers[0].explanation, table, assumed=assumed):
        click.echo("\n".join(["", *broken(note, columns())]))


def _release_note(explanation: Explanation, table: CompatTable, *, assumed: bool) -> str:
    """Which release was taken where none was named; that it is newer than all that are known."""
    runtime, version = explanation.profile.runtime, explanation.version
    newest = newest_release(table, runtime)
    if assumed:
        said = f"{newest} is the newest release" if newest else "no release"
        return f"{said} of {runtime} in the table; --version asks about another"
    if newest is not None and version is not None and version > newest:
        return f"{version} is newer than the newest release in the table, {newest}"
    return ""


def text_of(answer: Answer, paint: Paint = plain) -> Iterator[str]:
    """The verdict, its causes with evidence, what is met, what was seen, what is better."""
    explanation = answer.explanation
    verdict = paint(_word(explanation.verdict), _COLOURS[explanation.verdict])
    release = "" if explanation.version else " (release unknown)"
    yield f"{_subject(answer)} on {titled(explanation.profile)}{release}: {verdict}"
    applications = applications_of([explanation.needs])
    names = ", ".join(application.name for application in applications)
    yield (
        f"  recognised as {names}"
        if names
        else "  not recognised: the table knows nothing of what runs in it"
    )
    if applications and not explanation.findings:
        yield "  nothing is known that it needs"
    met = [f for f in explanation.findings if f.verdict is Verdict.COMPATIBLE]
    for finding in explanation.findings:
        if finding.verdict is not Verdict.COMPATIBLE:
            yield from _cause_lines(finding, paint)
    if met:
        yield f"  met: {', '.join(dict.fromkeys(shown(f.need.feature, 100) for f in met))}"
    for application in applications:
        runs = runs_of(application, explanation.profile.runtime)
        for run in sorted(runs, key=lambda run: not _here(run, explanation))[:_MOST_RUNS]:
            yield f"  {_run_text(application.title, run, explanation)}"
    if explanation.suggestions:
        better = explanation.suggestions[0].verdict
        on = " or ".join(titled(s.profile) for s in explanation.suggestions)
        yield f"  {_word(better)} on {on}"


def _subject(answer: Answer) -> str:
    if answer.found is None:
        return shown(str(parse_image(answer.subject)), 200)
    found = answer.found
    at = f" {found.pod.at}" if found.pod.at not in {"", "spec.template"} else ""
    name = f"{shown(found.pod.namespace, 63)}/{shown(answer.subject or '(no name)', 80)}"
    return f"{shown(found.manifest.kind, 40)} {name}{at}"


def _word(verdict: Verdict) -> str:
    return "security ignored" if verdict is Verdict.IGNORED_SECURITY else str(verdict)


def _cause_lines(finding: Finding, paint: Paint) -> Iterator[str]:
    fact = finding.fact
    yield f"  {paint(_word(finding.verdict), _COLOURS[finding.verdict])}: {cause_of(finding)}"
    yield f"    {_need_text(finding)}"
    if fact:
        release = f" {finding.version}" if finding.version else ""
        does = f": {shown(one_line(fact.note), 400)}" if fact.note else ""
        yield f"    {RUNTIME_TITLES[finding.runtime]}{release}: {finding.support}{does}"
    if finding.since:
        yield f"    supported from {finding.since}"
    if fact and (on := verified_text(verified().of(fact))):
        yield f"    verified on {on}"
    for entry in finding.evidence:
        yield f"    {entry.kind} {entry.date}: {shown(one_line(entry.source), 320)}"
    if fact and fact.workaround:
        yield f"    workaround: {shown(one_line(fact.workaround), 320)}"


def _need_text(finding: Finding) -> str:
    """Who needs it, how much, and what for."""
    need = finding.need
    if need.application is None:
        return f"{shown(need.field_path, 160)} needs {shown(need.feature, 100)}"
    container = f" in container {described(need.container)}" if need.container else ""
    note = f": {shown(one_line(need.note), 320)}" if need.note else ""
    return f"{need.application.title}{container}: {need.feature} is {need.strength}{note}"


def _here(run: Verified, explanation: Explanation) -> bool:
    return explanation.version is not None and explanation.version in run.versions


_WORKED = {"yes": "worked", "partial": "worked in part", "no": "did not work"}


def _run_text(title: str, run: Verified, explanation: Explanation) -> str:
    """``seen on this release: postgresql 15.18 worked (…)``."""
    runtime = RUNTIME_TITLES[run.runtime]
    where = (
        "this release" if _here(run, explanation) else f"{runtime} {releases_text(run.versions)}"
    )
    version = f" {shown(run.application_version, 40)}" if run.application_version else ""
    note = f": {shown(one_line(run.note), 200)}" if run.note else ""
    source = f" ({run.evidence[0].kind} {run.evidence[0].date})" if run.evidence else ""
    return f"seen on {where}: {shown(title)}{version} {_WORKED[run.works]}{note}{source}"
