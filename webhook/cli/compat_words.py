"""Rows of the compatibility table → JSON values and words for people. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from webhook.core.applications import Application, Clause, Evidence, Need, Recognition, Verified
from webhook.core.compat import Conditions, Fact
from webhook.core.names import RUNTIME_TITLES
from webhook.core.verification import ProbeRun
from webhook.core.versions import ALL_VERSIONS, Interval, IntervalSet
from webhook.documents.rows import conditions_row

_NAMESPACE_TITLES: Mapping[str, str] = {
    "syscall": "System calls",
    "ioctl": "ioctl requests",
    "proc": "Files below /proc",
    "sys": "Files below /sys",
    "device": "Devices",
    "fs": "File systems",
    "net": "Network",
    "kernel": "Kernel subsystems",
    "cap": "Capabilities",
    "pod": "Pod fields",
    "exec": "Ways of starting programs",
    "perf": "Costs",
}


def namespace_title(namespace: str) -> str:
    """The heading of a namespace of features."""
    return _NAMESPACE_TITLES.get(namespace, namespace)


def runtime_title(runtime: str) -> str:
    """A runtime's name at the beginning of a line."""
    title = RUNTIME_TITLES.get(runtime, runtime)
    return title[:1].upper() + title[1:] if title.startswith("the ") else title


def one_line(text: str) -> str:
    """What was written over several lines, as one."""
    return " ".join(text.split())


def releases_text(releases: IntervalSet) -> str:
    """``>=20230109.0``; a day's release alone as that release; ``all``."""
    if releases == ALL_VERSIONS:
        return "all"
    return ", ".join(_interval_text(interval) for interval in releases.intervals)


def _interval_text(interval: Interval) -> str:
    """A run is written as the day of its release: that release is meant."""
    start, end = interval.start, interval.end
    if start and end and start.date and end.date:
        days = date.fromisoformat(end.date) - date.fromisoformat(start.date)
        if days <= timedelta(days=1):
            return str(start)
    return str(interval)


def when_text(when: Conditions) -> str:
    """Under which installations a row holds; empty for all."""
    cri = f"{when.cri} {releases_text(when.cri_versions)}" if when.cri else ""
    parts = [
        when.vendor or "",
        " or ".join(sorted(when.hypervisor)),
        cri.removesuffix(" all"),
        " or ".join(sorted(when.arch)),
        *(f"--{name}={value}" for name, value in sorted(when.flags.items())),
    ]
    return ", ".join(filter(None, parts))


def support_text(fact: Fact) -> str:
    """``gated by --iouring=true``, else the level."""
    if fact.gate is None:
        return str(fact.support)
    return f"{fact.support} by --{fact.gate.flag}={' or '.join(fact.gate.values)}"


def evidence_text(evidence: Iterable[Evidence]) -> str:
    """The first source, and how many others there are."""
    entries = list(evidence)
    if not entries:
        return ""
    more = f" and {len(entries) - 1} more" if len(entries) > 1 else ""
    return f"{entries[0].kind} {entries[0].date}: {one_line(entries[0].source)}{more}"


def verified_text(runs: Iterable[ProbeRun]) -> str:
    """The releases under which a row was confirmed; empty for none."""
    return ", ".join(dict.fromkeys(run.label for run in runs))


def fact_value(fact: Fact, runs: Iterable[ProbeRun]) -> dict[str, Any]:
    """One row as JSON, with the runs that confirm it."""
    gate = fact.gate
    return {
        "runtime": fact.runtime,
        "feature": fact.feature,
        "versions": _releases_value(fact.versions),
        "support": str(fact.support),
        "gate": gate
        and {"flag": gate.flag, "values": list(gate.values), "support": str(gate.support)},
        "when": conditions_row(fact.when),
        "summary": fact.summary,
        "note": fact.note,
        "workaround": fact.workaround,
        "evidence": evidence_value(fact.evidence),
        "probe": fact.probe,
        "verified": [
            {"on": run.label, "observed": run.observed, "date": run.day.isoformat()} for run in runs
        ],
        "origin": fact.origin,
    }


def _releases_value(releases: IntervalSet) -> list[str]:
    return [str(interval) for interval in releases.intervals]


def evidence_value(evidence: Iterable[Evidence]) -> list[dict[str, Any]]:
    """Sources as JSON."""
    return [
        {"kind": e.kind, "source": e.source, "date": e.date}
        | ({"tested": e.tested} if e.tested else {})
        for e in evidence
    ]


def application_value(application: Application) -> dict[str, Any]:
    """One application as JSON."""
    return {
        "name": application.name,
        "title": application.title,
        "recognise": [_recognition_value(way) for way in application.recognise],
        "needs": [_need_value(need) for need in application.needs],
        "verified": [_verified_value(run) for run in application.verified],
        "origin": application.origin,
    }


def _recognition_value(way: Recognition) -> dict[str, Any]:
    return {
        "images": [pattern.text for pattern in way.images],
        "excludeImages": [pattern.text for pattern in way.exclude_images],
        **_clause_value(way.clause),
    }


def _clause_value(clause: Clause) -> dict[str, Any]:
    return {"args": list(clause.words), "env": dict(clause.env), "labels": dict(clause.labels)}


def _need_value(need: Need) -> dict[str, Any]:
    return {
        "feature": need.feature,
        "strength": str(need.strength),
        "versions": _releases_value(need.versions or ALL_VERSIONS),
        "when": need.when and _clause_value(need.when),
        "unless": need.unless and _clause_value(need.unless),
        "note": need.note,
        "evidence": evidence_value(need.evidence),
    }


def _verified_value(run: Verified) -> dict[str, Any]:
    return {
        "runtime": run.runtime,
        "versions": _releases_value(run.versions),
        "works": run.works,
        "applicationVersion": run.application_version,
        "note": run.note,
        "evidence": evidence_value(run.evidence),
    }


def clause_text(clause: Clause) -> str:
    """What a container must show, in words."""
    parts = [
        f"args {' or '.join(clause.words)}" if clause.words else "",
        *(f"env {name}={glob}" for name, glob in clause.env.items()),
        *(f"label {key}={glob}" for key, glob in clause.labels.items()),
    ]
    return ", ".join(filter(None, parts))


def recognised_by(application: Application) -> Iterator[str]:
    """The ways to know an application: its images, or what else it shows."""
    for way in application.recognise:
        clause = clause_text(way.clause)
        images = [pattern.text for pattern in way.images] or [""]
        for image in images:
            yield " with ".join(filter(None, [image, clause]))


_PUBLIC_NAME = re.compile(
    r"(?P<repo>[A-Za-z0-9][\w.-]*/[\w.-]+)(?:#(?P<number>\d+)|@(?P<commit>[0-9a-f]{7,40}))"
)


def source_link(source: str) -> str | None:
    """The address of a source that is one, or a GitHub issue or commit in short."""
    if source.startswith(("https://", "http://")):
        return source if " " not in source else None
    match = _PUBLIC_NAME.fullmatch(source)
    if match is None:
        return None
    path = f"issues/{match['number']}" if match["number"] else f"commit/{match['commit']}"
    return f"https://github.com/{match['repo']}/{path}"
