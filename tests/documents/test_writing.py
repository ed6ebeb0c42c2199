"""Documents written: what is read back, and how it looks to a person."""

from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from webhook.documents.source import parse_documents, scalar_text
from webhook.documents.writing import document_text, documents_text

KEYS = st.text(min_size=1, max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.dates().map(date.isoformat)
    | st.text(max_size=200)
    | st.sampled_from(["yes", "off", "1:30", "022", "1e3", "20260817.0", "~", "<<", "=", "- a", ""])
)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(KEYS, below, max_size=4),
    max_leaves=20,
)


def read(text: str) -> list[Any]:
    """What the strict reader makes of ``text``; any fault fails."""
    parsed = parse_documents(text.encode(), file="written.yaml")
    assert parsed.errors == (), text
    return [document.data for document in parsed.documents]


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), st.lists(st.text(), max_size=3))
def test_what_is_written_is_read_back_whatever_the_head_says(
    document: dict[str, Any], head: list[str]
) -> None:
    assert read(document_text(document, head=head)) == [document]


def test_a_document_is_in_blocks_with_its_keys_in_order_and_short_lists_in_a_line() -> None:
    document = {
        "kind": "RuntimeFacts",
        "spec": {
            "facts": [
                {"feature": "syscall:openat2", "versions": [">=20260817.0 <20260817.1"]},
                {"feature": "syscall:bpf", "date": date(2026, 8, 17)},
            ]
        },
    }

    assert document_text(document, head=["Made by hand."]) == (
        "# Made by hand.\n"
        "kind: RuntimeFacts\n"
        "spec:\n"
        "  facts:\n"
        "    - feature: syscall:openat2\n"
        "      versions: ['>=20260817.0 <20260817.1']\n"
        "    - feature: syscall:bpf\n"
        "      date: 2026-08-17\n"
    )


def test_a_long_text_is_folded_and_a_text_of_lines_stands_in_lines() -> None:
    words = " ".join(["word"] * 30)

    lines = document_text({"note": words, "script": "one\ntwo\n"}).splitlines()

    assert max(map(len, lines)) <= 100
    assert lines[-3:] == ["script: |", "  one", "  two"]


def test_a_release_that_was_written_as_a_number_keeps_its_text() -> None:
    [document] = read("version: 20260817.0\n")

    text = document_text(document)

    assert text == "version: 20260817.0\n"
    assert scalar_text(read(text)[0]["version"]) == "20260817.0"


def test_a_release_given_as_text_stays_text_for_every_reader_of_yaml() -> None:
    assert document_text({"version": "20260817.0"}) == "version: '20260817.0'\n"


def test_a_head_stays_a_comment_and_shows_no_control_characters() -> None:
    text = document_text({"a": 1}, head=["from x\n---\nb: 2\x1b[31m", ""])

    assert text == "# from x\n# ---\n# b: 2\\x1b[31m\n#\na: 1\n"


def test_documents_are_parted_and_share_one_head() -> None:
    assert documents_text([{"a": 1}, {"b": 2}], head=["Two."]) == "# Two.\na: 1\n---\nb: 2\n"


def test_half_a_surrogate_pair_is_written_as_the_replacement_character() -> None:
    assert read(document_text({"a": "\ud800!"})) == [{"a": "\ufffd!"}]


def test_a_value_that_no_document_holds_is_refused() -> None:
    with pytest.raises(TypeError, match="a document cannot hold a set"):
        document_text({"a": {"b": {1, 2}}})


def test_remarks_stand_above_what_they_are_about() -> None:
    document = {"a": 1, "list": [{"name": "x", "of": ["y"]}, {"name": "z"}]}
    text = document_text(
        document, head=["top"], remarks={("list", 1): ["why\n- x: y", "more"], ("a",): ["first"]}
    )
    assert text == (
        "# top\n# first\na: 1\nlist:\n  - name: x\n    of: [y]\n"
        "  # why\n  # - x: y\n  # more\n  - name: z\n"
    )
    assert yaml.safe_load(text) == document
