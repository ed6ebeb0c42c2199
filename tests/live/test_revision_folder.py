"""Policy folders in real git repositories: read as from disk, and nothing of them is run."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.git_repository import GitRepository
from webhook.core.names import shown
from webhook.documents.source import MOST_BYTES, DocumentErrors
from webhook.live import git
from webhook.live.git import GitError
from webhook.live.policy_folder import FolderText, Limits, load_folder
from webhook.live.revision_folder import Named, load_revision, parse_named

A, B = "a: 1\n", "b: 2\n"


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "repository")


def load(written: str, here: GitRepository | Path, **options: Limits) -> FolderText:
    named = parse_named(written)
    assert named is not None
    folder = here.root if isinstance(here, GitRepository) else here
    return load_revision(named, here=folder, **options)


def refused(written: str, here: GitRepository | Path, **options: Limits) -> str:
    with pytest.raises((GitError, DocumentErrors)) as said:
        load(written, here, **options)
    return str(said.value)


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("main:policies", Named(revision="main", path="policies")),
        ("HEAD~1:", Named(revision="HEAD~1", path="")),
        ("HEAD^{/fix: this}:a:b", Named(revision="HEAD^{/fix: this}", path="a:b")),
        ("main@{2026-01-01 10:00}:p", Named(revision="main@{2026-01-01 10:00}", path="p")),
        ("}:p", Named(revision="}", path="p")),
        ("policies", None),
    ],
)
def test_a_revision_ends_at_the_first_colon_outside_of_braces(
    written: str, named: Named | None
) -> None:
    assert parse_named(written) == named


def test_a_revision_is_read_as_it_was_and_the_working_tree_left_alone(
    repository: GitRepository,
) -> None:
    first = repository.commit({"policies/a.yaml": A, "policies/deep/b.yml": B, "other.yaml": A})
    repository.commit({"policies/a.yaml": B})
    repository.write("policies/a.yaml", "not: committed\n")
    text = load("HEAD~1:policies", repository)
    assert text.files == (("a.yaml", A.encode()), ("deep/b.yml", B.encode()))
    assert text.revision.commit == first
    assert [name for name, _ in text.named_files] == [
        "HEAD~1:policies/a.yaml", "HEAD~1:policies/deep/b.yml",
    ]  # fmt: skip


@pytest.mark.parametrize("revision", ["main", "HEAD", "v1", "v1^{}", "main^{/first}", "@"])
def test_revisions_are_named_as_git_names_them(repository: GitRepository, revision: str) -> None:
    commit = repository.commit({"policies/a.yaml": A}, "first")
    repository.git("tag", "--annotate", "--message", "one", "v1")
    assert load(f"{revision}:policies", repository).revision.commit == commit


def test_paths_count_from_the_top_and_dots_from_here(repository: GitRepository) -> None:
    repository.commit({"a.yaml": A, "team/policies/b.yaml": B})
    here = repository.root / "team"
    for written in ("HEAD:team/policies", "HEAD:./policies", "HEAD:../team/policies/"):
        assert load(written, here).files == (("b.yaml", B.encode()),)
    assert load("HEAD:", here).files == (
        ("a.yaml", A.encode()),
        ("team/policies/b.yaml", b"b: 2\n"),
    )
    assert load("HEAD:..", here).files == load("HEAD:", here).files
    assert refused("HEAD:policies", here) == (
        "HEAD:policies: it holds no folder policies (from the top of the repository; ./ counts "
        "from here)"
    )
    assert refused("HEAD:../../x", here) == "HEAD:../../x: the folder is outside of the repository"


TREES: dict[str, dict[str, str | Path | None]] = {
    "plain": {"p/a.yaml": A, "p/b/c.yml": B, "p/README.md": "x"},
    "hidden": {"p/a.yaml": A, "p/.git-sync/b.yaml": B, "p/.b.yaml": B},
    "ignored": {"p/a.yaml": A, "p/drafts/b.yaml": B, "p/drafts/.runtimegateignore": ""},
    "ignored at the top": {"p/a.yaml": A, "p/.runtimegateignore": ""},
    "a link to a file": {"p/a.yaml": A, "p/b.yaml": Path("a.yaml")},
    "a link to a file without the suffix": {"p/x.txt": A, "p/b.yaml": Path("x.txt")},
    "a mount's links": {
        "p/..1/a.yaml": A, "p/..data": Path("..1"), "p/a.yaml": Path("..data/a.yaml")
    },
    "a link to a hidden folder": {"p/.h/a.yaml": A, "p/s": Path(".h")},
    "a link to a folder": {"p/s/a.yaml": A, "p/t": Path("s")},
    "a link out of the folder": {"x.yaml": A, "p/a.yaml": A, "p/b.yaml": Path("../x.yaml")},
    "a link out of the repository": {"p/a.yaml": A, "p/b.yaml": Path("/etc/hostname")},
    "a link nowhere": {"p/a.yaml": A, "p/b.yaml": Path("c.yaml")},
    "a circle": {"p/a.yaml": A, "p/b.yaml": Path("c.yaml"), "p/c.yaml": Path("b.yaml")},
    "nothing to read": {"p/README.md": "x"},
    "too deep": {f"p/{'d/' * 34}a.yaml": A},
    "too large": {"p/a.yaml": " " * (MOST_BYTES + 1), "p/b.yaml": B},
    "the folder is a link": {"real/a.yaml": A, "p": Path("real")},
}  # fmt: skip


@pytest.mark.parametrize("tree", TREES)
def test_a_revision_is_read_by_the_rules_of_a_folder(repository: GitRepository, tree: str) -> None:
    repository.commit(TREES[tree])
    assert outcome(lambda: load("HEAD:p", repository)) == outcome(
        lambda: load_folder(repository.root / "p", called=Path("HEAD:p"))
    )


def outcome(read: Callable[[], FolderText]) -> object:
    try:
        text = read()
    except DocumentErrors as errors:
        return str(errors)
    return text.files, text.left_out, text.revision.hash, text.folder


def test_what_cannot_be_named_is_said_in_one_line(repository: GitRepository) -> None:
    assert refused("main:p", repository) == "main:p: the repository has no commit yet"
    repository.commit({"policies/a.yaml": A})
    assert refused("mian:p", repository) == (
        "mian:p: the repository has no revision mian; did you mean main?"
    )
    assert refused("HEAD~1:p", repository) == "HEAD~1:p: the repository has no revision HEAD~1"
    assert refused("main:p", repository) == "main:p: it holds no folder p"
    assert refused(":policies", repository) == (
        ":policies: what is staged has no revision: name one before the colon"
    )
    assert refused("HEAD:policies/a.yaml", repository) == (
        "HEAD:policies/a.yaml: policies/a.yaml is a file there: name the folder"
    )
    assert "has a line break in its name" in refused("HEAD:a\nb", repository)


@pytest.mark.parametrize("revision", ["--help", "--exec=x", "\x1b[31m", "a b", "..", "^"])
def test_no_revision_is_an_option_or_reaches_a_terminal(
    repository: GitRepository, revision: str
) -> None:
    repository.commit({"p/a.yaml": A})
    said = refused(f"{revision}:p", repository)
    assert f": the repository has no revision {shown(revision)}" in said
    assert "\x1b" not in said


def test_outside_of_a_repository_there_are_no_revisions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert refused("main:p", tmp_path) == f"main:p: {tmp_path} is in no git repository"


def test_a_bare_repository_is_read_as_any_other(repository: GitRepository, tmp_path: Path) -> None:
    repository.commit({"p/a.yaml": A})
    bare = repository.clone(tmp_path / "bare.git", "--bare")
    assert load("main:p", bare).files == (("a.yaml", A.encode()),)


def test_a_shallow_clone_says_what_it_lacks_and_how_to_get_it(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit({"p/a.yaml": A})
    repository.commit({"p/a.yaml": B})
    shallow = repository.clone(tmp_path / "shallow", "--depth=1")
    assert load("HEAD:p", shallow).files == (("a.yaml", B.encode()),)
    assert refused("HEAD~1:p", shallow) == (
        "HEAD~1:p: the repository has no revision HEAD~1; it is a shallow clone, which lacks older "
        "commits and other branches: `git fetch --unshallow` brings them (fetch-depth: 0 for "
        'actions/checkout, GIT_DEPTH: "0" in GitLab)'
    )


def test_a_branch_that_only_the_remote_has_is_meant(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit({"p/a.yaml": A})
    clone = repository.clone(tmp_path / "clone")
    clone.git("checkout", "--quiet", "--detach")
    clone.git("branch", "--delete", "--force", "main")
    assert refused("main:p", clone).endswith("no revision main; did you mean origin/main?")
    assert load("origin/main:p", clone).files == (("a.yaml", A.encode()),)


def test_a_submodule_is_refused_and_a_hidden_one_is_not(repository: GitRepository) -> None:
    blob, ignore = repository.blob(A.encode()), repository.blob(b"")
    module = ("160000", b"m", "1" * 40)
    ignored = repository.tree(("100644", b".runtimegateignore", ignore), module)
    hidden, left_out = ("160000", b".m", "1" * 40), ("40000", b"d", ignored)
    for entries, faulty in (([hidden], False), ([left_out], False), ([module], True)):
        commit = repository.commit_tree(repository.tree(("100644", b"a.yaml", blob), *entries))
        if not faulty:
            assert load(f"{commit}:", repository).files == (("a.yaml", A.encode()),)
            continue
        assert "/m: is a submodule" in refused(f"{commit}:", repository)


def test_a_folder_that_is_in_a_submodule_is_told_from_one_that_is_not_there(
    repository: GitRepository,
) -> None:
    inner = repository.tree(("160000", b"m", "1" * 40))
    commit = repository.commit_tree(repository.tree(("40000", b"d", inner)))
    for path in ("d/m", "d/m/policies", "d/m/policies/deep"):
        assert refused(f"{commit}:{path}", repository).endswith(
            ": d/m is a submodule there: name a revision of it, from within d/m"
        )
    for path in ("d/n", "m", "d/mm/policies", ":(top)d/m"):
        assert refused(f"{commit}:{path}", repository).endswith(f": it holds no folder {path}")
    assert "it holds no folder nn" in refused(f"{commit}:{'n' * 100_000}", repository)
    assert "it holds no folder n/n" in refused(f"{commit}:{'n/' * 50_000}", repository)


def test_a_replaced_commit_is_not_looked_at(repository: GitRepository) -> None:
    commit = repository.commit({"p/a.yaml": A})
    repository.git("replace", commit, repository.commit({"p/a.yaml": B}))
    assert load(f"{commit}:p", repository).files == (("a.yaml", A.encode()),)


def test_nothing_that_a_repository_names_is_run(repository: GitRepository, tmp_path: Path) -> None:
    pwned = tmp_path / "pwned"
    run = f"touch {pwned}"
    repository.commit({"p/a.yaml": A, "p/.gitattributes": "*.yaml filter=x diff=x export-subst\n"})
    for key, value in (
        ("filter.x.smudge", run), ("filter.x.clean", run), ("filter.x.process", run),
        ("diff.x.textconv", run), ("diff.external", run), ("core.fsmonitor", run),
        ("core.pager", run), ("core.sshCommand", run), ("core.editor", run), ("pager.ls-tree", run),
        ("core.alternateRefsCommand", run), ("credential.helper", f"!{run}"),
        ("alias.ls-tree", f"!{run}"), ("alias.cat-file", f"!{run}"),
    ):  # fmt: skip
        repository.git("config", key, value)
    hooks = repository.root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in (
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "fsmonitor-watchman",
    ):
        (hooks / name).write_text(f"#!/bin/sh\n{run}\n")
        (hooks / name).chmod(0o755)
    assert load("HEAD:p", repository).files == (("a.yaml", A.encode()),)
    assert refused("nope:p", repository)
    assert not pwned.exists()


@pytest.mark.parametrize("remote", ["ext::sh -c {run}", "file://{root}"])
def test_what_a_partial_clone_lacks_is_not_fetched(
    repository: GitRepository, tmp_path: Path, remote: str
) -> None:
    repository.commit({"p/a.yaml": A})
    blob = repository.git("rev-parse", "HEAD:p/a.yaml")
    (repository.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    other = GitRepository(tmp_path / "other")
    other.commit({"p/a.yaml": A})
    pwned = tmp_path / "pwned"
    for key, value in (
        ("core.repositoryFormatVersion", "1"), ("extensions.partialClone", "origin"),
        ("remote.origin.url", remote.format(run=f"touch% {pwned}", root=other.root)),
        ("remote.origin.promisor", "true"), ("remote.origin.uploadpack", f"touch {pwned};"),
        ("protocol.allow", "always"), ("protocol.ext.allow", "always"),
        ("protocol.file.allow", "always"),
    ):  # fmt: skip
        repository.git("config", key, value)
    assert "the repository lacks the content of a.yaml: a partial clone" in refused(
        "HEAD:p", repository
    )
    assert not pwned.exists()


@pytest.mark.parametrize("name", [b"..", b"../../x.yaml", b"/x.yaml", b".", b"a//b.yaml"])
def test_a_tree_with_a_name_that_leads_out_is_refused_and_nothing_written(
    repository: GitRepository, tmp_path: Path, name: bytes
) -> None:
    blob = repository.blob(A.encode())
    inner = repository.tree(("100644", b"a.yaml", blob))
    kind = ("40000", name, inner) if name in {b"..", b"."} else ("100644", name, blob)
    commit = repository.commit_tree(repository.tree(("100644", b"a.yaml", blob), kind))
    before = sorted(tmp_path.rglob("*"))
    said = refused(f"{commit}:", repository)
    assert "holds a name that leads out of it" in said
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_that_is_a_folder_as_well_is_not_written_through(
    repository: GitRepository, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    blob = repository.blob(A.encode())
    link = repository.blob(str(outside).encode())
    inner = repository.tree(("100644", b"a.yaml", blob))
    tree = repository.tree(("120000", b"d", link), ("40000", b"d", inner))
    assert "cannot be laid out to be read: File exists" in refused(
        f"{repository.commit_tree(tree)}:", repository
    )
    assert list(outside.iterdir()) == []


def test_names_that_are_not_text_are_refused_as_on_disk(repository: GitRepository) -> None:
    blob = repository.blob(A.encode())
    commit = repository.commit_tree(repository.tree(("100644", b"\xff\x1b.yaml", blob)))
    said = refused(f"{commit}:", repository)
    assert "has a name that is not UTF-8" in said
    assert "\x1b" not in said


def test_a_tree_that_unfolds_without_end_is_cut_off(repository: GitRepository) -> None:
    tree = repository.tree(("100644", b"a.yaml", repository.blob(A.encode())))
    for _ in range(12):
        tree = repository.tree(*(("40000", b"%c" % name, tree) for name in b"abcdefghij"))
    commit = repository.commit_tree(tree)
    said = refused(f"{commit}:", repository, limits=Limits(entries=1000))
    assert said == f"{commit}:: holds more than 1000 entries"


def test_a_folder_of_more_bytes_than_are_read_is_refused(repository: GitRepository) -> None:
    repository.commit({"p/a.yaml": A * 100, "p/b.yaml": A * 100})
    said = refused("HEAD:p", repository, limits=Limits(total_bytes=900))
    assert said == "HEAD:p: holds more than 900 bytes"


def test_without_git_a_revision_says_so(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"p/a.yaml": A})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused("HEAD:p", repository) == (
        "HEAD:p: git is not installed here: it reads revisions; a folder needs none"
    )


def test_a_git_that_does_not_answer_is_ended(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin"
    slow.mkdir()
    (slow / "git").write_text('#!/bin/sh\nfor a; do [ "$a" = --batch ] && exec sleep 60; done\n'
                              f'exec {_real_git()} "$@"\n')  # fmt: skip
    (slow / "git").chmod(0o755)
    repository.commit({"p/a.yaml": A})
    monkeypatch.setenv("PATH", f"{slow}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(git, "SECONDS", 1.0)
    assert re.search("did not answer within 1 seconds", refused("HEAD:p", repository))


def _real_git() -> str:
    found = shutil.which("git")
    assert found
    return found
