"""What is looked for comes from the table, and what the table has rows of can be seen."""

from __future__ import annotations

import pytest

from tests.documents.recordings.build import calls, tally
from webhook.documents.recordings.signs import NUMBERS, Signs, signs_of
from webhook.live.shipped import shipped

NOT_BY_A_CALL = {
    "exec:auxv-hwcap": "read from memory that the kernel fills in",
    "exec:setuid": "a bit of the file's mode, in no argument",
    "fs:block": "any file system of a block device",
    "fs:overlay/copy-up-xattr": "a write to a file of the image",
    "kernel:block-devices": "a folder of /sys that is listed",
    "kernel:cgroup/devices": "a file of a cgroup",
    "kernel:cgroup/limits": "a file of a cgroup",
    "kernel:nfsd": "a file system, or a file of /proc",
    "net:IP_MTU_DISCOVER/IP_PMTUDISC_OMIT": "strace prints the value since 6.2 or so",
    "net:SO_PEERCRED/pid": "what the answer is used for",
    "net:netlink-multicast": "a bit of an address",
    "net:openvswitch": "a family of generic netlink",
    "net:packet-socket/write": "what is done with the descriptor later",
    "net:tun/kernel-name": "a name that is left empty",
    "net:vxlan": "a kind of link in a netlink message",
    "net:wireguard": "a kind of link in a netlink message",
    "net:ipvs": "a family of generic netlink",
    "net:iptables-nft": "seen as net:nftables",
    "syscall:setsid/session-id": "what the answer is used for",
}
"""Rows that no single call shows, with the reason."""
SEEN_IN = frozenset({"syscall", "ioctl", "fs", "net", "kernel", "exec"})


def looked_for() -> set[str]:
    """Every feature for which there is a sign."""
    signs = signs_of(shipped().compat)
    return {sign.feature for of_call in signs._of_call.values() for sign in of_call}


def test_every_row_that_a_call_can_show_has_a_sign() -> None:
    signs = signs_of(shipped().compat)
    rows = {
        f
        for f in signs.features
        if f.partition(":")[0] in SEEN_IN and "*" not in f and not _is_call(f)
    }
    # Mounts are known by the name of the file system, and 32-bit programs by a line of strace.
    rows -= {f for f in rows if f.startswith("fs:") and "/" not in f and f != "fs:block"}
    not_seen = rows - looked_for() - {"exec:ia32"}
    matches = {f for f in not_seen if f.startswith("net:iptables/")}
    assert not_seen - matches == set(NOT_BY_A_CALL) & not_seen


def _is_call(feature: str) -> bool:
    return feature.startswith("syscall:") and "/" not in feature


def test_every_operation_can_be_told_by_its_number_too() -> None:
    in_a_structure = {
        *("syscall:clone3/CLONE_INTO_CGROUP", "syscall:clone3/CLONE_NEWTIME"),
        *("syscall:clone3/CLONE_PIDFD", "syscall:sched_setattr/SCHED_DEADLINE"),
        *("syscall:semop/SEM_UNDO", "syscall:setsid/session-id"),
    }
    features = signs_of(shipped().compat).features
    operations = {f for f in features if f.startswith(("syscall:", "ioctl:")) and not _is_call(f)}
    operations = {f for f in operations if "*" not in f}
    assert operations - set(NUMBERS) == in_a_structure


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
