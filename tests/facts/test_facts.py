"""Each measured fact of gVisor, seen under the real runsc: one sandbox start a variant of flags."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

from tests.facts.run import comparisons, contradictions, variants
from tests.runsc.releases import DEBIAN_RELEASES, Runsc, RunscMissing, can_be_root, find_release
from webhook.core.agreement import Result

pytestmark = [
    pytest.mark.runsc,
    pytest.mark.slow,
    pytest.mark.may_skip(reason="needs root, and a mirror that still has Debian's releases"),
]


def without(reason: str, *, needed: bool = True) -> NoReturn:
    """Skip for lack of a part; where CI is set fail, if it is one that CI brings."""
    if needed and os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def release(name: str) -> Runsc:
    """A runsc to run, as root."""
    try:
        found = find_release(name)
    except RunscMissing as missing:
        # Debian's releases are not on every machine's mirror.
        without(str(missing), needed=name == "current")
    if not can_be_root():
        without("the probes mount and change users: they are run by root")
    return found


@pytest.mark.parametrize("name", ["current", *DEBIAN_RELEASES])
def test_the_table_says_what_the_probes_see(name: str) -> None:
    runsc = release(name)
    found = [c for variant in variants(runsc) for c in comparisons(runsc, variant)]
    assert [str(c) for c in contradictions(found)] == []
    confirmed = sum(c.result is Result.CONFIRMED for c in found)
    assert confirmed > len(found) * 0.9, "most probes tell nothing here"
