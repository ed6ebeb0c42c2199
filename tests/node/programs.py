"""The programs of a node: which they are, how they are built, where they lie.

Only the standard library: `build` runs this before anything is installed. The versions are those
of the go.mod files; nothing here repeats them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.binaries import Program, pinned_version
from tests.runsc.releases import RUNSC

HERE = Path(__file__).resolve().parent
BUILD_DIR = HERE.parents[1] / ".build" / "node"
BRINGS_IT = "make node"
CAP_SYS_RESOURCE = 24

KUBERNETES_VERSION = pinned_version(HERE / "kubernetes" / "go.mod", "k8s.io/kubernetes")
CONTAINERD_VERSION = pinned_version(
    HERE / "containerd" / "go.mod", "github.com/containerd/containerd/v2"
)
CNI_VERSION = pinned_version(HERE / "cni" / "go.mod", "github.com/containernetworking/plugins")
SHIM_VERSION = pinned_version(HERE / "shim" / "go.mod", "gvisor.dev/gvisor")


def _kubernetes(name: str, takes: str) -> Program:
    major, minor, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
    version = {"gitVersion": KUBERNETES_VERSION, "gitMajor": major, "gitMinor": minor}
    stamps = (f"-X k8s.io/component-base/version.{key}={value}" for key, value in version.items())
    return Program(
        name=name,
        package=f"k8s.io/kubernetes/cmd/{name}",
        module=HERE / "kubernetes",
        version=KUBERNETES_VERSION,
        ldflags=" ".join(("-s -w", *stamps)),
        takes=takes,
        folder=BUILD_DIR,
    )


def _containerd(name: str, takes: str) -> Program:
    package = "github.com/containerd/containerd/v2"
    return Program(
        name=name,
        package=f"{package}/cmd/{name}",
        module=HERE / "containerd",
        version=CONTAINERD_VERSION,
        ldflags=f"-s -w -X {package}/version.Version={CONTAINERD_VERSION}",
        takes=takes,
        folder=BUILD_DIR,
    )


def _cni(folder: str, name: str) -> Program:
    package = "github.com/containernetworking/plugins"
    return Program(
        name=name,
        package=f"{package}/plugins/{folder}/{name}",
        module=HERE / "cni",
        version=CNI_VERSION,
        ldflags=f"-s -w -X {package}/pkg/utils/buildversion.BuildVersion={CNI_VERSION}",
        takes="seconds",
        folder=BUILD_DIR,
    )


_SHIM = "containerd-shim-runsc-v1"
_SHIM_FLAGS = f"-s -w -X gvisor.dev/gvisor/runsc/version.version={SHIM_VERSION}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patched(Program):
    """A program of which one line is another; its module is a copy in the build folder."""

    source: Path
    file: str
    before: str
    after: str

    def go_arguments(self, output: Path) -> list[str]:
        """As of any program, but from the vendor folder, which holds the changed line."""
        arguments = super(Patched, self).go_arguments(output)
        return ["-mod=vendor" if a == "-mod=readonly" else a for a in arguments]

    def stamp(self) -> str:
        """Another change is another program."""
        whole = "\0".join((super(Patched, self).stamp(), self.file, self.before, self.after))
        return hashlib.sha256(whole.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Own(Program):
    """A program whose source is in this folder."""

    def stamp(self) -> str:
        """Another source is another program."""
        digest = hashlib.sha256(super(Own, self).stamp().encode())
        for source in sorted(self.module.glob("*.go")):
            digest.update(source.read_bytes())
        return digest.hexdigest()


SHIM = Program(
    name=_SHIM,
    package="gvisor.dev/gvisor/shim",
    module=HERE / "shim",
    version=SHIM_VERSION,
    ldflags=_SHIM_FLAGS,
    takes="half a minute",
    folder=BUILD_DIR,
)
SHIM_PATCHED = Patched(
    name=_SHIM,
    package="gvisor.dev/gvisor/shim",
    module=BUILD_DIR / "patched" / "src",
    version=SHIM_VERSION,
    ldflags=_SHIM_FLAGS,
    takes="half a minute",
    folder=BUILD_DIR / "patched",
    source=HERE / "shim",
    file="vendor/gvisor.dev/gvisor/pkg/shim/v1/manager.go",
    before="sys.SetOOMScore(cmd.Process.Pid, oomScoreMax); err != nil {",
    after="sys.SetOOMScore(cmd.Process.Pid, oomScoreMax); err != nil && !os.IsPermission(err) {",
)
"""For root without CAP_SYS_RESOURCE: the shim gives up where it may not lower its oom_score_adj."""

KUBELET = _kubernetes("kubelet", "under a minute after the control plane")
KUBE_SCHEDULER = _kubernetes("kube-scheduler", "under a minute after the control plane")
CONTAINERD = _containerd("containerd", "a minute and a half")
CTR = _containerd("ctr", "seconds")
SHIM_RUNC = _containerd("containerd-shim-runc-v2", "seconds")
CNI = (_cni("main", "bridge"), _cni("main", "loopback"), _cni("ipam", "host-local"))
PROBE = Own(
    name="probe",
    package="runtimegate.test/node/probe",
    module=HERE / "probe",
    version="of this folder",
    ldflags="-s -w",
    takes="seconds",
    folder=BUILD_DIR,
)
"""What pods call to try what no shell can."""

DEBIAN_PACKAGES = {"runc": "usr/sbin/runc", "busybox-static": "bin/busybox"}
"""Programs taken from packages of Debian, and where they lie in them."""


TOOLS = {"unshare": "util-linux", "losetup": "mount", "mount": "mount", "ip": "iproute2"}
"""Programs of the machine, and their packages."""


def lacks_sys_resource() -> bool:
    """Whether this process, root or not, may not lower an oom_score_adj."""
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return not int(effective.split()[1], 16) >> CAP_SYS_RESOURCE & 1


def shim() -> Program:
    """The stock shim of gVisor, or, where that cannot start, the patched one."""
    return SHIM_PATCHED if lacks_sys_resource() else SHIM


def programs() -> tuple[Program, ...]:
    """What is built, in this order: each reuses the packages of those before."""
    return (PROBE, KUBELET, KUBE_SCHEDULER, CONTAINERD, CTR, SHIM_RUNC, *CNI, shim())


def debian_program(package: str) -> Path:
    """Where the program of one of DEBIAN_PACKAGES lies once it was fetched."""
    return BUILD_DIR / "debian" / package / DEBIAN_PACKAGES[package]


class NodeMissing(Exception):
    """Programs are missing or outdated; the message names them and the command that brings them."""


class NodeForbidden(Exception):
    """This machine cannot run a node; the message says why."""


def require_programs() -> None:
    """Raise NodeMissing unless all is built and fetched, runsc included."""
    tools = [name for name in TOOLS if shutil.which(name) is None]
    if tools:
        packages = sorted({TOOLS[name] for name in tools})
        raise NodeMissing(f"a node needs {', '.join(tools)} (Debian: {', '.join(packages)})")
    absent = [program.name for program in (*programs(), RUNSC) if not program.is_current()]
    absent += [name for name in DEBIAN_PACKAGES if not os.access(debian_program(name), os.X_OK)]
    if absent:
        raise NodeMissing(
            f"{', '.join(absent)}: not there, or of an older go.mod; `{BRINGS_IT}` brings them"
            " (about 4 minutes the first time, after the control plane and runsc)"
        )


def require_machine() -> None:
    """Raise NodeForbidden where the kernel or the user cannot do what a node needs."""
    if os.geteuid():
        raise NodeForbidden("a node needs root: namespaces, mounts and cgroups")
    systems = Path("/proc/filesystems").read_text().split()
    if "overlay" not in systems:
        raise NodeForbidden("this kernel has no overlay file system")
    temporary = tempfile.gettempdir()
    if "overlayfs" in _said("stat", "-f", "-c", "%T", temporary):
        raise NodeForbidden(f"{temporary} is on overlayfs; let TMPDIR name a folder that is not")
    made = _said("unshare", *NAMESPACES, "--fork", "echo", "made")
    if made != "made" and shutil.which("unshare"):
        raise NodeForbidden("this machine lets root make no namespaces")


NAMESPACES = ("--mount", "--net", "--ipc", "--uts", "--pid")


def _said(*command: str) -> str:
    """What a command prints; nothing where it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()
