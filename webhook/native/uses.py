"""The rows of ``core.features.FEATURES`` as CEL, each with a smallest pod that uses it.

``test`` reads the pod as ``object`` or one container as ``c`` and means what the row's reader does:
a test on a real API server holds them against each other. The sample is what the core judges.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.native.cel import FALSE, list_of, literal

UNHEARD = "zz.runtimegate.dev/unheard-of"
"""A name that no row knows, for what is said of all other names."""
NAME = "^[A-Za-z0-9_][A-Za-z0-9_./-]{0,127}$"
"""What the core takes for a name (``features._NAME``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Parts of a pod: what its spec, its one container and its annotations hold besides."""

    spec: Mapping[str, Any] = field(default_factory=dict)
    container: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One feature that fields of a pod use; ``row`` are scope and key in ``FEATURES``.

    ``anew`` tells, of a field that may change, whether the pod as it was did not use it.
    """

    feature: str
    row: tuple[str, str]
    test: str
    sample: Sample
    anew: str = FALSE

    @property
    def in_container(self) -> bool:
        """Whether ``test`` is about one container."""
        return self.row[0] in {"container", "container.securityContext", "volumeMount"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUse:
    """Features whose last part is a name that a tenant writes: ``cap:NET_RAW``.

    ``names`` is the CEL list of the names that are used, as the feature ids have them.
    """

    prefix: str
    row: tuple[str, str]
    names: str
    sample: Callable[[str], Sample]
    unheard: str = UNHEARD

    def named(self, name: str) -> Use:
        """The use of one name."""
        test = f"{self.names}.exists(n, n == {literal(name)})"
        return Use(feature=self.prefix + name, row=self.row, test=test, sample=self.sample(name))


def _pod(feature: str, key: str, test: str, value: Any) -> Use:
    sample = Sample(spec={key: value})
    return Use(feature=feature, row=("pod", key), test=f"object.spec.?{key}{test}", sample=sample)


def _pod_security(feature: str, key: str, test: str, value: Any) -> Use:
    return Use(
        feature=feature,
        row=("pod.securityContext", key),
        test=f"object.spec.?securityContext.?{key}{test}",
        sample=Sample(spec={"securityContext": {key: value}}),
    )


def _security(feature: str, key: str, test: str, value: Any) -> Use:
    return Use(
        feature=feature,
        row=("container.securityContext", key),
        test=f"c.?securityContext.?{key}{test}",
        sample=Sample(container={"securityContext": {key: value}}),
    )


def _container(feature: str, key: str, test: str, value: Any) -> Use:
    return Use(
        feature=feature,
        row=("container", key),
        test=f"c.?{key}{test}",
        sample=Sample(container={key: value}),
    )


def _mount(feature: str, key: str, test: str, value: Any) -> Use:
    return Use(
        feature=feature,
        row=("volumeMount", key),
        test=f"c.?volumeMounts.orValue([]).exists(m, m.?{key}{test})",
        sample=Sample(container={"volumeMounts": [{"name": "v", "mountPath": "/v", key: value}]}),
    )


def _volume(feature: str, key: str, test: str, value: Any) -> Use:
    return Use(
        feature=feature,
        row=("volume", key),
        test=f"object.spec.?volumes.orValue([]).exists(v, {test})",
        sample=Sample(spec={"volumes": [{"name": "v", key: value}]}),
    )


_IS_TRUE, _IS_FALSE = ".orValue(false)", ".orValue(true) == false"
_SOME = ".orValue([]).size() > 0"
_WRITTEN = ".orValue('') != ''"
_SE_LINUX = "[" + ", ".join(f"x.?{key}" for key in ("level", "role", "type", "user")) + "]"
_SE_LINUX_SET = f".optMap(x, {_SE_LINUX}.exists(y, y.hasValue())).orValue(false)"
_SE_LINUX_SAMPLE = {"level": "s0:c1,c2"}
_EXEC = {"exec": {"command": ["true"]}}


def _profiles(key: str) -> tuple[Use, ...]:
    found = []
    for suffix, value in (("/RuntimeDefault", "RuntimeDefault"), ("/Localhost", "Localhost")):
        for of in (_pod_security, _security):
            test = f".?type.orValue('') == {literal(value)}"
            found.append(of(f"pod:{key}{suffix}", key, test, {"type": value}))
    return tuple(found)


def _in_path(regex: str) -> str:
    return f"v.?hostPath.?path.orValue('').matches({literal(regex)})"


_SOCKET = f"v.?hostPath.?type.orValue('') == 'Socket' || {_in_path('(?:[.]sock/*|^/+dev/+log/*)$')}"
_PLUGIN = _in_path("/+kubelet/+(?:device-plugins|plugins_registry)/*$")
_PLAIN = "full|hugepages|mqueue|null|ptmx|pts|random|shm|tty|urandom|zero"
_DEVICE = (
    f"({_in_path('^/*dev(?:/|$)')} ? !{_in_path(f'^/*dev/+(?:{_PLAIN})(?:/|$)')}"
    " : v.?hostPath.?type.orValue('') in ['CharDevice', 'BlockDevice'])"
)
_FUSE, _TUN = "^(?:/+dev/+)?fuse/*$", "^(?:/+dev/+)?net/+tun/*$"


def _host_paths() -> tuple[Use, ...]:
    there, not_socket = "v.?hostPath.hasValue()", f"!({_SOCKET}) && !{_PLUGIN}"
    emulated = f"{_in_path(_FUSE)} || {_in_path(_TUN)}"
    kinds = (
        ("/Socket", f"{there} && ({_SOCKET})", {"path": "/run/x.sock"}),
        (
            "/Socket/plugin",
            f"{there} && !({_SOCKET}) && {_PLUGIN}",
            {"path": "/var/lib/kubelet/device-plugins"},
        ),
        (
            "/device/fuse",
            f"{there} && {not_socket} && {_DEVICE} && {_in_path(_FUSE)}",
            {"path": "/dev/fuse"},
        ),
        (
            "/device/net/tun",
            f"{there} && {not_socket} && {_DEVICE} && {_in_path(_TUN)}",
            {"path": "/dev/net/tun"},
        ),
        (
            "/device",
            f"{there} && {not_socket} && {_DEVICE} && !({emulated})",
            {"path": "/dev/kvm"},
        ),
        ("", f"{there} && {not_socket} && !{_DEVICE}", {"path": "/srv"}),
    )
    return tuple(_volume(f"pod:hostPath{suffix}", "hostPath", t, v) for suffix, t, v in kinds)


def _limits(of: str) -> str:
    return (
        f"{of}.?resources.?limits.orValue({{}}).map(k, string(k))"
        f".filter(k, k.matches({literal(NAME)}))"
    )


def _huge_pages(of: str) -> str:
    return f"{_limits(of)}.exists(k, k.startsWith('hugepages-'))"


def _extended(of: str) -> str:
    return f"{_limits(of)}.filter(k, !k.startsWith('hugepages-') && k.contains('/'))"


_HUGE = {"limits": {"hugepages-2Mi": "64Mi"}}

USES: tuple[Use, ...] = (
    _pod("pod:os.name/linux", "os", ".?name.orValue('') == 'linux'", {"name": "linux"}),
    _pod("pod:hostNetwork", "hostNetwork", _IS_TRUE, True),
    _pod("pod:hostPID", "hostPID", _IS_TRUE, True),
    _pod("pod:hostIPC", "hostIPC", _IS_TRUE, True),
    _pod("pod:shareProcessNamespace", "shareProcessNamespace", _IS_TRUE, True),
    _pod("pod:hostUsers/false", "hostUsers", _IS_FALSE, False),
    _pod("pod:resourceClaims", "resourceClaims", _SOME, [{"name": "x"}]),
    Use(
        feature="pod:resources/hugepages",
        row=("pod", "resources"),
        test=_huge_pages("dyn(object.spec)"),
        sample=Sample(spec={"resources": _HUGE}),
    ),
    *_profiles("seccompProfile"),
    *_profiles("appArmorProfile"),
    _pod_security("pod:seLinuxOptions", "seLinuxOptions", _SE_LINUX_SET, _SE_LINUX_SAMPLE),
    _security("pod:seLinuxOptions", "seLinuxOptions", _SE_LINUX_SET, _SE_LINUX_SAMPLE),
    _pod_security(
        "pod:windowsOptions.hostProcess",
        "windowsOptions",
        f".?hostProcess{_IS_TRUE}",
        {"hostProcess": True},
    ),
    _security(
        "pod:windowsOptions.hostProcess",
        "windowsOptions",
        f".?hostProcess{_IS_TRUE}",
        {"hostProcess": True},
    ),
    _security("pod:privileged", "privileged", _IS_TRUE, True),
    _security("pod:procMount/Unmasked", "procMount", ".orValue('') == 'Unmasked'", "Unmasked"),
    _security("pod:allowPrivilegeEscalation/false", "allowPrivilegeEscalation", _IS_FALSE, False),
    *(
        _container("pod:exec", key, ".?exec.hasValue()", _EXEC)
        for key in ("livenessProbe", "readinessProbe", "startupProbe")
    ),
    Use(
        feature="pod:exec",
        row=("container", "lifecycle"),
        test="c.?lifecycle.?postStart.?exec.hasValue() || c.?lifecycle.?preStop.?exec.hasValue()",
        sample=Sample(container={"lifecycle": {"preStop": _EXEC}}),
    ),
    _container("pod:volumeDevices", "volumeDevices", _SOME, [{"name": "v", "devicePath": "/v"}]),
    Use(
        feature="pod:resources/hugepages",
        row=("container", "resources"),
        test=_huge_pages("c"),
        sample=Sample(container={"resources": _HUGE}),
    ),
    _container("pod:resourceClaims", "resources", f".?claims{_SOME}", {"claims": [{"name": "x"}]}),
    *(
        _mount(
            f"pod:mountPropagation/{kind}",
            "mountPropagation",
            f".orValue('') == {literal(kind)}",
            kind,
        )
        for kind in ("Bidirectional", "HostToContainer")
    ),
    _mount("pod:recursiveReadOnly", "recursiveReadOnly", ".orValue('') == 'Enabled'", "Enabled"),
    _mount("pod:subPath", "subPath", _WRITTEN, "x"),
    _mount("pod:subPath", "subPathExpr", _WRITTEN, "x"),
    *_host_paths(),
    _volume(
        "pod:hugepages",
        "emptyDir",
        "v.?emptyDir.?medium.orValue('').startsWith('HugePages')",
        {"medium": "HugePages"},
    ),
    _volume(
        "pod:volumes.image",
        "image",
        "v.?image.?reference.hasValue() || v.?image.?pullPolicy.hasValue()",
        {"reference": "x"},
    ),
    Use(
        feature="pod:annotation/io.kubernetes.cri.untrusted-workload",
        row=("annotation", "io.kubernetes.cri.untrusted-workload"),
        test="variables.annotations[?'io.kubernetes.cri.untrusted-workload'].orValue('') == 'true'",
        anew=(
            "variables.old_annotations[?'io.kubernetes.cri.untrusted-workload'].orValue('')"
            " != 'true'"
        ),
        sample=Sample(annotations={"io.kubernetes.cri.untrusted-workload": "true"}),
    ),
)
"""Every feature of a fixed name, in the order of ``FEATURES``."""


def _capability(name: str) -> Sample:
    return Sample(container={"securityContext": {"capabilities": {"add": [name]}}})


def _sysctl(name: str) -> Sample:
    return Sample(spec={"securityContext": {"sysctls": [{"name": name, "value": "1"}]}})


OPEN_USES: tuple[OpenUse, ...] = (
    OpenUse(
        prefix="cap:",
        row=("container.securityContext", "capabilities"),
        names=(
            "c.?securityContext.?capabilities.?add.orValue([])"
            f".filter(w, w.matches({literal(NAME)})).map(w, w.upperAscii())"
            ".map(w, w.startsWith('CAP_') ? w.substring(4) : w).filter(w, w != '')"
        ),
        sample=_capability,
        unheard="ZZ_UNHEARD_OF",
    ),
    OpenUse(
        prefix="pod:sysctl/",
        row=("pod.securityContext", "sysctls"),
        names=(
            "object.spec.?securityContext.?sysctls.orValue([]).map(s, s.name)"
            f".filter(w, w.matches({literal(NAME)})).map(w, w.replace('/', '.'))"
        ),
        sample=_sysctl,
        unheard="zz.unheard_of",
    ),
    OpenUse(
        prefix="pod:resources/",
        row=("pod", "resources"),
        names=_extended("dyn(object.spec)"),
        sample=lambda name: Sample(spec={"resources": {"limits": {name: "1"}}}),
    ),
    OpenUse(
        prefix="pod:resources/",
        row=("container", "resources"),
        names=_extended("c"),
        sample=lambda name: Sample(container={"resources": {"limits": {name: "1"}}}),
    ),
)
"""Features of names that a tenant writes."""

OTHERS_LEFT_OUT: Mapping[str, str] = {
    "pod:seccompProfile": "a seccomp profile of a type that the API does not have",
    "pod:appArmorProfile": "an AppArmor profile of a type that the API does not have",
    "pod:sysctl": "a sysctl whose name is none",
    "pod:os.name/windows": "a Windows pod is left alone",
}
"""What readers of ``FEATURES`` can find besides, in no pod that the API server lets this far."""


def other_names(names: str, known: tuple[str, ...], areas: str) -> str:
    """The CEL list of the names in ``names`` that nothing special is said of."""
    beside = f" && !n.matches({literal(areas)})" if areas else ""
    return f"{names}.filter(n, !(n in {list_of(known)}){beside})"
