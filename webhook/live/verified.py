"""The kept result of `make verify-facts`: ``webhook/data/verified``, a file a runtime."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from webhook.core.verification import ProbeRun, Verification
from webhook.core.versions import parse_version


@cache
def verified() -> Verification:
    """Every run that is kept; none where there is no such file."""
    folder = files("webhook") / "data" / "verified"
    if not folder.is_dir():
        return Verification()
    documents = ((e.name, e.read_bytes()) for e in folder.iterdir() if e.name.endswith(".yaml"))
    return read_verified(sorted(documents))


def read_verified(documents: Iterable[tuple[str, bytes]]) -> Verification:
    """The runs in files that are named after their runtime; what is wrong with them is our bug."""
    return Verification(
        run
        for name, content in documents
        for run in _runs(name.removesuffix(".yaml"), yaml.load(content, Loader=yaml.CSafeLoader))
    )


def _runs(runtime: str, document: Any) -> Iterator[ProbeRun]:
    for entry in document["verified"]:
        for label, observed in entry["observed"].items():
            release, *flags = label.split()
            for feature in entry["features"]:
                yield ProbeRun(
                    runtime=runtime,
                    feature=feature,
                    release=parse_version(release),
                    observed=observed,
                    day=document["date"],
                    arch=document["host"]["arch"],
                    flags=dict(flag.lstrip("-").split("=", 1) for flag in flags),
                )
