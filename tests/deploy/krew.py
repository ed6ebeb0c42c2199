"""Archives of the kubectl plugin and the krew manifest for them: `make plugin-archive`."""

import argparse
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version as version_of
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "deploy" / "krew" / "runtimegate.yaml"
LAUNCHER = ROOT / "deploy" / "krew" / "launcher.py"
NAMES = ("kubectl-runtimegate", "kubectl_complete-runtimegate")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS: Mapping[str, Sequence[str]] = {
    arch: tuple(
        f"{glibc}_{machine}" for glibc in ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
    )
    for arch, machine in (("amd64", "x86_64"), ("arm64", "aarch64"))
}
"""kubectl's names of architectures, and the wheels that run there with glibc 2.28."""

NOT_OF_A_PERSON = ("uvloop", "httptools")
"""Packages of the server that are large and speak to no person at kubectl."""

_PIP = (sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-compile")


def fill_in(template: str, values: Mapping[str, str]) -> str:
    """The manifest with what stands in braces filled in."""
    for name, value in values.items():
        template = template.replace("{" + name + "}", value)
    return template


def libraries(arch: str, pythons: Sequence[str], target: Path) -> None:
    """Install the package and its pinned wheels for several Pythons into one folder.

    Their Python files are the same; compiled ones carry the Python's name in theirs.
    """
    target.mkdir(parents=True)
    lock = "".join(
        block
        for block in _blocks((ROOT / "requirements.lock").read_text())
        if not block.startswith(NOT_OF_A_PERSON)
    )
    with tempfile.TemporaryDirectory() as name:
        pinned = Path(name) / "requirements.lock"
        pinned.write_text(lock)
        for python in pythons:
            folder = Path(name) / python
            platforms = [f"--platform={platform}" for platform in PLATFORMS[arch]]
            abi = f"cp{python.replace('.', '')}"
            subprocess.run(
                [
                    *(*_PIP, "--require-hashes", "--no-deps", "--only-binary=:all:"),
                    *(*platforms, f"--python-version={python}", "--implementation=cp"),
                    *(f"--abi={abi}", "--abi=abi3", "--abi=none"),
                    *("--target", str(folder), "-r", str(pinned)),
                ],
                check=True,
            )
            _merge(folder, target)
        own = Path(name) / "own"
        subprocess.run(
            [*_PIP, "--no-deps", "--target", str(own), str(_source(Path(name)))], check=True
        )
        _merge(own, target)


def _blocks(lock: str) -> list[str]:
    """The requirements of a lock file, each with its hashes."""
    blocks: list[str] = []
    for line in lock.splitlines(keepends=True):
        if line[:1].isalnum():
            blocks.append(line)
        elif blocks:
            blocks[-1] += line
    return blocks


def _source(scratch: Path) -> Path:
    """A copy of what the package is built from: a build writes beside its source."""
    copy = scratch / "source"
    copy.mkdir()
    for name in ("webhook", "certs"):
        ignored = shutil.ignore_patterns("__pycache__", "compat.compiled")
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    return copy


def _merge(folder: Path, target: Path) -> None:
    for path in sorted(folder.rglob("*")):
        there = target / path.relative_to(folder)
        if path.is_dir() or path.parts[len(folder.parts)] == "bin":
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        if there.exists() and path.suffix == ".py" and there.read_bytes() != path.read_bytes():
            raise RuntimeError(f"{path.relative_to(folder)}: differs between Pythons")
        shutil.copy(path, there)


def archive(folder: Path, target: Path, moment: int) -> str:
    """Pack a folder, the same bytes each time, and return the archive's SHA-256."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            info = tar.gettarinfo(path, str(path.relative_to(folder)))
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            info.mtime = moment
            info.mode = 0o755 if path.is_dir() or path.name in NAMES else 0o644
            with path.open("rb") if path.is_file() else io.BytesIO() as content:
                tar.addfile(info, content if path.is_file() else None)
    data = gzip.compress(packed.getvalue(), mtime=moment)
    target.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def build(arch: str, out: Path, pythons: Sequence[str] = PYTHONS) -> tuple[str, str]:
    """Build the archive of one platform; its name and SHA-256."""
    name = f"kubectl-runtimegate-linux-{arch}.tar.gz"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "plugin"
        libraries(arch, pythons, folder / "lib")
        for program in NAMES:
            shutil.copy(LAUNCHER, folder / program)
        shutil.copy(ROOT / "LICENSE", folder / "LICENSE")
        return name, archive(folder, out / name, _moment())


def _moment() -> int:
    """When the commit was made, or SOURCE_DATE_EPOCH."""
    if set_by_caller := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(set_by_caller)
    asked = ["git", "log", "-1", "--format=%ct"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout)


def manifest(archives: Mapping[str, tuple[str, str]], url: str) -> str:
    """The krew manifest for archives by architecture, to be found below ``url``."""
    values = {"version": version_of("runtimegate"), "url": url.rstrip("/")}
    for arch, (name, digest) in archives.items():
        values |= {f"archive-{arch}": name, f"sha256-{arch}": digest}
    return fill_in(TEMPLATE.read_text(), values)


def main() -> None:
    """Build every archive and write the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="https://example.invalid/runtimegate")
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "krew")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    archives = {arch: build(arch, given.out) for arch in PLATFORMS}
    text = manifest(archives, given.url)
    comment = "# A template" in text
    lines = text.splitlines(keepends=True)[2 if comment else 0 :]
    (given.out / "runtimegate.yaml").write_text("".join(lines))
    for name, digest in archives.values():
        size = (given.out / name).stat().st_size
        print(f"{digest}  {name}  {size / 1e6:.1f} MB")
    print(given.out / "runtimegate.yaml")


if __name__ == "__main__":
    main()
