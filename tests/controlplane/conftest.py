"""The fixtures of fixtures.py for the tests of this folder."""

from tests.controlplane.fixtures import binaries, control_plane, controller_manager

__all__ = ["binaries", "control_plane", "controller_manager"]
