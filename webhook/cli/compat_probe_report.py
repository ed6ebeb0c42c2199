"""What a command did under a real runsc → text for people and JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webhook.core.agreement import Result
from webhook.core.compat import BoundRuntime
from webhook.core.names import Feature, Strength, Support, shown
from webhook.documents.learning import table_text, use_text
from webhook.documents.recordings.tally import TELLING, Tally, Use
from webhook.documents.recordings.witness import Statement
from webhook.live.child import Ran
from webhook.live.runsc import Runsc, Sandbox

_MOST_LINES = 12
_MOST_LISTED = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """A command, how it ended under runsc and natively, and what its calls say of the table.

    ``control`` is None where there was none; ``control_wanted`` tells whether it was asked for.
    """

    runsc: Runsc
    sandbox: Sandbox
    command: tuple[str, ...]
    ran: Ran
    control: Ran | None
    control_wanted: bool
    tally: Tally
    statements: tuple[Statement, ...]
    bound: BoundRuntime
    log_dir: Path | None = None

    @property
    def contradicted(self) -> list[Statement]:
        """The rows that the run contradicts."""
        return self.told(Result.CONTRADICTED)

    def told(self, *results: Result) -> list[Statement]:
        """The rows of which the run says one of ``results``."""
        return [statement for statement in self.statements if statement.result in results]

    @property
    def fails_here_alone(self) -> bool:
        """Whether the command fails under runsc, and not natively as far as is known."""
        return not self.ran.well and (self.control is None or self.control.well)

    @property
    def unsupported(self) -> list[Feature]:
        """What runsc logged as unsupported."""
        return sorted(feature for feature, use in self.tally.uses.items() if use.marked)

    @property
    def refused(self) -> list[tuple[Feature, Use]]:
        """What was answered with an error by which a kernel says that it does not do this.

        Left out is what the release does in full and did at other times: that was no refusal.
        """
        done = {s.feature for s in self.statements if s.fact.support is Support.FULL}
        return [
            (feature, use)
            for feature, use in sorted(self.tally.uses.items())
            if TELLING & set(use.answers)
            and not (feature in done and use.answers[""] and "ENOSYS" not in use.answers)
        ]


def probed_lines(probed: Probed) -> Iterator[str]:
    """The run as a person reads it."""
    yield f"{_command(probed.command)} under runsc {probed.runsc.version}{_flags(probed.sandbox)}"
    yield f"  under runsc: {_ended(probed.ran)}"
    yield f"  natively: {_control(probed)}"
    yield from _said(probed)
    if probed.unsupported:
        yield f"  runsc's log calls unsupported: {', '.join(probed.unsupported)}"
    yield from _refused(probed)
    yield from _told(probed)
    for statement in probed.contradicted:
        yield f"  CONTRADICTED {statement.feature}: {_seen(statement.use)}"
        yield f"    {_table(statement.feature, probed.bound)}"
        for entry in statement.fact.evidence:
            yield f"    {entry.kind} {entry.date}: {shown(' '.join(entry.source.split()), 300)}"
    yield f"  {_verdict(probed)}"
    if probed.log_dir:
        yield f"  runsc's logs are in {shown(str(probed.log_dir), 300)}; `compat learn` reads them"


def _command(command: Sequence[str]) -> str:
    return shown(" ".join(command), 160)


def _flags(sandbox: Sandbox) -> str:
    flags = {"network": sandbox.network, **sandbox.flags}
    return "".join(f" --{name}={shown(value, 40)}" for name, value in flags.items())


def _ended(ran: Ran) -> str:
    if ran.status is None:
        return f"still running after {ran.seconds:.0f} s, and ended then"
    return f"exit {ran.status} after {ran.seconds:.1f} s"


def _control(probed: Probed) -> str:
    if probed.control is not None:
        return _ended(probed.control)
    if not probed.control_wanted:
        return "not run (--no-native)"
    return "not run: it needs root, and an overlay on the root file system"


def _said(probed: Probed) -> Iterator[str]:
    """The last lines that a failed command printed."""
    if probed.ran.well:
        return
    lines = [line for line in probed.ran.said.splitlines() if line.strip()][-_MOST_LINES:]
    if lines:
        yield "  its last words under runsc:"
    yield from (f"    {shown(line.strip(), 200)}" for line in lines)


def _refused(probed: Probed) -> Iterator[str]:
    refused = probed.refused
    if not refused:
        return
    results = {statement.feature: statement.result for statement in probed.statements}
    yield f"  refused ({', '.join(sorted(TELLING))}):"
    for feature, use in refused[:_MOST_LISTED]:
        told = results.get(feature)
        confirmed = " (confirmed)" if told is Result.CONFIRMED else ""
        yield f"    {feature}: {use_text(use)}"
        yield f"      {_table(feature, probed.bound)}{confirmed}"
    if len(refused) > _MOST_LISTED:
        yield f"    and {len(refused) - _MOST_LISTED} more"


def _table(feature: Feature, bound: BoundRuntime) -> str:
    return shown(table_text(bound.judgement(feature, Strength.OBSERVED, False), bound), 400)


def _seen(use: Use) -> str:
    succeeded = use.answers[""]
    return f"{use_text(use)}; {succeeded} succeeded" if succeeded else use_text(use)


def _told(probed: Probed) -> Iterator[str]:
    counts = [
        f"{len(probed.told(Result.CONFIRMED))} confirmed",
        f"{len(probed.contradicted)} contradicted",
        f"{len(probed.told(Result.NO_CLAIM, Result.UNTESTED))} of which the run says nothing",
    ]
    yield f"  {probed.tally.calls} calls; rows of the table: {', '.join(counts)}"


def _verdict(probed: Probed) -> str:
    if probed.contradicted:
        return "table and runsc differ: the row is wrong for this release or this case; tell us"
    if probed.fails_here_alone:
        known = "fails under runsc alone" if probed.control else "fails under runsc"
        return f"{known}: what it was refused above is where to look"
    if not probed.ran.well:
        return "fails natively too: this tells nothing of runsc"
    return "runs under this runsc, and contradicts nothing"


def probed_value(probed: Probed) -> dict[str, Any]:
    """The JSON of ``compat probe -o json``: a contract."""
    return {
        "runsc": runsc_value(probed.runsc, probed.sandbox),
        "command": list(probed.command),
        "sandbox": _ran_value(probed.ran),
        "native": _ran_value(probed.control) if probed.control else None,
        "calls": probed.tally.calls,
        "unsupported": list(probed.unsupported),
        "refused": [
            {"feature": f, "answers": _answers(use), "wentOn": sorted(use.went_on)}
            for f, use in probed.refused
        ],
        "facts": [_statement_value(statement) for statement in probed.statements],
        "failsUnderRuntimeAlone": probed.fails_here_alone,
    }


def runsc_value(runsc: Runsc, sandbox: Sandbox) -> dict[str, Any]:
    """Which runsc, and how it was started."""
    return {
        "path": str(runsc.path),
        "version": str(runsc.version),
        "network": sandbox.network,
        "flags": dict(sandbox.flags),
    }


def _ran_value(ran: Ran) -> dict[str, Any]:
    return {"status": ran.status, "seconds": round(ran.seconds, 3), "timedOut": ran.status is None}


def _answers(use: Use) -> dict[str, int]:
    return {error or "success": number for error, number in sorted(use.answers.items()) if number}


def _statement_value(statement: Statement) -> dict[str, Any]:
    return {
        "feature": statement.feature,
        "result": str(statement.result),
        "answers": _answers(statement.use),
        "support": str(statement.fact.support),
        "note": statement.fact.note,
        "origin": statement.fact.origin,
    }
