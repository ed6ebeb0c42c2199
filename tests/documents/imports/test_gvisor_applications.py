"""gVisor's own list of applications: runs added to those that the table knows."""

from typing import Any

import pytest

from tests.documents.imports.build import EVERYTHING, WISH, given, messages, overlaid, sample
from webhook.core.applications import Application, Evidence
from webhook.core.compat import CompatTable
from webhook.core.versions import parse_version
from webhook.documents.imports.gvisor_applications import import_applications
from webhook.documents.imports.result import Imported, Wish
from webhook.documents.source import DocumentErrors
from webhook.live.shipped import shipped

LIST = "application-compatibility.yml"


def imported(source: Any, release: str = "20261101.0", wish: Wish = WISH) -> Imported:
    return import_applications(source, parse_version(release), shipped().compat, wish)


def listed(**fields: Any) -> Any:
    """A list of one: PostgreSQL, with a tweak."""
    entry = {"name": "PostgreSQL", "category": "Databases", "verdict": "yes", "version": "18.5"}
    return given({"apps": [{**entry, **fields}]})


def application(table: CompatTable, name: str) -> Application:
    [found] = [a for a in table.catalogue.applications if a.name == name]
    return found


def test_every_application_of_the_real_list_is_one_that_the_table_knows() -> None:
    assert imported(sample(LIST)).unknown == ()


def test_of_the_release_that_the_table_knows_nothing_new_is_said_twice() -> None:
    result = imported(sample(LIST), "20260817.0")

    assert set(result.taken) <= {"podman: works partial"}
    assert result.same + len(result.taken) == 22


def test_an_import_adds_a_run_and_loses_neither_needs_nor_recognition() -> None:
    before = application(shipped().compat, "postgresql")

    after = application(overlaid(imported(sample(LIST))), "postgresql")

    assert (after.recognise, after.needs, after.title) == (
        before.recognise,
        before.needs,
        before.title,
    )
    *runs, added = after.verified
    assert tuple(runs) == before.verified
    assert (added.works, added.application_version) == ("yes", "18.4")
    assert str(added.versions) == ">=20261101.0 <20261101.1"
    assert added.evidence[0] == Evidence(
        kind="measured", source="what was run", date="2026-11-26", tested="18.4"
    )


def test_every_application_of_the_real_list_keeps_what_it_needs() -> None:
    over = overlaid(imported(sample(LIST), wish=EVERYTHING))

    for before in shipped().compat.catalogue.applications:
        after = application(over, before.name)
        assert (after.recognise, after.needs) == (before.recognise, before.needs)


def test_the_test_that_gvisor_names_is_evidence_at_the_tag() -> None:
    result = imported(listed(test_source="test/image/image_test.go"))

    [run] = result.documents[0]["spec"]["verified"]
    assert [e["source"] for e in run["evidence"]] == [
        "what was run",
        "google/gvisor@release-20261101.0:test/image/image_test.go",
    ]


def test_a_test_that_is_no_path_is_no_evidence() -> None:
    result = imported(listed(test_source="$(reboot) x"))

    assert len(result.documents[0]["spec"]["verified"][0]["evidence"]) == 1


@pytest.mark.parametrize(
    ("verdict", "works", "note"),
    [("yes", "yes", "N."), ("partial", "partial", "N."), ("no", "no", "N."),
     ("experimental", "partial", "Experimental. N.")],
)  # fmt: skip
def test_a_verdict_becomes_how_it_works(verdict: str, works: str, note: str) -> None:
    result = imported(listed(verdict=verdict, notes="N."))

    [run] = result.documents[0]["spec"]["verified"]
    assert (run["works"], run["note"]) == (works, note)


def test_what_is_coming_soon_was_run_by_nobody() -> None:
    result = imported(listed(verdict="coming-soon"))

    assert result.documents == ()
    assert [(e.name, e.reason) for e in result.left_out] == [
        ("PostgreSQL", "coming-soon: nobody says that it was run")
    ]


def test_an_application_that_nobody_knows_is_named_and_not_guessed() -> None:
    result = imported(listed(name="PostgreSQLite"))

    assert result.documents == ()
    [unknown] = result.unknown
    assert unknown.name == "PostgreSQLite"
    assert unknown.reason.startswith("no row recognises it; near it are postgresql")


def test_an_application_listed_twice_is_one_document() -> None:
    entry = {"name": "Redis", "verdict": "yes", "version": "9"}
    result = imported(given({"apps": [entry, {**entry, "version": "10"}]}))

    [document] = result.documents
    assert document["metadata"]["name"] == "redis-on-gvisor-20261101.0"
    assert len(document["spec"]["verified"]) == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"verdict": "maybe"},
            (
                "in.json:6: apps[0].verdict: must be one of yes, partial, experimental, "
                "coming-soon, no, not 'maybe'"
            ),
        ),
        ({"version": ""}, "in.json:7: apps[0].version: must be given for verdict yes"),
        ({"verdict": "partial"}, "in.json:3: apps[0].notes: must be given for verdict partial"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said_with_line_and_field(fields: Any, said: str) -> None:
    with pytest.raises(DocumentErrors) as raised:
        imported(listed(**fields))
    assert messages(raised.value) == [said]
