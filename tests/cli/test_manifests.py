import io
import json
from pathlib import Path

import pytest

from tests.build import pod, review
from webhook.cli.manifests import InputError, Inputs, Manifest, load_manifests, parse_manifests

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
POD_JSON = json.dumps(pod())
LIST = "{{apiVersion: v1, kind: List, items: [{}]}}"


def load(*paths: Path | str, stdin: bytes = b"") -> Inputs:
    """What these paths hold."""
    return load_manifests([str(path) for path in paths], stdin=io.BytesIO(stdin))


def problems(*paths: Path | str) -> list[str]:
    """What is wrong with these paths, less the folder they are in."""
    return [str(error).rpartition("/")[2] for error in load(*paths).errors]


def parsed(text: str) -> list[Manifest]:
    """The objects of a text in which nothing is wrong."""
    found = list(parse_manifests(text.encode(), "x.yaml"))
    assert [entry for entry in found if isinstance(entry, InputError)] == []
    return [entry for entry in found if isinstance(entry, Manifest)]


def test_an_object_knows_its_source_document_and_line(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(f"{POD}---\n{POD}")
    first, second = load(file).manifests
    assert (first.source, first.document, first.line) == (str(file), 0, 1)
    assert (second.source, second.document, second.line) == (str(file), 1, 5)


@pytest.mark.parametrize(
    "text",
    [
        LIST.format(POD_JSON),
        f"apiVersion: v1\nkind: PodList\nitems:\n- {POD_JSON}\n",
        "apiVersion: v1\nkind: PodList\nitems:\n- {metadata: {name: web}, spec: {}}\n",
        LIST.format(LIST.format(POD_JSON)),
        POD_JSON,
        json.dumps(review(pod())),
    ],
)
def test_lists_and_reviews_are_opened(text: str) -> None:
    (manifest,) = parsed(text)
    assert (manifest.api_version, manifest.kind, manifest.name) == ("v1", "Pod", "web")


def test_an_empty_list_is_no_object_and_no_error() -> None:
    assert parsed("apiVersion: v1\nkind: List\nitems: []\n") == []


def test_a_custom_resource_whose_name_ends_in_list_is_itself() -> None:
    (manifest,) = parsed("apiVersion: x.example/v1\nkind: AllowList\nspec: {}\n")
    assert manifest.kind == "AllowList"


def test_an_object_in_a_review_is_in_the_namespace_of_the_request() -> None:
    text = json.dumps(review(pod(namespace=None), namespace="tenant-b"))
    (manifest,) = parsed(text)
    assert manifest.namespace("default") == "tenant-b"


def test_a_review_of_a_deletion_has_no_object() -> None:
    body = review(pod(), operation="DELETE")
    body["request"]["object"] = None
    assert parsed(json.dumps(body)) == []


def test_the_namespace_is_the_objects_or_the_one_given() -> None:
    named, other = parsed(f"{POD.replace('web}', 'web, namespace: x}')}---\n{POD}")
    assert (named.namespace("y"), other.namespace("y")) == ("x", "y")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kind: Pod\n", "x.yaml:1: apiVersion: must be set to a text"),
        ("a: 1\n---\napiVersion: v1\n", "x.yaml:3: kind: must be set to a text"),
        ("kind: 1\napiVersion: v1\n", "x.yaml:1: kind: must be set to a text"),
        (
            "just text\n",
            "x.yaml:1: must be a Kubernetes object, a mapping with apiVersion and kind",
        ),
        (
            "apiVersion: v1\nkind: List\nitems:\n- 1\n",
            "x.yaml:4: must be a Kubernetes object, a mapping with apiVersion and kind",
        ),
        (
            "apiVersion: v1\nkind: List\nitems:\n- {kind: Pod}\n",
            "x.yaml:4: apiVersion: must be set to a text",
        ),
        (f"{POD}metadata: x\n", "x.yaml:1: metadata: must be a mapping"),
        (
            "apiVersion: admission.k8s.io/v1beta1\nkind: AdmissionReview\n",
            (
                "x.yaml:1: AdmissionReview: must be kind AdmissionReview of apiVersion "
                "admission.k8s.io/v1, not kind 'AdmissionReview' of apiVersion "
                "'admission.k8s.io/v1beta1'"
            ),
        ),
        (
            f"apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nrequest: {1 << 70}\n",
            "x.yaml:1: AdmissionReview: not JSON: Integer exceeds 64-bit range",
        ),
    ],
)
def test_what_is_no_object_is_said_with_its_line(text: str, problem: str) -> None:
    found = list(parse_manifests(text.encode(), "x.yaml"))
    assert problem in [str(entry) for entry in found if isinstance(entry, InputError)]


def test_a_folder_is_read_with_those_below_it_by_name(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.yml", "a.json", "sub/c.yaml", "notes.txt", ".hidden.yaml"):
        (tmp_path / name).write_text(json.dumps(pod(name=name.partition(".")[0].strip("sub/"))))
    assert [m.source for m in load(tmp_path).manifests] == [
        str(tmp_path / name) for name in ("a.json", "b.yml", "sub/c.yaml")
    ]


def test_a_mounted_config_map_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026/web.yaml").write_text(POD)
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "web.yaml").symlink_to("..data/web.yaml")
    assert [m.source for m in load(tmp_path).manifests] == [str(tmp_path / "web.yaml")]


def test_what_lies_beside_the_manifests_of_a_folder_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("replicas: 2\n")
    (tmp_path / "web.yaml").write_text(POD)
    inputs = load(tmp_path)
    assert ([m.name for m in inputs.manifests], inputs.errors) == (["web"], ())


def test_the_same_file_named_itself_must_be_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("replicas: 2\n")
    assert problems(tmp_path / "values.yaml") == [
        "values.yaml:1: apiVersion: must be set to a text"
    ]


def test_standard_input_is_one_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(POD)
    sources = [m.source for m in load(tmp_path / "web.yaml", "-", stdin=POD.encode()).manifests]
    assert sources == [str(tmp_path / "web.yaml"), "-"]


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(POD)
    assert len(load(tmp_path / "web.yaml", tmp_path / "web.yaml").manifests) == 1


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("empty.yaml", b"", "empty.yaml: holds no object"),
        ("picture.yaml", b"\x89PNG\r\n", "picture.yaml:1: is not UTF-8: byte 0x89 at offset 0"),
        ("late.yaml", b"a: 1\nb: \xff\n", "late.yaml:2: is not UTF-8: byte 0xff at offset 8"),
        ("zero.yaml", b"a: \0\n", "zero.yaml: is not text but binary data"),
        ("a\x1b[31m.yaml", b"", "a\\x1b[31m.yaml: holds no object"),
    ],
)
def test_a_file_that_holds_nothing_is_one_clear_error(
    tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert problems(tmp_path / name) == [problem]


def test_a_missing_file_and_an_empty_folder_are_errors_and_hide_nothing(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(POD)
    (tmp_path / "nothing").mkdir()
    paths = (tmp_path / "no.yaml", tmp_path / "nothing", tmp_path / "web.yaml")
    assert problems(*paths) == [
        "no.yaml: No such file or directory",
        "nothing: no .yaml, .yml, .json file in this folder",
    ]
    assert [m.name for m in load(*paths).manifests] == ["web"]
