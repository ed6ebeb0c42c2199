"""That CI skips no test unseen: tests/conftest.py in a folder of its own, with tests that skip."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TESTS = """
import pytest


@pytest.fixture
def lacking():
    pytest.skip("no such part")


def test_by_itself():
    pytest.skip("not today")


@pytest.mark.skipif(True, reason="never")
def test_by_a_mark():
    pass


def test_by_a_fixture(lacking):
    pass


@pytest.mark.may_skip(reason="a machine may have none")
def test_that_may(lacking):
    pass


def test_that_runs():
    pass
"""


def ran(folder: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """These tests under that conftest."""
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    folder.joinpath("test_these.py").write_text(TESTS)
    folder.joinpath("pytest.ini").write_text("[pytest]\nmarkers =\n  may_skip(reason): it may\n")
    command = (sys.executable, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider")
    rest = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        command, cwd=folder, env=rest | environ, capture_output=True, text=True, check=False
    )


def test_a_skip_where_ci_is_set_is_a_failure_that_says_why(tmp_path: Path) -> None:
    done = ran(tmp_path, {"CI": "true"})
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("1 failed, 1 passed, 1 skipped, 2 errors in ")
    for why in ("Skipped: not today", "Skipped: never", "Skipped: no such part"):
        assert f"skipped where CI is set: {why}" in done.stdout


def test_a_skip_elsewhere_is_one(tmp_path: Path) -> None:
    done = ran(tmp_path, {})
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("1 passed, 4 skipped in ")
