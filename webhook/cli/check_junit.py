"""What ``check`` found as JUnit suites: a file is a suite, a pod or pod template a case. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from webhook.cli.junit import Case, Suite
from webhook.cli.junit import Outcome as CaseOutcome
from webhook.cli.manifests import STDIN, STDIN_SHOWN, InputError
from webhook.cli.positions import position
from webhook.cli.report import Checked, subject
from webhook.core.decision import Deny
from webhook.wire.response import reason_of

UNREADABLE = "input"
"""The suite of what could not be read."""


def check_suites(results: Sequence[Checked], errors: Sequence[InputError]) -> Iterator[Suite]:
    """The files in the order in which they were given, then what could not be read."""
    for source, of_source in groupby(results, key=lambda checked: checked.manifest.source):
        yield Suite(name=_named(source), cases=[_case(checked) for checked in of_source])
    if errors:
        yield Suite(name=UNREADABLE, cases=[_unreadable(error) for error in errors])


def _case(checked: Checked) -> Case:
    source, decision = checked.manifest.source, checked.decision
    name, grounds = subject(checked), decision.grounds
    output = "\n".join((*grounds.notices, *grounds.warnings))
    if not isinstance(decision, Deny):
        line = checked.manifest.line
        return Case(name=name, classname=_named(source), file=source, line=line, output=output)
    line, _ = position(checked.manifest, decision.causes[0].field_path)
    return Case(
        name=name,
        classname=_named(source),
        file=source,
        line=line,
        outcome=CaseOutcome.FAILED,
        kind=reason_of(decision),
        message=decision.message.partition("\n")[0],
        details=decision.message,
        output=output,
    )


def _unreadable(error: InputError) -> Case:
    return Case(
        name=str(error),
        classname=_named(error.source),
        file=error.source,
        line=error.line,
        outcome=CaseOutcome.ERROR,
        kind="unreadable",
        message=error.problem,
        details=str(error),
    )


def _named(source: str) -> str:
    return STDIN_SHOWN if source == STDIN else source
