"""Probes of single flags and operations of system calls: ``syscall:NAME/OPERATION``."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import select
import signal
import socket
import struct
from collections.abc import Callable, Mapping

from webhook.data.probes.outcome import (
    ACCEPTED,
    INEFFECTIVE,
    LIBC,
    WORKS,
    Probe,
    UntestedError,
    checked,
    mount,
    raw,
)

_AT_FDCWD = -100
_ALLOW = struct.pack("HBBI", 6, 0, 0, 0x7FFF0000)
_HUGE = 2 << 20


def _accepts(call: Callable[[], object]) -> Probe:
    """A probe that looks at nothing but that the call succeeds."""

    def probe() -> str:
        call()
        return ACCEPTED

    return probe


def _file(size: int = 8192) -> int:
    fd = os.open("f", os.O_RDWR | os.O_CREAT, 0o600)
    os.pwrite(fd, b"x" * size, 0)
    return fd


def _tmpfile(call: str) -> Probe:
    def probe() -> str:
        at = () if call == "open" else (_AT_FDCWD,)
        fd = raw(call, *at, b".", os.O_TMPFILE | os.O_RDWR, 0o600)
        os.write(fd, b"x")
        return WORKS if os.fstat(fd).st_nlink == 0 else INEFFECTIVE

    return probe


def _rename(flag: int) -> Probe:
    def probe() -> str:
        for name in ("a", "b"):
            with open(name, "w") as file:
                file.write(name)
        raw("renameat2", _AT_FDCWD, b"a", _AT_FDCWD, b"b", flag)
        with open("a") as file:
            return WORKS if file.read() == "b" else INEFFECTIVE

    return probe


def _no_replace() -> str:
    for name in ("a", "b"):
        os.close(os.open(name, os.O_CREAT))
    try:
        raw("renameat2", _AT_FDCWD, b"a", _AT_FDCWD, b"b", 1)
    except FileExistsError:
        raw("renameat2", _AT_FDCWD, b"a", _AT_FDCWD, b"c", 1)
        return WORKS
    return INEFFECTIVE


def _fallocate(mode: int) -> Probe:
    return _accepts(lambda: raw("fallocate", _file(), mode, 0, 4096))


def _punch_hole() -> str:
    fd = _file()
    raw("fallocate", fd, 3, 0, 4096)
    return WORKS if os.pread(fd, 4096, 0) == bytes(4096) else INEFFECTIVE


def _seek(whence: int) -> Probe:
    def probe() -> str:
        fd = os.open("f", os.O_RDWR | os.O_CREAT)
        os.pwrite(fd, b"x", 1 << 20)
        raw("lseek", fd, 0, whence)
        return WORKS

    return probe


def _ofd_lock() -> str:
    lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
    fcntl.fcntl(_file(), 37, lock)
    try:
        fcntl.fcntl(os.open("f", os.O_RDWR), 37, lock)
    except BlockingIOError:
        return WORKS
    return INEFFECTIVE


def _pipe_size() -> str:
    _, writer = os.pipe()
    fcntl.fcntl(writer, 1031, 1 << 18)
    return WORKS if fcntl.fcntl(writer, 1032) >= 1 << 18 else INEFFECTIVE


def _huge_pages() -> int:
    with open("/proc/meminfo") as file:
        fields = dict(line.split(":", 1) for line in file if ":" in line)
    return int(fields.get("HugePages_Total", "0").split()[0])


def _map_hugetlb() -> str:
    before = _huge_pages()
    address = LIBC.mmap(None, ctypes.c_size_t(_HUGE), 3, 0x22 | 0x40000, -1, 0)
    if address == ctypes.c_void_p(-1).value:
        checked(-1, "mmap")
    ctypes.memset(address, 1, _HUGE)
    return WORKS if before else INEFFECTIVE


def _shm_hugetlb() -> str:
    before = _huge_pages()
    segment = raw("shmget", 0, _HUGE, 0o1600 | 0o4000)
    raw("shmctl", segment, 0, 0)
    return WORKS if before else INEFFECTIVE


def _shm_lock() -> str:
    segment = raw("shmget", 0, 65536, 0o1600)
    try:
        raw("shmctl", segment, 11, 0)
    finally:
        raw("shmctl", segment, 0, 0)
    return ACCEPTED


def _sem_undo() -> str:
    semaphore = raw("semget", 0, 1, 0o1600)
    try:
        child = os.fork()
        if child == 0:
            raw("semop", semaphore, struct.pack("Hhh", 0, 3, 0o10000), 1)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            raise UntestedError("the child failed")
        return WORKS if raw("semctl", semaphore, 0, 12, 0) == 0 else INEFFECTIVE
    finally:
        raw("semctl", semaphore, 0, 0, 0)


def _advice(value: int) -> Probe:
    def probe() -> str:
        mmap.mmap(-1, 4 << 20, flags=0x22).madvise(value)
        return ACCEPTED

    return probe


def _dont_fork() -> str:
    memory = mmap.mmap(-1, 4096, flags=0x22)
    memory.madvise(10)
    child = os.fork()
    if child == 0:
        memory[0] = 1
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return WORKS if os.WIFSIGNALED(status) else INEFFECTIVE


def _remove_pages() -> str:
    memory = mmap.mmap(-1, 4096)
    memory[0] = 7
    memory.madvise(9)
    return WORKS if memory[0] == 0 else INEFFECTIVE


def _segment_register(operation: int) -> Probe:
    return _accepts(lambda: raw("arch_prctl", operation, ctypes.byref(ctypes.c_ulong(0))))


def _clone3(flags: int, **fields: int) -> int:
    keys = ("pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size", "tls",
            "set_tid", "set_tid_size", "cgroup")  # fmt: skip
    values = [fields.get(key, 0) for key in keys]
    values[3] = signal.SIGCHLD
    child = raw("clone3", ctypes.create_string_buffer(struct.pack("11Q", flags, *values)), 88)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def _clone3_pidfd() -> str:
    descriptor = ctypes.c_int(-1)
    _clone3(0x1000, pidfd=ctypes.addressof(descriptor))
    return WORKS if descriptor.value >= 0 else INEFFECTIVE


def _clone_pidfd() -> str:
    descriptor = ctypes.c_int(-1)
    child = raw("clone", 0x1000 | signal.SIGCHLD, 0, ctypes.byref(descriptor), 0, 0)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return WORKS if descriptor.value >= 0 else INEFFECTIVE


def _into_cgroup() -> str:
    raw("unshare", 0x20000)
    LIBC.mount(b"none", b"/", None, 0x44000, None)
    try:
        mount(b"cgroup2", "groups")
    except OSError:
        # A kernel that knows the flag says that this is no cgroup.
        _clone3(1 << 33, cgroup=os.open("/", os.O_RDONLY))
    try:
        _clone3(1 << 33, cgroup=os.open("groups", os.O_RDONLY))
    finally:
        LIBC.umount2(b"groups", 2)
    return ACCEPTED


def _namespace_of(kind: str) -> str:
    try:
        return os.readlink(f"/proc/self/ns/{kind}")
    except FileNotFoundError:
        return "none"


def _unshared(flag: int, kind: str) -> Probe:
    def probe() -> str:
        before = _namespace_of(kind)
        raw("unshare", flag)
        return WORKS if _namespace_of(kind) != before else INEFFECTIVE

    return probe


def _unshared_mounts() -> str:
    raw("unshare", 0x20000)
    return _mounts_are_apart()


def _mounts_are_apart() -> str:
    """Whether a mount made here is not seen by the process that was not split off."""
    parent = f"/proc/{os.getppid()}/mounts"
    try:
        checked(LIBC.mount(b"none", b"/", None, 0x44000, None), "mount")
    except OSError:
        return INEFFECTIVE
    folder = os.path.abspath("apart")
    mount(b"tmpfs", folder)
    with open(parent) as file:
        return INEFFECTIVE if folder in file.read() else WORKS


def _cloned(flag: int, look: Callable[[], str]) -> Probe:
    """A child made by clone with ``flag`` says what it sees."""

    def probe() -> str:
        reader, writer = os.pipe()
        child = raw("clone", flag | signal.SIGCHLD, 0, 0, 0, 0)
        if child == 0:
            try:
                os.write(writer, look().encode())
            finally:
                os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        return os.read(reader, 100).decode() or "untested the child failed"

    return probe


def _cloned_cgroup() -> str:
    before = os.readlink(f"/proc/{os.getppid()}/ns/cgroup")
    return WORKS if _namespace_of("cgroup") != before else INEFFECTIVE


def _scheduler(policy: int) -> Probe:
    def probe() -> str:
        os.sched_setscheduler(0, policy, os.sched_param(10))
        return WORKS if os.sched_getscheduler(0) == policy else INEFFECTIVE

    return probe


def _deadline() -> object:
    return raw("sched_setattr", 0, struct.pack("IIQiIQQQ", 48, 6, 0, 0, 0, 10**6, 10**7, 10**7), 0)


def _personality() -> str:
    raw("personality", 0x0040000)
    return WORKS if raw("personality", 0xFFFFFFFF) & 0x0040000 else INEFFECTIVE


def _subreaper() -> str:
    raw("prctl", 36, 1, 0, 0, 0)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            os.read(reader, 1)
            os.write(writer, str(os.getppid()).encode())
            os._exit(0)
        os._exit(0)
    os.waitpid(child, 0)
    os.write(writer, b"x")
    os.wait()
    return WORKS if os.read(reader, 10).decode() == str(os.getpid()) else INEFFECTIVE


def _ambient() -> str:
    header = struct.pack("II", 0x20080522, 0)
    data = ctypes.create_string_buffer(24)
    raw("capget", header, data)
    words = list(struct.unpack("6I", data.raw[:24]))
    words[2] |= 1 << 10
    raw("capset", header, ctypes.create_string_buffer(struct.pack("6I", *words)))
    raw("prctl", 47, 2, 10, 0, 0)
    return WORKS if raw("prctl", 47, 1, 10, 0, 0) == 1 else INEFFECTIVE


def _timer_slack() -> str:
    raw("prctl", 29, 60000, 0, 0, 0)
    return WORKS if raw("prctl", 30, 0, 0, 0, 0) == 60000 else INEFFECTIVE


def _lock_pi() -> str:
    word = ctypes.c_int(0)
    raw("futex", ctypes.byref(word), 6, 0, 0, 0, 0)
    return WORKS if word.value else INEFFECTIVE


def _requeue_pi() -> str:
    word, target = ctypes.c_int(0), ctypes.c_int(0)
    try:
        raw(
            "futex", ctypes.byref(word), 11, 0, struct.pack("qq", 0, 10**6), ctypes.byref(target), 0
        )
    except TimeoutError:
        return WORKS
    return ACCEPTED


def _listener() -> str:
    program = ctypes.create_string_buffer(_ALLOW)
    raw("prctl", 38, 1, 0, 0, 0)
    raw("seccomp", 1, 8, struct.pack("HxxxxxxQ", 1, ctypes.addressof(program)))
    return ACCEPTED


def _tsync() -> str:
    program = ctypes.create_string_buffer(_ALLOW)
    raw("prctl", 38, 1, 0, 0, 0)
    raw("seccomp", 1, 1, struct.pack("HxxxxxxQ", 1, ctypes.addressof(program)))
    return ACCEPTED


def _socket_filter() -> str:
    """A filter that drops everything, on a datagram socket."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    program = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
    receiver.setsockopt(
        socket.SOL_SOCKET, 26, struct.pack("HxxxxxxQ", 1, ctypes.addressof(program))
    )
    receiver.bind(("127.0.0.1", 0))
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", receiver.getsockname())
    return INEFFECTIVE if select.select([receiver], [], [], 0.5)[0] else WORKS


def _signalfd_again() -> str:
    """A signalfd that is changed gives its own number back."""
    first = raw("signalfd4", -1, struct.pack("Q", 1 << 9), 8, 0)
    said = raw("signalfd4", first, struct.pack("Q", 1 << 11), 8, 0)
    return WORKS if said == first else f"errno FD-{said}"


def _session_id() -> str:
    """setsid of a child that leads nothing gives the session's id: the child's own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, str(raw("setsid")).encode())
        os._exit(0)
    os.waitpid(child, 0)
    said = int(os.read(reader, 20))
    return WORKS if said == child else f"errno SID-{said}"


def _join_users() -> object:
    """A child's user namespace is joined."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        raw("unshare", 0x10000000)
        os.write(writer, b"x")
        signal.pause()
    os.read(reader, 1)
    return raw("setns", os.open(f"/proc/{child}/ns/user", os.O_RDONLY), 0x10000000)


def _propagate_below() -> object:
    raw("unshare", 0x20000)
    return checked(LIBC.mount(b"none", b"/", None, 0x84000, None), "mount")


def _bpf_map() -> object:
    return raw("bpf", 0, struct.pack("IIIII", 2, 4, 4, 1, 0) + bytes(100), 72)


PROBES: Mapping[str, Probe] = {
    "syscall:arch_prctl/ARCH_GET_GS": _segment_register(0x1004),
    "syscall:arch_prctl/ARCH_SET_GS": _accepts(lambda: raw("arch_prctl", 0x1001, 0)),
    "syscall:bpf/BPF_MAP_CREATE": _accepts(_bpf_map),
    "syscall:clone/CLONE_NEWCGROUP": _cloned(0x2000000, _cloned_cgroup),
    "syscall:clone/CLONE_NEWNS": _cloned(0x20000, _mounts_are_apart),
    "syscall:clone/CLONE_PIDFD": _clone_pidfd,
    "syscall:clone3/CLONE_INTO_CGROUP": _into_cgroup,
    "syscall:clone3/CLONE_NEWTIME": _accepts(lambda: _clone3(0x80)),
    "syscall:clone3/CLONE_PIDFD": _clone3_pidfd,
    "syscall:fallocate/FALLOC_FL_KEEP_SIZE": _fallocate(1),
    "syscall:fallocate/FALLOC_FL_PUNCH_HOLE": _punch_hole,
    "syscall:fallocate/FALLOC_FL_ZERO_RANGE": _fallocate(0x10),
    "syscall:fcntl/F_OFD_SETLK": _ofd_lock,
    "syscall:fcntl/F_SETLEASE": _accepts(
        lambda: fcntl.fcntl(os.open("f", os.O_RDONLY | os.O_CREAT), 1024, 0)
    ),
    "syscall:fcntl/F_SETPIPE_SZ": _pipe_size,
    "syscall:futex/FUTEX_LOCK_PI": _lock_pi,
    "syscall:futex/FUTEX_WAIT_REQUEUE_PI": _requeue_pi,
    "syscall:keyctl/KEYCTL_JOIN_SESSION_KEYRING": _accepts(lambda: raw("keyctl", 1, 0)),
    "syscall:lseek/SEEK_DATA": _seek(3),
    "syscall:lseek/SEEK_HOLE": _seek(4),
    "syscall:madvise/MADV_DONTDUMP": _advice(16),
    "syscall:madvise/MADV_DONTFORK": _dont_fork,
    "syscall:madvise/MADV_FREE": _advice(8),
    "syscall:madvise/MADV_HUGEPAGE": _advice(14),
    "syscall:madvise/MADV_REMOVE": _remove_pages,
    "syscall:memfd_create/MFD_HUGETLB": _accepts(lambda: raw("memfd_create", b"x", 4)),
    "syscall:mmap/MAP_HUGETLB": _map_hugetlb,
    "syscall:newfstatat/AT_NO_AUTOMOUNT": _accepts(
        lambda: raw(
            "newfstatat", _AT_FDCWD, b"/etc/passwd", ctypes.create_string_buffer(256), 0x800
        )
    ),
    "syscall:open/O_TMPFILE": _tmpfile("open"),
    "syscall:openat/O_TMPFILE": _tmpfile("openat"),
    "syscall:openat2/RESOLVE_IN_ROOT": _accepts(
        lambda: raw("openat2", os.open("/", os.O_RDONLY), b"etc/passwd",
                    ctypes.create_string_buffer(struct.pack("QQQ", 0, 0, 0x10)), 24)
    ),
    "syscall:personality/ADDR_NO_RANDOMIZE": _personality,
    "syscall:prctl/PR_CAP_AMBIENT": _ambient,
    "syscall:prctl/PR_SET_CHILD_SUBREAPER": _subreaper,
    "syscall:prctl/PR_SET_THP_DISABLE": _accepts(lambda: raw("prctl", 41, 1, 0, 0, 0)),
    "syscall:prctl/PR_SET_TIMERSLACK": _timer_slack,
    "syscall:renameat2/RENAME_EXCHANGE": _rename(2),
    "syscall:renameat2/RENAME_NOREPLACE": _no_replace,
    "syscall:sched_setattr/SCHED_DEADLINE": _accepts(_deadline),
    "syscall:sched_setscheduler/SCHED_FIFO": _scheduler(1),
    "syscall:sched_setscheduler/SCHED_RR": _scheduler(2),
    "syscall:seccomp/SECCOMP_FILTER_FLAG_NEW_LISTENER": _listener,
    "syscall:seccomp/SECCOMP_FILTER_FLAG_TSYNC": _tsync,
    "syscall:seccomp/SECCOMP_GET_ACTION_AVAIL": _accepts(
        lambda: raw("seccomp", 2, 0, struct.pack("I", 0x7FFF0000))
    ),
    "syscall:semop/SEM_UNDO": _sem_undo,
    "syscall:setns/pidfd": _accepts(
        lambda: raw("setns", raw("pidfd_open", os.getpid(), 0), 0x40000000)
    ),
    "syscall:fallocate/mode-0": _accepts(lambda: raw("fallocate", _file(0), 0, 0, 8192)),
    "syscall:mount/MS_REC": _accepts(_propagate_below),
    "syscall:setns/CLONE_NEWUSER": _accepts(_join_users),
    "syscall:signalfd4/existing-fd": _signalfd_again,
    "syscall:setsid/session-id": _session_id,
    "syscall:setsockopt/SO_ATTACH_FILTER": _socket_filter,
    "syscall:shmctl/SHM_LOCK": _shm_lock,
    "syscall:shmget/SHM_HUGETLB": _shm_hugetlb,
    "syscall:statx/AT_NO_AUTOMOUNT": _accepts(
        lambda: raw("statx", _AT_FDCWD, b"/etc/passwd", 0x900, 0x25F,
                    ctypes.create_string_buffer(256))
    ),
    "syscall:sync_file_range/SYNC_FILE_RANGE_WAIT_BEFORE": _accepts(
        lambda: raw("sync_file_range", _file(), 0, 4096, 1)
    ),
    "syscall:unshare/CLONE_NEWCGROUP": _unshared(0x2000000, "cgroup"),
    "syscall:unshare/CLONE_NEWNS": _unshared_mounts,
    "syscall:unshare/CLONE_NEWTIME": _unshared(0x80, "time_for_children"),
}  # fmt: skip
