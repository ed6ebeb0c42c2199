"""JUnit XML, as CI systems read it: suites of cases, each passed, failed or not readable.

The schema is nobody's standard; this is the part that GitLab, Jenkins and Azure Pipelines agree on
(https://github.com/testmoapp/junitxml). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from xml.etree import ElementTree


class Outcome(StrEnum):
    """What became of a case; the element that says so, none for what passed."""

    PASSED = ""
    FAILED = "failure"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case; ``message`` is one line, ``details`` what a person reads below it."""

    name: str
    classname: str
    file: str = ""
    line: int = 0
    outcome: Outcome = Outcome.PASSED
    kind: str = ""
    message: str = ""
    details: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Cases that belong together: those of one file."""

    name: str
    cases: Sequence[Case]


def junit_xml(suites: Iterable[Suite], *, name: str) -> str:
    """The document, with its declaration; what XML 1.0 cannot hold is written as an escape."""
    root = ElementTree.Element("testsuites", _counts([], name))
    every: list[Case] = []
    for suite in suites:
        every.extend(suite.cases)
        element = ElementTree.SubElement(root, "testsuite", _counts(suite.cases, suite.name))
        for case in suite.cases:
            _add(element, case)
    root.attrib.update(_counts(every, name))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _counts(cases: Sequence[Case], name: str) -> dict[str, str]:
    failed, errors = (
        sum(case.outcome is outcome for case in cases)
        for outcome in (Outcome.FAILED, Outcome.ERROR)
    )
    counts = {"tests": len(cases), "failures": failed, "errors": errors}
    return {"name": _text(name), **{key: str(count) for key, count in counts.items()}}


def _add(suite: ElementTree.Element, case: Case) -> None:
    where = {"file": _text(case.file), "line": str(case.line)}
    given = {key: value for key, value in where.items() if value not in {"", "0"}}
    names = {"name": _text(case.name), "classname": _text(case.classname)}
    element = ElementTree.SubElement(suite, "testcase", {**names, **given})
    if case.outcome:
        said = {"message": _text(case.message), "type": _text(case.kind)}
        ElementTree.SubElement(element, case.outcome, said).text = _text(case.details)
    if case.output:
        ElementTree.SubElement(element, "system-out").text = _text(case.output)


_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _text(text: str) -> str:
    return _NOT_XML.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
