"""The report of an audit as one self-contained HTML page: it fetches nothing and sends nothing.

Made from the value of ``audit -o json``. What a tenant wrote stands in the page as escaped text or
as JSON that the page's script turns into text nodes; the page's own content security policy lets
nothing run but that script.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from webhook.core.audit import FAILING, MEANINGS, State
from webhook.core.names import RUNTIME_TITLES

MOST_NAMESPACES = 40
MOST_HUES = 7
_PARTS = files("webhook") / "data" / "page"
_WIDTH = 1000

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A section of its own below the chart: sentences, lists with a heading each, and a table."""

    title: str
    lead: Sequence[str]
    notes: Sequence[tuple[str, Sequence[str]]] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    rest: str = ""


def html_page(report: Mapping[str, Any], blocks: Iterable[Block] = ()) -> str:
    """The page of a report (``cli/audit_json.report_value``), with ``blocks`` after the chart."""
    # Imported here: no other output of the audit needs it.
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415

    style, script = _part("page.css"), _part("page.js")
    states = _states(report)
    hues = _hues(report["runtimeClasses"])
    listed = report["namespaces"]
    by_pods = sorted(listed, key=lambda namespace: (-namespace["pods"], namespace["name"]))
    environment = Environment(autoescape=True, undefined=StrictUndefined, finalize=_legible)
    template = environment.from_string(_part("page.html"))
    return template.render(
        title=f"Runtime audit of {_origin(report['metadata'])}",
        facts=list(_facts(report)),
        lead=list(_lead(report)),
        missing=[*(f"{m['what']}: {m['why']}" for m in report["missing"]), *report["errors"]],
        states=states,
        legend=[(name or "no RuntimeClass", hue) for name, hue in hues.items()],
        chart=[_bar(namespace, hues) for namespace in by_pods[:MOST_NAMESPACES]],
        chart_rest=_rest(len(listed), MOST_NAMESPACES, "namespace"),
        blocks=[*_change_blocks(report), *_exemption_blocks(report), *blocks],
        data=_Raw(_embedded(_data(report, states))),
        style=_Raw(style),
        script=_Raw(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        colophon=_colophon(report["metadata"]),
    )


def _origin(metadata: Mapping[str, Any]) -> str:
    """The context of a cluster; of files the names without their folders."""
    origin = str(metadata["origin"])
    if metadata["live"]:
        return origin
    return ", ".join(path.rpartition("/")[2] or path for path in origin.split(", "))


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _entries(number: int) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'}"


class _Raw(str):
    """Text that stands in the page as it is: the page's own style and script, and embedded JSON."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(value: object) -> str:
    """JSON that no HTML parser takes for anything else: without the characters of markup."""
    text = json.dumps(_legible(value), ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _legible(value: Any) -> Any:
    """What can be printed of every text; the rest (overrides of direction, controls) as escapes."""
    match value:
        case _Raw():
            return value
        case str():
            return value if value.isprintable() else "".join(map(_escape, value))
        case list() | tuple():
            return [_legible(entry) for entry in value]
        case dict():
            return {key: _legible(entry) for key, entry in value.items()}
        case _:
            return value


def _escape(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    return f"\\u{ord(character):04x}"


def _facts(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    metadata = report["metadata"]
    yield "Made", metadata["generatedAt"].replace("T", " ").replace("Z", " UTC")
    if metadata["namespaces"]:
        yield "Only namespaces", ", ".join(metadata["namespaces"])
    yield "Policies", f"{metadata['policies']['folder']} at {metadata['policies']['revision']}"
    if metadata["whatIf"]:
        yield "Compared with", f"{metadata['whatIf']['folder']} at {metadata['whatIf']['revision']}"
    for profile in filter(None, metadata["inventory"]["runtimes"]):
        versions = ", ".join(profile["versions"]) or "release unknown"
        title = RUNTIME_TITLES[profile["runtime"]]
        yield f"RuntimeClass {profile['runtimeClass']}", f"{title}, {versions}"


def _lead(report: Mapping[str, Any]) -> Iterator[str]:
    """What a reader in a hurry takes away."""
    totals = report["totals"]
    pods, states = totals["pods"], totals["byState"]
    looked = f"{_counted(pods, 'running pod')} in {_entries(totals['subjects'])}"
    if not totals["subjects"]:
        yield "Nothing was found that runs or makes pods."
        return
    well = sum(states[s]["pods"] for s in (State.COMPLIANT, State.EXEMPT))
    yield (
        f"{looked}: {well:,} run as their policy demands or are exempt, "
        f"{states[State.NOT_GOVERNED]['pods']:,} are under no policy."
    )
    failing = sum(states[s]["subjects"] for s in FAILING)
    refused = totals["refused"]
    if refused["subjects"]:
        yield (
            f"{_entries(refused['subjects'])} with "
            f"{_counted(refused['pods'], 'running pod')} would be refused if made anew: an "
            "eviction or a node's drain takes them away, and they do not come back."
        )
    elif failing:
        yield f"{_entries(failing)} stand wrong, but none would be refused."
    else:
        yield "None would be refused if it were made anew."


def _states(report: Mapping[str, Any]) -> list[dict[str, Any]]:
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
                f"{_counted(pods[state], 'running pod')}",
            }
        )
    return found


def _hues(classes: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """A colour for each class that pods run with.

    By name, so that tomorrow's page has today's colours; where there are more classes than
    colours, the least used share the last one.
    """
    used = [c for c in classes if c["pods"]]
    named = [c["name"] for c in classes if c["name"] and (c["declared"] or c["pods"])]
    if len(named) > MOST_HUES:
        named = [c["name"] for c in sorted(used, key=lambda c: -c["pods"]) if c["name"]]
    number = {name: min(at, MOST_HUES - 1) for at, name in enumerate(named)}
    hues = {c["name"]: f"k{number[c['name']]}" for c in used if c["name"]}
    return {**hues, "": "kn"} if len(hues) < len(used) else hues


def _bar(namespace: Mapping[str, Any], hues: Mapping[str, str]) -> dict[str, Any]:
    shares, x = [], 0.0
    by_class = namespace["byRuntimeClass"]
    every = sum(by_class.values())
    for name in hues:
        if pods := by_class.get(name, 0):
            width = _WIDTH * pods / every
            said = f"{name or 'no RuntimeClass'}: {_counted(pods, 'pod')}"
            share = {"x": f"{x:.1f}", "width": f"{width:.1f}", "hue": hues[name], "title": said}
            shares.append(share)
            x += width
    told = (f"{name or 'none'} {by_class[name]:,}" for name in hues if by_class.get(name))
    return {
        "name": namespace["name"],
        "pods": f"{namespace['pods']:,}",
        "parts": shares,
        "split": ", ".join(told) or "no running pod",
    }


def _rest(count: int, most: int, noun: str) -> str:
    return f"and {_counted(count - most, f'more {noun}')}" if count > most else ""


_CHANGE_TITLES = {
    "newlyRefused": "newly refused",
    "classChanged": "another RuntimeClass",
    "stateChanged": "another state",
    "noLongerRefused": "no longer refused",
}
_MOST_CHANGES = 100


def _change_blocks(report: Mapping[str, Any]) -> Iterator[Block]:
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
        title=f"With the policies of {metadata['whatIf']['folder']}",
        lead=[", ".join(told) + "." if told else "Nothing that was looked at would change."],
        columns=("What", "Change", "RuntimeClass", "Why"),
        rows=[_change_row(subject) for subject in changed[:_MOST_CHANGES]],
        rest=_rest(len(changed), _MOST_CHANGES, "change"),
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


def _exemption_blocks(report: Mapping[str, Any]) -> Iterator[Block]:
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
            _until(exemption),
            _few(names),
        )
        for (policy, name), (exemption, names) in sorted(used.items())
    ]
    yield Block(
        title="Exemptions",
        lead=["Who is let off, by whom, and until when. These are the policies' own words."],
        columns=("Exemption", "Owner", "Reason", "Until", "Used by"),
        rows=rows[:_MOST_EXEMPTIONS],
        rest=_rest(len(rows), _MOST_EXEMPTIONS, "exemption"),
    )


def _until(exemption: Mapping[str, Any]) -> str:
    if exemption["expires"] is None:
        return "never ends"
    return f"ended {exemption['expires']}" if exemption["expired"] else exemption["expires"]


def _few(names: Sequence[str]) -> str:
    more = len(names) - 3
    return ", ".join(names[:3]) + (f" and {more} more" if more > 0 else "")


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


def _data(report: Mapping[str, Any], states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
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
        yield "Exemption", f"{exemption['name']}, {exemption['owner']}, {_until(exemption)}"


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


def _colophon(metadata: Mapping[str, Any]) -> str:
    return (
        f"runtimegate {metadata['program']}, compatibility data {metadata['dataVersion']}, judged "
        f"as of {metadata['today']}. Entries are workloads with the pods that they keep alive, and "
        "pods that nothing keeps alive. This page holds all of its data and fetches nothing."
    )
