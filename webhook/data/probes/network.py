"""Probes of what the network stack offers beyond plain sockets: ``net:``."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Mapping

from webhook.data.probes.outcome import (
    ACCEPTED,
    INEFFECTIVE,
    WORKS,
    Probe,
    UntestedError,
    of_socket,
)

_SOL_TCP = 6
_NETLINK = 16


def _opened(family: int, kind: int, protocol: int = 0) -> Probe:
    def probe() -> str:
        socket.socket(family, kind, protocol).close()
        return ACCEPTED

    return of_socket(probe)


def _netlink_group(protocol: int, group: int) -> Probe:
    """Joining a multicast group, as daemons that follow the kernel's events do."""

    def probe() -> str:
        listener = socket.socket(_NETLINK, socket.SOCK_RAW, protocol)
        listener.bind((0, group))
        return ACCEPTED

    return of_socket(probe)


def _dump_addresses() -> str:
    asks = socket.socket(_NETLINK, socket.SOCK_RAW, 0)
    asks.settimeout(2)
    asks.send(struct.pack("IHHIIB3x", 20, 22, 0x301, 1, 0, 0))
    return WORKS if asks.recv(65536) else INEFFECTIVE


def _option(level: int, option: int, value: bytes, kind: int = socket.SOCK_STREAM) -> Probe:
    def probe() -> str:
        socket.socket(socket.AF_INET, kind).setsockopt(level, option, value)
        return ACCEPTED

    return probe


def _ip(*arguments: str) -> Probe:
    """A probe of a request of iproute2's ip."""

    def probe() -> str:
        try:
            _run("ip", *arguments)
        except ChildProcessError as refused:
            return _named(str(refused))
        return ACCEPTED

    return probe


def _syn_count() -> str:
    asks = socket.socket()
    asks.setsockopt(_SOL_TCP, 7, 4)
    return WORKS if asks.getsockopt(_SOL_TCP, 7) == 4 else INEFFECTIVE


def _mark() -> str:
    marked = socket.socket()
    marked.setsockopt(1, 36, 5)
    return WORKS if marked.getsockopt(1, 36) == 5 else INEFFECTIVE


def _peer() -> str:
    """Whether a server learns the process that connected, a child of the one that made it."""
    server = socket.socket(socket.AF_UNIX)
    server.bind("s")
    server.listen()
    child = os.fork()
    if child == 0:
        client = socket.socket(socket.AF_UNIX)
        client.connect("s")
        client.recv(1)
        os._exit(0)
    accepted, _ = server.accept()
    (pid,) = struct.unpack("i8x", accepted.getsockopt(1, 17, 12))
    accepted.send(b"x")
    os.waitpid(child, 0)
    return WORKS if pid == child else "absent WRONG-PID"


_CORK_TRIES = 5


def _cork() -> str:
    """Data written under TCP_CORK and then closed: Linux sends it at once.

    Late is what is late each time: once may be a busy machine.
    """
    for _ in range(_CORK_TRIES):
        seconds = _corked()
        if seconds is None:
            return INEFFECTIVE
        if seconds < 0.1:
            return WORKS
    return "partial late"


def _corked() -> float | None:
    """The seconds from the close until the data is there; None if it does not come."""
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    arrived: list[float] = []

    def receive() -> None:
        client.recv(16)
        arrived.append(time.monotonic())

    reader = threading.Thread(target=receive, daemon=True)
    reader.start()
    server.setsockopt(_SOL_TCP, 3, 1)
    server.send(b"x")
    began = time.monotonic()
    server.close()
    reader.join(2)
    return arrived[0] - began if arrived else None


def _run(*command: str) -> None:
    """Run an administrator's tool in this process' network namespace."""
    if shutil.which(command[0]) is None:
        raise UntestedError(f"no {command[0]} here")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ChildProcessError(done.stderr.strip()[:200])


def _iptables(*rule: str, table: str = "nat", program: str = "iptables-legacy") -> Probe:
    def probe() -> str:
        try:
            _run(program, "-w", "-t", table, *rule, *(("-j", "ACCEPT") if rule[0] == "-A" else ()))
        except ChildProcessError as refused:
            return _named(str(refused))
        return ACCEPTED

    return probe


_SAID = {
    "Table does not exist": "absent ENOENT",
    "Protocol not supported": "absent EPROTONOSUPPORT",
    "Invalid argument": "errno EINVAL",
    "No chain/target/match": "errno ENOENT",
    "No such file": "errno ENOENT",
    "not supported": "errno EOPNOTSUPP",
    "Unknown device type": "errno EOPNOTSUPP",
    "Permission denied": "errno EPERM",
    "Operation not permitted": "errno EPERM",
}


def _named(message: str) -> str:
    return next((name for text, name in _SAID.items() if text in message), "errno OTHER")


PROBES: Mapping[str, Probe] = {
    "net:raw-socket": _opened(socket.AF_INET, socket.SOCK_RAW, 1),
    "net:packet-socket": _opened(17, socket.SOCK_RAW, 0x0300),
    "net:TCP_CORK": _cork,
    "net:iptables-legacy": _iptables("-L"),
    "net:iptables/addrtype": _iptables("-A", "OUTPUT", "-m", "addrtype", "--dst-type", "LOCAL"),
    "net:iptables/comment": _iptables("-A", "OUTPUT", "-m", "comment", "--comment", "x"),
    "net:iptables/conntrack": _iptables(
        "-A", "OUTPUT", "-m", "conntrack", "--ctstate", "ESTABLISHED"
    ),
    "net:iptables/inverse-port": _iptables("-A", "OUTPUT", "-p", "tcp", "!", "--dport", "9"),
    "net:iptables/mark": _iptables("-A", "OUTPUT", "-m", "mark", "--mark", "1"),
    "net:iptables/multiport": _iptables(
        "-A", "OUTPUT", "-p", "tcp", "-m", "multiport", "--dports", "9,10"
    ),
    "net:iptables/owner": _iptables("-A", "OUTPUT", "-m", "owner", "--uid-owner", "9"),
    "net:iptables/raw": _iptables("-L", table="raw"),
    "net:iptables-nft": _iptables("-L", program="iptables-nft"),
    "net:nftables": _opened(_NETLINK, socket.SOCK_RAW, 12),
    "net:netlink-route": _dump_addresses,
    "net:netlink-multicast": _netlink_group(0, 0x10 | 0x40),
    "net:netlink-multicast/RTNLGRP_LINK": _netlink_group(0, 0x1),
    "net:RTM_NEWROUTE": _ip("route", "add", "198.51.100.0/24", "dev", "lo"),
    "net:ip-rule": _ip("rule", "add", "from", "198.51.100.1", "table", "100"),
    "net:dummy": _ip("link", "add", "probe0", "type", "dummy"),
    "net:vxlan": _ip("link", "add", "probe0", "type", "vxlan", "id", "9", "dstport", "0"),
    "net:wireguard": _ip("link", "add", "probe0", "type", "wireguard"),
    "net:xfrm": _ip("xfrm", "state"),
    "net:netlink-iscsi": _opened(_NETLINK, socket.SOCK_RAW, 8),
    "net:SO_PEERCRED/pid": _peer,
    "net:TCP_SYNCNT/read": _syn_count,
    "net:sctp": _opened(socket.AF_INET, socket.SOCK_STREAM, 132),
    "net:mptcp": _opened(socket.AF_INET, socket.SOCK_STREAM, 262),
    "net:udplite": _opened(socket.AF_INET, socket.SOCK_DGRAM, 136),
    "net:vsock": _opened(40, socket.SOCK_STREAM),
    "net:alg": _opened(38, socket.SOCK_SEQPACKET),
    "net:xdp": _opened(44, socket.SOCK_RAW),
    "net:icmp-socket": _opened(socket.AF_INET, socket.SOCK_DGRAM, 1),
    "net:netlink-audit": _opened(_NETLINK, socket.SOCK_RAW, 9),
    "net:netlink-generic": _opened(_NETLINK, socket.SOCK_RAW, 16),
    "net:netlink-diag": _opened(_NETLINK, socket.SOCK_RAW, 4),
    "net:SO_MARK": _mark,
    "net:SO_ZEROCOPY": _option(1, 60, struct.pack("i", 1)),
    "net:SO_TIMESTAMPING": _option(1, 37, struct.pack("i", 0x18), socket.SOCK_DGRAM),
    "net:IP_TRANSPARENT": _option(0, 19, struct.pack("i", 1)),
    "net:UDP_SEGMENT": _option(17, 103, struct.pack("i", 1400), socket.SOCK_DGRAM),
    "net:TCP_FASTOPEN": _option(_SOL_TCP, 23, struct.pack("i", 5)),
    "net:SO_BINDTODEVICE": _option(1, 25, b"lo\0"),
    "net:IP_MTU_DISCOVER/IP_PMTUDISC_OMIT": _option(0, 10, struct.pack("i", 5), socket.SOCK_DGRAM),
}
