"""Render docs/compatibility from the shipped compatibility table: `make docs`."""

from tests.docs.pages import FOLDER, outdated, rendered


def main() -> None:
    """Write every page anew, and remove those of runtimes that the table no longer speaks of."""
    FOLDER.mkdir(exist_ok=True)
    for name in outdated():
        (FOLDER / name).unlink()
        print(f"removed {name}")
    for name, text in rendered().items():
        (FOLDER / name).write_text(text)
        print(f"wrote {name}")


if __name__ == "__main__":
    main()
