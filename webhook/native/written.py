"""Compiled policies as text: YAML with what is left out at its head, or one JSON List."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from webhook.core.names import counted, shown
from webhook.native.compile import Compiled
from webhook.native.omitted import WHY, Omission, Part

_WIDTH = 98


class _Dumper(yaml.CSafeDumper):
    """Long expressions stay on one line, so that a difference shows the one that changed."""

    def ignore_aliases(self, data: Any) -> bool:
        """No anchors: what an object holds stands in it."""
        del data
        return True


def as_yaml(compiled: Compiled, *, head: Iterable[str]) -> str:
    """Every object as a document of its own, below the comments."""
    comments = "\n".join(f"# {line}".rstrip() for line in (*head, *listing(compiled.omissions)))
    bodies = [
        yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=2**30, allow_unicode=False)
        for document in compiled.documents
    ]
    return "\n---\n".join([comments, *(body.rstrip("\n") for body in bodies)]) + "\n"


def as_list(compiled: Compiled, *, revision: str) -> str:
    """A List that kubectl takes; what is left out stands beside its items."""
    value = {
        "apiVersion": "v1",
        "kind": "List",
        "items": list(compiled.documents),
        "revision": revision,
        "omitted": [omission_value(omission) for omission in compiled.omissions],
    }
    return json.dumps(value, indent=2)


def omission_value(omission: Omission) -> Mapping[str, Any]:
    """One entry of ``omitted``."""
    return {
        "policy": omission.policy,
        "override": omission.override,
        "part": str(omission.part),
        "what": omission.what,
        "why": omission.why,
        "names": list(omission.names),
    }


def listing(omissions: Sequence[Omission]) -> Iterator[str]:
    """The parts that are left out, each with the policies that it is of, as lines of text."""
    if not omissions:
        return
    yield "Not compiled (what the webhook would say, and these policies let pass):"
    for part in Part:
        groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for omission in omissions:
            if omission.part is part:
                groups.setdefault((omission.what, omission.names), []).append(omission.of)
        for (what, names), policies in groups.items():
            named = f": {', '.join(shown(name) for name in names)}" if names else ""
            text = f"{part} ({', '.join(policies)}): {what}{named}. Why: {WHY[part]}."
            yield from textwrap.wrap(
                text,
                _WIDTH,
                initial_indent="- ",
                subsequent_indent="  ",
                break_long_words=False,
                break_on_hyphens=False,
            )


def summary(compiled: Compiled) -> str:
    """One line for whoever typed the command."""
    parts = dict.fromkeys(str(o.part) for o in compiled.omissions)
    objects = counted(len(compiled.documents), "object")
    if not parts:
        return f"{objects}; nothing is left out"
    return f"{objects}; not compiled, and listed: {', '.join(parts)}"
