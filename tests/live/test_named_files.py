"""What a document may name is in its folder, is a file, and is of ordinary size."""

import os
from pathlib import Path

import pytest

from webhook.documents.source import MOST_BYTES
from webhook.live.named_files import NamedFileError, read_named


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy folder with a document ``tests/a.yaml``, and a secret beside it."""
    root = tmp_path / "policies"
    (root / "tests").mkdir(parents=True)
    (root / "tests" / "web.yaml").write_text("web")
    (root / "shared.yaml").write_text("shared")
    (tmp_path / "secret.yaml").write_text("secret")
    return root


def named(folder: Path, name: str) -> tuple[Path, bytes]:
    """``name`` as the document ``tests/a.yaml`` means it."""
    return read_named(folder, folder / "tests" / "a.yaml", name)


def refusal(folder: Path, name: str) -> str:
    with pytest.raises(NamedFileError) as caught:
        named(folder, name)
    return str(caught.value)


def test_a_path_goes_from_the_document_and_may_go_up_within_the_folder(folder: Path) -> None:
    assert named(folder, "web.yaml") == (folder / "tests" / "web.yaml", b"web")
    assert named(folder, "./../shared.yaml") == (folder / "shared.yaml", b"shared")


def test_a_relative_folder_is_one_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    here = Path("policies")
    assert read_named(here, here / "a.yaml", "tests/web.yaml")[1] == b"web"
    monkeypatch.chdir(folder)
    assert read_named(Path(), Path("a.yaml"), "tests/web.yaml")[1] == b"web"
    with pytest.raises(NamedFileError, match="leads out"):
        read_named(Path(), Path("a.yaml"), "../secret.yaml")


@pytest.mark.parametrize(
    "name", ["../../secret.yaml", "../../none.yaml", "../../../../../../etc/none.yaml"]
)
def test_what_lies_outside_is_not_told_to_be_there_or_not(folder: Path, name: str) -> None:
    assert refusal(folder, name) == "leads out of the policy folder"


def test_a_folder_whose_name_only_begins_alike_is_outside(folder: Path) -> None:
    beside = folder.with_name("policies-secret")
    beside.mkdir()
    (beside / "a.yaml").write_text("secret")
    assert refusal(folder, "../../policies-secret/a.yaml") == "leads out of the policy folder"


def test_a_link_that_leads_out_is_refused_and_one_within_is_followed(folder: Path) -> None:
    (folder / "tests" / "out.yaml").symlink_to("../../secret.yaml")
    (folder / "tests" / "in.yaml").symlink_to("../shared.yaml")
    (folder / "away").symlink_to("..")
    assert refusal(folder, "out.yaml") == "is a link that leads out of the policy folder"
    assert refusal(folder, "../away/secret.yaml") == "is a link that leads out of the policy folder"
    assert named(folder, "in.yaml")[1] == b"shared"


def test_a_policy_folder_that_is_a_link_itself_is_followed(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to("policies")
    assert named(link, "web.yaml")[1] == b"web"


def test_what_is_no_regular_file_is_refused_and_blocks_nobody(folder: Path) -> None:
    os.mkfifo(folder / "tests" / "pipe.yaml")
    (folder / "tests" / "dir.yaml").mkdir()
    (folder / "tests" / "loop.yaml").symlink_to("loop.yaml")
    assert refusal(folder, "pipe.yaml") == "is no regular file"
    assert refusal(folder, "dir.yaml") == "is no regular file"
    assert refusal(folder, "loop.yaml").startswith("cannot be read: ")
    assert refusal(folder, "none.yaml") == "does not exist"


def test_a_large_file_is_refused(folder: Path) -> None:
    (folder / "tests" / "large.yaml").write_bytes(b" " * (MOST_BYTES + 1))
    assert refusal(folder, "large.yaml") == f"has more than {MOST_BYTES} bytes"
