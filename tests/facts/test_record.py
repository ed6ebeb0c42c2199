"""The shipped result of a full run."""

from __future__ import annotations

from typing import Any

import yaml

from tests.facts.record import OUTPUT
from tests.runsc.releases import DEBIAN_RELEASES, VERSION
from webhook.data.probes.registry import probe_name
from webhook.live.shipped import shipped


def test_the_result_is_of_all_three_releases() -> None:
    assert _record()["releases"] == [*DEBIAN_RELEASES, VERSION]


def test_every_feature_of_the_result_is_a_row_with_that_probe() -> None:
    known = {fact.feature for fact in shipped().compat.facts if fact.runtime == "gvisor"}
    wrong = [
        feature
        for entry in _record()["verified"]
        for feature in entry["features"]
        if feature not in known or probe_name(feature) != entry["probe"]
    ]
    assert wrong == []


def test_most_rows_with_a_probe_are_verified() -> None:
    seen = {feature for entry in _record()["verified"] for feature in entry["features"]}
    probed = {fact.feature for fact in shipped().compat.facts if fact.probe}
    assert len(probed - seen) < len(probed) / 20


def _record() -> Any:
    return yaml.safe_load(OUTPUT.read_text())
