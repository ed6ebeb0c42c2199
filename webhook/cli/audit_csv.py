"""The report of an audit for a spreadsheet: one row a subject.

A cell that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, "CSV
Injection"): names, images and reasons are written by people whom the reader need not trust.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from typing import Any

from webhook.cli.audit_json import Report, subject_value

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LONGEST = 32_000
"""A spreadsheet's cell holds 32,767 characters."""

Cell = Callable[[Mapping[str, Any]], object]


def _joined(name: str, inner: str) -> Cell:
    return lambda value: "; ".join(dict.fromkeys(str(entry[inner]) for entry in value[name]))


def _classes(value: Mapping[str, Any]) -> str:
    found = value["runtimeClasses"].items()
    return "; ".join(f"{name or '(none)'} {count}" for name, count in found)


def _of_change(value: Mapping[str, Any]) -> str:
    return value["change"]["kind"] if value["change"] else ""


COLUMNS: tuple[tuple[str, Cell], ...] = (
    ("namespace", lambda v: v["namespace"]),
    ("kind", lambda v: v["kind"]),
    ("name", lambda v: v["name"]),
    ("state", lambda v: v["state"]),
    ("states", lambda v: "; ".join(v["states"])),
    ("refused", lambda v: "yes" if v["refused"] else "no"),
    ("policy", lambda v: v["policy"]),
    ("override", lambda v: v["override"]),
    ("mode", lambda v: v["mode"]),
    ("pods", lambda v: v["pods"]["running"]),
    ("finishedPods", lambda v: v["pods"]["finished"]),
    ("runtimeClasses", _classes),
    ("anew", lambda v: v["anew"]["decision"]),
    ("anewRuntimeClass", lambda v: v["anew"]["runtimeClass"]),
    ("reason", lambda v: v["anew"]["reason"]),
    ("message", lambda v: v["anew"]["message"].partition("\n")[0]),
    ("exemption", _joined("exemptions", "name")),
    ("exemptionOwner", _joined("exemptions", "owner")),
    ("exemptionExpires", _joined("exemptions", "expires")),
    ("exemptionTicket", _joined("exemptions", "ticket")),
    ("features", _joined("findings", "feature")),
    ("findings", _joined("findings", "summary")),
    ("images", lambda v: "; ".join(v["images"])),
    ("remedies", lambda v: "; ".join(v["remedies"])),
    ("change", _of_change),
)


def csv_lines(report: Report) -> Iterator[str]:
    """The header and a line a subject, each with its end (RFC 4180)."""
    yield _line(name for name, _ in COLUMNS)
    for subject in report.subjects:
        value = subject_value(subject)
        yield _line(cell(value) for _, cell in COLUMNS)


def _line(cells: Iterator[object]) -> str:
    held = StringIO()
    csv.writer(held).writerow([_harmless(cell) for cell in cells])
    return held.getvalue()


def _harmless(cell: object) -> str:
    text = "" if cell is None else str(cell)
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if text.lstrip(" '\"").startswith(_FORMULA):
        text = f"'{text}"
    return text[:_LONGEST]
