"""What a RuntimeClass means: the inventory, since the API tells only the handler's name."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from webhook.core.names import Action, Handler
from webhook.core.versions import Version
from webhook.core.workload import WorkloadKind

RUNTIMES: tuple[str, ...] = (
    "gvisor", "kata", "runc", "crun", "youki", "nvidia", "wasm", "windows", "other",
)  # fmt: skip
ON_THE_NODES_KERNEL = frozenset({"runc", "crun", "youki", "nvidia"})
"""Runtimes whose containers are processes of the node: what a kubelet says of them, they do."""
HYPERVISORS: tuple[str, ...] = ("qemu", "clh", "fc", "dragonball", "stratovirt", "remote")
CRIS: tuple[str, ...] = ("containerd", "cri-o", "cri-dockerd")
DEFAULT_ARCH = "amd64"
_SWITCHES: Mapping[str, str] = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "True"), "true"),
    **dict.fromkeys(("0", "f", "F", "FALSE", "False"), "false"),
}
"""How else Go's programs, runsc one of them, let a switch be written (strconv.ParseBool)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """A runtime that has ended, for the error that says so."""

    ended: str
    successor: str


RETIRED: Mapping[str, Retired] = {
    "rkt": Retired(
        ended="was archived by the CNCF on 2019-08-16", successor="containerd with runc"
    ),
    "rktlet": Retired(ended="ended with rkt in 2019", successor="containerd or CRI-O"),
    "runv": Retired(
        ended="was merged into Kata Containers (announced 2017-12)",
        successor="kata, for Alibaba's with vendor: alibaba",
    ),
    "frakti": Retired(
        ended="was retired by Kubernetes (kubernetes-retired/frakti)",
        successor="containerd or CRI-O with kata",
    ),
    "clear-containers": Retired(
        ended="was merged into Kata Containers (announced 2017-12)", successor="kata"
    ),
    "qemu-lite": Retired(
        ended="was removed from Kata Containers in 2.3.0 (2021-08)",
        successor="kata with qemu or clh",
    ),
    "nemu": Retired(
        ended="was removed from Kata Containers (2022-05)",
        successor="kata with clh (Cloud Hypervisor)",
    ),
    "dockershim": Retired(
        ended="was removed in Kubernetes 1.24 (2022)", successor="containerd, CRI-O or cri-dockerd"
    ),
}
_RETIRED_SPELLINGS: Mapping[str, str] = {
    "runv": "runv", "hyper": "runv", "hyperrunv": "runv", "clearcontainers": "clear-containers",
    "clearcontainer": "clear-containers", "cc": "clear-containers", "ccruntime": "clear-containers",
    "qemulite": "qemu-lite", "nemu": "nemu", "dockershim": "dockershim", "docker": "dockershim",
    "rkt": "rkt", "rktlet": "rktlet", "rocket": "rkt", "frakti": "frakti",
}  # fmt: skip


def retired(name: str) -> str | None:
    """What to say of a retired runtime's name in any usual spelling; None for any other name."""
    letters = "".join(c for c in name.lower() if c.isalnum())
    key = _RETIRED_SPELLINGS.get(letters)
    if key is None:
        return None
    return f"{key} {RETIRED[key].ended}; use {RETIRED[key].successor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cri:
    """The CRI implementation of the nodes; ``version`` None is unknown."""

    name: str
    version: Version | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeProfile:
    """One runtime as it is installed: everything that a fact may depend on.

    ``versions`` empty means unknown; several, during an upgrade, are judged each.
    """

    runtime: str
    runtime_class: str = ""
    handler: Handler | None = None
    versions: tuple[Version, ...] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
    hypervisor: str | None = None
    vendor: str | None = None
    cri: Cri | None = None
    arch: str = DEFAULT_ARCH
    key: tuple[object, ...] = field(init=False, repr=False, compare=False)
    """Everything that a compatibility verdict depends on, hashable."""
    _elsewhere: dict[str, "RuntimeProfile"] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Make ``key`` once: it is looked up for every pod."""
        cri = (self.cri.name, self.cri.version) if self.cri else None
        flags = tuple(sorted(self.flags.items()))
        key = (
            self.runtime, self.versions, flags, self.hypervisor, self.vendor, cri, self.arch,
        )  # fmt: skip
        object.__setattr__(self, "key", key)

    def has_flag(self, name: str, values: Collection[str]) -> bool:
        """Whether the flag is given with one of ``values``."""
        given = self.flags.get(name)
        return given is not None and (given in values or _SWITCHES.get(given) in values)

    def for_arch(self, arch: str) -> "RuntimeProfile":
        """This profile on nodes of another architecture; of each made once."""
        if arch == self.arch:
            return self
        found = self._elsewhere.get(arch)
        if found is None:
            found = self._elsewhere[arch] = replace(self, arch=arch)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceLabelsGuard:
    """Who may change the labels that policies select on."""

    action: Action
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """What the gate protects beside pods (DESIGN 2, ``guards``)."""

    runtime_classes: Action = Action.IGNORE
    namespace_labels: NamespaceLabelsGuard | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The RuntimeClasses of a cluster and what a pod without one runs on."""

    name: str = ""
    node_default: RuntimeProfile | None = None
    by_class: Mapping[str, RuntimeProfile] = field(default_factory=dict)
    guards: Guards = field(default_factory=Guards)
    workload_kinds: tuple[WorkloadKind, ...] = ()

    def profile_of(self, runtime_class: str | None) -> RuntimeProfile | None:
        """The profile of a class; of the node's default runtime for None; None when undeclared."""
        return self.by_class.get(runtime_class) if runtime_class else self.node_default
