"""The command `runtimegate policy compile`: what it prints, where, and with which exit code."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.cli import run

ROOT = Path(__file__).parents[2]
POLICIES = str(ROOT / "policies")
TODAY = "--today=2026-11-24"

POLICY = """
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: tenants}
spec:
  namespaces: {names: ["tenant-*"]}
  runtimeClasses: {default: gvisor, fallback: [kata-qemu], allowed: [gvisor, kata-qemu]}
  overrides:
    - {name: builders, pods: {serviceAccounts: ["build-*"]}, mode: audit}
  exemptions:
    - name: over
      pods: {serviceAccounts: [over]}
      runtimeClasses: [runc]
      owner: us
      reason: Once.
      expires: 2026-11-23
    - name: agents
      pods: {serviceAccounts: [agents]}
      runtimeClasses: [runc]
      owner: us
      reason: Now.
      expires: 2026-11-24
"""


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "tenants.yaml").write_text(POLICY)
    return str(tmp_path)


def compiled(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """The List of `-o json`."""
    assert run(["policy", "compile", TODAY, "-o", "json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def names(value: Any) -> list[tuple[str, str]]:
    return [(item["kind"], item["metadata"]["name"]) for item in value["items"]]


def test_the_yaml_is_documents_below_a_comment_that_lists_what_is_left_out(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["policy", "compile", "-p", folder, TODAY]) == 0
    out, err = capsys.readouterr()
    comments = out[: out.index("\n---\n")].splitlines()
    assert all(line.startswith("#") for line in comments)
    assert max(map(len, comments[:4] + comments[10:])) <= 100
    assert "# Not compiled (what the webhook would say, and these policies let pass):" in comments
    assert any("- fallback (tenants" in line for line in comments)
    documents = list(yaml.safe_load_all(out))
    assert {d["kind"].removesuffix("Binding") for d in documents} == {"ValidatingAdmissionPolicy"}
    assert err.startswith(f"{len(documents)} objects; not compiled, and listed: ")


def test_the_json_is_a_list_and_names_what_is_left_out_with_the_reason(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    value = compiled(capsys, "-p", folder)
    assert (value["apiVersion"], value["kind"]) == ("v1", "List")
    fallback = next(o for o in value["omitted"] if o["part"] == "fallback")
    assert fallback == {
        "policy": "tenants",
        "override": None,
        "part": "fallback",
        "what": "a pod that names no class is left to the webhook, and refused without it",
        "why": "whether the default would refuse a pod is for the whole table to say",
        "names": ["kata-qemu"],
    }


def test_a_fallback_is_left_to_the_webhook_unless_there_is_none(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mutating = ("MutatingAdmissionPolicy", "runtimegate-tenants")
    assert mutating not in names(compiled(capsys, "-p", folder))
    assert mutating in names(compiled(capsys, "-p", folder, "--alone"))


def test_rules_in_another_mode_are_a_policy_of_their_own_with_its_action(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    value = compiled(capsys, "-p", folder)
    actions = {
        item["metadata"]["name"]: item["spec"]["validationActions"]
        for item in value["items"]
        if item["kind"] == "ValidatingAdmissionPolicyBinding"
    }
    assert actions == {"runtimegate-tenants": ["Deny"], "runtimegate-tenants.audit": ["Audit"]}


def test_softened_policies_warn_and_assign_nothing(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    value = compiled(capsys, "-p", folder, "--alone", "--bindings", "warn")
    kinds = {kind for kind, _ in names(value)}
    assert kinds == {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
    assert {a for i in value["items"] for a in i["spec"].get("validationActions", ())} == {
        "Warn",
        "Audit",
    }


def test_without_bindings_there_is_none(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    value = compiled(capsys, "-p", folder, "--bindings", "none")
    assert not [kind for kind, _ in names(value) if kind.endswith("Binding")]


def test_an_exemption_that_has_ended_is_left_out_and_one_of_today_is_not(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = json.dumps(compiled(capsys, "-p", folder))
    assert "exempt_over" not in text
    assert "exempt_agents" in text
    assert "2026-11-25T00:00:00Z" in text


def test_a_namespace_left_alone_is_in_every_selector(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    value = compiled(capsys, "-p", folder, "--exclude-namespace", "runtimegate-system")
    policies = [i for i in value["items"] if not i["kind"].endswith("Binding")]
    assert policies
    for item in policies:
        expressions = item["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"]
        assert expressions == [
            {
                "key": "kubernetes.io/metadata.name",
                "operator": "NotIn",
                "values": ["kube-system", "runtimegate-system"],
            }
        ]


def test_the_same_folder_compiles_to_the_same_bytes(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compiled(capsys, "-p", folder) == compiled(capsys, "-p", folder)


def test_the_prefix_must_make_names(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "compile", "-p", folder, "--name-prefix", "No/"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Error: No/tenants: must be a DNS subdomain of at most 253 characters")


def test_a_folder_with_an_error_is_refused_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(POLICY.replace("namespaces:", "namespace:"))
    assert run(["policy", "compile", "-p", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "did you mean namespaces?" in err


def test_the_shipped_policies_compile_and_head_may_close_the_pipe() -> None:
    program = [sys.executable, "-m", "webhook.cli", "policy", "compile", "-p", POLICIES]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith(b"# ")
        child.stdout.close()
        assert child.stderr is not None
        assert b"Traceback" not in child.stderr.read()
    assert child.returncode in {0, 141}
