from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, pages
from tests.docs.links import anchors, broken, links

PAGES = [str(page) for page in pages()]


@pytest.mark.parametrize("page", pages(), ids=PAGES)
def test_every_link_and_anchor_of_a_page_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_the_index_lists_every_page_of_the_folder() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {
        (index.parent / target.partition("#")[0]).resolve()
        for _, target in links(index.read_text())
        if not target.startswith(("http:", "https:", "#"))
    }
    written = {ROOT / page for page in pages() if page.parts[0] == "docs"} - {index}
    rest = {page for page in written if page.parent.name != "compatibility"}
    assert sorted(str(page.relative_to(ROOT)) for page in rest - listed) == []


def test_headings_get_the_anchors_that_a_forge_gives_them() -> None:
    text = "# A `code` heading: of *two*, [linked](x.md)\n## Twice\n## Twice\n```\n# none\n```\n"
    assert anchors(text) == {"a-code-heading-of-two-linked", "twice", "twice-1"}


def test_a_link_in_code_is_none() -> None:
    assert list(links("`[a](b)` [c](d.md#e)\n```\n[f](g)\n```\n")) == [(1, "d.md#e")]
