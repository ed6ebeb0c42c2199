import json
from typing import Any

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.fixtures import binaries, control_plane
from webhook.cli.manifests import InputError, Manifest, parse_manifests

__all__ = ["binaries", "control_plane"]

pytestmark = pytest.mark.controlplane

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
WRITTEN = (
    "0644", "0o17", "0x1F", "0x", "1_000", "1__0", "_1", "0_7", "-3", "+1", "+", "-0", "00", "-07",
    "09", "08.5", "1.5", ".5", ".", "1.", "1e3", "1E3", "1e400", "1_0.5", "1.2.3", "0b101",
    "yes", "y", "N", "Off", "on", "TRUE", "tRue", "~", "", "Null", "=",
    "2020-01-01", "2020-01-01T10:00:00Z", "1:30", "'1'", '"\\u0041"', "!!str 1", "!!binary aGk=",
    "!!int '3'", "!!float 3", "!foo 3", "! 3", "{80: a, true: b, 1.5: d, yes: e}", "{a: 1, a: 2}",
    "{<<: {l: 1}, l: 3}", "{l: 3, <<: {l: 1}}", "{<<: [{l: 1}, {l: 2, m: 3}]}", "{'<<': 1}",
    "{<<: {l: 1}, <<: {l: 2}}", "[&i 1, *i]", "|\n  a\n   b", ">-\n  a\n  b", "!!set {a, b}",
)  # fmt: skip
STREAMS = (
    f"# c\n---\n{HEAD}---\n# d\n---\n",
    HEAD + "...\n---\n" + HEAD,
    f"\ufeff{HEAD}",
    f"\ufeff{HEAD}---\n\ufeff{HEAD}",
    HEAD.replace("\n", "\r\n") + "---\r\n" + HEAD,
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}' * 2,
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},}',
    f'{HEAD}---\n{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"b"}}}}\n',
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
    "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
    "apiVersion: v1\nkind: ConfigMapList\nitems:\n- {metadata: {name: a}}\n",
)
NOT_TAKEN = (
    "apiVersion: v1\nmetadata: {name: a}\n",
    f"{HEAD}x: {{~: 1}}\n",
    f"{HEAD}x: {{<<: 1}}\n",
    f"{HEAD}x: [\n",
    f"{HEAD}\ty: 1\n",
    "- a\n",
    "text\n",
)


def read(text: str) -> list[Any]:
    """The objects that ``runtimegate check`` reads; an error for what it does not take."""
    found = list(parse_manifests(text.encode(), "STDIN"))
    return [entry.obj if isinstance(entry, Manifest) else entry for entry in found]


def kubectl_reads(plane: ControlPlane, text: str, *, check: bool = True) -> list[Any]:
    """The objects that the real kubectl reads; none for what it does not take."""
    arguments = ("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-")
    done = plane.kubectl(*arguments, stdin=text, check=check)
    found: list[Any] = []
    decoder, rest = json.JSONDecoder(), done.stdout.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.extend(value["items"] if value["kind"] == "List" else [value])
        rest = rest[end:].strip()
    return found


def test_values_are_what_kubectl_makes_of_them(control_plane: ControlPlane) -> None:
    text = "---\n".join(f"{HEAD}x: {written}\n" for written in WRITTEN)
    theirs = [obj.get("x") for obj in kubectl_reads(control_plane, text)]
    ours = [obj.get("x") for obj in read(text)]
    assert dict(zip(WRITTEN, ours, strict=True)) == dict(zip(WRITTEN, theirs, strict=True))


@pytest.mark.parametrize("text", STREAMS)
def test_streams_hold_the_objects_that_kubectl_finds(
    control_plane: ControlPlane, text: str
) -> None:
    names = [obj["metadata"]["name"] for obj in kubectl_reads(control_plane, text)]
    assert [obj["metadata"]["name"] for obj in read(text)] == names


@pytest.mark.parametrize("text", NOT_TAKEN)
def test_what_kubectl_does_not_take_is_an_error(control_plane: ControlPlane, text: str) -> None:
    assert kubectl_reads(control_plane, text, check=False) == []
    assert [type(entry) for entry in read(text)] == [InputError]
