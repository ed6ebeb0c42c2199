"""A real API server of these tests' own: what they register is registered for all of it."""

from tests.controlplane.fixtures import binaries, control_plane

__all__ = ["binaries", "control_plane"]
