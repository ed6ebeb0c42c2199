"""The server's image in `docker save` form: deploy/image.sh's result over Debian's Python.

No base image can be had without a registry, so the base is what Python needs of the Debian root
that tests/applications unpacks: the interpreter, its library, and the libraries that both load.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.applications.root import ROOT as DEBIAN
from tests.deploy.image import PREFIX, USER, build

_LIBRARIES = ("usr/lib/x86_64-linux-gnu", "usr/lib64", "lib/x86_64-linux-gnu", "lib64")
_LINKS = ("bin", "lib", "lib64", "sbin")
_LOADER = "usr/lib64/ld-linux-x86-64.so.2"
_ALWAYS = ("libc.so.6", "libm.so.6", "libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2")


def write_server_image(folder: Path, tag: str) -> Path:
    """Build it and write its archive; needs root, and Debian's packages (make applications)."""
    root = build(folder)
    layer = folder / "layer.tar"
    with tarfile.open(layer, mode="w") as tar:
        _add_base(tar, root)
        tar.add(root / PREFIX.removeprefix("/"), arcname=PREFIX.removeprefix("/"))
    digest = hashlib.sha256(layer.read_bytes()).hexdigest()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "Entrypoint": [f"{PREFIX}/bin/runtimegate"],
            "Env": [f"PATH={PREFIX}/bin:/usr/bin:/bin"],
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": ["layer.tar"]}]
    archive = folder / "server.tar"
    with tarfile.open(archive, mode="w") as image:
        for name, value in (("manifest.json", manifest), ("config.json", config)):
            _add_text(image, name, json.dumps(value))
        image.add(layer, arcname="layer.tar")
    return archive


def _add_base(tar: tarfile.TarFile, root: Path) -> None:
    for name in ("tmp", "proc", "dev", "sys", "etc"):
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
        tar.addfile(entry)
    for name in _LINKS:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{name}"
        tar.addfile(entry)
    _add_text(tar, "etc/passwd", f"root:x:0:0::/:/bin/sh\nnonroot:x:{USER}:{USER}::/tmp:/bin/sh\n")
    _add_text(tar, "etc/group", f"root:x:0:\nnonroot:x:{USER}:\n")
    for name in ("usr/bin/python3", "usr/bin/python3.11", "usr/lib/python3.11"):
        tar.add(DEBIAN / name, arcname=name)
    own = [DEBIAN / "usr/bin/python3.11", *_shared(DEBIAN / "usr/lib/python3.11")]
    for name in sorted({*_ALWAYS, *_needed([*own, *_shared(root / "opt")])}):
        _add_library(tar, name)
    _add_file(tar, _resolved(_LOADER), _LOADER)


def _shared(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.so*") if path.is_file())


def _needed(programs: Iterable[Path]) -> set[str]:
    """The names of all libraries that these load, and those that they load in turn."""
    done = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False)
    lines = [line.split() for line in done.stdout.splitlines() if "=>" in line]
    return {words[0] for words in lines if not words[0].startswith("/")}


def _add_library(tar: tarfile.TarFile, name: str) -> None:
    for folder in _LIBRARIES:
        if (found := _resolved(f"{folder}/{name}")) is not None:
            _add_file(tar, found, f"usr/lib/x86_64-linux-gnu/{name}")
            return


def _resolved(name: str) -> Path | None:
    """The file of Debian's root that a path leads to, with its links read as that root has them."""
    path = DEBIAN / name
    while path.is_symlink():
        target = path.readlink()
        path = DEBIAN / str(target).lstrip("/") if target.is_absolute() else path.parent / target
    return path if path.is_file() else None


def _add_file(tar: tarfile.TarFile, path: Path | None, name: str) -> None:
    if path is not None:
        tar.add(path, arcname=name)


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text.encode()), 0o644
    tar.addfile(entry, io.BytesIO(text.encode()))
