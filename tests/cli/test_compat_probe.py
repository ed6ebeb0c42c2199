"""``compat probe`` under the real runsc: how a command ends, what it says of rows, what is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.documents.build import fact, facts
from tests.facts.test_facts import release
from webhook.cli import run
from webhook.live.runsc import HOW_TO_GET_ONE

runsc_runs = [
    pytest.mark.runsc,
    pytest.mark.slow,
    pytest.mark.may_skip(reason="needs root, and a mirror that still has Debian's releases"),
]
Probe = Callable[..., tuple[int, dict[str, Any]]]
PYTHON = sys.executable
LACKS_OPENAT2 = "20240729.0"
OPENAT2 = (
    "import ctypes; libc = ctypes.CDLL(None); libc.syscall(437, -100, b'/', 0, 0);"
    "libc.syscall(39); [libc.sched_yield() for _ in range(40)]"
)


def probe(*arguments: str) -> int:
    """Run the command."""
    return run(["compat", "probe", *arguments])


@pytest.fixture
def probed(capfd: pytest.CaptureFixture[str]) -> Probe:
    """Runs a command under a release, and returns exit code and JSON."""

    def under(name: str, *arguments: str) -> tuple[int, dict[str, Any]]:
        runsc = release(name)
        code = probe("--runsc", str(runsc.path), "-o", "json", *arguments)
        printed = capfd.readouterr()
        assert printed.err == ""
        return code, json.loads(printed.out)

    return under


@pytest.fixture
def overlay(tmp_path: Path) -> Callable[..., str]:
    """A policy folder with rows of gVisor that go over the shipped ones."""

    def rows(*entries: dict[str, Any]) -> str:
        tmp_path.joinpath("ours.yaml").write_text(facts(*entries, name="ours", runtime="gvisor"))
        return str(tmp_path)

    return rows


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No folder, mount or process of ours outlives a test."""
    yield
    _require_nothing_of(os.getpid())


def _require_nothing_of(pid: int) -> None:
    folders = list(Path(tempfile.gettempdir()).glob(f"runtimegate-probe-{pid}-*"))
    assert folders == []
    assert f"runtimegate-probe-{pid}-" not in Path("/proc/self/mounts").read_text()
    assert _processes(pid) == []


def _processes(pid: int) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if f"runtimegate-probe-{pid}-" in line:
            found.append(line)
    return found


class TestUnderRealReleases:
    pytestmark = runsc_runs

    def test_a_call_that_a_row_says_is_absent_confirms_it(self, probed: Probe) -> None:
        code, value = probed(LACKS_OPENAT2, "--no-native", "--", PYTHON, "-c", OPENAT2)
        (row,) = (f for f in value["facts"] if f["feature"] == "syscall:openat2")
        assert (code, row["result"], row["answers"]) == (0, "confirmed", {"ENOSYS": 1})
        assert "syscall:openat2" in value["unsupported"]
        (refused,) = (r for r in value["refused"] if r["feature"] == "syscall:openat2")
        assert refused["wentOn"] == ["ENOSYS"]

    def test_a_row_that_says_full_of_what_answers_enosys_is_contradicted(
        self, probed: Probe, overlay: Callable[..., str]
    ) -> None:
        ours = overlay(fact(feature="syscall:openat2", support="full", versions=["*"]))
        code, value = probed(LACKS_OPENAT2, "--no-native", "-p", ours, "--", PYTHON, "-c", OPENAT2)
        (row,) = (f for f in value["facts"] if f["result"] == "contradicted")
        assert (code, row["feature"]) == (1, "syscall:openat2")
        assert row["origin"].endswith("ours.yaml:1")

    def test_a_row_that_says_absent_of_what_succeeds_is_contradicted_and_both_are_told(
        self, overlay: Callable[..., str], capfd: pytest.CaptureFixture[str]
    ) -> None:
        ours = overlay(fact(feature="syscall:sched_yield", support="absent", versions=["*"]))
        runsc = release("current")
        command = ("--no-native", "-p", ours, "--", PYTHON, "-c", OPENAT2)
        assert probe("--runsc", str(runsc.path), *command) == 1
        out = capfd.readouterr().out
        assert "CONTRADICTED syscall:sched_yield: 40 calls; 40 succeeded" in out
        assert f"gVisor {runsc.version}: absent" in out

    def test_the_release_is_the_one_that_runsc_says(self, probed: Probe) -> None:
        code, value = probed("current", "--no-native", "--", "true")
        runsc = release("current")
        assert (code, value["runsc"]["version"]) == (0, runsc.version)
        assert value["native"] is None

    @pytest.mark.parametrize("name", ["current", LACKS_OPENAT2, "20221219.0"])
    def test_the_shipped_table_is_not_contradicted_by_ordinary_programs(
        self, name: str, probed: Probe
    ) -> None:
        script = "ls -la / >/dev/null; python3 -c 'import json' || true; echo | sort | cat"
        code, value = probed(name, "--", "sh", "-c", script)
        assert [f for f in value["facts"] if f["result"] == "contradicted"] == []
        assert (code, value["sandbox"]["status"], value["native"]["status"]) == (0, 0, 0)
        assert value["calls"] > 100

    def test_failing_under_runsc_alone_is_a_finding_and_failing_everywhere_is_none(
        self, probed: Probe
    ) -> None:
        in_gvisor = "dmesg 2>/dev/null | grep -q Starting.gVisor && exit 7; exit {}"
        code, value = probed("current", "--", "sh", "-c", in_gvisor.format(0))
        assert (code, value["sandbox"]["status"], value["native"]["status"]) == (1, 7, 0)
        assert value["failsUnderRuntimeAlone"] is True
        code, value = probed("current", "--", "sh", "-c", in_gvisor.format(3))
        assert (code, value["sandbox"]["status"], value["native"]["status"]) == (0, 7, 3)

    def test_what_is_written_natively_and_in_the_sandbox_is_thrown_away(
        self, probed: Probe
    ) -> None:
        script = "echo x > /etc/runtimegate-was-here && cat /etc/runtimegate-was-here"
        code, value = probed("current", "--", "sh", "-c", script)
        assert (code, value["native"]["status"]) == (0, 0)
        assert not Path("/etc/runtimegate-was-here").exists()

    @pytest.mark.parametrize("network", ["none", "host"])
    def test_a_server_runs_until_its_time_is_up(self, network: str, probed: Probe) -> None:
        more = ("--network", network, "--timeout", "3")
        code, value = probed("current", *more, "--", "sleep", "4321")
        assert (code, value["sandbox"]["timedOut"], value["native"]["timedOut"]) == (0, True, True)
        assert value["calls"] > 10

    def test_the_network_is_none_but_lo_or_the_hosts(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        runsc = release("current")
        script = "exit $(($(wc -l < /proc/net/dev) - 2))"
        devices = len(Path("/proc/net/dev").read_text().splitlines()) - 2
        for network, expected in (("none", 1), ("host", devices)):
            more = ("--network", network, "-o", "json", "--", "sh", "-c", script)
            probe("--runsc", str(runsc.path), *more)
            value = json.loads(capfd.readouterr().out)
            assert value["sandbox"]["status"] == expected

    def test_a_flag_opens_what_a_row_says_it_opens(self, probed: Probe) -> None:
        raw = "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)"
        code, value = probed("current", "--flag", "net-raw=true", "--", PYTHON, "-c", raw)
        assert (code, value["sandbox"]["status"]) == (0, 0)
        code, value = probed("current", "--", PYTHON, "-c", raw)
        assert (code, value["sandbox"]["status"], value["native"]["status"]) == (1, 1, 0)

    def test_the_logs_are_kept_for_compat_learn(
        self, tmp_path: Path, probed: Probe, capfd: pytest.CaptureFixture[str]
    ) -> None:
        logs = tmp_path / "logs"
        probed("current", "--no-native", "--log-dir", str(logs), "--", "true")
        (boot,) = logs.glob("*boot*")
        assert run(["compat", "learn", str(boot), "--name", "x", "--image", "x"]) == 0
        assert "syscall:set_tid_address" in capfd.readouterr().out
        assert probe("--runsc", str(release("current").path), "--log-dir", str(logs), "true") == 2
        assert "must be a new or an empty folder" in capfd.readouterr().err

    def test_the_rows_own_probes_confirm_them(self, probed: Probe) -> None:
        code, value = probed("current", "--facts", "--feature", "syscall:f*")
        assert (code, value["counts"]["contradicted"]) == (0, 0)
        assert value["counts"]["confirmed"] > 20

    def test_a_probe_that_contradicts_a_row_is_told_with_both_sides(
        self, overlay: Callable[..., str], capfd: pytest.CaptureFixture[str]
    ) -> None:
        ours = overlay(fact(feature="syscall:getpid", support="absent", versions=["*"]))
        runsc = release("current")
        rows = ("--facts", "--feature", "syscall:getpid", "-p", ours)
        assert probe("--runsc", str(runsc.path), *rows) == 1
        contradicted = (
            f"CONTRADICTED syscall:getpid under {runsc.version}: observed 'accepted' "
            "(natively 'accepted'), the table says absent ("
        )
        assert contradicted in capfd.readouterr().out

    def test_a_flag_that_runsc_has_not_is_an_error_of_usage(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        runsc = release("current")
        assert probe("--runsc", str(runsc.path), "--flag", "nosuch=1", "--", "true") == 2
        assert capfd.readouterr().err == (
            "Error: runsc could not make a sandbox: flag provided but not defined: -nosuch\n"
        )

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_everything(self, number: int) -> None:
        runsc = release("current")
        script = "trap '' INT TERM; sleep 4321"
        command = [PYTHON, "-m", "webhook.cli", "compat", "probe", "--runsc", str(runsc.path)]
        with subprocess.Popen(
            [*command, "--", "sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as running:
            _wait_for(lambda: any("runsc-sandbox" in line for line in _processes(running.pid)))
            running.send_signal(number)
            running.communicate(timeout=120)
        assert running.returncode == 130
        _wait_for(lambda: not _processes(running.pid))
        _require_nothing_of(running.pid)


def _wait_for(holds: Callable[[], bool]) -> None:
    for _ in range(1200):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("not after two minutes")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give a COMMAND after --, or --facts"),
        (["--facts", "--", "true"], "give a COMMAND after --, or --facts"),
        (["--feature", "syscall:*", "--", "true"], "--feature is for --facts"),
        (["--facts", "--rootfs", "/tmp"], "leave --rootfs out"),
        (["--flag", "x", "--", "true"], "--flag: must be NAME=VALUE, not 'x'"),
        (["--network", "bridge", "--", "true"], "'bridge' is not one of"),
        (["--timeout", "0", "--", "true"], "0.0 is not in the range"),
        (
            ["--runsc", "/nonexistent/runsc", "--", "true"],
            f"no runsc at /nonexistent/runsc: {HOW_TO_GET_ONE}",
        ),
        (["--runsc", "/bin/true", "--", "true"], "is no runsc: --version says 'true "),
    ],
)
def test_what_cannot_be_done_is_told(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert probe(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err


def test_without_a_runsc_on_the_path_it_says_how_to_get_one(tmp_path: Path) -> None:
    command = [PYTHON, "-m", "webhook.cli", "compat", "probe", "--", "true"]
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"Error: no runsc on the PATH: {HOW_TO_GET_ONE}\n")


def test_a_release_that_is_none_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = tmp_path / "runsc"
    fake.write_text("#!/bin/sh\necho runsc version VERSION_MISSING\n")
    fake.chmod(0o755)
    assert probe("--runsc", str(fake), "--", "true") == 2
    said = f"{fake} says that its version is 'VERSION_MISSING'; say with --version which it is"
    assert said in capsys.readouterr().err
