"""Recordings → an ApplicationRequirements document whose needs are ``observed``.

Each need says how often it was seen, what was answered, and what the compatibility table says of
it on one runtime. Of what was recorded nothing enters the document but ids of features and numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from webhook.core.applications import Clause, Recognition
from webhook.core.compat import BoundRuntime, Judgement
from webhook.core.names import (
    API_VERSION,
    RUNTIME_TITLES,
    VERDICT_RANK,
    Feature,
    Strength,
    Support,
    Verdict,
    counted,
)
from webhook.documents.recordings.calls import NO_ANSWER, OTHER_ERROR
from webhook.documents.recordings.reader import TITLES, Format
from webhook.documents.recordings.tally import TELLING, Tally, Use

_MOST_COUNTED = 1_000_000_000
_LONGEST_NOTE = 600
_SPARED = "libc and most programs do without: optional, unless this one proves otherwise."
DONE_WITHOUT = frozenset(
    f"syscall:{name}"
    for name in (
        "clone3", "close_range", "copy_file_range", "faccessat2", "io_uring_enter",
        "io_uring_register", "io_uring_setup", "openat2", "pidfd_getfd", "pidfd_open",
        "pidfd_send_signal", "pkey_alloc", "pkey_free", "pkey_mprotect", "rseq", "statx",
    )
)  # fmt: skip
"""Calls that have a fallback where they are made (DESIGN 4): not what an application stands on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """One feature that was seen, and what the table says of it where it would run."""

    feature: Feature
    use: Use
    judgement: Judgement

    @property
    def in_part(self) -> bool:
        """Whether the runtime has it, and does not do it as Linux does."""
        judgement = self.judgement
        return judgement.verdict is Verdict.COMPATIBLE and judgement.support is not Support.FULL


def learned(tally: Tally, bound: BoundRuntime) -> tuple[Learned, ...]:
    """Everything that was seen, what the runtime lacks first."""
    found = [
        Learned(feature=f, use=use, judgement=bound.judgement(f, Strength.OBSERVED, False))
        for f, use in tally.uses.items()
    ]
    return tuple(sorted(found, key=_order))


def _order(entry: Learned) -> tuple[object, ...]:
    return (VERDICT_RANK[entry.judgement.verdict], not entry.in_part, entry.feature)


def verdict_of(entries: Iterable[Learned]) -> Verdict:
    """The verdict on a pod with these needs: at the worst unknown, for they are only observed."""
    worst = min((VERDICT_RANK[e.judgement.verdict] for e in entries), default=None)
    return Verdict.COMPATIBLE if worst is None else tuple(Verdict)[worst]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Which application the recordings are of, and how its containers are known.

    ``replaces_not`` names the one of the table, of which the document has another name.
    """

    name: str
    title: str
    recognise: tuple[Recognition, ...]
    replaces_not: str = ""


def requirements(
    subject: Subject,
    entries: Sequence[Learned],
    *,
    evidence: Sequence[Mapping[str, str]],
    bound: BoundRuntime,
) -> dict[str, Any]:
    """The document, as the strict reader reads it."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ApplicationRequirements",
        "metadata": {"name": subject.name},
        "spec": {
            "title": subject.title,
            "recognise": [_recognition(way) for way in subject.recognise],
            "evidence": [dict(entry) for entry in evidence],
            "needs": [
                {
                    "feature": str(entry.feature),
                    "strength": str(Strength.OBSERVED),
                    "note": _note(entry, bound),
                }
                for entry in entries
            ],
        },
    }


def _note(entry: Learned, bound: BoundRuntime) -> str:
    said = f"{use_text(entry.use)}. {table_text(entry.judgement, bound)}"
    return f"{said}. {_SPARED}" if entry.feature in DONE_WITHOUT else said


def evidence_of(
    calls: Mapping[Format, int], *, recordings: int, arch: str, today: date
) -> list[dict[str, str]]:
    """Where the needs are known from: what was recorded is measured, a profile is a document."""
    traced = {form: count for form, count in calls.items() if form is not Format.SECCOMP}
    found = []
    if traced:
        how = ", ".join(f"{TITLES[form]} ({tallied(n, 'call')})" for form, n in traced.items())
        source = f"{tallied(recordings, 'recording')} on {arch}: {how}"
        found.append({"kind": "measured", "source": source, "date": today.isoformat()})
    if allowed := calls.get(Format.SECCOMP):
        source = f"seccomp profile for {arch} that allows {tallied(allowed, 'call')}"
        found.append({"kind": "documentation", "source": source, "date": today.isoformat()})
    return found


def tallied(number: int, noun: str) -> str:
    """``1 call``, ``12 calls``, and of very many only that there are more."""
    if number >= _MOST_COUNTED:
        return f"more than {_MOST_COUNTED} {noun}s"
    return counted(number, noun)


def use_text(use: Use) -> str:
    """``12 calls; 2 answered ENOSYS, and the program went on``."""
    if use.allowed and not use.calls:
        return "allowed by a seccomp profile, which does not say that it is used"
    parts = [tallied(use.calls, "call")] if use.calls else []
    for error, number in sorted(use.answers.items()):
        if error not in {"", NO_ANSWER, OTHER_ERROR}:
            many = "all" if number == use.calls and number > 1 else str(min(number, _MOST_COUNTED))
            told = f"answered {error}" if number == use.calls == 1 else f"{many} answered {error}"
            went_on = error in TELLING and error in use.went_on
            parts.append(f"{told}, and the program went on" if went_on else told)
    if use.marked:
        parts.append("runsc's log calls it unsupported")
    return "; ".join(parts) or "seen"


def table_text(judgement: Judgement, bound: BoundRuntime) -> str:
    """``gVisor 20260817.0: absent, answers ENOSYS``: what the table says of the feature."""
    title = RUNTIME_TITLES.get(bound.profile.runtime, bound.profile.runtime)
    release = f" {judgement.version}" if judgement.version else ""
    if judgement.fact is None:
        return f"{title}{release}: the table says nothing of it"
    note = " ".join(judgement.fact.note.split())
    gate = judgement.fact.gate
    off = f" off unless --{gate.flag}={gate.values[0]}" if gate and not note else ""
    said = f"{title}{release}: {judgement.support}{off}{f', {note}' if note else ''}"
    return said if len(said) <= _LONGEST_NOTE else f"{said[: _LONGEST_NOTE - 1]}…"


def _recognition(way: Recognition) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "images": [pattern.text for pattern in way.images],
        "excludeImages": [pattern.text for pattern in way.exclude_images],
        **_clause(way.clause),
    }
    return {name: part for name, part in parts.items() if part}


def _clause(clause: Clause) -> dict[str, Any]:
    return {"args": list(clause.words), "env": dict(clause.env), "labels": dict(clause.labels)}
