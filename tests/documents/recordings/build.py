"""Recordings for tests: the samples, read whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from webhook.documents.recordings.reader import Format, RecordingReader
from webhook.documents.recordings.signs import signs_of
from webhook.documents.recordings.tally import Counting, Tally
from webhook.live.shipped import shipped

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> list[bytes]:
    """The lines of a sample."""
    return SAMPLES.joinpath(name).read_bytes().splitlines()


def counted(
    lines: Iterable[bytes], *, only: Format | None = None, arch: str = "amd64"
) -> tuple[Tally, Mapping[Format, int]]:
    """What is counted in the lines of one recording, and what they were taken for."""
    counting = Counting(signs_of(shipped().compat), arch)
    reader = RecordingReader(only)
    for line in lines:
        for event in reader.read(line):
            counting.take(event)
    ended = reader.end()
    for event in ended.events:
        counting.take(event)
    counting.end()
    return counting.tally(), ended.calls


def tally(*lines: str | bytes, arch: str = "amd64") -> Tally:
    """What is counted in a few lines."""
    return counted([as_bytes(line) for line in lines], arch=arch)[0]


def as_bytes(line: str | bytes) -> bytes:
    """A line as it stands in a file."""
    return line if isinstance(line, bytes) else line.encode()


def calls(found: Tally) -> dict[str, int]:
    """How often each feature was seen."""
    return {feature: use.calls for feature, use in found.uses.items()}
