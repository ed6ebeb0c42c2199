"""``compat learn``: recordings of every kind → a document that a policy folder takes."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.documents.recordings.build import SAMPLES
from webhook.cli import run
from webhook.cli.recording_files import lines
from webhook.core.names import Strength
from webhook.documents.folder import load_policies
from webhook.live.shipped import shipped

IMAGE = ("--image", "registry.example/uses")
STRACE = str(SAMPLES / "strace-f-o.txt")
PROFILE = str(SAMPLES / "seccomp.json")
_NEXT = (
    "next: try it with `runtimegate compat probe -- COMMAND`, then write required, preferred "
    "or optional in place of observed"
)
EVERY = sorted(p for p in SAMPLES.iterdir() if p.suffix in {".txt", ".log", ".json", ".yaml"})


def learn(*arguments: str) -> int:
    """Run the command on a fixed day, with a release that no newer one replaces."""
    return run(["compat", "learn", "--today", "2026-11-26", "--version", "20260817.0", *arguments])


@pytest.mark.parametrize("sample", EVERY, ids=lambda p: p.name)
def test_what_is_written_is_read_by_the_strict_reader(
    sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert learn(str(sample), "--name", "uses", *IMAGE) == 0
    loaded = load_policies([("uses.yaml", capsys.readouterr().out.encode())], shipped())
    ours = next(a for a in loaded.compat.catalogue.applications if a.name == "uses")
    assert ours.needs
    assert {need.strength for need in ours.needs} == {Strength.OBSERVED}


def learned(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The JSON of a run that ends well."""
    assert learn("-o", "json", "--name", "uses", *IMAGE, *arguments) == 0
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    return value


def entry(value: dict[str, Any], feature: str) -> dict[str, Any]:
    """What is said of one feature."""
    found: dict[str, Any] = next(e for e in value["observed"] if e["feature"] == feature)
    return found


def test_the_document_as_a_person_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert learn(STRACE, "--name", "uses", *IMAGE) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        """\
# Learned on 2026-11-26 by `runtimegate compat learn` from strace-f-o.txt (strace, 80 calls).
# observed: seen in a recording; nobody knows what happens without. Such a need makes no verdict
# worse than unknown. Test those that the runtime lacks (`runtimegate compat probe`), write
# required, preferred or optional in place of observed, delete the rest.
apiVersion: runtimegate.dev/v1
kind: ApplicationRequirements
metadata:
  name: uses
spec:
  title: uses
  recognise:
    - images: [registry.example/uses]
  evidence:
    - kind: measured
      source: '1 recording on amd64: strace (80 calls)'
      date: '2026-11-26'
  needs:
    - feature: device:/dev/kvm
      strength: observed
      note: '1 call. gVisor 20260817.0: absent, does not support KVM inside the sandbox'
"""
    )


def test_what_the_runtime_lacks_comes_first_and_is_told_to_the_person(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert learn(STRACE, "--name", "uses", *IMAGE) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"{STRACE}: strace, 80 calls"
    assert said[1] == "  1 call left out: no system call of amd64"
    assert said[2].startswith("52 features on gVisor 20260817.0: ")
    assert said[3] == "lacking or not known:"
    assert said[4:6] == [
        "  device:/dev/kvm: 1 call",
        "    gVisor 20260817.0: absent, does not support KVM inside the sandbox",
    ]
    assert said[-2:] == [
        "verdict that these needs give: unknown; observed needs make none worse than that",
        _NEXT,
    ]


def test_no_argument_of_a_call_enters_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert b"secret-of-a-customer" in Path(STRACE).read_bytes()
    for output in ("yaml", "json"):
        assert learn(STRACE, "--name", "uses", *IMAGE, "-o", output) == 0
        printed = capsys.readouterr()
        assert "secret" not in printed.out + printed.err
        assert "/srv/uses" not in printed.out + printed.err


def test_a_refusal_after_which_the_program_went_on_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = learned(capsys, str(SAMPLES / "runsc-20221219-strace.log"))
    openat2 = entry(value, "syscall:openat2")
    assert (openat2["answers"], openat2["wentOn"], openat2["unsupported"]) == (
        {"ENOSYS": 1},
        ["ENOSYS"],
        True,
    )
    need = next(n for n in value["document"]["spec"]["needs"] if n["feature"] == "syscall:openat2")
    assert need["note"] == (
        "1 call; answered ENOSYS, and the program went on; runsc's log calls it unsupported. "
        "gVisor 20260817.0: absent, answers ENOSYS. libc and most programs do without: optional, "
        "unless this one proves otherwise."
    )


def test_a_profile_says_what_is_allowed_and_not_what_is_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert learn(PROFILE, "--name", "uses", *IMAGE) == 0
    printed = capsys.readouterr()
    assert "source: seccomp profile for amd64 that allows 5 calls" in printed.out
    assert "kind: documentation" in printed.out
    assert "allowed by a seccomp profile, which does not say that it is used." in printed.out
    assert "A seccomp profile says what is allowed" in printed.out
    assert f"{PROFILE}: a seccomp profile, 5 calls" in printed.err


def test_an_argument_that_a_profile_demands_shows_the_operation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = learned(capsys, PROFILE)
    assert entry(value, "syscall:prctl/PR_SET_CHILD_SUBREAPER")["allowed"] is True


def test_a_file_that_is_given_twice_counts_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to(STRACE)
    assert learned(capsys, STRACE, STRACE, str(link))["calls"] == 79


def test_several_files_make_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    value = learned(capsys, STRACE, str(SAMPLES / "strace-c.txt"), PROFILE)
    assert value["calls"] == 79 + 77
    assert [e["kind"] for e in value["document"]["spec"]["evidence"]] == [
        "measured",
        "documentation",
    ]


@pytest.mark.parametrize("cut", [None, -20])
def test_gzip_is_unpacked_and_a_broken_one_is_an_error(
    cut: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "strace.txt.gz"
    content = Path(STRACE).read_bytes()
    packed.write_bytes((gzip.compress(content[:900]) + gzip.compress(content[900:]))[:cut])
    code = learn(str(packed), "--name", "uses", *IMAGE, "-o", "json")
    printed = capsys.readouterr()
    if cut is None:
        assert (code, json.loads(printed.out)["calls"]) == (0, 79)
    else:
        assert (code, printed.out) == (2, "")
        assert printed.err == f"{packed}: is no whole gzip file: it ends too early\n"


def test_standard_input_is_read() -> None:
    command = [sys.executable, "-m", "webhook.cli", "compat", "learn", "-", "--name", "x"]
    content = Path(STRACE).read_bytes()
    done = subprocess.run(
        [*command, "--image", "x"], input=content, capture_output=True, check=True
    )
    assert b"from STDIN (strace, 80 calls)." in done.stdout


def test_an_application_of_the_table_is_known_by_its_images_and_not_replaced(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert learn(STRACE, "--name", "postgresql", "-o", "json") == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)["document"]
    assert document["metadata"]["name"] == "postgresql-observed"
    assert "*/postgres" in document["spec"]["recognise"][0]["images"]
    assert (
        "the document is named postgresql-observed: one named postgresql would replace the rows "
        "that the table has of it" in printed.err
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([STRACE, "--name", "ourdb"], "Invalid value for --image: must be given: no application"),
        ([STRACE, "--name", "Our DB", *IMAGE], "Invalid value for --name: must be a DNS name"),
        ([STRACE, "--name", "x", "--image", "a@b"], "--image: must not hold a digest"),
        ([STRACE, "--name", "x", *IMAGE, "--title", " "], "--title: must be a text of at most"),
        ([STRACE, *IMAGE], "Missing option '--name'"),
        (["--name", "x", *IMAGE], "Missing argument 'FILE…|-'"),
        (["nowhere.txt", "--name", "x", *IMAGE], "'nowhere.txt' does not exist"),
        (
            [str(SAMPLES / "uses.c"), "--name", "x", *IMAGE],
            "uses.c: holds no system call: wanted are the output of strace (-f -o FILE, -c),",
        ),
        ([PROFILE, "--format", "strace", "--name", "x", *IMAGE], "holds no system call"),
        ([STRACE, "--format", "seccomp", "--name", "x", *IMAGE], "must be a seccomp profile, not"),
    ],
)
def test_what_cannot_be_used_is_told_and_nothing_is_written(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert learn(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err.replace("\n", " ")


def test_a_profile_that_allows_all_tells_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "open.json"
    profile.write_text('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}')
    assert learn(str(profile), "--name", "x", *IMAGE) == 2
    said = "allows no system call by name, so that it tells nothing of the program"
    assert capsys.readouterr().err == f"{profile}: {said}\n"


@given(st.binary(max_size=400), st.lists(st.integers(1, 40), max_size=20))
def test_lines_do_not_depend_on_how_a_stream_is_cut(content: bytes, cuts: list[int]) -> None:
    chunks, rest = [], content
    for size in cuts:
        chunks.append(rest[:size])
        rest = rest[size:]
    expected = content.split(b"\n")
    assert list(lines([*chunks, rest])) == (expected if expected[-1] else expected[:-1])


def test_of_a_line_without_end_the_beginning_and_the_end_are_read() -> None:
    filler = [b"x" * (1 << 20)] * 8
    (line,) = lines([b'28093 openat(AT_FDCWD, "', *filler, b'", O_RDONLY) = 3'])
    assert line.startswith(b'28093 openat(AT_FDCWD, "')
    assert line.endswith(b", O_RDONLY) = 3")
    assert len(line) < 100_000


@pytest.mark.slow
def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    content = Path(STRACE).read_bytes()
    peaks = []
    for size in (1, 400):
        big = tmp_path / f"{size}.txt"
        big.write_bytes(content * size)
        program = (
            # Not by getrusage: the peak that it tells begins with that of the process which forked.
            "import sys; from webhook.cli import run; code = run(sys.argv[1:]);"
            "status = open('/proc/self/status').read().partition('VmHWM:')[2];"
            "print(status.split()[0], file=sys.stderr)"
        )
        command = ["compat", "learn", str(big), "--name", "x", *IMAGE]
        done = subprocess.run(
            [sys.executable, "-c", program, *command], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stderr.splitlines()[-1]))
    assert peaks[1] - peaks[0] < 16 * 1024, f"KiB: {peaks}"
    assert os.path.getsize(tmp_path / "400.txt") > 1 << 20
