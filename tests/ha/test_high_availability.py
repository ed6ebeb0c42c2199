"""Nobody's pod waits for ours: three real replicas behind one address, whatever happens to them."""

from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.ha.phases import Extent, prepare, run, staged
from tests.ha.table import HEAD, faults, line

SHORT = Extent(kills=2, rotations=300, policy_changes=6)

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]


def test_no_admission_fails_but_those_in_flight_on_a_killed_replica(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    prepare(control_plane)
    with staged(control_plane, tmp_path) as stage:
        print(HEAD)
        rows = run(stage, SHORT, lambda row: print(line(row)))
    assert faults(rows) == []
