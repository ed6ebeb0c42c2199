"""``policy diff``: real git repositories, files, every output; a real cluster further below."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.build import pod
from tests.documents.build import document, inventory, policy, runtime
from tests.live.git_repository import GitRepository
from webhook.cli import run
from webhook.cli.policy_diff_markdown import MARK, MOST_BYTES
from webhook.core.difference import Kind

ROOT = Path(__file__).parents[2]
TODAY = "--today=2026-11-24"
INVENTORY = inventory(
    runtime(versions=["20260817.0"]), runtime(runtimeClass="kata-qemu", runtime="kata")
)
SMILES = "\N{GRINNING FACE}" * 30
LAX = policy("tenants", runtimeClasses={"default": "gvisor", "allowed": ["gvisor", "kata-*"]})
STRICT = policy(
    "tenants",
    runtimeClasses={"default": "gvisor", "allowed": ["gvisor", "kata-*"]},
    compatibility={"degraded": "deny"},
)
DB = {"name": "db", "image": "postgres:17"}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """Two revisions, the second stricter; the working tree is where the test stands."""
    made = GitRepository(tmp_path / "repository")
    made.commit({"policies/tenants.yaml": LAX, "policies/inventory.yaml": INVENTORY})
    made.commit({"policies/tenants.yaml": STRICT})
    monkeypatch.chdir(made.root)
    return made


def save(path: Path, *objects: Any) -> str:
    """A file as ``kubectl get … -o json`` writes it."""
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return str(path)


def deployment(name: str, namespace: str = "tenant-a", **spec: Any) -> dict[str, Any]:
    template = pod(name="", **spec)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"metadata": {}, "spec": template["spec"]}},
    }


def diff(*arguments: str, says: int) -> None:
    assert run(["policy", "diff", *arguments, TODAY]) == says


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert err == ""
    return str(out)


def value(capsys: pytest.CaptureFixture[str], *arguments: str, says: int) -> Any:
    diff(*arguments, "-o", "json", says=says)
    return json.loads(printed(capsys))


WEB, DATABASE = deployment("web"), deployment("db", containers=[DB])


def test_a_change_that_refuses_more_is_told_with_its_cause_and_its_remedy(
    repository: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(tmp_path / "m.json", WEB, DATABASE)
    diff("HEAD~1:policies", "policies", "-f", file, says=1)
    old, new, *rest = printed(capsys).splitlines()
    before, after = repository.git("rev-parse", "HEAD~1", "HEAD").split()
    assert old.startswith("old  HEAD~1:policies (")
    assert old.endswith(f", git {before[:12]})")
    assert new.endswith(f", git {after[:12]})")
    assert rest == [
        "     changed: RuntimePolicy tenants",
        "",
        "newly refused: 1 workload",
        "  policy tenants",
        "    tenant-a",
        "      Deployment db",
        (
            "        RuntimeClass gvisor runs postgresql badly: system calls take 4 to 6 times as "
            "long (container db)"
        ),
        "        use runtimeClassName: kata-qemu in its pod template",
        "        until now: RuntimeClass gvisor",
        "",
        f"looked at 2 workloads and 0 pods in 1 namespace of {file}",
        "1 workload newly refused",
    ]


def test_the_way_back_allows_it_and_is_clean(
    repository: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    diff("policies", "HEAD~1:policies", "-f", save(tmp_path / "m.json", WEB, DATABASE), says=0)
    assert printed(capsys).splitlines()[-1] == "1 workload newly allowed"


def test_equal_policies_say_how_much_was_looked_at(
    repository: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(tmp_path / "m.json", WEB, DATABASE, pod(namespace="tenant-b"))
    diff("HEAD:policies", "policies", "-f", file, says=0)
    assert printed(capsys).splitlines()[2:] == [
        "     the documents are the same",
        "",
        f"looked at 3 workloads and 1 pod in 2 namespaces of {file}",
        "nothing changes there",
    ]


def test_the_shipped_policies_differ_from_themselves_in_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(tmp_path / "m.json", WEB, DATABASE, deployment("x", "kube-system"))
    policies = str(ROOT / "policies")
    assert value(capsys, policies, policies, "-f", file, says=0)["changes"] == []


def test_programs_are_told_everything(
    repository: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(tmp_path / "m.json", WEB, DATABASE)
    found = value(capsys, "HEAD~1:policies", "policies", "-f", file, says=1)
    before, after = repository.git("rev-parse", "HEAD~1", "HEAD").split()
    (change,) = found.pop("changes")
    assert {len(side.pop("revision")) for side in (found["old"], found["new"])} == {12}
    assert found == {
        "old": {
            "source": "HEAD~1:policies", "commit": before, "uncommitted": False, "inventory": None
        },
        "new": {"source": "policies", "commit": after, "uncommitted": False, "inventory": None},
        "documents": {"added": [], "removed": [], "changed": ["RuntimePolicy tenants"]},
        "origin": file,
        "live": False,
        "lookedAt": {"workloads": 2, "pods": 0, "namespaces": 1, "ended": 0, "otherObjects": 0},
        "summary": {
            str(kind): {"workloads": int(kind is Kind.NEWLY_REFUSED), "pods": 0} for kind in Kind
        },
        "missing": [],
        "errors": [],
    }  # fmt: skip
    assert change.pop("after").pop("message").startswith("policy tenants: RuntimeClass gvisor runs")
    (warning,) = change["before"].pop("warnings")
    assert warning.startswith("container db: RuntimeClass gvisor runs postgresql badly")
    assert change == {
        "kind": "newlyRefused",
        "kinds": ["newlyRefused"],
        "policy": "tenants",
        "namespace": "tenant-a",
        "workload": {"kind": "Deployment", "name": "db"},
        "templates": ["spec.template"],
        "pods": 0,
        "podNames": [],
        "source": file,
        "line": 1,
        "before": {
            "decision": "assign", "would": None, "workloadRefused": False,
            "runtimeClass": "gvisor", "reason": None, "message": "", "suggestions": [],
            "policy": "tenants", "mode": "enforce", "override": None, "exemption": None,
            "verdict": "degraded",
        },
        "warnings": {"added": [], "removed": [warning]},
    }  # fmt: skip


def test_a_newer_runtime_is_a_new_inventory(
    repository: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = tmp_path / "new.yaml"
    release.write_text(inventory(runtime(versions=["20181030.0"])))
    file = save(tmp_path / "m.json", WEB, DATABASE)
    found = value(capsys, "HEAD~1:policies", "--inventory", str(release), "-f", file, says=1)
    assert found["new"]["inventory"] == str(release)
    assert found["documents"]["changed"] == ["RuntimeInventory cluster"]
    (change,) = found["changes"]
    assert change["after"]["verdict"] == "incompatible"
    assert "sync_file_range" in change["after"]["message"]
    diff("HEAD~1:policies", "HEAD~1:policies", "--inventory", str(release), "-f", file, says=1)
    assert f"inventory {release})\n" in printed(capsys)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (LAX, "must hold one RuntimeInventory and nothing else, not 0 of it and 1 document of"),
        (f"{INVENTORY}\n---\n{LAX}", "not 1 of it and 1 document of other kinds"),
        (f"{INVENTORY}\n---\n{inventory(name='b')}", "not 2 of it and 0 documents of other kinds"),
        (document("RuntimeInventory", {"x": 1}), "new.yaml:1: spec.x: "),
        ("", "not 0 of it and 0 documents"),
        ("a: [", "new.yaml:1: "),
        (" " * 5_000_000, "a file may have at most 4194304"),
    ],
)
def test_what_is_no_inventory_is_refused(
    repository: GitRepository,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
    says: str,
) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(content)
    diff("policies", "--inventory", str(file), "-f", save(tmp_path / "m.json", WEB), says=2)
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["policies"], "give OLD and NEW, or OLD and --inventory"),
        (["mian:policies", "policies"], "has no revision mian; did you mean main?\n"),
        (["main:police", "policies"], "main:police: it holds no folder police\n"),
        (
            ["police", "policies"],
            "police: does not exist; a folder of a git revision is written REVISION:FOLDER, as in",
        ),
        (["policies", "main"], "main: does not exist; a folder of a git revision is written"),
        (["policies", ":policies"], ":policies: what is staged has no revision"),
        (["HEAD:broken", "policies"], "HEAD:broken/a.yaml:1: kind: must be given; must be one of"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(
    repository: GitRepository,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    repository.commit({"broken/a.yaml": "a: 1\n"})
    diff(*arguments, "-f", save(tmp_path / "m.json", WEB), says=2)
    out, err = capsys.readouterr()
    assert (out, says in err) == ("", True), err


def test_a_bare_repository_has_no_folders(
    repository: GitRepository,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bare = repository.clone(tmp_path / "bare.git", "--bare")
    monkeypatch.chdir(bare.root)
    file = save(tmp_path / "m.json", DATABASE)
    diff("main~1:policies", "policies", "-f", file, says=2)
    assert capsys.readouterr().err == (
        "policies: does not exist; this repository is bare, without a working tree: write "
        "HEAD:policies\n"
    )
    diff("main~1:policies", "main:policies", "-f", file, says=1)
    assert printed(capsys)


def test_what_is_not_committed_is_said_and_looked_at_only_where_the_folder_is_named(
    repository: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(tmp_path / "m.json", DATABASE)
    repository.write("policies/tenants.yaml", LAX)
    diff("HEAD:policies", "policies", "-f", file, says=0)
    out = printed(capsys)
    assert ", not committed)\n" in out
    assert out.endswith("1 workload newly allowed\n")
    diff("HEAD~1:policies", "main:policies", "-f", file, says=1)
    assert capsys.readouterr().err == (
        "note: policies has changes that are not committed, and main:policies is without them: "
        "name the folder, policies, to look at those\n"
    )


def test_a_folder_that_was_never_committed_is_read_all_the_same(
    repository: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write("next/tenants.yaml", STRICT)
    repository.write("next/inventory.yaml", INVENTORY)
    diff("HEAD~1:policies", "next", "-f", save(tmp_path / "m.json", DATABASE), says=1)
    assert "new  next (" in printed(capsys)


def test_without_git_a_folder_is_read_and_nothing_said_of_what_is_committed(
    repository: GitRepository,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repository.write("policies/tenants.yaml", LAX)
    monkeypatch.setenv("PATH", str(tmp_path))
    diff("policies", "policies", "-f", save(tmp_path / "m.json", WEB), says=0)
    assert "not committed" not in printed(capsys)
    diff("HEAD:policies", "policies", "-f", save(tmp_path / "m.json", WEB), says=2)
    assert "git is not installed here" in capsys.readouterr().err


def test_a_folder_with_a_colon_in_its_name_is_that_folder(
    repository: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write("main:policies/tenants.yaml", LAX)
    found = value(capsys, "main:policies", "policies", "-f", save(tmp_path / "m.json", WEB), says=0)
    assert found["documents"]["added"] == ["RuntimeInventory cluster"]


def test_of_a_saved_cluster_pods_count_with_their_controller(
    repository: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "u"}
    pods = []
    for number in range(12):
        running = pod(name=f"db-{number}", namespace="tenant-a", containers=[DB])
        running["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
        pods.append({**running, "status": {"phase": "Running"}})
    ended = {**pods.pop(), "status": {"phase": "Failed"}}
    file = save(tmp_path / "c.json", *pods, ended)
    diff("HEAD~1:policies", "policies", "--cluster", file, says=1)
    out = printed(capsys)
    assert "newly refused: 1 workload, 11 pods\n" in out
    assert "      StatefulSet db: 11 pods\n" in out
    assert f"looked at 1 workload and 11 pods in 1 namespace of {file}, not at 1 pod" in out


def test_only_the_namespaces_that_are_asked_for_count(
    repository: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(tmp_path / "m.json", DATABASE, deployment("db", "tenant-b", containers=[DB]))
    found = value(capsys, "HEAD~1:policies", "policies", "-f", file, "-n", "tenant-b", says=1)
    assert [change["namespace"] for change in found["changes"]] == ["tenant-b"]


def test_what_cannot_be_read_does_not_hide_the_rest_and_is_exit_code_2(
    repository: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(tmp_path / "m.json", DATABASE, {**WEB, "spec": {}})
    diff("HEAD~1:policies", "policies", "-f", file, "-f", "none.yaml", says=2)
    out, err = capsys.readouterr()
    assert out.endswith("1 workload newly refused\n")
    assert err == (
        f"none.yaml: No such file or directory\n{file}:1: spec.template: must be a pod template\n"
    )


HOSTILE = (
    "</details><script>alert(1)</script>", "`x` | y | **b**", "a\\|b\\", "![i](http://e/x.png)",
    "[a](http://e)", "@octocat #1 http://evil.example", "\x1b[31mred\nnext\n\n# heading", "<!-- ",
    "\u202egnp", "&lt;b&gt; &#64;x", "|---|", "$x$", ":tada:", "-->", "x" * 5000,
)  # fmt: skip


@pytest.fixture
def hostile(tmp_path: Path) -> str:
    """A saved file in which a tenant wrote everything that could be taken for something else."""
    objects = []
    for number, text in enumerate(HOSTILE):
        made = pod(name=text, namespace=f"tenant-{text}", containers=[{**DB, "name": text}])
        owner = {"kind": text, "name": text, "uid": text, "controller": True}
        made["metadata"]["ownerReferences"] = [owner] if number % 2 else []
        made["spec"]["runtimeClassName"] = "gvisor" if number % 3 else text
        objects.append(made)
    return save(tmp_path / "hostile.json", *objects)


def test_what_tenants_wrote_is_neither_markup_nor_a_mention(
    repository: GitRepository, hostile: str, capsys: pytest.CaptureFixture[str]
) -> None:
    diff("HEAD~1:policies", "policies", "--cluster", hostile, "-o", "markdown", says=1)
    text = printed(capsys)
    assert text.count("\n| `") == len(HOSTILE)
    outside, html, cells = _rendered(text)
    assert set(html) <= {
        MARK, "<details open>", "<details>", "<summary>", "<b>", "</b>", "</summary>", "</details>",
        "<br>", "<sub>", "</sub>",
    }  # fmt: skip
    assert set(cells) == {4, 3}
    for forbidden in ("script", "octocat", "evil", "heading", "tada", "http", "\x1b", "\u202e"):
        assert forbidden not in outside, outside


def _rendered(text: str) -> tuple[str, list[str], list[int]]:
    """Text outside of code, every tag that is HTML, and the cells of every row."""
    outside, html, cells = "", [], []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        assert token.type != "heading_open" or token.tag == "h3"
        if token.type == "html_block":
            html += re.findall(r"<!--.*?-->|<[^>]*>", token.content)
        cells += [0] if token.type == "tr_open" else []
        if token.type in {"td_open", "th_open"}:
            cells[-1] += 1
        for child in token.children or ():
            assert child.type in {"text", "code_inline", "html_inline", "softbreak", "strong_open",
                                  "strong_close"}, child  # fmt: skip
            html += [child.content] if child.type == "html_inline" else []
            outside += child.content if child.type == "text" else ""
    return outside, html, cells


def test_no_terminal_is_told_anything_by_what_tenants_wrote(
    repository: GitRepository, hostile: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for output in ("text", "json"):
        diff("HEAD~1:policies", "policies", "--cluster", hostile, "-o", output, says=1)
        out = printed(capsys)
        assert all(char.isprintable() or char == "\n" for char in out)
        assert "\n\n# heading" not in out


def test_a_comment_says_the_whole_in_its_first_lines(
    repository: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(tmp_path / "m.json", WEB, DATABASE)
    diff("HEAD~1:policies", "policies", "-f", file, "-o", "markdown", says=1)
    before, after = repository.git("rev-parse", "HEAD~1", "HEAD").split()
    first, *lines = printed(capsys).splitlines()
    assert first == MARK
    assert f"git {before[:12]})` → `policies (" in lines[2]
    assert f"git {after[:12]})`" in lines[2]
    del lines[2]
    cause = "RuntimeClass gvisor runs postgresql badly: system calls take 4 to 6 times as long"
    remedy = "use runtimeClassName: kata-qemu in its pod template"
    said = f"`{cause} (container db)`<br>`{remedy}`<br>until now: `RuntimeClass gvisor`"
    assert lines == [
        "### runtimegate: newly refused: 1 workload",
        "",
        "",
        "| | workloads | pods |",
        "|---|---|---|",
        "| newly refused | 1 | – |",
        "",
        "- changed: RuntimePolicy tenants",
        f"- looked at 2 workloads and 0 pods in 1 namespace of {file.replace('_', chr(92) + '_')}",
        "",
        "<details open><summary><b>Newly refused</b>: 1 workload</summary>",
        "",
        "policy `tenants`",
        "",
        "| namespace | workload | pods | what changes |",
        "|---|---|---|---|",
        f"| `tenant-a` | `Deployment db` | – | {said} |",
        "",
        "</details>",
        "",
        "<sub>Pods that run stay as they are until something makes them anew.</sub>",
    ]


@pytest.mark.parametrize("most", [4_000, MOST_BYTES])
def test_a_comment_is_never_longer_than_it_may_be_and_counts_what_it_leaves_out(
    repository: GitRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str], most: int
) -> None:
    many = [
        deployment(f"db-{n:04}-{SMILES}", f"tenant-{n % 7}", containers=[DB]) for n in range(800)
    ]
    repository.commit({"policies/more.yaml": policy(
        "more", priority=200, namespaces={"names": ["tenant-6"]},
        runtimeClasses={"default": "kata-qemu"},
    )})  # fmt: skip
    file = save(tmp_path / "m.json", *many)
    options = ("-o", "markdown", "--most-bytes", str(most))
    diff("HEAD~2:policies", "policies", "-f", file, *options, says=1)
    text = printed(capsys)
    assert most - 800 < len(text.encode()) <= most
    refused = text.split("<details>")[0]
    rows = refused.count("| `tenant-")
    assert "| newly refused | 686 | – |" in refused
    assert f"… and {686 - rows} workloads more, for which a comment has no room" in refused
    assert "<summary><b>On another RuntimeClass</b>: 114 workloads</summary>" in text
    assert "… and 114 workloads more" in text
    assert text.count("<details") == text.count("</details>") == 2
    _rendered(text)


def test_a_comment_may_not_be_too_short_to_say_anything(
    repository: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    diff("policies", "policies", "--most-bytes", "100", says=2)
    assert "--most-bytes" in capsys.readouterr().err


def test_a_reader_who_has_enough_ends_it_without_a_word(
    repository: GitRepository, tmp_path: Path
) -> None:
    many = [deployment(f"db-{n}", containers=[DB]) for n in range(3000)]
    file = save(tmp_path / "m.json", *many)
    command = f"{sys.executable} -m webhook.cli policy diff HEAD~1:policies policies -f {file}"
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (141, "")
    assert done.stdout.startswith("old  HEAD~1:policies (")
