"""No wrong verdict and no stuck cache, whatever happens to the real API server."""

import pytest

from tests.controlplane.binaries import Binaries
from tests.live.chaos import run

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]


def test_verdicts_stay_right_through_cuts_an_outage_and_lost_history(binaries: Binaries) -> None:
    figures = run(seconds=5, cuts=10)
    assert figures.wrong == []
    assert figures.statuses.keys() == {200}
    assert figures.reviews > 500
    assert figures.unseen.keys() == {500}
    assert figures.cuts == 10
    assert figures.gone > 0
