"""The scripts of ``runtimegate completion``, sourced by the shells that they are for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from webhook.cli import ExitCode, run
from webhook.cli.completion import SHELLS
from webhook.core.runtimes import RUNTIMES

PROGRAMS = Path(sys.executable).parent

# What each shell needs to be asked from a script what it would offer to a person at this line.
ASK = {
    "bash": """
eval "$(runtimegate completion bash)"
complete -p runtimegate >/dev/null || exit 1
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
compopt() { echo compopt "$@"; }
_runtimegate_completion runtimegate
printf '%s\\n' "${COMPREPLY[@]}"
""",
    # Only an interactive zsh has compdef and these; what they are given is what is offered.
    "zsh": """
compdef() { print -- "compdef $*" >&2 }
_describe() { local entry; for entry in "${(@P)3}"; do print -r -- "${entry%%:*}"; done }
compadd() { local name=${@[-1]}; print -rl -- "${(@P)name}" }
_path_files() { print -- "compopt files" }
eval "$(runtimegate completion zsh)"
words=("$@"); CURRENT=$#
_runtimegate_completion
""",
    "fish": """
runtimegate completion fish | source
complete -C "$argv" | string replace -r '\\t.*' ''
true
""",
}


def offered(shell: str, *line: str) -> list[str]:
    """What a shell offers for the last word of the line."""
    program = shutil.which(shell)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(f"{shell}: not installed; .ci/run does", pytrace=False)
        pytest.skip(f"{shell}: not installed: apt-get install {shell}")
    quiet = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    # fish takes what follows the script as $argv; the other two want a name for $0 first.
    arguments = [*line] if shell == "fish" else [shell, *line]
    done = subprocess.run(
        [program, *quiet, "-c", ASK[shell], *arguments],
        env={**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (
        done.returncode,
        done.stderr.replace("compdef _runtimegate_completion runtimegate", "").strip(),
    ) == (0, "")
    return sorted(filter(None, done.stdout.splitlines()))


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_commands_options_and_values(shell: str) -> None:
    assert offered(shell, "runtimegate", "com") == ["compat", "completion"]
    assert offered(shell, "runtimegate", "compat", "why", "--runt") == ["--runtime"]
    kata = [name for name in RUNTIMES if name.startswith("k")]
    assert offered(shell, "runtimegate", "compat", "why", "--runtime", "k") == kata


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_the_releases_of_the_runtime_that_was_named(shell: str) -> None:
    line = ("runtimegate", "compat", "table", "--runtime", "kata", "--version", "4.")
    assert all(release.startswith("4.") for release in offered(shell, *line))
    assert "4.1.0" in offered(shell, *line)


@pytest.mark.slow
def test_where_a_file_is_wanted_the_shell_looks_for_files() -> None:
    assert offered("bash", "runtimegate", "check", "") == ["compopt -o default"]
    assert offered("zsh", "runtimegate", "check", "") == ["compopt files"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_says_how_to_keep_it(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == ExitCode.CLEAN
    assert capsys.readouterr().out.splitlines()[-1] == f"# For good: {SHELLS[shell]}"


def test_a_shell_without_a_script_is_an_error_that_lists_those_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["completion", "tcsh"]) == ExitCode.UNREADABLE
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err
