"""Two images in `docker save` form, made of one static busybox and the probe: no registry needed.

Only the standard library.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from tests.node.programs import PROBE, debian_program
from tests.node.settings import BUSYBOX, PAUSE

MODE, SETUID = 0o755, 0o4755
NOBODY = 65532
_ARCHITECTURE = "amd64"


def write_images(folder: Path) -> list[Path]:
    """Write the archives of the pause image and of the image of all pods."""
    layer = _layer()
    commands = {PAUSE: ["/bin/busybox", "tail", "-f", "/dev/null"], BUSYBOX: ["/bin/sh"]}
    archives = []
    for number, (tag, command) in enumerate(commands.items()):
        archive = folder / f"image-{number}.tar"
        archive.write_bytes(_image(tag, command, layer))
        archives.append(archive)
    return archives


def _layer() -> bytes:
    busybox = debian_program("busybox-static")
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    accounts = {
        "etc/passwd": f"root:x:0:0:root:/root:/bin/sh\nnobody:x:{NOBODY}:{NOBODY}::/tmp:/bin/sh\n",
        "etc/group": f"root:x:0:\nnobody:x:{NOBODY}:\n",
    }
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as layer:
        for name in ("bin", "etc", "proc", "sys", "dev", "root"):
            _add(layer, name, kind=tarfile.DIRTYPE, mode=MODE)
        _add(layer, "tmp", kind=tarfile.DIRTYPE, mode=0o1777)
        _add(layer, "bin/busybox", busybox.read_bytes(), mode=MODE)
        for applet in listed.stdout.split():
            if applet != "busybox":
                _add(layer, f"bin/{applet}", kind=tarfile.SYMTYPE, to="busybox")
        _add(layer, "bin/probe", PROBE.path.read_bytes(), mode=MODE)
        _add(layer, "bin/probe-setuid", PROBE.path.read_bytes(), mode=SETUID)
        for name, text in accounts.items():
            _add(layer, name, text.encode(), mode=0o644)
    return made.getvalue()


def _image(tag: str, command: Sequence[str], layer: bytes) -> bytes:
    config = {
        "architecture": _ARCHITECTURE,
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Cmd": list(command)},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": ["layer.tar"]}]
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as image:
        _add(image, "manifest.json", json.dumps(manifest).encode())
        _add(image, "config.json", json.dumps(config).encode())
        _add(image, "layer.tar", layer)
    return made.getvalue()


def _add(
    archive: tarfile.TarFile,
    name: str,
    content: bytes = b"",
    *,
    mode: int = 0o644,
    kind: bytes = tarfile.REGTYPE,
    to: str = "",
) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size, entry.linkname = kind, mode, len(content), to
    archive.addfile(entry, io.BytesIO(content))
