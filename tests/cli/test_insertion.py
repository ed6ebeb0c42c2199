import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from webhook.cli.insertion import InsertionError, Setting, written_into
from webhook.cli.yaml_stream import Document, parse_stream

CLASS = Setting(path=("spec", "runtimeClassName"), value="gvisor")
NOTE = Setting(path=("metadata", "annotations", "a.example/by"), value="tenants")


def document(text: str) -> Document:
    """The one document of a text."""
    (found,) = parse_stream(text.encode())
    assert isinstance(found, Document)
    return found


def written(text: str, *settings: Setting) -> str:
    """The text with the settings in it."""
    found = document(text)
    new = written_into(found, settings or (CLASS,))
    return (found.content[: found.begin] + new + found.content[found.end :]).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Block style, with what a person writes around it.
        ("spec:\n  a: 1\n", "spec:\n  runtimeClassName: gvisor\n  a: 1\n"),
        (
            "# top\nspec: # s\n  # of a\n  a: 1 # one\n\n# end\n",
            "# top\nspec: # s\n  # of a\n  runtimeClassName: gvisor\n  a: 1 # one\n\n# end\n",
        ),
        (
            "spec:\n      a: |\n        x\n\n",
            "spec:\n      runtimeClassName: gvisor\n      a: |\n        x\n\n",
        ),
        ("spec:\r\n  a: 1\r\n", "spec:\r\n  runtimeClassName: gvisor\r\n  a: 1\r\n"),
        ("é: 😀\nspec:\n  ü: 😀\n", "é: 😀\nspec:\n  runtimeClassName: gvisor\n  ü: 😀\n"),
        ("spec:\n  a: 1", "spec:\n  runtimeClassName: gvisor\n  a: 1"),
        ("spec: &s\n  a: 1\nb: *s\n", None),
        ("b: &s {a: 1}\nspec: *s\n", None),
        ("spec: &s\n  a: 1\n", "spec: &s\n  runtimeClassName: gvisor\n  a: 1\n"),
        ("spec:\n  ? a\n  : 1\n", None),
        # A merge key, to which kubectl gives what stands below more weight.
        (
            "x: &x {b: 1}\nspec:\n  <<: *x\n  a: 1\n",
            "x: &x {b: 1}\nspec:\n  runtimeClassName: gvisor\n  <<: *x\n  a: 1\n",
        ),
        ("x: &x {runtimeClassName: ''}\nspec:\n  <<: *x\n  a: 1\n", None),
        ("x: &x {spec: {a: 1}}\n<<: *x\nb: 1\n", None),
        # What is there and empty.
        ("spec:\n  runtimeClassName:\n  a: 1\n", "spec:\n  runtimeClassName: gvisor\n  a: 1\n"),
        ("spec:\n  runtimeClassName: '' # none\n", "spec:\n  runtimeClassName: gvisor # none\n"),
        ("spec:\n  runtimeClassName: ~\n  a: 1\n", "spec:\n  runtimeClassName: gvisor\n  a: 1\n"),
        ("spec:\n", "spec: {runtimeClassName: gvisor}\n"),
        # Of a key that is given twice the last counts, and a new first one would not.
        (
            "spec: {runtimeClassName: '', a: 1, runtimeClassName: ''}\n",
            "spec: {runtimeClassName: '', a: 1, runtimeClassName: gvisor}\n",
        ),
        # Flow style and JSON.
        ("spec: {a: 1}\n", "spec: {runtimeClassName: gvisor, a: 1}\n"),
        ("spec: {}\n", "spec: {runtimeClassName: gvisor}\n"),
        (
            "spec: {\n  a: 1,\n  b: 2,\n}\n",
            "spec: {\n  runtimeClassName: gvisor,\n  a: 1,\n  b: 2,\n}\n",
        ),
        ('{"spec":{"a":1}}', '{"spec":{"runtimeClassName": "gvisor", "a":1}}'),
        ('{"spec": {}}', '{"spec": {"runtimeClassName": "gvisor"}}'),
        (
            '{\n\t"x": "\\ud83d\\ude00",\n\t"spec": {\n\t\t"a": 1\n\t}\n}\n',
            (
                '{\n\t"x": "\\ud83d\\ude00",\n\t"spec": {\n\t\t"runtimeClassName": "gvisor",'
                '\n\t\t"a": 1\n\t}\n}\n'
            ),
        ),
        ('{"spec": {"runtimeClassName": null}}', '{"spec": {"runtimeClassName": "gvisor"}}'),
        ('a: 1\nspec: {"a": 1}\n', 'a: 1\nspec: {"runtimeClassName": "gvisor", "a": 1}\n'),
    ],
)  # fmt: skip
def test_a_value_is_written_and_every_other_byte_stays(before: str, after: str | None) -> None:
    if after is None:
        with pytest.raises(InsertionError):
            written(before)
    else:
        assert written(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "metadata:\n  name: a\n",
            "metadata:\n  annotations:\n    a.example/by: tenants\n  name: a\n",
        ),
        (
            "metadata:\n  annotations:\n    x: y\n",
            "metadata:\n  annotations:\n    a.example/by: tenants\n    x: y\n",
        ),
        ("metadata:\n  annotations: {}\n", "metadata:\n  annotations: {a.example/by: tenants}\n"),
        ("metadata:\n  annotations:\n", "metadata:\n  annotations: {a.example/by: tenants}\n"),
        ("metadata: {name: a}\n", "metadata: {annotations: {a.example/by: tenants}, name: a}\n"),
        ("kind: Pod\n", "metadata:\n  annotations:\n    a.example/by: tenants\nkind: Pod\n"),
        (
            '{"metadata": {"name": "a"}}',
            '{"metadata": {"annotations": {"a.example/by": "tenants"}, "name": "a"}}',
        ),
    ],
)
def test_mappings_on_the_way_are_made_in_the_style_around_them(before: str, after: str) -> None:
    assert written(before, NOTE) == after


def test_items_of_a_list_are_written_into_alone() -> None:
    text = "items:\n- spec:\n    a: 1\n-   spec: {b: 2}\n"
    settings = [
        Setting(path=("items", n, "spec", "runtimeClassName"), value=f"c{n}") for n in (1, 0)
    ]
    assert written(text, *settings) == (
        "items:\n- spec:\n    runtimeClassName: c0\n    a: 1\n"
        "-   spec: {runtimeClassName: c1, b: 2}\n"
    )


@pytest.mark.parametrize("value", ["true", "123", "null", "1.5", "no", "0x1f", "a: b", "#", "it's"])
def test_what_could_be_no_text_is_written_in_quotes(value: str) -> None:
    setting = Setting(path=("spec", "runtimeClassName"), value=value)
    for text in ("spec:\n  a: 1\n", "spec: {a: 1}\n", '{"spec": {"a": 1}}'):
        assert document(written(text, setting)).value["spec"]["runtimeClassName"] == value


def test_what_is_not_utf8_is_not_written_into() -> None:
    (found,) = parse_stream(b'{"spec": {"a": "\xff"}}')
    assert isinstance(found, Document)
    with pytest.raises(InsertionError, match="not UTF-8"):
        written_into(found, [CLASS])


scalars = st.none() | st.booleans() | st.integers(-9, 99) | st.text(max_size=6)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=4), below, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(max_size=4), values, max_size=3),
    st.dictionaries(st.text(max_size=4), values, max_size=3),
    st.sampled_from([True, False, None, "json", "pretty"]),
    st.integers(1, 7),
)
def test_whatever_is_dumped_can_be_written_into(
    around: dict[str, Any], spec: dict[str, Any], style: Any, indent: int
) -> None:
    value = {**around, "spec": spec}
    if style in {"json", "pretty"}:
        text = json.dumps(value, indent=indent if style == "pretty" else None)
    else:
        text = yaml.safe_dump(value, default_flow_style=style, indent=indent, allow_unicode=True)
    found = list(parse_stream(text.encode()))
    if len(found) != 1 or not isinstance(found[0], Document) or "? " in text:
        return  # a null key, a character that kubectl does not take, a key of many lines
    new = written(text)
    begins = next(
        n for n, pair in enumerate(zip(new, text + "\0", strict=False)) if len({*pair}) > 1
    )
    assert text[begins:] == new[len(new) - len(text) + begins :]
