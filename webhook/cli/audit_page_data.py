"""What the audit's page lists and filters: states with their counts, subjects, findings. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from webhook.core.audit import FAILING, MEANINGS, State

_BAD, _WARN, _NOTE, _GOOD, _CALM = "bad", "warn", "note", "good", "calm"
_TONES: Mapping[State, tuple[str, str]] = {
    **dict.fromkeys(FAILING, (_BAD, "✕")),
    State.DEGRADED: (_WARN, "▲"),
    State.IGNORED_SECURITY: (_WARN, "▲"),
    State.UNKNOWN: (_WARN, "?"),
    State.EXEMPT: (_NOTE, "◆"),
    State.COMPLIANT: (_GOOD, "✓"),
    State.NOT_GOVERNED: (_CALM, "–"),
}
"""How each state is shown: a tone, and a sign for those who do not see it."""
_VERDICT_TONES = {
    "incompatible": _BAD,
    "degraded": _WARN,
    "ignoredSecurity": _WARN,
    "unknown": _WARN,
    "compatible": _GOOD,
}


def number_of(number: int, noun: str) -> str:
    """``1 pod``, ``12,345 pods``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def state_values(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every state with its counts; ``subjects`` are all in it, also where another is worse.

    So a pod may count in several, and the filter by a state finds as many as are counted here.
    """
    found = []
    entries, pods = Counter[str](), Counter[str]()
    for subject in report["subjects"]:
        for state in subject["states"]:
            entries[state] += 1
            pods[state] += subject["pods"]["running"]
    for state in State:
        tone, sign = _TONES[state]
        meaning = MEANINGS[state]
        found.append(
            {
                "id": str(state),
                "title": meaning.title,
                "explain": meaning.definition[0].upper() + meaning.definition[1:] + ".",
                "tone": tone,
                "sign": sign,
                "subjects": entries[state],
                "counted": f"{'entry' if entries[state] == 1 else 'entries'} with "
                f"{number_of(pods[state], 'running pod')}",
            }
        )
    return found


def until(exemption: Mapping[str, Any]) -> str:
    """The last day of an exemption."""
    if exemption["expires"] is None:
        return "never ends"
    return f"ended {exemption['expires']}" if exemption["expired"] else exemption["expires"]


@dataclass(slots=True)
class _Findings:
    """Findings, each once: pods of one image have the same."""

    values: list[dict[str, Any]] = field(default_factory=list)
    _at: dict[str, int] = field(default_factory=dict)

    def index(self, finding: Mapping[str, Any]) -> int:
        """Where the finding stands among ``values``."""
        value = _finding(finding)
        key = json.dumps(value, sort_keys=True)
        if key not in self._at:
            self._at[key] = len(self.values)
            self.values.append(value)
        return self._at[key]


def list_value(report: Mapping[str, Any], states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the script lists and filters, the worst first."""
    findings = _Findings()
    rank = {str(state): number for number, state in enumerate(State)}
    subjects = sorted(
        report["subjects"],
        key=lambda s: (rank[s["state"]], not s["refused"], s["namespace"], s["kind"], s["name"]),
    )
    shown = [_subject(subject, findings) for subject in subjects]
    return {
        "states": states,
        "namespaces": [namespace["name"] for namespace in report["namespaces"]],
        "classes": sorted({name for subject in shown for name in subject["classes"]}),
        "subjects": shown,
        "findings": findings.values,
    }


def _subject(subject: Mapping[str, Any], findings: _Findings) -> dict[str, Any]:
    classes = list(subject["runtimeClasses"]) or [subject["anew"]["runtimeClass"] or ""]
    indexes = dict.fromkeys(findings.index(finding) for finding in subject["findings"])
    return {
        **{key: subject[key] for key in ("namespace", "kind", "name", "state", "states", "images")},
        "pods": subject["pods"]["running"],
        "classes": classes,
        "summary": _summary(subject),
        "facts": [[name, value] for name, value in _subject_facts(subject, classes) if value],
        "message": subject["anew"]["message"],
        "remedies": subject["remedies"],
        "findings": list(indexes),
    }


def _summary(subject: Mapping[str, Any]) -> str:
    """The first thing to know of it, in a line."""
    for finding in subject["findings"]:
        if finding["verdict"] != "compatible":
            return str(finding["summary"])
    first = subject["anew"]["message"].partition("\n")[0] if subject["refused"] else ""
    return first or str(subject["why"])


def _subject_facts(subject: Mapping[str, Any], classes: Sequence[str]) -> Iterator[tuple[str, str]]:
    override = f"/{subject['override']}" if subject["override"] else ""
    yield "Policy", f"{subject['policy']}{override}" if subject["policy"] else ""
    yield "Mode", subject["mode"] if subject["mode"] not in {None, "enforce"} else ""
    running = subject["pods"]["running"]
    has = [f"{name or 'none'} ({count})" for name, count in subject["runtimeClasses"].items()]
    yield "RuntimeClass", ", ".join(has) if running else ""
    anew = subject["anew"]
    if subject["refused"]:
        yield "Made anew", f"refused ({anew['reason']})"
    elif anew["runtimeClass"] not in classes or not running:
        yield "Made anew", f"on {anew['runtimeClass'] or 'no RuntimeClass'}"
    yield "Images", ", ".join(subject["images"])
    for exemption in subject["exemptions"]:
        yield "Exemption", f"{exemption['name']}, {exemption['owner']}, {until(exemption)}"


def _finding(finding: Mapping[str, Any]) -> dict[str, Any]:
    where = [
        finding["container"] and f"container {finding['container']}",
        finding["runtimeClass"] and f"on {finding['runtimeClass']}",
        finding["runtime"] + (f" {finding['version']}" if finding["version"] else ""),
    ]
    cause = [finding["summary"], finding["note"]]
    if finding["since"]:
        cause.append(f"Supported from {finding['since']} on.")
    return {
        "tone": _VERDICT_TONES[finding["verdict"]],
        "verdict": MEANINGS[State.IGNORED_SECURITY].title
        if finding["verdict"] == "ignoredSecurity"
        else finding["verdict"],
        "feature": finding["feature"],
        "application": finding["applicationTitle"] or "",
        "where": ", ".join(filter(None, where)),
        "cause": [text for text in dict.fromkeys(cause) if text],
        "workaround": finding["workaround"] or "",
        "evidence": [f"{e['kind']} {e['date']}: {e['source']}" for e in finding["evidence"]],
    }
