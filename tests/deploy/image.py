"""The image without a daemon: deploy/image.sh on a root made of Debian's packages, and how it runs.

The root is the one of tests/applications: Debian 12 with its python3, as a base image has. Nothing
of it or of this machine is changed: all mounts are in a namespace that ends with the process.
"""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.applications.root import ROOT as DEBIAN
from tests.helm.programs import ROOT

USER = 65532
PREFIX = "/opt/runtimegate"
NEEDED = ("python3", "setpriv")
"""What is used of Debian's packages."""
START_SECONDS = 90
_FROM_DEBIAN = ("usr", "etc")
_GIVEN = ("policies", "tls")
_LINKS = ("bin", "sbin", "lib", "lib64")
_ADDRESS = re.compile(r"serving on https://127\.0\.0\.1:(?P<port>\d+)")

_RUN = """\
cd "$1"
mount --bind . .
cd "$1"
for part in usr etc; do mount --bind "$2/$part" $part; done
mount --rbind /dev dev
mount -t proc proc proc
for part in . usr etc opt policies tls; do
  mountpoint -q $part || mount --bind $part $part
  mount -o remount,bind,ro $part
done
mount -t tmpfs -o mode=1777,size=16m tmpfs tmp
shift 2
exec chroot . setpriv --reuid=65532 --regid=65532 --clear-groups --no-new-privs \\
  --bounding-set=-all --inh-caps=-all "$@"
"""
"""Root and every mount below read-only, /tmp as the Deployment gives it, no user, no capability."""


class ImageError(Exception):
    """The steps failed or the result does not serve; the message has what was printed."""


def build(folder: Path) -> Path:
    """Run deploy/image.sh for a root in this folder, with Debian's Python; the root."""
    root = folder / "root"
    for name in (*_FROM_DEBIAN, *_GIVEN, "opt", "proc", "dev", "tmp"):
        root.joinpath(name).mkdir(parents=True)
    for name in _LINKS:
        root.joinpath(name).symlink_to(f"usr/{name}")
    # The target is mounted where it will be: scripts name their interpreter by its path.
    script = 'mount --bind "$1/opt" /opt && exec "$2/deploy/image.sh" "$2" "$3"'
    environ = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    environ.pop("PIP_FIND_LINKS", None)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-ec", script, "sh", str(root), str(ROOT), PREFIX],
        env=environ | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ImageError(f"deploy/image.sh failed:\n{done.stdout}{done.stderr}")
    return root


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running container: its first process, where it listens, and whom to trust."""

    pid: int
    port: int
    ca_pem: str

    def get(self, path: str, body: bytes | None = None) -> bytes:
        """The answer to a request; with a body it is a POST of JSON."""
        trust = ssl.create_default_context(cadata=self.ca_pem)
        headers = {"Content-Type": "application/json"}
        url = f"https://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, data=body, headers=headers)
        https = urllib.request.HTTPSHandler(context=trust)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
        with opener.open(request, timeout=START_SECONDS) as answer:
            return bytes(answer.read())

    def processes(self) -> Sequence[int]:
        """The first process and its children."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return (self.pid, *map(int, children.split()))

    def status(self, pid: int) -> Mapping[str, str]:
        """What the kernel says of a process."""
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


@contextmanager
def running(root: Path, arguments: Sequence[str]) -> Iterator[Running]:
    """Run the image's entry point in the root until the block ends."""
    command = ("unshare", "-m", "sh", "-ec", _RUN, "sh", str(root), str(DEBIAN))
    log = root.parent / "log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [*command, f"{PREFIX}/bin/runtimegate", *arguments],
            env={"PATH": "/usr/sbin:/usr/bin", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            port = _port(process, log)
            yield Running(pid=process.pid, port=port, ca_pem=(root / "tls/ca.crt").read_text())
        finally:
            process.terminate()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + START_SECONDS
    while (found := _ADDRESS.search(log.read_text())) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise ImageError(f"the image does not serve:\n{log.read_text()}")
        time.sleep(0.05)
    return int(found["port"])
