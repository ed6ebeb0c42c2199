"""Where in its file a field stands that a decision names by its field path."""

from __future__ import annotations

import re
from typing import Any

from webhook.cli.manifests import Manifest
from webhook.documents.yaml_faults import Mark, Path

_FIELD = re.compile(r"\.?([^.\[]+)")


def position(manifest: Manifest, field_path: str) -> Mark:
    """Line and column of the field, or of the nearest above it that is written."""
    return manifest.mark_of(keys_of(field_path, manifest.obj))


def keys_of(field_path: str, value: Any) -> Path:
    """The keys and indexes that a field path names in ``value``, as far as they are there."""
    return found_keys(field_path, value)[0]


def found_keys(field_path: str, value: Any) -> tuple[Path, str]:
    """The keys and indexes that are there, and the rest of the path.

    Keys in brackets are a tenant's own, such as an annotation's, and may hold brackets and dots.
    """
    keys: list[str | int] = []
    rest = field_path
    while rest:
        part, after = _split(rest, value)
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break
        keys.append(part)
        rest = after
    return keys, rest


def _split(rest: str, value: Any) -> tuple[str | int, str]:
    """The first key or index of a path, and what follows it."""
    if not rest.startswith("["):
        found = _FIELD.match(rest)
        return (found[1], rest[found.end() :]) if found else (rest, "")
    inside, _, after = rest[1:].partition("]")
    if isinstance(value, list):
        return (int(inside) if inside.isdecimal() else inside), after
    if inside not in value:
        # The last bracket is the other end that there may be: no key is looked for at every one.
        longest, _, end = rest[1:].rpartition("]")
        inside, after = (longest, end) if longest in value else (inside, after)
    return inside, after
