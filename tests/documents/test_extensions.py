"""ApplicationRequirements with ``extends``: they add to an application and replace nothing."""

from typing import Any

from tests.documents.build import EVIDENCE, document, errors, load, load_tables, need, requirements
from webhook.core.applications import Application
from webhook.documents.tables import ShippedData

RUN = {"runtime": "gvisor", "versions": [">=20260817.0"], "works": "yes", "evidence": [EVIDENCE]}
SHIPPED = load_tables(requirements("postgresql", needs=[need()], verified=[{**RUN, "works": "no"}]))


def extension(name: str = "ours", **spec: Any) -> str:
    """An extension of postgresql."""
    spec = {"extends": "postgresql", **spec}
    return document("ApplicationRequirements", spec, name=name)


def extended(*texts: str, shipped: ShippedData = SHIPPED) -> Application:
    """The one application of the table."""
    [application] = load(*texts, shipped=shipped).compat.catalogue.applications
    return application


def test_an_extension_adds_runs_and_needs_and_leaves_the_rest_as_it_is() -> None:
    [before] = SHIPPED.compat.catalogue.applications

    after = extended(extension(verified=[RUN], needs=[need(feature="syscall:fsync")]))

    assert (after.name, after.title, after.recognise) == (
        "postgresql",
        before.title,
        before.recognise,
    )
    assert [n.feature for n in after.needs] == ["syscall:sync_file_range", "syscall:fsync"]
    assert [run.works for run in after.verified] == ["no", "yes"]


def test_the_origin_of_an_extended_application_names_both_documents() -> None:
    assert extended(extension(verified=[RUN])).origin == "shipped, a.yaml:1"


def test_several_extensions_of_one_application_add_up() -> None:
    one, two = extension("one", verified=[RUN]), extension("two", verified=[RUN])

    assert [run.works for run in extended(one, two).verified] == ["no", "yes", "yes"]


def test_an_extension_called_as_the_application_replaces_it_no_more_than_another() -> None:
    assert len(extended(extension("postgresql", verified=[RUN])).verified) == 2


def test_an_application_of_the_same_folder_can_be_extended() -> None:
    own = requirements("postgresql", verified=[RUN])

    after = extended(own, extension(verified=[RUN]))

    assert [run.works for run in after.verified] == ["yes", "yes"]


def test_an_extension_of_no_application_is_an_error_that_names_a_near_one() -> None:
    text = extension(extends="postgres", verified=[RUN])

    [error] = errors(text, shipped=SHIPPED)

    assert error == (
        "a.yaml:1: spec.extends: must be the name of an application of the table, not 'postgres'; "
        "did you mean postgresql?"
    )


def test_an_application_with_an_error_of_its_own_is_not_missed_besides() -> None:
    broken = requirements("ourdb", needs=[need(strength="much")])

    [error] = errors(broken, extension(extends="ourdb", verified=[RUN]))

    assert "spec.needs[0].strength" in error


def test_an_extension_has_neither_title_nor_recognition() -> None:
    text = extension(title="postgresql", verified=[RUN])

    [error] = errors(text, shipped=SHIPPED)

    assert "spec.title: unknown key; must be one of evidence, extends, needs, verified" in error


def test_an_extension_adds_something() -> None:
    [error] = errors(extension(), shipped=SHIPPED)

    assert error.endswith("spec: must hold needs or verified")


def test_a_need_that_is_added_has_evidence_too() -> None:
    bare = {"feature": "syscall:fsync", "strength": "required"}

    [error] = errors(extension(needs=[bare]), shipped=SHIPPED)

    assert "spec.needs[0].evidence: must be given" in error
