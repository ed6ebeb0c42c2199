"""Counts what the lines of recordings say, by feature, in memory that does not grow with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from webhook.core.names import Feature
from webhook.core.syscalls import canonical_syscall, syscall_number
from webhook.documents.recordings.calls import (
    NO_ANSWER,
    THE_KERNELS_OWN,
    Call,
    Compat32,
    Event,
    Exit,
    Marked,
)
from webhook.documents.recordings.signs import IA32, Signs

GOES_ON = 24
"""So many calls beyond those of complaining and ending, and a thread whose end is not recorded
went on after a refusal; one whose end is recorded went on where it ended well."""
_ENDING = frozenset({
    "write", "writev", "close", "exit", "exit_group", "munmap", "brk", "futex", "rt_sigaction",
    "rt_sigprocmask", "gettid", "getpid", "tgkill", "kill", "fstat", "newfstatat", "mmap", "read",
})  # fmt: skip
TELLING = frozenset({"ENOSYS", "EPERM", "EINVAL", "EOPNOTSUPP"})
"""Errors by which a kernel says that it does not do this."""
_MOST_THREADS = 16_384
_MOST_REMEMBERED = 4_096


@dataclass(slots=True)
class Use:
    """What was seen of one feature.

    ``answers`` counts the calls that this feature was the most exact reading of, by error, empty
    for success. ``went_on`` holds the telling errors after which a thread went on.
    """

    calls: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    went_on: set[str] = field(default_factory=set)
    marked: bool = False
    """Whether a runtime said in its log that it does not support the call."""
    allowed: bool = False
    """Whether a seccomp profile allows the call, which is no word of its use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """All that was seen, by feature."""

    uses: Mapping[Feature, Use]
    calls: int
    unnamed: int
    """Calls of names and numbers that the architecture does not have."""


@dataclass(slots=True)
class _Refused:
    """A thread that was refused something, and how far it came since."""

    refusals: set[tuple[Feature, str]]
    calls: int = 0


class Counting:
    """Takes events of one recording after another."""

    def __init__(self, signs: Signs, arch: str) -> None:
        self._signs = signs
        self._arch = arch
        self._uses: dict[Feature, Use] = {}
        self._features: dict[tuple[str, bytes], tuple[Feature, ...]] = {}
        self._refused: dict[bytes, _Refused] = {}
        self._compat: set[bytes] = set()
        self._calls = self._unnamed = 0

    def take(self, event: Event) -> None:
        """Count one event."""
        match event:
            case Call():
                self._call(event)
            case Marked(call):
                for feature in self._of(call):
                    self._use(feature).marked = True
            case Exit(thread, status):
                self._ended(thread, well=status == 0)
                self._compat.discard(thread)
            case Compat32(thread, begins):
                self._switch(thread, begins)

    def allow(self, call: Call) -> bool:
        """Note that a profile allows ``call``; whether the architecture has it."""
        features = self._of(call)
        for feature in features:
            self._use(feature).allowed = True
        self._unnamed += not features
        return bool(features)

    def end(self) -> None:
        """The recording is over: the next one has other threads."""
        for thread, refused in list(self._refused.items()):
            self._ended(thread, well=refused.calls >= GOES_ON)
        self._compat.clear()

    def tally(self) -> Tally:
        """What was counted so far."""
        return Tally(uses=dict(self._uses), calls=self._calls, unnamed=self._unnamed)

    def _call(self, call: Call) -> None:
        if call.name == THE_KERNELS_OWN or (self._compat and call.thread in self._compat):
            return
        features = self._of(call)
        if not features:
            self._unnamed += call.number
            return
        self._calls += call.number
        exact = features[1:] or features
        for feature in features:
            self._use(feature).calls += call.number
        for feature in exact:
            self._uses[feature].answers[call.error] += call.number
        if self._refused or call.error in TELLING:
            self._follow(call, exact)

    def _follow(self, call: Call, exact: Iterable[Feature]) -> None:
        """Watch threads that were refused something: do they go on?"""
        refused = self._refused.get(call.thread)
        if refused is not None and call.name not in _ENDING and call.error != NO_ANSWER:
            refused.calls += 1
        if call.error not in TELLING:
            return
        if refused is None:
            if len(self._refused) >= _MOST_THREADS:
                return
            refused = self._refused[call.thread] = _Refused(refusals=set())
        news = {(feature, call.error) for feature in exact} - refused.refusals
        if news:
            refused.refusals |= news
            refused.calls = 0

    def _ended(self, thread: bytes, *, well: bool) -> None:
        """A thread is at its end; of one that failed nobody knows what it failed of."""
        refused = self._refused.pop(thread, None)
        for feature, error in refused.refusals if refused and well else ():
            self._uses[feature].went_on.add(error)

    def _switch(self, thread: bytes, begins: bool) -> None:
        if not begins:
            self._compat.discard(thread)
        elif len(self._compat) < _MOST_THREADS:
            self._compat.add(thread)
        if begins and IA32 in self._signs.features:
            self._use(IA32).calls += 1

    def _use(self, feature: Feature) -> Use:
        use = self._uses.get(feature)
        if use is None:
            use = self._uses[feature] = Use()
        return use

    def _of(self, call: Call) -> tuple[Feature, ...]:
        """The call's own feature, then the more exact ones; empty for no call of Linux."""
        looked_at = self._signs.looks_at(call.name)
        key = (call.name, call.arguments if looked_at else b"")
        found = self._features.get(key)
        if found is None:
            found = tuple(self._read(call))
            if not looked_at or len(call.arguments) <= 200:
                if len(self._features) >= _MOST_REMEMBERED:
                    self._features.clear()
                self._features[key] = found
        return found

    def _read(self, call: Call) -> Iterator[Feature]:
        name = canonical_syscall(call.name, self._arch)
        if syscall_number(name, self._arch) is None:
            return
        yield Feature(f"syscall:{name}")
        yield from sorted(self._signs.seen(name, call.arguments))
