"""Whatever bytes a recording holds: it is read without a fault, and nothing of it comes out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.documents.recordings.build import SAMPLES, counted
from webhook.core.features import parse_feature
from webhook.documents.recordings.profile import looks_like_profile, parse_profile
from webhook.documents.recordings.reader import Format
from webhook.documents.recordings.signs import signs_of
from webhook.documents.source import DocumentErrors
from webhook.live.shipped import shipped

LINES = sorted(
    {
        line
        for path in SAMPLES.glob("*.*")
        if path.suffix in {".txt", ".log"}
        for line in path.read_bytes().splitlines()
    }
)
PIECES = (
    b'"', b"'", b"\\", b"(", b")", b") = ", b"= -1 ENOSYS (x)", b"<", b">", b"{", b"}", b", ",
    b"/dev/", b"0x", b"\xff\xfe", b"\0", b" <unfinished ...>", b"<... read resumed>", b"[pid ",
    b"strace.go:1] [ 1: 1] a X ", b"Unsupported syscall ", b"% time syscall calls", b"------ ----",
    b'{"log": "', b"9" * 30, b" attached", b"[ Process PID=1 runs in 32 bit mode. ]",
    b"+++ exited with ", b"2026-01-01T00:00:00Z ",
)  # fmt: skip
pieces = st.sampled_from(PIECES) | st.binary(max_size=12)
edits = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 30), pieces), max_size=4)
damaged = st.lists(st.tuples(st.sampled_from(LINES) | st.binary(max_size=80), edits), max_size=12)
KNOWN = signs_of(shipped().compat).features
FORMATS = st.none() | st.sampled_from([f for f in Format if f is not Format.SECCOMP])


def _edited(line: bytes, edited: list[tuple[int, int, bytes]]) -> bytes:
    for at, dropped, piece in edited:
        line = line[:at] + piece + line[at + dropped :]
    return line


@given(damaged, FORMATS)
def test_any_lines_are_counted_and_only_features_come_out(
    lines: list[tuple[bytes, list[tuple[int, int, bytes]]]], only: Format | None
) -> None:
    found, forms = counted([_edited(*line) for line in lines], only=only)
    assert all(number > 0 for number in forms.values())
    for feature, use in found.uses.items():
        assert parse_feature(feature) == feature
        assert feature in KNOWN or feature.startswith("syscall:") or f"{feature}*" in KNOWN
        assert use.calls >= 0


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.integers(0, 300))
def test_any_bytes_are_a_profile_or_an_error_with_a_place(noise: bytes, at: int) -> None:
    profile = SAMPLES.joinpath("seccomp.json").read_bytes()
    for content in (noise, profile[:at] + noise + profile[at:]):
        looks_like_profile(content)
        try:
            calls = parse_profile(content, file="p.json", arch="amd64")
        except DocumentErrors as wrong:
            said = [str(error) for error in wrong.errors]
        else:
            said = [f"p.json:{call.name}" for call in calls]
        assert all(line.startswith("p.json") and line.isprintable() for line in said)
