"""Real recordings of one program, in every layout: the same is learned from all of them."""

from __future__ import annotations

import pytest

from tests.documents.recordings.build import calls, counted, sample
from webhook.documents.recordings.reader import Format

STRACES = ("f-o", "pid", "tt-T", "Y-yy-ttt", "r-i-n", "t-r", "k", "C")
EXACT = {
    "syscall:arch_prctl/ARCH_SET_GS",
    "syscall:fallocate/FALLOC_FL_KEEP_SIZE",
    "syscall:fallocate/FALLOC_FL_PUNCH_HOLE",
    "syscall:fallocate/mode-0",
    "syscall:lseek/SEEK_DATA",
    "syscall:fcntl/F_SETLEASE",
    "syscall:madvise/MADV_FREE",
    "syscall:openat/O_TMPFILE",
    "syscall:mount/MS_REC",
    "syscall:prctl/PR_SET_CHILD_SUBREAPER",
    "syscall:unshare/CLONE_NEWTIME",
    "ioctl:FIOASYNC",
    "device:/dev/kvm",
    "proc:/proc/self/setgroups",
    "fs:cgroup2",
    "net:packet-socket",
    "net:raw-socket",
    "net:TCP_CORK",
}
"""What `uses.c` does that the table has rows of, beside its calls."""


def exact(features: dict[str, int]) -> set[str]:
    """Those that are no call as such."""
    return {f for f in features if not f.startswith("syscall:") or "/" in f}


@pytest.mark.parametrize("name", STRACES)
def test_every_layout_of_strace_tells_the_same(name: str) -> None:
    found, forms = counted(sample(f"strace-{name}.txt"))
    expected, _ = counted(sample("strace-f-o.txt"))
    assert forms == {Format.STRACE: 80}
    assert calls(found) == calls(expected)
    assert exact(calls(found)) == EXACT


def test_runsc_prints_arguments_as_numbers_and_the_same_is_seen() -> None:
    found, forms = counted(sample("runsc-20221219-strace.log"))
    assert forms == {Format.RUNSC: 81}
    assert exact(calls(found)) == EXACT


@pytest.mark.parametrize("name", ["c", "c-U"])
def test_a_summary_tells_calls_and_how_often(name: str) -> None:
    found, forms = counted(sample(f"strace-{name}.txt"))
    traced, _ = counted(sample("strace-f-o.txt"))
    assert forms == {Format.SUMMARY: 78}
    # strace counts in a summary what ended; exit_group never does.
    plain = {f: n for f, n in calls(traced).items() if f not in exact(calls(traced))}
    assert calls(found) == {f: n for f, n in plain.items() if f != "syscall:exit_group"}


def test_what_strace_does_not_know_by_name_is_left_out_and_counted() -> None:
    found, _ = counted(sample("strace-f-o.txt"))
    assert (found.calls, found.unnamed) == (79, 1)


def test_a_call_that_waits_in_the_recording_counts_once_when_it_is_resumed() -> None:
    found, _ = counted(sample("strace-f-o.txt"))
    assert (calls(found)["syscall:wait4"], calls(found)["syscall:nanosleep"]) == (1, 1)


def test_what_the_kernel_restarts_by_itself_is_no_call_of_the_program() -> None:
    assert b"restart_syscall" in b"".join(sample("strace-f-o.txt"))
    assert "syscall:restart_syscall" not in counted(sample("strace-f-o.txt"))[0].uses


@pytest.mark.parametrize(
    ("name", "features"),
    [
        (
            "runsc-20221219-debug-unsupported.log",
            {"syscall:rseq", "syscall:clone3", "syscall:copy_file_range", "syscall:pidfd_open"},
        ),
        (
            "runsc-20240729-user.log",
            {
                *("syscall:rseq", "syscall:openat2", "syscall:copy_file_range"),
                *("syscall:arch_prctl", "syscall:arch_prctl/ARCH_SET_GS"),
                *("syscall:bpf", "syscall:bpf/BPF_MAP_CREATE", "kernel:ebpf"),
            },
        ),
    ],
)
def test_what_runsc_calls_unsupported_is_seen_with_its_arguments(
    name: str, features: set[str]
) -> None:
    found, forms = counted(sample(name))
    assert set(forms) == {Format.UNSUPPORTED}
    assert set(found.uses) == features
    assert all(use.marked for use in found.uses.values())


def test_user_log_and_debug_log_tell_the_same() -> None:
    of_user, _ = counted(sample("runsc-20240729-user.log"))
    of_debug, _ = counted(sample("runsc-20240729-debug-unsupported.log"))
    assert of_user == of_debug
