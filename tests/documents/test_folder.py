import pytest

from tests.documents.build import (
    document,
    errors,
    fact,
    facts,
    inventory,
    load,
    load_tables,
    policy,
    requirements,
    runtime,
)
from webhook.core.compat import CompatTable
from webhook.documents.sentences import NEWER
from webhook.documents.source import DocumentErrors

KINDS = "RuntimePolicy, RuntimeInventory, RuntimeFacts, ApplicationRequirements, PolicyTest"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[]",
            "must be a mapping with apiVersion, kind, metadata and spec, not a list",
        ),
        (
            "hello",
            "must be a mapping with apiVersion, kind, metadata and spec, not 'hello'",
        ),
        (
            "{apiVersion: runtimegate.dev/v2, kind: RuntimePolicy}",
            f"apiVersion: must be runtimegate.dev/v1, not 'runtimegate.dev/v2'{NEWER}",
        ),
        ("{spec: {}}", f"kind: must be given; must be one of {KINDS}"),
        (
            "{apiVersion: apps/v1, kind: RuntimePolicy}",
            "apiVersion: must be runtimegate.dev/v1, not 'apps/v1'",
        ),
        ("{kind: [RuntimePolicy]}", f"kind: must be one of {KINDS}, not a list"),
        ("{kind: Pod}", f"kind: must be one of {KINDS}, not 'Pod'{NEWER}"),
        (
            "{kind: RuntimePolicies}",
            (
                f"kind: must be one of {KINDS}, not 'RuntimePolicies'; did you mean RuntimePolicy?"
                f"{NEWER}"
            ),
        ),
        (
            "{kind: RuntimePolicy, metadata: {name: it}, spec: {namespaces: {names: [a]}}}",
            "apiVersion: must be given",
        ),
        (
            "{apiVersion: runtimegate.dev/v1, kind: RuntimePolicy, metadata: {name: it}, spec: }",
            "spec: must not be empty: give a value or leave the key out",
        ),
        (
            (
                "{apiVersion: runtimegate.dev/v1, kind: RuntimePolicy, kind: Pod, "
                "metadata: {name: it}, spec: {namespaces: {names: [a]}}}"
            ),
            "duplicate key 'kind', first given in line 1",
        ),
    ],
)
def test_a_document_that_is_none_of_ours_is_refused(text: str, message: str) -> None:
    assert errors(text) == [f"a.yaml:1: {message}"]


def test_two_documents_of_a_kind_have_different_names() -> None:
    text = f"{policy('a')}\n---\n{policy('b')}\n---\n{policy('a')}\n"
    assert errors(text, policy("b")) == [
        "a.yaml:5: metadata.name: a is the name of the RuntimePolicy at a.yaml:1 too",
        "b.yaml:1: metadata.name: b is the name of the RuntimePolicy at a.yaml:3 too",
    ]


def test_documents_of_different_kinds_may_have_one_name() -> None:
    loaded = load(policy("a"), inventory(runtime(), name="a"), facts(fact(), name="a"))
    assert [(d.kind, d.name, d.place()) for d in loaded.documents] == [
        ("RuntimePolicy", "a", "a.yaml:1"),
        ("RuntimeInventory", "a", "b.yaml:1"),
        ("RuntimeFacts", "a", "c.yaml:1"),
    ]


def test_a_folder_holds_one_inventory() -> None:
    assert errors(inventory(name="a"), inventory(name="b"), inventory(name="c")) == [
        "b.yaml:1: kind: a folder holds one RuntimeInventory; the other is at a.yaml:1",
        "c.yaml:1: kind: a folder holds one RuntimeInventory; the other is at a.yaml:1",
    ]


def test_the_origin_of_a_policy_is_its_first_line() -> None:
    assert load(f"# Ours.\n\n---\n{policy()}").policies.policies[0].origin == "a.yaml:4"


def test_rows_with_the_same_conditions_must_not_speak_of_the_same_release() -> None:
    one = facts(
        fact(versions=["<20181108"]),
        fact(versions=[">=20181108"], support="full"),
        fact(when={"arch": ["arm64"]}),
        fact(versions=["<20180101"], support="unknown"),
        name="a",
    )
    other = facts(fact(versions=[">=20200101 <20210101"]), name="b")
    assert errors(one, other) == [
        (
            "a.yaml:1: spec.facts[3]: syscall:sync_file_range of <20180101 is said at a.yaml:1 "
            "already, of <20181108: rows with the same conditions must not overlap"
        ),
        (
            "b.yaml:1: spec.facts[0]: syscall:sync_file_range of >=20200101 <20210101 is said at "
            "a.yaml:1 already, of >=20181108: rows with the same conditions must not overlap"
        ),
    ]


def test_rows_of_different_runtimes_do_not_meet() -> None:
    loaded = load(facts(fact(), name="a"), facts(fact(), name="b", runtime="runc"))
    assert [row.runtime for row in loaded.compat.facts] == ["gvisor", "runc"]


SHIPPED = load_tables(
    facts(fact(note="shipped"), name="calls", releases=["20190304.1"]),
    facts(fact(feature="pod:hostNetwork"), name="pods"),
    requirements(),
)


def test_a_document_replaces_the_shipped_one_of_its_name_whole() -> None:
    loaded = load(
        facts(fact(feature="pod:hostPID", note="ours"), name="calls"),
        requirements(title="Postgres"),
        shipped=SHIPPED,
    )
    assert [(row.feature, row.note, row.overlay) for row in loaded.compat.facts] == [
        ("pod:hostPID", "ours", True),
        ("pod:hostNetwork", "", False),
    ]
    assert [a.title for a in loaded.compat.catalogue.applications] == ["Postgres"]
    assert loaded.compat.releases == {}


def test_a_document_of_another_name_adds_and_may_contradict_the_shipped() -> None:
    loaded = load(facts(fact(note="ours"), name="more"), requirements("mysql"), shipped=SHIPPED)
    assert [(row.note, row.origin) for row in loaded.compat.facts] == [
        ("shipped", "shipped"),
        ("", "shipped"),
        ("ours", "a.yaml:1"),
    ]
    assert [a.name for a in loaded.compat.catalogue.applications] == ["mysql", "postgresql"]
    assert list(loaded.compat.releases) == ["gvisor"]


def test_a_folder_without_tables_of_its_own_has_the_very_shipped_table() -> None:
    assert load(policy(), shipped=SHIPPED).compat is SHIPPED.compat


def test_the_tables_have_the_version_of_what_is_shipped_also_below_an_overlay() -> None:
    assert len(SHIPPED.compat.version) == 12
    loaded = load(facts(fact(), name="more"), shipped=SHIPPED)
    assert loaded.compat.version == SHIPPED.compat.version
    assert load_tables(facts(fact(), name="x")).compat.version != SHIPPED.compat.version


def test_shipped_tables_that_hold_an_error_are_refused() -> None:
    with pytest.raises(DocumentErrors) as refused:
        load_tables(facts(fact(support="gated")))
    assert str(refused.value) == "a.yaml:1: spec.facts[0].gate: must be given for support gated"


def test_nothing_loads_to_nothing() -> None:
    loaded = load()
    assert loaded.policies.policies == ()
    assert isinstance(loaded.compat, CompatTable)


def test_a_kind_that_nobody_reads_is_told_beside_the_errors_of_the_others() -> None:
    assert errors(document("Pod", {}), policy(mode="x")) == [
        f"a.yaml:1: kind: must be one of {KINDS}, not 'Pod'{NEWER}",
        "b.yaml:1: spec.mode: must be one of enforce, warn, audit, not 'x'",
    ]
