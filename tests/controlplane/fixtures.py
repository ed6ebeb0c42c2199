"""pytest fixtures for a real API server.

A conftest.py takes them by name:

    from tests.controlplane.fixtures import binaries, control_plane, controller_manager

    __all__ = ["binaries", "control_plane", "controller_manager"]
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import NoReturn

import pytest

from tests.controlplane.binaries import Binaries, BinariesMissing, find_binaries
from tests.controlplane.cluster import ControlPlane


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    """The programs to run; without them the test is skipped, or fails where CI is set."""
    try:
        return find_binaries(os.environ)
    except BinariesMissing as missing:
        without(missing, os.environ)


@pytest.fixture(scope="session")
def control_plane(binaries: Binaries) -> Iterator[ControlPlane]:
    """One running control plane for the whole run; every test takes namespaces of its own."""
    with ControlPlane(binaries) as plane:
        yield plane


@pytest.fixture(scope="session")
def controller_manager(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with its controllers running: a Deployment gets its pods."""
    try:
        control_plane.start_controller_manager()
    except BinariesMissing as missing:
        without(missing, os.environ)
    return control_plane


def without(missing: BinariesMissing, environ: Mapping[str, str]) -> NoReturn:
    """Skip for lack of programs; where CI is set fail, for nobody reads what CI skips."""
    if environ.get("CI"):
        pytest.fail(str(missing), pytrace=False)
    pytest.skip(str(missing))
