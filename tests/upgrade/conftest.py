"""The real API server, for the tests that ask for it."""

from tests.controlplane.fixtures import binaries

__all__ = ["binaries"]
