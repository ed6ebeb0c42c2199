"""An API server for the tests that ask for one: the real one, and a fake one behind HTTP."""

from collections.abc import Iterator

import pytest

from tests.controlplane.fixtures import binaries, control_plane
from tests.live.fake_api import FakeApi, serving

__all__ = ["binaries", "control_plane"]


@pytest.fixture
def fake() -> FakeApi:
    """A fake API server that holds nothing."""
    return FakeApi()


@pytest.fixture
def url(fake: FakeApi) -> Iterator[str]:
    """Where it serves."""
    with serving(fake) as address:
        yield address
