"""The report of an audit for people: the totals, then what needs somebody, the worst first.

Readable at 40 columns: at a terminal lines are wrapped; in a pipe each fact stays on its line. What
a tenant wrote reaches the reader only escaped.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webhook.cli.audit_json import CHANGES, Report, change_value, head_value, subject_value
from webhook.cli.report import Paint, plain, told_ended
from webhook.core.audit import FAILING, MEANINGS, RANK, State
from webhook.core.names import counted, shown
from webhook.core.subject import Subject

MOST_SHOWN = 40
MOST_FINDINGS = 3
NARROWEST, WIDEST = 40, 110
_QUIET = frozenset({State.COMPLIANT, State.NOT_GOVERNED})
_CHANGE_WORDS: Mapping[str, str] = {
    "newlyRefused": "newly refused",
    "classChanged": "another class",
    "stateChanged": "another state",
    "noLongerRefused": "no longer refused",
    "none": "unchanged",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How it is printed. ``width`` 0 wraps nothing; ``every`` subject or just the worst."""

    width: int = 0
    every: bool = False
    paint: Paint = plain

    def lines(self, text: str, indent: str = "  ", first: str | None = "") -> Iterator[str]:
        """One sentence; ``first`` is what its first line begins with, None for the indent too."""
        start = indent if first is None else first
        if not self.width:
            yield f"{start}{text}"
            return
        yield from textwrap.wrap(
            text,
            width=max(min(self.width, WIDEST), NARROWEST),
            initial_indent=start,
            subsequent_indent=indent,
            break_on_hyphens=False,
        )


def colour_of(state: State) -> str:
    """Red ends with exit code 1, yellow is worth a look."""
    if state in FAILING:
        return "red"
    return "green" if state in _QUIET else "cyan" if state is State.EXEMPT else "yellow"


def text_report(report: Report, style: Style) -> Iterator[str]:
    """The lines of the report."""
    head = head_value(report)
    yield from _heading(head, style)
    yield from _states(head, style)
    yield from _rest(head, style)
    if report.about.what_if is not None:
        yield from _changes(report, head, style)
    wanted = [s for s in report.subjects if style.every or _wants_somebody(s)]
    yield from _subjects(wanted, style)
    quiet = len(report.subjects) - len(wanted)
    if quiet:
        yield ""
        yield from style.lines(
            f"{counted(quiet, 'workload')} as demanded or not governed: not listed (--all does)"
        )


def _wants_somebody(subject: Subject) -> bool:
    return subject.refused or subject.states[0] not in _QUIET


def _heading(head: Mapping[str, Any], style: Style) -> Iterator[str]:
    about, totals = head["metadata"], head["totals"]
    yield from style.lines(f"{shown(about['origin'], 200)}, {about['generatedAt']}")
    policies = about["policies"]
    yield from style.lines(
        f"policies {shown(policies['folder'], 200)}, revision {policies['revision']}",
    )
    pods = counted(totals["pods"], "pod")
    workloads = counted(totals["subjects"], "workload")
    namespaces = counted(len(head["namespaces"]), "namespace")
    yield from style.lines(f"{pods}, {workloads}, {namespaces}")
    yield ""


def _states(head: Mapping[str, Any], style: Style) -> Iterator[str]:
    """A line for each state that there is."""
    if not head["totals"]["subjects"]:
        return
    width = max(len(meaning.title) for meaning in MEANINGS.values())
    yield f"{'':{width}} {'workloads':>9} {'pods':>7}"
    for state, meaning in MEANINGS.items():
        counts = head["totals"]["byState"][state]
        if counts["subjects"] or counts["pods"]:
            title = style.paint(f"{meaning.title:{width}}", colour_of(state))
            yield f"{title} {counts['subjects']:>9} {counts['pods']:>7}"
    yield ""


def _rest(head: Mapping[str, Any], style: Style) -> Iterator[str]:
    totals = head["totals"]
    refused = totals["refused"]
    if refused["subjects"]:
        yield from style.lines(
            f"made anew, pods of {counted(refused['subjects'], 'workload')} would be refused",
        )
    classes = [
        f"{shown(entry['name'], 63) or 'none'} {entry['pods']}"
        for entry in sorted(head["runtimeClasses"], key=lambda entry: -entry["pods"])
        if entry["pods"]
    ]
    if classes:
        more = f" and {len(classes) - 12} more" if len(classes) > 12 else ""
        yield from style.lines(f"pods by RuntimeClass: {', '.join(classes[:12])}{more}")
    if ended := told_ended(totals["finished"]):
        yield from style.lines(ended)


def _changes(report: Report, head: Mapping[str, Any], style: Style) -> Iterator[str]:
    """What the other policies would mean."""
    source, changes = head["metadata"]["whatIf"], head["totals"]["changes"] or {}
    yield ""
    told = ", ".join(f"{changes[k]} {_CHANGE_WORDS[k]}" for k in CHANGES if changes.get(k))
    folder = shown(source["folder"], 200)
    yield from style.lines(f"with {folder}, revision {source['revision']}: {told}")
    changed = [
        (change, subject)
        for subject in report.subjects
        if (change := change_value(subject)) and change["kind"] != "none"
    ]
    changed.sort(key=lambda entry: CHANGES.index(entry[0]["kind"]))
    shown_ = changed if style.every else changed[:MOST_SHOWN]
    for change, subject in shown_:
        what = f"{_CHANGE_WORDS[change['kind']]}: {_named(subject)}"
        yield from style.lines(f"{what} in {shown(subject.key.namespace)}", "    ", "  ")
        yield from style.lines(_change_told(change), "    ", None)
    yield from _more(len(changed) - len(shown_), style)


def _change_told(change: Mapping[str, Any]) -> str:
    if change["kind"] == "newlyRefused":
        return str(change["message"]).partition("\n")[0]
    if change["kind"] == "stateChanged":
        return " → ".join(_titles(change["states"][at]) for at in ("before", "after"))
    before, after = (_class(change["runtimeClass"][at]) for at in ("before", "after"))
    return f"{before} → {after}"


def _titles(states: Iterable[str]) -> str:
    return ", ".join(MEANINGS[State(name)].title for name in states)


def _class(name: str | None) -> str:
    return f"RuntimeClass {shown(name, 63)}" if name else "no RuntimeClass"


def _subjects(wanted: Sequence[Subject], style: Style) -> Iterator[str]:
    """The subjects by namespace, that with the worst first."""
    ordered = sorted(wanted, key=_badness)
    listed = ordered if style.every else ordered[:MOST_SHOWN]
    by_namespace: dict[str, list[Subject]] = {}
    for subject in listed:
        by_namespace.setdefault(subject.key.namespace, []).append(subject)
    for namespace, subjects in by_namespace.items():
        yield ""
        policy = next((s.worst.now.policy for s in subjects if s.worst.now.policy), None)
        governed = f" (policy {policy})" if policy else ""
        yield from style.lines(f"{shown(namespace, 63)}{governed}")
        for subject in subjects:
            yield from _subject(subject, style)
    yield from _more(len(ordered) - len(listed), style)


def _more(left: int, style: Style) -> Iterator[str]:
    if left:
        yield ""
        yield from style.lines(
            f"and {left} more; --all shows them, -n NAME one namespace, -o csv every one a line"
        )


def _badness(subject: Subject) -> tuple[int, bool, int, object]:
    return RANK[subject.states[0]], not subject.refused, -subject.running, subject.key


def _subject(subject: Subject, style: Style) -> Iterator[str]:
    value = subject_value(subject)
    state = State(value["state"])
    titles = [MEANINGS[State(name)].title for name in value["states"]]
    for line in style.lines(f"{_named(subject)}: {', '.join(titles)}", "    ", "  "):
        # Painted once it is wrapped: the escapes have no width.
        before, found, after = line.rpartition(titles[0])
        yield f"{before}{style.paint(found, colour_of(state))}{after}" if found else line
    yield from style.lines(_runs(value), "    ", None)
    for told in _causes(value):
        yield from style.lines(told, "    ", None)
    for exemption in value["exemptions"]:
        yield from style.lines(_exemption(exemption), "    ", None)
    for remedy in value["remedies"][:MOST_FINDINGS]:
        yield from style.lines(remedy, "      ", "    → ")


def _named(subject: Subject) -> str:
    return f"{shown(subject.key.kind, 63)} {shown(subject.key.name, 253)}"


def _runs(value: Mapping[str, Any]) -> str:
    """``3 pods on gvisor, 1 on none; made anew they would be refused``."""
    classes = value["runtimeClasses"]
    on = [(count, shown(name, 63) or "no class") for name, count in classes.items()]
    told = ", ".join(f"{counted(count, 'pod')} on {name}" for count, name in on) or "no pods now"
    mode = f"; policy in mode {value['mode']}" if value["mode"] in {"warn", "audit"} else ""
    anew = value["anew"]
    if anew["reason"]:
        return f"{told}; made anew: refused ({anew['reason']}){mode}"
    if anew["decision"] == "assign":
        return f"{told}; made anew: {shown(anew['runtimeClass'] or '', 63)}{mode}"
    return f"{told}{mode}"


def _causes(value: Mapping[str, Any]) -> Iterator[str]:
    """The refusal's first line; else findings; else why nothing is known."""
    message = str(value["anew"]["message"]).partition("\n")[0]
    if value["anew"]["reason"]:
        yield message.partition(": ")[2] or message
    minded = (f for f in value["findings"] if f["action"] != "ignore")
    fresh = list(dict.fromkeys(_finding(f) for f in minded if f["summary"] not in message))
    yield from fresh[:MOST_FINDINGS]
    if len(fresh) > MOST_FINDINGS:
        yield f"and {counted(len(fresh) - MOST_FINDINGS, 'more finding')}"
    if value["why"] and value["state"] == "unknown":
        yield value["why"]


def _finding(finding: Mapping[str, Any]) -> str:
    title = finding["applicationTitle"]
    subject = f"{shown(title, 80)}: " if title else ""
    return f"{subject}{finding['summary']}"


def _exemption(exemption: Mapping[str, Any]) -> str:
    word = "ended" if exemption["expired"] else "until"
    until = exemption["expires"] or "further notice"
    ticket = f", {shown(exemption['ticket'], 200)}" if exemption["ticket"] else ""
    return (
        f"exemption {exemption['name']} {word} {until}, {shown(exemption['owner'], 80)}{ticket}: "
        f"{shown(exemption['reason'], 200)}"
    )


def summaries(report: Report) -> Iterable[str]:
    """What could not be looked at, and what could not be read: a line each."""
    for entry in report.missing:
        yield f"not looked at: {shown(entry.what, 120)}: {shown(entry.why, 300)}"
    yield from report.errors


def nothing_in(report: Report) -> Iterable[str]:
    """The namespaces asked for in which nothing was found: a mistyped name must not look well."""
    seen = {subject.key.namespace for subject in report.subjects}
    for name in report.about.namespaces:
        if name not in seen:
            yield f"namespace {shown(name, 63)}: nothing was found there that runs or makes pods"
