"""A real API server for the compiled policies."""

from tests.controlplane.fixtures import binaries, control_plane

__all__ = ["binaries", "control_plane"]
