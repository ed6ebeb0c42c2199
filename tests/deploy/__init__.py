"""The installation against the code, and on the real API server."""
