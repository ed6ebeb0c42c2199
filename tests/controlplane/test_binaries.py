from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.controlplane.binaries import (
    ETCD,
    NEEDED,
    PROGRAMS,
    BinariesMissing,
    find_binaries,
    go_line,
    pinned_version,
)
from tests.controlplane.builder import BuildError, check_go, main
from tests.controlplane.fixtures import without

MISSING = BinariesMissing("etcd: not built")


def folder_with(folder: Path, *names: str) -> Path:
    """The folder, with programs of these names in it."""
    for name in names:
        folder.joinpath(name).write_text("#!/bin/sh\n")
        folder.joinpath(name).chmod(0o755)
    return folder


def test_kubebuilder_assets_are_used_when_they_are_whole(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "etcd", "kube-apiserver", "kubectl")
    found = find_binaries({"KUBEBUILDER_ASSETS": str(folder)})
    assert found.kube_apiserver == folder / "kube-apiserver"


def test_kubebuilder_assets_are_of_whatever_release_they_are(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "etcd", "kube-apiserver", "kubectl")
    assert not find_binaries({"KUBEBUILDER_ASSETS": str(folder)}).pinned


def test_kubebuilder_assets_may_lack_the_controller_manager(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "etcd", "kube-apiserver", "kubectl")
    assert find_binaries({"KUBEBUILDER_ASSETS": str(folder)}).kube_controller_manager is None


def test_nothing_is_built_when_kubebuilder_assets_are_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_with(tmp_path, "etcd", "kube-apiserver", "kubectl")
    assert main([], {"KUBEBUILDER_ASSETS": str(folder)}) == 0
    assert capsys.readouterr().out == (
        f"KUBEBUILDER_ASSETS={folder} has etcd, kube-apiserver, kubectl: nothing to build\n"
    )


def test_a_program_that_does_not_exist_is_a_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kubelet"], {}) == 2
    assert capsys.readouterr().out == (
        "usage: build [PROGRAM...], each one of:"
        " etcd, kube-apiserver, kubectl, kube-controller-manager\n"
    )


def test_without_go_the_build_says_what_brings_it(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        check_go({"PATH": str(tmp_path)})
    assert str(caught.value).splitlines()[:3] == [
        "Building the control plane needs Go 1.26.0 or newer; there is no go in PATH.",
        "Any of these brings it:",
        "  - https://go.dev/dl/ (unpack it, and put its bin folder into PATH)",
    ]


def test_a_go_that_is_too_old_is_named(tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho go version go1.19.8 linux/amd64\n")
    go.chmod(0o755)
    with pytest.raises(BuildError) as caught:
        check_go({"PATH": str(tmp_path)})
    assert str(caught.value).splitlines()[0] == (
        "Building the control plane needs Go 1.26.0 or newer; the go in PATH is 1.19.8."
    )


def test_another_flag_makes_another_stamp() -> None:
    assert dataclasses.replace(ETCD, ldflags="-s").stamp() != ETCD.stamp()


def test_another_go_sum_makes_another_stamp(tmp_path: Path) -> None:
    tmp_path.joinpath("go.mod").write_bytes(ETCD.module.joinpath("go.mod").read_bytes())
    tmp_path.joinpath("go.sum").write_text("")
    assert dataclasses.replace(ETCD, module=tmp_path).stamp() != ETCD.stamp()


def test_the_programs_that_are_needed_are_built() -> None:
    assert set(NEEDED) < set(PROGRAMS)


def test_all_modules_accept_the_same_go() -> None:
    assert len({go_line(program.module / "go.mod") for program in PROGRAMS}) == 1


def test_the_version_of_a_module_that_is_not_required_is_an_error() -> None:
    module = ETCD.module / "go.mod"
    with pytest.raises(ValueError, match=r"go\.mod does not require example\.test/x$"):
        pinned_version(module, "example.test/x")


def test_missing_programs_skip_a_test() -> None:
    with pytest.raises(pytest.skip.Exception) as caught:
        without(MISSING, {})
    assert caught.value.msg == "etcd: not built"


def test_missing_programs_fail_a_test_where_ci_is_set() -> None:
    with pytest.raises(pytest.fail.Exception) as caught:
        without(MISSING, {"CI": "true"})
    assert caught.value.msg == "etcd: not built"
