"""The report of an audit as one self-contained HTML page: it fetches nothing and sends nothing.

Made from the value of ``audit -o json``. What a tenant wrote stands in the page as escaped text or
as JSON that the page's script turns into text nodes; the page's own content security policy lets
nothing run but that script.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from webhook.cli.audit_page_blocks import Block, change_blocks, exemption_blocks, left_out
from webhook.cli.audit_page_data import list_value, number_of, state_values
from webhook.core.audit import FAILING, State
from webhook.core.names import RUNTIME_TITLES

MOST_NAMESPACES = 40
MOST_HUES = 7
_PARTS = files("webhook") / "data" / "page"
_WIDTH = 1000


def html_page(report: Mapping[str, Any], blocks: Iterable[Block] = ()) -> str:
    """The page of a report (``cli/audit_json.report_value``), with ``blocks`` after the chart."""
    # Imported here: no other output of the audit needs it.
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - only this needs it

    style, script = _part("page.css"), _part("page.js")
    states = state_values(report)
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
        chart_rest=left_out(len(listed), MOST_NAMESPACES, "namespace"),
        blocks=[*change_blocks(report), *exemption_blocks(report), *blocks],
        data=_Raw(_embedded(list_value(report, states))),
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
    looked = f"{number_of(pods, 'running pod')} in {_entries(totals['subjects'])}"
    if not totals["subjects"]:
        yield "Nothing was found that runs or makes pods."
        return
    well = sum(states[s]["pods"] for s in (State.COMPLIANT, State.EXEMPT))
    yield (
        f"{looked}: {well:,} as their policy demands or exempt, "
        f"{states[State.NOT_GOVERNED]['pods']:,} under no policy."
    )
    failing = sum(states[s]["subjects"] for s in FAILING)
    refused = totals["refused"]
    if refused["subjects"]:
        yield (
            f"{_entries(refused['subjects'])} with "
            f"{number_of(refused['pods'], 'running pod')} would be refused if made anew: an "
            "eviction or a node's drain takes them away, and they do not come back."
        )
    elif failing:
        yield f"{_entries(failing)} not as policy demands, but none would be refused."
    else:
        yield "None would be refused if it were made anew."


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
            said = f"{name or 'no RuntimeClass'}: {number_of(pods, 'pod')}"
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


def _colophon(metadata: Mapping[str, Any]) -> str:
    return (
        f"runtimegate {metadata['program']}, compatibility data {metadata['dataVersion']}, judged "
        f"as of {metadata['today']}. Entries are workloads with the pods that they keep alive, and "
        "pods that nothing keeps alive. This page holds all of its data and fetches nothing."
    )
