"""The page of applications: verdicts as most people run them, recognition, needs, runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from webhook.cli.compat_words import clause_text, recognised_by, releases_text, runtime_title
from webhook.cli.markdown import (
    PROVENANCE,
    Footnotes,
    code,
    document,
    escaped,
    releases_cell,
    table_lines,
    wrapped,
)
from webhook.core.applications import Application, Need, Verified
from webhook.core.compat import BoundRuntime, CompatTable
from webhook.core.explain import ADVISED, default_profile, runs_of, usual_needs, usual_verdict
from webhook.core.versions import ALL_VERSIONS

_APPLICATIONS = (
    "What {} applications need of a runtime, how they are recognised, and where they were seen to "
    "run. The verdicts are for their newest release with the usual settings. How to read it: "
    "[compatibility.md](../compatibility.md)."
)
_ANY_DAY = date(1, 1, 1)
"""For profiles that declare a release, whose verdict no day changes."""


def applications_page(table: CompatTable, applications: Sequence[Application]) -> str:
    """Applications: the verdict as most people run them, how they are recognised, their needs."""
    notes = Footnotes()
    runtimes = [
        table.bind(default_profile(table, runtime, hypervisor), _ANY_DAY)
        for runtime, hypervisor in ADVISED
    ]
    lines = [
        "# Applications",
        "",
        PROVENANCE,
        "",
        *wrapped(_APPLICATIONS.format(len(applications))),
        "",
        *table_lines(
            ("application", *(_runtime_head(runtime) for runtime in runtimes)),
            (_verdict_row(application, runtimes) for application in applications),
        ),
    ]
    for application in applications:
        lines += _application_lines(application, notes)
    return document([*lines, "", *notes.lines()])


def _runtime_head(runtime: BoundRuntime) -> str:
    version = next(iter(runtime.profile.versions), None)
    return f"{runtime_title(runtime.profile.runtime)}{f' {version}' if version else ''}"


def _verdict_row(application: Application, runtimes: Iterable[BoundRuntime]) -> tuple[str, ...]:
    link = f"[{escaped(application.name)}](#{application.name.replace('.', '')})"
    return (link, *(_verdict_cell(application, runtime) for runtime in runtimes))


def _verdict_cell(application: Application, runtime: BoundRuntime) -> str:
    """The verdict, and how the run on the newest release went; of nothing known, nothing."""
    known = any(usual_needs(application))
    runs = sorted(runs_of(application, runtime.profile.runtime), key=_last_release)
    parts = [
        str(usual_verdict(application, runtime)) if known else "no need known",
        f"seen to run: {runs[-1].works}" if runs else "",
    ]
    return ", ".join(filter(None, parts))


def _last_release(run: Verified) -> tuple[object, ...]:
    start = run.versions.intervals[-1].start
    return (start is not None, start.key if start else ())


def _application_lines(application: Application, notes: Footnotes) -> Iterator[str]:
    yield ""
    yield f"## {application.name}"
    yield ""
    ways = ", ".join(map(code, recognised_by(application)))
    shipped = "" if application.origin == "shipped" else f" ({escaped(application.origin)})"
    yield f"Recognised by {ways}{shipped}."
    if application.needs:
        yield ""
        yield from table_lines(
            ("needs", "how much", "its releases", "what for"),
            (_need_row(need, notes) for need in application.needs),
        )
    if application.verified:
        yield ""
        yield from table_lines(
            ("seen on", "works", "its release", "note"),
            (_run_row(run, notes) for run in application.verified),
        )


def _need_row(need: Need, notes: Footnotes) -> tuple[str, ...]:
    said = [
        escaped(need.note),
        f"Only with {code(clause_text(need.when))}." if need.when else "",
        f"Not with {code(clause_text(need.unless))}." if need.unless else "",
        notes.of(need.evidence),
    ]
    return (
        code(need.feature),
        str(need.strength),
        releases_cell(need.versions or ALL_VERSIONS),
        " ".join(filter(None, said)),
    )


def _run_row(run: Verified, notes: Footnotes) -> tuple[str, ...]:
    return (
        f"{runtime_title(run.runtime)} {escaped(releases_text(run.versions))}",
        run.works,
        escaped(run.application_version),
        " ".join(filter(None, [escaped(run.note), notes.of(run.evidence)])),
    )
