"""Options and profiles of all tests."""

import os

import pytest
from hypothesis import HealthCheck, settings

# A run of CI is the same run every time; HYPOTHESIS_PROFILE=thorough looks further, at random.
settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough",
    deadline=None,
    max_examples=2000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--update-golden`` rewrites the expected answers of tests/scenarios."""
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite expected answers instead of comparing"
    )
