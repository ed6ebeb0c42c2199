import re

import pytest

from tests.docs.blocks import ROOT
from tests.docs.reference import REFERENCE, level, reference_pages

NAMES = sorted(path.name for path in REFERENCE.glob("*.md"))
COMPARED = ROOT / "docs" / "choosing-a-runtime.md"


def test_every_page_is_as_the_code_is_and_there_is_no_other() -> None:
    assert {name: (REFERENCE / name).read_text() for name in NAMES} == reference_pages(), (
        "render them anew with: make docs"
    )


def features() -> list[tuple[str, list[str]]]:
    """The rows of docs/choosing-a-runtime.md that quote the compatibility table."""
    rows = re.findall(r"^\| `(\w+:[^`]+)` .*?\| (.+) \|$", COMPARED.read_text(), re.MULTILINE)
    return [(feature, cells.split(" | ")[-3:]) for feature, cells in rows]


@pytest.mark.parametrize(("feature", "levels"), features())
def test_what_the_page_of_the_choice_says_of_a_feature_is_what_the_table_says(
    feature: str, levels: list[str]
) -> None:
    assert levels == [str(level(feature, runtime)) for runtime in ("gvisor", "kata", "runc")]


def test_the_figures_of_the_page_of_the_choice_are_those_of_the_rows() -> None:
    data = (ROOT / "webhook" / "data" / "compat" / "gvisor-perf.yaml").read_text()
    known = {figure.replace(",", "") for figure in re.findall(r"\d[\d.,-]*\d|\d", data)}
    table = COMPARED.read_text().partition("## What it costs")[2].partition("\n\n| ")[2]
    cells = [
        cell
        for line in table.partition("\n\n")[0].splitlines()[2:]
        for cell in line.split(" | ")[1:]
    ]
    said = {one.replace(",", "") for cell in cells for one in re.findall(r"\d[\d.,-]*", cell)}
    assert len(said) > 20
    assert said - known <= {"1"}, "a figure that no row has"
