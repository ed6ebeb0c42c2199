"""Makes the root file system that the applications run on: Debian's packages, unpacked.

Nothing is installed on the machine: apt resolves and fetches with lists and a package state of its
own, each archive is unpacked, and what scripts of packages would have done is a few lines here.
Only the standard library; needs root for owners and chroot.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.controlplane.builder import say
from tests.runsc.debian import NoApt, apt, run

HERE = Path(__file__).resolve().parent
BUILD_DIR = HERE.parents[1] / ".build" / "applications"
ROOT = BUILD_DIR / "root"
PACKAGES = HERE / "packages.txt"
BESIDE = HERE / "packages-beside.txt"
"""What apt would not install beside those: unpacked, they only lie beside each other."""
BRINGS_IT = "make applications"

_STAMP = BUILD_DIR / "stamp"
_USERS = ("postgres", "mysql", "redis", "rabbitmq", "dovecot", "dovenull", "bind", "mosquitto",
          "postfix", "openldap", "pdns", "vcache", "sshd", "freerad")  # fmt: skip
_FIRST_ID = 200
_LINKS = {"usr/bin/awk": "mawk", "usr/bin/nc": "nc.openbsd", "usr/bin/php": "php8.2",
          "usr/bin/cc": "gcc"}  # fmt: skip
_MERGED = ("bin", "sbin", "lib", "lib64")


class RootMissing(Exception):
    """The root is not there; the message names the command that brings it."""


def require_root() -> None:
    """Raise RootMissing unless the root is there, made of the packages that are named now."""
    if os.geteuid():
        raise RootMissing("applications are run by root: chroot and owners need it")
    if not _STAMP.exists() or _STAMP.read_text() != _stamp():
        raise RootMissing(f"the applications' root is missing or outdated; `{BRINGS_IT}` brings it")


def main() -> int:
    """Make the root where it is missing; the exit code: 0 done, 1 failed."""
    try:
        require_root()
    except RootMissing as missing:
        if os.geteuid():
            say(str(missing))
            return 1
    else:
        say(f"applications are up to date in {ROOT}")
        return 0
    try:
        _make()
    except NoApt as reason:
        say(str(reason))
        return 1
    return 0


def _stamp() -> str:
    made_of = (PACKAGES, BESIDE, Path(__file__))
    return hashlib.sha256(b"".join(path.read_bytes() for path in made_of)).hexdigest()


def _make() -> None:
    shutil.rmtree(ROOT, ignore_errors=True)
    BUILD_DIR.mkdir(parents=True, exist_ok=True)
    with apt(BUILD_DIR / "apt", ["bookworm"]) as options:
        archives = _fetch(options)
    for folder in _MERGED:
        ROOT.joinpath("usr", folder).mkdir(parents=True, exist_ok=True)
        ROOT.joinpath(folder).symlink_to(f"usr/{folder}")
    say(f"unpacking {len(archives)} packages")
    for archive in archives:
        _unpack(archive)
    _finish()
    shutil.rmtree(BUILD_DIR / "apt")
    _STAMP.write_text(_stamp())
    say(f"applications: ready in {ROOT}")


def _fetch(options: Sequence[str]) -> list[Path]:
    status = BUILD_DIR / "apt" / "status"
    status.write_text("")
    say("fetching about 1 GB of packages")
    for names in (PACKAGES.read_text().split(), BESIDE.read_text().split()):
        run(
            [
                *("apt-get", *options, f"-oDir::State::status={status}", "-qq", "-y"),
                *("--no-install-recommends", "--download-only", "install", *names),
            ],
            BUILD_DIR,
        )
    return sorted((BUILD_DIR / "apt" / "cache" / "archives").glob("*.deb"))


def _unpack(archive: Path) -> None:
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE
    ) as reads:
        done = subprocess.run(
            ["tar", "-xf", "-", "--keep-directory-symlink", "-C", str(ROOT)],
            stdin=reads.stdout,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise NoApt(f"{archive.name}: {done.stderr.strip()[-300:]}")


def _finish() -> None:
    """What the packages' own scripts would have done, as far as the scripts here need it."""
    for kind in ("passwd", "group"):
        entries = ROOT.joinpath("usr/share/base-passwd", f"{kind}.master").read_text()
        ROOT.joinpath("etc", kind).write_text(entries + "".join(_accounts(kind)))
    for name in ("tmp", "proc", "sys", "dev", "run"):
        ROOT.joinpath(name).mkdir(exist_ok=True)
    ROOT.joinpath("tmp").chmod(0o1777)
    for link, target in _LINKS.items():
        ROOT.joinpath(link).unlink(missing_ok=True)
        ROOT.joinpath(link).symlink_to(target)
    run(["chroot", str(ROOT), "ldconfig"], BUILD_DIR)


def _accounts(kind: str) -> list[str]:
    names = (*_USERS, *(("postdrop",) if kind == "group" else ()))
    rest = ":{0}::/tmp:/bin/sh" if kind == "passwd" else ":"
    return [
        f"{name}:x:{number}{rest.format(number)}\n"
        for number, name in enumerate(names, start=_FIRST_ID)
    ]
