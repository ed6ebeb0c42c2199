"""What ``runsc help syscalls -format json`` prints → RuntimeFacts of that release.

The printed table is less than what the shipped one knows: it has no flags (io_uring), lists calls
whose handlers only fail, and before 20221122.0 is not what runs. An overlay is believed before the
shipped rows, so only what the printed table can know better is taken from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from webhook.core.compat import CompatTable, Fact
from webhook.core.names import Support
from webhook.core.syscalls import ARCHITECTURES, canonical_syscall, syscall_name, syscall_names
from webhook.core.versions import Version
from webhook.documents.imports.gvisor_levels import (
    FULL,
    NOT_AS_PRINTED,
    PARTIAL,
    TABLE_TELLS_FROM,
    UNIMPLEMENTED,
    Does,
    does,
    printed_code,
)
from webhook.documents.imports.reading import Printed, validated
from webhook.documents.imports.releases import one_release, release_number
from webhook.documents.imports.result import Imported, LeftOut, Wish, in_force, runtime_facts
from webhook.documents.models import Matching
from webhook.documents.rows import Row, what_row
from webhook.documents.source import SourceDocument

_Number = Annotated[str, Matching("0|[1-9][0-9]{0,3}", "the number of a system call", 4)]
_Name = Annotated[str, Field(strict=True, max_length=80)]
_Words = Annotated[str, Field(strict=True, max_length=4096)]
_Level = Literal["Full Support", "Partial Support", "Unimplemented"]


class _Call(Printed):
    name: _Name = Field(description="gVisor's name of the call.")
    support: _Level = Field(description="The level.")
    note: _Words = Field(default="", description="What it lacks, or the error that it returns.")


class _Table(Printed):
    syscalls: dict[_Number, _Call] = Field(description="Calls by number.")


class _Tables(Printed):
    linux: dict[Literal["amd64", "arm64"], _Table] = Field(
        min_length=1, description="Tables by architecture."
    )


_LETTERS: Mapping[str, str] = {
    Support.FULL: FULL,
    Support.PARTIAL: PARTIAL,
    Support.STUB: PARTIAL,
    Support.ERRNO: UNIMPLEMENTED,
    Support.ABSENT: UNIMPLEMENTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What the printed table says of one call of Linux on one architecture."""

    arch: str
    name: str
    does: Does
    fact: Fact | None

    @property
    def works(self) -> bool:
        """Whether the table claims that the call does something."""
        return _LETTERS[self.does.support] != UNIMPLEMENTED

    @property
    def same(self) -> bool:
        """Whether the shipped row says as much; by which error a call fails changes no verdict."""
        if self.fact is None:
            return False
        fails = not self.works and _LETTERS.get(self.fact.support) == UNIMPLEMENTED
        return fails or self.fact.support == self.does.support

    @property
    def what(self) -> Row:
        """What a row says of the call: as the shipped one does, where that says the same."""
        if self.same and self.fact is not None:
            return what_row(self.fact)
        note = {"note": self.does.note} if self.does.note else {}
        return {"support": self.does.support, **note}


Measured = Callable[[Fact, str], bool]
"""Whether a probe under the very release, on an architecture, has confirmed a shipped row."""


def import_syscalls(
    source: SourceDocument, release: Version, table: CompatTable, measured: Measured, wish: Wish
) -> Imported:
    """The rows of ``release``; raises DocumentErrors for what is no printed table."""
    tables = {str(arch): printed for arch, printed in validated(source, _Tables).linux.items()}
    archs = tuple(arch for arch in ARCHITECTURES if arch in tables)
    said = [entry for arch in archs for entry in _said(arch, tables[arch], release, table)]
    reasons = [_why_not(entry, release, measured) for entry in said]
    taken = [
        entry
        for entry, reason in zip(said, reasons, strict=True)
        if reason is None and (wish.everything or not entry.same)
    ]
    rows = [*_rows(taken, archs, release), *_operations(taken, release, table)]
    return Imported(
        subject=f"gVisor {release_number(release)}, {' and '.join(archs)}",
        documents=(_document(release, rows, table, wish),) if rows else (),
        taken=tuple(map(_told, rows, (_was(row, taken) for row in rows))),
        same=sum(entry.same for entry in said) if not wish.everything else 0,
        left_out=tuple(_left_out(said, reasons)),
        unknown=tuple(_no_calls(tables)),
        remarks=tuple(_odd_names(tables)),
    )


def _said(arch: str, printed: _Table, release: Version, table: CompatTable) -> Iterator[_Said]:
    by_name = {syscall_name(int(number), arch): call for number, call in printed.syscalls.items()}
    for name in syscall_names(arch):
        call = by_name.get(name)
        code = printed_code(call.support, call.note) if call else "-"
        fact = in_force(table, "gvisor", release, f"syscall:{name}", arch)
        yield _Said(arch=arch, name=name, does=does(code), fact=fact)


def _why_not(said: _Said, release: Version, measured: Measured) -> str | None:
    """Why the shipped row is better knowledge than the printed table; None where it is not."""
    fact = said.fact
    if fact is None or said.same:
        return None
    if release < TABLE_TELLS_FROM:
        return f"before {TABLE_TELLS_FROM} runsc replaces rows of the printed table at start-up"
    if measured(fact, said.arch):
        return f"measured on this release: {fact.support}"
    if _LETTERS[said.does.support] == _LETTERS.get(fact.support):
        return f"the shipped row is more exact: {fact.support}"
    return _why_it_fails(said.name, fact) if said.works else None


def _why_it_fails(name: str, fact: Fact) -> str | None:
    """Why a call fails that is printed as working; None where nothing of the kind is known."""
    if fact.gate is not None:
        return f"off unless --{fact.gate.flag}: the printed table knows no flags"
    return NOT_AS_PRINTED.get(name)


def _left_out(said: Iterable[_Said], reasons: Iterable[str | None]) -> Iterator[LeftOut]:
    """Each call once, with the architectures that it is so on."""
    found: dict[tuple[str, str], list[str]] = {}
    for entry, reason in zip(said, reasons, strict=True):
        if reason is not None:
            told = f"printed as {entry.does.support}; {reason}"
            found.setdefault((entry.name, told), []).append(entry.arch)
    for (name, told), archs in found.items():
        yield LeftOut(name=f"syscall:{name} ({', '.join(archs)})", reason=told)


def _rows(taken: Sequence[_Said], archs: Sequence[str], release: Version) -> Iterator[Row]:
    """A row a call, or one an architecture where only that has it, or they differ."""
    alike: dict[tuple[str, str], list[_Said]] = {}
    for entry in taken:
        alike.setdefault((entry.name, str(entry.what)), []).append(entry)
    for (name, _), entries in alike.items():
        on = [entry.arch for entry in entries]
        when = {} if tuple(on) == archs == ARCHITECTURES else {"when": {"arch": on}}
        yield _row(f"syscall:{name}", when, entries[0].what, release)


def _row(feature: str, when: Row, what: Row, release: Version) -> Row:
    return {"feature": feature, **when, "versions": [one_release(release)], **what}


def _operations(taken: Iterable[_Said], release: Version, table: CompatTable) -> Iterator[Row]:
    """Rows of operations that the shipped table has at work, of calls that the release lacks."""
    features = sorted(
        {f.feature for f in table.facts if f.runtime == "gvisor" and "/" in f.feature}
    )
    for entry in taken:
        for feature in features if not entry.works else ():
            if feature.startswith(f"syscall:{entry.name}/"):
                fact = in_force(table, "gvisor", release, feature, entry.arch)
                if fact is None or _LETTERS.get(fact.support) != UNIMPLEMENTED:
                    yield _row(feature, {"when": {"arch": [entry.arch]}}, entry.what, release)


def _document(release: Version, rows: Sequence[Row], table: CompatTable, wish: Wish) -> Row:
    known = any(release == r.version for r in table.releases.get("gvisor", ()))
    # A build of a day, as Go writes it, is no release that a cluster could have taken.
    tagged = not known and str(release).removeprefix("release-") == release_number(release)
    releases = {"releases": [release_number(release)]} if tagged else {}
    return runtime_facts("gvisor", release, "syscalls", wish, {**releases, "facts": list(rows)})


def _was(row: Row, taken: Iterable[_Said]) -> str:
    name = row["feature"].removeprefix("syscall:").partition("/")[0]
    facts = (entry.fact for entry in taken if entry.name == name)
    return next((str(fact.support) for fact in facts if fact), "not in the table")


def _told(row: Row, was: str) -> str:
    on = f" ({', '.join(row['when']['arch'])})" if "when" in row else ""
    return f"{row['feature']}{on}: {row['support']}, shipped: {was}"


def _no_calls(tables: Mapping[str, _Table]) -> Iterator[LeftOut]:
    """Numbers that Linux, as the table knows it, has no call for."""
    for arch, table in tables.items():
        for number, call in table.syscalls.items():
            if syscall_name(int(number), arch) is None:
                yield LeftOut(
                    name=f"{number} {call.name} ({arch})", reason="Linux has no such number here"
                )


def _odd_names(tables: Mapping[str, _Table]) -> Iterator[str]:
    """Names that are another call's: the number counts."""
    for arch, table in tables.items():
        for number, call in table.syscalls.items():
            name = syscall_name(int(number), arch)
            if name is not None and canonical_syscall(call.name, arch) != name:
                yield f"{arch} {number} is printed as {call.name}; by its number it is {name}"
