"""Tables written in their compiled form and read back."""

from dataclasses import replace

import pytest

from tests.documents.build import EVIDENCE, fact, facts, load_tables, need, requirements, whole
from webhook.core.versions import parse_version
from webhook.documents.compiled import compile_tables, read_compiled
from webhook.documents.tables import Tables

KEY = "these rows and this code"
WHOLE = load_tables(
    facts(
        fact(
            support="gated",
            gate={"flag": "iouring", "values": ["true"], "support": "partial"},
            when={"cri": {"name": "containerd", "versions": [">=2.0"]}, "arch": ["arm64", "amd64"]},
        ),
        when={"flags": {"platform": "kvm"}, "vendor": "gke"},
        releases=["20181030.0", "20260817.0"],
    ),
    requirements(
        recognise=[
            {"images": ["*/postgres:1?"], "excludeImages": ["*/x/*"], "env": {"PGDATA": "*"}},
            {"labels": {"app": "db"}, "args": ["postgres"]},
        ],
        needs=[need(versions=[">=9 <10", ">=11"], when={"args": ["a"]}, unless={"args": ["b"]})],
        verified=[
            {
                "runtime": "gvisor",
                "versions": [">=20181108"],
                "works": "partial",
                "applicationVersion": "11",
                "note": "seen",
                "evidence": [{**EVIDENCE, "tested": "11.1"}],
            }
        ],
    ),
).tables


def written(tables: Tables) -> bytes:
    return compile_tables(tables, KEY)


def test_what_is_read_is_what_was_written_to_the_last_field() -> None:
    assert whole(read_compiled(written(WHOLE), KEY)) == whole(WHOLE)


def test_equal_versions_keep_each_its_own_text() -> None:
    two = [parse_version("4.1"), parse_version("4.1.0")]
    (row,) = WHOLE.facts["it"]
    rows = tuple(
        replace(row, versions=replace(row.versions, intervals=(replace(i, start=v),)))
        for v in two
        for i in row.versions.intervals
    )
    read = read_compiled(written(Tables(facts={"it": rows})), KEY)
    assert read is not None
    assert [str(fact.versions) for fact in read.facts["it"]] == [">=4.1", ">=4.1.0"]


def test_what_was_compiled_for_another_key_is_not_read() -> None:
    assert read_compiled(written(WHOLE), "other rows") is None


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        written(WHOLE)[:40],
        written(WHOLE)[:-1],
        written(WHOLE).replace(b"postgres", b"redisdb1"),
        b"0" + written(WHOLE)[1:],
    ],
    ids=["empty", "cut in the seal", "cut at the end", "touched", "another seal"],
)
def test_a_damaged_file_is_not_read(damaged: bytes) -> None:
    assert read_compiled(damaged, KEY) is None


def test_a_value_that_no_row_knows_how_to_write_is_an_error_of_the_build() -> None:
    with pytest.raises(KeyError, match="bytes"):
        written(Tables(facts={"it": (b"",)}))  # type: ignore[dict-item]  # what cannot be written
