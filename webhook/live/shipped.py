"""The compatibility tables that come with the program, read once a process.

The YAML below ``data/compat`` is the source. Where the package is built, ``webhook.live.compile``
puts the compiled form beside it: the same values, read in a tenth of the time. It counts only for
the very rows and the very code that it was made of and by; without it, or after any edit of either,
the YAML is read. Nothing is written at run time, and nothing is read from outside of the package.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

from webhook.documents.version import data_version

if TYPE_CHECKING:
    from webhook.documents.tables import ShippedData, Tables

File = tuple[str, bytes]

COMPILED = "compat.compiled"
"""The name of the compiled form, in ``webhook/data``."""
_CODE = ("core", "documents")
"""The packages that turn rows into values: all that the result depends on, besides the rows."""


class BrokenTablesError(Exception):
    """The tables that come with the program cannot be read: our bug, nobody's input."""


@cache
def shipped() -> ShippedData:
    """The tables of ``webhook/data/compat``."""
    return load_tables(files("webhook"))


def load_tables(package: Traversable) -> ShippedData:
    """The tables of a ``webhook`` package, wherever it lies; raises BrokenTablesError."""
    # Here, since `version` needs none of the values: the command must not wait for them.
    from webhook.documents.tables import ShippedData  # noqa: PLC0415 - only this needs it

    rows = rows_of(package)
    tables = _compiled(package, rows)
    if tables is None:
        return _read(rows)
    return ShippedData(tables=tables, compat=tables.table(data_version(rows)))


def shipped_version() -> str:
    """The version of those tables, without reading them."""
    return data_version(shipped_files())


def shipped_files() -> list[File]:
    """Name and content of every shipped document file, by name."""
    return rows_of(files("webhook"))


def rows_of(package: Traversable) -> list[File]:
    """Name and content of a package's document files, by name."""
    return sorted(_below(package / "data" / "compat", "", ".yaml"))


def compiled_key(package: Traversable, rows: list[File]) -> str:
    """What a compiled form is made for: these rows, and the code of this package."""
    digest = hashlib.sha256(data_version(rows).encode())
    for part in _CODE:
        for name, content in sorted(_below(package / part, f"{part}/", ".py")):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _compiled(package: Traversable, rows: list[File]) -> Tables | None:
    from webhook.documents.compiled import read_compiled  # noqa: PLC0415 - as in load_tables

    file = package / "data" / COMPILED
    return read_compiled(file.read_bytes(), compiled_key(package, rows)) if file.is_file() else None


def _read(rows: list[File]) -> ShippedData:
    # The models of the documents take a fifth of a second to import.
    from webhook.documents.folder import load_shipped  # noqa: PLC0415
    from webhook.documents.source import DocumentErrors  # noqa: PLC0415

    try:
        return load_shipped(rows)
    except DocumentErrors as error:
        raise BrokenTablesError(f"in webhook/data/compat: {error}") from error


def _below(folder: Traversable, name: str, suffix: str) -> Iterator[File]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{name}{entry.name}/", suffix)
        elif entry.name.endswith(suffix):
            yield f"{name}{entry.name}", entry.read_bytes()
