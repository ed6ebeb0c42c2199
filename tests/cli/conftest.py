"""The real API server, for the tests that ask for it."""

from tests.controlplane.fixtures import binaries, control_plane

__all__ = ["binaries", "control_plane"]
