"""Core values → rows of documents, as they are written: the way back from the models."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from webhook.core.applications import Evidence
from webhook.core.compat import Conditions, Fact

Row = dict[str, Any]
"""A row of a document, its keys in the order in which they are written."""


def evidence_row(evidence: Evidence) -> Row:
    """Evidence as it is written."""
    row: Row = {
        "kind": evidence.kind,
        "source": evidence.source,
        "date": date.fromisoformat(evidence.date),
    }
    return {**row, "tested": evidence.tested} if evidence.tested else row


def fact_row(fact: Fact, releases: Iterable[str]) -> Row:
    """A fact as the row of a document, for ``releases`` instead of its own."""
    when = conditions_row(fact.when)
    return {
        "feature": fact.feature,
        **({"when": when} if when else {}),
        "versions": list(releases),
        **what_row(fact),
        "evidence": [evidence_row(evidence) for evidence in fact.evidence],
    }


def what_row(fact: Fact) -> Row:
    """The part of a fact's row that says what the runtime does, in its words."""
    gate = fact.gate
    parts: Row = {
        "support": fact.support,
        "gate": gate and {"flag": gate.flag, "values": gate.values, "support": gate.support},
        "summary": fact.summary,
        "note": fact.note,
        "workaround": fact.workaround,
    }
    return {name: value for name, value in parts.items() if value}


def conditions_row(when: Conditions) -> Row:
    """The conditions that are given, by the names that they have in a document."""
    releases = [str(interval) for interval in when.cri_versions.intervals]
    parts: Row = {
        "vendor": when.vendor,
        "hypervisor": sorted(when.hypervisor),
        "cri": when.cri and {"name": when.cri, "versions": releases},
        "arch": sorted(when.arch),
        "flags": dict(when.flags),
    }
    return {name: value for name, value in parts.items() if value}
