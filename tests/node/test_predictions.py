"""What the table says of pod features, against what a real kubelet, containerd, runsc and runc do.

``observed.yaml`` keeps what was seen, with its day. The quick tests hold the shipped table against
it; the test on the node holds it against the node.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.node.comparison import Agrees, Compared, compare
from tests.node.observed import OBSERVED, kept
from tests.node.predict import predict
from tests.node.probes import probes
from tests.node.trial import CLASSES

ROWS = probes(Path("/folder/host"))


@pytest.fixture(scope="session")
def rows() -> list[Compared]:
    """The shipped table's predictions for the releases that were run, against what was seen."""
    found = kept()
    predicted = {c: predict(ROWS, c, found["releases"]) for c in CLASSES}
    return list(compare(ROWS, predicted, found["observed"], found["facilities"]))


@pytest.mark.slow
def test_the_table_says_what_the_node_showed(rows: list[Compared]) -> None:
    assert [row for row in rows if row.agrees is Agrees.NO] == []


@pytest.mark.slow
def test_most_rows_could_be_told(rows: list[Compared]) -> None:
    told = [row for row in rows if row.agrees is Agrees.YES]
    assert len(told) > len(rows) * 0.85


def test_every_probe_is_kept_for_both_runtimes() -> None:
    names = {probe.name for probe in ROWS}
    assert {c: set(of_class) for c, of_class in kept()["observed"].items()} == dict.fromkeys(
        CLASSES, names
    )


def test_what_was_seen_is_dated() -> None:
    assert str(kept()["date"]) >= "2026-11-26"


def levels(observed: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """``runtime probe`` -> level."""
    return {f"{c} {name}": o["level"] for c, of in observed.items() for name, o in of.items()}


@pytest.mark.node
@pytest.mark.slow
@pytest.mark.may_skip(reason="a machine may forbid namespaces and cgroups")
def test_the_node_still_shows_what_is_kept(shown: dict[str, Any]) -> None:
    again = levels(shown["probes"])
    before = levels(kept()["observed"])
    # A kernel with AppArmor, say, shows more than the one that the file is from.
    same = shown["facilities"] == kept()["facilities"]
    other = {k for k in before if before[k] != again.get(k)}
    facility = {p.name: p.facility for p in ROWS}
    assert {k for k in other if same or not facility[k.split()[1]]} == set(), OBSERVED.name
