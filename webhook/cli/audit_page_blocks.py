"""Sections of the audit's page beside its list: what would change, and who is exempt. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webhook.cli.audit_page_data import number_of, until


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A section of its own below the chart: sentences, lists with a heading each, and a table."""

    title: str
    lead: Sequence[str]
    notes: Sequence[tuple[str, Sequence[str]]] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    rest: str = ""


def left_out(count: int, most: int, noun: str) -> str:
    """How many more there are than ``most``; empty where there are none."""
    return f"and {number_of(count - most, f'more {noun}')}" if count > most else ""


_CHANGE_TITLES = {
    "newlyRefused": "newly refused",
    "classChanged": "another RuntimeClass",
    "stateChanged": "another state",
    "noLongerRefused": "no longer refused",
}
_MOST_CHANGES = 100


def change_blocks(report: Mapping[str, Any]) -> Iterator[Block]:
    """What the other policies would mean, where there are any."""
    metadata, changes = report["metadata"], report["totals"]["changes"]
    if not metadata["whatIf"]:
        return
    changed = [s for s in report["subjects"] if (s["change"] or {}).get("kind") in _CHANGE_TITLES]
    changed.sort(key=lambda s: list(_CHANGE_TITLES).index(s["change"]["kind"]))
    told = [
        f"{changes[kind]:,} {title}"
        for kind, title in _CHANGE_TITLES.items()
        if (changes or {}).get(kind)
    ]
    yield Block(
        title=f"What would change under the policies in {metadata['whatIf']['folder']}",
        lead=[
            "Entries: " + ", ".join(told) + "."
            if told
            else "Nothing that was looked at would change."
        ],
        columns=("What", "Change", "RuntimeClass", "Why"),
        rows=[_change_row(subject) for subject in changed[:_MOST_CHANGES]],
        rest=left_out(len(changed), _MOST_CHANGES, "change"),
    )


def _change_row(subject: Mapping[str, Any]) -> tuple[str, ...]:
    change = subject["change"]
    before, after = (change["runtimeClass"][when] or "none" for when in ("before", "after"))
    return (
        f"{subject['kind']} {subject['namespace']}/{subject['name']}",
        _CHANGE_TITLES[change["kind"]],
        before if before == after else f"{before} → {after}",
        change["message"].partition("\n")[0],
    )


_MOST_EXEMPTIONS = 100


def exemption_blocks(report: Mapping[str, Any]) -> Iterator[Block]:
    """Every exemption in use, and who answers for it."""
    used: dict[tuple[str, str], tuple[Mapping[str, Any], list[str]]] = {}
    for subject in report["subjects"]:
        for exemption in subject["exemptions"]:
            key = (exemption["policy"] or "", exemption["name"])
            _, names = used.setdefault(key, (exemption, []))
            names.append(f"{subject['namespace']}/{subject['name']}")
    if not used:
        return
    rows = [
        (
            f"{policy}/{name}",
            exemption["owner"],
            exemption["reason"] + (f" ({exemption['ticket']})" if exemption["ticket"] else ""),
            until(exemption),
            _few(names),
        )
        for (policy, name), (exemption, names) in sorted(used.items())
    ]
    yield Block(
        title="Exemptions",
        lead=["Who is let off, by whom, and until when. These are the policies' own words."],
        columns=("Exemption", "Owner", "Reason", "Until", "Used by"),
        rows=rows[:_MOST_EXEMPTIONS],
        rest=left_out(len(rows), _MOST_EXEMPTIONS, "exemption"),
    )


def _few(names: Sequence[str]) -> str:
    more = len(names) - 3
    return ", ".join(names[:3]) + (f" and {more} more" if more > 0 else "")
