"""The reader that policies and manifests share, under rules that refuse nothing."""

from typing import Any

import pytest
import yaml

from webhook.documents.yaml_faults import Fault
from webhook.documents.yaml_parts import Part, parts
from webhook.documents.yaml_reader import Reader


class Lenient(Reader):
    """Every scalar is text and the last of two entries counts."""

    deepest = 100_000

    def scalar(self, event: yaml.ScalarEvent) -> Any:
        return event.value

    def key(self, event: yaml.ScalarEvent) -> str | None:
        return event.value or None

    def odd_entry(self, event: yaml.ScalarEvent, key: str | None, entries: dict[str, Any]) -> None:
        entries[key or "nothing"] = self.next_value()

    def tagged(self, event: Any) -> None:
        pass


def values(text: str) -> list[Any]:
    return [read.value for part in parts(text.encode()) for read in Lenient(part).read()]


def test_what_an_odd_entry_means_is_for_the_rules_to_say() -> None:
    assert values("a: 1\na: 2\n'': 3\n") == [{"a": "2", "nothing": "3"}]


@pytest.mark.parametrize("opening", ["[", "{a: ", "{a: &a ", "{'': &a ", "- "])
def test_no_bound_of_the_rules_lets_a_text_end_the_process(opening: str) -> None:
    with pytest.raises(Fault, match=r"^is nested too deep$"):
        values(opening * 50_000)


def test_an_entry_that_is_no_key_has_the_place_of_its_mapping() -> None:
    (part,) = parts(b"a:\n  b: 1\n  '': {c: 2}\n")
    (read,) = Lenient(part).read()
    assert [read.mark_of(path) for path in (("a", "b"), ("a", "nothing", "c"))] == [(2, 3), (1, 1)]


def test_a_part_knows_where_in_the_file_it_begins() -> None:
    assert list(parts(b"\xef\xbb\xbf# a\n%YAML 1.2\n---\nb\n... \nc\n--- # d\n\n---\ne")) == [
        Part(content=b"---\nb\n... \n", line=3, offset=17),
        Part(content=b"c\n", line=6, offset=28),
        Part(content=b"---\ne", line=9, offset=39),
    ]


def test_a_byte_order_mark_after_a_mark_is_passed_over() -> None:
    text = b"a: 1\n--- \r\n\xef\xbb\xbfb: 2\nc: 3\n"
    first, second = parts(text)
    assert second == Part(content=b"b: 2\nc: 3\n", line=3, offset=14)
    (read,) = Lenient(second).read()
    assert (read.value, read.mark_of(("c",))) == ({"b": "2", "c": "3"}, (4, 1))
    assert first.line == 1
