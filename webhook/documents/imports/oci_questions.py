"""What the OCI ``features`` structure proves of the fields of a pod: a row for each question."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from webhook.core.applications import Evidence
from webhook.core.names import Support
from webhook.documents.imports.oci_features import Enabled, Features, LinuxFeatures


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether a runtime recognises what a field of a pod asks of it, and what follows.

    ``proof`` is what shows that it follows, where the structure alone does not.
    """

    feature: str
    property: str
    recognised: bool
    support: Support
    note: str
    proof: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """``ask`` answers None where the structure does not say."""

    feature: str
    property: str
    ask: Callable[[Features, str], bool | None]
    yes: str
    no: str
    proof_of_no: Evidence | None = None


_LEAVES_OUT_SECCOMP = frozenset({"runc"})
"""Runtimes that print no ``linux.seccomp`` where it was left out of the build (features.go)."""
_CRI = Evidence(
    kind="source",
    source="containerd/containerd@301026e58:internal/cri/server/service.go",
    date="2026-08-22",
)
"""What the CRI offers to the kubelet of a handler is what these two properties say."""
_REJECTED = "so the CRI does not offer it and the kubelet rejects the pod"


def _linux(features: Features) -> LinuxFeatures:
    return features.linux or LinuxFeatures()


def _enabled(entry: Enabled | None) -> bool | None:
    return entry.enabled if entry else None


def _seccomp(features: Features, runtime: str) -> bool | None:
    linux = features.linux
    if linux and linux.seccomp is None and runtime in _LEAVES_OUT_SECCOMP:
        return False
    return _enabled(linux.seccomp) if linux else None


def _user_namespaces(features: Features, _: str) -> bool | None:
    linux = _linux(features)
    if linux.namespaces is None or linux.idmap is None:
        return None
    return "user" in linux.namespaces and linux.idmap


def _recursive_read_only(features: Features, _: str) -> bool | None:
    options = features.mountOptions
    return None if options is None else "rro" in options


def _capability(name: str) -> Callable[[Features, str], bool | None]:
    def ask(features: Features, _: str) -> bool | None:
        known = _linux(features).capabilities
        # That a name is known proves nothing: whether it is granted, the kernel decides.
        return None if known is None or f"CAP_{name}" in known else False

    return ask


# Those that opencontainers/runtime-spec@6999a89a7:features.md lists.
_CAPABILITIES = """
AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE
DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE
MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG
SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE
SYS_TIME SYS_TTY_CONFIG WAKE_ALARM
"""

_QUESTIONS: tuple[_Question, ...] = (
    _Question(
        feature="pod:seccompProfile",
        property="linux.seccomp",
        ask=_seccomp,
        yes="applies the profile",
        no="is built without seccomp",
    ),
    _Question(
        feature="pod:appArmorProfile",
        property="linux.apparmor",
        ask=lambda features, _: _enabled(_linux(features).apparmor),
        yes="applies the profile where the node has AppArmor",
        no="does not support AppArmor",
    ),
    _Question(
        feature="pod:seLinuxOptions",
        property="linux.selinux",
        ask=lambda features, _: _enabled(_linux(features).selinux),
        yes="applies the label where the node has SELinux",
        no="does not support SELinux",
    ),
    _Question(
        feature="pod:hostUsers/false",
        property="linux.mountExtensions.idmap",
        ask=_user_namespaces,
        yes="makes a user namespace and maps its volumes",
        no=f"maps no mounts into user namespaces, {_REJECTED}",
        proof_of_no=_CRI,
    ),
    _Question(
        feature="pod:recursiveReadOnly",
        property="mountOptions",
        ask=_recursive_read_only,
        yes="mounts recursively read-only, on Linux 5.12 and newer",
        no=f"does not know the mount option rro, {_REJECTED}",
        proof_of_no=_CRI,
    ),
    *(
        _Question(
            feature=f"cap:{name}",
            property="linux.capabilities",
            ask=_capability(name),
            yes="",
            no=f"does not know CAP_{name}",
        )
        for name in _CAPABILITIES.split()
    ),
)

_WITHOUT_SECCOMP: Mapping[str, tuple[Support, str, Evidence]] = {
    "runc": (
        Support.ERRNO,
        "is built without seccomp and starts no container that has a profile",
        Evidence(
            kind="source",
            source="opencontainers/runc@76d9cf5da:libcontainer/seccomp/seccomp_unsupported.go",
            date="2026-08-19",
        ),
    ),
    "crun": (
        Support.IGNORED,
        "is built without seccomp and starts containers without their profile",
        Evidence(
            kind="source",
            source="containers/crun@ba38286f7:src/libcrun/seccomp.c",
            date="2026-08-19",
        ),
    ),
}
"""What becomes of a profile where seccomp was left out of the build."""


def answers(features: Features, runtime: str) -> Iterator[Answer]:
    """Every question that the structure answers."""
    for question in _QUESTIONS:
        recognised = question.ask(features, runtime)
        if recognised is not None:
            yield _answer(question, recognised, runtime)


def _answer(question: _Question, recognised: bool, runtime: str) -> Answer:
    support, note, proof = Support.FULL, question.yes, None
    if not recognised:
        support, note, proof = Support.ABSENT, question.no, question.proof_of_no
        if question.feature == "pod:seccompProfile":
            support, note, proof = _WITHOUT_SECCOMP.get(runtime, (support, note, proof))
    return Answer(
        feature=question.feature,
        property=question.property,
        recognised=recognised,
        support=support,
        note=note,
        proof=proof,
    )
