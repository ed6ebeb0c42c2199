"""Probes of system calls as such: is there one, and what does it say to arguments that are right.

A call that is not in ``RIGHT`` is made with -1 for every argument, which no kernel takes: ENOSYS
tells that the call is missing, any other answer that it is there.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import struct
from collections.abc import Callable, Mapping

from webhook.data.probes.outcome import ACCEPTED, Probe, UntestedError, raw

NOT_CALLED = frozenset({
    "fork", "vfork", "clone", "exit", "exit_group", "rt_sigreturn", "pause", "sync", "execve",
    "execveat", "restart_syscall", "uretprobe", "uprobe", "munmap", "brk", "rseq_slice_yield",
    "mseal", "map_shadow_stack",
})  # fmt: skip
"""Calls that end, split or stop the process, or tear what it stands on."""


def presence(name: str) -> Probe:
    """A probe of the call ``name``, which is none of NOT_CALLED."""
    return lambda: _presence(name)


def _presence(name: str) -> str:
    right = RIGHT.get(name)
    if right is not None:
        right()
        return ACCEPTED
    if name in NOT_CALLED:
        raise UntestedError("not called: it would end or stop the probe")
    try:
        raw(name, -1, -1, -1, -1, -1, -1)
    except OSError as error:
        if error.errno == errno.ENOSYS:
            raise
        return f"answers {errno.errorcode.get(error.errno or 0, error.errno)}"
    return ACCEPTED


def _buffer(size: int = 4096) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(size)


def _file() -> int:
    fd = os.open("f", os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, 8192)
    return fd


def _second_file() -> int:
    return os.open("g", os.O_RDWR | os.O_CREAT)


def _page() -> ctypes.c_void_p:
    memory = mmap.mmap(-1, 4096)
    _KEPT.append(memory)
    return ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))


_KEPT: list[object] = []


def _child() -> int:
    """A child that is there for as long as this process is."""
    ended, kept = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(kept)
        os.read(ended, 1)
        os._exit(0)
    return child


def _vector(address: int, size: int) -> bytes:
    return struct.pack("QQ", address, size)


def _process_vm(name: str) -> None:
    mine, theirs = _buffer(8), _buffer(8)
    raw(
        name, _child(), _vector(ctypes.addressof(mine), 8), 1,
        _vector(ctypes.addressof(theirs), 8), 1, 0,
    )  # fmt: skip


def _perf_event() -> None:
    raw("perf_event_open", struct.pack("IIQQQQ", 1, 112, 0, 0, 0, 0) + bytes(100), 0, -1, -1, 0)


def _copy_file_range() -> None:
    raw("copy_file_range", _file(), 0, _second_file(), 0, 4096, 0)


def _name_to_handle() -> None:
    handle = ctypes.create_string_buffer(struct.pack("II", 128, 0) + bytes(128))
    raw("name_to_handle_at", -100, b"/etc/passwd", handle, ctypes.byref(ctypes.c_int()), 0)


def _move_pages() -> None:
    page = _page()
    raw("move_pages", 0, 1, (ctypes.c_void_p * 1)(page.value), 0, (ctypes.c_int * 1)(), 0)


def _vmsplice() -> None:
    _, writer = os.pipe()
    data = _buffer(8)
    raw("vmsplice", writer, _vector(ctypes.addressof(data), 8), 1, 0)


def _sendmmsg() -> None:
    left, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    data = _buffer(2)
    vector = ctypes.create_string_buffer(_vector(ctypes.addressof(data), 2))
    header = struct.pack("QIIQQQQIIII", 0, 0, 0, ctypes.addressof(vector), 1, 0, 0, 0, 0, 0, 0)
    raw("sendmmsg", left.fileno(), ctypes.create_string_buffer(header), 1, 0)


def _pidfd() -> int:
    return raw("pidfd_open", os.getpid(), 0)


def _io_setup() -> ctypes.c_ulong:
    context = ctypes.c_ulong(0)
    raw("io_setup", 8, ctypes.byref(context))
    return context


def _message_queue() -> None:
    raw("msgctl", raw("msgget", 0, 0o1600), 0, 0)


def _seccomp() -> None:
    program = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7FFF0000))
    raw("prctl", 38, 1, 0, 0, 0)
    raw("seccomp", 1, 0, struct.pack("HxxxxxxQ", 1, ctypes.addressof(program)))


RIGHT: Mapping[str, Callable[[], object]] = {
    "openat2": lambda: raw("openat2", -100, b"/etc/passwd", _buffer(24), 24),
    "statx": lambda: raw("statx", -100, b"/etc/passwd", 0, 0x7FF, _buffer()),
    "faccessat2": lambda: raw("faccessat2", -100, b"/etc/passwd", 4, 0x100),
    "close_range": lambda: raw("close_range", 200, 300, 0),
    "copy_file_range": _copy_file_range,
    "pidfd_open": _pidfd,
    "pidfd_send_signal": lambda: raw("pidfd_send_signal", _pidfd(), 0, 0, 0),
    "pidfd_getfd": lambda: raw("pidfd_getfd", _pidfd(), 1, 0),
    "memfd_create": lambda: raw("memfd_create", b"x", 0),
    "memfd_secret": lambda: raw("memfd_secret", 0),
    "process_vm_readv": lambda: _process_vm("process_vm_readv"),
    "process_vm_writev": lambda: _process_vm("process_vm_writev"),
    "process_madvise": lambda: raw(
        "process_madvise", _pidfd(), _vector(_page().value or 0, 4096), 1, 20, 0
    ),
    "membarrier": lambda: raw("membarrier", 0, 0, 0),
    "epoll_pwait2": lambda: raw(
        "epoll_pwait2", raw("epoll_create1", 0), _buffer(64), 1, struct.pack("qq", 0, 1000), 0, 0
    ),
    "landlock_create_ruleset": lambda: raw("landlock_create_ruleset", struct.pack("Q", 1), 8, 0),
    "futex": lambda: raw("futex", ctypes.byref(ctypes.c_int(0)), 1, 1, 0, 0, 0),
    "io_setup": _io_setup,
    "io_uring_setup": lambda: raw("io_uring_setup", 8, _buffer(120)),
    "userfaultfd": lambda: raw("userfaultfd", 0o2004000),
    "fanotify_init": lambda: raw("fanotify_init", 0, 0),
    "inotify_init1": lambda: raw("inotify_init1", 0),
    "perf_event_open": _perf_event,
    "kcmp": lambda: raw("kcmp", os.getpid(), os.getpid(), 0, 0, 0),
    "add_key": lambda: raw("add_key", b"user", b"probe", b"x", 1, -1),
    "request_key": lambda: raw("request_key", b"user", b"probe", 0, 0),
    "name_to_handle_at": _name_to_handle,
    "readahead": lambda: raw("readahead", _file(), 0, 4096),
    "fadvise64": lambda: raw("fadvise64", _file(), 0, 4096, 4),
    "sync_file_range": lambda: raw("sync_file_range", _file(), 0, 4096, 2),
    "syncfs": lambda: raw("syncfs", _file()),
    "fallocate": lambda: raw("fallocate", _file(), 0, 0, 8192),
    "vmsplice": _vmsplice,
    "sendmmsg": _sendmmsg,
    "personality": lambda: raw("personality", 0x0040000),
    "modify_ldt": lambda: raw("modify_ldt", 0, _buffer(64), 64),
    "ioprio_set": lambda: raw("ioprio_set", 1, 0, (2 << 13) | 4),
    "ioprio_get": lambda: raw("ioprio_get", 1, 0),
    "adjtimex": lambda: raw("adjtimex", _buffer(256)),
    "clock_adjtime": lambda: raw("clock_adjtime", 0, _buffer(256)),
    "msgget": _message_queue,
    "mlock": lambda: raw("mlock", _page(), 4096),
    "mlock2": lambda: raw("mlock2", _page(), 4096, 0),
    "munlock": lambda: raw("munlock", _page(), 4096),
    "munlockall": lambda: raw("munlockall"),
    "mincore": lambda: raw("mincore", _page(), 4096, _buffer(8)),
    "pkey_alloc": lambda: raw("pkey_alloc", 0, 0),
    "mbind": lambda: raw("mbind", _page(), 4096, 0, 0, 0, 0),
    "set_mempolicy": lambda: raw("set_mempolicy", 0, 0, 0),
    "get_mempolicy": lambda: raw("get_mempolicy", 0, 0, 0, 0, 0),
    "migrate_pages": lambda: raw("migrate_pages", 0, 64, struct.pack("Q", 1), struct.pack("Q", 1)),
    "move_pages": _move_pages,
    "getpriority": lambda: raw("getpriority", 0, 0),
    "setpriority": lambda: raw("setpriority", 0, 0, 5),
    "sched_getparam": lambda: raw("sched_getparam", 0, _buffer(8)),
    "sched_setparam": lambda: raw("sched_setparam", 0, _buffer(8)),
    "sched_getscheduler": lambda: raw("sched_getscheduler", 0),
    "sched_setscheduler": lambda: raw("sched_setscheduler", 0, 0, _buffer(8)),
    "sched_get_priority_max": lambda: raw("sched_get_priority_max", 1),
    "sched_get_priority_min": lambda: raw("sched_get_priority_min", 1),
    "sched_rr_get_interval": lambda: raw("sched_rr_get_interval", 0, _buffer(16)),
    "sched_getaffinity": lambda: raw("sched_getaffinity", 0, 128, _buffer(128)),
    "sched_setaffinity": lambda: raw("sched_setaffinity", 0, 8, struct.pack("Q", 1)),
    "sched_getattr": lambda: raw("sched_getattr", 0, _buffer(64), 64, 0),
    "sched_setattr": lambda: raw("sched_setattr", 0, struct.pack("IIQiIQQQ", 48, *[0] * 7), 0),
    "setns": lambda: raw("setns", os.open("/proc/self/ns/uts", os.O_RDONLY), 0),
    "unshare": lambda: raw("unshare", 0x04000000),
    "seccomp": _seccomp,
    "keyctl": lambda: raw("keyctl", 1, 0),
    "bpf": lambda: raw("bpf", 0, struct.pack("IIIII", 2, 4, 4, 1, 0) + bytes(100), 72),
    "syslog": lambda: raw("syslog", 10, 0, 0),
    "ioperm": lambda: raw("ioperm", 0x80, 1, 1),
    "iopl": lambda: raw("iopl", 3),
    "timerfd_create": lambda: raw("timerfd_create", 1, 0),
    "signalfd4": lambda: raw("signalfd4", -1, struct.pack("Q", 512), 8, 0),
    "eventfd2": lambda: raw("eventfd2", 0, 0),
    "open_tree": lambda: raw("open_tree", -100, b"/", 1),
    "fsopen": lambda: raw("fsopen", b"tmpfs", 0),
    "fspick": lambda: raw("fspick", -100, b"/", 0),
    "alarm": lambda: raw("alarm", 0),
    "kill": lambda: raw("kill", os.getpid(), 0),
    "setsid": lambda: os.fork() or (raw("setsid"), os._exit(0)),
    "umask": lambda: raw("umask", 0o22),
}
"""Calls with arguments that Linux takes; those that succeed are told from those always refused."""
