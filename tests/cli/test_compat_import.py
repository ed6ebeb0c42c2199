"""``runtimegate compat import``: files in, documents on standard output, the rest said beside."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.documents.imports.build import SAMPLES
from webhook.cli import run
from webhook.documents.folder import load_policies
from webhook.live.shipped import shipped

SYSCALLS = str(SAMPLES / "runsc-20260905-syscalls.json")
RUNC = str(SAMPLES / "runc-1.1.5-features.json")
RUNSC = str(SAMPLES / "runsc-20260905-features.json")
LIST = str(SAMPLES / "application-compatibility.yml")
TODAY = ("--today", "2026-11-26")
SAID = """\
gVisor 20260817.0, amd64 and arm64: 2 rows imported, 694 the same as shipped, 8 left out
  syscall:copy_file_range: full, shipped: absent
  syscall:openat2: full, shipped: absent
  (--all imports the same ones too)
left out: syscall:afs_syscall (amd64): printed as partial; a test in gVisor's own builds, ENOSYS \
otherwise
left out: syscall:readahead (amd64, arm64): printed as full; the handler answers EINVAL, and so it \
was measured
left out: syscall:io_cancel (amd64, arm64): printed as partial; the handler answers ENOSYS
left out: syscall:clock_settime (amd64, arm64): printed as full; the handler answers EPERM, and so \
it was measured
left out: syscall:rseq (amd64, arm64): printed as partial; off unless --kvm-use-cpu-nums: the \
printed table knows no flags
left out: syscall:io_uring_setup (amd64, arm64), syscall:io_uring_enter (amd64, arm64): printed as \
partial; off unless --iouring: the printed table knows no flags
left out: syscall:fadvise64 (arm64): printed as partial; the shipped row is more exact: stub
"""


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """What an import prints, on both."""
    assert run(["compat", "import", *arguments, *TODAY]) == 0
    out, err = capsys.readouterr()
    return out, err


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The last line of what an import says to a mistake."""
    assert run(["compat", "import", *arguments, *TODAY]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()[-1]


def test_a_release_that_gained_calls_becomes_a_document_with_its_head(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, _ = told(capsys, SYSCALLS, "--version", "20260817.0")

    assert out == (
        "# gVisor 20260817.0, amd64 and arm64: what runsc help syscalls -format json prints.\n"
        "# Imported on 2026-11-26 by runtimegate compat import; 2 rows imported, 694 the same as "
        "shipped, 8\n"
        "# left out.\n"
        "# Source: runsc help syscalls -format json of 20260817.0\n"
        f"# Compared with the shipped table {shipped().compat.version}.\n"
        "apiVersion: runtimegate.dev/v1\n"
        "kind: RuntimeFacts\n"
        "metadata:\n"
        "  name: gvisor-syscalls-20260817.0\n"
        "  description: 'Imported: syscalls of gvisor 20260817.0.'\n"
        "spec:\n"
        "  runtime: gvisor\n"
        "  evidence:\n"
        "    - kind: measured\n"
        "      source: runsc help syscalls -format json of 20260817.0\n"
        "      date: 2026-11-26\n"
        "  facts:\n"
        "    - feature: syscall:copy_file_range\n"
        "      versions: ['>=20260817.0 <20260817.1']\n"
        "      support: full\n"
        "    - feature: syscall:openat2\n"
        "      versions: ['>=20260817.0 <20260817.1']\n"
        "      support: full\n"
    )


def test_what_is_imported_and_what_is_left_out_and_why_is_said_beside(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, err = told(capsys, SYSCALLS, "--version", "20260817.0")

    assert err == SAID


@pytest.mark.parametrize(
    "arguments",
    [
        (SYSCALLS, "--version", "20261101.0", "--all"),
        (SYSCALLS, "--version", "20261101.0"),
        (LIST, "--version", "20261101.0"),
        (LIST, "--version", "20260817.0", "--all"),
        (RUNC, "--all"),
        (RUNSC, "--version", "20260905", "--all"),
    ],
)
def test_every_real_input_becomes_a_folder_that_loads(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = told(capsys, *arguments)

    loaded = load_policies([("imported.yaml", out.encode())], shipped())

    names = {application.name for application in loaded.compat.catalogue.applications}
    assert names == {a.name for a in shipped().compat.catalogue.applications}


def test_an_input_that_brings_nothing_is_comments_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, err = told(capsys, RUNC)

    assert all(line.startswith("#") for line in out.splitlines())
    assert err.splitlines()[0] == "runc 1.1.5: 0 rows imported, 4 the same as shipped"


def test_standard_input_is_an_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(RUNC).read_bytes())))

    out, _ = told(capsys, "-")

    assert out.startswith("# runc 1.1.5: what runc, crun, youki or runsc prints for features.\n")


def test_json_says_all_of_it_and_nothing_beside(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = told(capsys, SYSCALLS, "--version", "20260817.0", "-o", "json")

    value: dict[str, Any] = json.loads(out)
    assert err == ""
    assert list(value) == [
        "subject", "documents", "imported", "same", "leftOut", "unknown", "notes",
    ]  # fmt: skip
    assert value["documents"][0]["spec"]["evidence"][0]["date"] == "2026-11-26"
    assert (len(value["imported"]), value["same"], len(value["leftOut"])) == (2, 694, 8)


def test_the_source_is_what_the_person_gives(capsys: pytest.CaptureFixture[str]) -> None:
    url = "https://example.com/runsc.json"

    out, _ = told(capsys, SYSCALLS, "--version", "20260817.0", "--source", url)

    assert f"      source: {url}\n" in out


def test_the_list_is_documentation_at_its_tag(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = told(capsys, LIST, "--version", "20261101.0")

    source = "google/gvisor@release-20261101.0:website/_data/application-compatibility.yml"
    assert f"        - kind: documentation\n          source: {source}\n" in out


def test_names_that_nobody_knows_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "list.yml"
    path.write_text('apps: [{name: "Quux\\e[2J", verdict: "no"}]')

    _, err = told(capsys, str(path), "--version", "20261101.0")

    assert err.splitlines() == [
        "applications under gVisor 20261101.0: 0 runs imported, 1 unknown",
        "unknown: Quux\\x1b[2J: no row recognises it",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            (SYSCALLS,),
            (
                "Error: what runsc help syscalls -format json prints names no release of gVisor: "
                "give --version"
            ),
        ),
        (
            (RUNSC,),
            (
                "Error: what runc, crun, youki or runsc prints for features names no release of "
                "gVisor: give --version"
            ),
        ),
        (
            (SYSCALLS, "--version", "1.2"),
            (
                "Error: Invalid value for --version: must be a date such as 20260817.0 for gvisor, "
                "not '1.2'"
            ),
        ),
        (
            (SYSCALLS, "--version", "new"),
            (
                "Error: Invalid value for --version: must be a version such as 20260817.0, 4.1.0 "
                "or 2.4.0-beta.0, not 'new'"
            ),
        ),
        (
            (SYSCALLS, "--version", "20260817.0", "--runtime", "runc"),
            "Error: Invalid value for --runtime: must be gvisor, as the file says, not 'runc'",
        ),
        (
            (RUNC, "--version", "1.2"),
            "Error: Invalid value for --version: must be 1.1.5+ds1, as the file says, not '1.2'",
        ),
        (
            (SYSCALLS, "--version", "20260817.0", "--source", "/root/x"),
            (
                "Error: Invalid value for --source: must be a public reference (a URL, "
                "owner/repo#123, or what was run), no path of a machine, not '/root/x'"
            ),
        ),
        (
            (LIST, "--version", "20260817.0", "--format", "oci-features"),
            f"{LIST}:1: ociVersionMin: must be given",
        ),
    ],
)
def test_a_mistake_is_said_with_what_is_allowed(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, *arguments)

    assert line.replace("ociVersionMax", "ociVersionMin") == said


def test_who_printed_a_structure_must_be_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "features.json"
    path.write_text('{"ociVersionMin": "1.0.0", "ociVersionMax": "1.1.0"}')

    assert refused(capsys, str(path)) == (
        "Error: what runc, crun, youki or runsc prints for features does not say here who printed "
        "it: give --runtime"
    )


def test_a_file_that_is_too_large_is_read_no_further(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "/dev/zero", "--version", "20260817.0") == (
        "/dev/zero: is 4194305 bytes; a file may have at most 4194304"
    )


def test_a_file_that_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.json"
    assert refused(capsys, str(path)) == f"{path}: No such file or directory"
