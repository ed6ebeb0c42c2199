"""Objects of a file of JSON, read one at a time: the same as those of a file that is read whole."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webhook.cli import json_window, regular_files, saved_objects
from webhook.cli.json_index import Index
from webhook.cli.manifests import read_manifests
from webhook.cli.saved_objects import SavedObjects, open_objects


def opened(path: Path | str, stdin: bytes = b"") -> SavedObjects:
    return open_objects([str(path)], stdin=io.BytesIO(stdin))


def pod(name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, **more}


def fact(kind: str, name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}


texts = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ['"}]', "\\", "\u2028", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.just(1.5e10) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
heads = st.fixed_dictionaries(
    {},
    optional={
        "apiVersion": st.sampled_from(["v1", "apps/v1", "node.k8s.io/v1", "", 1]),
        "kind": st.sampled_from(["Pod", "Node", "RuntimeClass", "Namespace", "", None]),
        "metadata": st.none() | st.dictionaries(texts, values, max_size=2) | st.just("x"),
        "spec": values,
        "items": values,
    },
)
lists = st.fixed_dictionaries(
    {"kind": st.sampled_from(["List", "PodList", "NodeList", "Pod"])},
    optional={
        "apiVersion": st.just("v1"),
        "items": st.lists(heads | values, max_size=5) | st.none() | values,
        "metadata": values,
        "other": values,
    },
)
nested = st.fixed_dictionaries(
    {"apiVersion": st.just("v1"), "kind": st.just("List"), "items": st.lists(lists, max_size=3)}
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Documents one after the other, members in any order, written in any way."""
    written = []
    for value in draw(st.lists(lists | heads | nested, min_size=1, max_size=3)):
        keys = draw(st.permutations(list(value)))
        written.append(
            json.dumps(
                {key: value[key] for key in keys},
                indent=draw(st.sampled_from([None, 0, 4])),
                ensure_ascii=draw(st.booleans()),
            )
        )
    return draw(st.sampled_from(["\n", " \r\n", ""])).join(written).encode()


@given(files(), st.integers(1, 40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_objects_are_those_of_the_file_read_whole(
    monkeypatch: pytest.MonkeyPatch, content: bytes, window: int
) -> None:
    monkeypatch.setattr(json_window, "_READ", window)
    file, whole = io.BytesIO(content), read_manifests(content, "c.json")
    index = Index("c.json")
    assert index.build(file) is None
    found = list(index.manifests(file, facts=False))
    assert [m.obj for m in found] == [m.obj for m in whole.manifests]
    assert [m.document for m in found] == [m.document for m in whole.manifests]
    assert sorted(e.problem for e in index.errors) == sorted(e.problem for e in whole.errors)
    assert len(index) == len(found)
    facts = [m for m in found if m.kind in {"Namespace", "Node", "RuntimeClass"}]
    assert [m for m in index.manifests(file, facts=True) if m in facts] == list(
        index.manifests(file, facts=True)
    )


@given(files(), st.integers(1, 40), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_that_is_cut_off_is_at_fault_where_it_ends(
    monkeypatch: pytest.MonkeyPatch, content: bytes, window: int, data: st.DataObject
) -> None:
    monkeypatch.setattr(json_window, "_READ", window)
    cut = content[: data.draw(st.integers(1, len(content) - 1))]
    try:
        whole = list(_documents(cut.decode(errors="replace")))
    except ValueError:
        fault = Index("c.json").build(io.BytesIO(cut))
        assert fault is not None
        assert fault.problem.startswith("is not JSON: ")
        assert fault.line <= cut.count(b"\n") + 1
    else:
        assert whole
        assert Index("c.json").build(io.BytesIO(cut)) is None


def _documents(text: str) -> Any:
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        yield value
        at += len(text[at:]) - len(text[at:].lstrip())


def test_facts_are_found_wherever_they_stand(tmp_path: Path) -> None:
    items = [pod("a"), fact("Node", "n"), pod("b"), fact("Namespace", "Ünï")]
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"items": items, "kind": "List", "apiVersion": "v1"}))
    saved = opened(path)
    assert [m.name for m in saved.facts()] == ["n", "Ünï"]
    assert [m.name for m in saved] == [m.name for m in saved] == ["a", "n", "b", "Ünï"]
    assert len(saved) == 4


def test_an_object_knows_its_line_and_so_does_what_is_wrong_with_it(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    broken = {"kind": "Pod"}
    path.write_text(
        json.dumps({"apiVersion": "v1", "items": [pod("a"), broken], "kind": "List"}, indent=4)
    )
    saved = opened(path)
    assert [m.line for m in saved] == [4]
    assert [str(e) for e in saved.errors] == [f"{path}:11: apiVersion: must be set to a text"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"apiVersion": "v1", "kind": "List", "items": []}', "holds no object"),
        ('{"a": 1,\n "b": ]}', "is not JSON: Expecting value"),
        ('{"a": "\0"}', "is not text but binary data"),
        ('{"a":' * 100_000, "is not JSON: Expecting property name enclosed in double quotes"),
    ],
)
def test_what_is_wrong_with_a_small_file_is_told_as_ever(
    tmp_path: Path, content: str, problem: str
) -> None:
    path = tmp_path / "c.json"
    path.write_text(content)
    (error,) = opened(path).errors
    (whole,) = read_manifests(content.encode(), str(path)).errors
    assert str(error) == str(whole)
    assert error.problem == problem or "nested" in error.problem


def test_of_a_large_file_the_documents_before_the_fault_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_objects, "MOST_BYTES", 10)
    path = tmp_path / "c.json"
    path.write_text(json.dumps(pod("a")) + '\n{"apiVersion": "v1",\n "kind": "List", "items": [1,')
    saved = opened(path)
    assert [m.name for m in saved] == ["a"]
    assert [str(e) for e in saved.errors] == [f"{path}:3: is not JSON: Expecting value"]


def test_yaml_that_looks_like_json_is_read_as_yaml(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text('{"apiVersion": v1, "kind": "Pod", "metadata": {"name": a}}')
    assert [m.name for m in opened(path)] == ["a"]


def test_a_stream_may_be_looked_at_twice_too(tmp_path: Path) -> None:
    saved = opened("-", json.dumps({"kind": "PodList", "apiVersion": "v1",
                                    "items": [{"metadata": {"name": "a"}}]}).encode())  # fmt: skip
    assert [m.obj for m in saved] == [m.obj for m in saved] == [pod("a")]


def test_a_large_stream_is_kept_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular_files, "MOST_BYTES", 100)
    content = b"".join(json.dumps(pod(f"p{n}")).encode() for n in range(20))
    kept = regular_files.spooled(io.BytesIO(content), 10**6)
    assert not isinstance(kept, io.BytesIO | str)
    with kept:
        assert kept.read() == content


def test_a_stream_without_end_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_objects, "MOST_CLUSTER_BYTES", regular_files.MEBIBYTE)
    with open("/dev/zero", "rb") as zero:
        (error,) = open_objects(["-"], stdin=zero).errors
    assert "is too large: more than at most 1 MiB" in str(error)


@pytest.mark.parametrize("change", ["other", "longer", "gone"])
def test_a_file_that_changes_meanwhile_is_an_error(tmp_path: Path, change: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps([pod("a")])[1:-1])
    saved = opened(path)
    if change == "other":
        path.write_text(json.dumps(pod("b")))
        os.utime(path, (1, 1))
    elif change == "longer":
        path.write_text(path.read_text() + json.dumps(pod("b")))
    else:
        path.unlink()
    assert list(saved) == list(saved) == []
    assert [str(e) for e in saved.errors] == [f"{path}: was changed while it was read"]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved cluster of more than 200 MB."""
    path = tmp_path_factory.mktemp("large") / "c.json"
    notes = {f"note-{n}": "x" * 1000 for n in range(20)}
    with path.open("w") as out:
        out.write('{"apiVersion": "v1", "kind": "List", "items": [\n')
        for n in range(10_000):
            obj = pod(f"p{n}", spec={"containers": [{"name": "main", "image": "nginx:1.31"}]})
            obj["metadata"] |= {"namespace": "tenant-a", "annotations": notes}
            out.write((",\n" if n else "") + json.dumps(obj))
        out.write("\n]}\n")
    assert path.stat().st_size > 200_000_000
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("audit", "-p", "policies", "-o", "csv"),
        ("plan",),
        ("policy", "diff", "policies", "policies"),
    ],
)
def test_a_file_of_200_megabytes_is_not_held(large: Path, command: tuple[str, ...]) -> None:
    # Not by wait4: the peak that it tells begins with that of the process which forked.
    told = (
        "import atexit, runpy, sys; status = open('/proc/self/status'); "
        "atexit.register(lambda: print(status.read(), file=sys.stderr)); "
        "runpy.run_module('webhook.cli', run_name='__main__', alter_sys=True)"
    )
    arguments = [sys.executable, "-c", told, *command, "--cluster", str(large)]
    done = subprocess.run(
        arguments, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert done.returncode in {0, 1}
    (peak,) = re.findall(r"^VmHWM:\s+(\d+) kB$", done.stderr, re.MULTILINE)
    assert 20 < int(peak) / 1024 < 200
