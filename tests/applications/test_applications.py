"""Real applications of Debian under the real runsc, beside what the table says of their images."""

from __future__ import annotations

import os

import pytest

from tests.applications.images import STANDS_FOR
from tests.applications.root import RootMissing, require_root
from tests.applications.sandbox import natively, script_names, under
from tests.applications.verdicts import agrees, verdict
from tests.facts.test_facts import release, without
from tests.runsc.releases import DEBIAN_RELEASES, Runsc

# The older releases take as long again, each: `python -m tests.applications.verify` runs them too.
RELEASES = ("current", *(DEBIAN_RELEASES if os.environ.get("RUNSC_RELEASES") == "all" else ()))


TRIES = 4
"""Whole servers, and clients that wait a second or two for them: on a busy machine too little."""


@pytest.fixture(scope="module", params=RELEASES)
def runsc(request: pytest.FixtureRequest) -> Runsc:
    """A release of runsc, where the root of the applications is there too."""
    try:
        require_root()
    except RootMissing as missing:
        without(str(missing), needed=os.geteuid() == 0)
    return release(request.param)


@pytest.mark.runsc
@pytest.mark.slow
@pytest.mark.may_skip(reason="needs root, and a server that works natively there")
@pytest.mark.parametrize("name", script_names())
def test_an_application_runs_where_the_table_does_not_refuse_it(runsc: Runsc, name: str) -> None:
    said = verdict(STANDS_FOR[name], runsc)
    ran = under(runsc, name)
    tries = 1
    while not agrees(said, ran.works) and tries < TRIES:
        ran = under(runsc, name)
        tries += 1
    if not agrees(said, ran.works) and not ran.works and not natively(name).works:
        pytest.skip(f"{name} does not work natively here: {ran.said[-200:]}")
    assert agrees(said, ran.works), (
        f"{STANDS_FOR[name].image} on gVisor {runsc.version}: the table says {said}, "
        f"and {'it works' if ran.works else 'it fails: ' + ran.said}"
    )


def test_every_script_stands_for_an_image() -> None:
    assert sorted(STANDS_FOR) == list(script_names())
