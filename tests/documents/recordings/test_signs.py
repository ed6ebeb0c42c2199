"""What is looked for comes from the table, and what the table has rows of can be seen."""

from __future__ import annotations

import pytest

from tests.documents.recordings.build import calls, tally
from webhook.documents.recordings.signs import _OF_THE_WORLD, NUMBERS, Signs, signs_of
from webhook.live.shipped import shipped


def looked_for() -> set[str]:
    """Every feature for which there is a sign."""
    signs = signs_of(shipped().compat)
    return {sign.feature for of_call in signs._of_call.values() for sign in of_call}


def _is_call(feature: str) -> bool:
    return feature.startswith("syscall:") and "/" not in feature


def test_every_operation_and_every_request_that_has_a_row_is_looked_for() -> None:
    features = signs_of(shipped().compat).features
    wanted = {f for f in features if f.startswith(("syscall:", "ioctl:")) and not _is_call(f)}
    assert {f for f in wanted if "*" not in f} - looked_for() == set()


def test_no_sign_is_of_what_the_table_has_no_row_of() -> None:
    features = signs_of(shipped().compat).features
    written = set(NUMBERS) | {feature for feature, _, _ in _OF_THE_WORLD}
    assert written - features == set()


def test_what_the_table_does_not_speak_of_is_not_looked_for() -> None:
    assert Signs(["syscall:bpf"]).seen("socket", b"AF_PACKET, SOCK_RAW, 0) = 3") == frozenset()


@pytest.mark.parametrize(
    ("line", "feature"),
    [
        ("arch_prctl(ARCH_SET_GS, 0) = 0", "syscall:arch_prctl/ARCH_SET_GS"),
        ("arch_prctl(0x1001, 0) = 0", "syscall:arch_prctl/ARCH_SET_GS"),
        ("clone3({flags=CLONE_VM|CLONE_PIDFD}, 88) = 9", "syscall:clone3/CLONE_PIDFD"),
        ("futex(0x1, FUTEX_LOCK_PI_PRIVATE, NULL) = 0", "syscall:futex/FUTEX_LOCK_PI"),
        ("futex(0x1, 0x86, 0x0) = 0", "syscall:futex/FUTEX_LOCK_PI"),
        ("semop(0, [{0, -1, SEM_UNDO}], 1) = 0", "syscall:semop/SEM_UNDO"),
        ("fstatat(AT_FDCWD, 0x0, 0x0, 0x800) = 0", "syscall:newfstatat/AT_NO_AUTOMOUNT"),
        ("io_uring_enter(4, 1, 1, IORING_ENTER_GETEVENTS, NULL, 8) = 1", "kernel:io_uring-wait"),
        ("sendto(3, {nlmsg_type=RTM_NEWROUTE}, 9, 0) = 9", "net:RTM_NEWROUTE"),
        ('open("/dev/nvidia-uvm", O_RDWR) = 3', "device:/dev/nvidia"),
        ('open("/proc/4711/setgroups", O_WRONLY) = 3', "proc:/proc/self/setgroups"),
        ('open("/proc/self/task/3/pagemap", O_RDONLY) = 3', "proc:/proc/self/pagemap"),
        ('openat(AT_FDCWD</proc>, "/proc/vmstat", O_RDONLY) = 3', "proc:/proc/vmstat"),
        ('fsopen("cgroup2", FSOPEN_CLOEXEC) = 3', "fs:cgroup2"),
        ("getsockopt(3, SOL_TCP, TCP_SYNCNT, [6], [4]) = 0", "net:TCP_SYNCNT/read"),
    ],
)
def test_a_call_shows_a_feature(line: str, feature: str) -> None:
    assert feature in tally(line).uses


@pytest.mark.parametrize(
    "line",
    [
        'write(1, "ARCH_SET_GS /dev/kvm", 20) = 20',
        'prctl(PR_SET_NAME, "PR_CAP_AMBIENT") = 0',
        "arch_prctl(ARCH_SET_FS, 0x1001) = 0",
        "arch_prctl(0x1002, 0x1001) = 0",
        "fcntl(3, F_OFD_SETLKW, {}) = 0",
        "personality(0xffffffff) = 0",
        "sync_file_range(3, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE|SYNC_FILE_RANGE_WAIT_AFTER) = 0",
        "sync_file_range(3, 0, 0, 0x7) = 0",
        'open("/dev/kvmetal", O_RDWR) = 3',
        'open("/home/dev/kvm", O_RDWR) = 3',
        "x strace.go:1] [ 1: 1] a X openat(0x3 /dev/tty, 0x1 x, O_RDONLY, 0o0) = 4 (0x4) (9µs)",
    ],
)
def test_a_call_that_only_looks_like_it_shows_nothing(line: str) -> None:
    assert [f for f in calls(tally(line)) if not _is_call(f)] == []
