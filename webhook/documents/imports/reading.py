"""The one document of an input, its kind by its content, and its errors with file and line.

JSON is read as the YAML that it is, by the same strict reader as policies: bounded, no duplicate
keys, every error with its line. What the tools may add some day is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ConfigDict, ValidationError

from webhook.documents.models import Model, described
from webhook.documents.sentences import problems
from webhook.documents.source import (
    DocumentError,
    DocumentErrors,
    SourceDocument,
    parse_documents,
)


class Printed(Model):
    """A mapping that a tool prints: its names as they are, keys that we do not know passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=None)


PrintedT = TypeVar("PrintedT", bound=Printed)

FORMATS: Mapping[str, str] = {
    "gvisor-syscalls": "what runsc help syscalls -format json prints",
    "gvisor-applications": "gVisor's website/_data/application-compatibility.yml",
    "oci-features": "what runc, crun, youki or runsc prints for features",
}
"""Every format, in the order in which people meet them, and what it is."""

# The OCI structure has a key `linux` too, so it is asked first.
_MARKS: tuple[tuple[str, Callable[[Mapping[str, Any]], bool]], ...] = (
    ("oci-features", lambda data: "ociVersionMin" in data or "ociVersionMax" in data),
    ("gvisor-applications", lambda data: "apps" in data),
    ("gvisor-syscalls", lambda data: _holds_tables(data.get("linux"))),
)


def _holds_tables(value: object) -> bool:
    return isinstance(value, Mapping) and any(
        isinstance(table, Mapping) and "syscalls" in table for table in value.values()
    )


def read_input(content: bytes, file: str) -> SourceDocument:
    """The document of an input, a mapping; raises DocumentErrors."""
    parsed = parse_documents(_as_yaml(content), file=file)
    if parsed.errors:
        raise DocumentErrors([_of_json(error, content) for error in parsed.errors])
    if not parsed.documents:
        raise _whole(file, f"is empty; must be {_any_format()}")
    if len(parsed.documents) > 1:
        raise DocumentErrors([parsed.documents[1].error((), "is a second document; give one")])
    [source] = parsed.documents
    if not isinstance(source.data, Mapping):
        raise DocumentErrors(
            [source.error((), f"must be {_any_format()}, not {described(source.data)}")]
        )
    return source


def _of_json(error: DocumentError, content: bytes) -> DocumentError:
    """Of what begins as JSON the person is not told that it is no YAML."""
    if not _is_json(content):
        return error
    return replace(error, message=error.message.replace("is not YAML", "is not JSON", 1))


def _is_json(content: bytes) -> bool:
    return content.lstrip()[:1] in {b"{", b"["}


# JSON writes what is beyond U+FFFF as two escapes, YAML as one.
_PAIR = re.compile(
    rb"(?<!\\)(?P<before>(?:\\\\)*)\\u(?P<high>[dD][89abAB][0-9a-fA-F]{2})"
    rb"\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
)


def _as_yaml(content: bytes) -> bytes:
    if not _is_json(content):
        return content
    return _PAIR.sub(_one_escape, content)


def _one_escape(match: re.Match[bytes]) -> bytes:
    high, low = int(match["high"], 16), int(match["low"], 16)
    point = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
    return match["before"] + b"\\U%08x" % point


def format_of(source: SourceDocument) -> str:
    """A key of FORMATS, by what the document holds; raises DocumentErrors where it is none."""
    found = next((name for name, holds in _MARKS if holds(source.data)), None)
    if found is None:
        raise DocumentErrors([source.error((), f"must be {_any_format()}")])
    return found


def _any_format() -> str:
    return "; or ".join(FORMATS.values())


def _whole(file: str, message: str) -> DocumentErrors:
    error = DocumentError(file=file, line=0, column=0, field_path="", message=message)
    return DocumentErrors([error])


def validated(source: SourceDocument, model: type[PrintedT]) -> PrintedT:
    """The document as ``model``; raises DocumentErrors with every field that is wrong."""
    try:
        return model.model_validate(source.data)
    except ValidationError as error:
        raise DocumentErrors(
            [source.error(path, message) for path, message in problems(error, model)]
        ) from None
