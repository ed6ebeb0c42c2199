"""What can be told of the node's tests without a node."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import pytest

from tests.controlplane.binaries import KUBERNETES_VERSION as CONTROL_PLANE_VERSION
from tests.node.comparison import Agrees, compare
from tests.node.probes import Probe, probes
from tests.node.programs import KUBERNETES_VERSION, PROBE, SHIM_PATCHED, SHIM_VERSION
from tests.node.settings import Place, containerd_toml, kube_scheduler_arguments, runsc_toml
from tests.node.shelter import cgroup_folders
from tests.runsc.releases import RUNSC, VERSION
from webhook.core.features import FEATURES

PLACE = Place(folder=Path("/folder"), cgroup="c", lacks_sys_resource=True)
ROWS = probes(Path("/folder/host"))


def test_kubelet_and_api_server_are_of_one_release() -> None:
    assert KUBERNETES_VERSION == CONTROL_PLANE_VERSION


def test_the_shim_is_of_the_release_of_runsc() -> None:
    assert SHIM_VERSION == VERSION


def test_containerd_is_told_both_handlers() -> None:
    told = tomllib.loads(containerd_toml(PLACE))
    runtimes = told["plugins"]["io.containerd.cri.v1.runtime"]["containerd"]["runtimes"]
    assert {n: r["runtime_type"] for n, r in runtimes.items()} == {
        "runc": "io.containerd.runc.v2",
        "runsc": "io.containerd.runsc.v1",
    }


def test_only_root_without_the_capability_gets_a_lax_containerd() -> None:
    place = dataclasses.replace(PLACE, lacks_sys_resource=False)
    told = tomllib.loads(containerd_toml(place))["plugins"]["io.containerd.cri.v1.runtime"]
    assert told["restrict_oom_score_adj"] is False


def test_the_shim_starts_the_runsc_that_was_built() -> None:
    assert tomllib.loads(runsc_toml())["binary_name"] == str(RUNSC.path)


def test_the_scheduler_serves_nothing() -> None:
    assert "--secure-port=0" in kube_scheduler_arguments(Path("k"))


def test_another_patch_is_another_program() -> None:
    other = dataclasses.replace(SHIM_PATCHED, after="x", module=SHIM_PATCHED.source)
    assert other.stamp() != dataclasses.replace(SHIM_PATCHED, module=SHIM_PATCHED.source).stamp()


def test_another_source_is_another_probe(tmp_path: Path) -> None:
    for name in ("go.mod", "go.sum"):
        tmp_path.joinpath(name).write_bytes(PROBE.module.joinpath(name).read_bytes())
    tmp_path.joinpath("main.go").write_text("package main\n")
    assert dataclasses.replace(PROBE, module=tmp_path).stamp() != PROBE.stamp()


def test_probes_have_names_of_their_own() -> None:
    assert len({probe.name for probe in ROWS}) == len(ROWS)


NOT_TRIED = {
    "pod:resourceClaims": "needs a driver of devices",
    "pod:windowsOptions.hostProcess": "needs a node of Windows",
    "pod:os.name": "says what the node's own system is",
    "pod:exec": "probes by command were seen to work by hand; no row is kept",
    "pod:annotation/io.kubernetes.cri.untrusted-workload": "needs a handler of that name",
}


def test_every_pod_feature_is_tried_or_it_is_said_why_not() -> None:
    tried = {feature for probe in ROWS for feature in probe.features}
    missing = {r.id for r in FEATURES if not any(t.startswith(r.id) for t in tried)}
    assert missing == set(NOT_TRIED)


def one(predicted: str, observed: str, *, there: bool = True) -> Agrees:
    """Whether one prediction agrees with what was seen."""
    probe = Probe(name="p", features=("pod:x",), script="", facility="thing")
    said = {"gvisor": {"p": {"pod:x": {"support": predicted, "verdict": "v"}}}}
    seen = {"gvisor": {"p": {"level": observed, "stage": "inside", "detail": ""}}}
    (row,) = compare([probe], said, seen, {"thing": there})
    return row.agrees


@pytest.mark.parametrize(
    ("predicted", "observed"), [("full", "full"), ("absent", "errno"), ("gated", "errno")]
)
def test_levels_of_one_effect_agree(predicted: str, observed: str) -> None:
    assert one(predicted, observed) is Agrees.YES


@pytest.mark.parametrize(
    ("predicted", "observed"), [("full", "ignored"), ("absent", "full"), ("full", "undecided")]
)
def test_levels_of_another_effect_do_not(predicted: str, observed: str) -> None:
    assert one(predicted, observed) is Agrees.NO


def test_what_the_kernel_lacks_tells_nothing() -> None:
    assert one("full", "absent", there=False) is Agrees.UNTOLD


def test_what_nobody_knows_is_no_prediction() -> None:
    assert one("unknown", "full") is Agrees.UNTOLD


def test_a_cgroup_has_a_folder_per_controller_or_one() -> None:
    folders = cgroup_folders("runtimegate-nothing")
    assert folders
    assert {folder.name for folder in folders} == {"runtimegate-nothing"}
