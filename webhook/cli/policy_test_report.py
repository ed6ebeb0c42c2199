"""Results of PolicyTests → text, JSON and JUnit XML. Pure; what is shown is escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from webhook.cli.junit import Case as JUnitCase
from webhook.cli.junit import Outcome, Suite
from webhook.cli.policy_test_coverage import Coverage, coverage_value
from webhook.cli.policy_test_run import NONE, Answer, Difference, Result
from webhook.cli.report import COLOURS, Checked, Paint, plain, result_value
from webhook.core.names import counted, shown
from webhook.wire.response import decision_word, reason_of

WORDS = {Outcome.PASSED: "passed", Outcome.FAILED: "failed", Outcome.ERROR: "error"}
_SUMMED = {Outcome.PASSED: "passed", Outcome.FAILED: "failed", Outcome.ERROR: "could not be asked"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that is told. ``coverage`` where it was asked for; ``fail_under`` where it must be so."""

    results: Sequence[Result]
    revision: str
    coverage: Coverage | None = None
    fail_under: float | None = None

    @property
    def short(self) -> bool:
        """Whether the coverage is less than it must be."""
        coverage, least = self.coverage, self.fail_under
        return coverage is not None and least is not None and coverage.share < least

    def some(self, outcome: Outcome) -> bool:
        """Whether some case came out so."""
        return any(result.outcome is outcome for result in self.results)


def text_lines(report: Report, paint: Paint = plain) -> Iterator[str]:
    """What a person reads: a line a test, below it what of it is not as expected."""
    for file, of_file in groupby(report.results, key=lambda r: r.placed.source.file):
        yield shown(file, 300)
        for test, of_test in groupby(of_file, key=lambda r: r.test):
            results = list(of_test)
            yield f"  {shown(test)}: {_counted(results)}"
            for result in results:
                yield from _told(result, paint)
    yield _summary(report)
    if report.coverage is not None:
        yield from _coverage(report.coverage, report)


def _told(result: Result, paint: Paint) -> Iterator[str]:
    """A case that did not pass: where it stands, what differs, and the whole decision."""
    if result.outcome is Outcome.PASSED:
        return
    word = paint(WORDS[result.outcome].upper(), COLOURS["deny"])
    yield f"  {word} {shown(result.case.name, 200)}"
    yield f"    {shown(result.placed.source.file, 300)}:{result.line}"
    for error in result.errors:
        yield f"    {error}"
    for answer in result.answers:
        if answer.differences:
            yield f"    {_subject(answer, result)}"
            yield from (f"      {_differs(difference)}" for difference in answer.differences)
            yield f"      {paint('decided', COLOURS['warning'])}: {_decided(answer.checked)}"
            yield from (f"        {line}" for line in _said(answer.checked))


def _differs(difference: Difference) -> str:
    """The difference, without what is said of the decision anyway."""
    if difference.field in {"message", "warnings"} and difference.expected != NONE:
        return f"{difference.field}: expected {difference.expected}, which is not said"
    return str(difference)


def _subject(answer: Answer, result: Result) -> str:
    """``Deployment tenant-a/web (shop.yaml:12)``; the place of what the document only names."""
    checked, manifest = answer.checked, answer.checked.manifest
    at = f" {checked.pod.at}" if checked.pod.at not in {"", "spec.template"} else ""
    name = shown(checked.name or "(no name)", 80)
    pod = f"{shown(manifest.kind, 40)} {shown(checked.pod.namespace, 63)}/{name}{at}"
    if manifest.source == result.placed.source.file:
        return pod
    return f"{pod} ({shown(manifest.source, 300)}:{manifest.line})"


def _decided(checked: Checked) -> str:
    grounds = checked.decision.grounds
    if grounds.policy is None:
        return f"{decision_word(checked.decision)}; {grounds.why}"
    enforced = checked.enforced
    parts = (
        decision_word(checked.decision),
        f"would {decision_word(enforced)}" if enforced is not checked.decision else "",
        f"RuntimeClass {shown(grounds.runtime_class)}" if grounds.runtime_class else "no class",
        f"policy {grounds.policy}",
        f"override {grounds.override}" if grounds.override else "",
        f"exemption {grounds.exemption}" if grounds.exemption else "",
        reason_of(checked.decision),
    )
    return ", ".join(filter(None, parts))


def _said(checked: Checked) -> Iterator[str]:
    """The message of the decision, and its warnings."""
    value = result_value(checked)
    if checked.decision.grounds.policy is not None:
        yield from value["message"].split("\n") if value["message"] else ()
    for warning in value["warnings"]:
        if warning != value["message"]:
            yield f"warning: {warning}"


def _counted(results: Iterable[Result]) -> str:
    counts = Counter(result.outcome for result in results)
    return ", ".join(f"{counts[o]} {word}" for o, word in _SUMMED.items() if counts[o])


def _summary(report: Report) -> str:
    tests = len({id(result.placed) for result in report.results})
    cases = f"{counted(len(report.results), 'case')} in {counted(tests, 'test')}"
    return f"{cases}: {_counted(report.results)}; policies {shown(report.revision, 64)}"


def _coverage(coverage: Coverage, report: Report) -> Iterator[str]:
    reached, total = len(coverage.reached), len(coverage.places)
    short = f", less than {report.fail_under:g} %" if report.short else ""
    yield f"coverage {coverage.percent} ({reached} of {total}){short}"
    for item in coverage.missed:
        file, line = coverage.places[item]
        yield f"  no case reaches {item} ({shown(file, 300)}:{line})"


def report_value(report: Report) -> dict[str, Any]:
    """The JSON of ``policy test -o json``: a contract (docs/policy-test.md)."""
    counts = Counter(result.outcome for result in report.results)
    return {
        "revision": report.revision,
        "passed": counts[Outcome.PASSED],
        "failed": counts[Outcome.FAILED],
        "errors": counts[Outcome.ERROR],
        "cases": [_case_value(result) for result in report.results],
        "coverage": coverage_value(report.coverage) if report.coverage else None,
    }


def _case_value(result: Result) -> dict[str, Any]:
    return {
        "test": result.test,
        "name": result.case.name,
        "source": result.placed.source.file,
        "line": result.line,
        "outcome": WORDS[result.outcome],
        "errors": [
            {
                "source": error.file,
                "line": error.line,
                "fieldPath": error.field_path,
                "message": error.message,
            }
            for error in result.errors
        ],
        "pods": [_answer_value(answer) for answer in result.answers],
    }


def _answer_value(answer: Answer) -> dict[str, Any]:
    return {
        "differences": [
            {"field": d.field, "line": d.line, "expected": d.expected, "actual": d.actual}
            for d in answer.differences
        ],
        "result": result_value(answer.checked),
    }


def junit_suites(report: Report) -> Iterator[Suite]:
    """A suite a test; one more for a coverage that must be reached."""
    for _, of_test in groupby(report.results, key=lambda r: id(r.placed)):
        results = list(of_test)
        yield Suite(name=results[0].test, cases=[_junit(result) for result in results])
    if report.coverage is not None and report.fail_under is not None:
        name = f"at least {report.fail_under:g} % of the policies are reached"
        lines = list(_coverage(report.coverage, report))
        case = JUnitCase(
            name=name,
            classname="coverage",
            outcome=Outcome.FAILED if report.short else Outcome.PASSED,
            kind="Coverage" if report.short else "",
            message=lines[0] if report.short else "",
            details="\n".join(lines) if report.short else "",
        )
        yield Suite(name="coverage", cases=[case])


def _junit(result: Result) -> JUnitCase:
    told = [line.removeprefix("    ") for line in _told(result, plain)][1:]
    said = [str(difference) for answer in result.answers for difference in answer.differences]
    said += [error.message for error in result.errors]
    return JUnitCase(
        name=result.case.name,
        classname=result.test,
        file=result.placed.source.file,
        line=result.line,
        outcome=result.outcome,
        kind={Outcome.FAILED: "Decision", Outcome.ERROR: "Unreadable"}.get(result.outcome, ""),
        message=said[0] if said else "",
        details="\n".join(told),
    )
