"""The programs of the control plane: which they are, how they are built, where they lie.

Only the standard library: `build` runs this before anything is installed. The versions are
those of go.mod and etcd/go.mod; nothing here repeats them.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD_DIR = HERE.parents[1] / ".build" / "controlplane"
BRINGS_THEM = "make controlplane"


def pinned_version(module: Path, path: str) -> str:
    """The version that a go.mod requires of a module: `v1.37.2`."""
    line = re.compile(rf"^\s*(?:require )?{re.escape(path)} (v\S+)", re.MULTILINE)
    found = line.search(module.read_text())
    if found is None:
        raise ValueError(f"{module} does not require {path}")
    return found[1]


def go_line(module: Path) -> tuple[int, ...]:
    """The lowest Go version that a go.mod accepts: (1, 26, 0)."""
    found = re.search(r"^go (\d+(?:\.\d+)*)$", module.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{module} has no go line")
    return tuple(int(part) for part in found[1].split("."))


KUBERNETES_VERSION = pinned_version(HERE / "go.mod", "k8s.io/kubernetes")
ETCD_VERSION = pinned_version(HERE / "etcd" / "go.mod", "go.etcd.io/etcd/server/v3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One command to build: its name, its Go package, and the folder of the go.mod it is from.

    ``folder`` has what is built: ``bin``, ``stamp`` and ``log``, and the lock of the build.
    """

    name: str
    package: str
    module: Path
    version: str
    ldflags: str
    takes: str
    folder: Path = BUILD_DIR

    def go_arguments(self, output: Path) -> list[str]:
        """The arguments of `go`; stripped, without paths of this machine, the same anywhere."""
        return [
            *("build", "-mod=readonly", "-trimpath", "-buildvcs=false"),
            *("-ldflags", self.ldflags, "-o", str(output), self.package),
        ]

    def stamp(self) -> str:
        """What the binary is made of, as a digest: another one means build again."""
        digest = hashlib.sha256("\0".join(self.go_arguments(Path(self.name))).encode())
        for name in ("go.mod", "go.sum"):
            digest.update(self.module.joinpath(name).read_bytes())
        return digest.hexdigest()

    @property
    def path(self) -> Path:
        return self.folder / "bin" / self.name

    @property
    def stamp_path(self) -> Path:
        return self.folder / "stamp" / self.name

    def is_current(self) -> bool:
        """Whether the binary is there and was built from what go.mod and go.sum now say."""
        try:
            return os.access(self.path, os.X_OK) and self.stamp_path.read_text() == self.stamp()
        except FileNotFoundError:
            return False


def _kubernetes(name: str, takes: str) -> Program:
    # Without the version kubectl and the server call themselves v0.0.0-master, and features that
    # depend on the release are judged against the wrong one.
    major, minor, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
    version = {"gitVersion": KUBERNETES_VERSION, "gitMajor": major, "gitMinor": minor}
    stamps = (
        f"-X {package}.{key}={value}"
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        for key, value in version.items()
    )
    return Program(
        name=name,
        package=f"k8s.io/kubernetes/cmd/{name}",
        module=HERE,
        version=KUBERNETES_VERSION,
        ldflags=" ".join(("-s -w", *stamps)),
        takes=takes,
    )


ETCD = Program(
    name="etcd",
    package="go.etcd.io/etcd/server/v3",
    module=HERE / "etcd",
    version=ETCD_VERSION,
    ldflags="-s -w",  # its version is a constant of the source
    takes="under a minute",
)
KUBE_APISERVER = _kubernetes("kube-apiserver", "4 to 7 minutes")
KUBECTL = _kubernetes("kubectl", "half a minute")
KUBE_CONTROLLER_MANAGER = _kubernetes("kube-controller-manager", "1 to 4 minutes")

PROGRAMS = (ETCD, KUBE_APISERVER, KUBECTL, KUBE_CONTROLLER_MANAGER)
"""In the order in which they are built: each reuses the packages of those before."""

NEEDED = (ETCD, KUBE_APISERVER, KUBECTL)
"""What a control plane cannot do without, and what KUBEBUILDER_ASSETS holds by custom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """Programs that can be run. `pinned`: built here, so of the versions that go.mod names."""

    etcd: Path
    kube_apiserver: Path
    kubectl: Path
    kube_controller_manager: Path | None
    pinned: bool


class BinariesMissing(Exception):
    """Programs are missing or outdated; the message names them and the command that brings them."""


def find_binaries(environ: Mapping[str, str]) -> Binaries:
    """The folder that KUBEBUILDER_ASSETS names when it has what is needed, else what was built.

    Raises BinariesMissing when neither is whole.
    """
    assets = assets_folder(environ)
    if assets is not None:
        return _binaries({program: assets / program.name for program in PROGRAMS}, pinned=False)
    absent = [program.name for program in NEEDED if not program.is_current()]
    if absent:
        raise BinariesMissing(
            f"{', '.join(absent)}: not built, or of an older go.mod;"
            f" `{BRINGS_THEM}` builds them (about 10 minutes the first time),"
            " or let KUBEBUILDER_ASSETS name a folder that has them"
        )
    return _binaries({program: program.path for program in PROGRAMS}, pinned=True)


def assets_folder(environ: Mapping[str, str]) -> Path | None:
    """The folder of KUBEBUILDER_ASSETS, if it is set and has all that is needed."""
    named = environ.get("KUBEBUILDER_ASSETS")
    if not named:
        return None
    folder = Path(named).absolute()
    whole = all(os.access(folder / program.name, os.X_OK) for program in NEEDED)
    return folder if whole else None


def _binaries(paths: Mapping[Program, Path], *, pinned: bool) -> Binaries:
    manager = paths[KUBE_CONTROLLER_MANAGER]
    usable = KUBE_CONTROLLER_MANAGER.is_current() if pinned else os.access(manager, os.X_OK)
    return Binaries(
        etcd=paths[ETCD],
        kube_apiserver=paths[KUBE_APISERVER],
        kubectl=paths[KUBECTL],
        kube_controller_manager=manager if usable else None,
        pinned=pinned,
    )
