"""One table of what users type and what becomes of it.

The end-to-end tests create each manifest with the real kubectl on the real API server;
`runtimegate check` decides the same manifests offline. Both must say what stands here.
"""

from dataclasses import dataclass

NAMESPACES: dict[str, dict[str, str]] = {
    "tenant-e2e": {},
    "platform-e2e": {},
    "fallback-e2e": {},
    "exempt-e2e": {},
    "labelled-e2e": {"e2e.runtimegate.dev/tier": "sandboxed"},
    "trial-e2e": {},
    "unmatched-e2e": {},
    "watched-e2e": {},
}
"""The namespaces of the tests and their labels."""

RUNTIME_CLASSES = """
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: gvisor}
handler: runsc
overhead: {podFixed: {memory: 64Mi}}
scheduling: {nodeSelector: {sandbox.example.com/gvisor: "true"}}
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: kata-qemu}
handler: kata-qemu
overhead: {podFixed: {memory: 320Mi, cpu: 250m}}
scheduling: {nodeSelector: {katacontainers.io/kata-runtime: "true"}}
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: runc}
handler: runc
"""
"""The RuntimeClasses of the test cluster, with overhead and scheduling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One manifest, and what becomes of it.

    ``runtime_class`` is what the stored pod has (None: none); ``says`` is what stands in what
    kubectl prints, in the warning or in the refusal.
    """

    name: str
    namespace: str
    manifest: str
    decision: str
    runtime_class: str | None = None
    reason: str | None = None
    says: tuple[str, ...] = ()
    overhead: dict[str, str] | None = None
    node_selector: dict[str, str] | None = None
    assigned_by: str | None = None


def _pod(name: str, image: str, spec: str = "", container: str = "") -> str:
    lines = [
        "apiVersion: v1",
        "kind: Pod",
        f"metadata: {{name: {name}}}",
        "spec:",
        *(f"  {line}" for line in spec.splitlines()),
        "  containers:",
        "    - name: main",
        f"      image: {image}",
        *(f"      {line}" for line in container.splitlines()),
    ]
    return "\n".join(lines) + "\n"


_GVISOR_NODE = {"sandbox.example.com/gvisor": "true"}
_KATA_NODE = {"katacontainers.io/kata-runtime": "true"}
_KATA_OVERHEAD = {"memory": "320Mi", "cpu": "250m"}

CASES: tuple[Case, ...] = (
    Case(
        name="a pod of a tenant gets gVisor, its overhead and its nodes",
        namespace="tenant-e2e",
        manifest=_pod("web", "nginx:1.31"),
        decision="assign",
        runtime_class="gvisor",
        overhead={"memory": "64Mi"},
        node_selector=_GVISOR_NODE,
        assigned_by="tenants",
        says=("Warning: policy tenants assigned runtimeClassName: gvisor\n",),
    ),
    Case(
        name="a pod that asks for the default itself is kept as it is",
        namespace="tenant-e2e",
        manifest=_pod("web-asked", "nginx:1.31", "runtimeClassName: gvisor"),
        decision="keep",
        runtime_class="gvisor",
        overhead={"memory": "64Mi"},
    ),
    Case(
        name="Postgres is refused as degraded, with the class to use",
        namespace="tenant-e2e",
        manifest=_pod("db", "postgres:18"),
        decision="deny",
        reason="RuntimeDegraded",
        runtime_class="gvisor",
        says=(
            (
                'admission webhook "pods.runtimegate.dev" denied the request: '
                "policy tenants: RuntimeClass gvisor runs postgresql badly: "
            ),
            "\n  container main (docker.io/library/postgres:18): needs perf:syscall-rate; gVisor ",
            " (container main); use runtimeClassName: kata-qemu",
        ),
    ),
    Case(
        name="Postgres with kata-qemu is created",
        namespace="tenant-e2e",
        manifest=_pod("db-kata", "postgres:18", "runtimeClassName: kata-qemu"),
        decision="keep",
        runtime_class="kata-qemu",
        overhead=_KATA_OVERHEAD,
        node_selector=_KATA_NODE,
    ),
    Case(
        name="a class that the policy does not allow is refused",
        namespace="tenant-e2e",
        manifest=_pod("escape", "nginx:1.31", "runtimeClassName: runc"),
        decision="deny",
        reason="RuntimeClassNotAllowed",
        runtime_class="runc",
        says=(
            "policy tenants: RuntimeClass runc is not allowed in namespace tenant-e2e; allowed: ",
        ),
    ),
    Case(
        name="a pod on the node's network is refused, naming the field",
        namespace="tenant-e2e",
        manifest=_pod("host", "nginx:1.31", "hostNetwork: true"),
        decision="deny",
        reason="RuntimeIncompatible",
        runtime_class="gvisor",
        says=(
            "policy tenants: RuntimeClass gvisor cannot run this pod: hostNetwork: ",
            "\n  spec.hostNetwork: needs pod:hostNetwork; gVisor ",
        ),
    ),
    Case(
        name="an annotation that reconfigures the sandbox is refused",
        namespace="tenant-e2e",
        manifest=_pod("flags", "nginx:1.31").replace(
            "{name: flags}", '{name: flags, annotations: {dev.gvisor.flag.net-raw: "true"}}'
        ),
        decision="deny",
        reason="RuntimeAnnotationNotAllowed",
        runtime_class="gvisor",
        says=("annotation dev.gvisor.flag.net-raw reconfigures the sandbox and is not allowed",),
    ),
    Case(
        name="a mirror annotation written by a tenant changes nothing",
        namespace="tenant-e2e",
        manifest=_pod("mirror", "nginx:1.31", "nodeName: node-1").replace(
            "{name: mirror}", '{name: mirror, annotations: {kubernetes.io/config.mirror: "x"}}'
        ),
        decision="assign",
        runtime_class="gvisor",
        assigned_by="tenants",
    ),
    Case(
        name="the fallback is assigned to Postgres, and why",
        namespace="fallback-e2e",
        manifest=_pod("db", "postgres:18"),
        decision="assign",
        runtime_class="kata-qemu",
        overhead=_KATA_OVERHEAD,
        node_selector=_KATA_NODE,
        assigned_by="e2e-fallback",
        says=(
            (
                "Warning: policy e2e-fallback assigned runtimeClassName: kata-qemu, "
                "because RuntimeClass gvisor runs postgresql badly: "
            ),
        ),
    ),
    Case(
        name="an ordinary pod under the fallback policy still gets gVisor",
        namespace="fallback-e2e",
        manifest=_pod("web", "nginx:1.31"),
        decision="assign",
        runtime_class="gvisor",
        assigned_by="e2e-fallback",
    ),
    Case(
        name="an exempt pod is left alone",
        namespace="exempt-e2e",
        manifest=_pod("agent", "nginx:1.31", "serviceAccountName: node-agent\nhostNetwork: true"),
        decision="keep",
    ),
    Case(
        name="beside the exempt one every pod is sandboxed",
        namespace="exempt-e2e",
        manifest=_pod("web", "nginx:1.31"),
        decision="assign",
        runtime_class="gvisor",
        assigned_by="e2e-exempt",
    ),
    Case(
        name="a namespace selected by its label is governed",
        namespace="labelled-e2e",
        manifest=_pod("web", "nginx:1.31"),
        decision="assign",
        runtime_class="gvisor",
        assigned_by="e2e-labelled",
    ),
    Case(
        name="mode warn changes nothing and says what it would do",
        namespace="trial-e2e",
        manifest=_pod("web", "nginx:1.31"),
        decision="keep",
        says=("Warning: policy e2e-warn (mode warn) would assign runtimeClassName: gvisor\n",),
    ),
    Case(
        name="mode warn refuses nothing and says what it would refuse",
        namespace="trial-e2e",
        manifest=_pod("db", "postgres:18"),
        decision="keep",
        says=(
            (
                "Warning: policy e2e-warn (mode warn) would refuse this pod: "
                "RuntimeClass gvisor runs postgresql badly: "
            ),
        ),
    ),
    Case(
        name="the platform may use runc",
        namespace="platform-e2e",
        manifest=_pod("ingress", "nginx:1.31", "runtimeClassName: runc"),
        decision="keep",
        runtime_class="runc",
    ),
    Case(
        name="a namespace that no policy matches is untouched",
        namespace="unmatched-e2e",
        manifest=_pod("web", "nginx:1.31"),
        decision="keep",
    ),
    Case(
        name="kube-system is untouched",
        namespace="kube-system",
        manifest=_pod("cni", "nginx:1.31", "hostNetwork: true"),
        decision="keep",
    ),
)

CASES_2018: tuple[Case, ...] = (
    Case(
        name="in October 2018 gVisor lacked what Postgres needs",
        namespace="tenant-2018",
        manifest=_pod("db", "postgres:11"),
        decision="deny",
        reason="RuntimeIncompatible",
        runtime_class="gvisor",
        says=(
            (
                "policy tenants: RuntimeClass gvisor cannot run postgresql: "
                "syscall sync_file_range is missing (container main); "
                "use runtimeClassName: kata-qemu"
            ),
            (
                "  container main (docker.io/library/postgres:11): needs syscall:sync_file_range; "
                "gVisor 20181030 answers ENOSYS (supported from 2018-11-08, google/gvisor#88)"
            ),
        ),
    ),
    Case(
        name="in October 2018 nginx ran on gVisor",
        namespace="tenant-2018",
        manifest=_pod("web", "nginx:1.15"),
        decision="assign",
        runtime_class="gvisor",
        assigned_by="tenants",
    ),
)
"""Under the example of the 2018 cluster: the message of DESIGN 7."""
