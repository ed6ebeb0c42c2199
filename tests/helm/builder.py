"""Builds helm and kube-score, if they are missing; `build` runs it. Only the standard library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.controlplane.builder import BuildError, Project, build, say
from tests.helm.programs import BRINGS_THEM, BUILD_DIR, HERE, PROGRAMS

PROJECT = Project(what="helm", brings=BRINGS_THEM, module=HERE, folder=BUILD_DIR)


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Build what is missing of them; 0 done, 1 failed, 2 usage."""
    if arguments:
        say("usage: build")
        return 2
    try:
        build(PROGRAMS, environ, PROJECT)
    except BuildError as error:
        say(str(error))
        return 1
    return 0
