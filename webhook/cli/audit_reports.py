"""The report of an audit as PolicyReports, by which dashboards show what many tools found.

One report a namespace, in both shapes that are in use: ``wgpolicyk8s.io/v1alpha2`` (Policy WG) and
its successor ``openreports.io/v1alpha1``. What does not fit into one object is continued in
``runtimegate-2`` and so on: etcd refuses objects of more than 1.5 MiB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from webhook.cli.audit_json import Report, subject_value
from webhook.core.audit import MEANINGS, State

Object = dict[str, Any]

NAME = "runtimegate"
MANAGED_BY = {"app.kubernetes.io/managed-by": "runtimegate"}
"""By this label a report is known as ours; one without it is never touched."""
MOST_BYTES = 1_000_000
"""Of the results in one report; the API server adds its own fields to them."""
_LONGEST_TEXT = 1_000
_SUMMARY = ("pass", "fail", "warn", "error", "skip")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportKind:
    """A CRD of reports."""

    group: str
    version: str
    kind: str
    plural: str
    says_source: bool

    @property
    def api_version(self) -> str:
        """As an object of it says."""
        return f"{self.group}/{self.version}"

    def collection(self, namespace: str = "") -> str:
        """The path of its reports, of one namespace or of all."""
        within = f"/namespaces/{namespace}" if namespace else ""
        return f"/apis/{self.group}/{self.version}{within}/{self.plural}"


REPORT_KINDS: tuple[ReportKind, ...] = (
    ReportKind(
        group="wgpolicyk8s.io",
        version="v1alpha2",
        kind="PolicyReport",
        plural="policyreports",
        says_source=False,
    ),
    ReportKind(
        group="openreports.io",
        version="v1alpha1",
        kind="Report",
        plural="reports",
        says_source=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What a state is in a PolicyReport."""

    result: str
    severity: str


_OUTCOMES: Mapping[State, _Outcome] = {
    State.EXPIRED: _Outcome(result="fail", severity="high"),
    State.INCOMPATIBLE: _Outcome(result="fail", severity="high"),
    State.OTHER_RUNTIME: _Outcome(result="fail", severity="high"),
    State.RECONFIGURED: _Outcome(result="fail", severity="high"),
    State.UNASSIGNED: _Outcome(result="fail", severity="high"),
    State.DEGRADED: _Outcome(result="warn", severity="medium"),
    State.IGNORED_SECURITY: _Outcome(result="warn", severity="medium"),
    State.UNKNOWN: _Outcome(result="warn", severity="low"),
    State.EXEMPT: _Outcome(result="skip", severity="info"),
    State.COMPLIANT: _Outcome(result="pass", severity="info"),
}


def namespace_results(report: Report) -> Iterator[tuple[str, list[Object]]]:
    """Each governed namespace and its results, a namespace at a time."""
    seconds = int(report.about.generated_at.timestamp())
    for namespace, subjects in groupby(report.subjects, key=lambda subject: subject.key.namespace):
        results = [
            result
            for subject in subjects
            if subject.states != (State.NOT_GOVERNED,)
            for result in _results(subject_value(subject), seconds)
        ]
        if results:
            yield namespace, results


def _results(value: Mapping[str, Any], seconds: int) -> Iterator[Object]:
    """A result for each state of a subject, the worst first."""
    for name in value["states"]:
        state = State(name)
        if state is State.NOT_GOVERNED:
            continue
        outcome = _OUTCOMES[state]
        failed = value["refused"] and outcome.result == "warn"
        yield {
            "source": NAME,
            "policy": value["policy"] or NAME,
            "rule": name,
            "category": "Container runtimes",
            "severity": outcome.severity,
            "result": "fail" if failed else outcome.result,
            "scored": True,
            "timestamp": {"seconds": seconds, "nanos": 0},
            "message": _message(value, state),
            "resources": [_reference(value)],
            "properties": _properties(value),
        }


def _reference(value: Mapping[str, Any]) -> dict[str, str]:
    named = {key: value[key] for key in ("apiVersion", "kind", "namespace", "name")}
    return {**named, "uid": value["uid"]} if value["uid"] else named


def _message(value: Mapping[str, Any], state: State) -> str:
    meaning = MEANINGS[state]
    if state is State.COMPLIANT:
        return meaning.definition
    anew = value["anew"]["message"].partition("\n")[0] if value["anew"]["reason"] else ""
    found = anew or "; ".join(dict.fromkeys(f["summary"] for f in value["findings"]))
    return f"{meaning.title}: {found or meaning.definition}"[:_LONGEST_TEXT]


def _properties(value: Mapping[str, Any]) -> dict[str, str]:
    """Strings only, as the CRDs have it."""
    exemptions = value["exemptions"]
    said = {
        "pods": str(value["pods"]["running"]),
        "runtimeClasses": ", ".join(
            f"{n or '(none)'} {c}" for n, c in value["runtimeClasses"].items()
        ),
        "anew": value["anew"]["decision"],
        "anewRuntimeClass": value["anew"]["runtimeClass"] or "",
        "reason": value["anew"]["reason"] or "",
        "features": ", ".join(dict.fromkeys(f["feature"] for f in value["findings"])),
        "remedy": "; ".join(value["remedies"]),
        "exemption": ", ".join(e["name"] for e in exemptions),
        "exemptionOwner": ", ".join(e["owner"] for e in exemptions),
        "exemptionExpires": ", ".join(str(e["expires"] or "never") for e in exemptions),
    }
    return {key: text[:_LONGEST_TEXT] for key, text in said.items() if text}


def reports_of(kind: ReportKind, namespace: str, results: Sequence[Object]) -> Iterator[Object]:
    """The reports of one namespace: one, or as many as its results need."""
    for number, part in enumerate(_parts(results), 1):
        report: Object = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {
                "name": NAME if number == 1 else f"{NAME}-{number}",
                "namespace": namespace,
                "labels": dict(MANAGED_BY),
            },
            "scope": {"apiVersion": "v1", "kind": "Namespace", "name": namespace},
            "summary": {
                word: sum(result["result"] == word for result in part) for word in _SUMMARY
            },
            "results": part,
        }
        if kind.says_source:
            report["source"] = NAME
        yield report


def _parts(results: Sequence[Object]) -> Iterator[list[Object]]:
    part: list[Object] = []
    size = 0
    for result in results:
        length = len(json.dumps(result, ensure_ascii=False).encode())
        if part and size + length > MOST_BYTES:
            yield part
            part, size = [], 0
        part.append(result)
        size += length
    yield part
