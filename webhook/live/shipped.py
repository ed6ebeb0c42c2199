"""The compatibility tables that come with the program, read once a process."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

from webhook.documents.version import data_version

if TYPE_CHECKING:
    from webhook.documents.folder import ShippedData


@cache
def shipped() -> ShippedData:
    """The tables of ``webhook/data/compat``; what is wrong with them is our bug."""
    # The models of the documents take a quarter of a second to import.
    from webhook.documents.folder import load_shipped  # noqa: PLC0415

    return load_shipped(shipped_files())


def shipped_version() -> str:
    """The version of those tables, without reading them."""
    return data_version(shipped_files())


def shipped_files() -> list[tuple[str, bytes]]:
    """Name and content of every shipped document file, by name."""
    return sorted(_below(files("webhook") / "data" / "compat", ""))


def _below(folder: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{name}{entry.name}/")
        elif entry.name.endswith(".yaml"):
            yield f"{name}{entry.name}", entry.read_bytes()
