"""A gVisor ``runsc`` on this machine: which release it is, and a command run in a sandbox of it.

Nothing outlives a run: its files lie in one folder that is removed, and where we are root all its
processes and mounts are in namespaces of their own, which end with it whatever happens.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from webhook.core.versions import Version, VersionError, parse_version
from webhook.live.child import Ran, run_folder, run_to_end

NETWORKS = ("none", "sandbox", "host")
_ASKED_SECONDS = 20
OWN_NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--")


class RunscError(Exception):
    """runsc cannot be used; the message is for the person who asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runsc:
    """One runsc, and the release that it says it is."""

    path: Path
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """How a command is run: runsc's flags, the root file system, the network, for how long."""

    flags: Mapping[str, str] = field(default_factory=dict)
    root: Path = Path("/")
    network: str = "none"
    seconds: float = 300


def is_root() -> bool:
    """Whether we may make namespaces and mounts."""
    return os.geteuid() == 0


def find_runsc(given: Path | None, version: str | None = None) -> Runsc:
    """The runsc at ``given``, else on the PATH. Raises RunscError."""
    found = shutil.which(str(given or "runsc"))
    if found is None:
        where = f"no runsc at {given}" if given else "no runsc on the PATH"
        raise RunscError(f"{where}: {HOW_TO_GET_ONE}")
    path = Path(found).resolve()
    return Runsc(path=path, version=_version(version or _says(path), path))


HOW_TO_GET_ONE = (
    "Debian has the package runsc, https://gvisor.dev/docs/user_guide/install the newest, and "
    "--runsc says where another is"
)


def _says(path: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the program that the operator named
            [path, "--version"], capture_output=True, text=True, timeout=_ASKED_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunscError(f"{path} cannot be run: {error}") from None
    first = done.stdout.partition("\n")[0]
    if not first.startswith("runsc version "):
        raise RunscError(f"{path} is no runsc: --version says {first[:80]!r}")
    return first.removeprefix("runsc version ").strip()


def _version(text: str, path: Path) -> Version:
    try:
        return parse_version(text)
    except VersionError:
        message = f"{path} says that its version is {text[:80]!r}; say with --version which it is"
        raise RunscError(message) from None


def run_under(runsc: Runsc, sandbox: Sandbox, command: Sequence[str], log: Path) -> Ran:
    """Run ``command`` in a sandbox; runsc's logs, its own strace among them, go below ``log``.

    Raises RunscError where runsc could not make the sandbox.
    """
    with run_folder() as folder:
        ran = run_to_end(_command(runsc, sandbox, command, folder, log), sandbox.seconds)
    if not any(log.glob("*boot*")):
        raise RunscError(f"runsc could not make a sandbox: {_reason(ran)}{_advice()}")
    return ran


def _reason(ran: Ran) -> str:
    """The line in which runsc says what is wrong: of a wrong flag the first, else the last."""
    lines = [line.strip() for line in ran.said.splitlines() if line.strip()]
    if not lines:
        return f"exit {ran.status}, and it says nothing"
    said = lines[0] if lines[0].startswith("flag provided") else lines[-1]
    return said[:300]


def _advice() -> str:
    return "" if is_root() else " (as root there is less that can be in its way)"


def _command(
    runsc: Runsc, sandbox: Sandbox, command: Sequence[str], folder: Path, log: Path
) -> list[str]:
    flags = [f"--{name}={value}" for name, value in sandbox.flags.items()]
    logs = ["--debug", f"--debug-log={log}/", "--strace"]
    start = [str(runsc.path), f"--network={sandbox.network}", *logs, *flags]
    inside = ["do", "-root", str(sandbox.root), *command]
    if not is_root():
        return [*start, "--rootless", *inside]
    if sandbox.network == "sandbox":
        # `do` makes it: it changes the machine's network, and undoes that once the sandbox ended.
        return [*start, *inside]
    state = f"--root={folder / 'state'}"
    bundle = f"--bundle={_bundle(sandbox, command, folder)}"
    run = [*start, state, "--ignore-cgroups", _overlay(runsc), "run", bundle, "probe"]
    return [*OWN_NAMESPACES, *run]


def _overlay(runsc: Runsc) -> str:
    """The flag by which nothing that is written reaches the root file system."""
    asked = subprocess.run(  # noqa: S603 - the program that the operator named
        [runsc.path, "flags"], capture_output=True, text=True, timeout=_ASKED_SECONDS, check=False
    )
    return "--overlay2=all:memory" if "-overlay2" in asked.stdout + asked.stderr else "--overlay"


def _bundle(sandbox: Sandbox, command: Sequence[str], folder: Path) -> Path:
    """An OCI bundle that runs ``command`` as `runsc do` would."""
    bundle = folder / "bundle"
    bundle.mkdir()
    every = ["CAP_" + name for name in _CAPABILITIES]
    spec = {
        "ociVersion": "1.0.0",
        "root": {"path": str(sandbox.root)},
        "hostname": socket.gethostname(),
        "process": {
            "args": list(command),
            "cwd": os.getcwd() if sandbox.root == Path("/") else "/",
            "env": [f"{name}={value}" for name, value in os.environ.items()],
            "user": {"uid": 0, "gid": 0},
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), every),
        },
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": [{"type": "network"}] if sandbox.network == "none" else []},
    }
    bundle.joinpath("config.json").write_text(json.dumps(spec))
    return bundle


_CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
    "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
)  # fmt: skip

_NATIVELY = r"""
set -e
folder=$1 root=$2 at=$3 net=$4; shift 4
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
layers=lowerdir=$root,upperdir=$folder/upper,workdir=$folder/work
mount -t overlay -o "$layers" overlay "$folder/root"
if [ "$net" = none ]; then ip link set lo up 2>/dev/null || true; fi
cd "$folder/root"
for name in dev sys; do if [ -d "$name" ]; then mount --rbind "/$name" "$name"; fi; done
if [ -d proc ]; then mount -t proc proc proc; fi
if [ "$root" != / ]; then exec chroot . "$@"; fi
exec chroot . /bin/sh -c 'cd "$1" 2>/dev/null || cd /; shift; exec "$@"' sh "$at" "$@"
"""
_NOT_MADE = 199
"""What the shell exits with where the overlay cannot be made: no command has that status."""


def run_natively(sandbox: Sandbox, command: Sequence[str]) -> Ran | None:
    """The control: ``command`` on this machine's own kernel, in namespaces and on an overlay that
    are thrown away. None where that cannot be had: it needs root, and overlayfs.
    """
    if not is_root():
        return None
    at = os.getcwd() if sandbox.root == Path("/") else "/"
    network = ("--net",) if sandbox.network == "none" else ()
    script = f"trap 'exit {_NOT_MADE}' EXIT\n{_NATIVELY}"
    with run_folder() as folder:
        start = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts")
        shell = ("sh", "-c", script, "sh", str(folder), str(sandbox.root), at, sandbox.network)
        ran = run_to_end([*start, *network, "--", *shell, *command], sandbox.seconds)
    return None if ran.status == _NOT_MADE else ran
