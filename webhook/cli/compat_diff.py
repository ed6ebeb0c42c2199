"""``runtimegate compat diff``: what an upgrade, or another runtime, changes; and for which pods."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from webhook.cli.compat_options import (
    UNKNOWN,
    Asked,
    load_table,
    of_day_option,
    policies_option,
    profile_options,
    titled,
)
from webhook.cli.compat_words import evidence_value, one_line, support_text
from webhook.cli.manifests import InputError, load_manifests
from webhook.cli.markdown import code, escaped, table_lines
from webhook.cli.options import day, output_option
from webhook.cli.pods import Found, found_value, pods_in
from webhook.cli.report import as_json
from webhook.cli.tables import print_rows
from webhook.core.comparison import Change, Direction, changes
from webhook.core.compat import CompatTable, Judgement
from webhook.core.explain import Explanation, explain, profile_text
from webhook.core.messages import cause_of
from webhook.core.names import VERDICT_RANK, Verdict, counted, shown
from webhook.core.runtimes import RuntimeProfile

_TITLES = {
    Direction.WORSE: "Worse",
    Direction.BETTER: "Better",
    Direction.DIFFERENT: "Different",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One pod on the runtime before and the runtime after."""

    found: Found
    before: Explanation
    after: Explanation

    @property
    def changed(self) -> bool:
        """Whether the verdict is another."""
        return self.before.verdict != self.after.verdict

    @property
    def worse(self) -> bool:
        """Whether the verdict is worse afterwards."""
        return VERDICT_RANK[self.after.verdict] < VERDICT_RANK[self.before.verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Everything that differs between two runtimes, and the pods that were asked about."""

    before: RuntimeProfile
    after: RuntimeProfile
    changes: tuple[Change, ...]
    pods: tuple[Moved, ...] = ()

    def going(self, direction: Direction) -> list[Change]:
        """The changes of one direction."""
        return [change for change in self.changes if change.direction is direction]


@click.command(short_help="Show what an upgrade or another runtime changes.")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option(
    "--runtime", default="gvisor", show_default=True, help="The runtime of releases alone."
)
@profile_options
@click.option(
    "-f",
    "--filename",
    "files",
    metavar="FILE|-",
    multiple=True,
    help="Manifests, a folder of them, or -: which of their verdicts change.",
)
@policies_option
@of_day_option
@output_option("text", "json", "markdown", said="For people, for programs, for pages.")
def diff(
    *,
    before: str,
    after: str,
    runtime: str,
    files: tuple[str, ...],
    policies: Path | None,
    today: datetime | None,
    output: str,
    **installed: Any,
) -> int:
    """Show what changes from A to B, feature by feature, and with -f for which pods.

    A and B are releases of --runtime (20221219.0), runtimes in their newest release (runc), or
    both (kata@4.1.0). --hypervisor counts for a side that is kata, the other options for both.

    Exit code 1: with -f, the verdict of some pod gets worse. 2: some input could not be read.
    """
    table = load_table(policies)
    sides = [
        _side(written, name, runtime, table, installed)
        for written, name in ((before, "A"), (after, "B"))
    ]
    found, errors = pods_in(load_manifests(files, stdin=sys.stdin.buffer))
    difference = compared(table, sides[0], sides[1], found, day(today))
    match output:
        case "json":
            click.echo(as_json(difference_value(difference)))
        case "markdown":
            click.echo("\n".join(markdown_lines(difference)))
        case _:
            _print(difference, asked=bool(files))
    for error in errors:
        click.echo(str(error), err=True)
    return _exit_code(difference, errors)


def _exit_code(difference: Difference, errors: Sequence[InputError]) -> int:
    if errors:
        return 2
    return 1 if any(moved.worse for moved in difference.pods) else 0


def _side(
    written: str, name: str, runtime: str, table: CompatTable, installed: dict[str, Any]
) -> RuntimeProfile:
    """The runtime that A or B names; raises click.BadParameter."""
    head, at, version = written.partition("@")
    if not at and head.lstrip("v")[:1].isdigit():
        head, version = runtime, written
    if version == UNKNOWN or (at and not version):
        raise click.BadParameter("must name a release, as in gvisor@20221219.0", param_hint=name)
    side = {**installed, "hypervisor": installed["hypervisor"] if head == "kata" else None}
    hints = {"version": name, "runtime": "--runtime" if head == runtime else name}
    return Asked(runtime=head, version=version or None, hints=hints, **side).profile(table)


def compared(
    table: CompatTable,
    before: RuntimeProfile,
    after: RuntimeProfile,
    found: Iterable[Found],
    today: date,
) -> Difference:
    """What differs between two runtimes, and how each pod fares on both."""
    return Difference(
        before=before,
        after=after,
        changes=changes(table, table.bind(before, today), table.bind(after, today)),
        pods=tuple(
            Moved(
                found=entry,
                before=explain(entry.pod, before, table, today),
                after=explain(entry.pod, after, table, today),
            )
            for entry in found
        ),
    )


def difference_value(difference: Difference) -> dict[str, Any]:
    """The JSON of ``compat diff -o json``: a contract."""
    return {
        "before": _profile_value(difference.before),
        "after": _profile_value(difference.after),
        "changes": [
            {
                "feature": change.feature,
                "direction": str(change.direction),
                "before": _judgement_value(change.before),
                "after": _judgement_value(change.after),
            }
            for change in difference.changes
        ],
        "pods": [_moved_value(moved) for moved in difference.pods],
    }


def _profile_value(profile: RuntimeProfile) -> dict[str, Any]:
    return {
        "runtime": profile.runtime,
        "version": str(profile.versions[0]) if profile.versions else None,
    }


def _judgement_value(judgement: Judgement) -> dict[str, Any]:
    fact = judgement.fact
    return {
        "support": str(judgement.support),
        "note": fact.note if fact else "",
        "workaround": fact.workaround if fact else None,
        "evidence": evidence_value(fact.evidence if fact else ()),
    }


def _moved_value(moved: Moved) -> dict[str, Any]:
    return {
        **found_value(moved.found),
        "before": str(moved.before.verdict),
        "after": str(moved.after.verdict),
        "causes": list(_causes(moved)),
    }


def _causes(moved: Moved) -> Iterator[str]:
    """What the worse of the two verdicts rests on."""
    worse = moved.after if moved.worse else moved.before
    for finding in worse.findings:
        if finding.verdict is worse.verdict and worse.verdict is not Verdict.COMPATIBLE:
            yield cause_of(finding)


def _print(difference: Difference, *, asked: bool) -> None:
    before, after = titled(difference.before), titled(difference.after)
    click.echo(f"{before} → {after}: {_tally(difference)}")
    head = ("feature", profile_text(difference.before), profile_text(difference.after), "what")
    for direction in Direction:
        rows = [_change_cells(change) for change in difference.going(direction)]
        print_rows(f"{_TITLES[direction]} ({len(rows)})", head, rows)
    if asked:
        print_rows("Verdicts that change", ("", "before", "after", "why"), _pod_rows(difference))
        unchanged = sum(not moved.changed for moved in difference.pods)
        click.echo(f"{counted(len(difference.pods), 'pod')}: {unchanged} with the same verdict")


def _tally(difference: Difference) -> str:
    return ", ".join(f"{len(difference.going(direction))} {direction}" for direction in Direction)


def _change_cells(change: Change) -> tuple[str, ...]:
    return (
        change.feature,
        _support(change.before),
        _support(change.after),
        shown(_what(change), 320),
    )


def _support(judgement: Judgement) -> str:
    return support_text(judgement.fact) if judgement.fact else str(judgement.support)


def _what(change: Change) -> str:
    """What the side does that says more: the one that is worse, else the later one."""
    sides = (change.after, change.before)
    if change.direction is Direction.BETTER:
        sides = (change.before, change.after)
    said = next((j.fact.note for j in sides if j.fact and j.fact.note), "")
    was = "before: " if said and change.direction is Direction.BETTER else ""
    return was + one_line(said)


def _pod_rows(difference: Difference) -> list[tuple[str, ...]]:
    return [
        (
            f"{shown(moved.found.manifest.kind, 40)} {shown(moved.found.name, 80)}",
            str(moved.before.verdict),
            str(moved.after.verdict),
            "; ".join(_causes(moved)),
        )
        for moved in difference.pods
        if moved.changed
    ]


def markdown_lines(difference: Difference) -> Iterator[str]:
    """The difference as Markdown, for a merge request."""
    yield f"# {titled(difference.before)} → {titled(difference.after)}"
    yield ""
    yield f"{_tally(difference)}."
    for direction in Direction:
        rows = [_change_cells(change) for change in difference.going(direction)]
        if rows:
            yield from ("", f"## {_TITLES[direction]}", "")
            cells = ((code(first), *map(escaped, rest)) for first, *rest in rows)
            yield from table_lines(("feature", "before", "after", "what"), cells)
    rows = _pod_rows(difference)
    if rows:
        yield from ("", "## Verdicts that change", "")
        yield from table_lines(("pod", "before", "after", "why"), (map(escaped, r) for r in rows))
