"""Strict YAML: values with places, and every fault with file and line."""

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.documents.source import (
    MOST_DOCUMENTS,
    MOST_FAULTS,
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
    assert document.line_of(("spec", "list", 0, "x")) == 3


def test_an_error_of_a_field_names_file_line_path_and_message() -> None:
    (document,) = parsed("spec:\n  mode: deny\n").documents
    assert str(document.error(("spec", "mode"), "must be warn")) == (
        "p.yaml:2: spec.mode: must be warn"
    )


@pytest.mark.parametrize(
    ("path", "written"),
    [
        (("spec", "overrides", 2, "mode"), "spec.overrides[2].mode"),
        (("metadata", "labels", "a.b/c"), "metadata.labels[a.b/c]"),
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
    "text",
    ["", "\n\n", " # a\n", "---\n", "--- # a\n---\n...\n# b", "%YAML 1.1\n---\n"],
)
def test_what_holds_no_document_is_no_error(text: str) -> None:
    assert parsed(text) == ParsedFile()


def test_a_broken_document_does_not_hide_the_others() -> None:
    found = parsed("a: 1\n---\nb: [1\n---\nc: 3\n")
    assert [d.data for d in found.documents] == [{"a": 1}, {"c": 3}]
    assert [str(e) for e in found.errors] == [
        "p.yaml:3: is not YAML: expected ',' or ']' in the list that opens in line 3"
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
    assert faults("a: *x\n") == ["p.yaml:1: a: alias *x names nothing above"]


def test_an_alias_of_what_holds_it_is_refused() -> None:
    assert faults("a: &x [*x]\n") == ["p.yaml:1: a[0]: alias *x stands inside of what it names"]


def test_a_text_that_aliases_make_large_is_refused() -> None:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]")
    assert faults("\n".join(lines)) == [
        "p.yaml:6: holds more than 200000 values once its aliases are written out"
    ]


def test_a_text_that_is_large_without_aliases_is_refused_too() -> None:
    assert faults("- a\n" * 200_000) == [
        "p.yaml:200000: holds more than 200000 values once its aliases are written out"
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
        (b"a: 1\nb: \xff\n", "p.yaml:2: is not UTF-8: byte 0xff at offset 8"),
        (b"a: \xed\xa0\x80\n", "p.yaml:1: is not UTF-8: byte 0xed at offset 3"),
        ("a: 1".encode("utf-16"), "p.yaml:1: is UTF-16; must be UTF-8"),
        ("\ufeffa: 1".encode("utf-16-be"), "p.yaml:1: is UTF-16; must be UTF-8"),
        ("a: 1".encode("utf-16-be"), "p.yaml:1: holds the control character U+0000"),
        (b"a: 1\nb: x\0y\n", "p.yaml:2: holds the control character U+0000"),
        (b"a: 1\nb: \x1b[31m\n", "p.yaml:2: holds the control character U+001B"),
        ("a: \ufffe\n".encode(), "p.yaml:1: holds the unprintable character U+FFFE"),
    ],
)
def test_a_text_that_is_no_text_is_one_error_with_its_line(content: bytes, said: str) -> None:
    assert faults(content) == [said]


TAB = "a tab must not indent: use spaces"
COLON = "a ':' is not expected here: put text that holds one in quotes, or mind the indentation"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a:\n\t- b\n", 2, TAB),
        ("a: b\n\tc: d\n", 2, TAB),
        ('x: 1\na: "b\nc: d\n', 2, "the quote that opens here is not closed"),
        ("a: 'b\n\n\n", 1, "the quote that opens here is not closed"),
        ("a: b: c\n", 1, COLON),
        ("a: 1\n b: 2\n", 2, COLON),
        ("a: @b\n", 1, "a text must not begin with '@': put it in quotes"),
        ("a: `b`\n", 1, "a text must not begin with '`': put it in quotes"),
        ("a: - b\n", 1, "a '-' is not expected here: begin the list in a line of its own"),
        ("a: [1,\n  2\nb: 3\n", 3, "expected ',' or ']' in the list that opens in line 1"),
        ("a: {b: 1\nc: 3\n", 2, "expected ',' or '}' in the mapping that opens in line 1"),
        ("- a\nb: 1\n", 2, "expected a '-' of the list that begins in line 1"),
        ("a:\n  b: 1\n c: 2\n", 3, "expected a key of the mapping that begins in line 1"),
        ("a: |\nb\n", 2, "expected a ':' after this key, or the text is not indented"),
        ("a: !x!y z\n", 1, "found undefined tag handle"),
        ("---\n%a: 1\n", 2, "found unexpected non-alphabetical character"),
        ("%YAML 1.1\na: 1\n", 2, "did not find expected <document start>"),
        ("---#a\nb: 1\n", 2, COLON),
    ],
)
def test_a_fault_of_syntax_is_said_for_people(text: str, line: int, said: str) -> None:
    assert faults(text) == [f"p.yaml:{line}: is not YAML: {said}"]


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert parsed(b"\xef\xbb\xbfa: 1\n").documents[0].data == {"a": 1}


@pytest.mark.parametrize(
    "broken", [b"b: [1", b"b: \xff", b"b: \x00", b"b: 'x", b"b: *none", b"[" * 99, b"a: {[b]: c}"]
)
def test_whatever_breaks_a_document_hides_no_other(broken: bytes) -> None:
    found = parsed(b"a: 1\n---\n" + broken + b"\n---\nc: 3\n")
    assert [(d.index, d.line, d.data) for d in found.documents] == [
        (0, 1, {"a": 1}),
        (2, 5, {"c": 3}),
    ]
    assert [error.line in {3, 4} for error in found.errors] == [True]


def test_lines_with_carriage_returns_are_counted_once() -> None:
    (document,) = parsed("---\r\n# x\r\na: 1\r\nb:\r\n- c\r\n").documents
    assert document.data == {"a": 1, "b": ["c"]}
    assert document.mark_of(("b", 0)) == (5, 3)


def test_an_indented_marker_in_a_block_of_text_is_text() -> None:
    assert value("a: |\n  b\n  ---\n  ...\n  c\n") == {"a": "b\n---\n...\nc\n"}


@pytest.mark.parametrize(
    "text",
    [
        "%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n---\nb: 2\n...\n",
        "--- {a: 1}\n--- # said\nb: 2\n",
        "a: 1\n... # the end\nb: 2\n",
        "...\n...\na: 1\n---\n...\n---\nb: 2\n... ",
    ],
)
def test_documents_end_as_yaml_ends_them(text: str) -> None:
    found = parsed(text)
    assert ([d.data for d in found.documents], found.errors) == ([{"a": 1}, {"b": 2}], ())


def test_json_is_read_with_the_same_places() -> None:
    (document,) = parsed('{\n\t"a": 1.50,\n\t"b": ["\\/", null]\n}\n').documents
    assert document.data == {"a": 1.5, "b": ["/", None]}
    assert document.mark_of(("b", 1)) == (3, 14)


def test_a_duplicate_key_leaves_the_document_to_be_read_with_its_first_value() -> None:
    found = parsed("a: {b: 1}\na: {c: !t 2}\nd: 3\n")
    assert found.documents[0].data == {"a": {"b": 1}, "d": 3}
    assert [str(error) for error in found.errors] == [
        "p.yaml:2: duplicate key 'a', first given in line 1",
        "p.yaml:2: a.c: the tag '!t' is not read: leave it out",
    ]


@pytest.mark.parametrize("text", ["a: 1\n2: b\n", "a: &x {b: 1}\nc: {<<: *x}\n"])
def test_a_document_of_which_a_key_was_left_out_is_not_returned(text: str) -> None:
    assert parsed(text).documents == ()


def test_a_merge_key_in_quotes_is_a_key() -> None:
    assert value("'<<': 1\n") == {"<<": 1}


@pytest.mark.parametrize("text", ["a: ! 12\n", "! a: '12'\n", "a: ! '12'\n"])
def test_the_tag_that_says_text_is_read(text: str) -> None:
    assert value(text) == {"a": "12"}


@pytest.mark.parametrize(
    "text", ["a: !!str 1\n", "a: !!set {b}\n", "a: !x [b]\n", "!x a: b\n", "!x {a: b}\n"]
)
def test_any_other_tag_is_an_error(text: str) -> None:
    (said,) = faults(text)
    assert said.endswith(" is not read: leave it out")


def test_an_anchor_that_is_given_again_names_the_later_value() -> None:
    assert value("[&x 1, *x, &x 2, *x]") == [1, 1, 2, 2]


def test_an_anchor_of_a_key_names_the_key() -> None:
    assert value("&x a: *x\n") == {"a": "a"}


def test_no_more_faults_are_told_than_a_person_mends() -> None:
    found = parsed("a: 1\n" * 1_000)
    assert len(found.errors) == MOST_FAULTS + 1
    assert str(found.errors[-1]) == (
        "p.yaml:102: there are more faults than are told: mend those above"
    )


def test_a_file_of_broken_documents_is_not_read_to_its_end() -> None:
    found = parsed("---\n[\n" * 2_000)
    assert len(found.errors) == 10 * MOST_FAULTS + 1
    assert found.errors[-1].message == "there are more faults than are told: mend those above"


def test_a_file_of_very_many_documents_is_refused() -> None:
    found = parsed("---\na\n" * (MOST_DOCUMENTS + 5))
    assert [str(error) for error in found.errors] == [
        "p.yaml:20001: is the end of what is read: a file may hold at most 10000 documents"
    ]


def test_a_message_shows_hostile_names_and_keys_in_one_line_and_bounded() -> None:
    key = "\\u202e\\n" + "k" * 900
    errors = parse_documents(f'"{key}": {{a: 1, a: 2}}\n'.encode(), file='x\n"\x1b.yaml').errors
    said = str(errors[0])
    assert said.isprintable()
    assert said.startswith('x\\n\\"\\x1b.yaml:1: [\\u202e\\nkkk')
    assert len(said) < 250


@pytest.mark.parametrize("piece", ["[", "{a: ", "- ", "? ", '{"a":', "...\n", "---\n", "*a ", "\n"])
def test_half_a_megabyte_of_anything_is_read_or_refused_soon(piece: str) -> None:
    started = process_time()
    parsed(piece * (500_000 // len(piece)))
    assert process_time() - started < 20


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


@given(st.text(alphabet="ab:-[]{}&*!?|>'\"#%. \n\t\r,<~1", max_size=60))
def test_any_yaml_like_text_is_documents_or_errors_with_places(text: str) -> None:
    found = parsed(text)
    last = text.count("\n") + text.count("\r") + 1
    assert all(1 <= error.line <= last for error in found.errors)
    for document in found.documents:
        for path in paths(document.data):
            line, column = document.mark_of(path)
            assert 1 <= line <= last
            assert 1 <= column <= len(text) + 1


def paths(value: object) -> list[tuple[str | int, ...]]:
    """The path of everything in a value."""
    if isinstance(value, dict):
        entries: list[tuple[str | int, object]] = list(value.items())
    else:
        entries = list(enumerate(value)) if isinstance(value, list) else []
    return [(), *((key, *path) for key, below in entries for path in paths(below))]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_is_written_as_json_is_read_as_it_was(written: object) -> None:
    text = json.dumps(written, indent=1, ensure_ascii=False).translate(CONTROLS)
    found = parsed(text)
    assert found.errors == ()
    assert [d.data for d in found.documents] == [written] * (written is not None)


CONTROLS = {
    code: f"\\u{code:04x}"
    for code in (0x7F, *range(0x80, 0xA0), 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF)
}
"""JSON allows these in strings as they are; YAML wants escapes, or reads them as line ends."""
