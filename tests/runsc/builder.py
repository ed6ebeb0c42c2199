"""Brings what is missing of the releases of runsc; `build` runs it. Only the standard library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.controlplane.builder import BuildError, Project, build, say
from tests.runsc.debian import NoApt, fetch
from tests.runsc.releases import BRINGS_IT, BUILD_DIR, HERE, RUNSC

PROJECT = Project(what="runsc", brings=BRINGS_IT, module=HERE, folder=BUILD_DIR / "current")


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Build the current release, fetch Debian's; 0 done, 1 failed, 2 usage.

    Debian's are a gain where they can be had: without them the exit code is 0 too.
    """
    if list(arguments) not in ([], ["--current"]):
        say("usage: build [--current]   (--current: only the release of go.mod)")
        return 2
    try:
        build([RUNSC], environ, PROJECT)
    except BuildError as error:
        say(str(error))
        return 1
    if not arguments:
        _fetch()
    return 0


def _fetch() -> None:
    try:
        fetch()
    except NoApt as reason:
        say(str(reason))
