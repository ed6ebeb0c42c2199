"""Where gVisor's table does not tell what a call does, and what proves it.

Codes are those of ``gvisor/history.tsv`` and ``G FLAG=VALUE SUPPORT: NOTE``, off without a flag.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Evidence(NamedTuple):
    """kind, source and date of a row's evidence."""

    kind: str
    source: str
    date: str


class Correction(NamedTuple):
    """The code that holds for ``versions`` instead of the table's, on both architectures."""

    versions: str
    code: str
    evidence: tuple[Evidence, ...]


def handler(path: str) -> Evidence:
    """The handler's source at the newest tag; it was the same at the tags before."""
    return Evidence(
        "source",
        f"https://github.com/google/gvisor/blob/release-20260817.0/pkg/sentry/{path}",
        "2026-08-14",
    )


def commit(short: str, date: str) -> Evidence:
    """A commit of google/gvisor."""
    return Evidence("source", f"google/gvisor@{short}", date)


PROBED = Evidence(
    "measured",
    "raw call under runsc 20221219.0 and 20240729.0 (Debian) and v0.0.0-20260905035102-160fafc42237"
    " (Go module), amd64, host kernel 6.18",
    "2026-11-23",
)
MARIADB = Evidence(
    "measured",
    "mariadbd 10.11 (Debian 12) under runsc 20221219.0: io_uring_wait_cqe() returned -1, abort",
    "2026-11-23",
)
OFF_BY_DEFAULT = commit("ef96e9328", "2023-01-09")

CORRECTIONS: Mapping[str, tuple[Correction, ...]] = {
    # Printed as full: the handlers check their arguments and then return this error, always.
    "clock_settime": (
        Correction(
            "*",
            "E EPERM",
            (handler("syscalls/linux/sys_time.go"), PROBED),
        ),
    ),
    "readahead": (
        Correction(
            ">=20191104.0",
            "E EINVAL",
            (handler("syscalls/linux/sys_read_write.go"), PROBED),
        ),
    ),
    # Printed as partial with the rest of AIO: the handler only returns ENOSYS.
    "io_cancel": (Correction("*", "E ENOSYS", (handler("syscalls/linux/sys_aio.go"),)),),
    # Implemented in name: every valid call was answered so, and libc wrote zeros instead.
    "fallocate": (
        Correction(
            "<20190529.1",
            "E EOPNOTSUPP",
            (
                Evidence("issue", "google/gvisor#225", "2019-05-03"),
                commit("1bee43be1", "2019-05-09"),
            ),
        ),
        Correction(
            ">=20190529.1",
            "P allocates in mode 0 only: no FALLOC_FL_PUNCH_HOLE and the like",
            (commit("1bee43be1", "2019-05-09"), handler("syscalls/linux/sys_file.go"), PROBED),
        ),
    ),
    # Printed as partial: it panics the sandbox in gVisor's own tests, else ENOSYS.
    "afs_syscall": (
        Correction(">=20230306.0", "E ENOSYS", (handler("syscalls/linux/sys_afs_syscall.go"),)),
    ),
    # Printed as partial, "not on all platforms": none could, until KVM with CPU numbers.
    "rseq": (
        Correction(
            ">=20200115.0 <20260105.0",
            "E ENOSYS",
            (PROBED, commit("0b9bde06d", "2025-12-15")),
        ),
        Correction(
            ">=20260105.0",
            "G kvm-use-cpu-nums=true partial: answers ENOSYS unless on KVM with --kvm-use-cpu-nums",
            (PROBED, commit("0b9bde06d", "2025-12-15")),
        ),
    ),
    # Printed as partial to this day: on by default only in a window, with NOP and READV alone.
    "io_uring_setup": (
        Correction(
            ">=20220913.0 <20230118.0",
            "P sets up a ring that then performs few operations, if any",
            (commit("31d8668e5", "2022-09-09"), MARIADB),
        ),
        Correction(
            ">=20230118.0",
            "G iouring=true partial: answers ENOSYS unless runsc runs with --iouring",
            (OFF_BY_DEFAULT, PROBED),
        ),
    ),
    "io_uring_enter": (
        Correction(
            ">=20221102.1 <20230118.0",
            "P performs IORING_OP_NOP and IORING_OP_READV only",
            (commit("9ae2eea3b", "2022-10-31"), MARIADB),
        ),
        Correction(
            ">=20230118.0",
            "G iouring=true partial: answers ENOSYS unless runsc runs with --iouring",
            (OFF_BY_DEFAULT,),
        ),
    ),
    # VFS2 had it from 20200323.0 on; runsc has had the flag since 20200413.0.
    "renameat2": (
        Correction(
            ">=20200413.0 <20211026.0",
            "G vfs2=true full: answers ENOSYS unless runsc runs with --vfs2",
            (commit("471b15b21", "2020-02-25"), commit("b928a241e", "2021-10-21")),
        ),
    ),
    # Partial in the table until VFS2, full from then on: VFS2 took the handler over as it was.
    "sync_file_range": (
        Correction(
            ">=20181108",
            "F",
            (commit("2ef122da3", "2018-11-08"), commit("65d998555", "2020-07-01")),
        ),
    ),
    # "Stub" says the table of a first version, and arm64's to 20210121.1 of the finished one.
    "splice": (
        Correction(
            ">=20180810 <20180814",
            "P splices few kinds of files",
            (commit("ae6f092fe", "2018-08-10"), commit("6cf227816", "2018-08-14")),
        ),
        Correction(
            ">=20190722.1 <20191104.0",
            "P splices few kinds of files",
            (commit("9cdae51fe", "2019-05-21"),),
        ),
        Correction(">=20191104.0", "F", (commit("7c6ab6a21", "2019-09-12"),)),
    ),
    # One handler for both architectures, of which arm64's table says less.
    "fadvise64": (
        Correction(
            ">=20211026.0",
            "S ignores all advice",
            (commit("7db196c4d", "2020-06-19"), commit("b928a241e", "2021-10-21")),
        ),
    ),
    # A maintainer on 2026-08-27: in the final stages of review.
    "openat2": (
        Correction("<20260827", "-", (Evidence("issue", "google/gvisor#14451", "2026-08-27"),)),
    ),
    # The table's words are older than the code: robust lists came with 20200804.0.
    "futex": (
        Correction(
            ">=20200804.0",
            "P lacks FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI",
            (commit("4ec351633", "2020-07-23"), handler("syscalls/linux/sys_futex.go")),
        ),
    ),
    # Likewise: mount namespaces came with 20230801.0, cgroup namespaces with 20260721.0.
    "clone": (
        Correction(
            ">=20230801.0 <20230814.0",
            "P lacks CLONE_PARENT and CLONE_SYSVSEM",
            (commit("41bb04c14", "2023-07-31"),),
        ),
        Correction(
            ">=20230823.0 <20230904.0",
            "P lacks CLONE_PARENT and CLONE_SYSVSEM",
            (commit("41bb04c14", "2023-07-31"),),
        ),
    ),
    "unshare": (
        Correction(
            ">=20230801.0 <20260721.0",
            "P has no time and cgroup namespaces",
            (commit("41bb04c14", "2023-07-31"),),
        ),
        Correction(
            ">=20260721.0",
            "P has no time namespaces, and cgroup ones of cgroup v2 only",
            (commit("7824e269e", "2026-07-16"),),
        ),
    ),
}

ISSUES: Mapping[str, Evidence] = {
    "sync_file_range": Evidence("issue", "google/gvisor#88", "2018-07-09"),
    "arch_prctl": Evidence("issue", "google/gvisor#11112", "2024-11-04"),
}
"""What users hit, by call: shown first with what its releases lack."""
