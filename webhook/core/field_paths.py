"""Field paths as documents write them: ``spec.tasks[*].template``, and what is found there."""

from collections.abc import Iterator
from typing import Any

FieldPath = tuple[str, ...]
"""Field names from an object downwards; ``*`` is every element of a list or value of a mapping."""


def field_path(written: str) -> FieldPath:
    """``spec.tasks[*].template`` as a FieldPath; an empty text is the object itself."""
    return tuple(written.replace("[*]", ".*").split(".")) if written else ()


def found_at(value: object, path: FieldPath, at: str = "") -> Iterator[tuple[str, Any]]:
    """Everything at ``path`` of ``value``, each with its own field path below ``at``.

    The values of a mapping are named by their keys: ``spec.tfReplicaSpecs[Worker].template``.
    """
    if not path:
        yield at, value
        return
    key, rest = path[0], path[1:]
    if key == "*":
        for name, element in _elements(value):
            yield from found_at(element, rest, f"{at}[{name}]")
    elif isinstance(value, dict) and key in value:
        yield from found_at(value[key], rest, below(at, key))


def _elements(value: object) -> Iterator[tuple[object, Any]]:
    if isinstance(value, list):
        yield from enumerate(value)
    elif isinstance(value, dict):
        yield from value.items()


def below(at: str, field: str) -> str:
    """``field`` of the object at ``at``, which is empty for the object that was sent."""
    return f"{at}.{field}" if at and field else at or field
