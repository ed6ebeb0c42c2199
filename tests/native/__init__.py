"""Tests of the native policies, most of them on a real API server."""
