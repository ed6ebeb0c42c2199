"""What an import brings, and what it leaves out and why: values for the command to say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from webhook.core.applications import Evidence
from webhook.core.compat import CompatTable, Fact
from webhook.core.names import API_VERSION, Feature
from webhook.core.runtimes import DEFAULT_ARCH, RuntimeProfile
from webhook.core.versions import Version
from webhook.documents.imports.releases import release_number
from webhook.documents.rows import Row, evidence_row

_ANY_DAY = date(1, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Something that the input says and no document does."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The documents, and what is to be said of them.

    ``taken`` has a line for each row or run (``noun``) in them; ``same`` counts what is left out
    for being in the shipped table already; ``unknown`` are names that no row of the table knows.
    """

    subject: str
    noun: str = "row"
    documents: tuple[Row, ...] = ()
    taken: tuple[str, ...] = ()
    same: int = 0
    left_out: tuple[LeftOut, ...] = ()
    unknown: tuple[LeftOut, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for besides: the evidence of every row, and whether all rows are wanted."""

    evidence: Evidence
    everything: bool = False


def runtime_facts(runtime: str, release: Version, what: str, wish: Wish, spec: Row) -> Row:
    """A RuntimeFacts document of one release; ``what`` is the middle of its description."""
    number = release_number(release)
    return {
        "apiVersion": API_VERSION,
        "kind": "RuntimeFacts",
        "metadata": {
            "name": f"{runtime}-{what.replace(' ', '-')}-{number}",
            "description": f"Imported: {what} of {runtime} {number}.",
        },
        "spec": {"runtime": runtime, "evidence": [evidence_row(wish.evidence)], **spec},
    }


def in_force(
    table: CompatTable, runtime: str, release: Version, feature: str, arch: str = DEFAULT_ARCH
) -> Fact | None:
    """The shipped row that answers for a feature where only the release is known."""
    profile = RuntimeProfile(runtime=runtime, versions=(release,), arch=arch)
    judged = table.bind(profile, _ANY_DAY).facts_about(Feature(feature))
    return next((fact for fact in judged if release in fact.versions), None)
