import time
from typing import Any

import pytest

from webhook.cli.yaml_stream import Broken, Document, parse_stream


def values(text: str) -> list[Any]:
    """The value of each document; of a broken one its problem."""
    return [d.value if isinstance(d, Document) else d.problem for d in parse_stream(text.encode())]


def places(text: str) -> list[tuple[int, int]]:
    """Index and line of each document, broken or not."""
    return [(d.index, d.line) for d in parse_stream(text.encode())]


def test_a_broken_document_hides_neither_those_before_it_nor_those_after() -> None:
    text = "a: 1\n---\nb: [1, 2\n---\nc: 3\n"
    assert values(text) == [
        {"a": 1},
        "is not YAML: expected ',' or ']' in the list that opens in line 3",
        {"c": 3},
    ]


def test_the_line_of_a_broken_document_is_counted_in_the_whole_text() -> None:
    assert list(parse_stream(b'a: 1\n---\nb: 1\nc: "\n  d'))[1:] == [
        Broken(index=1, line=4, problem="is not YAML: the quote that opens here is not closed")
    ]


def test_documents_are_counted_without_the_empty_ones() -> None:
    assert places("# about\n---\n# nothing\n---\na: 1\n---\n---\nb: 2\n") == [(0, 5), (1, 8)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# a comment alone\n", []),
        ("---\n---\n", []),
        ("\ufeffa: 1\n", [{"a": 1}]),
        ("%YAML 1.1\n---\na: 1\n", [{"a": 1}]),
        ("--- {a: 1}\n--- # said\nb: 2\n...\n", [{"a": 1}, {"b": 2}]),
        ('{"a": 1}\n{"b": [2]}\n', [{"a": 1}, {"b": [2]}]),
        ('{"a": 1}\n---\n{"b": 2}\n', [{"a": 1}, {"b": 2}]),
        ("{a: b}\n---\nc: d\n", [{"a": "b"}, {"c": "d"}]),
        ('{"smile": "\\ud83d\\ude00",\t"x": 1}', [{"smile": "\U0001f600", "x": 1}]),
    ],
)
def test_what_kubectl_takes_as_a_stream_is_read(text: str, expected: list[Any]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0644", 0o644),
        ("0o17", 0o17),
        ("0x1F", 31),
        ("1_000", 1000),
        ("-3", -3),
        ("09", 9.0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("yes", True),
        ("N", False),
        ("Off", False),
        ("~", None),
        ("", None),
        ("2020-01-01", "2020-01-01"),
        ("1:30", "1:30"),
        ("=", "="),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("!!int '1'", 1),
        ("!other 1", "1"),
        ("!!binary cG9zdGdyZXM=", "postgres"),
        ("!!binary x", "x"),
        ("1e400", "1e400"),
        ("1" * 100, "1" * 100),
    ],
)
def test_scalars_are_what_the_api_server_is_sent(written: str, value: Any) -> None:
    assert values(f"x: {written}\n") == [{"x": value}]


def test_keys_are_texts_as_in_json() -> None:
    assert values("80: a\ntrue: b\n'~': c\n'x': d\n") == [
        {"80": "a", "true": "b", "~": "c", "x": "d"}
    ]


def test_of_a_duplicate_key_the_last_counts_as_with_kubectl() -> None:
    assert values("a: 1\na: 2\n") == [{"a": 2}]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("{<<: *a, l: 3}", {"k": 1, "l": 3}),
        ("{l: 3, <<: *a}", {"k": 1, "l": 2}),
        ("{<<: [*a, *b]}", {"k": 1, "l": 2, "m": 5}),
        ("{<<: *a, <<: *b}", {"k": 1, "l": 4, "m": 5}),
        ("{'<<': 1}", {"<<": 1}),
    ],
)
def test_a_merge_overrides_what_stands_above_it_as_with_kubectl(written: str, value: Any) -> None:
    text = f"a: &a {{k: 1, l: 2}}\nb: &b {{l: 4, m: 5}}\nx: {written}\n"
    assert values(text)[0]["x"] == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: *b\n", "alias *b names nothing above"),
        ("a: {<<: 1}\n", "the value of << must be a mapping or a list of mappings"),
        ("? {a: b}\n: c\n", "a key must be a string, not a mapping, a list or an alias"),
        ("~: a\n", "null is no key"),
        ("? [a]\n: c\n", "a key must be a string, not a mapping, a list or an alias"),
        ('{"a": 1\n', "is not JSON: Expecting ',' delimiter"),
        (
            "a: \x1b[31m\n",
            "holds the control character U+001B",
        ),
    ],
)
def test_what_cannot_be_used_is_said(text: str, problem: str) -> None:
    assert values(text) == [problem]


@pytest.mark.parametrize("text", ["[" * 200_000, "{a: " * 200_000, "- " * 100_000])
def test_deep_nesting_is_refused_and_does_not_end_the_process(text: str) -> None:
    assert values(text) == ["is nested more than 200 deep"]


def test_deeply_nested_json_is_refused() -> None:
    assert values('{"a":' * 200_000) == ["is nested too deep"]


def test_aliases_that_write_out_to_billions_are_refused_at_once() -> None:
    lines = ["a: &a [" + ", ".join("x" * 9) + "]"]
    for before, name in zip("abcdefghi", "bcdefghij", strict=True):
        lines.append(f"{name}: &{name} [" + ", ".join([f"*{before}"] * 9) + "]")
    started = time.process_time()
    assert values("\n".join(lines)) == [
        "holds more than 2000000 values once its aliases are written out"
    ]
    assert (
        time.process_time() - started < 5
    )  # of the processor: by the clock a busy machine takes longer


def test_an_item_of_a_list_knows_its_line() -> None:
    (document,) = parse_stream(b"kind: List\nitems:\n- kind: A\n-\n  kind: B\n")
    assert isinstance(document, Document)
    assert [document.line_of(("items", index)) for index in (0, 1)] == [3, 5]
