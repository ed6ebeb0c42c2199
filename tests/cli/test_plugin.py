"""``kubectl runtimegate``: its flags, and the real kubectl that finds it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.fixtures import binaries, control_plane
from webhook.cli import COMMANDS, ExitCode, run
from webhook.cli.plugin import completions, plugin_commands

__all__ = ["binaries", "control_plane"]

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
WEB = str(ROOT / "docs" / "examples" / "web.yaml")
POLICIES = str(ROOT / "policies")

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: tenant
contexts:
  - {name: tenant, context: {cluster: here, user: me, namespace: tenant-a}}
  - {name: plain, context: {cluster: here, user: me}}
clusters: [{name: here, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: me, user: {}}]
"""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Two contexts; only the current one has a namespace."""
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG)
    return path


def plugin(*arguments: str) -> int:
    return run(arguments, program="kubectl-runtimegate")


@pytest.mark.parametrize(
    ("before", "after", "namespace"),
    [
        ([], [], "tenant-a"),
        ([], ["--context", "plain"], "default"),
        (["--context", "plain"], [], "default"),
        (["--context", "plain"], ["--context", "tenant"], "tenant-a"),
        (["-n", "tenant-b"], [], "tenant-b"),
        (["--namespace=tenant-b"], ["-n", "tenant-c"], "tenant-c"),
        (["--context", "plain"], ["--namespace", "tenant-b"], "tenant-b"),
    ],
)
def test_check_takes_its_namespace_as_kubectl_does(
    before: list[str],
    after: list[str],
    namespace: str,
    kubeconfig: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = ["--kubeconfig", str(kubeconfig)]
    for arguments in (
        [*file, *before, "check", "-p", POLICIES, *after, WEB],
        [*before, "check", *file, "-p", POLICIES, *after, WEB],
    ):
        assert plugin(*arguments) == ExitCode.CLEAN
        assert f"Pod {namespace}/web" in capsys.readouterr().out


def test_without_any_kubeconfig_the_namespace_is_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert plugin("check", "-p", POLICIES, WEB) == ExitCode.CLEAN
    assert "Pod default/web" in capsys.readouterr().out


def test_outside_of_kubectl_no_kubeconfig_is_asked(
    kubeconfig: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    assert run(["check", "-p", POLICIES, WEB]) == ExitCode.CLEAN
    assert "Pod default/web" in capsys.readouterr().out


def test_why_is_compat_why_and_takes_the_same_flags(capsys: pytest.CaptureFixture[str]) -> None:
    line = ("--today", "2026-11-26", "nginx:1.31")
    assert run(["compat", "why", *line]) == ExitCode.CLEAN
    same = capsys.readouterr()
    assert plugin("-n", "x", "why", "--context", "y", *line) == ExitCode.CLEAN
    assert capsys.readouterr() == same


def test_the_variables_of_why_are_those_of_compat_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIMEGATE_COMPAT_WHY_RUNTIME", "kata")
    plugin("why", "nginx:1.31")
    assert "on Kata Containers " in capsys.readouterr().out


def test_why_keeps_the_arguments_of_the_container(capsys: pytest.CaptureFixture[str]) -> None:
    assert plugin("why", "-o", "json", "postgres:18", "--", "-c", "io_method=io_uring") == 1
    assert "io_uring" in capsys.readouterr().out


def test_a_context_or_kubeconfig_that_is_not_there_is_named(
    kubeconfig: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ["--kubeconfig", str(kubeconfig)]
    assert plugin("check", *file, "--context", "nope", WEB) == ExitCode.UNREADABLE
    assert "no context 'nope'; there are: tenant, plain\n" in capsys.readouterr().err
    assert plugin("check", "--kubeconfig", "/nonexistent", WEB) == ExitCode.UNREADABLE
    assert capsys.readouterr().err.startswith("/nonexistent: ")


@pytest.mark.parametrize("text", ["", "[]", "contexts: 7", "contexts: [{}]", "\x00", "a: [", "{}"])
def test_a_file_that_is_no_kubeconfig_is_an_error_or_has_no_contexts(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    code = plugin("check", "--kubeconfig", str(path), "-p", POLICIES, WEB)
    assert code in {ExitCode.UNREADABLE, ExitCode.CLEAN}
    said = capsys.readouterr()
    assert str(path) in said.err if code else "Pod default/web" in said.out


def test_the_help_reads_as_that_of_the_plugin(capsys: pytest.CaptureFixture[str]) -> None:
    assert plugin("--help") == ExitCode.CLEAN
    told = capsys.readouterr().out
    assert told.startswith("Usage: kubectl runtimegate [OPTIONS] COMMAND")
    assert "--context NAME" in told
    assert plugin("why", "--help") == ExitCode.CLEAN
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith("Usage: kubectl runtimegate why ")
    assert "kubectl runtimegate why postgres:18 -- -c" in told


def test_every_command_is_there_those_for_people_at_kubectl_first() -> None:
    names = list(plugin_commands())
    assert set(names) == {*COMMANDS, "why"}
    assert names[:2] == ["check", "why"]


def test_the_flags_are_not_those_of_the_command_outside_of_kubectl(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plugin("check", "--help")
    capsys.readouterr()
    assert run(["check", "--context", "x", WEB]) == ExitCode.UNREADABLE
    assert "--context" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "incomplete", "told"),
    [
        (
            ["check"],
            "--kubec",
            ["--kubeconfig\tThe kubeconfig.  [default: as kubectl finds it]", ":4"],
        ),
        (["why", "--runtime"], "k", ["kata", ":4"]),
        (["check"], "", [":0"]),
    ],
)
def test_kubectl_is_told_completions_as_it_reads_them(
    before: list[str], incomplete: str, told: list[str]
) -> None:
    assert completions(before, incomplete) == told


def test_contexts_are_completed_from_the_kubeconfig_named(kubeconfig: Path) -> None:
    line = ["check", "--kubeconfig", str(kubeconfig), "--context"]
    assert completions(line, "") == ["tenant", "plain", ":4"]


def environ(plane: ControlPlane) -> dict[str, str]:
    """As a person has it: the plugin in the PATH, the cluster in KUBECONFIG, and little else."""
    return {
        "PATH": f"{PROGRAMS}:/usr/bin:/bin",
        "HOME": str(plane.folder),
        "KUBECONFIG": str(plane.kubeconfig("admin")),
        "LANG": "C.UTF-8",
        **({"CI": os.environ["CI"]} if "CI" in os.environ else {}),
    }


def kubectl(plane: ControlPlane, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [str(plane.kubectl_path), *arguments],
        cwd=ROOT,
        env=environ(plane),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.controlplane
def test_the_real_kubectl_lists_the_plugin_without_a_warning(control_plane: ControlPlane) -> None:
    code, out, err = kubectl(control_plane, "plugin", "list")
    assert (code, err) == (0, "")
    assert str(PROGRAMS / "kubectl-runtimegate") in out
    assert "warning" not in out


@pytest.mark.slow
@pytest.mark.controlplane
def test_the_real_kubectl_runs_it_on_its_own_context(control_plane: ControlPlane) -> None:
    plane = control_plane
    code, out, _ = kubectl(plane, "runtimegate", "check", "docs/examples/web.yaml")
    assert (code, "Pod default/web" in out) == (0, True)
    changed = plane.kubectl("config", "set-context", "--current", "--namespace=tenant-a")
    assert changed.returncode == 0
    code, out, _ = kubectl(plane, "runtimegate", "check", "docs/examples/db.yaml")
    assert (code, "Pod tenant-a/db" in out) == (1, True)
    code, out, _ = kubectl(plane, "runtimegate", "-n", "default", "check", "docs/examples/db.yaml")
    assert (code, "Pod default/db" in out) == (0, True)
    plane.kubectl("config", "set-context", "--current", "--namespace=default")


@pytest.mark.slow
@pytest.mark.controlplane
def test_the_real_kubectl_completes_it(control_plane: ControlPlane) -> None:
    code, out, _ = kubectl(control_plane, "__complete", "runtimegate", "why", "--runtime", "k")
    assert (code, out.splitlines()) == (0, ["kata", ":4"])
