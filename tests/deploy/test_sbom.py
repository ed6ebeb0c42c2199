"""`make sbom` as it is typed: a valid CycloneDX document that lists what the image installs."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.helm.programs import ROOT

pytestmark = pytest.mark.slow

PYTHON = ROOT / ".build" / "sbom" / "bin" / "python"
_UNREACHED = re.compile("NewConnectionError|Could not find a version|Temporary failure|timed out")
_VALIDATE = """\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
version = SchemaVersion.from_version(sys.argv[1])
error = JsonStrictValidator(version).validate_str(sys.stdin.read())
sys.exit(str(error) if error else 0)
"""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What it writes."""
    folder = tmp_path_factory.mktemp("sbom")
    command = ["make", "-C", str(ROOT), "sbom", f"DIST={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and _UNREACHED.search(done.stderr) and not os.environ.get("CI"):
        pytest.skip(f"no package registry is reached: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads((folder / "runtimegate.cdx.json").read_text())
    return made


def locked() -> set[tuple[str, str]]:
    """Name and version of everything that requirements.lock pins."""
    lines = Path(ROOT / "requirements.lock").read_text().replace("\\\n", " ").splitlines()
    pinned = [Requirement(line.partition(" --hash")[0]) for line in lines if line[:1].isalnum()]
    return {(canonicalize_name(each.name), str(each.specifier).strip("=")) for each in pinned}


def test_it_is_valid_by_its_schema(document: dict[str, Any]) -> None:
    assert document["bomFormat"] == "CycloneDX"
    done = subprocess.run(
        [str(PYTHON), "-c", _VALIDATE, document["specVersion"]],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_schema_would_find_a_fault(document: dict[str, Any]) -> None:
    done = subprocess.run(
        [str(PYTHON), "-c", _VALIDATE, document["specVersion"]],
        input=json.dumps({**document, "components": [{"name": "without a type"}]}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "'type' is a required property" in done.stderr


def test_it_lists_every_package_that_is_locked_and_no_other(document: dict[str, Any]) -> None:
    listed = {(canonicalize_name(c["name"]), c["version"]) for c in document["components"]}
    assert listed == locked()
    assert len(listed) > 10


def test_every_package_can_be_looked_up_and_has_the_hashes_of_the_lock(
    document: dict[str, Any],
) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert document["components"]
    for component in document["components"]:
        assert component["purl"].startswith("pkg:pypi/")
        hashes = [h["content"] for r in component["externalReferences"] for h in r["hashes"]]
        assert hashes
        assert all(f"sha256:{each}" in lock for each in hashes)


def test_it_is_of_this_release(document: dict[str, Any]) -> None:
    about = document["metadata"]["component"]
    project = (ROOT / "pyproject.toml").read_text()
    assert about["name"] == "runtimegate"
    assert f'\nversion = "{about["version"]}"\n' in project


def test_it_is_made_the_same_each_time(document: dict[str, Any]) -> None:
    assert "serialNumber" not in document
    assert "timestamp" not in document["metadata"]
