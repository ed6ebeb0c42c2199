"""The cases of PolicyTests asked of the policies, and where the answers are not as expected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from webhook.cli.facts import group_kind
from webhook.cli.junit import Outcome
from webhook.cli.policy_test_inputs import POD, Asked, CaseError, Reader, Subject
from webhook.cli.report import Checked, result_value
from webhook.core.advice import advise
from webhook.core.decision import Deny, decide
from webhook.core.images import glob_matches
from webhook.core.names import counted, shown
from webhook.core.snapshot import Snapshot
from webhook.documents.folder import Loaded
from webhook.documents.policy_test import Case, PolicyTest
from webhook.documents.policy_test_expected import Expected, ExpectedFinding
from webhook.documents.reading import Placed, of_kind
from webhook.documents.source import DocumentError
from webhook.documents.yaml_faults import Path as FieldPath
from webhook.wire.patch import json_patch
from webhook.wire.response import reason_of

_MOST_LISTED = 5
NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that was expected, where it is written, and what was."""

    field: str
    line: int
    expected: str
    actual: str

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, was {self.actual}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one pod of a case, and how that differs from what the case expects."""

    subject: Subject
    checked: Checked
    snapshot: Snapshot
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One case that was run; ``errors`` where it could not be asked."""

    placed: Placed
    case: Case
    line: int
    answers: tuple[Answer, ...] = ()
    errors: tuple[DocumentError, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Whether all is as expected."""
        if self.errors:
            return Outcome.ERROR
        failed = any(answer.differences for answer in self.answers)
        return Outcome.FAILED if failed else Outcome.PASSED

    @property
    def test(self) -> str:
        """The name of the document."""
        return self.placed.name


def run_tests(
    loaded: Loaded, folder: Path, *, revision: str, chosen: Callable[[str, str], bool]
) -> list[Result]:
    """Every case of every PolicyTest of which ``chosen(test, case)`` holds, in the files' order."""

    def snapshot(asked: Asked, today: date) -> Snapshot:
        return Snapshot(
            policies=loaded.policies,
            inventory=loaded.inventory,
            compat=loaded.compat,
            cluster=asked.cluster,
            today=today,
            revision=revision,
        )

    reader = Reader(folder=folder, inventory=loaded.inventory)
    return [
        _run(reader, placed, test, index, snapshot)
        for placed, test in of_kind(PolicyTest, loaded.documents)
        for index, case in enumerate(test.spec.cases)
        if chosen(placed.name, case.name)
    ]


def _run(
    reader: Reader,
    placed: Placed,
    test: PolicyTest,
    index: int,
    snapshot: Callable[[Asked, date], Snapshot],
) -> Result:
    case = test.spec.cases[index]
    line = placed.line("spec", "cases", index)
    today = test.spec.day_of(case)
    assert today is not None  # noqa: S101 - the model sees to it
    try:
        asked = reader.read(placed, test, index)
    except CaseError as error:
        return Result(placed=placed, case=case, line=line, errors=error.errors)
    compared = _Compared(placed=placed, index=index, own=case.expect)
    answers = tuple(
        _answer(subject, snapshot(asked, today), test.spec.expected_of(case), compared)
        for subject in asked.subjects
    )
    return Result(placed=placed, case=case, line=line, answers=answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """Where the expectations of a case are written."""

    placed: Placed
    index: int
    own: Expected

    def line(self, name: str, *below: str | int) -> int:
        """The line of an expectation: the case's own, or the document's."""
        key = _KEYS[name]
        at: FieldPath = ("spec", "cases", self.index) if name in self.own.given() else ("spec",)
        return self.placed.line(*at, "expect", key, *below)


_KEYS: Mapping[str, str] = {
    name: field.alias or name for name, field in Expected.model_fields.items()
}


def _answer(
    subject: Subject, snapshot: Snapshot, expected: Expected, compared: _Compared
) -> Answer:
    pod, manifest = subject.pod, subject.manifest
    decision = decide(pod, subject.operation, snapshot)
    obj = {"metadata": {"annotations": pod.annotations}} if pod.at else manifest.obj
    checked = Checked(
        manifest=manifest, pod=pod, decision=decision, patch=json_patch(decision, obj)
    )
    actual = actual_value(subject, checked, snapshot)
    found = [
        Difference(field=_KEYS[name], line=compared.line(name, *below), expected=wanted, actual=was)
        for name, value in expected.given().items()
        for below, wanted, was in _COMPARE.get(name, _scalar)(value, actual[_KEYS[name]])
    ]
    return Answer(subject=subject, checked=checked, snapshot=snapshot, differences=tuple(found))


def actual_value(subject: Subject, checked: Checked, snapshot: Snapshot) -> dict[str, Any]:
    """What ``check -o json`` says of the pod, and what the author of its workload hears."""
    return {
        **result_value(checked),
        "reason": reason_of(checked.decision) or None,
        "workload": _workload(subject, snapshot),
    }


def _workload(subject: Subject, snapshot: Snapshot) -> str | None:
    if group_kind(subject.manifest) == POD:
        return None
    advice = advise(subject.manifest.obj, None, namespace=subject.pod.namespace, snapshot=snapshot)
    if isinstance(advice, Deny):
        return "deny"
    return "warn" if advice.grounds.warnings else "ignore"


Compared = Iterator[tuple[FieldPath, str, str]]
"""For each thing that differs: where below the key, what was expected, and what was."""


def _scalar(expected: Any, actual: Any) -> Compared:
    if (expected if expected != "" else None) != actual:
        yield (), _word(expected), _word(actual)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return shown(str(value), 253) if value not in {None, ""} else NONE


def _message(expected: Sequence[str], actual: str) -> Compared:
    said = _one_line(actual)
    for index, text in enumerate(expected):
        if _one_line(text) not in said:
            yield (index,), _quoted(text), _quoted(said) if said else "no message"


def _warnings(expected: Sequence[str], actual: Sequence[str]) -> Compared:
    listed = _listed(map(_quoted, actual))
    if not expected and actual:
        yield (), NONE, listed
    for index, text in enumerate(expected):
        if not any(_one_line(text) in _one_line(warning) for warning in actual):
            yield (index,), _quoted(text), listed


def _suggestions(expected: Sequence[str], actual: Sequence[str]) -> Compared:
    listed = _listed(shown(name) for name in actual)
    if not expected and actual:
        yield (), NONE, listed
    for index, name in enumerate(expected):
        if name not in actual:
            yield (index,), shown(name), listed


def _findings(expected: Sequence[ExpectedFinding], actual: Sequence[Mapping[str, Any]]) -> Compared:
    if not expected and actual:
        yield (), NONE, _listed(map(_finding, actual))
    for index, wanted in enumerate(expected):
        matching = [found for found in actual if _is(wanted, found)]
        if wanted.absent and matching:
            yield (index,), f"no {_wanted(wanted)}", _listed(map(_finding, matching))
        elif not wanted.absent and not matching:
            # What there is of the same feature tells more than all there is.
            alike = [f for f in actual if glob_matches(wanted.feature, f["feature"])]
            yield (index,), _wanted(wanted), _listed(map(_finding, alike or actual))


def _is(wanted: ExpectedFinding, found: Mapping[str, Any]) -> bool:
    asked = {"verdict": wanted.verdict, "action": wanted.action, "container": wanted.container}
    return glob_matches(wanted.feature, found["feature"]) and all(
        value is None or found[key] == value for key, value in asked.items()
    )


def _wanted(wanted: ExpectedFinding) -> str:
    where = f" in {shown(wanted.container)}" if wanted.container else ""
    said = [str(part) for part in (wanted.verdict, wanted.action) if part]
    return f"{wanted.feature}{where}" + (f" ({', '.join(said)})" if said else "")


def _finding(found: Mapping[str, Any]) -> str:
    where = f" in {shown(found['container'], 63)}" if found["container"] else ""
    return f"{shown(found['feature'])}{where} ({found['verdict']}, {found['action']})"


def _listed(texts: Iterable[str]) -> str:
    every = list(texts)
    more = len(every) - _MOST_LISTED
    rest = f" and {counted(more, 'other')}" if more > 0 else ""
    return "; ".join(every[:_MOST_LISTED]) + rest if every else NONE


def _one_line(text: str) -> str:
    """``text`` as one line: where it was broken is not its meaning."""
    return " ".join(text.split())


def _quoted(text: str) -> str:
    return f'"{shown(_one_line(text), 500)}"'


_COMPARE: Mapping[str, Callable[[Any, Any], Compared]] = {
    "message": _message,
    "warnings": _warnings,
    "suggestions": _suggestions,
    "findings": _findings,
}
"""How lists and texts are compared; all else must be equal."""
