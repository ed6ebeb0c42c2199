"""``check --patched``: the manifests with what the gate would assign written into them.

A Pod is printed as the cluster would store it: with the class, and the annotation that says which
policy assigned it. Of a workload the cluster stores what it is given and the gate assigns the class
to each pod that is stamped from it. There the class is written into the template, so that it can be
committed and reviewed: the pods run on what they would run on anyway, and ask for it themselves.
The annotation is not, for then no policy assigned anything. Pure.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from webhook.cli.insertion import InsertionError, Setting, written_into
from webhook.cli.manifests import InputError
from webhook.cli.positions import found_keys
from webhook.cli.report import Checked
from webhook.cli.yaml_stream import Document
from webhook.core.decision import Assign
from webhook.core.names import ASSIGNED_BY
from webhook.documents.yaml_faults import Path

_CLASS = "runtimeClassName"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patched:
    """The whole of what is to be printed, and what could not be written into it.

    ``left`` counts pods that an operator makes of objects which have no field for the class.
    """

    content: bytes
    errors: tuple[InputError, ...]
    left: int


def patched(contents: Mapping[str, bytes], results: Sequence[Checked]) -> Patched:
    """All of ``contents``, one stream, with what ``results`` assign."""
    errors: list[InputError] = []
    settings: dict[int, list[tuple[Checked, Setting]]] = {}
    documents: dict[str, dict[int, Document]] = {source: {} for source in contents}
    left = 0
    for checked in results:
        document = checked.manifest.written
        if not isinstance(checked.decision, Assign) or document is None:
            continue
        if checked.manifest.review is not None:
            errors.append(_error(checked, "an AdmissionReview is no manifest to be written into"))
            continue
        found = list(_settings(checked, checked.decision))
        left += not found
        settings.setdefault(id(document), []).extend((checked, setting) for setting in found)
        documents[checked.manifest.source][id(document)] = document
    pieces = []
    for source, content in contents.items():
        replaced: list[tuple[Document, bytes]] = []
        for key, document in documents[source].items():
            try:
                new = written_into(document, [setting for _, setting in settings[key]])
                replaced.append((document, new))
            except InsertionError as error:
                errors.append(_error(settings[key][0][0], f"spec.{_CLASS} {error}"))
        pieces.append(_spliced(content, replaced))
    return Patched(content=_joined(pieces), errors=tuple(errors), left=left)


def _error(checked: Checked, problem: str) -> InputError:
    return InputError(source=checked.manifest.source, line=checked.manifest.line, problem=problem)


def _settings(checked: Checked, decision: Assign) -> Iterator[Setting]:
    """What is written for one pod; nothing where an operator alone sets the class."""
    within = checked.manifest.path
    if not checked.class_at.endswith(_CLASS):
        return
    yield Setting(path=(*within, *_keys(checked)), value=decision.runtime_class)
    if not checked.pod.at and not checked.pod.placed:
        at = (*within, "metadata", "annotations", ASSIGNED_BY)
        yield Setting(path=at, value=decision.assigned_by)


def _keys(checked: Checked) -> Path:
    """Where the class is written: what is there of its path, then the fields that are not."""
    there, rest = found_keys(checked.class_at, checked.manifest.obj)
    return (*there, *filter(None, rest.split(".")))


def _spliced(content: bytes, replaced: Sequence[tuple[Document, bytes]]) -> bytes:
    pieces, at = [], 0
    for document, new in sorted(replaced, key=lambda entry: entry[0].begin):
        pieces += [content[at : document.begin], new]
        at = document.end
    return b"".join((*pieces, content[at:]))


def _joined(contents: Sequence[bytes]) -> bytes:
    """Several files as one stream; a single one as it is."""
    if len(contents) == 1:
        return contents[0]
    pieces = []
    for content in contents:
        text = content.removeprefix(BOM_UTF8)
        mark = b"" if text.startswith(b"---") else b"...\n" if text.startswith(b"%") else b"---\n"
        pieces.append(mark + text + (b"" if text.endswith(b"\n") or not text else b"\n"))
    return b"".join(pieces)
