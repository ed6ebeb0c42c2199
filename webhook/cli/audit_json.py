"""The report of an audit as a JSON value: the contract of ``audit -o json`` (docs/audit.md).

Every other format is made from this value, so that none of them says what another does not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from webhook.core.audit import FAILING, Assessment, State
from webhook.core.audit_findings import Noted
from webhook.core.census import Census
from webhook.core.policy import Exemption
from webhook.core.remedies import remedies
from webhook.core.runtimes import Inventory, RuntimeProfile
from webhook.core.subject import Standing, Subject, subjects

FORMAT = "runtimegate.dev/audit/v1"
"""What the shape of the value is called; a change that breaks readers gets another number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySource:
    """A policy folder: where it is, and which revision was read."""

    folder: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What was audited, when, and by what."""

    origin: str
    live: bool
    generated_at: datetime
    today: str
    namespaces: Sequence[str]
    policies: PolicySource
    what_if: PolicySource | None
    inventory: Inventory
    data_version: str
    program: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incomplete:
    """What could not be looked at: ``what`` and ``why``."""

    what: str
    why: str


@dataclass(slots=True)
class _Totals:
    """Counts over subjects; ``pods`` are those that have not ended."""

    subjects: int = 0
    pods: int = 0
    refused_subjects: int = 0
    refused_pods: int = 0
    by_state: Counter[State] = field(default_factory=Counter)
    pods_by_state: Counter[State] = field(default_factory=Counter)
    with_state: Counter[State] = field(default_factory=Counter)
    by_class: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)

    def add(self, subject: Subject) -> None:
        self.subjects += 1
        self.by_state[subject.states[0]] += 1
        self.with_state.update(subject.states)
        self.refused_subjects += subject.refused
        if change := change_value(subject):
            self.changes[change["kind"]] += 1
        for standing, count in subject.pods.items():
            self.pods += count
            self.pods_by_state[standing.now.state] += count
            self.by_class[standing.now.runtime_class or ""] += count
            self.refused_pods += count if standing.now.anew.refused else 0

    def value(self) -> dict[str, Any]:
        return {
            "subjects": self.subjects,
            "pods": self.pods,
            "refused": {"subjects": self.refused_subjects, "pods": self.refused_pods},
            "byState": {
                str(state): {
                    "subjects": self.by_state[state],
                    "pods": self.pods_by_state[state],
                    "withState": self.with_state[state],
                }
                for state in State
            },
            "changes": {kind: self.changes[kind] for kind in CHANGES} if self.changes else None,
        }


@dataclass(slots=True, kw_only=True)
class Report:
    """Everything that was found, the subjects in the order of namespace, kind and name."""

    about: About
    subjects: Sequence[Subject]
    finished_pods: int = 0
    finished_workloads: int = 0
    other_objects: int = 0
    missing: Sequence[Incomplete] = ()
    errors: Sequence[str] = ()

    @property
    def failing(self) -> bool:
        """Whether there is something that an audit ends with exit code 1 for."""
        return any(s.refused or FAILING & set(s.states) for s in self.subjects)


def report_of(
    about: About,
    census: Census[Standing],
    missing: Iterable[Incomplete],
    errors: Iterable[str],
) -> Report:
    """The report of what a census has seen."""
    return Report(
        about=about,
        subjects=tuple(subjects(census)),
        finished_pods=census.finished_pods,
        finished_workloads=census.finished_workloads,
        other_objects=census.others,
        missing=tuple(missing),
        errors=tuple(errors),
    )


def report_value(report: Report) -> dict[str, Any]:
    """The whole report."""
    return {**head_value(report), "subjects": [subject_value(s) for s in report.subjects]}


def head_value(report: Report) -> dict[str, Any]:
    """The report without its subjects, which may be many."""
    totals, namespaces = _Totals(), dict[str, _Totals]()
    for subject in report.subjects:
        totals.add(subject)
        namespaces.setdefault(subject.key.namespace, _Totals()).add(subject)
    return {
        "format": FORMAT,
        "metadata": _metadata(report.about),
        "totals": {
            **totals.value(),
            "finished": {"pods": report.finished_pods, "workloads": report.finished_workloads},
            "otherObjects": report.other_objects,
        },
        "namespaces": list(_namespaces(report.subjects, namespaces)),
        "runtimeClasses": list(_classes(totals.by_class, namespaces, report.about.inventory)),
        "missing": [{"what": m.what, "why": m.why} for m in report.missing],
        "errors": list(report.errors),
    }


def _metadata(about: About) -> dict[str, Any]:
    return {
        "origin": about.origin,
        "live": about.live,
        "generatedAt": about.generated_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "today": about.today,
        "namespaces": list(about.namespaces),
        "policies": _source(about.policies),
        "whatIf": _source(about.what_if) if about.what_if else None,
        "inventory": {
            "name": about.inventory.name,
            "nodeDefault": _profile("", about.inventory.node_default),
            "runtimes": [_profile(n, p) for n, p in sorted(about.inventory.by_class.items())],
        },
        "dataVersion": about.data_version,
        "program": about.program,
    }


def _source(source: PolicySource) -> dict[str, str]:
    return {"folder": source.folder, "revision": source.revision}


def _profile(runtime_class: str, profile: RuntimeProfile | None) -> dict[str, Any] | None:
    if profile is None:
        return None
    return {
        "runtimeClass": runtime_class,
        "handler": profile.handler,
        "runtime": profile.runtime,
        "versions": [str(version) for version in profile.versions],
        "hypervisor": profile.hypervisor,
        "vendor": profile.vendor,
    }


def _namespaces(
    subjects: Sequence[Subject], totals: Mapping[str, _Totals]
) -> Iterator[dict[str, Any]]:
    policies: dict[str, tuple[str | None, str | None]] = {}
    for subject in subjects:
        stands = subject.worst.now
        mode = str(stands.mode) if stands.mode else None
        policies.setdefault(subject.key.namespace, (stands.policy, mode))
    for name, counts in sorted(totals.items()):
        policy, mode = policies[name]
        value = counts.value()
        yield {
            "name": name,
            "policy": policy,
            "mode": mode,
            **value,
            "byRuntimeClass": dict(sorted(counts.by_class.items())),
        }


def _classes(
    by_class: Mapping[str, int], namespaces: Mapping[str, _Totals], inventory: Inventory
) -> Iterator[dict[str, Any]]:
    """Every class that a pod runs with, and every one that the inventory declares."""
    for name in sorted({*by_class, *inventory.by_class, ""}):
        profile = inventory.profile_of(name or None)
        yield {
            "name": name,
            "declared": profile is not None,
            "runtime": profile.runtime if profile else None,
            "versions": [str(version) for version in profile.versions] if profile else [],
            "pods": by_class.get(name, 0),
            "namespaces": sum(bool(counts.by_class.get(name)) for counts in namespaces.values()),
        }


def subject_value(subject: Subject) -> dict[str, Any]:
    """One entry of ``subjects``."""
    stands = subject.worst.now
    return {
        "namespace": subject.key.namespace,
        "kind": subject.key.kind,
        "apiVersion": subject.api_version,
        "name": subject.key.name,
        "uid": subject.uid or None,
        "state": str(subject.states[0]),
        "states": [str(state) for state in subject.states],
        "refused": subject.refused,
        "policy": stands.policy,
        "override": stands.override,
        "mode": str(stands.mode) if stands.mode else None,
        "why": stands.why,
        "runtimeClasses": dict(sorted(subject.runtime_classes().items())),
        "anew": _anew(stands),
        "pods": {
            "running": subject.running,
            "finished": subject.finished,
            "byState": dict(sorted(subject.pod_states().items())),
        },
        "templates": list(subject.templates),
        "images": list(subject.images),
        "recognised": any(standing.now.recognised for standing in subject.standings),
        "exemptions": _exemptions(subject),
        "findings": [{**_finding(f), "pods": count} for f, count in subject.findings()],
        "remedies": list(remedies(subject)),
        "change": change_value(subject),
    }


def _anew(stands: Assessment) -> dict[str, Any]:
    return {
        "decision": stands.anew.decision,
        "runtimeClass": stands.anew.runtime_class,
        "reason": str(stands.anew.reason) if stands.anew.reason else None,
        "message": stands.anew.message,
        "suggestions": list(stands.anew.suggestions),
    }


def _exemptions(subject: Subject) -> list[dict[str, Any]]:
    """Those in use and those that have ended, each once."""
    found: dict[tuple[str | None, str], dict[str, Any]] = {}
    for standing in subject.standings:
        stands = standing.now
        for ended, exemptions in ((False, stands.exemptions), (True, stands.ended)):
            for exemption in exemptions:
                value = {"policy": stands.policy, **_exemption(exemption), "expired": ended}
                found.setdefault((stands.policy, exemption.name), value)
    return list(found.values())


def _exemption(exemption: Exemption) -> dict[str, Any]:
    return {
        "name": exemption.name,
        "owner": exemption.owner,
        "reason": exemption.reason,
        "ticket": exemption.ticket,
        "expires": exemption.expires.isoformat() if exemption.expires else None,
    }


def _finding(finding: Noted) -> dict[str, Any]:
    return {
        "feature": finding.feature,
        "strength": str(finding.strength),
        "support": str(finding.support),
        "verdict": str(finding.verdict),
        "action": str(finding.action),
        "runtimeClass": finding.runtime_class,
        "now": finding.now,
        "anew": finding.anew,
        "runtime": finding.runtime,
        "version": finding.version,
        "since": finding.since,
        "arch": finding.arch or None,
        "fieldPath": finding.field_path,
        "container": finding.container,
        "image": finding.image,
        "application": finding.application,
        "applicationTitle": finding.application_title,
        "summary": finding.summary,
        "note": finding.note,
        "workaround": finding.workaround,
        "evidence": [
            {"kind": entry.kind, "source": entry.source, "date": entry.date}
            for entry in finding.evidence
        ],
    }


def change_value(subject: Subject) -> dict[str, Any] | None:
    """What the other policies would mean to it; None where there are none."""
    changes = [c for c in (_change(s) for s in subject.standings) if c is not None]
    if not changes:
        return None
    return min(changes, key=lambda change: CHANGES.index(change["kind"]))


CHANGES: tuple[str, ...] = (
    "newlyRefused",
    "classChanged",
    "stateChanged",
    "noLongerRefused",
    "none",
)
"""What a change of policies may mean to a subject, what matters most first."""


def _change(standing: Standing) -> dict[str, Any] | None:
    now, after = standing.now, standing.after
    if after is None:
        return None
    return {
        "kind": _kind_of_change(now, after),
        "state": {"before": str(now.state), "after": str(after.state)},
        "states": {
            "before": [str(state) for state in now.states],
            "after": [str(state) for state in after.states],
        },
        "refused": {"before": now.anew.refused, "after": after.anew.refused},
        "runtimeClass": {
            "before": now.anew.runtime_class,
            "after": after.anew.runtime_class,
        },
        "reason": str(after.anew.reason) if after.anew.reason else None,
        "message": after.anew.message,
    }


def _kind_of_change(now: Assessment, after: Assessment) -> str:
    if after.anew.refused and not now.anew.refused:
        return "newlyRefused"
    if now.anew.refused and not after.anew.refused:
        return "noLongerRefused"
    if now.anew.runtime_class != after.anew.runtime_class and not after.anew.refused:
        return "classChanged"
    return "none" if now.states == after.states else "stateChanged"
