"""What the demo shows: what a person types, and what must become of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
POLICIES = ROOT / "policies"
POLICIES_2018 = POLICIES / "examples" / "2018-article"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One ``kubectl create``; ``reads`` stands in what is printed, ``stored`` in the pod's spec."""

    headline: str
    file: str
    namespace: str
    reads: tuple[str, ...]
    stored: Mapping[str, object] | None = None

    @property
    def path(self) -> Path:
        """The manifest."""
        return EXAMPLES / self.file

    @property
    def arguments(self) -> tuple[str, ...]:
        """What is typed after ``kubectl``, from the root of the checkout."""
        return ("create", "-n", self.namespace, "-f", str(self.path.relative_to(ROOT)))


TODAY: tuple[Scene, ...] = (
    Scene(
        headline="A tenant's pod gets the sandbox that the policy demands, and its author is told",
        file="web.yaml",
        namespace="tenant-a",
        reads=(
            "Warning: policy tenants assigned runtimeClassName: gvisor\n",
            "pod/web created\n",
        ),
        stored={"runtimeClassName": "gvisor"},
    ),
    Scene(
        headline="A database that gVisor would run badly is refused: why, the evidence, what to do",
        file="db.yaml",
        namespace="tenant-a",
        reads=(
            "Error from server (Forbidden): ",
            "policy tenants: RuntimeClass gvisor runs postgresql badly: ",
            "(container db); use runtimeClassName: kata-qemu",
        ),
    ),
    Scene(
        headline="The same database on the runtime that the refusal named",
        file="db-kata.yaml",
        namespace="tenant-a",
        reads=("pod/db-kata created\n",),
        stored={"runtimeClassName": "kata-qemu"},
    ),
    Scene(
        headline="A pod that the sandbox cannot run is refused, naming the field",
        file="host-network.yaml",
        namespace="tenant-a",
        reads=(
            "Error from server (Forbidden): ",
            "policy tenants: RuntimeClass gvisor cannot run this pod: ",
            "\n  spec.hostNetwork: needs pod:hostNetwork; gVisor ",
        ),
    ),
    Scene(
        headline="A RuntimeClass that tenants may not use is refused, never overwritten",
        file="runc.yaml",
        namespace="tenant-a",
        reads=(
            "policy tenants: RuntimeClass runc is not allowed in namespace tenant-a; allowed: ",
        ),
    ),
    Scene(
        headline="The platform's own pods may run on runc",
        file="runc.yaml",
        namespace="platform-ingress",
        reads=("pod/plain created\n",),
        stored={"runtimeClassName": "runc"},
    ),
    Scene(
        headline="The cluster's own namespace is never touched",
        file="host-network.yaml",
        namespace="kube-system",
        reads=("pod/sniffer created\n",),
        stored={"hostNetwork": True},
    ),
)

IN_2018: tuple[Scene, ...] = (
    Scene(
        headline="gVisor of October 2018: it lacked a system call that the database needs",
        file="db-2018.yaml",
        namespace="tenant-2018",
        reads=(
            (
                'Error from server (Forbidden): error when creating "docs/examples/db-2018.yaml": '
                'admission webhook "pods.runtimegate.dev" denied the request: '
                "policy tenants: RuntimeClass gvisor cannot run postgresql: "
                "syscall sync_file_range is missing (container db); "
                "use runtimeClassName: kata-qemu\n"
                "  container db (docker.io/library/postgres:11): needs syscall:sync_file_range; "
                "gVisor 20181030 answers ENOSYS (supported from 2018-11-08, google/gvisor#88)\n"
            ),
        ),
    ),
)


def missing(scene: Scene, printed: str) -> list[str]:
    """What ``scene`` should have printed and did not."""
    return [text for text in scene.reads if text not in printed]


def wrongly_stored(scene: Scene, spec: Mapping[str, object] | None) -> list[str]:
    """Where the pod's spec, None when it was not created, is not what the scene says."""
    if (spec is None) != (scene.stored is None):
        return ["the pod was created" if spec is not None else "the pod was not created"]
    return [
        f"spec.{key} is {(spec or {}).get(key)!r}, not {value!r}"
        for key, value in (scene.stored or {}).items()
        if (spec or {}).get(key) != value
    ]
