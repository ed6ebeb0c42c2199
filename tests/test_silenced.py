"""Whatever silences a checker says why, on its line or on the first of a block of its kind."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("webhook", "certs", "tests", "docs")
SILENCED = re.compile(
    r"# (?:noqa(?P<noqa>: [A-Z0-9, ]+?)?|type: ignore(?P<mypy>\[[a-z, -]+\])?)(?P<why> [-#( ].*)?$"
)
BLOCK_LINES = 9


def unexplained(text: str) -> list[int]:
    """The numbers of the lines that silence something and do not say why."""
    found: list[int] = []
    explained: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        silenced = SILENCED.search(line)
        if silenced is None:
            continue
        codes = re.findall(r"[\w-]+", silenced["noqa"] or silenced["mypy"] or "")
        before = any(number - explained.get(code, -BLOCK_LINES) < BLOCK_LINES for code in codes)
        if codes and (silenced["why"] or before):
            explained |= dict.fromkeys(codes, number)
        else:
            found.append(number)
    return found


def test_every_silenced_check_says_why() -> None:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 600
    found = {str(path.relative_to(ROOT)): unexplained(path.read_text()) for path in files}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_a_silenced_check_without_code_or_reason_is_found() -> None:
    text = "\n".join(
        (
            "import a  # no" + "qa: PLC0415 - only this needs it",
            "import b  # no" + "qa: PLC0415",
            "import c  # no" + "qa: F401",
            "d = 1  # no" + "qa",
            "e = f()  # type: ig" + "nore[misc]  # it has no types",
            "e = f()  # type: ig" + "nore[arg-type]",
            "e = f()  # type: ig" + "nore",
        )
    )
    assert unexplained(text) == [3, 4, 6, 7]
