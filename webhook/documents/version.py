"""Which compatibility data this is; apart from the reading of it, so that it is known at once."""

import hashlib
from collections.abc import Iterable


def data_version(files: Iterable[tuple[str, bytes]]) -> str:
    """A short hash of names and contents; the order in which they are given is irrelevant."""
    digest = hashlib.sha256()
    for name, content in sorted(files):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]
