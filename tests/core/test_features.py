"""The pod fields that a runtime may lack: what each row of FEATURES reads, and where it points."""

from itertools import islice
from typing import Any

import pytest

from tests.build import container, pod, pod_view
from tests.counted import Counted
from webhook.core.features import FEATURES, FeatureError, parse_feature, uses, wider
from webhook.core.names import Feature, Strength
from webhook.core.pod import view_pod
from webhook.core.workload import pod_templates


def used(obj: dict[str, Any]) -> list[tuple[str, str]]:
    """Feature and field path of every use, in order."""
    return [(use.feature, use.field_path) for use in uses(pod_view(obj))]


def secured(**security: Any) -> dict[str, Any]:
    """A pod whose one container has this securityContext."""
    return pod(containers=[container(securityContext=security)])


def mounting(**mount: Any) -> dict[str, Any]:
    """A pod whose one container has this volume mount."""
    return pod(containers=[container(volumeMounts=[{"name": "v", "mountPath": "/v", **mount}])])


def volume(**source: Any) -> dict[str, Any]:
    """A pod with this volume."""
    return pod(volumes=[{"name": "v", **source}])


def limited(limits: Any) -> dict[str, Any]:
    """A pod whose one container has these limits."""
    return pod(containers=[container(resources={"limits": limits})])


C = "spec.containers[0]"
S = f"{C}.securityContext"
PS = "spec.securityContext"
V = "spec.volumes[0]"
M = f"{C}.volumeMounts[0]"

UNTRUSTED = "io.kubernetes.cri.untrusted-workload"
COMMAND = {"exec": {"command": ["true"]}}

USES: list[tuple[dict[str, Any], str, str]] = [
    (
        pod(annotations={UNTRUSTED: "true"}),
        f"pod:annotation/{UNTRUSTED}",
        f"metadata.annotations[{UNTRUSTED}]",
    ),
    (pod(os={"name": "linux"}), "pod:os.name/linux", "spec.os.name"),
    (pod(os={"name": "windows"}), "pod:os.name/windows", "spec.os.name"),
    (
        pod(containers=[container(livenessProbe=COMMAND)]),
        "pod:exec",
        f"{C}.livenessProbe.exec",
    ),
    (
        pod(containers=[container(readinessProbe=COMMAND)]),
        "pod:exec",
        f"{C}.readinessProbe.exec",
    ),
    (
        pod(containers=[container(startupProbe=COMMAND)]),
        "pod:exec",
        f"{C}.startupProbe.exec",
    ),
    (
        pod(containers=[container(lifecycle={"postStart": COMMAND})]),
        "pod:exec",
        f"{C}.lifecycle.postStart.exec",
    ),
    (
        pod(containers=[container(lifecycle={"preStop": COMMAND})]),
        "pod:exec",
        f"{C}.lifecycle.preStop.exec",
    ),
    (pod(hostNetwork=True), "pod:hostNetwork", "spec.hostNetwork"),
    (pod(hostPID=True), "pod:hostPID", "spec.hostPID"),
    (pod(hostIPC=True), "pod:hostIPC", "spec.hostIPC"),
    (pod(shareProcessNamespace=True), "pod:shareProcessNamespace", "spec.shareProcessNamespace"),
    (pod(hostUsers=False), "pod:hostUsers/false", "spec.hostUsers"),
    (pod(resourceClaims=[{"name": "gpu"}]), "pod:resourceClaims", "spec.resourceClaims"),
    (
        pod(resources={"limits": {"hugepages-2Mi": "4Mi"}}),
        "pod:resources/hugepages",
        "spec.resources.limits[hugepages-2Mi]",
    ),
    (
        pod(securityContext={"seccompProfile": {"type": "RuntimeDefault"}}),
        "pod:seccompProfile/RuntimeDefault",
        f"{PS}.seccompProfile.type",
    ),
    (
        pod(securityContext={"appArmorProfile": {"type": "Localhost", "localhostProfile": "p"}}),
        "pod:appArmorProfile/Localhost",
        f"{PS}.appArmorProfile.type",
    ),
    (
        pod(securityContext={"seLinuxOptions": {"type": "spc_t"}}),
        "pod:seLinuxOptions",
        f"{PS}.seLinuxOptions",
    ),
    (
        pod(securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "1024"}]}),
        "pod:sysctl/net.core.somaxconn",
        f"{PS}.sysctls[0].name",
    ),
    (
        pod(securityContext={"sysctls": [{"name": "net/core/somaxconn", "value": "1024"}]}),
        "pod:sysctl/net.core.somaxconn",
        f"{PS}.sysctls[0].name",
    ),
    (
        pod(securityContext={"windowsOptions": {"hostProcess": True}}),
        "pod:windowsOptions.hostProcess",
        f"{PS}.windowsOptions.hostProcess",
    ),
    (secured(privileged=True), "pod:privileged", f"{S}.privileged"),
    (secured(capabilities={"add": ["NET_ADMIN"]}), "cap:NET_ADMIN", f"{S}.capabilities.add[0]"),
    (secured(capabilities={"add": ["CAP_NET_RAW"]}), "cap:NET_RAW", f"{S}.capabilities.add[0]"),
    (secured(capabilities={"add": ["all"]}), "cap:ALL", f"{S}.capabilities.add[0]"),
    (
        secured(seccompProfile={"type": "Localhost", "localhostProfile": "p.json"}),
        "pod:seccompProfile/Localhost",
        f"{S}.seccompProfile.type",
    ),
    (
        secured(appArmorProfile={"type": "RuntimeDefault"}),
        "pod:appArmorProfile/RuntimeDefault",
        f"{S}.appArmorProfile.type",
    ),
    (secured(seLinuxOptions={"level": "s0"}), "pod:seLinuxOptions", f"{S}.seLinuxOptions"),
    (secured(procMount="Unmasked"), "pod:procMount/Unmasked", f"{S}.procMount"),
    (
        secured(allowPrivilegeEscalation=False),
        "pod:allowPrivilegeEscalation/false",
        f"{S}.allowPrivilegeEscalation",
    ),
    (
        secured(windowsOptions={"hostProcess": True}),
        "pod:windowsOptions.hostProcess",
        f"{S}.windowsOptions.hostProcess",
    ),
    (
        pod(containers=[container(volumeDevices=[{"name": "d", "devicePath": "/dev/x"}])]),
        "pod:volumeDevices",
        f"{C}.volumeDevices",
    ),
    (
        limited({"nvidia.com/gpu": "1"}),
        "pod:resources/nvidia.com/gpu",
        f"{C}.resources.limits[nvidia.com/gpu]",
    ),
    (
        limited({"hugepages-1Gi": "1Gi"}),
        "pod:resources/hugepages",
        f"{C}.resources.limits[hugepages-1Gi]",
    ),
    (
        pod(containers=[container(resources={"claims": [{"name": "gpu"}]})]),
        "pod:resourceClaims",
        f"{C}.resources",
    ),
    (
        mounting(mountPropagation="Bidirectional"),
        "pod:mountPropagation/Bidirectional",
        f"{M}.mountPropagation",
    ),
    (
        mounting(mountPropagation="HostToContainer"),
        "pod:mountPropagation/HostToContainer",
        f"{M}.mountPropagation",
    ),
    (mounting(recursiveReadOnly="Enabled"), "pod:recursiveReadOnly", f"{M}.recursiveReadOnly"),
    (mounting(subPath="data"), "pod:subPath", f"{M}.subPath"),
    (mounting(subPathExpr="$(POD_NAME)"), "pod:subPath", f"{M}.subPathExpr"),
    (volume(hostPath={"path": "/srv"}), "pod:hostPath", f"{V}.hostPath"),
    (volume(emptyDir={"medium": "HugePages-2Mi"}), "pod:hugepages", f"{V}.emptyDir.medium"),
    (volume(image={"reference": "quay.io/data:1"}), "pod:volumes.image", f"{V}.image"),
]


@pytest.mark.parametrize(("obj", "feature", "field_path"), USES)
def test_a_field_is_read_as_its_feature_at_its_path(
    obj: dict[str, Any], feature: str, field_path: str
) -> None:
    assert used(obj) == [(feature, field_path)]


_SCOPE_OF_PREFIX = {
    "spec.containers[0].securityContext.": "container.securityContext",
    "spec.containers[0].volumeMounts[0].": "volumeMount",
    "spec.containers[0].": "container",
    "spec.securityContext.": "pod.securityContext",
    "spec.volumes[0].": "volume",
    "spec.": "pod",
    "metadata.annotations[": "annotation",
}


def test_every_row_of_the_table_has_such_a_test() -> None:
    tested = set()
    for _, feature, path in USES:
        prefix = next(p for p in _SCOPE_OF_PREFIX if path.startswith(p))
        scope = _SCOPE_OF_PREFIX[prefix]
        below = path.removeprefix(prefix)
        key = below[:-1] if scope == "annotation" else below.split(".")[0].split("[")[0]
        tested |= {
            row
            for row in FEATURES
            if (row.scope, row.key) == (scope, key) and feature.startswith(row.id)
        }
    assert [row for row in FEATURES if row not in tested] == []


NO_USE: list[dict[str, Any]] = [
    pod(),
    pod(hostNetwork=False, hostPID=False, hostIPC=False, hostUsers=True),
    pod(annotations={UNTRUSTED: "false", "io.kubernetes.cri.other": "true"}, os={"name": "BSD"}),
    pod(containers=[container(livenessProbe={"httpGet": {"port": 80}}, lifecycle={})]),
    pod(containers=[container(lifecycle={"preStop": {"sleep": {"seconds": 5}}})]),
    pod(shareProcessNamespace=False, resourceClaims=[], securityContext={}),
    pod(securityContext={"seccompProfile": {"type": "Unconfined"}, "seLinuxOptions": {}}),
    pod(securityContext={"runAsUser": 999, "fsGroup": 999, "supplementalGroups": [1]}),
    secured(privileged=False, allowPrivilegeEscalation=True, procMount="Default"),
    secured(capabilities={"drop": ["ALL"]}, runAsNonRoot=True, readOnlyRootFilesystem=True),
    secured(windowsOptions={"runAsUserName": "app"}),
    limited({"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}),
    mounting(mountPropagation="None", recursiveReadOnly="Disabled", subPath="", readOnly=True),
    mounting(recursiveReadOnly="IfPossible"),
    volume(emptyDir={}),
    volume(emptyDir={"medium": "Memory", "sizeLimit": "1Gi"}),
    volume(configMap={"name": "c"}),
    volume(persistentVolumeClaim={"claimName": "c"}),
]


@pytest.mark.parametrize("obj", NO_USE)
def test_a_field_that_asks_for_nothing_special_is_no_use(obj: dict[str, Any]) -> None:
    assert used(obj) == []


@pytest.mark.parametrize(
    ("path", "feature"),
    [
        ("/dev/kvm", "pod:hostPath/device"),
        ("/dev//net//tun", "pod:hostPath/device/net/tun"),
        ("//dev/fuse", "pod:hostPath/device/fuse"),
        ("/dev", "pod:hostPath/device"),
        ("/dev/", "pod:hostPath/device"),
        ("/dev/shmx", "pod:hostPath/device"),
        ("/dev/shm", "pod:hostPath"),
        ("/dev/shm/x", "pod:hostPath"),
        ("/dev/urandom", "pod:hostPath"),
        ("/dev/null", "pod:hostPath"),
        ("/device", "pod:hostPath"),
        ("/", "pod:hostPath"),
        ("/dev/log", "pod:hostPath/Socket"),
        ("/var/run/docker.sock", "pod:hostPath/Socket"),
        ("/run/containerd/containerd.sock/", "pod:hostPath/Socket"),
        ("/var/run", "pod:hostPath"),
        ("/var/lib/kubelet/device-plugins", "pod:hostPath/Socket/plugin"),
        ("/var/lib/kubelet/plugins_registry/", "pod:hostPath/Socket/plugin"),
        ("/var/lib/k0s//kubelet//device-plugins//", "pod:hostPath/Socket/plugin"),
        ("/var/lib/kubelet/device-plugins/kubelet.sock", "pod:hostPath/Socket"),
        ("/var/lib/kubelet/device-plugins/x", "pod:hostPath"),
        ("/var/lib/kubelet/plugins", "pod:hostPath"),
        ("/var/lib/kubelet", "pod:hostPath"),
    ],
)
def test_what_a_host_path_is_shows_in_its_path(path: str, feature: str) -> None:
    assert [use.feature for use in uses(pod_view(volume(hostPath={"path": path})))] == [feature]


@pytest.mark.parametrize(
    ("kind", "feature"),
    [
        ("CharDevice", "pod:hostPath/device"),
        ("BlockDevice", "pod:hostPath/device"),
        ("Socket", "pod:hostPath/Socket"),
        ("Directory", "pod:hostPath"),
        ("", "pod:hostPath"),
    ],
)
def test_what_a_host_path_is_shows_in_its_type(kind: str, feature: str) -> None:
    obj = volume(hostPath={"path": "/srv/x", "type": kind})
    assert [use.feature for use in uses(pod_view(obj))] == [feature]


def test_uses_come_pod_level_first_then_container_by_container() -> None:
    obj = pod(
        hostPID=True,
        volumes=[{"name": "h", "hostPath": {"path": "/srv"}}],
        containers=[
            container("a", securityContext={"privileged": True}),
            container("b", securityContext={"capabilities": {"add": ["SYS_TIME", "SYS_PTRACE"]}}),
        ],
        initContainers=[container("i", securityContext={"privileged": True})],
    )
    found = uses(pod_view(obj))
    assert [(u.feature, u.field_path, u.container and u.container.name) for u in found] == [
        ("pod:hostPID", "spec.hostPID", None),
        ("pod:hostPath", "spec.volumes[0].hostPath", None),
        ("pod:privileged", "spec.containers[0].securityContext.privileged", "a"),
        ("cap:SYS_TIME", "spec.containers[1].securityContext.capabilities.add[0]", "b"),
        ("cap:SYS_PTRACE", "spec.containers[1].securityContext.capabilities.add[1]", "b"),
        ("pod:privileged", "spec.initContainers[0].securityContext.privileged", "i"),
    ]


VOLUMES = Counted({"hostPath": {"path": "/x"}} for _ in range(1_000))
MOUNTS = Counted({"subPath": "x"} for _ in range(1_000))
SYSCTLS = Counted({"name": f"net.x{n}"} for n in range(1_000))
CAPABILITIES = Counted(f"X{n}" for n in range(1_000))


@pytest.mark.parametrize(
    ("obj", "written"),
    [
        (pod(volumes=VOLUMES), VOLUMES),
        (pod(containers=[container(volumeMounts=MOUNTS)]), MOUNTS),
        (pod(securityContext={"sysctls": SYSCTLS}), SYSCTLS),
        (secured(capabilities={"add": CAPABILITIES}), CAPABILITIES),
    ],
    ids=["volumes", "mounts", "sysctls", "capabilities"],
)
def test_no_more_is_read_than_is_asked_for(obj: dict[str, Any], written: Counted) -> None:
    assert len([*islice(uses(pod_view(obj)), 10)]) == written.read == 10


def test_a_template_is_named_in_the_field_path() -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "j"},
        "spec": {"jobTemplate": {"spec": {"template": secured(privileged=True)}}},
    }
    [template] = pod_templates(job, namespace="tenant-a")
    assert [use.field_path for use in uses(template)] == [
        "spec.jobTemplate.spec.template.spec.containers[0].securityContext.privileged"
    ]


def test_huge_pages_count_once_though_requests_equal_limits() -> None:
    resources = {"limits": {"hugepages-2Mi": "2Mi"}, "requests": {"hugepages-2Mi": "2Mi"}}
    assert len(used(pod(containers=[container(resources=resources)]))) == 1


def test_a_sub_path_is_only_preferred_and_a_profile_is_security() -> None:
    [sub_path] = uses(pod_view(mounting(subPath="data")))
    [profile] = uses(pod_view(secured(seccompProfile={"type": "RuntimeDefault"})))
    assert (sub_path.strength, sub_path.security) == (Strength.PREFERRED, False)
    assert (profile.strength, profile.security) == (Strength.REQUIRED, True)


HOSTILE: list[Any] = [
    None, True, 0, 7, -1.5, "", "x", "\x1b[31m\n\"'", "*", [], {}, [None], [[]], [{}], ["x", 1],
    {"x": None}, {"type": []}, {"type": {}}, {"type": "\n*"}, {"add": "NET_RAW"},
    {"add": [None, 3, [], {}, "", "*", "CAP_", "a b", "X" * 10_000]}, {"path": []},
    {"path": 5, "type": ["Socket"]}, {"path": "/dev/" * 10_000}, {"medium": ["HugePages"]},
    {"limits": []}, {"limits": {"": 1, "a/\nb": 1, 5: 1, None: 1, "hugepages-\n": 1}},
    {"limits": {"x/" + "y" * 10_000: 1}, "claims": 3}, {"hostProcess": "true"},
    [{"name": None}, {"name": []}, {"name": "a b"}, {"name": ""}, {"name": "*"}, 5],
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("row", FEATURES, ids=lambda row: f"{row.scope}.{row.key}:{row.id}")
def test_no_value_of_a_field_makes_the_scan_fail_or_forge_an_id(row: Any, value: Any) -> None:
    field = {row.key: value}
    wrapped: dict[str, Any] = {
        "pod": field,
        "pod.securityContext": {"securityContext": field},
        "container": {"containers": [container(**field)]},
        "container.securityContext": {"containers": [container(securityContext=field)]},
        "volumeMount": {"containers": [container(volumeMounts=[field])]},
        "volume": {"volumes": [field]},
        "annotation": {},
    }[row.scope]
    spec = {"containers": [container()], **wrapped}
    found = tuple(uses(view_pod(spec, {"annotations": field}, namespace="tenant-a")))
    assert all(parse_feature(use.feature) == use.feature for use in found)
    assert all("*" not in use.feature for use in found)
    assert all(use.field_path.isprintable() and len(use.field_path) < 400 for use in found)


@pytest.mark.parametrize("value", [None, 5, "x", [], [None, 5, "x"], {"a": 1}])
@pytest.mark.parametrize("key", ["securityContext", "volumes"])
def test_no_shape_of_the_objects_around_a_field_makes_the_scan_fail(key: str, value: Any) -> None:
    assert used(pod(**{key: value})) == []
    fields = {"securityContext": value, "volumeMounts": value, "resources": value}
    assert used(pod(containers=[container(**fields)])) == []


def test_a_name_that_is_none_leaves_the_wider_feature() -> None:
    obj = pod(securityContext={"sysctls": [{"name": "a b"}, {}], "seccompProfile": {"type": "New"}})
    assert {use.feature for use in uses(pod_view(obj))} == {"pod:sysctl", "pod:seccompProfile"}


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("syscall:statx/AT_NO_AUTOMOUNT", "syscall:statx"),
        ("pod:sysctl/net.core.somaxconn", "pod:sysctl"),
        ("pod:hostPath/device", "pod:hostPath"),
        ("pod:hostPath/device/fuse", "pod:hostPath/device"),
        ("pod:hostPath/device/net/tun", "pod:hostPath/device/net"),
        ("syscall:statx", None),
        ("device:/dev/kvm", None),
        ("proc:/proc/sys/vm/max_map_count", None),
    ],
)
def test_the_wider_feature_is_the_one_before_the_slash_but_paths_have_none(
    feature: str, expected: str | None
) -> None:
    assert wider(Feature(feature)) == expected


def test_a_syscall_is_known_by_the_names_that_tools_print() -> None:
    assert parse_feature("syscall:pselect/X") == "syscall:pselect6/X"


@pytest.mark.parametrize("written", ["", "syscall", "syscall:", "x:y", "syscall:a b", "syscall:\n"])
def test_what_is_no_feature_id_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(FeatureError, match="must be a feature id such as syscall:io_uring_setup"):
        parse_feature(written)
