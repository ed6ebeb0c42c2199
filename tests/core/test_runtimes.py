"""What RuntimeClasses mean, and runtimes that have ended."""

from typing import Any

import pytest

from tests.build import inventory, profile
from webhook.core.runtimes import RUNTIMES, Cri, retired
from webhook.core.versions import parse_version


def test_a_class_means_its_profile() -> None:
    known = inventory()
    assert known.profile_of("gvisor") == known.by_class["gvisor"]


def test_no_class_means_the_nodes_default() -> None:
    known = inventory()
    assert known.profile_of(None) == known.node_default
    assert known.profile_of("") == known.node_default


def test_an_undeclared_class_means_nothing() -> None:
    assert inventory().profile_of("crun") is None


def test_a_profile_on_its_own_architecture_is_itself() -> None:
    gvisor = profile("gvisor")
    assert gvisor.for_arch("amd64") is gvisor


def test_a_profile_on_another_architecture_differs_in_that_alone() -> None:
    assert profile("gvisor").for_arch("arm64") == profile("gvisor", arch="arm64")


def test_profiles_that_a_verdict_cannot_tell_apart_have_one_key() -> None:
    a = profile("gvisor", "20260817.0", handler="runsc", flags={"a": "1", "b": "2"})
    b = profile("gvisor", "20260817", handler="other", flags={"b": "2", "a": "1"})
    assert a.key == b.key


@pytest.mark.parametrize(
    "fields",
    [
        {"flags": {"net-raw": "true"}},
        {"hypervisor": "qemu"},
        {"vendor": "gke"},
        {"cri": Cri(name="containerd")},
        {"cri": Cri(name="containerd", version=parse_version("2.1"))},
        {"arch": "arm64"},
    ],
)
def test_whatever_a_fact_may_depend_on_is_in_the_key(fields: dict[str, Any]) -> None:
    assert profile("gvisor", **fields).key != profile("gvisor").key


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "runV",
            (
                "runv was merged into Kata Containers (announced 2017-12); use kata, for Alibaba's "
                "with vendor: alibaba"
            ),
        ),
        (
            "Clear Containers",
            "clear-containers was merged into Kata Containers (announced 2017-12); use kata",
        ),
        (
            "qemu-lite",
            (
                "qemu-lite was removed from Kata Containers in 2.3.0 (2021-08); "
                "use kata with qemu or clh"
            ),
        ),
        (
            "docker",
            (
                "dockershim was removed in Kubernetes 1.24 (2022); use containerd, CRI-O or "
                "cri-dockerd"
            ),
        ),
        (
            "frakti",
            (
                "frakti was retired by Kubernetes (kubernetes-retired/frakti); use containerd or "
                "CRI-O with kata"
            ),
        ),
        ("rkt", "rkt was archived by the CNCF on 2019-08-16; use containerd with runc"),
    ],
)
def test_a_retired_runtime_is_known_in_its_usual_spellings(name: str, says: str) -> None:
    assert retired(name) == says


@pytest.mark.parametrize("name", [*RUNTIMES, "", "kata-qemu", "cri-dockerd"])
def test_a_living_runtime_is_not_retired(name: str) -> None:
    assert retired(name) is None
