"""Which features of the compatibility table a call uses, by its arguments.

What is worth looking for comes from the table: the features that it has rows or needs of. An
operation ``syscall:NAME/OP`` is seen where OP stands among the arguments or, where they are
numbers, as runsc prints them, by Linux's number of OP. What no rule derives is in
``_OF_THE_WORLD``, and only looked for where the table speaks of it. Of the arguments nothing but
such an id is ever returned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from webhook.core.compat import CompatTable
from webhook.core.names import Feature
from webhook.core.syscalls import canonical_syscall

LONGEST = 16_384
"""How much of a call's arguments is looked at."""


class Number(NamedTuple):
    """The argument at ``place`` is ``value``, of the bits of ``mask``."""

    place: int
    value: int
    mask: int


def _flag(place: int, bit: int) -> Number:
    return Number(place, bit, bit)


def _is(place: int, value: int, mask: int = 0xFFFF_FFFF) -> Number:
    return Number(place, value, mask)


_FUTEX_OPERATION = 0x7F

NUMBERS: Mapping[str, tuple[Number, ...]] = {
    "syscall:arch_prctl/ARCH_GET_GS": (_is(0, 0x1004),),
    "syscall:arch_prctl/ARCH_SET_GS": (_is(0, 0x1001),),
    "syscall:bpf/BPF_MAP_CREATE": (_is(0, 0),),
    "syscall:clone/CLONE_NEWCGROUP": (_flag(0, 0x0200_0000),),
    "syscall:clone/CLONE_NEWNS": (_flag(0, 0x0002_0000),),
    "syscall:clone/CLONE_PIDFD": (_flag(0, 0x1000),),
    "syscall:fallocate/FALLOC_FL_KEEP_SIZE": (_flag(1, 0x01),),
    "syscall:fallocate/FALLOC_FL_PUNCH_HOLE": (_flag(1, 0x02),),
    "syscall:fallocate/FALLOC_FL_ZERO_RANGE": (_flag(1, 0x10),),
    "syscall:fallocate/mode-0": (_is(1, 0),),
    "syscall:fcntl/F_OFD_SETLK": (_is(1, 37),),
    "syscall:fcntl/F_SETLEASE": (_is(1, 1024),),
    "syscall:fcntl/F_SETPIPE_SZ": (_is(1, 1031),),
    "syscall:futex/FUTEX_LOCK_PI": (_is(1, 6, _FUTEX_OPERATION),),
    "syscall:futex/FUTEX_WAIT_REQUEUE_PI": (_is(1, 11, _FUTEX_OPERATION),),
    "syscall:keyctl/KEYCTL_JOIN_SESSION_KEYRING": (_is(0, 1),),
    "syscall:lseek/SEEK_DATA": (_is(2, 3),),
    "syscall:lseek/SEEK_HOLE": (_is(2, 4),),
    "syscall:madvise/MADV_DONTDUMP": (_is(2, 16),),
    "syscall:madvise/MADV_DONTFORK": (_is(2, 10),),
    "syscall:madvise/MADV_FREE": (_is(2, 8),),
    "syscall:madvise/MADV_HUGEPAGE": (_is(2, 14),),
    "syscall:madvise/MADV_REMOVE": (_is(2, 9),),
    "syscall:memfd_create/MFD_HUGETLB": (_flag(1, 0x4),),
    "syscall:mmap/MAP_HUGETLB": (_flag(3, 0x4_0000),),
    "syscall:mount/MS_REC": (_flag(3, 0x4000),),
    "syscall:newfstatat/AT_NO_AUTOMOUNT": (_flag(3, 0x800),),
    "syscall:open/O_TMPFILE": (_flag(1, 0o20000000),),
    "syscall:openat/O_TMPFILE": (_flag(2, 0o20000000),),
    "syscall:personality/ADDR_NO_RANDOMIZE": (_flag(0, 0x4_0000), Number(0, 0, 0x8000_0000)),
    "syscall:prctl/PR_CAP_AMBIENT": (_is(0, 47),),
    "syscall:prctl/PR_SET_CHILD_SUBREAPER": (_is(0, 36),),
    "syscall:prctl/PR_SET_THP_DISABLE": (_is(0, 41),),
    "syscall:prctl/PR_SET_TIMERSLACK": (_is(0, 29),),
    "syscall:renameat2/RENAME_EXCHANGE": (_flag(4, 0x2),),
    "syscall:sched_setscheduler/SCHED_FIFO": (_is(1, 1, 0xFFFF),),
    "syscall:sched_setscheduler/SCHED_RR": (_is(1, 2, 0xFFFF),),
    "syscall:seccomp/SECCOMP_FILTER_FLAG_NEW_LISTENER": (_is(0, 1), _flag(1, 0x8)),
    "syscall:seccomp/SECCOMP_GET_ACTION_AVAIL": (_is(0, 2),),
    "syscall:setns/CLONE_NEWUSER": (_flag(1, 0x1000_0000),),
    "syscall:setsockopt/SO_ATTACH_FILTER": (_is(1, 1), _is(2, 26)),
    "syscall:shmctl/SHM_LOCK": (_is(1, 11),),
    "syscall:shmget/SHM_HUGETLB": (_flag(2, 0o4000),),
    "syscall:statx/AT_NO_AUTOMOUNT": (_flag(2, 0x800),),
    "syscall:sync_file_range/SYNC_FILE_RANGE_WAIT_BEFORE": (_is(3, 1, 0x5),),
    "syscall:unshare/CLONE_NEWCGROUP": (_flag(0, 0x0200_0000),),
    "syscall:unshare/CLONE_NEWNS": (_flag(0, 0x0002_0000),),
    "syscall:unshare/CLONE_NEWTIME": (_flag(0, 0x80),),
    "ioctl:FIOASYNC": (_is(1, 0x5452),),
    "ioctl:SIOCGIFFLAGS": (_is(1, 0x8913),),
    "kernel:io_uring-wait": (_flag(3, 0x1),),
}  # fmt: skip
"""How an operation looks where the arguments are numbers: all of these hold. From Linux's UAPI
headers: asm/prctl.h, asm-generic/{fcntl,ioctls,mman,socket}.h, linux/{bpf,falloc,fcntl,fs,futex,
io_uring,keyctl,memfd,mount,personality,prctl,sched,seccomp,shm,sockios}.h.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One way to see that a call uses ``feature``: all ``words`` stand among its arguments and none
    of ``without``, or its arguments have ``numbers``. A sign that asks for nothing is the call.
    """

    feature: Feature
    calls: frozenset[str]
    words: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    numbers: tuple[Number, ...] = ()

    def seen(self, words: frozenset[str], arguments: list[int | None]) -> bool:
        """Whether the arguments, as words and as numbers, show it."""
        if self.words and self.words <= words:
            return not self.without & words
        return bool(self.numbers) and all(_has(arguments, number) for number in self.numbers)

    @property
    def bare(self) -> bool:
        """Whether the call alone is the sign."""
        return not self.words and not self.numbers


def _has(arguments: list[int | None], number: Number) -> bool:
    value = arguments[number.place] if number.place < len(arguments) else None
    return value is not None and value & number.mask == number.value


_SENDS = ("sendmsg", "sendto", "sendmmsg", "write")
# feature, calls, words: of things that no single operation of a call is named after.
_OF_THE_WORLD: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("net:packet-socket", ("socket",), ("AF_PACKET",)),
    ("net:raw-socket", ("socket",), ("AF_INET", "SOCK_RAW")),
    ("net:raw-socket", ("socket",), ("AF_INET6", "SOCK_RAW")),
    ("net:netlink-audit", ("socket",), ("NETLINK_AUDIT",)),
    ("net:netlink-iscsi", ("socket",), ("NETLINK_ISCSI",)),
    ("net:xfrm", ("socket",), ("NETLINK_XFRM",)),
    ("net:nftables", _SENDS, ("NFNL_SUBSYS_NFTABLES",)),
    ("net:ipset", _SENDS, ("NFNL_SUBSYS_IPSET",)),
    ("net:RTM_NEWROUTE", _SENDS, ("RTM_NEWROUTE",)),
    ("net:ip-rule", _SENDS, ("RTM_NEWRULE",)),
    ("net:iptables-legacy", ("setsockopt",), ("IPT_SO_SET_REPLACE",)),
    ("net:iptables-legacy", ("setsockopt",), ("IP6T_SO_SET_REPLACE",)),
    ("net:TCP_CORK", ("setsockopt",), ("TCP_CORK",)),
    ("net:TCP_SYNCNT/read", ("getsockopt",), ("TCP_SYNCNT",)),
    (
        "net:IP_MTU_DISCOVER/IP_PMTUDISC_OMIT",
        ("setsockopt",),
        ("IP_MTU_DISCOVER", "IP_PMTUDISC_OMIT"),
    ),
    ("kernel:linux-aio", ("io_setup", "io_submit"), ()),
    ("kernel:sysv-shm", ("shmget",), ()),
    ("kernel:ebpf", ("bpf",), ()),
    ("kernel:modules", ("init_module", "finit_module"), ()),
    ("kernel:io_uring-wait", ("io_uring_enter",), ("IORING_ENTER_GETEVENTS",)),
)
_WITHOUT: Mapping[str, frozenset[str]] = {
    "syscall:sync_file_range/SYNC_FILE_RANGE_WAIT_BEFORE": frozenset(
        {"SYNC_FILE_RANGE_WAIT_AFTER"}
    ),
}
IA32 = Feature("exec:ia32")
"""Seen by strace's line that a process runs in 32-bit mode."""

_OPENS = frozenset({"open", "openat", "openat2", "creat"})
_MOUNTS = frozenset({"mount", "fsopen"})
_PATH = re.compile(rb'(?:"|0x[0-9a-f]+ )(?P<path>/(?:dev|proc|sys)/[^",\\ ]{1,150})(?=[",])')
_OWN = re.compile(r"/proc/(?:\d+|thread-self|(?:self|\d+)/task/\d+)/")
_KIND = re.compile(rb'(?:"|0x[0-9a-f]+ )(?P<kind>[a-z0-9_]{2,24})"?, (?:MS_[A-Z]|0)')
_FSOPEN = re.compile(rb'^(?:"|0x[0-9a-f]+ )(?P<kind>[a-z0-9_]{2,24})"?,')
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_WORD = re.compile(rb"(?<![A-Za-z0-9_])[A-Z][A-Z0-9_]{2,40}(?![A-Za-z0-9_])")
_INTEGER = re.compile(
    r"(?:0x(?P<hex>[0-9a-f]{1,16})|0o?(?P<octal>[0-7]{1,22})|(?P<decimal>\d{1,20}))(?![0-9a-zA-Z_])",
    re.ASCII,
)


class Signs:
    """Everything that is looked for, by the call in which it is seen."""

    __slots__ = ("_globs", "_known", "_of_call", "features")

    def __init__(self, features: Iterable[str]) -> None:
        self.features = frozenset(features)
        self._known: frozenset[str] = frozenset(f for f in self.features if not f.endswith("*"))
        self._globs = tuple(
            stem
            for stem in (f.removesuffix("*") for f in sorted(self.features) if f.endswith("*"))
            if stem.startswith(("device:/", "proc:/", "sys:/"))
        )
        self._of_call: dict[str, list[Sign]] = {}
        for sign in _signs(self._known):
            for call in sign.calls:
                self._of_call.setdefault(call, []).append(sign)

    def looks_at(self, call: str) -> bool:
        """Whether the arguments of ``call`` can show more than the call itself."""
        return call in self._of_call or call in _OPENS or call in _MOUNTS

    def seen(self, call: str, arguments: bytes) -> frozenset[Feature]:
        """The features, beside the call itself, that a call with these arguments uses."""
        arguments = arguments[:LONGEST]
        found = set(self._by_arguments(self._of_call.get(call, ()), arguments))
        if call in _OPENS:
            found.update(self._opened(call, arguments))
        elif call in _MOUNTS:
            found.update(self._mounted(call, arguments))
        return frozenset(found)

    def _by_arguments(self, signs: Iterable[Sign], arguments: bytes) -> Iterator[Feature]:
        plain = _STRING.sub(b'""', arguments)
        words = frozenset(word.decode().removesuffix("_PRIVATE") for word in _WORD.findall(plain))
        numbers = _numbers(plain)
        for sign in signs:
            if sign.bare or sign.seen(words, numbers):
                yield sign.feature

    def _opened(self, call: str, arguments: bytes) -> Iterator[Feature]:
        # openat's first argument is a folder; what is opened comes after it.
        begin = arguments.find(b",") if call.startswith("openat") else 0
        match = _PATH.search(arguments, max(begin, 0))
        if match is None:
            return
        path = _OWN.sub("/proc/self/", match["path"].decode("ascii", "replace"))
        namespace = {"dev": "device"}.get(path[1:].partition("/")[0], path[1:].partition("/")[0])
        feature = f"{namespace}:{path}"
        if feature in self._known:
            yield Feature(feature)
        # Of what a row's * stands for nothing is told: the rest of the path is the program's own.
        yield from (Feature(stem) for stem in self._globs if feature.startswith(stem))

    def _mounted(self, call: str, arguments: bytes) -> Iterator[Feature]:
        for match in (_FSOPEN if call == "fsopen" else _KIND).finditer(arguments):
            feature = f"fs:{match['kind'].decode()}"
            if feature in self._known:
                yield Feature(feature)


def signs_of(table: CompatTable) -> Signs:
    """What to look for: every feature that the table has a row or a need of."""
    rows = (fact.feature for fact in table.facts)
    needs = (n.feature for a in table.catalogue.applications for n in a.needs)
    return Signs({*rows, *needs})


def _signs(known: frozenset[str]) -> Iterator[Sign]:
    for feature in sorted(known):
        namespace, _, name = feature.partition(":")
        call, _, operation = name.partition("/")
        if namespace == "syscall" and operation:
            yield _sign(feature, (canonical_syscall(call),), (operation,))
        elif namespace == "ioctl":
            yield _sign(feature, ("ioctl",), (name,))
    for feature, calls, words in _OF_THE_WORLD:
        if feature in known:
            yield _sign(feature, calls, words)


def _sign(feature: str, calls: Iterable[str], words: Iterable[str]) -> Sign:
    return Sign(
        feature=Feature(feature),
        calls=frozenset(calls),
        words=frozenset(words),
        without=_WITHOUT.get(feature, frozenset()),
        numbers=NUMBERS.get(feature, ()),
    )


def _numbers(arguments: bytes) -> list[int | None]:
    """The arguments that begin with a number; None for the others."""
    parts = arguments[:512].decode("ascii", "replace").split(",")[:6]
    return [_number(part.strip()) for part in parts]


def _number(text: str) -> int | None:
    match = _INTEGER.match(text)
    if match is None:
        return None
    if match["hex"]:
        return int(match["hex"], 16)
    return int(match["octal"], 8) if match["octal"] else int(match["decimal"])
