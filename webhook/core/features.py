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
_FEATURE = re.compile(r"(?P<namespace>[a-z]+):(?P<name>[A-Za-z0-9_./:=+*-]{1,160})")
_PATHS = frozenset({"device", "proc", "sys"})
_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,127}\Z")


class FeatureError(ValueError):
    """A text is no feature id; the message says what is allowed."""


def parse_feature(written: str) -> Feature:
    """Return the feature id that ``written`` spells, syscall aliases resolved to kernel names."""
    match = _FEATURE.fullmatch(written)
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
    """What ``feature`` is one operation of: ``syscall:statx`` of ``syscall:statx/X``.

    One step at a time: ``pod:hostPath/device`` is between ``pod:hostPath/device/fuse`` and
    ``pod:hostPath``.
    """
    namespace, _, name = feature.partition(":")
    head, slash, _ = name.rpartition("/")
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


_PROFILES = frozenset({"RuntimeDefault", "Localhost"})


def _is_true(value: object) -> Iterable[Part]:
    return _WHOLE if value is True else ()


def _is_false(value: object) -> Iterable[Part]:
    return _WHOLE if value is False else ()


def _is_set(value: object) -> Iterable[Part]:
    return _WHOLE if value else ()


def _name(value: object) -> str:
    """A name as part of a feature id; empty for what no name can be: tenants write these."""
    name = text(value)
    return name if _NAME.match(name) else ""


def _profile(value: object) -> Iterable[Part]:
    kind = text(mapping(value).get("type"))
    if not kind or kind == "Unconfined":
        return ()
    return ((f"/{kind}" if kind in _PROFILES else "", ".type"),)


def _sysctls(value: object) -> Iterable[Part]:
    for index, entry in enumerate(sequence(value)):
        # Both spellings, net.core.somaxconn and net/core/somaxconn, name one sysctl.
        name = _name(mapping(entry).get("name")).replace("/", ".")
        yield f"/{name}" if name else "", f"[{index}].name"


def _added_capabilities(value: object) -> Iterable[Part]:
    # What is no name is no capability: the container runtime refuses it by itself.
    for index, written in enumerate(sequence(mapping(value).get("add"))):
        if name := _name(written).upper().removeprefix("CAP_"):
            yield name, f".add[{index}]"


def _proc_mount(value: object) -> Iterable[Part]:
    return (("/Unmasked", ""),) if value == "Unmasked" else ()


def _host_process(value: object) -> Iterable[Part]:
    return (("", ".hostProcess"),) if mapping(value).get("hostProcess") is True else ()


_PLAIN_RESOURCES = frozenset({"cpu", "memory", "ephemeral-storage"})
_DEVICE_TYPES = frozenset({"CharDevice", "BlockDevice"})
# Below /dev but no device of the node's hardware: folders of memory files, the terminals, and the
# sources and sinks of bytes that every runtime has of its own.
_PLAIN_IN_DEV = frozenset({
    "full", "hugepages", "mqueue", "null", "ptmx", "pts", "random", "shm", "tty", "urandom", "zero",
})  # fmt: skip


_EMULATED_DEVICES = frozenset({"fuse", "net/tun"})
"""Devices that a sandbox may have of its own, so that rows tell them from the node's hardware."""

_PLUGIN_FOLDERS = ("/kubelet/device-plugins", "/kubelet/plugins_registry")
"""Where plugins of the kubelet put the sockets that it calls them by; nothing else is there."""


def _host_path(value: object) -> Iterable[Part]:
    kind, path = text(mapping(value).get("type")), text(mapping(value).get("path"))
    path = re.sub("/+", "/", f"{path}/").removesuffix("/")
    if kind == "Socket" or path.endswith(".sock") or path == "/dev/log":
        return (("/Socket", ".path"),)
    if path.endswith(_PLUGIN_FOLDERS):
        return (("/Socket/plugin", ".path"),)
    if _is_device(kind, path):
        name = path.removeprefix("/dev/")
        return ((f"/device/{name}" if name in _EMULATED_DEVICES else "/device", ".path"),)
    return (("", ""),)


def _is_device(kind: str, path: str) -> bool:
    root, _, below = path.removeprefix("/").partition("/")
    if root == "dev":
        return below.partition("/")[0] not in _PLAIN_IN_DEV
    return kind in _DEVICE_TYPES


def _empty_dir(value: object) -> Iterable[Part]:
    medium = text(mapping(value).get("medium"))
    return (("", ".medium"),) if medium.startswith("HugePages") else ()


def _resources(value: object) -> Iterable[Part]:
    # Requests of huge pages and of extended resources equal their limits: one finding is enough.
    limits = mapping(mapping(value).get("limits"))
    if _PLAIN_RESOURCES.issuperset(limits):
        return ()
    return (part for name in map(_name, limits) for part in _resource(name))


def _resource(name: str) -> Iterable[Part]:
    if name.startswith("hugepages-"):
        return (("/hugepages", f".limits[{name}]"),)
    return ((f"/{name}", f".limits[{name}]"),) if "/" in name else ()


def _claims(value: object) -> Iterable[Part]:
    return _WHOLE if mapping(value).get("claims") else ()


def _propagation(value: object) -> Iterable[Part]:
    kind = text(value)
    return ((f"/{kind}", ""),) if kind in {"Bidirectional", "HostToContainer"} else ()


def _os_name(value: object) -> Iterable[Part]:
    name = text(mapping(value).get("name"))
    return ((f"/{name}", ".name"),) if name in {"linux", "windows"} else ()


def _by_command(value: object) -> Iterable[Part]:
    return (("", ".exec"),) if mapping(value).get("exec") else ()


def _hooks(value: object) -> Iterable[Part]:
    for hook in ("postStart", "preStop"):
        if mapping(mapping(value).get(hook)).get("exec"):
            yield "", f".{hook}.exec"


def _says_true(value: object) -> Iterable[Part]:
    return _WHOLE if value == "true" else ()


def _is_enabled(value: object) -> Iterable[Part]:
    # IfPossible asks for nothing: the kubelet takes what the runtime offers (KEP-3857).
    return _WHOLE if value == "Enabled" else ()


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
_ANNOTATION = "annotation"

# fmt: off
FEATURES: tuple[PodFeature, ...] = (
    PodFeature(id="pod:os.name", scope=_POD, key="os", read=_os_name,
               means="is for one operating system"),
    PodFeature(id="pod:hostNetwork", scope=_POD, key="hostNetwork", read=_is_true,
               means="shares the node's network namespace"),
    PodFeature(id="pod:hostPID", scope=_POD, key="hostPID", read=_is_true,
               means="sees the node's processes"),
    PodFeature(id="pod:hostIPC", scope=_POD, key="hostIPC", read=_is_true,
               means="shares the node's System V IPC"),
    PodFeature(id="pod:shareProcessNamespace", scope=_POD, key="shareProcessNamespace",
               read=_is_true, means="its containers see each other's processes"),
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
    PodFeature(id="pod:windowsOptions.hostProcess", scope=_POD_SECURITY, key="windowsOptions",
               read=_host_process, means="is a Windows HostProcess pod"),
    PodFeature(id="pod:privileged", scope=_CONTAINER_SECURITY, key="privileged", read=_is_true,
               means="runs privileged"),
    PodFeature(id="cap:", scope=_CONTAINER_SECURITY, key="capabilities", read=_added_capabilities,
               means="adds a capability"),
    PodFeature(id="pod:seccompProfile", scope=_CONTAINER_SECURITY, key="seccompProfile",
               read=_profile, means="asks for a seccomp profile", security=True),
    PodFeature(id="pod:appArmorProfile", scope=_CONTAINER_SECURITY, key="appArmorProfile",
               read=_profile, means="asks for an AppArmor profile", security=True),
    PodFeature(id="pod:seLinuxOptions", scope=_CONTAINER_SECURITY, key="seLinuxOptions",
               read=_is_set, means="asks for an SELinux label", security=True),
    PodFeature(id="pod:procMount", scope=_CONTAINER_SECURITY, key="procMount", read=_proc_mount,
               means="wants /proc without the masks"),
    PodFeature(id="pod:allowPrivilegeEscalation/false", scope=_CONTAINER_SECURITY,
               key="allowPrivilegeEscalation", read=_is_false,
               means="gives up new privileges on exec", security=True),
    PodFeature(id="pod:windowsOptions.hostProcess", scope=_CONTAINER_SECURITY, key="windowsOptions",
               read=_host_process, means="is a Windows HostProcess container"),
    PodFeature(id="pod:exec", scope=_CONTAINER, key="livenessProbe", read=_by_command,
               means="has commands run in the container by the kubelet"),
    PodFeature(id="pod:exec", scope=_CONTAINER, key="readinessProbe", read=_by_command,
               means="has commands run in the container by the kubelet"),
    PodFeature(id="pod:exec", scope=_CONTAINER, key="startupProbe", read=_by_command,
               means="has commands run in the container by the kubelet"),
    PodFeature(id="pod:exec", scope=_CONTAINER, key="lifecycle", read=_hooks,
               means="has commands run in the container by the kubelet"),
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
    PodFeature(id="pod:annotation/io.kubernetes.cri.untrusted-workload", scope=_ANNOTATION,
               key="io.kubernetes.cri.untrusted-workload", read=_says_true,
               means="asks the CRI for its runtime for untrusted workloads"),
)
# fmt: on

_Rows = Mapping[str, tuple[PodFeature, ...]]


def _indexed(scope: str) -> _Rows:
    index: dict[str, tuple[PodFeature, ...]] = {}
    for row in FEATURES:
        if row.scope == scope:
            index[row.key] = (*index.get(row.key, ()), row)
    return index


_POD_ROWS, _POD_SECURITY_ROWS = _indexed(_POD), _indexed(_POD_SECURITY)
_CONTAINER_ROWS, _CONTAINER_SECURITY_ROWS = _indexed(_CONTAINER), _indexed(_CONTAINER_SECURITY)
_VOLUME_ROWS, _MOUNT_ROWS = _indexed(_VOLUME), _indexed(_MOUNT)
_ANNOTATION_ROWS = _indexed(_ANNOTATION)


def uses(pod: PodView) -> Iterator[Use]:
    """Every use of a row of ``FEATURES`` by ``pod``, pod level first, then container by container.

    Nothing is read before it is asked for. A list of objects that have none of a table's fields
    costs one set operation for each.
    """
    if not _ANNOTATION_ROWS.keys().isdisjoint(pod.annotations):
        yield from _of_annotations(pod)
    if pod.placed:
        for use in _of_pod(pod.spec, "spec"):
            yield use._replace(field_path=pod.path(use.field_path))
    else:
        yield from _of_pod(pod.spec, pod.path("spec"))
    for container in pod.containers:
        yield from _of_container(container)


def _of_annotations(pod: PodView) -> Iterator[Use]:
    for key, rows in _ANNOTATION_ROWS.items():
        at = pod.path(f"metadata.annotations[{key}]")
        for row in rows:
            for suffix, _ in row.read(pod.annotations.get(key)):
                yield Use(Feature(row.id + suffix), at, None, row.strength, row.security)


def _of_pod(spec: Mapping[str, Any], at: str) -> Iterator[Use]:
    yield from _scan(_POD_ROWS, spec, at, None)
    if security := spec.get("securityContext"):
        yield from _scan(_POD_SECURITY_ROWS, security, f"{at}.securityContext", None)
    if volumes := spec.get("volumes"):
        yield from _scan_each(_VOLUME_ROWS, volumes, f"{at}.volumes", None)


def _of_container(container: ContainerView) -> Iterator[Use]:
    raw, at = container.raw, container.field_path
    yield from _scan(_CONTAINER_ROWS, raw, at, container)
    if security := raw.get("securityContext"):
        yield from _scan(_CONTAINER_SECURITY_ROWS, security, f"{at}.securityContext", container)
    if mounts := raw.get("volumeMounts"):
        yield from _scan_each(_MOUNT_ROWS, mounts, f"{at}.volumeMounts", container)


def _scan_each(
    rows: _Rows, objects: object, at: str, container: ContainerView | None
) -> Iterator[Use]:
    has_none = rows.keys().isdisjoint
    for index, obj in enumerate(sequence(objects)):
        if isinstance(obj, dict) and not has_none(obj):
            yield from _scan(rows, obj, f"{at}[{index}]", container)


def _scan(rows: _Rows, obj: object, at: str, container: ContainerView | None) -> Iterator[Use]:
    if not isinstance(obj, dict):
        return
    # In the table's order, and without a step of Python for each key that the object lacks.
    for key in filter(obj.__contains__, rows):
        value = obj[key]
        for row in rows[key]:
            for suffix, where in row.read(value):
                feature = Feature(row.id + suffix)
                path = f"{at}.{key}{where}"
                yield Use(feature, path, container, row.strength, row.security)
