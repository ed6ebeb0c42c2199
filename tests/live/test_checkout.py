"""The commit of a checkout, from the files that git keeps."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from webhook.live.checkout import git_commit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("packed", [False, True])
def test_a_checkout_tells_its_commit(tmp_path: Path, packed: bool) -> None:
    git = tmp_path / ".git"
    put(git / "HEAD", "ref: refs/heads/main\n")
    if packed:
        put(git / "packed-refs", f"# pack-refs with: peeled\n{COMMIT} refs/heads/main\n")
    else:
        put(git / "refs/heads/main", COMMIT + "\n")
    (tmp_path / "policies").mkdir()
    assert git_commit(tmp_path / "policies") == COMMIT


@pytest.mark.parametrize("commit", [COMMIT, COMMIT + "0" * 24])
def test_a_detached_head_is_its_commit(tmp_path: Path, commit: str) -> None:
    put(tmp_path / ".git" / "HEAD", commit + "\n")
    assert git_commit(tmp_path) == commit


def test_the_branch_of_a_worktree_is_found_in_the_common_repository(tmp_path: Path) -> None:
    common = tmp_path / "repo" / ".git"
    private = common / "worktrees" / "w"
    put(private / "HEAD", "ref: refs/heads/main\n")
    put(private / "commondir", "../..\n")
    put(common / "packed-refs", f"{COMMIT} refs/heads/main\n")
    put(tmp_path / "tree" / ".git", f"gitdir: {private}\n")
    assert git_commit(tmp_path / "tree") == COMMIT


def test_a_submodule_names_its_repository_by_a_relative_path(tmp_path: Path) -> None:
    put(tmp_path / ".git" / "modules" / "policies" / "HEAD", COMMIT)
    put(tmp_path / "policies" / ".git", "gitdir: ../.git/modules/policies\n")
    assert git_commit(tmp_path / "policies") == COMMIT


@pytest.mark.parametrize(
    "head",
    [
        "",
        "ref: refs/heads/none\n",
        "ref: refs/heads/.invalid\n",
        "ref: refs/heads/../../commit\n",
        "ref: ../commit\n",
        "ref: /etc/passwd\n",
        "not a commit\n",
        "\udcff",
    ],
)
def test_a_checkout_that_tells_no_commit_is_no_error(tmp_path: Path, head: str) -> None:
    put(tmp_path / ".git" / "commit", COMMIT)
    (tmp_path / ".git" / "HEAD").write_bytes(head.encode("utf-8", "surrogateescape"))
    assert git_commit(tmp_path) is None


def test_a_worktree_whose_repository_is_not_mounted_tells_none(tmp_path: Path) -> None:
    put(tmp_path / ".git", "gitdir: /nowhere/.git/worktrees/w\n")
    assert git_commit(tmp_path) is None


def test_what_is_no_checkout_or_not_there_tells_none(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is git_commit(tmp_path / "none") is None


def git(folder: Path, *words: str) -> str:
    """Run git without anybody's settings."""
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    none = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    run = subprocess.run(
        ["git", "-C", folder, *who, *words],
        env={"PATH": os.environ["PATH"], **none},
        check=True,
        capture_output=True,
        text=True,
    )
    return run.stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_itself_says_the_same(tmp_path: Path) -> None:
    origin, tree = tmp_path / "origin", tmp_path / "tree"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    git(origin, "commit", "-q", "--allow-empty", "-m", "one")
    head = git(origin, "rev-parse", "HEAD")
    assert git_commit(origin) == head
    git(origin, "pack-refs", "--all")
    assert git_commit(origin) == head
    git(origin, "worktree", "add", "-q", "-b", "feature/x", str(tree))
    git(tree, "commit", "-q", "--allow-empty", "-m", "two")
    assert git_commit(tree) == git(tree, "rev-parse", "HEAD") != head
