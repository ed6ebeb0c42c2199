import pytest

from tests.controlplane.binaries import Binaries
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.fixtures import binaries
from tests.demo import __main__ as loopback
from tests.demo import cluster
from tests.demo.gate import Gate
from tests.demo.story import POLICIES, TODAY

__all__ = ["binaries"]


@pytest.mark.slow
def test_the_demo_goes_as_its_story_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert loopback.main() == 0
    assert "all as it should be" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.controlplane
def test_the_demo_on_a_real_api_server_goes_as_its_story_says(
    binaries: Binaries, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cluster.main() == 0
    assert "all as it should be" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.controlplane
def test_what_the_demo_prints_on_loopback_is_what_the_real_kubectl_prints(
    binaries: Binaries,
) -> None:
    with ControlPlane(binaries) as plane:
        cluster.prepare(plane)
        with (
            Gate(POLICIES, kubeconfig=plane.kubeconfig("webhook")) as gate,
            cluster.registered_for_today(plane, gate),
        ):
            real = [cluster.create(plane, scene)[0] for scene in TODAY]
    with Gate(POLICIES) as gate:
        assert [loopback.create(gate, scene)[0] for scene in TODAY] == real
