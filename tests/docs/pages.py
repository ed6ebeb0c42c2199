"""The pages of docs/compatibility as the shipped table makes them."""

from functools import cache
from pathlib import Path

from webhook.cli.compat_pages import pages
from webhook.live.shipped import shipped
from webhook.live.verified import verified

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "compatibility"


@cache
def rendered() -> dict[str, str]:
    """Every page by its file's name."""
    return pages(shipped().compat, verified())


def outdated() -> list[str]:
    """Pages that are there and should not be."""
    return sorted({path.name for path in FOLDER.glob("*.md")} - set(rendered()))
