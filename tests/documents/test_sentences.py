from datetime import date

import pytest
from pydantic import BaseModel, Field, ValidationError

from webhook.documents.models import Model, described
from webhook.documents.sentences import NEWER, Renamed, problems


class Below(Model):
    count: float = Field(gt=0)


class Sample(Model):
    below: Below
    listed: tuple[Below, ...] = ()
    text: str = ""


def found(model: type[BaseModel], value: object) -> list[tuple[object, str]]:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(value)
    return list(problems(refused.value, model))


def test_an_error_that_has_no_sentence_of_its_own_says_no_jargon() -> None:
    assert found(Sample, {"below": {"count": 0}}) == [
        (("below", "count"), "must not be the number 0")
    ]


def test_the_keys_allowed_are_those_of_the_mapping_that_holds_the_unknown_one() -> None:
    assert found(Sample, {"below": {"count": 1}, "listed": [{"count": 1, "cuont": 2}]}) == [
        (("listed", 0, "cuont"), f"unknown key; must be one of count; did you mean count?{NEWER}")
    ]


def test_the_keys_allowed_are_found_below_a_mapping_of_models() -> None:
    class Odd(Model):
        below: dict[str, Below]

    assert found(Odd, {"below": {"a": {"cuont": 2, "count": 1}, "b": {}}}) == [
        (("below", "a", "cuont"), f"unknown key; must be one of count; did you mean count?{NEWER}"),
        (("below", "b", "count"), "must be given"),
    ]


def test_a_key_that_was_renamed_is_refused_with_the_name_of_the_new_one() -> None:
    renamed: Renamed = {("Sample", "listed", "number"): "listed[].count"}
    with pytest.raises(ValidationError) as refused:
        Sample.model_validate({"below": {"count": 1}, "listed": [{"count": 1, "number": 2}]})
    assert list(problems(refused.value, Sample, renamed)) == [
        (("listed", 0, "number"), "was renamed: write listed[].count")
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "empty"),
        ("a\nb", r"'a\nb'"),
        (True, "the boolean true"),
        (1.5, "the number 1.5"),
        (date(2026, 1, 2), "a date"),
        ({}, "a mapping"),
        ([], "a list"),
        (object(), "such a value"),
    ],
)
def test_a_value_is_described_by_what_its_author_wrote(value: object, said: str) -> None:
    assert described(value) == said
