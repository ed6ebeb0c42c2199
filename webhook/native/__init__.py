"""Policies as native admission policies of the API server: pure translation to CEL and documents."""
