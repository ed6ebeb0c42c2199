"""Features that a runtime may lack: the grammar of their ids, and those that a pod's spec uses.

``FEATURES`` is a table, one row a pod field; the scan costs what the pod has, not what the table
has: each object's own keys are looked up in it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from webhook.core.names import Feature, Strength
from webhook.core.pod import ContainerView, PodView, mapping, sequence, text
from webhook.core.syscalls import canonical_syscall

NAMESPACES: Mapping[str, str] = {
    "syscall": "a system call, by the kernel's name, with /OP for one operation of it",
    "ioctl": "an ioctl request",
    "proc": "a file below /proc",
    "sys": "a file below /sys",
    "device": "a device node",
    "fs": "a file system or a property of one",
    "net": "a network feature",
    "kernel": "a kernel subsystem that is no single call",
    "cap": "a capability, without CAP_",
    "pod": "a pod field, by the API's name",
    "exec": "a way of starting programs (setuid bits, file capabilities, 32-bit)",
    "perf": "a cost; a required one means that the application is bound by it",
}
_FEATURE = re.compile(r"^(?P<namespace>[a-z]+):(?P<name>[A-Za-z0-9_./:=+*-]{1,160})$")
_PATHS = frozenset({"device", "proc", "sys"})


class FeatureError(ValueError):
    """A text is no feature id; the message says what is allowed."""


def parse_feature(written: str) -> Feature:
    """Return the feature id that ``written`` spells, syscall aliases resolved to kernel names."""
    match = _FEATURE.match(written)
    if match is None or match["namespace"] not in NAMESPACES:
        raise FeatureError(
            f"must be a feature id such as syscall:io_uring_setup, in one of the namespaces "
            f"{', '.join(sorted(NAMESPACES))}, not {written[:80]!r}"
        )
    if match["namespace"] != "syscall":
        return Feature(written)
    name, slash, operation = match["name"].partition("/")
    return Feature(f"syscall:{canonical_syscall(name)}{slash}{operation}")


def wider(feature: Feature) -> Feature | None:
    """The feature that ``feature`` is one operation of: ``syscall:statx`` of ``syscall:statx/X``."""
    namespace, _, name = feature.partition(":")
    head, slash, _ = name.partition("/")
    if namespace in _PATHS or not slash:
        return None
    return Feature(f"{namespace}:{head}")


class Use(NamedTuple):
    """One feature that one field of a pod uses."""

    feature: Feature
    field_path: str
    container: ContainerView | None
    strength: Strength
    security: bool


Part = tuple[str, str]
"""What a reader finds in a field: the suffix of the feature id, the suffix of the field path."""
Reader = Callable[[Any], Iterable[Part]]
_WHOLE: tuple[Part, ...] = (("", ""),)


def _is_true(value: object) -> Iterable[Part]:
    return _WHOLE if value is True else ()


def _is_false(value: object) -> Iterable[Part]:
    return _WHOLE if value is False else ()


def _is_set(value: object) -> Iterable[Part]:
    return _WHOLE if value else ()


def _profile(value: object) -> Iterable[Part]:
    kind = text(mapping(value).get("type"))
    return ((f"/{kind}", ".type"),) if kind and kind != "Unconfined" else ()


def _sysctls(value: object) -> Iterable[Part]:
    for index, entry in enumerate(sequence(value)):
        # Both spellings, net.core.somaxconn and net/core/somaxconn, name one sysctl.
        name = text(mapping(entry).get("name")).replace("/", ".")
        yield f"/{name}", f"[{index}].name"


def _added_capabilities(value: object) -> Iterable[Part]:
    for index, name in enumerate(sequence(mapping(value).get("add"))):
        yield f"{text(name).upper().removeprefix('CAP_')}", f".add[{index}]"


def _proc_mount(value: object) -> Iterable[Part]:
    return (("/Unmasked", ""),) if value == "Unmasked" else ()


def _host_process(value: object) -> Iterable[Part]:
    return (("", ".hostProcess"),) if mapping(value).get("hostProcess") is True else ()


_DEVICE_TYPES = frozenset({"CharDevice", "BlockDevice"})


def _host_path(value: object) -> Iterable[Part]:
    kind, path = text(mapping(value).get("type")), text(mapping(value).get("path"))
    path = re.sub("/+", "/", path)
    if kind in _DEVICE_TYPES or (path.startswith("/dev/") and not path.startswith("/dev/shm")):
        return (("/device", ".path"),)
    if kind == "Socket" or path.endswith(".sock"):
        return (("/Socket", ".path"),)
    return (("", ""),)


def _empty_dir(value: object) -> Iterable[Part]:
    medium = text(mapping(value).get("medium"))
    return (("", ".medium"),) if medium.startswith("HugePages") else ()


def _resources(value: object) -> Iterable[Part]:
    for side in ("limits", "requests"):
        for name in mapping(mapping(value).get(side)):
            # limits of an extended resource equal its requests: one finding is enough
            if name.startswith("hugepages-") and side == "limits":
                yield "/hugepages", f'.{side}["{name}"]'
            elif "/" in name and side == "limits":
                yield f"/{name}", f'.{side}["{name}"]'


def _claims(value: object) -> Iterable[Part]:
    return _WHOLE if mapping(value).get("claims") else ()


def _propagation(value: object) -> Iterable[Part]:
    return ((f"/{value}", ""),) if value in {"Bidirectional", "HostToContainer"} else ()


def _is_enabled(value: object) -> Iterable[Part]:
    return _WHOLE if value in {"Enabled", "IfPossible"} else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFeature:
    """One row: the field ``key`` of the objects of ``scope`` uses the feature ``id`` (+ suffix)."""

    id: str
    scope: str
    key: str
    read: Reader
    means: str
    strength: Strength = Strength.REQUIRED
    security: bool = False


_POD, _POD_SECURITY = "pod", "pod.securityContext"
_CONTAINER, _CONTAINER_SECURITY = "container", "container.securityContext"
_VOLUME, _MOUNT = "volume", "volumeMount"

# fmt: off
FEATURES: tuple[PodFeature, ...] = (
    PodFeature(id="pod:hostNetwork", scope=_POD, key="hostNetwork", read=_is_true,
               means="shares the node's network namespace"),
    PodFeature(id="pod:hostPID", scope=_POD, key="hostPID", read=_is_true,
               means="sees the node's processes"),
    PodFeature(id="pod:hostIPC", scope=_POD, key="hostIPC", read=_is_true,
               means="shares the node's System V IPC"),
    PodFeature(id="pod:shareProcessNamespace", scope=_POD, key="shareProcessNamespace", read=_is_true,
               means="its containers see each other's processes"),
    PodFeature(id="pod:hostUsers/false", scope=_POD, key="hostUsers", read=_is_false,
               means="runs in a user namespace of its own"),
    PodFeature(id="pod:resourceClaims", scope=_POD, key="resourceClaims", read=_is_set,
               means="is given devices by dynamic resource allocation"),
    PodFeature(id="pod:resources", scope=_POD, key="resources", read=_resources,
               means="asks for huge pages or an extended resource at pod level"),
    PodFeature(id="pod:seccompProfile", scope=_POD_SECURITY, key="seccompProfile", read=_profile,
               means="asks for a seccomp profile", security=True),
    PodFeature(id="pod:appArmorProfile", scope=_POD_SECURITY, key="appArmorProfile", read=_profile,
               means="asks for an AppArmor profile", security=True),
    PodFeature(id="pod:seLinuxOptions", scope=_POD_SECURITY, key="seLinuxOptions", read=_is_set,
               means="asks for an SELinux label", security=True),
    PodFeature(id="pod:sysctl", scope=_POD_SECURITY, key="sysctls", read=_sysctls,
               means="sets a sysctl", security=True),
    PodFeature(id="pod:windowsOptions.hostProcess", scope=_POD_SECURITY, key="windowsOptions", read=_host_process,
               means="is a Windows HostProcess pod"),
    PodFeature(id="pod:privileged", scope=_CONTAINER_SECURITY, key="privileged", read=_is_true,
               means="runs privileged"),
    PodFeature(id="cap:", scope=_CONTAINER_SECURITY, key="capabilities", read=_added_capabilities,
               means="adds a capability"),
    PodFeature(id="pod:seccompProfile", scope=_CONTAINER_SECURITY, key="seccompProfile", read=_profile,
               means="asks for a seccomp profile", security=True),
    PodFeature(id="pod:appArmorProfile", scope=_CONTAINER_SECURITY, key="appArmorProfile", read=_profile,
               means="asks for an AppArmor profile", security=True),
    PodFeature(id="pod:seLinuxOptions", scope=_CONTAINER_SECURITY, key="seLinuxOptions", read=_is_set,
               means="asks for an SELinux label", security=True),
    PodFeature(id="pod:procMount", scope=_CONTAINER_SECURITY, key="procMount", read=_proc_mount,
               means="wants /proc without the masks"),
    PodFeature(id="pod:allowPrivilegeEscalation/false", scope=_CONTAINER_SECURITY,
               key="allowPrivilegeEscalation", read=_is_false,
               means="gives up new privileges on exec", security=True),
    PodFeature(id="pod:windowsOptions.hostProcess", scope=_CONTAINER_SECURITY, key="windowsOptions",
               read=_host_process, means="is a Windows HostProcess container"),
    PodFeature(id="pod:volumeDevices", scope=_CONTAINER, key="volumeDevices", read=_is_set,
               means="uses a raw block volume"),
    PodFeature(id="pod:resources", scope=_CONTAINER, key="resources", read=_resources,
               means="asks for huge pages or an extended resource (device plugin)"),
    PodFeature(id="pod:resourceClaims", scope=_CONTAINER, key="resources", read=_claims,
               means="is given devices by dynamic resource allocation"),
    PodFeature(id="pod:mountPropagation", scope=_MOUNT, key="mountPropagation", read=_propagation,
               means="shares later mounts with the node"),
    PodFeature(id="pod:recursiveReadOnly", scope=_MOUNT, key="recursiveReadOnly", read=_is_enabled,
               means="wants mounts below a read-only mount read-only too", security=True),
    PodFeature(id="pod:subPath", scope=_MOUNT, key="subPath", read=_is_set,
               means="mounts a folder of a volume", strength=Strength.PREFERRED),
    PodFeature(id="pod:subPath", scope=_MOUNT, key="subPathExpr", read=_is_set,
               means="mounts a folder of a volume", strength=Strength.PREFERRED),
    PodFeature(id="pod:hostPath", scope=_VOLUME, key="hostPath", read=_host_path,
               means="mounts a file, folder, socket or device of the node"),
    PodFeature(id="pod:hugepages", scope=_VOLUME, key="emptyDir", read=_empty_dir,
               means="uses a volume of huge pages"),
    PodFeature(id="pod:volumes.image", scope=_VOLUME, key="image", read=_is_set,
               means="mounts an image as a volume"),
)
# fmt: on

_Rows = Mapping[str, tuple[PodFeature, ...]]


def _indexed(scope: str) -> _Rows:
    index: dict[str, tuple[PodFeature, ...]] = {}
    for row in FEATURES:
        if row.scope == scope:
            index[row.key] = (*index.get(row.key, ()), row)
    return index


_BY_KEY: Mapping[str, _Rows] = {scope: _indexed(scope) for scope in {r.scope for r in FEATURES}}


def uses(pod: PodView) -> Iterator[Use]:
    """Every use of a row of ``FEATURES`` by ``pod``, pod level first, then container by container."""
    spec = pod.spec
    yield from _scan(_POD, spec, pod.path("spec"), None)
    if security := spec.get("securityContext"):
        yield from _scan(_POD_SECURITY, security, pod.path("spec.securityContext"), None)
    for index, volume in enumerate(sequence(spec.get("volumes"))):
        yield from _scan(_VOLUME, volume, pod.path(f"spec.volumes[{index}]"), None)
    for container in pod.containers:
        yield from _container_uses(container)


def _container_uses(container: ContainerView) -> Iterator[Use]:
    raw, at = container.raw, container.field_path
    yield from _scan(_CONTAINER, raw, at, container)
    if security := raw.get("securityContext"):
        yield from _scan(_CONTAINER_SECURITY, security, f"{at}.securityContext", container)
    for index, mount in enumerate(sequence(raw.get("volumeMounts"))):
        yield from _scan(_MOUNT, mount, f"{at}.volumeMounts[{index}]", container)


def _scan(scope: str, obj: object, at: str, container: ContainerView | None) -> Iterator[Use]:
    rows = _BY_KEY[scope]
    for key, value in mapping(obj).items():
        for row in rows.get(key, ()):
            for suffix, where in row.read(value):
                yield Use(
                    Feature(f"{row.id}{suffix}"),
                    f"{at}.{key}{where}",
                    container,
                    row.strength,
                    row.security,
                )
