"""What the calls of an ordinary program say about a row: little, and that for sure."""

from __future__ import annotations

import pytest

from tests.documents.recordings.build import tally
from webhook.core.agreement import Result
from webhook.core.compat import BoundRuntime, Fact
from webhook.core.names import Support
from webhook.core.runtimes import RuntimeProfile
from webhook.core.versions import interval_set, parse_interval, parse_version
from webhook.documents.recordings.witness import statements

PROFILE = RuntimeProfile(runtime="gvisor", versions=(parse_version("20240729.0"),))
WELL = "bpf(0) = 3"
ENOSYS = "bpf(0) = -1 ENOSYS (Function not implemented)"
EPERM = "bpf(0) = -1 EPERM (Operation not permitted)"
EAGAIN = "bpf(0) = -1 EAGAIN (Resource temporarily unavailable)"


def bound(*facts: Fact) -> BoundRuntime:
    """These rows alone."""
    return BoundRuntime(facts, PROFILE, PROFILE.versions)


def told(support: Support, *lines: str, feature: str = "syscall:madvise") -> list[Result]:
    """What the lines say of one row; bpf stands for the call that the row is about."""
    row = Fact(runtime="gvisor", feature=feature, support=support)
    seen = tally(*(line.replace("bpf", "madvise") for line in lines))
    return [t.result for t in statements(seen, bound(row))]


@pytest.mark.parametrize(
    ("support", "lines", "result"),
    [
        (Support.FULL, [WELL], Result.CONFIRMED),
        (Support.FULL, [WELL, EPERM], Result.CONFIRMED),
        (Support.FULL, [WELL, ENOSYS], Result.CONFIRMED),
        (Support.FULL, [ENOSYS, ENOSYS], Result.CONTRADICTED),
        (Support.FULL, [EPERM], Result.NO_CLAIM),
        (Support.FULL, [ENOSYS, EPERM], Result.NO_CLAIM),
        (Support.FULL, ["bpf(0 <unfinished ...>"], Result.UNTESTED),
        (Support.STUB, [WELL], Result.NO_CLAIM),
        (Support.STUB, [ENOSYS], Result.CONTRADICTED),
        (Support.PARTIAL, [ENOSYS], Result.NO_CLAIM),
        (Support.ABSENT, [ENOSYS], Result.CONFIRMED),
        (Support.ABSENT, [WELL], Result.CONTRADICTED),
        (Support.ABSENT, [EPERM], Result.NO_CLAIM),
        (Support.ERRNO, [EPERM], Result.CONFIRMED),
        (Support.ERRNO, [EAGAIN], Result.NO_CLAIM),
        (Support.ERRNO, [EPERM, WELL], Result.CONTRADICTED),
        (Support.GATED, [ENOSYS], Result.CONFIRMED),
        (Support.GATED, [WELL], Result.CONTRADICTED),
        (Support.UNKNOWN, [WELL], Result.NO_CLAIM),
    ],
)
def test_what_calls_say_of_a_row(support: Support, lines: list[str], result: Result) -> None:
    assert told(support, *lines) == [result]


def test_a_filter_of_the_programs_own_takes_the_word_from_refusals() -> None:
    filtered = "seccomp(SECCOMP_SET_MODE_FILTER, 0, 0x1) = 0"
    assert told(Support.FULL, filtered, ENOSYS) == [Result.NO_CLAIM]
    assert told(Support.ABSENT, filtered, WELL) == [Result.CONTRADICTED]


def test_only_a_row_of_just_this_feature_is_spoken_of() -> None:
    assert told(Support.ABSENT, WELL, feature="syscall:*") == []
    assert told(Support.ABSENT, WELL, feature="syscall:mmap") == []


def test_a_call_that_an_operation_explains_says_nothing_of_the_call_as_such() -> None:
    rows = [
        Fact(runtime="gvisor", feature="syscall:fallocate", support=Support.FULL),
        Fact(
            runtime="gvisor",
            feature="syscall:fallocate/FALLOC_FL_PUNCH_HOLE",
            support=Support.ERRNO,
        ),
    ]
    seen = tally("fallocate(3, FALLOC_FL_PUNCH_HOLE, 0, 1) = -1 ENOSYS (x)")
    results = {str(t.feature): t.result for t in statements(seen, bound(*rows))}
    assert results == {
        "syscall:fallocate": Result.UNTESTED,
        "syscall:fallocate/FALLOC_FL_PUNCH_HOLE": Result.CONFIRMED,
    }


def test_a_row_of_other_releases_is_not_spoken_of() -> None:
    later = interval_set([parse_interval(">=20250101.0")])
    row = Fact(runtime="gvisor", feature="syscall:madvise", support=Support.ABSENT, versions=later)
    assert statements(tally("madvise(0) = 0"), bound(row)) == ()


def test_what_becomes_of_a_call_later_is_not_told_by_it() -> None:
    row = Fact(runtime="gvisor", feature="kernel:ebpf", support=Support.ABSENT)
    assert statements(tally(WELL), bound(row)) == ()
