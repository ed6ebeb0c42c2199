import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.documents.build import (
    exemption,
    facts,
    inventory,
    override,
    policy,
    policy_test,
    requirements,
)
from tests.documents.build import fact as a_fact
from tests.documents.test_policy import AS_DESIGNED
from webhook.documents.lint import RULES
from webhook.documents.reading import KINDS
from webhook.documents.schema import combined_schema, schema_of
from webhook.documents.source import parse_documents
from webhook.live.shipped import shipped_files

ROOT = Path(__file__).parents[2]
REFERENCE = re.sub(
    r"```.*?```",
    "",
    (ROOT / "policies" / "README.md").read_text() + (ROOT / "docs" / "policy-test.md").read_text(),
    flags=re.DOTALL,
)
"""policies/README.md and that of the tests without examples: a key there is no explanation."""


def described(schema: Any, at: str) -> list[str]:
    """Where a property has no description."""
    if isinstance(schema, list):
        return [f for index, entry in enumerate(schema) for f in described(entry, f"{at}[{index}]")]
    if not isinstance(schema, dict):
        return []
    own = [
        f"{at}.{name}"
        for name, field in schema.get("properties", {}).items()
        if not field.get("description") and "const" not in field
    ]
    return own + [f for key, value in schema.items() for f in described(value, f"{at}.{key}")]


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_described(kind: str) -> None:
    assert described(schema_of(kind), kind) == []


@pytest.mark.parametrize("schema", [*map(schema_of, KINDS), combined_schema()])
def test_a_schema_is_one_of_draft_2020_12_and_stands_alone(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(re.findall(r"'#/\$defs/(\w+)'", str(schema))) <= set(schema["$defs"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_of_a_kind_holds_no_definition_that_it_does_not_use(kind: str) -> None:
    schema = schema_of(kind)
    assert set(schema["$defs"]) == set(re.findall(r"'#/\$defs/(\w+)'", str(schema)))


EXAMPLES = (
    policy(overrides=[override()], exemptions=[exemption(expires="never")]),
    inventory(nodeDefault={"runtime": "runc", "flags": {"a": True, "b": 1}}),
    facts(a_fact(workaround=None), releases=["20190304.1"]),
    requirements(),
    policy_test(),
)


@pytest.mark.parametrize("text", [*EXAMPLES, *AS_DESIGNED.split("\n---\n")])
def test_what_the_loader_takes_is_valid_by_the_schema(text: str) -> None:
    (document,) = parse_documents(text.encode(), file="a.yaml").documents
    Draft202012Validator(combined_schema()).validate(document.data)
    Draft202012Validator(schema_of(document.data["kind"])).validate(document.data)


def test_every_shipped_document_is_valid_by_the_schema() -> None:
    validator = Draft202012Validator(combined_schema())
    for file, content in shipped_files():
        for document in parse_documents(content, file=file).documents:
            validator.validate(document.data)


@pytest.mark.parametrize(
    "text",
    [
        policy(mode="off"),
        policy(prority=1),
        policy(namespaces={"names": ["a[b]"]}),
        policy(namespaces={"names": []}),
        policy().replace("RuntimePolicy", "RuntimePolicies"),
        inventory({"runtimeClass": "gvisor"}),
        facts(a_fact(support=None)),
        policy_test({"expect": {"decision": "refuse"}}),
    ],
)
def test_what_the_loader_refuses_an_editor_marks(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        Draft202012Validator(combined_schema()).validate(yaml.safe_load(text))


def test_a_default_is_told_where_a_policy_has_one_but_not_for_an_override() -> None:
    definitions = schema_of("RuntimePolicy")["$defs"]
    assert definitions["PolicySpec"]["properties"]["mode"]["default"] == "enforce"
    assert definitions["PolicySpec"]["properties"]["priority"]["default"] == 0
    assert "default" not in definitions["Override"]["properties"]["mode"]
    assert "default" not in definitions["Exemption"]["properties"]["ticket"]


def test_the_reference_names_every_key() -> None:
    words = set(re.findall(r"[A-Za-z]+", " ".join(re.findall(r"`[^`]+`", REFERENCE))))
    keys = {
        name
        for definition in combined_schema()["$defs"].values()
        for name in definition.get("properties", {})
    }
    assert keys - words - {"spec", "metadata"} == set()


def test_the_reference_names_every_allowed_value() -> None:
    words = set(re.findall(r"`([^`]+)`", REFERENCE))
    spelled = {part for word in words for part in re.split(r"[`/, ]+", word)}
    values = {
        value
        for definition in combined_schema()["$defs"].values()
        for field in (definition, *definition.get("properties", {}).values())
        for value in field.get("enum", ())
    }
    assert values - spelled == set()


def test_the_reference_names_every_rule_of_lint_with_what_it_finds() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", REFERENCE, re.MULTILINE))
    assert {rule: rows.get(rule) for rule in RULES} == dict(RULES)
