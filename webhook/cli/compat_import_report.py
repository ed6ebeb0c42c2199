"""What ``compat import`` says of an import: the head of its documents, lines beside, JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from webhook.core.applications import Evidence
from webhook.core.names import counted, shown
from webhook.documents.imports.reading import FORMATS
from webhook.documents.imports.result import Imported, LeftOut

_MOST_TOLD = 40


def head(imported: Imported, form: str, evidence: Evidence, data: str) -> list[str]:
    """The comments above the documents; ``data`` is the version of the shipped table."""
    return [
        f"{imported.subject}: {FORMATS[form]}.",
        f"Imported on {evidence.date} by runtimegate compat import; {_tally(imported)}.",
        f"Source: {evidence.source}",
        f"Compared with the shipped table {data}.",
    ]


def _tally(imported: Imported) -> str:
    parts = [
        f"{counted(len(imported.taken), imported.noun)} imported",
        f"{imported.same} the same as shipped" if imported.same else "",
        f"{len(imported.left_out)} left out" if imported.left_out else "",
        f"{len(imported.unknown)} unknown" if imported.unknown else "",
    ]
    return ", ".join(filter(None, parts))


def told(imported: Imported) -> Iterator[str]:
    """What a person is told of an import beside its documents."""
    yield f"{imported.subject}: {_tally(imported)}"
    yield from _listed(imported.taken)
    if imported.same:
        yield "  (--all imports the same ones too)"
    yield from _by_reason("left out", imported.left_out)
    yield from _by_reason("unknown", imported.unknown)
    yield from (f"note: {shown(remark, 600)}" for remark in imported.remarks[:_MOST_TOLD])


def _listed(lines: Sequence[str]) -> Iterator[str]:
    yield from (f"  {shown(line, 200)}" for line in lines[:_MOST_TOLD])
    if len(lines) > _MOST_TOLD:
        yield f"  … and {len(lines) - _MOST_TOLD} more"


def _by_reason(title: str, entries: Iterable[LeftOut]) -> Iterator[str]:
    """What is alike in a line."""
    names: dict[str, list[str]] = {}
    for entry in entries:
        names.setdefault(entry.reason, []).append(entry.name)
    lines = (f"{', '.join(alike)}: {reason}" for reason, alike in names.items())
    yield from (f"{title}: {shown(line, 400)}" for line in list(lines)[:_MOST_TOLD])


def imported_value(imported: Imported) -> dict[str, Any]:
    """The JSON of ``compat import -o json``: a contract."""
    return {
        "subject": imported.subject,
        "documents": [_plain(document) for document in imported.documents],
        "imported": list(imported.taken),
        "same": imported.same,
        "leftOut": [_left_out_value(entry) for entry in imported.left_out],
        "unknown": [_left_out_value(entry) for entry in imported.unknown],
        "notes": list(imported.remarks),
    }


def _left_out_value(entry: LeftOut) -> dict[str, str]:
    return {"name": entry.name, "reason": entry.reason}


def _plain(value: Any) -> Any:
    """Days as text."""
    match value:
        case Mapping():
            return {key: _plain(entry) for key, entry in value.items()}
        case list() | tuple():
            return list(map(_plain, value))
        case date():
            return value.isoformat()
        case _:
            return value
