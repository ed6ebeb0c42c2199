import re

import pytest

from tests.docs.pages import FOLDER, ROOT, rendered
from webhook.cli import run
from webhook.core.features import NAMESPACES
from webhook.core.names import Strength, Support

# Not those that are rendered: collecting tests must not read the table.
NAMES = sorted(path.name for path in FOLDER.glob("*.md"))
GUIDE = (ROOT / "docs" / "compatibility.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_page_is_as_the_table_is(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert text == rendered().get(name), "render it anew with: make docs"


def test_there_is_a_page_for_every_runtime_and_none_of_what_is_gone() -> None:
    assert sorted(rendered()) == NAMES, "render them with: make docs"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("README.md", []),
        ("runc.md", ["--runtime", "runc"]),
        ("applications.md", ["--application", "*"]),
    ],
)
def test_a_page_is_what_compat_table_prints(
    name: str, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compat", "table", "-o", "markdown", *options]) == 0
    assert capsys.readouterr() == (rendered()[name], "")


@pytest.mark.parametrize("name", NAMES)
def test_every_footnote_of_a_page_is_there_and_used(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert set(re.findall(r"(\[\^\d+\])(?!:)", text)) == set(re.findall(r"(\[\^\d+\]):", text))


@pytest.mark.parametrize("name", NAMES)
def test_every_row_of_a_table_has_the_cells_of_its_head(name: str) -> None:
    cells = 0
    for line in (FOLDER / name).read_text().splitlines():
        if not line.startswith("|"):
            cells = 0
            continue
        here = len(re.findall(r"(?<!\\)\|", line))
        cells = cells or here
        assert here == cells, line


@pytest.mark.parametrize("word", [*Support, *Strength, *NAMESPACES])
def test_the_guide_says_what_every_word_means(word: str) -> None:
    assert f"`{word}`" in GUIDE or f"`{word}:`" in GUIDE


def test_every_link_of_the_guide_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)[^)]*\)", GUIDE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
