"""The compatibility table as Markdown pages for people: ``docs/compatibility``. Pure.

A page says what the newest release does, namespace by namespace, the many alike in one paragraph;
then what changed in which release; the sources stand below as footnotes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from textwrap import wrap

from webhook.cli.compat_words import (
    clause_text,
    namespace_title,
    one_line,
    recognised_by,
    releases_text,
    source_link,
    support_text,
    when_text,
)
from webhook.core.applications import Application, Evidence, Need, Verified
from webhook.core.comparison import Turn, history, rows_of
from webhook.core.compat import BoundRuntime, CompatTable, Fact
from webhook.core.explain import (
    ADVISED,
    default_profile,
    newest_release,
    runs_of,
    usual_needs,
    usual_verdict,
)
from webhook.core.features import NAMESPACES
from webhook.core.names import RUNTIME_TITLES, Support
from webhook.core.runtimes import RETIRED, RUNTIMES
from webhook.core.versions import Version

FEWEST_ALIKE = 4
"""As many rows that say the same make a paragraph instead of a table."""

_PROVENANCE = (
    "<!-- Rendered from webhook/data/compat by `make docs`: edit the data, not this page. -->"
)


_APPLICATIONS = (
    "What {} applications need of a runtime, how they are recognised, and where they were seen to "
    "run. The verdicts are for their newest release with the usual settings. How to read it: "
    "[compatibility.md](../compatibility.md)."
)
_ANY_DAY = date(1, 1, 1)
"""For profiles that declare a release, whose verdict no day changes."""


class Footnotes:
    """The sources of a page, each numbered once."""

    def __init__(self) -> None:
        self._numbers: dict[Evidence, int] = {}

    def of(self, evidence: Iterable[Evidence]) -> str:
        """The marks of some sources."""
        return "".join(
            f"[^{self._numbers.setdefault(e, len(self._numbers) + 1)}]" for e in evidence
        )

    def lines(self) -> Iterator[str]:
        """The sources themselves."""
        for entry, number in self._numbers.items():
            tested = f", tested {escaped(entry.tested)}" if entry.tested else ""
            yield f"[^{number}]: {entry.kind}, {entry.date}{tested}: {_source(entry.source)}"


def _source(source: str) -> str:
    link, text = source_link(source), escaped(one_line(source))
    if link is None:
        return text
    return f"<{link}>" if link == source else f"[{text}]({link})"


_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_[]|~"} | {"<": "&lt;", "&": "&amp;"})


def escaped(text: str) -> str:
    """``text`` as Markdown that says just that, in one line."""
    return one_line(text).translate(_SPECIAL)


def code(text: str) -> str:
    """``text`` as code, also in a table."""
    return f"`{text.replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def wrapped(text: str, indent: str = "") -> list[str]:
    """A paragraph in lines that a review can read."""
    return wrap(text, 110, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def table_lines(head: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A Markdown table; the cells are Markdown already."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _document(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def runtime_page(
    table: CompatTable, facts: Sequence[Fact], runtime: str | None, version: Version | None
) -> str:
    """The rows ``facts`` as a page: of a runtime, or of some features of all runtimes."""
    notes = Footnotes()
    lines: list[str] = []
    for name, of_runtime in groupby(facts, key=lambda fact: fact.runtime):
        lines += _runtime_lines(table, name, list(of_runtime), version, notes)
    if not facts:
        lines += [f"# {_title(runtime or '')}", "", _PROVENANCE, "", "No row speaks of it."]
    return _document([*lines, "", *notes.lines()])


def _title(runtime: str) -> str:
    title = RUNTIME_TITLES.get(runtime, runtime)
    return title[:1].upper() + title[1:] if title.startswith("the ") else title


def _runtime_lines(
    table: CompatTable,
    runtime: str,
    facts: Sequence[Fact],
    version: Version | None,
    notes: Footnotes,
) -> Iterator[str]:
    release = version or newest_release(table, runtime)
    current = [f for f in facts if release is None or release in f.versions]
    yield f"# {_title(runtime)}"
    yield ""
    yield _PROVENANCE
    yield ""
    yield from wrapped(_introduction(table, runtime, release))
    yield ""
    yield from _counts(current)
    for namespace in NAMESPACES:
        below = [fact for fact in current if fact.feature.startswith(f"{namespace}:")]
        if below:
            yield from _section(namespace, below, notes)
    if version is None:
        yield from _history_lines(history(facts))


def _introduction(table: CompatTable, runtime: str, release: Version | None) -> str:
    releases = table.releases.get(runtime, ())
    title = RUNTIME_TITLES.get(runtime, runtime)
    reading = "How to read it: [compatibility.md](../compatibility.md)."
    if release is None or not releases:
        return f"What {title} does with what pods and applications ask for. {reading}"
    known = f"{len(releases)} releases are known, {releases[0].version} to {releases[-1].version}"
    return (
        f"What {title} {release} does with what pods and applications ask for. {known}; "
        f"what other releases do follows from the rows' releases. {reading}"
    )


def _counts(facts: Sequence[Fact]) -> Iterator[str]:
    """How many features have which support, those of rows without conditions."""
    counts = Counter(
        (fact.feature.partition(":")[0], fact.support)
        for fact in facts
        if not fact.when.specificity
    )
    levels = [level for level in Support if any(counts[n, level] for n in NAMESPACES)]
    namespaces = [n for n in NAMESPACES if any(counts[n, level] for level in levels)]
    yield from table_lines(
        ("", *levels),
        (
            (namespace_title(n), *(str(counts[n, level] or "") for level in levels))
            for n in namespaces
        ),
    )


def _section(namespace: str, facts: Sequence[Fact], notes: Footnotes) -> Iterator[str]:
    yield ""
    yield f"## {namespace_title(namespace)}"
    alike, others = _alike(facts)
    for (_, note), group in alike:
        names = ", ".join(code(fact.feature.partition(":")[2]) for fact in group)
        does = f", {escaped(note)}" if note else ""
        yield ""
        yield from wrapped(f"**{group[0].support}**{does} ({len(group)}): {names}")
    if others:
        yield ""
        head = ("feature", "support", "releases", "only with", "what it does")
        yield from table_lines(head, (_fact_row(fact, notes) for fact in others))


_LEVELS = tuple(Support)
_Alike = tuple[tuple[str, str], list[Fact]]


def _alike(facts: Sequence[Fact]) -> tuple[list[_Alike], list[Fact]]:
    """Rows of which many say just the same, by support and note; and the others."""
    groups: dict[tuple[str, str], list[Fact]] = {}
    others: list[Fact] = []
    for fact in facts:
        plain = not (fact.when.specificity or fact.gate or fact.workaround or fact.overlay)
        if plain and not fact.feature.endswith("*"):
            groups.setdefault((support_text(fact), one_line(fact.note)), []).append(fact)
        else:
            others.append(fact)
    alike = [entry for entry in groups.items() if len(entry[1]) >= FEWEST_ALIKE]
    alike.sort(key=lambda entry: (_LEVELS.index(entry[1][0].support), -len(entry[1])))
    kept = {id(fact) for _, group in alike for fact in group}
    return alike, [fact for fact in facts if id(fact) not in kept]


def _fact_row(fact: Fact, notes: Footnotes) -> tuple[str, ...]:
    said = [
        escaped(fact.note or fact.summary),
        f"Then {fact.gate.support}." if fact.gate else "",
        f"Workaround: {escaped(fact.workaround)}" if fact.workaround else "",
        f"({escaped(fact.origin)})" if fact.overlay else "",
        notes.of(fact.evidence),
    ]
    return (
        code(fact.feature),
        escaped(support_text(fact)),
        escaped(releases_text(fact.versions)),
        escaped(when_text(fact.when)),
        " ".join(filter(None, said)),
    )


def _history_lines(turns: Sequence[Turn]) -> Iterator[str]:
    if not turns:
        return
    yield ""
    yield "## What changed, release by release"
    yield ""
    for release, of_release in groupby(turns, key=lambda turn: turn.release):
        told = []
        by_kind = sorted(of_release, key=lambda turn: (turn.before, turn.after))
        for (before, after), alike in groupby(by_kind, key=lambda turn: (turn.before, turn.after)):
            names = ", ".join(code(turn.feature) for turn in alike)
            told.append(f"{names} {before} → {after}")
        yield from wrapped(f"- **{release}**: {'; '.join(told)}", indent="  ")


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
        _PROVENANCE,
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
    return _document([*lines, "", *notes.lines()])


def _runtime_head(runtime: BoundRuntime) -> str:
    version = next(iter(runtime.profile.versions), None)
    return f"{_title(runtime.profile.runtime)}{f' {version}' if version else ''}"


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
        escaped(releases_text(need.versions)) if need.versions else "all",
        " ".join(filter(None, said)),
    )


def _run_row(run: Verified, notes: Footnotes) -> tuple[str, ...]:
    return (
        f"{_title(run.runtime)} {escaped(releases_text(run.versions))}",
        run.works,
        escaped(run.application_version),
        " ".join(filter(None, [escaped(run.note), notes.of(run.evidence)])),
    )


def index_page(table: CompatTable) -> str:
    """The runtimes, how much is known of each, and those that have ended."""
    rows = Counter(fact.runtime for fact in table.facts)
    lines = [
        "# The compatibility table",
        "",
        _PROVENANCE,
        "",
        *table_lines(
            ("runtime", "rows", "releases", "newest"),
            (_index_row(table, runtime, rows[runtime]) for runtime in RUNTIMES if rows[runtime]),
        ),
        "",
        f"{len(table.catalogue.applications)} applications: [applications.md](applications.md).",
        "",
        "Runtimes that have ended, which no inventory may name:",
        "",
        *table_lines(
            ("runtime", "end", "use instead"),
            ((name, gone.ended, gone.successor) for name, gone in RETIRED.items()),
        ),
    ]
    return _document(lines)


def _index_row(table: CompatTable, runtime: str, rows: int) -> tuple[str, ...]:
    releases = table.releases.get(runtime, ())
    newest = str(releases[-1].version) if releases else ""
    return f"[{_title(runtime)}]({runtime}.md)", str(rows), str(len(releases) or ""), newest


def pages(table: CompatTable) -> dict[str, str]:
    """Every page of ``docs/compatibility`` by its file's name."""
    runtimes = [runtime for runtime in RUNTIMES if rows_of(table, runtime)]
    return {
        "README.md": index_page(table),
        "applications.md": applications_page(table, table.catalogue.applications),
        **{f"{r}.md": runtime_page(table, rows_of(table, r), r, None) for r in runtimes},
    }
