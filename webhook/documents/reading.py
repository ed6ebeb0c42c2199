"""One document: its kind, its model, and its errors with file, line and field path."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import ValidationError

from webhook.core.names import API_VERSION
from webhook.documents.applications import ApplicationExtension, ApplicationRequirements
from webhook.documents.compat import RuntimeFacts
from webhook.documents.inventory import RuntimeInventory
from webhook.documents.models import described
from webhook.documents.policy import RuntimePolicy
from webhook.documents.policy_test import PolicyTest
from webhook.documents.sentences import NEWER, Path, problems
from webhook.documents.source import DocumentError, SourceDocument, parse_documents

Document = (
    RuntimePolicy
    | RuntimeInventory
    | RuntimeFacts
    | ApplicationRequirements
    | ApplicationExtension
    | PolicyTest
)
DocumentT = TypeVar("DocumentT", bound=Document)

KINDS: Mapping[str, type[Document]] = {
    "RuntimePolicy": RuntimePolicy,
    "RuntimeInventory": RuntimeInventory,
    "RuntimeFacts": RuntimeFacts,
    "ApplicationRequirements": ApplicationRequirements,
    "PolicyTest": PolicyTest,
}
"""Every kind of document, in the order in which people meet them."""
IN_FORCE = frozenset(KINDS) - {"PolicyTest"}
"""The kinds that say what holds: a decision depends on them and on nothing else in a folder."""
_GROUP = API_VERSION.partition("/")[0] + "/"
_NULLABLE = frozenset({"workaround", "probe"})
_OF_KUBERNETES = frozenset({"objects"})
"""Keys of whole Kubernetes objects, in which kubectl prints ``creationTimestamp: null``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A document that has been read, and where it is."""

    model: Document
    source: SourceDocument

    @property
    def kind(self) -> str:
        """The document's kind."""
        return self.model.kind

    @property
    def name(self) -> str:
        """Its name, unique among the documents of its kind in a folder."""
        return self.model.metadata.name

    def line(self, *path: str | int) -> int:
        """The line of a field; of what would hold it where it is not written."""
        return self.source.line_of(path)

    def place(self, *path: str | int) -> str:
        """``tenants.yaml:12``."""
        return f"{self.source.file}:{self.line(*path)}"

    def error(self, *path: str | int, message: str) -> DocumentError:
        """An error of one of its fields."""
        return self.source.error(path, message)


def read_documents(
    files: Sequence[tuple[str, bytes]], kinds: Collection[str] = KINDS
) -> tuple[list[Placed], list[DocumentError]]:
    """Every document that is whole, and the errors of the others.

    A document of a kind that is none of ``kinds`` is passed over, whatever it says. What cannot be
    read as YAML is an error all the same: it may have been anything.
    """
    others = frozenset(KINDS).difference(kinds)
    placed: list[Placed] = []
    errors: list[DocumentError] = []
    for name, content in files:
        parsed = parse_documents(content, file=name)
        errors.extend(parsed.errors)
        for source in parsed.documents:
            model = None if _says_kind(source) in others else _kind_of(source, errors)
            if model is not None:
                placed.extend(_read(source, model, errors))
    return placed, errors


def not_in_force(name: str, content: bytes) -> bool:
    """Whether a file holds tests and nothing else: what it says changes no decision."""
    if b"PolicyTest" not in content:
        return False
    parsed = parse_documents(content, file=name)
    kinds = {_says_kind(source) for source in parsed.documents}
    return not parsed.errors and kinds == {"PolicyTest"}


def _says_kind(source: SourceDocument) -> str | None:
    kind = _mapping(source.data).get("kind")
    return kind if isinstance(kind, str) else None


def of_kind(kind: type[DocumentT], documents: Sequence[Placed]) -> list[tuple[Placed, DocumentT]]:
    """The documents of one kind, with their models as such."""
    return [(placed, placed.model) for placed in documents if isinstance(placed.model, kind)]


def _kind_of(source: SourceDocument, errors: list[DocumentError]) -> type[Document] | None:
    """The model of the document's kind; None, and an error, where it has none."""
    data: Any = source.data
    if not isinstance(data, Mapping):
        wanted = "must be a mapping with apiVersion, kind, metadata and spec"
        errors.append(source.error((), f"{wanted}, not {described(data)}"))
        return None
    kind = data.get("kind")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if data.get("apiVersion", API_VERSION) != API_VERSION:
        given = data["apiVersion"]
        message = f"must be {API_VERSION}, not {described(given)}"
        if isinstance(given, str) and given.startswith(_GROUP):
            message += NEWER
        errors.append(source.error(("apiVersion",), message))
        return None
    if model is None:
        errors.append(source.error(("kind",), _no_such_kind(kind, "kind" in data)))
    if model is ApplicationRequirements and "extends" in _mapping(data.get("spec")):
        return ApplicationExtension
    return model


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _no_such_kind(kind: object, given: bool) -> str:
    allowed = f"must be one of {', '.join(KINDS)}"
    if not given:
        return f"must be given; {allowed}"
    meant = get_close_matches(kind, KINDS, n=1) if isinstance(kind, str) else []
    hint = f"; did you mean {meant[0]}?" if meant else ""
    newer = NEWER if isinstance(kind, str) else ""
    return f"{allowed}, not {described(kind)}{hint}{newer}"


def _read(
    source: SourceDocument, model: type[Document], errors: list[DocumentError]
) -> Iterator[Placed]:
    faults = dict.fromkeys(_empty(source.data, ()), _MUST_NOT_BE_EMPTY)
    try:
        read = model.model_validate(source.data)
    except ValidationError as error:
        for path, message in problems(error, model):
            faults.setdefault(path, message)
    else:
        if not faults:
            yield Placed(model=read, source=source)
    errors.extend(source.error(path, message) for path, message in faults.items())


_MUST_NOT_BE_EMPTY = "must not be empty: give a value or leave the key out"


def _empty(value: Any, path: Path) -> Iterator[Path]:
    """Where nothing was written after a key: an intention that got lost, never a default."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            if below is not None:
                yield from () if key in _OF_KUBERNETES else _empty(below, (*path, key))
            elif key not in _NULLABLE:
                yield (*path, key)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _empty(below, (*path, index))
