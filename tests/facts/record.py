"""Writes ``webhook/data/verified/gvisor.yaml``: what a full run confirmed, and when."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

import webhook
from webhook.core.agreement import Comparison, Result
from webhook.data.probes.registry import probe_name

OUTPUT = Path(webhook.__file__).parent / "data" / "verified" / "gvisor.yaml"
_WIDTH = 100
_HEADER = """\
# What the probes of webhook/data/probes saw under real releases of runsc: written by
# `make verify-facts WRITE=--write`, after a full run in which nothing contradicted the table.
#
# date      the day of the run
# host      kernel release and architecture of the machine; runsc chose its platform itself
# releases  the releases run, as the compatibility table reads them
# verified  one entry for all features of one probe that gave the same verdicts everywhere:
#   probe     the module that holds it
#   native    the verdict on the host's own kernel, as control
#   observed  run -> verdict. A run is a release, with the flags of runsc beyond
#             --network=none where the row is about a flag. The words are explained in
#             webhook/data/probes/__main__.py.
#   features  the rows' ids
# Left out: what could not be told on this machine, and what Linux there refuses alike.
"""


def document(found: Iterable[Comparison], *, today: date, releases: Iterable[str]) -> str:
    """The whole file."""
    kernel = ".".join(platform.release().split(".")[:2])
    host = f"{{kernel: {_quoted(kernel)}, arch: {_arch()}}}"
    head = f"date: {today}\nhost: {host}\nreleases: [{', '.join(map(_quoted, releases))}]\n"
    return f"{_HEADER}{head}verified:\n{''.join(_entries(found))}"


def _entries(found: Iterable[Comparison]) -> Iterator[str]:
    groups: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[str]] = {}
    for feature, (native, observed) in sorted(_by_feature(found).items()):
        key = (probe_name(feature) or "", native, tuple(observed.items()))
        groups.setdefault(key, []).append(feature)
    for (probe, native, runs), features in sorted(groups.items()):
        yield f"  - probe: {probe}\n    native: {native}\n    observed:\n"
        yield from (f"      {_quoted(run)}: {verdict}\n" for run, verdict in runs)
        yield f"    features: [\n{_wrapped(features)}]\n"


def _by_feature(found: Iterable[Comparison]) -> Mapping[str, tuple[str, dict[str, str]]]:
    features: dict[str, tuple[str, dict[str, str]]] = {}
    for comparison in found:
        if comparison.result is Result.CONFIRMED:
            _, observed = features.setdefault(comparison.feature, (comparison.native, {}))
            observed[comparison.run] = comparison.observed
    return features


def _wrapped(features: list[str]) -> str:
    lines, line = [], "     "
    for feature in features:
        item = f" {_quoted(feature)},"
        if len(line) + len(item) > _WIDTH:
            lines.append(line)
            line = "     "
        line += item
    return "\n".join([*lines, line]).rstrip(",")


def _arch() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _quoted(text: str) -> str:
    return f'"{text}"'
