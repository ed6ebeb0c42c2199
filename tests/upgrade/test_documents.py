"""Documents of an earlier release under today's code: read as they are, and meaning what they did.

``policies-0.1`` was taken from the first commit that could read policies (fdeb470): its shipped
folder, its example of 2018, a folder with every key there was, the keys and words of its schemas,
and what it decided under each folder. The data stays as it is; a release adds a folder of its own.
"""

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.cli import run
from webhook.core.names import API_VERSION, VERSION
from webhook.documents.reading import KINDS, read_documents
from webhook.documents.schema import schema_of
from webhook.documents.sentences import RENAMED

HERE = Path(__file__).parent
KEPT = {path.name.removeprefix("policies-"): path for path in sorted(HERE.glob("policies-*"))}
CASES = [
    (release, folder)
    for release, path in KEPT.items()
    for folder in yaml.safe_load((path / "decisions.yaml").read_text())
]
SHOWN = ("decision", "runtimeClass", "policy", "override", "exemption", "reason")


def words(schema: Mapping[str, Any], at: str, root: Mapping[str, Any]) -> Iterator[str]:
    """Every key of a document by its path, and every word that a closed set has."""
    if "$ref" in schema:
        yield from words(root["$defs"][schema["$ref"].rpartition("/")[2]], at, root)
    for combined in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(combined, ()):
            yield from words(part, at, root)
    yield from (f"{at} = {word}" for word in schema.get("enum", ()))
    for key, below in schema.get("properties", {}).items():
        path = f"{at}.{key}".removeprefix(".")
        yield path
        yield from words(below, path, root)
    if isinstance(items := schema.get("items"), dict):
        yield from words(items, f"{at}[]", root)
    if isinstance(values := schema.get("additionalProperties"), dict):
        yield from words(values, f"{at}.*", root)


def written(value: object, at: str = "") -> Iterator[str]:
    """The paths of the keys of a document."""
    if isinstance(value, dict):
        for key, below in value.items():
            path = f"{at}.{key}".removeprefix(".")
            yield path
            yield from written(below, path)
    elif isinstance(value, list):
        for below in value:
            yield from written(below, f"{at}[]")


@pytest.mark.parametrize("release", KEPT)
def test_no_key_and_no_word_has_gone_without_naming_its_successor(release: str) -> None:
    now = {f"{kind} {word}" for kind in KINDS for word in words(*_schema(kind))}
    renamed = {f"{kind} {'.'.join(path)}" for kind, *path in RENAMED}
    gone = set((KEPT[release] / "keys.txt").read_text().splitlines()) - now
    assert {key for key in gone if key.replace("[]", "") not in renamed} == set()


def _schema(kind: str) -> tuple[Mapping[str, Any], str, Mapping[str, Any]]:
    schema = schema_of(kind)
    return schema, "", schema


@pytest.mark.parametrize("kind", ["RuntimePolicy", "RuntimeInventory"])
def test_the_kept_documents_have_every_key_there_was(kind: str) -> None:
    folder = KEPT["0.1"]
    there_were = {
        key.removeprefix(f"{kind} ")
        for key in (folder / "keys.txt").read_text().splitlines()
        if key.startswith(f"{kind} ") and " = " not in key
    }
    documents = [yaml.safe_load(path.read_text()) for path in folder.glob("every-key/*.yaml")]
    used = {key for each in documents if each["kind"] == kind for key in written(each)}
    # A node that runs pods without a class in a virtual machine, or by a vendor's runtime.
    seldom = {"spec.nodeDefault.hypervisor", "spec.nodeDefault.vendor"}
    assert there_were - used - seldom == set()


@pytest.mark.parametrize(("release", "folder"), CASES)
def test_a_kept_folder_decides_as_it_did(
    release: str, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = KEPT[release]
    then = yaml.safe_load((path / "decisions.yaml").read_text())[folder]
    arguments = ("-p", str(path / folder), "--today", "2026-11-24", "-o", "json")
    assert run(["check", *arguments, str(path / "objects.yaml")]) in {0, 1}
    now = {
        f"{row['namespace']}/{row['kind']}/{row['name']}": {
            key: row[key] for key in SHOWN if row[key]
        }
        for row in json.loads(capsys.readouterr().out)["results"]
    }
    assert now == then


def refusal(text: str) -> str:
    """Why a folder of this one document is refused."""
    placed, (error,) = read_documents([("a.yaml", text.encode())])
    assert placed == []
    return str(error)


def test_a_document_of_a_later_version_is_refused_with_what_this_one_reads() -> None:
    later = API_VERSION.replace("/v1", "/v2")
    assert refusal(f"apiVersion: {later}\nkind: RuntimePolicy\n") == (
        "a.yaml:1: apiVersion: must be runtimegate.dev/v1, not 'runtimegate.dev/v2' "
        f"(this is runtimegate {VERSION}; a newer one may know it)"
    )


def test_a_key_of_a_later_version_is_refused_by_name_and_with_this_release() -> None:
    later = """\
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: later}
spec:
  namespaces: {names: [a], clusters: [b]}
"""
    assert refusal(later) == (
        "a.yaml:5: spec.namespaces.clusters: unknown key; must be one of excludeNames, names, "
        f"selector (this is runtimegate {VERSION}; a newer one may know it)"
    )


def test_the_release_that_is_named_is_the_one_that_is_installed() -> None:
    assert version("runtimegate") == VERSION
