"""Inputs of imports: the real ones beside, and the smallest of each kind with one tweak."""

import json
from pathlib import Path
from typing import Any

from webhook.core.applications import Evidence
from webhook.core.compat import CompatTable
from webhook.documents.folder import load_policies
from webhook.documents.imports.reading import read_input
from webhook.documents.imports.result import Imported, Wish
from webhook.documents.source import DocumentErrors, SourceDocument
from webhook.documents.writing import documents_text
from webhook.live.shipped import shipped

SAMPLES = Path(__file__).parent / "samples"
DATE = "2026-11-26"
WISH = Wish(evidence=Evidence(kind="measured", source="what was run", date=DATE))
EVERYTHING = Wish(evidence=WISH.evidence, everything=True)


def sample(name: str) -> SourceDocument:
    """One of the real inputs."""
    return read_input((SAMPLES / name).read_bytes(), name)


def given(value: Any) -> SourceDocument:
    """An input of ours, a line a value."""
    return read_input(json.dumps(value, indent=1).encode(), "in.json")


def overlaid(imported: Imported) -> CompatTable:
    """The shipped table with the documents of an import over it, written and read again."""
    text = documents_text(imported.documents, head=[imported.subject])
    return load_policies([("imported.yaml", text.encode())], shipped()).compat


def facts_of(imported: Imported) -> dict[str, str]:
    """Support by feature of the one document."""
    [document] = imported.documents
    return {row["feature"]: str(row["support"]) for row in document["spec"]["facts"]}


def messages(error: DocumentErrors) -> list[str]:
    """What the person reads."""
    return [str(entry) for entry in error.errors]
