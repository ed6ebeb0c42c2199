import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.build import pod
from webhook.cli import run

POLICIES = """
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: tenants}
spec:
  namespaces:
    selector: {matchLabels: {tier: tenant}}
  runtimeClasses: {default: gvisor, allowed: [gvisor, "kata-*"]}
---
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: by-name}
spec:
  namespaces: {names: ["tenant-*"]}
  runtimeClasses: {default: gvisor, allowed: [gvisor, "*"]}
  exemptions:
    - name: agent
      pods: {serviceAccounts: [agent]}
      runtimeClasses: [""]
      owner: ops
      reason: an agent
      expires: 2026-06-30
---
apiVersion: runtimegate.dev/v1
kind: RuntimeInventory
metadata: {name: cluster}
spec:
  runtimes:
    - {runtimeClass: gvisor, handler: runsc, runtime: gvisor, versions: ["20260817.0"]}
"""
NAMESPACE = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "shop", "labels": {"tier": "tenant"}},
}
RUNTIME_CLASS = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "gvisor"},
    "handler": "runsc",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy folder."""
    path = tmp_path / "policies"
    path.mkdir()
    (path / "all.yaml").write_text(POLICIES)
    return path


class Check:
    """``runtimegate check`` on objects, with a policy folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.err = ""

    def file(self, name: str, *objects: Any) -> str:
        """A file of these objects, beside the policies."""
        path = self.folder.parent / name
        path.write_text("\n---\n".join(map(json.dumps, objects)))
        return str(path)

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and output."""
        code = run(["check", "-p", str(self.folder), *arguments])
        out, self.err = self.capsys.readouterr()
        return code, out

    def results(self, *arguments: str) -> list[dict[str, Any]]:
        """The results as JSON."""
        _, out = self.run("-o", "json", *arguments)
        return list(json.loads(out)["results"])


@pytest.fixture
def check(folder: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """The command."""
    return Check(folder, capsys)


def test_pods_that_may_run_are_exit_code_0(check: Check) -> None:
    code, out = check.run("-n", "tenant-a", check.file("web.yaml", pod()))
    assert (code, check.err) == (0, "")
    assert out.startswith(f"{check.folder.parent}/web.yaml\n  assign  Pod tenant-a/web  gvisor  ")


def test_a_refused_pod_is_exit_code_1(check: Check) -> None:
    file = check.file("web.yaml", pod(hostNetwork=True))
    code, out = check.run("-n", "tenant-a", file)
    assert code == 1
    assert "spec.hostNetwork" in out


def test_json_names_the_revision_and_nothing_else_is_printed(check: Check) -> None:
    code, out = check.run("-o", "json", check.file("web.yaml", pod()))
    report = json.loads(out)
    assert (code, check.err, list(report)) == (0, "", ["revision", "results"])
    assert len(report["revision"]) >= 12


def test_unreadable_input_is_exit_code_2_and_the_rest_is_decided(check: Check) -> None:
    broken = check.folder.parent / "broken.yaml"
    broken.write_text("a: [\n")
    good = check.file("web.yaml", pod(hostNetwork=True))
    code, out = check.run("-n", "tenant-a", "-o", "json", str(broken), good)
    assert code == 2
    assert [r["decision"] for r in json.loads(out)["results"]] == ["deny"]
    assert check.err.startswith(f"{broken}:1: is not YAML: ")


def test_standard_input_is_read(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.TextIOWrapper(io.BytesIO(json.dumps(pod()).encode()))
    monkeypatch.setattr(sys, "stdin", text)
    (result,) = check.results("-n", "tenant-a", "-")
    assert (result["source"], result["decision"]) == ("-", "assign")


def test_a_namespace_among_the_inputs_has_its_labels(check: Check) -> None:
    file = check.file("all.yaml", NAMESPACE, pod(namespace="shop"))
    (result,) = check.results(file)
    assert (result["policy"], result["document"]) == ("tenants", 1)


def test_a_namespace_of_the_cluster_has_its_labels(check: Check) -> None:
    printed = {"apiVersion": "v1", "kind": "List", "items": [NAMESPACE, RUNTIME_CLASS]}
    (result,) = check.results(
        "--cluster", check.file("cluster.json", printed), "-n", "shop", check.file("p.yaml", pod())
    )
    assert result["policy"] == "tenants"


def test_a_class_that_the_cluster_does_not_have_is_refused(check: Check) -> None:
    asks = check.file("p.yaml", pod(runtimeClassName="other"))
    cluster = check.file("cluster.yaml", RUNTIME_CLASS)
    (unknown,) = check.results("-n", "tenant-a", asks)
    (missing,) = check.results("-n", "tenant-a", "--cluster", cluster, asks)
    assert (unknown["decision"], missing["reason"]) == ("keep", "RuntimeClassNotFound")


def test_a_cluster_file_that_says_nothing_of_a_cluster_is_an_error(check: Check) -> None:
    wrong = check.file("cluster.yaml", pod())
    code, _ = check.run("--cluster", wrong, check.file("p.yaml", pod()))
    assert (code, check.err) == (2, f"{wrong}: holds no Namespace, RuntimeClass or Node\n")


@pytest.mark.parametrize(("day", "decision"), [("2026-06-30", "keep"), ("2026-07-01", "assign")])
def test_exemptions_are_judged_as_of_the_day_given(check: Check, day: str, decision: str) -> None:
    file = check.file("p.yaml", pod(serviceAccountName="agent"))
    (result,) = check.results("-n", "tenant-a", "--today", day, file)
    assert result["decision"] == decision


def test_a_broken_policy_folder_is_exit_code_2_with_every_error(check: Check) -> None:
    (check.folder / "bad.yaml").write_text("apiVersion: runtimegate.dev/v1\nkind: Nope\nx: 1\n")
    code, out = check.run(check.file("p.yaml", pod()))
    assert (code, out) == (2, "")
    assert check.err.startswith(f"{check.folder / 'bad.yaml'}:")


def test_a_policy_folder_that_is_not_there_is_exit_code_2(check: Check) -> None:
    code = run(["check", "-p", "/nonexistent", check.file("p.yaml", pod())])
    assert code == 2
    assert check.capsys.readouterr() == ("", "/nonexistent: does not exist\n")


def test_where_nobody_named_the_policies_and_there_are_none_it_says_how(
    check: Check, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run(["check", check.file("p.yaml", pod())]) == 2
    said = "Error: there is no folder policies here: -p names the policy folder\n"
    assert check.capsys.readouterr().err.endswith(said)


def test_a_namespace_that_none_can_be_called_is_wrong_usage(check: Check) -> None:
    assert check.run("-n", "Tenant_A", check.file("p.yaml", pod()))[0] == 2
    assert "'Tenant_A' is no name of a namespace" in check.err


def test_no_file_at_all_is_wrong_usage(check: Check) -> None:
    assert check.run()[0] == 2
    assert "Missing argument 'FILE" in check.err


class Terminal(io.StringIO):
    """Standard output as a terminal has it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colours_are_for_terminals_and_not_for_who_refuses_them(
    check: Check, monkeypatch: pytest.MonkeyPatch, no_color: str, coloured: bool
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("NO_COLOR", no_color)
    run(["check", "-p", str(check.folder), "-n", "tenant-a", check.file("p.yaml", pod())])
    assert ("\x1b[" in terminal.getvalue()) is coloured
