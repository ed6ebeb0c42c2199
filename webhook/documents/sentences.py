"""What pydantic finds wrong, said to the author of a document: where, and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from webhook.core.names import VERSION
from webhook.documents.models import described

Path = tuple[str | int, ...]
"""Keys and list indexes from the root of a document to a field."""

NEWER = f" (this is runtimegate {VERSION}; a newer one may know it)"
"""What follows a word that is not known: a folder may have been written for a later release."""

Renamed = Mapping[tuple[str, ...], str]
RENAMED: Renamed = {}
"""The kind and the keys down to one that an earlier release read, and the key that took its place,
such as ``("RuntimePolicy", "spec", "runtimeClass"): "spec.runtimeClasses"``. None has gone yet."""


def problems(
    error: ValidationError, model: type[BaseModel], renamed: Renamed = RENAMED
) -> Iterator[tuple[Path, str]]:
    """Every error as the path of the field and a clause that follows it."""
    for entry in error.errors(include_url=False):
        if entry["type"] == "too_short" and entry["input"]:
            continue  # its entries are there, and wrong: each has an error of its own
        context = entry.get("ctx", {})
        path: Path = tuple(part for part in entry["loc"] if part != "[key]")
        path = (*path, *context.get("at", ()))
        fault = _Fault(model=model, path=path, value=entry["input"], context=context)
        unknown = entry["type"] == "extra_forbidden"
        if unknown and (successor := renamed.get((model.__name__, *_keys(path)))):
            yield path, f"was renamed: write {successor}"
            continue
        say = _SENTENCES.get(entry["type"], _anything_else)
        yield path, say(fault)


def _keys(path: Path) -> Iterator[str]:
    return (part for part in path if isinstance(part, str))


class _Fault:
    """One error: the field's path, the value there, and what pydantic adds."""

    def __init__(
        self, *, model: type[BaseModel], path: Path, value: Any, context: Mapping[str, Any]
    ) -> None:
        self.model = model
        self.path = path
        self.value = value
        self.context = context

    @property
    def instead(self) -> str:
        """The end of most sentences."""
        return f", not {described(self.value)}"


def _missing(fault: _Fault) -> str:
    field = _fields(_model_at(fault.model, fault.path[:-1]))[fault.path[-1]]
    examples = [str(example) for example in field.examples or ()]
    return "must be given" + (f", such as {' or '.join(examples)}" if examples else "")


def _unknown_key(fault: _Fault) -> str:
    allowed = sorted(map(str, _fields(_model_at(fault.model, fault.path[:-1]))))
    meant = get_close_matches(str(fault.path[-1]), allowed, n=1)
    hint = f"; did you mean {meant[0]}?" if meant else ""
    return f"unknown key; must be one of {', '.join(allowed)}{hint}{NEWER}"


def _one_of(fault: _Fault) -> str:
    allowed = re.findall(r"'([^']*)'", str(fault.context["expected"]))
    return f"must be one of {', '.join(allowed)}{fault.instead}"


def _own_words(fault: _Fault) -> str:
    return str(fault.context["error"])


def _own_message(fault: _Fault) -> str:
    return str(fault.context["message"])


def _says(text: str) -> Callable[[_Fault], str]:
    return lambda fault: text + fault.instead


def _anything_else(fault: _Fault) -> str:
    return f"must not be {described(fault.value)}"


_A_STRING = _says("must be a string (in quotes where it looks like something else)")
_A_LIST = _says("must be a list")
_A_MAPPING = _says("must be a mapping")
_SENTENCES: Mapping[str, Callable[[_Fault], str]] = {
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "enum": _one_of,
    "literal_error": _one_of,
    "value_error": _own_words,
    "misplaced": _own_message,
    "string_type": _A_STRING,
    "string_too_short": lambda _: "must not be empty",
    "string_too_long": lambda f: f"must have at most {f.context['max_length']} characters",
    "too_short": lambda _: "must not be empty",
    "bool_type": _says("must be true or false"),
    "int_type": _says("must be a whole number"),
    "greater_than_equal": lambda f: f"must be at least {f.context['ge']}{f.instead}",
    "less_than_equal": lambda f: f"must be at most {f.context['le']}{f.instead}",
    "tuple_type": _A_LIST,
    "dict_type": _A_MAPPING,
    "model_type": _A_MAPPING,
    "model_attributes_type": _A_MAPPING,
}


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel]:
    """The model that holds the keys at ``path``; an index, or a key of no field, leads nowhere."""
    for part in path:
        field = _fields(model).get(part)
        below = _model_in(field.annotation) if field else None
        model = below or model
    return model


def _fields(model: type[BaseModel]) -> dict[str | int, FieldInfo]:
    """The fields by the keys that they have in a document."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation such as ``tuple[Override, ...]`` or ``X | None`` speaks of."""
    if get_origin(annotation) is None:
        is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
        return annotation if is_model else None
    return next(filter(None, map(_model_in, get_args(annotation))), None)
