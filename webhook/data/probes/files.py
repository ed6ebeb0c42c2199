"""Probes of paths, devices, file systems and ioctls: ``proc: sys: device: fs: ioctl:``."""

from __future__ import annotations

import array
import fcntl
import os
import pty
import signal
import socket
import stat
import struct
import termios
from collections.abc import Mapping

from webhook.data.probes.outcome import (
    ACCEPTED,
    INEFFECTIVE,
    LIBC,
    WORKS,
    Probe,
    mount,
    of_file,
)


def readable(path: str) -> Probe:
    """A probe of a file or folder of /proc or /sys."""

    def probe() -> str:
        if os.path.isdir(path):
            os.listdir(path)
            return ACCEPTED
        with open(path, "rb") as file:
            file.read(64)
        return ACCEPTED

    return of_file(probe)


def opened(path: str) -> Probe:
    """A probe of a device file: it can be opened for reading and writing."""

    def probe() -> str:
        if os.path.isdir(path):
            name = os.path.join(path, "probe")
            os.close(os.open(name, os.O_RDWR | os.O_CREAT))
            os.unlink(name)
            return WORKS
        os.close(os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))
        return ACCEPTED

    return of_file(probe)


def mounted(kind: str) -> Probe:
    """A probe of a file system that needs no device: it can be mounted."""

    def probe() -> str:
        # In a mount namespace of its own, so that natively nothing is left either.
        LIBC.unshare(0x20000)
        LIBC.mount(b"none", b"/", None, 0x44000, None)
        mount(kind.encode(), "m", data=_DATA.get(kind))
        try:
            os.listdir("m")
        finally:
            LIBC.umount(b"m")
        return ACCEPTED

    return of_file(probe)


_DATA: Mapping[str, bytes] = {
    "devpts": b"newinstance,ptmxmode=0666",
    "overlay": b"lowerdir=/etc:/opt",
}


def _kept(path: str, value: str, *, compared: int = 16) -> Probe:
    """A probe that writes a file of /proc and reads it back."""

    def probe() -> str:
        # Not open(path, "w"): that would ask to create it.
        os.write(os.open(path, os.O_WRONLY), value.encode())
        with open(path) as file:
            found = file.read().strip()
        return WORKS if found and int(found, compared) == int(value, compared) else INEFFECTIVE

    return of_file(probe)


def _asynchronous() -> str:
    """FIOASYNC: the signal comes when data does."""
    seen: list[int] = []
    signal.signal(signal.SIGIO, lambda number, _frame: seen.append(number))
    left, right = socket.socketpair()
    fcntl.fcntl(left, fcntl.F_SETOWN, os.getpid())
    fcntl.ioctl(left, 0x5452, struct.pack("i", 1))
    right.send(b"x")
    left.recv(1)
    return WORKS if seen else ACCEPTED


def _interface_flags() -> str:
    request = array.array("B", struct.pack("16sH14x", b"lo", 0))
    fcntl.ioctl(socket.socket(), 0x8913, request)
    return WORKS if struct.unpack("16xH14x", request.tobytes())[0] & 8 else INEFFECTIVE


def _file_flags() -> str:
    fcntl.ioctl(os.open("f", os.O_RDWR | os.O_CREAT), 0x80086601, bytes(8))
    return WORKS


def _tun() -> str:
    device = os.open("/dev/net/tun", os.O_RDWR)
    request = bytearray(struct.pack("16sH22x", b"probe%d", 0x1001))
    fcntl.ioctl(device, 0x400454CA, request)
    name = bytes(request[:16]).rstrip(b"\0")
    return WORKS if name == b"probe0" else f"partial named {name.decode()}"


def _device_node(kind: int, major: int, minor: int) -> Probe:
    def probe() -> str:
        os.mknod("n", kind | 0o600, os.makedev(major, minor))
        if kind == stat.S_IFCHR:
            os.close(os.open("n", os.O_RDWR))
        return WORKS

    return probe


def _terminal() -> str:
    """The probe is a session of its own, so a new terminal becomes its controlling one."""
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSCTTY, 0)
    own = os.open("/dev/tty", os.O_RDWR)
    os.write(own, b"x")
    return WORKS if os.read(primary, 1) == b"x" else INEFFECTIVE


PROBES: Mapping[str, Probe] = {
    "device:/dev/tty": of_file(_terminal),
    "proc:/proc/self/coredump_filter": _kept("/proc/self/coredump_filter", "0x3f"),
    "proc:/proc/self/oom_score_adj": _kept("/proc/self/oom_score_adj", "500", compared=10),
    "device:/dev/net/tun": of_file(_tun),
    "ioctl:FIOASYNC": _asynchronous,
    "ioctl:SIOCGIFFLAGS": _interface_flags,
    "ioctl:FS_IOC_GETFLAGS": _file_flags,
}
