"""What a probe saw beside what the table says."""

from __future__ import annotations

import pytest

from webhook.core.agreement import AGREES, Comparison, Result, compare
from webhook.core.compat import BoundRuntime, Fact
from webhook.core.names import Support
from webhook.core.runtimes import RuntimeProfile
from webhook.core.versions import parse_version

PROFILE = RuntimeProfile(runtime="gvisor", versions=(parse_version("20240729.0"),))


def compared(support: Support | None, observed: str, native: str = "works") -> Comparison:
    """One verdict beside a row of that support, or beside no row."""
    facts = [
        Fact(runtime="gvisor", feature="syscall:x", support=level, note="does x")
        for level in ([support] if support else [])
    ]
    bound = BoundRuntime(facts, PROFILE, PROFILE.versions)
    return compare("syscall:x", observed, native, bound=bound, run="20240729.0")


@pytest.mark.parametrize(
    ("support", "observed", "result"),
    [
        (Support.FULL, "works", Result.CONFIRMED),
        (Support.FULL, "answers EBADF", Result.CONFIRMED),
        (Support.FULL, "absent ENOSYS", Result.CONTRADICTED),
        (Support.FULL, "ineffective", Result.CONTRADICTED),
        (Support.IGNORED, "ineffective", Result.CONFIRMED),
        (Support.IGNORED, "works", Result.CONTRADICTED),
        (Support.STUB, "accepted", Result.CONFIRMED),
        (Support.STUB, "absent ENOSYS", Result.CONTRADICTED),
        (Support.GATED, "errno EPERM", Result.CONFIRMED),
        (Support.GATED, "works", Result.CONTRADICTED),
        (Support.ERRNO, "errno EINVAL", Result.CONFIRMED),
        (Support.ERRNO, "works", Result.CONTRADICTED),
        (Support.ABSENT, "absent ENOSYS", Result.CONFIRMED),
        (Support.ABSENT, "errno EPERM", Result.CONTRADICTED),
        (Support.UNKNOWN, "works", Result.NO_CLAIM),
        (None, "works", Result.NO_CLAIM),
        (Support.FULL, "untested hangs", Result.UNTESTED),
    ],
)
def test_a_verdict_beside_a_row(support: Support | None, observed: str, result: Result) -> None:
    assert compared(support, observed).result is result


def test_an_error_that_linux_gives_too_proves_nothing() -> None:
    assert compared(Support.ERRNO, "errno EPERM", "errno EPERM").result is Result.UNPROVEN


def test_a_contradiction_says_both() -> None:
    assert str(compared(Support.FULL, "absent ENOSYS")) == (
        "syscall:x under 20240729.0: observed 'absent ENOSYS' (natively 'works'),"
        " the table says full (does x)"
    )


def test_every_level_that_claims_something_can_be_confirmed() -> None:
    assert set(AGREES) == set(Support) - {Support.UNKNOWN}
