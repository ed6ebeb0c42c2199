"""Strict YAML: values with places, and every fault with file and line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.documents.source import (
    DocumentError,
    DocumentErrors,
    ParsedFile,
    field_path,
    parse_documents,
    scalar_text,
)


def parsed(text: str | bytes) -> ParsedFile:
    content = text.encode() if isinstance(text, str) else text
    return parse_documents(content, file="p.yaml")


def faults(text: str | bytes) -> list[str]:
    return [str(error) for error in parsed(text).errors]


def value(text: str) -> object:
    found = parsed(text)
    assert found.errors == ()
    return found.documents[0].data


def test_a_document_knows_the_line_of_each_of_its_fields() -> None:
    (document,) = parsed("# head\nspec:\n  list:\n    - a\n    - mode: x\n").documents
    assert document.mark_of(("spec", "list", 0)) == (4, 7)
    assert document.mark_of(("spec", "list", 1, "mode")) == (5, 7)
    assert document.line_of(("spec",)) == 2


def test_a_field_that_is_not_written_has_the_line_of_what_would_hold_it() -> None:
    (document,) = parsed("spec:\n  list:\n    - a\n").documents
    assert document.line_of(("spec", "list", 7, "x")) == 2
    assert document.line_of(("metadata", "name")) == 1


def test_an_error_of_a_field_names_file_line_path_and_message() -> None:
    (document,) = parsed("spec:\n  mode: deny\n").documents
    assert str(document.error(("spec", "mode"), "must be warn")) == (
        "p.yaml:2: spec.mode: must be warn"
    )


@pytest.mark.parametrize(
    ("path", "written"),
    [
        (("spec", "overrides", 2, "mode"), "spec.overrides[2].mode"),
        (("metadata", "labels", "a.b/c"), "metadata.labels['a.b/c']"),
        ((), ""),
    ],
)
def test_a_field_path_is_written_as_the_api_writes_it(
    path: tuple[str | int, ...], written: str
) -> None:
    assert field_path(path) == written


def test_each_document_of_a_file_knows_its_line() -> None:
    found = parsed("a: 1\n---\n\nb: 2\n---\n---\n# nothing\n---\nc: 3\n")
    assert [(d.line, d.index, d.data) for d in found.documents] == [
        (1, 0, {"a": 1}),
        (4, 1, {"b": 2}),
        (9, 2, {"c": 3}),
    ]


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# a comment\n", "---\n", "---\n---\n", "%YAML 1.1\n---\n"]
)
def test_what_holds_no_document_is_no_error(text: str) -> None:
    assert parsed(text) == ParsedFile()


def test_a_broken_document_does_not_hide_the_others() -> None:
    found = parsed("a: 1\n---\nb: [1\n---\nc: 3\n")
    assert [d.data for d in found.documents] == [{"a": 1}, {"c": 3}]
    assert [str(e) for e in found.errors] == [
        "p.yaml:4: is not YAML: did not find expected ',' or ']'"
    ]


def test_every_fault_of_a_document_is_reported() -> None:
    assert faults("a: 1\na: 2\nb:\n  - 3: x\n    k: !!python/name:os.system y\n") == [
        "p.yaml:2: duplicate key 'a', first given in line 1",
        "p.yaml:4: b[0]: the key '3' must be a string: put it in quotes",
        (
            "p.yaml:5: b[0].k: the tag 'tag:yaml.org,2002:python/name:os.system' is not read: "
            "leave it out"
        ),
    ]


def test_a_duplicate_key_is_found_at_any_depth() -> None:
    assert faults("a:\n  - b: {c: 1, c: 2}\n") == [
        "p.yaml:2: a[0].b: duplicate key 'c', first given in line 2"
    ]


def test_a_merge_key_is_refused() -> None:
    assert faults("a: &x {b: 1}\nc: {<<: *x}\n") == [
        "p.yaml:2: c: merge keys (<<) are not read: write the values out"
    ]


@pytest.mark.parametrize("key", ["true", "~", "1.5", "3"])
def test_a_key_that_yaml_would_not_read_as_text_is_refused(key: str) -> None:
    assert faults(f"{key}: x\n") == [
        f"p.yaml:1: the key {key!r} must be a string: put it in quotes"
    ]


@pytest.mark.parametrize("text", ["{[a]: b}", "{{a: b}: c}", "? [a]\n: b\n", "a: &x 1\n*x : b\n"])
def test_a_key_that_is_no_scalar_is_refused(text: str) -> None:
    assert [e.message for e in parsed(text).errors] == [
        "a key must be a string, not a mapping, a list or an alias"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("yes", "yes"),
        ("off", "off"),
        ("Yes", "Yes"),
        ("2027-06-30", "2027-06-30"),
        ("1:30", "1:30"),
        ("022", "022"),
        ("0x10", "0x10"),
        ("1e3", "1e3"),
        (".5", ".5"),
        ("7", 7),
        ("-7", -7),
        ("4.10", 4.1),
        ("'7'", "7"),
        ('"true"', "true"),
        ("1" * 60, "1" * 60),
    ],
)
def test_a_scalar_is_what_it_looks_like(text: str, expected: object) -> None:
    assert value(f"- {text}\n- x\n") == [expected, "x"]


@pytest.mark.parametrize("text", ["20260817.0", "4.10", "100", "true", "false", "4.1.0", "'x'"])
def test_a_scalar_keeps_the_text_that_it_was_written_as(text: str) -> None:
    found = value(f"[{text}]")
    assert isinstance(found, list)
    assert scalar_text(found[0]) == text.strip("'")


def test_what_is_no_scalar_has_no_text() -> None:
    assert scalar_text(None) is scalar_text(["x"]) is scalar_text({"a": 1}) is None
    assert scalar_text(3) == "3"


def test_an_ordinary_alias_is_the_value_that_it_names() -> None:
    (document,) = parsed("a: &x [1, 2]\nb: *x\nc:\n  - *x\n").documents
    assert document.data == {"a": [1, 2], "b": [1, 2], "c": [[1, 2]]}
    assert document.line_of(("c", 0, 1)) == 1


def test_an_alias_of_nothing_is_refused() -> None:
    assert faults("a: *x\n") == ["p.yaml:1: a: alias *x names nothing above it"]


def test_an_alias_of_what_holds_it_is_refused() -> None:
    assert faults("a: &x [*x]\n") == ["p.yaml:1: a[0]: alias *x names nothing above it"]


def test_a_text_that_aliases_make_large_is_refused() -> None:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]")
    assert faults("\n".join(lines)) == [
        "p.yaml:6: holds more than 200000 values once its aliases are written out"
    ]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_a_text_nested_ten_thousand_deep_is_refused(opening: str) -> None:
    (error,) = parsed(opening * 10_000).errors
    assert error.message == "is nested more than 64 deep"


def test_a_file_of_ten_megabytes_is_one_error() -> None:
    assert faults(b"a: 1\n" * 2_000_000) == [
        "p.yaml: is 10000000 bytes; a file may have at most 4194304"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: 1\nb: \xff\n", "p.yaml:2: is not UTF-8: byte 0xff at 8"),
        ("a: 1".encode("utf-16"), "p.yaml:1: is UTF-16; must be UTF-8"),
        (b"a: 1\nb: x\0y\n", "p.yaml:2: holds the control character U+0000"),
        (b"a: \x1b[31m\n", "p.yaml:1: holds the control character U+001B"),
        (
            b"a:\n\t- b\n",
            "p.yaml:2: is not YAML: found character that cannot start any token",
        ),
        (b'a: "x\n', "p.yaml:2: is not YAML: found unexpected end of stream"),
        (b"a: b: c\n", "p.yaml:1: is not YAML: mapping values are not allowed in this context"),
        (b"a: 1\n b: 2\n", "p.yaml:2: is not YAML: mapping values are not allowed in this context"),
    ],
)
def test_a_text_that_is_no_yaml_is_one_error_with_its_line(content: bytes, said: str) -> None:
    assert faults(content) == [said]


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert parsed(b"\xef\xbb\xbfa: 1\n").documents[0].data == {"a": 1}


def test_a_character_that_yaml_does_not_allow_is_an_error() -> None:
    (said,) = faults("a: \ufffe\n")
    assert said.startswith("p.yaml:1: is not YAML: ")


def test_errors_are_put_in_the_order_of_files_and_lines() -> None:
    late, early = (
        DocumentError(file="p.yaml", line=line, column=1, field_path="a", message="no")
        for line in (9, 2)
    )
    errors = DocumentErrors([late, early])
    assert errors.errors == (early, late)
    assert str(errors) == "p.yaml:2: a: no\np.yaml:9: a: no"


@given(st.binary(max_size=300))
def test_any_bytes_are_documents_or_errors(content: bytes) -> None:
    found = parsed(content)
    assert all(str(error).startswith("p.yaml") for error in found.errors)


@given(st.text(alphabet="ab:-[]{}&*!?|>'\"#% \n\t,<~1", max_size=60))
def test_any_yaml_like_text_is_documents_or_errors(text: str) -> None:
    parsed(text)
