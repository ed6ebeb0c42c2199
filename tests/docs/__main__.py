"""Render docs/compatibility and docs/reference from the tables and the code: `make docs`."""

from tests.docs.pages import FOLDER, outdated, rendered
from tests.docs.reference import REFERENCE, reference_pages


def main() -> None:
    """Write every page anew, and remove those of runtimes that the table no longer speaks of."""
    FOLDER.mkdir(exist_ok=True)
    REFERENCE.mkdir(exist_ok=True)
    for name in outdated():
        (FOLDER / name).unlink()
        print(f"removed {name}")
    for folder, every in ((FOLDER, rendered()), (REFERENCE, reference_pages())):
        for name, text in every.items():
            (folder / name).write_text(text)
            print(f"wrote {folder.name}/{name}")


if __name__ == "__main__":
    main()
