"""``runtimegate policy test``: the policies' own tests, and what of the policies these reach."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from pathlib import Path

import click

from webhook.cli.junit import Outcome, junit_xml
from webhook.cli.options import output_option, policies_option
from webhook.cli.policy_test_coverage import coverage_of
from webhook.cli.policy_test_report import Report, junit_suites, report_value, text_lines
from webhook.cli.policy_test_run import Result, run_tests
from webhook.cli.report import as_json
from webhook.cli.terminal import paint_for
from webhook.core.names import shown
from webhook.documents.folder import Loaded, load_with_tests
from webhook.documents.policy_test import PolicyTest
from webhook.documents.reading import of_kind
from webhook.live.policy_folder import IGNORE, FolderText, load_folder
from webhook.live.shipped import shipped


def _number(_ctx: click.Context, _parameter: click.Parameter, value: float | None) -> float | None:
    """``nan`` is within every range, and nothing is ever less than it."""
    if value is not None and isnan(value):
        raise click.BadParameter("must be a number")
    return value


@click.command(name="test", short_help="Run the PolicyTests of a policy folder.")
@policies_option
@click.option(
    "-k",
    "--filter",
    "text",
    metavar="TEXT",
    default="",
    envvar="RUNTIMEGATE_POLICY_TEST_FILTER",
    help="Only the cases that hold TEXT in their name, or in their test's.",
)
@output_option("text", "json", "junit", said="For people, for programs or for a CI system.")
@click.option(
    "--coverage",
    is_flag=True,
    help="Tell which policies, overrides, exemptions and fallbacks no case reaches.",
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    callback=_number,
    metavar="PERCENT",
    help="Fail where the cases reach less of the policies than this.",
)
def policy_test(
    *, policies: Path, text: str, output: str, coverage: bool, fail_under: float | None
) -> int:
    """Run the PolicyTest documents that lie beside the policies.

    Each case is a pod, or the pods of a manifest, in a namespace and a cluster as it says, decided
    as the webhook would decide it on the day that the case gives.

    Exit code 1: a case is not as expected, or --fail-under is not reached. 2: a document or a
    manifest could not be read, or there is no case at all.
    """
    folder = load_folder(policies)
    loaded = load_with_tests(folder.named_files, shipped())
    results = _run(folder, loaded, text)
    report = Report(
        results=results,
        revision=str(folder.revision),
        coverage=coverage_of(loaded, (a for result in results for a in result.answers))
        if coverage or fail_under is not None
        else None,
        fail_under=fail_under,
    )
    _OUTPUTS[output](report)
    if report.some(Outcome.ERROR):
        return 2
    return 1 if report.some(Outcome.FAILED) or report.short else 0


def _run(folder: FolderText, loaded: Loaded, text: str) -> list[Result]:
    """The results of the cases asked for; a run of none at all must not look like success."""
    if not any(of_kind(PolicyTest, loaded.documents)):
        hidden = f"; left out for their {IGNORE}: {', '.join(folder.left_out)}"
        raise click.ClickException(
            f"{shown(str(folder.folder), 300)} holds no PolicyTest "
            f"(docs/policy-test.md tells how to write one){hidden if folder.left_out else ''}"
        )
    wanted = text.casefold()
    results = run_tests(
        loaded,
        folder.folder,
        revision=str(folder.revision),
        chosen=lambda test, case: wanted in f"{test}: {case}".casefold(),
    )
    if not results:
        raise click.ClickException(f"no case or test has {shown(text)!r} in its name")
    return results


def _print_text(report: Report) -> None:
    for line in text_lines(report, paint_for()):
        click.echo(line, color=True)


_OUTPUTS: dict[str, Callable[[Report], None]] = {
    "text": _print_text,
    "json": lambda report: click.echo(as_json(report_value(report))),
    "junit": lambda report: click.echo(
        junit_xml(junit_suites(report), name="runtimegate policy test"), nl=False
    ),
}
