"""What the shipped table says of pod fields, by runtime; and that its rows are fit to be shown."""

import re
from datetime import date

import pytest

from tests.build import TODAY, container, pod, profile
from tests.data.shipped import FOLDER, faults, table
from webhook.core.compat import Fact
from webhook.core.features import FEATURES
from webhook.core.names import Feature, Support
from webhook.core.runtimes import RUNTIMES, Cri, RuntimeProfile
from webhook.core.versions import parse_version

GVISOR = profile("gvisor", "20260817.0")
GKE = profile("gvisor", "20260817.0", vendor="gke")
KATA = profile("kata", "4.1.0", hypervisor="qemu")
FIRECRACKER = profile("kata", "4.1.0", hypervisor="fc")
STRATOVIRT = profile("kata", "4.1.0", hypervisor="stratovirt")
RUNC = profile("runc", "1.4.0")
CONTAINERD = Cri(name="containerd", version=parse_version("2.1.4"))

CONTAINERD_24 = Cri(name="containerd", version=parse_version("2.4.0"))

GVISOR_2024 = profile("gvisor", "20240729.0")
GVISOR_CONTAINERD = profile("gvisor", "20260817.0", cri=CONTAINERD)

SUFFIXES = {
    "pod:os.name": ("/linux", "/windows"),
    "pod:seccompProfile": ("/RuntimeDefault", "/Localhost"),
    "pod:appArmorProfile": ("/RuntimeDefault", "/Localhost"),
    "pod:sysctl": ("", "/net.core.somaxconn"),
    "cap:": ("NET_ADMIN", "SYS_ADMIN", "SOMETHING_NEW"),
    "pod:procMount": ("/Unmasked",),
    "pod:mountPropagation": ("/Bidirectional", "/HostToContainer"),
    "pod:hostPath": (
        "",
        "/device",
        "/device/fuse",
        "/device/net/tun",
        "/Socket",
        "/Socket/plugin",
    ),
    "pod:resources": ("/hugepages", "/nvidia.com/gpu", "/example.com/thing"),
}
ASKED = sorted({Feature(f"{row.id}{s}") for row in FEATURES for s in SUFFIXES.get(row.id, ("",))})


@pytest.mark.parametrize("feature", ASKED)
@pytest.mark.parametrize("runtime", [runtime for runtime in RUNTIMES if runtime != "other"])
def test_every_pod_feature_has_a_row_for_every_runtime(runtime: str, feature: Feature) -> None:
    facts = table().bind(profile(runtime), TODAY).facts_about(feature)
    assert any(fact.when.specificity == 0 for fact in facts)


def secured(**security: object) -> dict[str, object]:
    """A pod whose one container has this securityContext."""
    return pod(containers=[container(securityContext=security)])


def volume(**source: object) -> dict[str, object]:
    """A pod with this volume."""
    return pod(volumes=[{"name": "v", **source}])


def limited(name: str) -> dict[str, object]:
    """A pod whose one container is limited to one of a resource."""
    return pod(containers=[container(resources={"limits": {name: "1"}})])


def adding(capability: str) -> dict[str, object]:
    """A pod whose one container adds a capability."""
    return secured(capabilities={"add": [capability]})


def mounting(**mount: str) -> dict[str, object]:
    """A pod whose one container has this volume mount."""
    return pod(containers=[container(volumeMounts=[{"name": "v", "mountPath": "/v", **mount}])])


def podwide(**security: object) -> dict[str, object]:
    """A pod with this securityContext."""
    return pod(securityContext=security)


HOST_NETWORK = pod(hostNetwork=True)
HOST_PID = pod(hostPID=True)
SHARED_PID = pod(shareProcessNamespace=True)
PRIVILEGED = secured(privileged=True)
SECCOMP = podwide(seccompProfile={"type": "RuntimeDefault"})
SELINUX = podwide(seLinuxOptions={"type": "spc_t"})
SOMAXCONN = podwide(sysctls=[{"name": "net.core.somaxconn", "value": "1024"}])
NR_OPEN = podwide(sysctls=[{"name": "fs.nr_open", "value": "1024"}])
HOST_PATH = volume(hostPath={"path": "/srv"})
KVM = volume(hostPath={"path": "/dev/kvm"})
FUSE = volume(hostPath={"path": "/dev/fuse"})
RANDOM = volume(hostPath={"path": "/dev/urandom", "type": "CharDevice"})
DOCKER = volume(hostPath={"path": "/var/run/docker.sock"})
PLUGINS = volume(hostPath={"path": "/var/lib/kubelet/device-plugins"})
BLOCK = pod(containers=[container(volumeDevices=[{"name": "d", "devicePath": "/dev/x"}])])
USERNS = pod(hostUsers=False)
BIDIRECTIONAL = mounting(mountPropagation="Bidirectional")
PROPAGATION = "pod:mountPropagation/Bidirectional"
GPU = limited("nvidia.com/gpu")
MIG = limited("nvidia.com/mig-1g.5gb")

BAD: list[tuple[RuntimeProfile, object, str, str]] = [
    (GVISOR, HOST_NETWORK, "incompatible", "pod:hostNetwork"),
    (GVISOR, HOST_PID, "degraded", "pod:hostPID"),
    (GVISOR, pod(hostIPC=True), "degraded", "pod:hostIPC"),
    (GVISOR, PRIVILEGED, "degraded", "pod:privileged"),
    (GVISOR, SECCOMP, "ignoredSecurity", "pod:seccompProfile/RuntimeDefault"),
    (GVISOR, secured(appArmorProfile={"type": "RuntimeDefault"}), "ignoredSecurity",
     "pod:appArmorProfile/RuntimeDefault"),
    (GVISOR, SELINUX, "incompatible", "pod:seLinuxOptions"),
    (GVISOR_CONTAINERD, SELINUX, "ignoredSecurity", "pod:seLinuxOptions"),
    (GVISOR, SOMAXCONN, "ignoredSecurity", "pod:sysctl/net.core.somaxconn"),
    (profile("gvisor", "20230621.0"), NR_OPEN, "ignoredSecurity", "pod:sysctl/fs.nr_open"),
    (GVISOR, BLOCK, "incompatible", "pod:volumeDevices"),
    (GVISOR, KVM, "incompatible", "pod:hostPath/device"),
    (GVISOR, FUSE, "incompatible", "pod:hostPath/device/fuse"),
    (GKE, FUSE, "incompatible", "pod:hostPath/device/fuse"),
    (GVISOR, DOCKER, "incompatible", "pod:hostPath/Socket"),
    (GVISOR, PLUGINS, "incompatible", "pod:hostPath/Socket/plugin"),
    (GVISOR, limited("hugepages-2Mi"), "degraded", "pod:resources/hugepages"),
    (GVISOR, volume(emptyDir={"medium": "HugePages"}), "incompatible", "pod:hugepages"),
    (GVISOR, limited("amd.com/gpu"), "incompatible", "pod:resources/amd.com/gpu"),
    (GVISOR, MIG, "incompatible", "pod:resources/nvidia.com/mig-1g.5gb"),
    (GVISOR, limited("example.com/thing"), "unknown", "pod:resources/example.com/thing"),
    (GVISOR_2024, GPU, "incompatible", "pod:resources/nvidia.com/gpu"),
    (GVISOR, BIDIRECTIONAL, "incompatible", PROPAGATION),
    (GVISOR, mounting(recursiveReadOnly="Enabled"), "incompatible", "pod:recursiveReadOnly"),
    (GVISOR_CONTAINERD, USERNS, "incompatible", "pod:hostUsers/false"),
    (profile("gvisor", "20260817.0", cri=CONTAINERD_24), USERNS, "incompatible",
     "pod:hostUsers/false"),
    (GVISOR, USERNS, "unknown", "pod:hostUsers/false"),
    (GVISOR_2024, USERNS, "incompatible", "pod:hostUsers/false"),
    (GVISOR, adding("NET_RAW"), "incompatible", "cap:NET_RAW"),
    (GVISOR, adding("SYS_MODULE"), "incompatible", "cap:SYS_MODULE"),
    (GVISOR, adding("SYS_TIME"), "incompatible", "cap:SYS_TIME"),
    (GVISOR, adding("BPF"), "incompatible", "cap:BPF"),
    (GVISOR, adding("ALL"), "degraded", "cap:ALL"),
    (GKE, HOST_PATH, "incompatible", "pod:hostPath"),
    (GKE, KVM, "incompatible", "pod:hostPath/device"),
    (GKE, PRIVILEGED, "incompatible", "pod:privileged"),
    (GKE, secured(procMount="Unmasked"), "incompatible", "pod:procMount/Unmasked"),
    (KATA, HOST_NETWORK, "incompatible", "pod:hostNetwork"),
    (KATA, HOST_PID, "degraded", "pod:hostPID"),
    (KATA, PRIVILEGED, "degraded", "pod:privileged"),
    (KATA, SECCOMP, "ignoredSecurity", "pod:seccompProfile/RuntimeDefault"),
    (KATA, SELINUX, "ignoredSecurity", "pod:seLinuxOptions"),
    (KATA, KVM, "degraded", "pod:hostPath/device"),
    (KATA, DOCKER, "incompatible", "pod:hostPath/Socket"),
    (KATA, PLUGINS, "incompatible", "pod:hostPath/Socket/plugin"),
    (KATA, adding("SYS_MODULE"), "incompatible", "cap:SYS_MODULE"),
    (KATA, BIDIRECTIONAL, "incompatible", PROPAGATION),
    (profile("kata", "4.1.0", cri=CONTAINERD), USERNS, "incompatible", "pod:hostUsers/false"),
    (FIRECRACKER, BLOCK, "incompatible", "pod:volumeDevices"),
    (STRATOVIRT, BLOCK, "incompatible", "pod:volumeDevices"),
    (FIRECRACKER, HOST_PATH, "degraded", "pod:hostPath"),
    (FIRECRACKER, GPU, "incompatible", "pod:resources/nvidia.com/gpu"),
    (profile("runc", "1.1.15"), USERNS, "incompatible", "pod:hostUsers/false"),
    (profile("youki", "0.7.0"), SELINUX, "ignoredSecurity", "pod:seLinuxOptions"),
]  # fmt: skip


@pytest.mark.parametrize(("runtime", "obj", "verdict", "feature"), BAD)
def test_a_field_that_a_runtime_does_not_honour_is_told(
    runtime: RuntimeProfile, obj: dict[str, object], verdict: str, feature: str
) -> None:
    assert faults(obj, runtime) == [(verdict, feature)]


FLAGS = {"net-raw": "true", "oci-seccomp": "true", "host-uds": "open"}
OPEN = profile("gvisor", "20260817.0", flags=FLAGS)

GOOD: list[tuple[RuntimeProfile, object]] = [
    *((runtime, HOST_PATH) for runtime in (GVISOR, KATA, RUNC)),
    *((runtime, SHARED_PID) for runtime in (GVISOR, KATA, FIRECRACKER, RUNC)),
    *((runtime, mounting(subPath="d")) for runtime in (GVISOR, KATA, FIRECRACKER, RUNC)),
    *((r, mounting(recursiveReadOnly="IfPossible")) for r in (GVISOR, KATA, FIRECRACKER, RUNC)),
    *((r, secured(allowPrivilegeEscalation=False)) for r in (GVISOR, GKE, KATA, RUNC)),
    *((r, RANDOM) for r in (GVISOR, KATA, RUNC)),
    *((r, adding(c)) for r in (GVISOR, KATA, RUNC) for c in ("NET_ADMIN", "SYS_ADMIN", "IPC_LOCK")),
    *((r, adding(c)) for r in (GVISOR, KATA, RUNC) for c in ("NET_BIND_SERVICE", "SYS_NICE")),
    *((RUNC, obj) for obj in (HOST_NETWORK, HOST_PID, PRIVILEGED, SECCOMP, SELINUX, SOMAXCONN)),
    *((RUNC, obj) for obj in (KVM, DOCKER, BLOCK, USERNS)),
    (GVISOR, mounting(mountPropagation="HostToContainer")),
    (GVISOR, NR_OPEN),
    (GVISOR, secured(procMount="Unmasked")),
    (GVISOR, volume(image={"reference": "quay.io/data:1"})),
    (GVISOR, GPU),
    (profile("gvisor", "20240729.0", flags={"nvproxy": "true"}), GPU),
    (GKE, GPU),
    (GKE, adding("NET_RAW")),
    (OPEN, adding("NET_RAW")),
    (OPEN, SECCOMP),
    (OPEN, DOCKER),
    (profile("gvisor", "20260905.0"), FUSE),
    (KATA, BLOCK),
    (KATA, SOMAXCONN),
    (profile("kata", "4.1.0", flags={"disable_guest_seccomp": "false"}), SECCOMP),
]


@pytest.mark.parametrize(("runtime", "obj"), GOOD)
def test_a_field_that_a_runtime_honours_is_no_finding(
    runtime: RuntimeProfile, obj: dict[str, object]
) -> None:
    assert faults(obj, runtime) == []


# The rows themselves.


def own_rows() -> list[Fact]:
    """The rows that people wrote: those of the generated system call tables are left out."""
    return [f for f in table().facts if not f.feature.startswith("syscall:")]


def test_every_row_says_where_it_is_known_from() -> None:
    assert [f.feature for f in table().facts if not f.evidence] == []


NEWEST_MEASUREMENT = date(2026, 11, 26)
"""The day of the youngest evidence: rows from after it are a slip of the pen."""


def test_evidence_is_dated_and_not_from_the_future() -> None:
    dates = {date.fromisoformat(e.date) for f in table().facts for e in f.evidence}
    assert max(dates) <= NEWEST_MEASUREMENT
    assert min(dates) >= date(2018, 4, 26)


def test_what_is_not_plainly_supported_says_what_the_runtime_does() -> None:
    assert [f.feature for f in own_rows() if f.support is not Support.FULL and not f.note] == []


def test_a_note_begins_with_a_short_sentence_that_follows_the_name_of_the_runtime() -> None:
    first = {f.note.split(". ")[0].rstrip(".") for f in own_rows() if f.note}
    assert sorted(s for s in first if len(s) > 80 or not re.match(r"[a-z]", s)) == []


def test_evidence_of_measurements_tells_the_release() -> None:
    measured = {e.source for f in own_rows() for e in f.evidence if e.kind == "measured"}
    assert sorted(s for s in measured if not re.search(r"runsc 20\d{6}", s)) == []


def test_references_have_a_form_that_a_reader_can_open() -> None:
    forms = (
        r"https://[^ ]+",
        r"[\w.-]+/[\w.-]+#\d+",
        r"[\w.-]+/[\w.-]+@[\w.-]+(:[\w./-]+)?( \([^)]+\))?",
    )
    sources = {e.source for f in own_rows() for e in f.evidence if e.kind != "measured"}
    for application in table().catalogue.applications:
        cited = [*(e for n in application.needs for e in n.evidence)]
        cited += [e for v in application.verified for e in v.evidence]
        sources |= {e.source for e in cited if e.kind != "measured"}
    assert sorted(s for s in sources if not any(re.fullmatch(form, s) for form in forms)) == []


def test_every_file_says_what_it_is() -> None:
    without = [p.name for p in FOLDER.rglob("*.yaml") if not p.read_text().startswith("# ")]
    assert sorted(without) == []
