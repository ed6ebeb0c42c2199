"""The compatibility table as Markdown pages for people: ``docs/compatibility``. Pure.

A page says what the newest release does, namespace by namespace, the many alike in one paragraph;
then what changed in which release; the sources stand below as footnotes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from webhook.cli.compat_applications_page import applications_page
from webhook.cli.compat_words import (
    namespace_title,
    one_line,
    runtime_title,
    support_text,
    verified_text,
    when_text,
)
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
from webhook.core.comparison import Turn, history, rows_of
from webhook.core.compat import CompatTable, Fact
from webhook.core.explain import newest_release
from webhook.core.features import NAMESPACES
from webhook.core.names import RUNTIME_TITLES, Support
from webhook.core.runtimes import RETIRED, RUNTIMES
from webhook.core.verification import Verification
from webhook.core.versions import Version

FEWEST_ALIKE = 4
"""As many rows that say the same make a paragraph instead of a table."""


class Sources:
    """Where the rows of a page come from: their evidence as footnotes, and what confirms them."""

    def __init__(self, verification: Verification) -> None:
        self._verification = verification
        self._notes = Footnotes()

    def of(self, fact: Fact) -> str:
        """The marks of a row's evidence, and the releases under which it was confirmed."""
        on = verified_text(self._verification.of(fact))
        confirmed = f"Verified on {escaped(on)}." if on else ""
        return " ".join(filter(None, [confirmed, self._notes.of(fact.evidence)]))

    def confirmed(self, fact: Fact) -> bool:
        """Whether a probe confirmed the row."""
        return bool(self._verification.of(fact))

    def lines(self) -> Iterator[str]:
        """The footnotes."""
        return self._notes.lines()


def runtime_page(
    table: CompatTable,
    facts: Sequence[Fact],
    verification: Verification,
    *,
    runtime: str | None = None,
    version: Version | None = None,
) -> str:
    """The rows ``facts`` as a page: of a runtime, or of some features of all runtimes."""
    sources = Sources(verification)
    lines: list[str] = []
    for name, of_runtime in groupby(facts, key=lambda fact: fact.runtime):
        lines += _runtime_lines(table, name, list(of_runtime), version, sources)
    if not facts:
        lines += [f"# {runtime_title(runtime or '')}", "", PROVENANCE, "", "No row speaks of it."]
    return document([*lines, "", *sources.lines()])


def _runtime_lines(
    table: CompatTable,
    runtime: str,
    facts: Sequence[Fact],
    version: Version | None,
    sources: Sources,
) -> Iterator[str]:
    release = version or newest_release(table, runtime)
    current = [f for f in facts if release is None or release in f.versions]
    yield f"# {runtime_title(runtime)}"
    yield ""
    yield PROVENANCE
    yield ""
    yield from wrapped(_introduction(table, runtime, release))
    if confirmed := sum(map(sources.confirmed, facts)):
        yield ""
        yield f"Probes confirmed {confirmed} of {len(facts)} rows under real releases."
    yield ""
    yield from _counts(current)
    for namespace in NAMESPACES:
        below = [fact for fact in current if fact.feature.startswith(f"{namespace}:")]
        if below:
            yield from _section(namespace, below, sources)
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


def _section(namespace: str, facts: Sequence[Fact], sources: Sources) -> Iterator[str]:
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
        yield from table_lines(head, (_fact_row(fact, sources) for fact in others))


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


def _fact_row(fact: Fact, sources: Sources) -> tuple[str, ...]:
    said = [
        _sentence(escaped(fact.note or fact.summary)),
        f"With it {fact.gate.support}." if fact.gate else "",
        f"Workaround: {escaped(fact.workaround)}" if fact.workaround else "",
        f"({escaped(fact.origin)})" if fact.overlay else "",
        sources.of(fact),
    ]
    return (
        code(fact.feature),
        escaped(support_text(fact)),
        releases_cell(fact.versions),
        escaped(when_text(fact.when)),
        " ".join(filter(None, said)),
    )


def _sentence(text: str) -> str:
    return f"{text}." if text and not text.endswith(".") else text


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


def index_page(table: CompatTable) -> str:
    """The runtimes, how much is known of each, and those that have ended."""
    rows = Counter(fact.runtime for fact in table.facts)
    lines = [
        "# The compatibility table",
        "",
        PROVENANCE,
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
    return document(lines)


def _index_row(table: CompatTable, runtime: str, rows: int) -> tuple[str, ...]:
    releases = table.releases.get(runtime, ())
    newest = str(releases[-1].version) if releases else ""
    return f"[{runtime_title(runtime)}]({runtime}.md)", str(rows), str(len(releases) or ""), newest


def pages(table: CompatTable, verification: Verification) -> dict[str, str]:
    """Every page of ``docs/compatibility`` by its file's name."""
    found = {
        "README.md": index_page(table),
        "applications.md": applications_page(table, table.catalogue.applications),
    }
    for runtime in RUNTIMES:
        if rows := rows_of(table, runtime):
            found[f"{runtime}.md"] = runtime_page(table, rows, verification, runtime=runtime)
    return found
