"""Options and profiles of all tests, and that CI skips none unseen."""

import os
from collections.abc import Generator

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Nobody reads what CI skips: there a skip is a failure, but for tests marked ``may_skip``."""
    report = yield
    if report.skipped and os.environ.get("CI") and item.get_closest_marker("may_skip") is None:
        report.outcome = "failed"
        report.longrepr = f"skipped where CI is set: {_reason(report.longrepr)}"
    return report


def _reason(said: object) -> object:
    return said[2] if isinstance(said, tuple) else said
