import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from webhook.cli import COMMANDS, MENDABLE, CommandTable, ExitCode, command_line, run
from webhook.cli.examples import EXAMPLES
from webhook.live.shipped import shipped

NAMES = (
    "returns_one",
    "returns_nothing",
    "exits",
    "missing_file",
    "bad_certificate",
    "bug",
    "interrupted",
    "says",
)
SAMPLES: CommandTable = {
    name.replace("_", "-"): (f"tests.cli.sample_commands:{name}", "") for name in NAMES
}


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("returns-one", ExitCode.FINDINGS, ""),
        ("returns-nothing", ExitCode.CLEAN, ""),
        ("exits", ExitCode.FINDINGS, ""),
        (
            "missing-file",
            ExitCode.UNREADABLE,
            "/nonexistent/policies.yaml: No such file or directory\n",
        ),
        ("bad-certificate", ExitCode.UNREADABLE, "tls.crt: not PEM\n"),
        (
            "bug",
            ExitCode.BUG,
            (
                "runtimegate: this is a bug (KeyError: 'a\\\\x1b[2J\\\\nb'); "
                "please report it with the output of: runtimegate --debug …\n"
            ),
        ),
    ],
)
def test_however_a_command_ends_its_exit_code_says_whose_turn_it_is(
    command: str, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command], commands=SAMPLES) == code
    assert capsys.readouterr() == ("", said)


def test_a_command_that_is_interrupted_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["interrupted"], commands=SAMPLES) == 130
    assert capsys.readouterr().err.strip() == ""


def test_the_traceback_of_a_bug_is_shown_to_who_asks(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--debug", "bug"], commands=SAMPLES) == ExitCode.BUG
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["nope"], ["says", "--nope"], ["says", "--depth", "x"]])
def test_wrong_usage_is_2_and_names_what_is_wrong(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments, commands=SAMPLES) == ExitCode.UNREADABLE
    assert arguments[-1] in capsys.readouterr().err


def test_as_a_plugin_it_calls_itself_as_it_was_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"], program="kubectl-runtimegate") == ExitCode.CLEAN
    assert capsys.readouterr().out.startswith("Usage: kubectl runtimegate ")


def test_every_option_names_its_environment_variable(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["says", "--help"], commands=SAMPLES) == ExitCode.CLEAN
    assert "[env var: RUNTIMEGATE_SAYS_DEPTH]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["chek"], "no command 'chek'; did you mean check?"),
        (["lint"], "no command 'lint'; did you mean policy lint?"),
        (["diff"], "no command 'diff'; did you mean policy diff or compat diff?"),
        (["policy", "lnit"], "no command 'lnit'; did you mean lint?"),
        (["x\x1b[2J"], "no command 'x\\\\x1b[2J'\n"),
    ],
)
def test_of_a_command_that_is_none_it_says_which_was_meant(
    typed: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(typed) == ExitCode.UNREADABLE
    assert f"Error: {meant}" in capsys.readouterr().err


def _all_commands(group: click.Group, words: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _all_commands(command, f"{words}{name} ")
        else:
            yield f"{words}{name}", command


def test_every_command_has_examples_that_it_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("next.yaml", "app.strace", "policies"):  # options ask for these at once
        (tmp_path / file).touch()
    commands = dict(_all_commands(command_line(COMMANDS)))
    assert set(commands) == set(EXAMPLES) - {""}
    for words, lines in EXAMPLES.items():
        own = [line for line in lines if f"runtimegate {words}" in line]
        assert own, words
        for line in own:
            assert len(line) <= 76, "at 80 columns an example is one line"
            told = line.partition("runtimegate ")[2].partition(")")[0]
            typed = shlex.split(re.split(r" [|>] ", told)[0])
            name = next(n for n in commands if typed[: len(n.split())] == n.split())
            # Reads every option and argument, and runs nothing.
            commands[name].make_context(name, typed[len(name.split()) :])
            assert commands[name].epilog


def test_every_command_of_the_table_is_one_and_says_what_it_does() -> None:
    group = command_line(COMMANDS)
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        assert command.help


@pytest.mark.parametrize("place", MENDABLE)
def test_every_error_that_its_reader_can_mend_exists(place: str) -> None:
    module, _, name = place.partition(":")
    assert issubclass(getattr(import_module(module), name), Exception)


def test_version_as_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version", "-o", "json"]) == ExitCode.CLEAN
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["version", "compatData", "python"]
    assert told["version"] == version("runtimegate")
    assert told["compatData"] == shipped().compat.version


def test_a_reader_who_has_enough_ends_the_command_quietly() -> None:
    program = f"from webhook.cli import run; run(['says'], commands={dict(SAMPLES)!r})"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONDEVMODE": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "None\n"
        process.stdout.close()
        assert process.stderr.read() == ""


def test_the_version_can_be_asked_as_an_option_too_but_not_by_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIMEGATE_VERSION", "v1.2.3")  # as images and charts like to set it
    assert run(["returns-one"], commands=SAMPLES) == ExitCode.FINDINGS
    assert run(["--version"]) == ExitCode.CLEAN
    assert capsys.readouterr().out == f"runtimegate {version('runtimegate')}\n"
