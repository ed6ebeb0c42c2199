"""Policies as native admission policies of the API server: translation to CEL. Pure."""
