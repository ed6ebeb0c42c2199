"""Single lines: what is a call, how it ended, and what wraps it."""

from __future__ import annotations

import json

import pytest

from tests.documents.recordings.build import calls, counted, tally
from webhook.documents.recordings.reader import Format


@pytest.mark.parametrize(
    "line",
    [
        "getpid() = 1",
        "28093 getpid()                          = 28093",
        "[pid 28093] getpid() = 28093",
        "[pid 28093<cat>] getpid() = 28093",
        "28093<a b> 07:27:40 getpid() = 28093",
        "28093 07:27:40.788472 getpid() = 28093 <0.000004>",
        "28093 1795678061.158331 getpid() = 28093",
        "28093      0.000199 [  39] [00007f2a372f3c47] getpid() = 28093",
        "2026-11-23T14:40:01.495633576Z stderr F 28093 getpid() = 28093",
        "2026-11-23T14:40:01.495633576Z 28093 getpid() = 28093",
        json.dumps({"log": "28093 getpid() = 28093\n", "stream": "stderr", "time": "…"}),
        "I1123 14:25:28.9 1 strace.go:599] [   1:   1] a E b X getpid() = 1 (0x1) (8.743µs)",
        json.dumps({"msg": "strace.go:599] [   1:   1] cat X getpid() = 1 (0x1) (8µs)"}),
        json.dumps({"log": json.dumps({"msg": "x.go:1] Unsupported syscall sys_39(0x0). It"})}),
        "28093 getpid( <unfinished ...>",
        "28093 getpid( <detached ...>",
    ],
)
def test_a_call_in_any_layout(line: str) -> None:
    assert calls(tally(line)) == {"syscall:getpid": 1}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "getpid",
        "getpid()",
        "the call getpid() = 1 was made",
        "calling getpid(",
        "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=18504} ---",
        "+++ exited with 0 +++",
        "28093 +++ killed by SIGKILL +++",
        "strace: Process 18504 attached",
        "28093 restart_syscall(<... resuming interrupted nanosleep ...>) = 0",
        '{"log": "hello"}',
        '{"log": 3}',
        "{",
        "[" * 10_000,
        "I1123 14:25:28.977288   23142 strace.go:561] hello",
    ],
)
def test_what_is_no_call(line: str) -> None:
    assert calls(tally(line)) == {}


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("bpf(0) = 3", ""),
        ("bpf(0) = -1 ENOSYS (Function not implemented)", "ENOSYS"),
        ("bpf(0) = -1 ENOSYS (Function not implemented) (INJECTED)", "ENOSYS"),
        ("bpf(0) = -1 ENOSYS (Function not implemented) <0.000004>", "ENOSYS"),
        ("bpf(0) = -1 ENOTSUP (Operation not supported)", "EOPNOTSUPP"),
        ("bpf(0) = -1 EAGAIN (Resource temporarily unavailable)", "another error"),
        ("bpf(0) = ?", "no answer"),
        ("bpf(0) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)", ""),
        ('bpf("= -1 ENOSYS (Function not implemented)") = 3', ""),
        ("bpf(0) = 3</tmp/a) = -1 ENOSYS (Function not implemented)>", ""),
        ("x strace.go:1] [ 1: 1] a X bpf(0x0) = 0 (0x0) errno=38 (invalid number) (9µs)", "ENOSYS"),
        ("x strace.go:1] [ 1: 1] a X bpf(0x0) = 0 (0x0) errno=95 (operation) (9µs)", "EOPNOTSUPP"),
        ("x strace.go:1] [ 1: 1] a X bpf(0x0 errno=38) = 0 (0x0) (9µs)", ""),
        ("x strace.go:1] [ 1: 1] a E bpf(0x0)", "no answer"),
    ],
)
def test_how_a_call_ended(line: str, answer: str) -> None:
    (exact,) = (use for f, use in tally(line).uses.items() if f == "kernel:ebpf")
    assert dict(exact.answers) == {answer: 1}


def test_a_call_of_runsc_counts_once_though_its_beginning_is_logged_too() -> None:
    begins = "x strace.go:1] [   1:   1] cat E getpid()"
    ends = "x strace.go:2] [   1:   1] cat X getpid() = 1 (0x1) (9µs)"
    assert calls(tally(begins, ends)) == {"syscall:getpid": 1}


def test_a_call_that_runsc_logs_as_unsupported_and_in_its_strace_counts_once() -> None:
    found = tally(
        "x compat.go:1] Unsupported syscall sys_437(0x0,0x0). It is",
        "x strace.go:2] [   1:   1] a X sys_437(0x0) = 0 (0x0) errno=38 (invalid) (9µs)",
    )
    (use,) = found.uses.values()
    assert (use.calls, use.marked, dict(use.answers)) == (1, True, {"ENOSYS": 1})


def test_numbers_are_those_of_the_architecture() -> None:
    line = "x compat.go:1] Unsupported syscall sys_280(0x0). It is"
    assert "syscall:utimensat" in tally(line).uses
    assert "syscall:bpf" in tally(line, arch="arm64").uses


def test_a_call_that_the_architecture_has_not_is_left_out() -> None:
    found = tally('open("/dev/kvm", O_RDWR) = 3', arch="arm64")
    assert (calls(found), found.unnamed) == ({}, 1)


def test_a_thread_in_32_bit_mode_is_told_as_such_and_its_calls_are_not_taken_for_others() -> None:
    found = tally(
        "strace: [ Process PID=7 runs in 32 bit mode. ]",
        "[pid 7] getpid() = 7",
        "[pid 8] gettid() = 8",
        "strace: [ Process PID=7 runs in 64 bit mode. ]",
        "[pid 7] getuid() = 0",
    )
    assert calls(found) == {"exec:ia32": 1, "syscall:gettid": 1, "syscall:getuid": 1}


def test_a_summary_of_32_bit_calls_is_not_taken_for_others() -> None:
    head = (
        "% time     seconds  usecs/call     calls    errors syscall",
        "------ ---- --- -- ------",
    )
    found = tally(
        "System call usage summary for 64 bit mode:",
        *(*head, "100.00    0.000010           0        23           close", head[1]),
        "System call usage summary for 32 bit mode:",
        *(*head, "100.00    0.000010           0        23           getpid", head[1]),
    )
    assert calls(found) == {"syscall:close": 23, "exec:ia32": 1}


def test_a_format_that_is_asked_for_is_the_only_one_read() -> None:
    lines = [b"getpid() = 1", b"x compat.go:1] Unsupported syscall bpf(0x0). It is"]
    assert counted(lines, only=Format.STRACE)[1] == {Format.STRACE: 1}
    assert counted(lines, only=Format.UNSUPPORTED)[1] == {Format.UNSUPPORTED: 1}


def went_on(*after: str) -> set[str]:
    found = tally("7 openat2(3) = -1 ENOSYS (Function not implemented)", *after)
    return found.uses[next(f for f in found.uses if f == "syscall:openat2")].went_on


def test_a_thread_that_makes_many_other_calls_after_a_refusal_went_on() -> None:
    assert went_on(*["7 sched_yield() = 0"] * 24) == {"ENOSYS"}


def test_a_thread_that_ends_well_after_a_refusal_went_on() -> None:
    assert went_on("7 exit_group(0) = ?", "7 +++ exited with 0 +++") == {"ENOSYS"}


@pytest.mark.parametrize(
    "after",
    [
        [],
        ["7 sched_yield() = 0"] * 23,
        ["8 sched_yield() = 0"] * 99,
        ['7 write(2, "x", 1) = 1'] * 99,
        ["7 exit_group(1) = ?", "7 +++ exited with 1 +++", *["7 sched_yield() = 0"] * 99],
        ["7 +++ killed by SIGABRT +++"],
        [*["7 sched_yield() = 0"] * 99, "7 exit_group(1) = ?", "7 +++ exited with 1 +++"],
    ],
)
def test_a_thread_that_only_complains_and_ends_did_not_go_on(after: list[str]) -> None:
    assert went_on(*after) == set()


@pytest.mark.parametrize(("status", "expected"), [("0x0", {"ENOSYS"}), ("0x1", set())])
def test_in_a_log_of_runsc_a_process_ends_for_all_its_threads(
    status: str, expected: set[str]
) -> None:
    found = tally(
        "x strace.go:1] [   7:   9] a X openat2(0x0) = 0 (0x0) errno=38 (invalid) (9µs)",
        *["x strace.go:1] [   7:   9] a X sched_yield() = 0 (0x0) (9µs)"] * 99,
        f"x strace.go:1] [   7:   7] a E exit_group({status})",
    )
    assert found.uses[next(f for f in found.uses if f == "syscall:openat2")].went_on == expected
