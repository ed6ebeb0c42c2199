"""Whatever a folder holds: it loads, or every error has a place and is in plain words."""

import json
import re
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.documents.build import (
    exemption,
    facts,
    inventory,
    load,
    need,
    override,
    policy,
    requirements,
    runtime,
)
from tests.documents.build import fact as a_fact
from webhook.documents.source import DocumentError, DocumentErrors

DOCUMENTS = tuple(
    json.loads(text)
    for text in (
        policy(
            mode="warn",
            runtimeClasses={"default": "gvisor", "allowed": ["*"], "fallback": ["kata"]},
            overrides=[override()],
            exemptions=[exemption(features=["pod:*"])],
        ),
        inventory(
            runtime(versions=["20260817.0"], flags={"a": "b"}, cri={"name": "containerd"}),
            guards={"namespaceLabels": {"action": "deny", "groups": ["a"]}},
            workloadKinds=[{"group": "a.b", "kind": "C", "templates": ["spec.t"]}],
        ),
        facts(
            a_fact(versions=["<20181108"], when={"cri": {"name": "cri-o", "versions": ["*"]}}),
            releases=["20190304.1", {"version": "20190529.1", "date": "2019-05-29"}],
        ),
        requirements(needs=[need(versions=[">=9"], when={"args": ["*"]})]),
    )
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
JARGON = re.compile(r"Input should|pydantic|type=|validat|Traceback|Value error", re.IGNORECASE)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place of a document."""
    below: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict | list):
        below = value.items() if isinstance(value, dict) else enumerate(value)
    return [path, *(p for key, inner in below for p in places(inner, (*path, key)))]


def changed(value: Any, path: tuple[str | int, ...], put: Any) -> Any:
    """``value`` with ``put`` at ``path``."""
    if not path:
        return put
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], put)
    return copy


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A good document in which something else stands somewhere."""
    document = draw(st.sampled_from(DOCUMENTS))
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(places(document)))
        document = changed(document, path, draw(VALUES))
    return json.dumps(document)


def faults(text: str) -> tuple[DocumentError, ...]:
    """What the loader says of a file; nothing when it loads."""
    try:
        load(text)
    except DocumentErrors as refused:
        return refused.errors or (NO_ERROR,)
    return ()


NO_ERROR = DocumentError(file="", line=0, column=0, field_path="", message="")
"""Stands for a refusal without any error, which must not be."""


@given(damaged())
def test_a_damaged_document_loads_or_is_refused_in_plain_words(text: str) -> None:
    for error in faults(text):
        assert error.file == "a.yaml"
        assert error.line >= 1
        assert error.message
        assert not JARGON.search(error.message), error.message
        assert str(error).isprintable()


@given(st.binary(max_size=60))
def test_any_bytes_load_or_are_refused(content: bytes) -> None:
    assert NO_ERROR not in faults(content.decode("latin-1"))
