"""Policy folders as checkouts, mounts and git-sync make them."""

import os
from pathlib import Path

import pytest

from webhook.documents.source import DocumentErrors
from webhook.live.policy_folder import (
    FolderText,
    Revision,
    folder_signature,
    git_commit,
    load_folder,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_yaml", ".yaml").replace("_yml", ".yml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def names(folder: FolderText) -> list[str]:
    return [name for name, _ in folder.files]


def refusal(folder: Path) -> str:
    with pytest.raises(DocumentErrors) as caught:
        load_folder(folder)
    return str(caught.value)


def test_yaml_files_are_read_at_any_depth_in_the_order_of_their_names(tmp_path: Path) -> None:
    write(tmp_path, b_yaml="b", a_yml="a", sub__deep__c_yaml="c")
    (tmp_path / "README.md").write_text("no")
    assert load_folder(tmp_path).files == (
        ("a.yml", b"a"),
        ("b.yaml", b"b"),
        ("sub/deep/c.yaml", b"c"),
    )


def test_a_config_map_mount_is_read_once(tmp_path: Path) -> None:
    write(tmp_path / "..2026_11_24", tenants_yaml="x")
    (tmp_path / "..data").symlink_to("..2026_11_24")
    (tmp_path / "tenants.yaml").symlink_to("..data/tenants.yaml")
    assert load_folder(tmp_path).files == (("tenants.yaml", b"x"),)


def test_a_swap_of_a_config_map_mount_is_seen(tmp_path: Path) -> None:
    for stamp in ("..1", "..2"):
        write(tmp_path / stamp, tenants_yaml=stamp)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "tenants.yaml").symlink_to("..data/tenants.yaml")
    before = folder_signature(tmp_path)
    (tmp_path / "..data_tmp").symlink_to("..2")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    assert folder_signature(tmp_path) != before
    assert load_folder(tmp_path).files == (("tenants.yaml", b"..2"),)


def test_a_git_sync_worktree_is_read_through_its_link_and_tells_its_commit(tmp_path: Path) -> None:
    write(tmp_path / ".worktrees" / "one", policies__a_yaml="a")
    repository = tmp_path / ".git" / "worktrees" / "one"
    repository.mkdir(parents=True)
    (repository / "HEAD").write_text(COMMIT + "\n")
    (tmp_path / ".worktrees" / "one" / ".git").write_text(f"gitdir: {repository}\n")
    (tmp_path / "current").symlink_to(".worktrees/one")
    found = load_folder(tmp_path / "current" / "policies")
    assert names(found) == ["a.yaml"]
    assert found.revision.commit == COMMIT


def test_the_hash_is_of_names_and_contents(tmp_path: Path) -> None:
    one = load_folder(write(tmp_path / "one", a_yaml="x", b_yaml="y")).revision.hash
    same = load_folder(write(tmp_path / "same", a_yaml="x", b_yaml="y")).revision.hash
    other = load_folder(write(tmp_path / "other", a_yaml="xy", b_yaml="")).revision.hash
    assert one == same != other


def test_a_revision_shows_the_commit_where_there_is_one() -> None:
    assert str(Revision(hash="3f2a9c1d4e5f")) == "3f2a9c1d4e5f"
    assert str(Revision(hash="3f2a9c1d4e5f", commit=COMMIT)) == "3f2a9c1d4e5f (git 0123456789ab)"


def test_a_folder_with_the_ignore_file_is_left_out_and_named(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a", examples__old__b_yaml="b")
    (tmp_path / "examples" / ".runtimegateignore").touch()
    found = load_folder(tmp_path)
    assert (names(found), found.left_out) == (["a.yaml"], ("examples",))


def test_a_folder_below_an_ignored_one_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path, examples__old__b_yaml="b")
    (tmp_path / "examples" / ".runtimegateignore").touch()
    assert names(load_folder(tmp_path / "examples" / "old")) == ["b.yaml"]
    (tmp_path / "examples" / "old" / ".runtimegateignore").touch()
    assert names(load_folder(tmp_path / "examples" / "old")) == ["b.yaml"]


def test_hidden_entries_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a")
    write(tmp_path / ".github", ci_yaml="no")
    (tmp_path / ".hidden.yaml").write_text("no")
    assert names(load_folder(tmp_path)) == ["a.yaml"]


def test_a_missing_folder_is_one_error(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == f"{tmp_path}/none: does not exist"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a")
    assert refusal(tmp_path / "a.yaml") == f"{tmp_path}/a.yaml: is no folder"


def test_an_empty_folder_is_one_error(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: holds no file that ends in .yaml or .yml"


def test_links_that_lead_out_nowhere_or_in_a_circle_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "policies", a_yaml="a")
    write(tmp_path, secret_yaml="s")
    (folder / "out.yaml").symlink_to("../secret.yaml")
    (folder / "gone.yaml").symlink_to("nothing.yaml")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "sub").mkdir()
    (folder / "again").symlink_to("sub")
    assert refusal(folder).splitlines() == [
        f"{folder}/again: is a link to a folder: give the folder itself",
        f"{folder}/gone.yaml: is a link that leads nowhere",
        f"{folder}/loop.yaml: is a link that leads nowhere",
        f"{folder}/out.yaml: is a link that leads out of the folder",
    ]


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert refusal(tmp_path) == f"{tmp_path}/pipe.yaml: is no regular file"


def test_a_folder_nested_without_end_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "/".join(["d"] * 40), a_yaml="a")
    assert refusal(tmp_path).endswith("/d: is nested more than 32 folders deep")


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    for number in range(10_001):
        (tmp_path / f"{number}.yaml").touch()
    assert refusal(tmp_path) == f"{tmp_path}: holds 10001 files; at most 10000 are read"


def test_too_many_bytes_are_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.yaml").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    assert refusal(tmp_path) == f"{tmp_path}: holds 68157440 bytes; at most 67108864 are read"


def test_a_folder_that_is_away_has_no_signature(tmp_path: Path) -> None:
    assert folder_signature(tmp_path / "none") is None


def test_an_edit_is_seen_without_reading(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a")
    before = folder_signature(tmp_path)
    assert folder_signature(tmp_path) == before
    write(tmp_path, a_yaml="ab")
    assert folder_signature(tmp_path) != before


@pytest.mark.parametrize("packed", [False, True])
def test_a_checkout_tells_its_commit(tmp_path: Path, packed: bool) -> None:
    git = tmp_path / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    if packed:
        (git / "packed-refs").write_text(f"# pack-refs with: peeled\n{COMMIT} refs/heads/main\n")
    else:
        (git / "refs/heads/main").write_text(COMMIT + "\n")
    assert git_commit(write(tmp_path / "policies", a_yaml="a")) == COMMIT


def test_the_branch_of_a_worktree_is_found_in_the_common_repository(tmp_path: Path) -> None:
    common = tmp_path / "repo" / ".git"
    private = common / "worktrees" / "w"
    private.mkdir(parents=True)
    (private / "HEAD").write_text("ref: refs/heads/main\n")
    (private / "commondir").write_text("../..\n")
    (common / "packed-refs").write_text(f"{COMMIT} refs/heads/main\n")
    tree = write(tmp_path / "tree", a_yaml="a")
    (tree / ".git").write_text(f"gitdir: {private}\n")
    assert git_commit(tree) == COMMIT


@pytest.mark.parametrize("head", ["", "ref: refs/heads/none\n", "not a commit\n", "ref: ../../x\n"])
def test_a_checkout_that_tells_no_commit_is_no_error(tmp_path: Path, head: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(head)
    write(tmp_path, a_yaml="a")
    assert load_folder(tmp_path).revision.commit is None
