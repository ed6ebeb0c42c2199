"""The other forms of output, and terminals of all kinds, through the command itself."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.build import pod
from tests.cli.test_check import Check, Terminal, check, folder
from webhook.cli import run

__all__ = ["check", "folder"]

FIFO_ANSWER_SECONDS = 60
"""More than the slowest machine needs to start; without an end of its own the test would hang."""


def program(*arguments: str) -> list[str]:
    """The command in a process of its own."""
    return [sys.executable, "-m", "webhook.cli", *arguments]


def test_sarif_is_one_log_with_the_exit_code(check: Check) -> None:
    file = check.file("web.yaml", pod(hostNetwork=True))
    code, out = check.run("-n", "tenant-a", "-o", "sarif", file)
    (found,) = json.loads(out)["runs"]
    assert code == found["invocations"][0]["exitCode"] == 1
    assert "pod:hostNetwork" in [result["ruleId"] for result in found["results"]]
    assert len(found["properties"]["policyRevision"]) >= 12


def test_junit_is_one_document(check: Check) -> None:
    code, out = check.run("-n", "tenant-a", "-o", "junit", check.file("web.yaml", pod()))
    root = ElementTree.fromstring(out.encode())
    assert (code, root.attrib["tests"], root.attrib["failures"]) == (0, "1", "0")


def test_github_gets_commands_and_a_summary_and_errors_among_them(check: Check) -> None:
    file = check.file("web.yaml", pod(hostNetwork=True))
    code, out = check.run("-n", "tenant-a", "-o", "github", file, "/no/such.yaml")
    first, *_, last = out.splitlines()
    assert (code, check.err) == (2, "")
    assert first == ("::error file=/no/such.yaml,title=cannot be read::No such file or directory")
    assert last.startswith("1 pod: 1 refused; 1 error in the input; policies ")


@pytest.mark.parametrize("output", ["text", "json", "sarif", "junit"])
def test_what_cannot_be_read_is_told_on_standard_error(check: Check, output: str) -> None:
    code, _ = check.run("-o", output, "/no/such.yaml")
    assert (code, check.err) == (2, "/no/such.yaml: No such file or directory\n")


def test_patched_prints_the_manifests_and_the_rest_on_standard_error(check: Check) -> None:
    file = check.file("web.yaml", pod())
    code, out = check.run("-n", "tenant-a", "--patched", file)
    assert (code, json.loads(out)["spec"]["runtimeClassName"]) == (0, "gvisor")
    assert check.err.startswith("1 pod: 1 assigned; policies ")


def test_patched_prints_nothing_where_a_pod_is_refused(check: Check) -> None:
    files = (check.file("a.yaml", pod()), check.file("b.yaml", pod(hostNetwork=True)))
    code, out = check.run("-n", "tenant-a", "--patched", *files)
    assert (code, out) == (1, "")
    assert check.err.startswith(f"{files[1]}\n  deny ")
    assert check.err.endswith("nothing is printed, for not all of it would be stored\n")


def test_patched_prints_nothing_where_something_cannot_be_read(check: Check) -> None:
    code, out = check.run("-n", "tenant-a", "--patched", check.file("a.yaml", pod()), "/no/b.yaml")
    assert (code, out) == (2, "")
    assert check.err.endswith("/no/b.yaml: No such file or directory\n")


def test_patched_and_another_output_are_wrong_usage(check: Check) -> None:
    code, _ = check.run("--patched", "-o", "json", check.file("a.yaml", pod()))
    assert code == 2
    assert "--patched prints manifests" in check.err


def test_mixed_leaves_out_of_named_files_what_is_no_manifest(check: Check) -> None:
    values = check.folder.parent / "values.yaml"
    values.write_text("a: 1\n")
    file = check.file("web.yaml", pod())
    assert check.run(str(values), file)[0] == 2
    code, out = check.run("--mixed", str(values), file)
    assert code == 0
    assert "; files left out: 1 values; policies " in out


def test_nothing_but_other_files_is_no_error_with_mixed(check: Check) -> None:
    values = check.folder.parent / "values.yaml"
    values.write_text("a: 1\n")
    code, out = check.run("--mixed", str(values))
    assert (code, out.startswith("0 pods; files left out: 1 values; ")) == (0, True)


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_on_a_narrow_terminal_lines_are_broken_between_words(
    check: Check, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.chdir(check.folder.parent)
    check.file("web.yaml", pod(hostNetwork=True))
    run(["check", "-p", "policies", "-n", "tenant-a", "web.yaml"])
    lines = terminal.getvalue().splitlines()
    assert lines[1].startswith("  deny    Pod tenant-a/web")
    assert "1 pod: 1 refused; policies " in " ".join(map(str.strip, lines))
    for line in lines:
        assert len(line) <= columns or " " not in line.strip()


@pytest.mark.slow
def test_a_named_pipe_among_the_files_is_not_waited_for(check: Check) -> None:
    pipe = check.folder.parent / "pipe.yaml"
    os.mkfifo(pipe)
    done = subprocess.run(
        program("check", "-p", str(check.folder), str(pipe)),
        capture_output=True,
        text=True,
        timeout=FIFO_ANSWER_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"{pipe}: is a named pipe, which is not read: ")


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [[], ["-o", "json"], ["-o", "sarif"], ["-o", "junit"], ["-o", "github"]]
)
def test_whoever_reads_only_the_first_line_ends_it_without_noise(
    check: Check, arguments: Sequence[str]
) -> None:
    file = check.file("many.yaml", *(pod(name=f"p{n}", hostNetwork=True) for n in range(60)))
    command = program("check", "-p", str(check.folder), "-n", "tenant-a", *arguments, file)
    # Without a buffer Python takes what a pipe held when it broke for all that was to be written.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        # Some kernels let a pipe hold more than all of the output.
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        assert process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (141, b"")


def test_a_file_whose_name_is_a_workflow_command_is_told_without_being_one(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(check.folder.parent)
    Path("::add-mask::x.yaml").write_text(json.dumps(pod()))
    _, out = check.run("-n", "tenant-a", "::add-mask::x.yaml")
    assert not any(line.lstrip().startswith("::") for line in out.splitlines())
