"""What pods try on the node: one row a pod feature, with the script that tells what came of it.

A script says one word of the table's levels of support and what it saw, by ``say``. What the pod
cannot tell because it never runs is told by the kubelet's refusal or event (observe.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from tests.node.images import NOBODY
from tests.node.settings import BUSYBOX

SHM_KEY = "0x52474154"
NEEDS = "runtimegate.dev/needs"
DONGLE = "example.com/dongle"
_SAY = 'say() { printf "%s" "$*" > /dev/termination-log; exit 0; }\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One pod. ``features`` are the rows of the table that it tries, none where there is no row.

    ``spec`` and ``container`` are what its spec and its one container have besides; ``facility``
    is what the node's kernel must have for the probe to tell anything (trial.FACILITIES), and
    ``needs`` what no field says, as the annotation runtimegate.dev/needs does.
    """

    name: str
    features: tuple[str, ...]
    script: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    container: Mapping[str, Any] = field(default_factory=dict)
    facility: str = ""
    needs: str = ""

    def pod(self, *, name: str, runtime_class: str) -> dict[str, Any]:
        """The pod as JSON."""
        more = dict(self.spec)
        sidecars = more.pop("sidecars", [])
        main = {
            "name": "main",
            "image": BUSYBOX,
            "imagePullPolicy": "Never",
            "command": ["sh", "-c", _SAY + self.script],
            **self.container,
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "labels": {"probe": self.name},
                "annotations": {NEEDS: self.needs} if self.needs else {},
            },
            "spec": {
                "runtimeClassName": runtime_class,
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 0,
                "containers": [main, *sidecars],
                **more,
            },
        }


def _security(**fields: Any) -> dict[str, Any]:
    return {"securityContext": fields}


class _Mounted(TypedDict):
    """The two parts of a pod that mount a volume."""

    spec: Mapping[str, Any]
    container: Mapping[str, Any]


def _volume(source: Mapping[str, Any], **mount: Any) -> _Mounted:
    return {
        "spec": {"volumes": [{"name": "v", **source}]},
        "container": {"volumeMounts": [{"name": "v", "mountPath": "/v", **mount}]},
    }


def _host_path(path: Path | str, kind: str, **mount: Any) -> _Mounted:
    return _volume({"hostPath": {"path": str(path), "type": kind}}, **mount)


def _cap(name: str, trial: str, facility: str = "") -> Probe:
    """A capability that is not among the default ones, and a call that needs it."""
    return Probe(
        name=f"cap-{name.lower().replace('_', '-')}",
        features=(f"cap:{name}",),
        facility=facility,
        container=_security(capabilities={"drop": ["ALL"], "add": [name]}),
        script=f'got=$({trial} 2>&1) && say full "$got"; say errno "$got"',
    )


_SECCOMP = """
n=$(sed -n 's/^Seccomp:[^0-9]*//p' /proc/self/status)
"""
_NAMESPACES = (
    Probe(
        name="host-network",
        features=("pod:hostNetwork",),
        spec={"hostNetwork": True},
        script="""
links=$(ls /sys/class/net | tr '\\n' ' ')
addresses=$(ip -4 -o addr | awk '{print $4}' | tr '\\n' ' ')
case $addresses in *198.51.100.1/*) say full "has the node's addresses: $addresses";; esac
say absent "links: $links, addresses: $addresses"
""",
    ),
    Probe(
        name="host-pid",
        features=("pod:hostPID",),
        spec={"hostPID": True},
        script="""
grep -qs '^kubelet$' /proc/[0-9]*/comm && say full "sees the kubelet"
say scoped "sees $(ls -d /proc/[0-9]* | wc -l) processes, no kubelet"
""",
    ),
    Probe(
        name="host-ipc",
        features=("pod:hostIPC",),
        spec={"hostIPC": True},
        script=f"""
got=$(probe shm-find {SHM_KEY}) && say full "found the node's segment"
say scoped "shmget of the node's segment: $got"
""",
    ),
    Probe(
        name="share-processes",
        features=("pod:shareProcessNamespace",),
        spec={
            "shareProcessNamespace": True,
            "sidecars": [
                {
                    "name": "other",
                    "image": BUSYBOX,
                    "imagePullPolicy": "Never",
                    "command": ["sleep", "31557600"],
                }
            ],
        },
        script="""
for i in 1 2 3 4 5 6 7 8 9 10; do
  grep -qs 31557600 /proc/[0-9]*/cmdline && say full "sees the other container's process"
  sleep 1
done
say ignored "does not see the other container's process"
""",
    ),
    Probe(
        name="user-namespace",
        features=("pod:hostUsers/false",),
        spec={"hostUsers": False},
        script="""
map=$(tr -s ' ' < /proc/self/uid_map | head -1)
case $map in *" 0 0 4294967295") say ignored "uid_map:$map";; esac
say full "uid_map:$map"
""",
    ),
    Probe(
        name="user-namespace-volumes",
        features=("pod:hostUsers/false",),
        spec={"hostUsers": False, "volumes": [{"name": "v", "emptyDir": {}}]},
        container={"volumeMounts": [{"name": "v", "mountPath": "/v"}]},
        script="""
touch /v/file || say partial "cannot write to an emptyDir"
say full "a file made in an emptyDir belongs to $(stat -c %u /v/file)"
""",
    ),
)

_PRIVILEGES = (
    Probe(
        name="privileged", features=("pod:privileged",), container=_security(privileged=True),
        script="""
caps=$(sed -n 's/^CapEff:[^0-9]*//p' /proc/self/status)
[ -e /dev/loop-control ] || say scoped "CapEff $caps, no device of the node in /dev"
got=$(probe open /dev/loop-control) && say full "opens the node's devices, CapEff $caps"
say scoped "CapEff $caps, the node's devices are in /dev, to open one answers $got"
""",
    ),
    Probe(
        name="seccomp-runtime-default", features=("pod:seccompProfile/RuntimeDefault",),
        spec=_security(seccompProfile={"type": "RuntimeDefault"}),
        script=_SECCOMP + """
[ "$n" = 2 ] && say full "Seccomp: 2"; say ignored "Seccomp: $n"
""",
    ),
    Probe(
        name="seccomp-localhost", features=("pod:seccompProfile/Localhost",),
        spec=_security(
            seccompProfile={"type": "Localhost", "localhostProfile": "no-mkdir.json"}
        ),
        script=_SECCOMP + """
mkdir /tmp/d 2>/dev/null && say ignored "mkdir works although the profile denies it, Seccomp: $n"
say full "mkdir is denied, Seccomp: $n"
""",
    ),
    Probe(
        name="apparmor", features=("pod:appArmorProfile/RuntimeDefault",),
        facility="AppArmor",
        spec=_security(appArmorProfile={"type": "RuntimeDefault"}),
        script="""
is=$(cat /proc/self/attr/current 2>&1)
case $is in *enforce*) say full "$is";; esac
say ignored "/proc/self/attr/current: $is"
""",
    ),
    Probe(
        name="selinux", features=("pod:seLinuxOptions",), facility="SELinux",
        spec=_security(seLinuxOptions={"type": "container_t", "level": "s0:c1,c2"}),
        script="""
is=$(cat /proc/self/attr/current 2>&1)
case $is in *container_t*) say full "$is";; esac
say ignored "/proc/self/attr/current: $is"
""",
    ),
    *(
        Probe(
            name=f"sysctl-{short}", features=(f"pod:sysctl/{name}",),
            spec=_security(sysctls=[{"name": name, "value": value}]),
            script=f"""
is=$(sysctl -n {name} 2>&1)
[ "$is" = {value} ] && say full "{name} is {value}"
say ignored "{name} was asked to be {value}, is: $is"
""",
        )
        for short, name, value in (
            ("somaxconn", "net.core.somaxconn", "2048"),
            ("port-start", "net.ipv4.ip_unprivileged_port_start", "79"),
            ("shm-rmid", "kernel.shm_rmid_forced", "1"),
            ("keepalive", "net.ipv4.tcp_keepalive_time", "601"),
            ("port-range", "net.ipv4.ip_local_reserved_ports", "8080"),
            ("ip-forward", "net.ipv4.ip_forward", "1"),
            ("nr-open", "fs.nr_open", "1048570"),
        )
    ),
    Probe(
        name="sysctl-disable-ipv6",
        features=("pod:sysctl/net.ipv6.conf.all.disable_ipv6",),
        spec=_security(sysctls=[{"name": "net.ipv6.conf.all.disable_ipv6", "value": "1"}]),
        script="""
have=$(ip -6 -o addr | wc -l)
[ "$have" = 0 ] && say full "no IPv6 addresses"; say ignored "$have IPv6 addresses"
""",
    ),
    Probe(
        name="proc-mount", features=("pod:procMount/Unmasked",),
        spec={"hostUsers": False}, container=_security(procMount="Unmasked"),
        script="""
masks=$(awk '$2 ~ "^/proc/"' /proc/self/mounts | wc -l)
[ "$masks" = 0 ] && say full "nothing is mounted over /proc"
say ignored "$masks mounts over /proc"
""",
    ),
    Probe(
        name="no-new-privileges", features=("pod:allowPrivilegeEscalation/false",),
        container=_security(runAsUser=NOBODY, allowPrivilegeEscalation=False),
        script="""
flag=$(sed -n 's/^NoNewPrivs:[^0-9]*//p' /proc/self/status)
got=$(probe-setuid euid) && say ignored "a setuid program is root, NoNewPrivs: $flag"
say full "a setuid program stays $got, NoNewPrivs: $flag"
""",
    ),
    Probe(
        name="setuid", features=("exec:setuid",), needs="exec:setuid",
        container=_security(runAsUser=NOBODY, allowPrivilegeEscalation=True),
        script="""
got=$(probe-setuid euid) && say full "a setuid program is root"
say ignored "a setuid program stays $got"
""",
    ),
    _cap("NET_RAW", "probe raw-socket"),
    _cap("NET_ADMIN", "ip addr add 192.0.2.7/32 dev lo"),
    _cap("SYS_ADMIN", "mount -t tmpfs tmpfs /tmp"),
    _cap("SYS_PTRACE", "probe ptrace"),
    _cap("SYS_CHROOT", "chroot / /bin/true"),
    _cap("MKNOD", "mknod /tmp/null c 1 3"),
    _cap("CHOWN", "chown 1:1 /etc/passwd"),
    _cap("IPC_LOCK", "probe write-locked"),
    _cap("SYS_MODULE", "probe init-module | grep -x ENOEXEC", "modules"),
    _cap("BPF", "probe bpf"),
    _cap("PERFMON", "probe perf-event"),
    Probe(
        name="cap-all", features=("cap:ALL",), container=_security(capabilities={"add": ["ALL"]}),
        script="""
caps=$(sed -n 's/^CapEff:[^0-9]*//p' /proc/self/status)
mount -t tmpfs tmpfs /tmp || say errno "CapEff $caps"
case $(cat /proc/version) in *gvisor*) say scoped "CapEff $caps, of the sandbox's kernel";; esac
say full "CapEff $caps"
""",
    ),
)  # fmt: skip

_RESOURCES = (
    Probe(
        name="extended-resource", features=(f"pod:resources/{DONGLE}",),
        container={"resources": {"limits": {DONGLE: "1"}}},
        script='say full "the pod runs; the resource brings nothing that it could use"',
    ),
    Probe(
        name="block-volume", features=("pod:volumeDevices",),
        spec={"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "block"}}]},
        container={"volumeDevices": [{"name": "v", "devicePath": "/dev/data"}]},
        script="""
got=$(probe read /dev/data) && say full "reads the block device"
say errno "$got"
""",
    ),
)  # fmt: skip


def _huge_pages(
    host: Path,
    name: str,
    feature: str,
    trial: str,
    *,
    volume: Mapping[str, Any] | None = None,
    mount: Mapping[str, Any] | None = None,
) -> Probe:
    """A pod that holds a huge page while it looks at what the node (Host.tick) has left."""
    node = _host_path(host / "shared", "Directory")
    return Probe(
        name=name,
        features=(feature,),
        facility="huge pages",
        spec={"volumes": [*node["spec"]["volumes"], *([volume] if volume else [])]},
        container={
            "volumeMounts": [*node["container"]["volumeMounts"], *([mount] if mount else [])],
            "resources": {
                "limits": {"hugepages-2Mi": "2Mi", "memory": "64Mi"},
                "requests": {"cpu": "10m"},
            },
        },
        script=f"""
before=$(cat /v/huge-pages-free)
probe {trial} > /tmp/got 2>&1 &
for i in $(seq 20); do
  sleep 0.5
  [ "$(cat /v/huge-pages-free)" -lt "$before" ] && say full "the node has a huge page less"
done
wait; got=$(tail -n 1 /tmp/got)
[ "$got" = ok ] || say errno "$(head -c 200 /tmp/got)"
say ignored "it is mapped, the node has no huge page less"
""",
    )


def _mounts(host: Path) -> tuple[Probe, ...]:
    """Those that need files of the node: what prepare.py puts into a folder."""
    wait_for_mount = """
touch /v/waiting/$HOSTNAME
for i in $(seq 20); do
  [ -e /v/later-$HOSTNAME/file ] && say full "sees a mount that the node made later"; sleep 1
done
say ignored "a mount that the node makes is not seen"
"""
    return (
        _huge_pages(host, "hugepages", "pod:resources/hugepages", "map-hugetlb"),
        Probe(
            name="host-path-folder", features=("pod:hostPath",),
            **_host_path(host / "folder", "Directory"),
            script="""
grep -q node /v/file && echo pod > /v/written-by-$HOSTNAME && say full "reads and writes"
say errno "$(cat /v/file 2>&1)"
""",
        ),
        Probe(
            name="host-path-file", features=("pod:hostPath",),
            **_host_path(host / "folder" / "file", "File"),
            script='grep -q node /v && say full "reads"; say errno "$(cat /v 2>&1)"',
        ),
        Probe(
            name="host-path-socket", features=("pod:hostPath/Socket",),
            **_host_path(host / "listening.sock", "Socket"),
            script='got=$(probe connect /v) && say full connects; say errno "connect: $got"',
        ),
        Probe(
            name="host-path-socket-in-folder", features=("pod:hostPath/Socket",),
            needs="pod:hostPath/Socket",
            **_host_path(host, "Directory"),
            script='got=$(probe connect /v/listening.sock) && say full connects;'
                   ' say errno "connect: $got"',
        ),
        *(
            Probe(
                name=f"host-path-{name}",
                features=(feature,),
                spec=_host_path(f"/dev/{path}", "CharDevice")["spec"],
                container={
                    **_security(privileged=True),
                    "volumeMounts": [{"name": "v", "mountPath": f"/dev/{path}"}],
                },
                script=f'got=$(probe open /dev/{path}) && say full opens; say errno "open: $got"',
            )
            for name, path, feature in (
                ("loop-control", "loop-control", "pod:hostPath/device"),
                ("kvm", "kvm", "pod:hostPath/device"),
                ("fuse", "fuse", "pod:hostPath/device/fuse"),
                ("tun", "net/tun", "pod:hostPath/device/net/tun"),
            )
        ),
        *(
            Probe(
                name=f"host-path-{name}", features=(),
                spec=_host_path(f"/dev/{path}", "CharDevice")["spec"],
                container={
                    **_security(**security),
                    "volumeMounts": [{"name": "v", "mountPath": f"/dev/{path}"}],
                },
                script=f'got=$(probe open /dev/{path}) && say full opens; say errno "open: $got"',
            )
            for name, path, security in (
                ("fuse-unprivileged", "fuse", {}),
                ("fuse-sys-admin", "fuse", {"capabilities": {"add": ["SYS_ADMIN"]}}),
                ("tun-net-admin", "net/tun", {"capabilities": {"add": ["NET_ADMIN"]}}),
            )
        ),
        Probe(
            name="host-path-null", features=("pod:hostPath",),
            **_host_path("/dev/null", "CharDevice"),
            script='got=$(echo x 2>&1 > /v) && say full "writes"; say errno "open: $got"',
        ),
        Probe(
            name="propagation-from-host", features=("pod:mountPropagation/HostToContainer",),
            **_host_path(host / "shared", "Directory", mountPropagation="HostToContainer"),
            script=wait_for_mount,
        ),
        Probe(
            name="propagation-none", features=(),
            **_host_path(host / "shared", "Directory"),
            script=wait_for_mount,
        ),
        Probe(
            name="propagation-both-ways", features=("pod:mountPropagation/Bidirectional",),
            spec=_host_path(host / "shared", "Directory")["spec"],
            container={
                **_security(privileged=True),
                "volumeMounts": [
                    {"name": "v", "mountPath": "/v", "mountPropagation": "Bidirectional"}
                ],
            },
            script="""
mkdir -p /v/from-$HOSTNAME; mount -t tmpfs tmpfs /v/from-$HOSTNAME || say errno "cannot mount"
touch /v/from-$HOSTNAME/inside
for i in $(seq 20); do
  [ -e /v/seen-$HOSTNAME ] && say full "the node sees the pod's mount"; sleep 1
done
say ignored "the node does not see the pod's mount"
""",
        ),
        Probe(
            name="recursive-read-only", features=("pod:recursiveReadOnly",),
            **_host_path(
                host / "nested", "Directory", readOnly=True, recursiveReadOnly="Enabled",
                mountPropagation="None",
            ),
            script='touch /v/below/x 2>/dev/null && say ignored "a mount below is writable";'
                   ' say full "mounts below are read-only too"',
        ),
        Probe(
            name="recursive-read-only-if-possible", features=(),
            **_host_path(
                host / "nested", "Directory", readOnly=True, recursiveReadOnly="IfPossible",
                mountPropagation="None",
            ),
            script='touch /v/below/x 2>/dev/null && say ignored "a mount below is writable";'
                   ' say full "mounts below are read-only too"',
        ),
        Probe(
            name="sub-path", features=("pod:subPath",),
            **_host_path(host, "Directory", subPath="folder"),
            script='grep -q node /v/file && say full "reads a file of the folder";'
                   ' say errno "$(cat /v/file 2>&1)"',
        ),
        Probe(
            name="sub-path-of-emptydir", features=("pod:subPath",),
            **_volume({"emptyDir": {}}, subPath="a/b"),
            script='touch /v/x && say full "writes"; say errno "cannot write"',
        ),
        _huge_pages(
            host, "hugepages-volume", "pod:hugepages", "map-file /huge/file",
            volume={"name": "huge", "emptyDir": {"medium": "HugePages"}},
            mount={"name": "huge", "mountPath": "/huge"},
        ),
        Probe(
            name="image-volume", features=("pod:volumes.image",),
            **_volume({"image": {"reference": BUSYBOX, "pullPolicy": "Never"}}),
            script="""
[ -x /v/bin/busybox ] || say errno "no file of the image"
touch /v/x 2>/dev/null && say partial "the image is writable"
say full "shows the image, read-only"
""",
        ),
    )  # fmt: skip


_WITHOUT_ROWS = (
    Probe(
        name="plain", features=(),
        script="""
say full "$(cut -d" " -f1-3 /proc/version), $(ip -6 -o addr | wc -l) IPv6 addresses"
""",
    ),
    Probe(
        name="memory-volume", features=(),
        **_volume({"emptyDir": {"medium": "Memory", "sizeLimit": "4Mi"}}),
        script="""
kind=$(awk '$2 == "/v" {print $3}' /proc/self/mounts)
limit="the limit of 4 MiB holds"
dd if=/dev/zero of=/v/file bs=1M count=8 2>/dev/null && limit="8 MiB fit into it"
say full "$kind, $limit"
""",
    ),
    Probe(
        name="read-only-root", features=(),
        container=_security(readOnlyRootFilesystem=True),
        script='touch /x 2>/dev/null && say ignored "writes"; say full "the root is read-only"',
    ),
    Probe(
        name="fs-group", features=(),
        spec={
            **_security(fsGroup=4711, runAsUser=NOBODY, supplementalGroups=[4712]),
            "volumes": [{"name": "v", "emptyDir": {}}],
        },
        container={"volumeMounts": [{"name": "v", "mountPath": "/v"}]},
        script="""
case " $(id -G) " in *" 4711 "*) ;; *) say ignored "groups: $(id -G)";; esac
touch /v/x || say errno "cannot write"
say full "groups: $(id -G), files of group $(stat -c %g /v/x)"
""",
    ),
    Probe(
        name="memory-limit", features=(),
        container={"resources": {"limits": {"memory": "32Mi"}}},
        script="""
head -c 67108864 /dev/zero | tail > /dev/null || say full "64 MiB do not fit into 32"
say scoped "64 MiB fit into 32, $(sed -n 's/MemTotal: *//p' /proc/meminfo) in all"
""",
    ),
    Probe(
        name="cpu-limit", features=(),
        container={"resources": {"limits": {"cpu": "1"}}},
        script='say full "$(grep -c ^processor /proc/cpuinfo) processors"',
    ),
)  # fmt: skip


def probes(host: Path) -> Sequence[Probe]:
    """All rows; ``host`` is the folder that prepare.py fills."""
    return (*_WITHOUT_ROWS, *_NAMESPACES, *_PRIVILEGES, *_RESOURCES, *_mounts(host))
