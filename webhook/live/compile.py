"""``python -m webhook.live.compile``: puts the compiled tables beside the rows they are made of.

The build of the package runs it (setup.py), and ``make tables`` after an edit. It compiles the
package that Python finds first: the one in the folder where it is run.
"""

from pathlib import Path

import webhook
from webhook.documents.compiled import compile_tables
from webhook.documents.folder import load_shipped
from webhook.live.shipped import COMPILED, compiled_key, rows_of


def write_compiled(package: Path) -> Path:
    """Compile the tables of a ``webhook`` package into it, whole or not at all.

    Raises DocumentErrors: to whoever edits the rows they are input.
    """
    rows = rows_of(package)
    content = compile_tables(load_shipped(rows).tables, compiled_key(package, rows))
    target = package / "data" / COMPILED
    unfinished = target.with_name(f"{COMPILED}.new")
    unfinished.write_bytes(content)
    return unfinished.replace(target)


if __name__ == "__main__":
    print(write_compiled(Path(webhook.__file__).parent))
