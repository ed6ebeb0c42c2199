"""What the real runsc prints of itself says nothing that the shipped table does not know."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.facts.test_facts import without
from tests.runsc.releases import DEBIAN_RELEASES, Runsc, RunscMissing, find_release
from webhook.cli import run

pytestmark = [
    pytest.mark.runsc,
    pytest.mark.may_skip(reason="a mirror may have Debian's releases no more"),
]


def release(name: str) -> Runsc:
    try:
        return find_release(name)
    except RunscMissing as missing:
        without(str(missing), needed=name == "current")


def printed(runsc: Runsc, *arguments: str) -> str:
    command = [str(runsc.path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
@pytest.mark.parametrize("name", ["current", *DEBIAN_RELEASES])
def test_the_printed_table_of_a_release_brings_nothing_new(
    name: str, arch: str, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    runsc = release(name)
    path = f"{tmp_path}/printed.json"
    text = printed(runsc, "help", "syscalls", "-format", "json", "-os", "linux", "-arch", arch)
    with open(path, "w") as file:
        file.write(text)

    assert run(["compat", "import", path, "--version", runsc.version, "-o", "json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["imported"], value["unknown"], value["notes"]) == ([], [], [])


def test_the_features_of_the_current_release_bring_nothing_new(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    runsc = release("current")
    path = f"{tmp_path}/features.json"
    with open(path, "w") as file:
        file.write(printed(runsc, "features"))

    assert run(["compat", "import", path, "--version", runsc.version, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["imported"] == []
