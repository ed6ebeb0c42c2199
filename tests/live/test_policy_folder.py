"""Policy folders as checkouts, mounts and git-sync make them."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from webhook.documents.source import DocumentErrors
from webhook.live.policy_folder import (
    LIMITS,
    FolderText,
    Limits,
    Revision,
    UnreadableError,
    folder_signature,
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


def refusal(folder: Path, limits: Limits = LIMITS) -> str:
    with pytest.raises(DocumentErrors) as caught:
        load_folder(folder, limits=limits)
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


def test_the_hash_is_the_same_with_and_without_tests(tmp_path: Path) -> None:
    write(tmp_path, tenants_yaml="kind: RuntimePolicy")
    without = load_folder(tmp_path).revision
    write(tmp_path, tests__tenants_yaml="kind: PolicyTest\nspec: 1\n")
    assert load_folder(tmp_path).revision == without
    write(tmp_path, tests__tenants_yaml="kind: PolicyTest\n---\nkind: RuntimePolicy\n")
    assert load_folder(tmp_path).revision != without


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


def test_a_folder_that_cannot_be_reached_is_one_error(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a")
    (tmp_path / "loop").symlink_to("loop")
    assert refusal(tmp_path / "a.yaml" / "b") == (
        f"{tmp_path}/a.yaml/b: cannot be read: Not a directory"
    )
    assert refusal(tmp_path / "loop").startswith(f"{tmp_path}/loop: cannot be read: ")


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


def mounted(root: Path, stamp: str, text: str) -> None:
    """Put one version of a ConfigMap in place as the kubelet does: by the rename of a link."""
    write(root / stamp, tenants_yaml=text, sub__databases_yaml=text)
    (root / "..data_tmp").symlink_to(stamp)
    (root / "..data_tmp").rename(root / "..data")
    for name in ("tenants.yaml", "sub"):
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"..data/{name}")


def test_a_config_map_whose_items_have_paths_is_read(tmp_path: Path) -> None:
    mounted(tmp_path, "..2026_11_24", "x")
    assert load_folder(tmp_path).files == (("sub/databases.yaml", b"x"), ("tenants.yaml", b"x"))


def test_a_folder_below_a_config_map_mount_is_read(tmp_path: Path) -> None:
    mounted(tmp_path, "..2026_11_24", "x")
    assert names(load_folder(tmp_path / "sub")) == ["databases.yaml"]


def test_a_mount_that_is_swapped_all_the_time_is_never_read_in_halves(tmp_path: Path) -> None:
    mounted(tmp_path, "..0", "0")
    stopped = threading.Event()

    def swap() -> None:
        number = 0
        while not stopped.wait(0.001):
            number += 1
            mounted(tmp_path, f"..{number}", str(number))
            shutil.rmtree(tmp_path / f"..{number - 1}")

    kubelet = threading.Thread(target=swap)
    kubelet.start()
    try:
        seen = versions_seen(tmp_path, 40)
    finally:
        stopped.set()
        kubelet.join()
    assert all(len({content for _, content in files}) == 1 for files in seen)


def versions_seen(folder: Path, number: int) -> set[tuple[tuple[str, bytes], ...]]:
    """What is read until so many versions were."""
    seen: set[tuple[tuple[str, bytes], ...]] = set()
    while len(seen) < number:
        try:
            seen.add(load_folder(folder).files)
        except DocumentErrors as error:
            assert str(error) == f"{folder}: changes faster than it can be read"  # noqa: PT017 - the other outcome is as good
    return seen


def test_a_link_to_a_file_of_another_name_is_read_as_what_it_is_called(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a")
    (tmp_path / "strict.txt").write_text("s")
    (tmp_path / "choice.yaml").symlink_to("strict.txt")
    assert load_folder(tmp_path).files == (("a.yaml", b"a"), ("choice.yaml", b"s"))


@pytest.mark.parametrize("target", [".", "..", "sub", ".hidden/again", ".hidden"])
def test_links_to_folders_end(tmp_path: Path, target: str) -> None:
    folder = write(tmp_path / "policies", a_yaml="a", sub__b_yaml="b")
    (folder / ".hidden" / "again").mkdir(parents=True)
    (folder / ".hidden" / "again" / "more").symlink_to("../../link")
    (folder / "link").symlink_to(target)
    assert "link" in refusal(folder)


def test_an_unreadable_file_is_named_and_one_made_readable_is_a_change(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a", b_yaml="b")
    (tmp_path / "b.yaml").chmod(0)
    before = folder_signature(tmp_path)
    if os.geteuid():  # root reads anything
        with pytest.raises(UnreadableError) as caught:
            load_folder(tmp_path)
        assert str(caught.value) == f"{tmp_path}/b.yaml: cannot be read: Permission denied"
    (tmp_path / "b.yaml").chmod(0o600)
    assert folder_signature(tmp_path) != before


def test_an_edit_that_keeps_size_and_time_is_seen(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a")
    before, status = folder_signature(tmp_path), (tmp_path / "a.yaml").stat()
    write(tmp_path, a_yaml="b")
    os.utime(tmp_path / "a.yaml", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert folder_signature(tmp_path) != before


def test_a_file_of_ten_megabytes_is_one_error_with_its_size(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a")
    with (tmp_path / "big.yaml").open("wb") as file:
        file.truncate(10_000_000)
    assert refusal(tmp_path) == (
        f"{tmp_path}/big.yaml: is 10000000 bytes; a file may have at most 4194304"
    )


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.yaml")).touch()
    assert refusal(tmp_path) == f"{tmp_path}/\\udcff.yaml: has a name that is not UTF-8"


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert refusal(tmp_path) == f"{tmp_path}/pipe.yaml: is no regular file"


def test_a_folder_nested_without_end_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "/".join(["d"] * 40), a_yaml="a")
    assert refusal(tmp_path).endswith("/d: is nested more than 32 folders deep")


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(files=2), "holds 3 files; at most 2 are read"),
        (Limits(total_bytes=8), "holds 9 bytes; at most 8 are read"),
        (Limits(entries=4), "holds 5 entries; at most 4 are read"),
    ],
)
def test_a_folder_that_is_larger_than_any_of_policies_is_one_error(
    tmp_path: Path, limits: Limits, said: str
) -> None:
    write(tmp_path, a_yaml="aaa", b_yaml="bbb", sub__c_yaml="ccc")
    (tmp_path / "gone.yaml").symlink_to("nothing")
    assert refusal(tmp_path, limits) == f"{tmp_path}: {said}"


def test_the_walk_of_a_large_folder_ends(tmp_path: Path) -> None:
    for number in range(9):
        write(tmp_path / str(number), a_yaml="a", b_yaml="b")
    assert refusal(tmp_path, Limits(entries=10)).endswith("holds 11 entries; at most 10 are read")


def test_a_folder_that_is_away_has_no_signature(tmp_path: Path) -> None:
    assert folder_signature(tmp_path / "none") is None


def test_an_edit_is_seen_without_reading(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a")
    before = folder_signature(tmp_path)
    assert folder_signature(tmp_path) == before
    write(tmp_path, a_yaml="ab")
    assert folder_signature(tmp_path) != before
