"""The rendered files of deploy/: how each comes from the chart; run as a module, it writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tests.helm.programs import ROOT, render

DEPLOY = ROOT / "deploy"
_HEAD = "# Rendered from deploy/chart by `make deploy`; change the chart, not this file.\n"
_REGISTRATION = (
    "templates/70-mutatingwebhookconfiguration.yaml",
    "templates/71-validatingwebhookconfiguration.yaml",
    "templates/80-register-job.yaml",
)
_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "install.yaml": ("--set=namespace.create=true",),
    "register.yaml": (
        "--set=namespace.create=true,webhooks.register=true",
        *(f"--show-only={template}" for template in _REGISTRATION),
    ),
}
FILES = tuple(_ARGUMENTS)


def rendered(name: str) -> str:
    """What the file of this name has to hold; needs helm."""
    return _HEAD + in_apply_order(render(*_ARGUMENTS[name]))


def in_apply_order(text: str) -> str:
    """helm's output, with the documents in the order of the templates' numbers.

    helm itself sorts by kind when it installs; `kubectl apply` goes through a file from its top.
    """
    parts = [part.strip() for part in text.removeprefix("---\n").split("\n---\n")]
    objects = [part for part in parts if re.search(r"^kind: ", part, re.MULTILINE)]
    return "".join(f"---\n{part}\n" for part in sorted(objects, key=_source))


def _source(part: str) -> str:
    first = part.splitlines()[0]
    if not first.startswith("# Source: "):
        raise ValueError(f"helm printed a document without a source: {first}")
    return first


def main() -> None:
    """Write the files."""
    for name in FILES:
        Path(DEPLOY / name).write_text(rendered(name))


if __name__ == "__main__":
    main()
