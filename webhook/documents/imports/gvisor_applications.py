"""gVisor's list of applications that it was tried with → runs added to those the table knows.

The list (google/gvisor, website/_data/application-compatibility.yml, with a JSON Schema beside it)
names applications for people: how to recognise one is not in it, and is not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from webhook.core.applications import Application, Evidence
from webhook.core.compat import CompatTable
from webhook.core.names import API_VERSION
from webhook.core.versions import Version
from webhook.documents.imports.reading import Printed, validated
from webhook.documents.imports.releases import one_release, release_number
from webhook.documents.imports.result import Imported, LeftOut, Wish
from webhook.documents.models import ScalarText, misplaced
from webhook.documents.rows import Row, evidence_row
from webhook.documents.source import SourceDocument

_Name = Annotated[str, Field(strict=True, min_length=1, max_length=120)]
_Words = Annotated[str, Field(strict=True, max_length=2000)]
_COMING_SOON = "coming-soon"


class _Listed(Printed):
    name: _Name = Field(description="The application, for people.")
    verdict: Literal["yes", "partial", "experimental", "coming-soon", "no"] = Field(
        description="How it works."
    )
    version: ScalarText = Field(default="", description="The newest release that was tried.")
    notes: _Words = Field(default="", description="What to know.")
    test_source: _Words = Field(default="", description="The test of it, in gVisor's repository.")

    @model_validator(mode="after")
    def _says_what_was_tried(self) -> Self:
        if self.verdict in {"yes", "partial"} and not self.version:
            raise misplaced("version", message=f"must be given for verdict {self.verdict}")
        if self.verdict == "partial" and not self.notes:
            raise misplaced("notes", message="must be given for verdict partial")
        return self


class _List(Printed):
    apps: tuple[_Listed, ...] = Field(max_length=5000, description="The applications.")


_WORKS: Mapping[str, str] = {
    "yes": "yes",
    "partial": "partial",
    "experimental": "partial",
    "no": "no",
}

# The list's name without what is no letter or digit, and ours, where that is another.
_LISTED_AS: Mapping[str, str] = {
    "apachehttpserver": "httpd",
    "apachekafka": "kafka",
    "eclipsemosquitto": "mosquitto",
    "java": "openjdk",
    "podmaningvisor": "podman",
}
_TEST = re.compile(r"[\w.-]+(?:/[\w.-]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """An entry of the list, and the application of the table that it is about."""

    listed: _Listed
    application: Application
    works: str

    def known(self, release: Version) -> bool:
        """Whether the application has this very run already."""
        return any(
            (run.runtime, run.works, run.application_version)
            == ("gvisor", self.works, self.listed.version)
            and release in run.versions
            for run in self.application.verified
        )


def import_applications(
    source: SourceDocument, release: Version, table: CompatTable, wish: Wish
) -> Imported:
    """The list's runs under ``release``; raises DocumentErrors for what is no such list."""
    listed = validated(source, _List).apps
    by_name = _names(table.catalogue.applications)
    runs = list(_runs(listed, by_name))
    taken = [run for run in runs if wish.everything or not run.known(release)]
    return Imported(
        subject=f"applications under gVisor {release_number(release)}",
        noun="run",
        documents=tuple(_documents(taken, release, wish)),
        taken=tuple(f"{run.application.name}: works {run.works}" for run in taken),
        same=len(runs) - len(taken),
        left_out=tuple(
            LeftOut(name=entry.name, reason=f"{_COMING_SOON}: nobody says that it was run")
            for entry in listed
            if entry.verdict == _COMING_SOON
        ),
        unknown=tuple(_unknown(listed, by_name)),
    )


def _names(applications: Iterable[Application]) -> Mapping[str, Application]:
    """Applications by the letters and digits of their names and titles."""
    found: dict[str, Application] = {}
    for application in applications:
        found.setdefault(_letters(application.title), application)
    found.update((_letters(application.name), application) for application in applications)
    return found


def _letters(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())


def _ours(name: str) -> str:
    letters = _letters(name)
    return _letters(_LISTED_AS.get(letters, letters))


def _runs(listed: Iterable[_Listed], by_name: Mapping[str, Application]) -> Iterator[_Run]:
    for entry in listed:
        application = by_name.get(_ours(entry.name))
        works = _WORKS.get(entry.verdict)
        if application is not None and works is not None:
            yield _Run(listed=entry, application=application, works=works)


def _unknown(listed: Iterable[_Listed], by_name: Mapping[str, Application]) -> Iterator[LeftOut]:
    for entry in listed:
        name = _ours(entry.name)
        if name not in by_name:
            near = [by_name[letters].name for letters in get_close_matches(name, by_name, n=2)]
            hint = f"; near it are {', '.join(near)}" if near else ""
            yield LeftOut(name=entry.name, reason=f"no row recognises it{hint}")


def _documents(runs: Iterable[_Run], release: Version, wish: Wish) -> Iterator[Row]:
    """A document an application, with all its runs."""
    found: dict[str, list[Row]] = {}
    for run in runs:
        found.setdefault(run.application.name, []).append(_verified(run, release, wish))
    for name, verified in found.items():
        number = release_number(release)
        yield {
            "apiVersion": API_VERSION,
            "kind": "ApplicationRequirements",
            "metadata": {
                "name": f"{name}-on-gvisor-{number}",
                "description": f"Imported: {name} in gVisor's list of {number}.",
            },
            "spec": {"extends": name, "verified": verified},
        }


def _verified(run: _Run, release: Version, wish: Wish) -> Row:
    listed = run.listed
    experimental = "Experimental. " if listed.verdict == "experimental" else ""
    parts: Row = {
        "runtime": "gvisor",
        "versions": [one_release(release)],
        "works": run.works,
        "applicationVersion": listed.version,
        "note": f"{experimental}{listed.notes}".strip(),
        "evidence": [
            evidence_row(evidence) | ({"tested": listed.version} if listed.version else {})
            for evidence in _evidence(listed, release, wish)
        ],
    }
    return {name: value for name, value in parts.items() if value}


def _evidence(listed: _Listed, release: Version, wish: Wish) -> Iterator[Evidence]:
    yield wish.evidence
    if _TEST.fullmatch(listed.test_source):
        yield Evidence(
            kind="source",
            source=f"google/gvisor@release-{release_number(release)}:{listed.test_source}"[:600],
            date=wish.evidence.date,
        )
