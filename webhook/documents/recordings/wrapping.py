"""Logs of containers and of JSON loggers: the lines that stand inside their lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_CRI = re.compile(
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d) "
    rb"(?:(?:stdout|stderr) [FP](?: |$))?"
)
"""containerd and CRI-O: ``2026-11-23T14:40:01.4Z stderr F …``; ``kubectl logs --timestamps``."""
_KEYS = ("log", "msg", "message", "MESSAGE")
"""Docker, runsc's user log and journald; runsc's ``--debug-log-format=json``."""
_MOST = 128 * 1024
_DEEPEST = 3


def inner_lines(line: bytes, depth: int = 0) -> Iterator[bytes]:
    """The lines that ``line`` wraps; itself where it wraps none."""
    line = line.rstrip(b"\r\n")
    if line[:2] == b"20" and (match := _CRI.match(line)):
        line = line[match.end() :]
    text = _text(line) if line[:1] == b"{" and depth < _DEEPEST else None
    if text is None:
        yield line
        return
    for part in text.encode("utf-8", "replace").split(b"\n"):
        if part:
            yield from inner_lines(part, depth + 1)


def _text(line: bytes) -> str | None:
    if len(line) > _MOST:
        return None
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    return next((entry[key] for key in _KEYS if isinstance(entry.get(key), str)), None)
