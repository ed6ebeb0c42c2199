"""The kubectl plugin as krew would install it: its manifest, and an archive that is started."""

import os
import platform
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.deploy.krew import LAUNCHER, PLATFORMS, ROOT, _blocks, build, manifest

ARCHIVES = {arch: (f"kubectl-runtimegate-linux-{arch}.tar.gz", "ab" * 32) for arch in PLATFORMS}


def test_the_manifest_is_what_krew_asks_of_one() -> None:
    # As `validate-krew-manifest` of sigs.k8s.io/krew does: internal/index/validation.
    text = manifest(ARCHIVES, "https://example.com/v1/")
    assert "{" not in re.sub(r"\{matchLabels: \{os: linux, arch: \w+\}\}|\{braces\}", "", text)
    document = yaml.safe_load(text)
    assert document["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2"
    assert (document["kind"], document["metadata"]["name"]) == ("Plugin", "runtimegate")
    spec = document["spec"]
    assert re.fullmatch(r"v\d+\.\d+\.\d+", spec["version"])
    assert len(spec["shortDescription"]) <= 50
    assert "\n" not in spec["shortDescription"]
    for platform_, arch in zip(spec["platforms"], PLATFORMS, strict=True):
        assert platform_["uri"] == f"https://example.com/v1/{ARCHIVES[arch][0]}"
        assert re.fullmatch(r"[a-f0-9]{64}", platform_["sha256"])
        assert platform_["selector"] == {"matchLabels": {"os": "linux", "arch": arch}}
        assert platform_["bin"] == "kubectl-runtimegate"


def test_a_requirement_of_the_lock_keeps_its_hashes() -> None:
    blocks = _blocks((ROOT / "requirements.lock").read_text())
    assert len(blocks) > 10
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("version", ["(3, 10, 2)", "(3, 15, 0)"])
def test_a_python_that_is_too_old_or_too_new_is_told_so(version: str) -> None:
    code = f"import runpy, sys; sys.version_info = {version}; runpy.run_path({str(LAUNCHER)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("kubectl runtimegate needs Python 3.11 to 3.14 as python3; ")


@pytest.mark.slow
def test_an_archive_starts_where_it_is_unpacked_and_by_the_link_that_krew_makes(
    tmp_path: Path,
) -> None:
    arch = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    name, _ = build(arch, tmp_path, [python])
    store = tmp_path / "store"
    with tarfile.open(tmp_path / name) as packed:
        packed.extractall(store, filter="data")
    link = tmp_path / "bin" / "kubectl-runtimegate"
    link.parent.mkdir()
    link.symlink_to(store / "kubectl-runtimegate")
    (link.parent / "python3").symlink_to(Path(sys.base_prefix) / "bin" / f"python{python}")
    environ = {"PATH": f"{link.parent}:{os.defpath}", "HOME": str(tmp_path), "LANG": "C.UTF-8"}

    def run(*command: str) -> tuple[int, str, str]:
        done = subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    code, out, err = run(str(link), "-n", "tenant-a", "check", "docs/examples/web.yaml")
    assert (code, err) == (0, "")
    assert "Pod tenant-a/web  gvisor" in out
    code, out, _ = run(str(link), "--help")
    assert out.startswith("Usage: kubectl runtimegate ")
    code, out, err = run(str(store / "kubectl_complete-runtimegate"), "why", "--runtime", "k")
    assert (code, out, err) == (0, "kata\n:4\n", "")
