"""Fetches Debian's two releases of runsc, and unpacks them beside each other; nothing is installed.

Which mirror: the one that this machine's apt has. Only the standard library.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.controlplane.builder import say
from tests.runsc.releases import BUILD_DIR, DEBIAN_RELEASES

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITES = ("bookworm", "bookworm-backports")
"""Where DEBIAN_RELEASES are, on the mirror of any Debian."""


class NoApt(Exception):
    """This machine has no apt with a mirror of Debian, or the mirror does not have the package."""


def fetch(missing: Sequence[str] = DEBIAN_RELEASES) -> None:
    """Fetch the releases that are not there yet. Raises NoApt."""
    wanted = [version for version in missing if not (BUILD_DIR / version / "runsc").exists()]
    if not wanted:
        return
    with apt(BUILD_DIR / "apt", SUITES) as options:
        for version in wanted:
            _fetch_one(version, options)


@contextmanager
def apt(folder: Path, suites: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Options of apt that give it lists and archives of its own, of some suites of Debian.

    The machine's lists, sources and packages are neither used nor changed, but for the mirror.
    """
    for name in ("lists/partial", "cache/archives/partial"):
        folder.joinpath(name).mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.list"
    mirror = debian_mirror()
    sources.write_text(
        "".join(f"deb [signed-by={KEYRING}] {mirror} {suite} main\n" for suite in suites)
    )
    options = tuple(f"-o{name}={value}" for name, value in _settings(folder, sources).items())
    say(f"apt: reading the lists of {', '.join(suites)}")
    run(["apt-get", *options, "-qq", "update"], folder)
    yield options


def _settings(folder: Path, sources: Path) -> Mapping[str, object]:
    return {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "",
    }


def debian_mirror() -> str:
    """The address of the archive of Debian that this machine's apt is set to. Raises NoApt."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise NoApt("there is no apt here: Debian's releases of runsc are left out")
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in listed.stdout.splitlines():
        origin, _, address = line.partition(" ")
        # The archive of security fixes says Debian too, and has neither suite.
        if origin == "Debian" and "security" not in address:
            return address
    raise NoApt("apt has no mirror of Debian here: Debian's releases of runsc are left out")


def _fetch_one(version: str, options: Sequence[str]) -> None:
    package = f"runsc={_debian_version(version, options)}"
    folder = BUILD_DIR / version
    folder.mkdir(parents=True, exist_ok=True)
    run(["apt-get", *options, "-qq", "download", package], folder)
    archive = next(folder.glob("runsc_*.deb"))
    run(["dpkg-deb", "-x", str(archive), "unpacked"], folder)
    folder.joinpath("unpacked", "usr", "bin", "runsc").replace(folder / "runsc")
    shutil.rmtree(folder / "unpacked")
    archive.unlink()
    say(f"runsc {version}: from {package}")


def _debian_version(version: str, options: Sequence[str]) -> str:
    listed = run(["apt-cache", *options, "madison", "runsc"], BUILD_DIR)
    for line in listed.splitlines():
        found = line.split("|")[1].strip()
        if f"~{version}-" in found:
            return found
    raise NoApt(f"the mirror has no runsc {version}")


def run(command: Sequence[str], folder: Path) -> str:
    """What a command prints. Raises NoApt with its complaint."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoApt(f"{' '.join(command[:1])} failed: {done.stderr.strip()[-500:]}")
    return done.stdout
