"""JSON Schemas of the documents for editors, generated from the models (draft 2020-12).

A schema is a help while writing; the loader checks more (``policy lint``).
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import (
    GenerateJsonSchema,
    JsonSchemaMode,
    JsonSchemaValue,
    models_json_schema,
)
from pydantic_core import core_schema

from webhook.documents.applications import ApplicationExtension
from webhook.documents.reading import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """pydantic's schema without what it says for Python programs only."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """A field's key says enough."""
        del schema
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """None is a key left out; in a document an empty value is an error."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Only defaults that say something: no empty string or list, no model."""
        inner = self.generate_inner(schema["schema"])
        default = schema.get("default")
        if isinstance(default, bool | int):
            return {**inner, "default": default}
        return {**inner, "default": str(default)} if isinstance(default, str) and default else inner


def schema_of(kind: str) -> dict[str, Any]:
    """The schema of one kind of document, a key of KINDS."""
    definitions = _definitions()
    own = definitions.pop(kind)
    return {"$schema": DIALECT, **own, "$defs": _reachable(own, definitions)}


def combined_schema() -> dict[str, Any]:
    """The schema of any document: its ``kind`` says which rules are asked of it."""
    return {
        "$schema": DIALECT,
        "title": "runtimegate documents",
        "description": "Any document of a policy folder.",
        "type": "object",
        "properties": {"kind": {"enum": list(KINDS), "description": "What the document is."}},
        "required": ["kind"],
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind}}},
                "then": {"$ref": f"#/$defs/{kind}"},
            }
            for kind in KINDS
        ],
        "$defs": _definitions(),
    }


def _definitions() -> dict[str, Any]:
    """Every model by its name."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (model, "validation") for model in (*KINDS.values(), ApplicationExtension)
    ]
    _, schema = models_json_schema(models, by_alias=True, schema_generator=_Generator)
    definitions: dict[str, Any] = schema["$defs"]
    extension = definitions.pop(ApplicationExtension.__name__)["properties"]["spec"]
    requirements = definitions["ApplicationRequirements"]["properties"]
    description = {"description": requirements["spec"].pop("description")}
    requirements["spec"] = {"anyOf": [requirements["spec"], extension], **description}
    for field in definitions["Override"]["properties"].values():
        field.pop("default", None)  # what an override leaves out is the policy's
    return definitions


def _reachable(schema: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The definitions that ``schema`` uses, and those that these use."""
    found: dict[str, Any] = {}
    waiting = [schema]
    while waiting:
        for name in _references(waiting.pop()):
            if name not in found:
                found[name] = definitions[name]
                waiting.append(definitions[name])
    return dict(sorted(found.items()))


def _references(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        own = {schema["$ref"].rpartition("/")[2]} if isinstance(schema.get("$ref"), str) else set()
        return own.union(*(_references(value) for value in schema.values()))
    if isinstance(schema, list):
        return set().union(*(_references(value) for value in schema))
    return set()
