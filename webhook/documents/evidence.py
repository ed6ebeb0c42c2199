"""What the documents of the compatibility table share: releases, and where a claim comes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from webhook.core import applications
from webhook.core.versions import Interval, IntervalSet, interval_set, parse_interval
from webhook.documents.inventory import unfit_version
from webhook.documents.models import Day, Matching, Model, ScalarText, parsed

_Interval = Annotated[
    Interval, parsed(parse_interval, 'releases such as ">=A <B", ">=A", "<B" or "*"')
]


class _Union:
    """Makes an IntervalSet of a list of intervals, which must not overlap."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        del source
        written = Annotated[tuple[_Interval, ...], Field(min_length=1)]
        schema = handler.generate_schema(written)
        return core_schema.no_info_after_validator_function(interval_set, schema)


Releases = Annotated[IntervalSet, _Union()]
"""A list of closed-open intervals of releases."""

Source = Annotated[
    str,
    Field(strict=True),
    Matching(
        r"(?![/~]|\.{1,2}/|file:|[A-Za-z]:\\)\S.*",
        "a public reference (a URL, owner/repo#123, or what was run), no path of a machine",
        600,
    ),
]


class Evidence(Model):
    """Where a claim comes from."""

    kind: Literal["measured", "source", "documentation", "issue", "vendor"] = Field(
        description="measured (somebody ran it), source (read in source code), documentation, "
        "issue or vendor."
    )
    source: Source = Field(
        description="A public reference: a URL, owner/repo#123, a repository path with its tag; "
        "for measured: what was run.",
        examples=["google/gvisor#88"],
    )
    date: Day = Field(description="When it was published or measured.", examples=["2018-11-20"])
    tested: ScalarText = Field(default="", description="The application's version tested.")

    def core(self) -> applications.Evidence:
        """The core value."""
        return applications.Evidence(
            kind=self.kind,
            source=self.source,
            date=self.date.isoformat(),
            tested=self.tested or None,
        )


def evidence_of(
    own: Iterable[Evidence], shared: Iterable[Evidence]
) -> tuple[applications.Evidence, ...]:
    """The evidence of a row: its own, or the document's."""
    return tuple(e.core() for e in own) or tuple(e.core() for e in shared)


NO_EVIDENCE = "must be given, here or for the whole document in spec.evidence"
EvidenceList = Annotated[tuple[Evidence, ...], Field(min_length=1)]


def unfit_boundary(runtime: str, releases: IntervalSet) -> str | None:
    """Why ``releases`` cannot be releases of ``runtime``."""
    return next(filter(None, (unfit_version(runtime, v) for v in releases.boundaries())), None)
