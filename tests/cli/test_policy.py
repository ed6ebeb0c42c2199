import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_check import Terminal
from tests.documents.build import LEFT_OUT, exemption, inventory, override, policy, runtime
from tests.documents.test_lint import CLASSES
from webhook.cli import run
from webhook.documents.folder import load_policies, load_with_tests
from webhook.documents.lint import lint
from webhook.documents.reading import KINDS
from webhook.documents.schema import combined_schema, schema_of
from webhook.live.policy_folder import load_folder
from webhook.live.shipped import shipped

ROOT = Path(__file__).parents[2]
TODAY = "--today=2026-11-24"
REVISION = re.compile(r"[0-9a-f]{12}( \(git [0-9a-f]{12}\))?")


def folder(at: Path, *texts: str) -> str:
    """A policy folder of files a.yaml, b.yaml, …"""
    for name, text in zip("abcdefgh", texts, strict=False):
        (at / f"{name}.yaml").write_text(text)
    return str(at)


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed, the revision left out; nothing went to stderr."""
    out, err = capsys.readouterr()
    assert err == ""
    return REVISION.sub("REVISION", out)


def test_lint_of_a_clean_folder_says_how_much_it_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["policy", "lint", "-p", folder(tmp_path, policy(), CLASSES), TODAY]) == 0
    assert told(capsys) == "2 documents, revision REVISION: no warnings\n"


def test_lint_tells_each_warning_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = folder(tmp_path, policy(exemptions=[exemption(expires="2026-11-23")]), CLASSES)
    (tmp_path / "drafts").mkdir()
    (tmp_path / "drafts" / ".runtimegateignore").touch()
    assert run(["policy", "lint", "-p", at, TODAY]) == 1
    assert told(capsys) == (
        f"{at}/a.yaml:1: spec.exemptions[0].expires: exemption node-agent of storage-team expired "
        "on 2026-11-23 (exemption-expired)\n"
        "2 documents, revision REVISION: 1 warning; left out for their .runtimegateignore: drafts\n"
    )


def test_on_a_narrow_terminal_what_lint_says_is_broken_between_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(tmp_path, policy(exemptions=[exemption(expires="2026-11-23")]), CLASSES)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.chdir(tmp_path.parent)
    assert run(["policy", "lint", "-p", tmp_path.name, TODAY]) == 1
    lines = terminal.getvalue().splitlines()
    assert all(len(line) <= 40 or " " not in line.strip() for line in lines)
    said = " ".join(map(str.strip, lines))
    assert f"{tmp_path.name}/a.yaml:1: spec.exemptions[0].expires: exemption node-agent " in said
    assert said.endswith(": 1 warning")


def test_lint_tells_programs_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = policy(exemptions=[exemption(expires="never"), exemption(name="b", expires="never")])
    at = folder(tmp_path, spec, CLASSES)
    assert run(["policy", "lint", "-p", at, "-o", "json"]) == 1
    value = json.loads(told(capsys))
    assert value["warnings"][1] == {
        "file": f"{at}/a.yaml",
        "line": 1,
        "fieldPath": "spec.exemptions[1].expires",
        "rule": "exemption-never-expires",
        "message": "exemption b of storage-team never expires",
    }
    del value["warnings"]
    assert value == {"revision": "REVISION", "documents": 2, "leftOut": [], "accepted": []}


def test_lint_counts_what_is_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    never = exemption(expires="never", acceptedWarnings=["exemption-never-expires"])
    at = folder(tmp_path, policy(exemptions=[never]), CLASSES)
    assert run(["policy", "lint", "-p", at, "-o", "json"]) == 0
    value = json.loads(told(capsys))
    assert (value["warnings"], value["accepted"][0]["rule"]) == ([], "exemption-never-expires")
    assert run(["policy", "lint", "-p", at]) == 0
    assert told(capsys) == "2 documents, revision REVISION: no warnings, 1 accepted\n"


def test_lint_of_a_folder_that_would_be_refused_tells_every_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = folder(tmp_path, policy(mode="off"), policy("b", priority="x"))
    assert run(["policy", "lint", "-p", at]) == 2
    assert capsys.readouterr() == (
        "",
        (
            f"{at}/a.yaml:1: spec.mode: must be one of enforce, warn, audit, not 'off'\n"
            f"{at}/b.yaml:1: spec.priority: must be a whole number, not 'x'\n"
        ),
    )


def test_the_folder_may_be_named_by_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIMEGATE_POLICIES", folder(tmp_path, policy(), CLASSES))
    assert run(["policy", "lint"]) == 0
    assert told(capsys) == "2 documents, revision REVISION: no warnings\n"


@pytest.mark.parametrize("kind", KINDS)
def test_schema_prints_the_schema_of_a_kind(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "schema", kind]) == 0
    assert json.loads(told(capsys)) == schema_of(kind)


def test_schema_prints_one_for_all_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "schema"]) == 0
    assert json.loads(told(capsys)) == combined_schema()


def test_schema_of_no_kind_of_ours_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "schema", "Pod"]) == 2
    assert "'Pod' is not one of 'RuntimePolicy', " in capsys.readouterr().err


TENANTS = policy(
    "tenants",
    priority=100,
    namespaces={"names": ["tenant-*"], "excludeNames": ["tenant-infra"]},
    runtimeClasses={"default": "gvisor", "allowed": ["gvisor", "kata-*"], "namespaceDefault": True},
    overrides=[override(pods={"images": ["*/postgres"], "serviceAccounts": ["db-*"]})],
    exemptions=[
        exemption(features=["pod:hostNetwork"], ticket="PLAT-12"),
        exemption(
            name="old",
            expires="2026-11-01",
            pods={"images": ["a"], "selector": {"matchLabels": {"app": "db"}}},
            runtimeClasses=LEFT_OUT,
            features=["pod:*"],
        ),
    ],
)
EVERYTHING = policy("everything", priority=1, namespaces={"names": ["*"]})
LABELLED = policy(
    "labelled",
    priority=100,
    namespaces={
        "selector": {
            "matchLabels": {"tier": "b"},
            "matchExpressions": [
                {"key": "c", "operator": "In", "values": ["e", "d"]},
                {"key": "f", "operator": "NotIn", "values": ["g"]},
                {"key": "c", "operator": "Exists"},
                {"key": "h", "operator": "DoesNotExist"},
            ],
        }
    },
)


def test_show_tells_who_governs_a_namespace_why_and_what_then_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = folder(tmp_path, TENANTS, EVERYTHING, LABELLED, CLASSES)
    assert run(["policy", "show", "tenant-a", "-p", at, TODAY]) == 0
    assert (
        told(capsys)
        == f"""\
namespace tenant-a
  labels        none known
  governed by   policy tenants ({at}/a.yaml:1, priority 100)
  because       its name matches tenant-*
  because       its name matches none of tenant-infra
  over          everything ({at}/b.yaml:1, priority 1): priority 1 is below 100
  other labels  labelled ({at}/c.yaml:1, priority 100) would match

rules
  mode                             enforce
  runtimeClasses.default           gvisor
  runtimeClasses.required          false
  runtimeClasses.allowed           gvisor, kata-*
  runtimeClasses.fallback          none
  runtimeClasses.namespaceDefault  true
  runtimeClasses.namespaceChoice   none
  compatibility.incompatible       deny
  compatibility.degraded           warn
  compatibility.ignoredSecurity    warn
  compatibility.unknown            warn
  runtimeAnnotations.allowed       none
  workloads                        warn

override databases
  pods                    image */postgres, service account db-*
  runtimeClasses.default  kata-qemu

exemption node-agent
  state              active, expires 2027-06-30
  pods               service account node-agent
  classes besides    none
  findings left out  pod:hostNetwork
  owner              storage-team
  reason             Mounts volumes for everyone.
  ticket             PLAT-12

exemption old
  state              expired, expires 2026-11-01
  pods               image a, labels app=db
  findings left out  pod:*
  owner              storage-team
  reason             Mounts volumes for everyone.
"""
    )


def shown(at: str, namespace: str, *options: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """The JSON that ``policy show`` prints."""
    assert run(["policy", "show", namespace, "-p", at, "-o", "json", TODAY, *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_terminal_is_shown_tables(tmp_path: Path) -> None:
    printed = shown_at_a_terminal(folder(tmp_path, TENANTS), columns=80)
    assert "┌" in printed
    assert "runtimeClasses.default" in printed


def test_at_forty_columns_no_value_is_cut(tmp_path: Path) -> None:
    printed = shown_at_a_terminal(folder(tmp_path, TENANTS), columns=40)
    assert "…" not in printed
    assert (
        re.sub(r"\x1b\[[0-9;]*m|\r", "", printed).count("runtimeClasses.default\n    gvisor\n") == 1
    )


def shown_at_a_terminal(at: str, *, columns: int) -> str:
    ours, theirs = os.openpty()
    subprocess.run(
        [sys.executable, "-m", "webhook.cli", "policy", "show", "tenant-a", "-p", at],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": str(columns), "NO_COLOR": ""},
    )
    os.close(theirs)
    printed = os.read(ours, 65536).decode()
    os.close(ours)
    return printed


def test_show_reads_labels_of_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = folder(tmp_path, TENANTS, EVERYTHING, LABELLED)
    labels = ("--label", "tier=b", "--label", "c=d")
    value = shown(at, "tenant-a", *labels, capsys=capsys)
    assert value["labels"] == {"tier": "b", "c": "d"}
    assert (value["policy"]["name"], value["policy"]["why"]) == (
        "labelled",
        ["its labels fulfil tier=b,c in (d,e),f notin (g),c,!h"],
    )
    assert value["lost"] == [
        {
            "name": "tenants",
            "priority": 100,
            "origin": f"{at}/a.yaml:1",
            "why": "priority 100 too, but labelled is first by name",
        },
        {
            "name": "everything",
            "priority": 1,
            "origin": f"{at}/b.yaml:1",
            "why": "priority 1 is below 100",
        },
    ]
    assert value["byOtherLabels"] == []


def test_show_reads_labels_and_the_namespaces_choice_of_a_cluster_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = tmp_path / "cluster.json"
    metadata = {
        "name": "tenant-a",
        "labels": {"tier": "a"},
        "annotations": {"runtimegate.dev/default-runtime-class": "kata-clh"},
    }
    cluster.write_text(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))
    (tmp_path / "policies").mkdir()
    at = folder(tmp_path / "policies", TENANTS)
    value = shown(at, "tenant-a", "--cluster", str(cluster), "--label", "x=y", capsys=capsys)
    assert value["labels"] == {"tier": "a", "x": "y"}
    assert value["policy"]["rules"]["runtimeClasses"]["namespaceChoice"] == "kata-clh"
    assert shown(at, "tenant-b", "--cluster", str(cluster), capsys=capsys)["labels"] == {}


@pytest.mark.parametrize(
    ("namespace", "said"),
    [
        ("kube-system", "nothing: the gate never judges this namespace"),
        ("default", "nothing: no policy matches, pods are kept as they are"),
    ],
)
def test_show_of_a_namespace_that_nobody_governs_says_so(
    namespace: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = folder(tmp_path, TENANTS)
    assert run(["policy", "show", namespace, "-p", at]) == 0
    assert told(capsys) == (
        f"namespace {namespace}\n  labels       none known\n  governed by  {said}\n"
    )


def test_show_of_an_exemption_that_ends_soon_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = folder(tmp_path, policy(exemptions=[exemption(expires="2026-12-24")]))
    (entry,) = shown(at, "tenant-a", capsys=capsys)["policy"]["exemptions"]
    assert (entry["state"], entry["expires"]) == ("expires soon", "2026-12-24")


def test_show_refuses_a_label_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = folder(tmp_path, policy())
    assert run(["policy", "show", "a", "-p", at, "--label", "tier"]) == 2
    assert "Invalid value for --label: must be KEY=VALUE, not 'tier'" in capsys.readouterr().err


def test_show_refuses_a_cluster_file_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = folder(tmp_path, policy())
    assert run(["policy", "show", "a", "-p", at, "--cluster", str(tmp_path / "none")]) == 2
    assert f"{tmp_path}/none" in capsys.readouterr().err


def test_what_a_cluster_file_says_reaches_no_terminal_raw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = tmp_path / "ns.json"
    metadata = {"name": "a", "labels": {"x": "\x1b[2J"}}
    cluster.write_text(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))
    (tmp_path / "policies").mkdir()
    at = folder(tmp_path / "policies", TENANTS)
    assert run(["policy", "show", "a", "-p", at, "--cluster", str(cluster)]) == 0
    assert "x=\\x1b[2J" in told(capsys)


@pytest.mark.parametrize(
    "at", ["policies", "policies/examples/2018-article", "policies/examples/exceptions"]
)
def test_the_shipped_policies_are_clean(at: str) -> None:
    text = load_folder(ROOT / at)
    assert lint(load_with_tests(text.files, shipped()), date(2026, 11, 24)) == ()


def test_the_example_of_the_reference_loads() -> None:
    reference = (ROOT / "policies" / "README.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", reference, re.DOTALL)
    loaded = load_policies([("README.md", example.encode())], shipped())
    assert [p.name for p in loaded.policies.policies] == ["tenants"]


def test_the_examples_are_no_part_of_the_shipped_policies() -> None:
    text = load_folder(ROOT / "policies")
    assert [name for name, _ in text.files] == [
        "inventory.yaml",
        "platform.yaml",
        "system.yaml",
        "tenants.yaml",
        "tests/platform.yaml",
        "tests/system.yaml",
        "tests/tenants.yaml",
    ]
    assert text.left_out == ("examples", "tests/manifests")


def test_a_folder_with_an_inventory_alone_is_told_to_hold_no_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["policy", "lint", "-p", folder(tmp_path, inventory(runtime()))]) == 1
    assert told(capsys) == (
        "no RuntimePolicy here: every pod is kept as it is (no-policy)\n"
        "1 document, revision REVISION: 1 warning\n"
    )
