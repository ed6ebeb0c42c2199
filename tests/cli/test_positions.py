import json
from typing import Any

import pytest

from webhook.cli.manifests import Manifest, parse_manifests
from webhook.cli.positions import keys_of, position

YAML = """\
# A comment.
kind: List
apiVersion: v1
items:
- apiVersion: v1
  kind: Pod
  metadata:
    name: é😀
    annotations: {a.b/c: x, "d]e": y}
  spec:
    containers:
    - name: a
      image: b
"""
JSON = """\
 {"kind": "List", "apiVersion": "v1",
  "items": [
\t{"apiVersion": "v1", "kind": "Pod",
  "spec": {"containers": [{"name": "\\ud83d\\ude00", "image": "b"}]}}
]} {"apiVersion": "v1", "kind": "Pod",
 "spec": {}}
"""


def found(text: str) -> list[Manifest]:
    """The objects of a text."""
    return [entry for entry in parse_manifests(text.encode(), "x") if isinstance(entry, Manifest)]


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ("spec.containers[0].image", 13, 7),
        ("spec.containers[0]", 12, 7),
        ("spec.containers", 11, 5),
        ("metadata.annotations[a.b/c]", 9, 19),
        ("metadata.annotations[d]e]", 9, 29),
        # What is not written is shown where it would stand.
        ("spec.runtimeClassName", 10, 3),
        ("spec.containers[1].image", 11, 5),
        ("spec.containers[x]", 11, 5),
        ("nothing.here", 5, 3),
        ("", 5, 3),
    ],
)
def test_a_field_has_line_and_column_inside_of_a_list(path: str, line: int, column: int) -> None:
    (pod,) = found(YAML)
    assert position(pod, path) == (line, column)


@pytest.mark.parametrize(
    ("path", "line", "written"),
    [
        ("spec.containers[0].image", 4, '"image"'),
        ("spec", 4, '"spec"'),
        ("spec.runtimeClassName", 4, '"spec"'),
        ("nothing", 3, '{"apiVersion"'),
    ],
)
def test_a_field_has_line_and_column_in_json(path: str, line: int, written: str) -> None:
    pod, _ = found(JSON)
    assert position(pod, path) == (line, JSON.split("\n")[line - 1].index(written) + 1)


def test_a_second_json_document_is_counted_from_the_beginning_of_the_file() -> None:
    _, pod = found(JSON)
    assert position(pod, "kind") == (5, JSON.split("\n")[4].index('"kind"') + 1)
    assert position(pod, "spec") == (6, 2)


def test_a_field_of_an_alias_stands_where_it_is_written() -> None:
    (pod,) = found("apiVersion: v1\nkind: Pod\nx: &x\n  a: 1\nspec: *x\n")
    assert position(pod, "spec.a") == (4, 3)


def test_a_field_of_a_merge_key_is_shown_at_what_merges_it() -> None:
    (pod,) = found("apiVersion: v1\nkind: Pod\nx: &x\n  a: 1\nspec:\n  <<: *x\n")
    assert position(pod, "spec.a") == (5, 1)


def test_a_field_of_a_review_stands_in_it() -> None:
    request = {
        "uid": "1", "operation": "CREATE", "namespace": "a",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "userInfo": {}, "object": {"spec": {"hostNetwork": True}},
    }  # fmt: skip
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    text = json.dumps(review, indent=1)
    (pod,) = found(text)
    line, column = position(pod, "spec.hostNetwork")
    assert text.split("\n")[line - 1][column - 1 :] == '"hostNetwork": true'


@pytest.mark.parametrize(
    ("path", "value", "keys"),
    [
        ("a.b[0].c", {"a": {"b": [{"c": 1}]}}, ["a", "b", 0, "c"]),
        ("a[b].c", {"a": {"b": {"c": 1}}}, ["a", "b", "c"]),
        ("a[b]c].d", {"a": {"b]c": {"d": 1}}}, ["a", "b]c", "d"]),
        ("a[-1]", {"a": [1]}, ["a"]),
        ("a.b", {"a": 3}, ["a"]),
        ("[[[", {"a": 3}, []),
        ("....", {"a": 3}, []),
    ],
)
def test_a_field_path_is_read_against_the_object(path: str, value: Any, keys: list[Any]) -> None:
    assert list(keys_of(path, value)) == keys
