"""What the programs of a node are told: arguments and files, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.settings import SERVICES
from tests.node.programs import CNI, debian_program
from tests.runsc.releases import RUNSC

NAME = "node-1"
BRIDGE = "pods"
ADDRESS = "198.51.100.1"
PODS = "198.51.100.0/24"
"""TEST-NET-2 (RFC 5737), in a network namespace of the node's own: nobody's addresses."""
SOCKET = "/run/containerd/containerd.sock"
ROOT_DIR = "/var/lib/kubelet"
PAUSE, BUSYBOX = "localhost/pause:test", "localhost/busybox:test"
KUBELET_SYSCTLS = {"vm/overcommit_memory": "1", "kernel/panic": "10", "kernel/panic_on_oops": "1"}
"""What the kubelet sets for the whole machine. Files with these values lie over those of /proc/sys
in the node's mount namespace: it finds them set, and the machine's stay as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a node keeps its files, and the cgroup that all of its pods are in."""

    folder: Path
    cgroup: str
    lacks_sys_resource: bool
    services: bool = False
    """Whether pods find a way to the addresses of Services."""


def containerd_toml(place: Place) -> str:
    """Two handlers, runc and runsc; an image store and sockets of the node's own."""
    runtimes = 'plugins."io.containerd.cri.v1.runtime".containerd'
    sections: Mapping[str, Mapping[str, object]] = {
        "": {"version": 3, "root": str(place.folder / "containerd"), "state": "/run/containerd"},
        "grpc": {"address": SOCKET},
        'plugins."io.containerd.cri.v1.images"': {"snapshotter": "overlayfs"},
        'plugins."io.containerd.cri.v1.images".pinned_images': {"sandbox": PAUSE},
        'plugins."io.containerd.cri.v1.runtime"': {
            # Without the capability the sandbox's -998 cannot be set.
            "restrict_oom_score_adj": place.lacks_sys_resource,
            "enable_unprivileged_ports": False,
            "enable_unprivileged_icmp": False,
        },
        'plugins."io.containerd.cri.v1.runtime".cni': {
            "bin_dirs": [str(CNI[0].path.parent)],
            "conf_dir": str(place.folder / "net.d"),
        },
        runtimes: {"default_runtime_name": "runc"},
        f"{runtimes}.runtimes.runc": {"runtime_type": "io.containerd.runc.v2"},
        f"{runtimes}.runtimes.runc.options": {"BinaryName": str(debian_program("runc"))},
        f"{runtimes}.runtimes.runsc": {"runtime_type": "io.containerd.runsc.v1"},
        f"{runtimes}.runtimes.runsc.options": {
            "TypeUrl": "io.containerd.runsc.v1.options",
            "ConfigPath": str(place.folder / "runsc.toml"),
        },
    }
    return "".join(_section(name, values) for name, values in sections.items())


def runsc_toml() -> str:
    """The defaults of runsc, said."""
    flags = {"platform": "systrap", "network": "sandbox"}
    return _section("", {"binary_name": str(RUNSC.path)}) + _section("runsc_config", flags)


def _section(name: str, values: Mapping[str, object]) -> str:
    # Strings, numbers, booleans and lists are written in TOML as in JSON.
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(([f"[{name}]"] if name else []) + lines) + "\n"


def network(place: Place) -> str:
    """One bridge and no way out of it: pods reach this node and each other."""
    ranges = [[{"subnet": PODS, "rangeStart": "198.51.100.10"}]]
    ways = [{"dst": SERVICES, "gw": ADDRESS}] if place.services else []
    ipam = {
        "type": "host-local",
        "dataDir": str(place.folder / "addresses"),
        "ranges": ranges,
        **({"routes": ways} if ways else {}),
    }
    bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": False, "ipMasq": False}
    plugins = [{**bridge, "hairpinMode": True, "ipam": ipam}]
    return json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": plugins})


def kubelet_configuration(place: Place) -> str:
    """A KubeletConfiguration (JSON is YAML)."""
    return json.dumps(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": f"unix://{SOCKET}",
            "address": ADDRESS,
            "healthzPort": 0,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(place.folder / "kubelet-client.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "podLogsDir": str(place.folder / "pod-logs"),
            "volumePluginDir": f"{ROOT_DIR}/volume-plugins",
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{place.cgroup}",
            "failSwapOn": False,
            "oomScoreAdj": 0 if place.lacks_sys_resource else -999,
            "makeIPTablesUtilChains": False,
            "resolvConf": "",
            "allowedUnsafeSysctls": ["net.*"],
            "evictionHard": {
                "memory.available": "50Mi",
                **dict.fromkeys(
                    ("nodefs.available", "nodefs.inodesFree", "imagefs.available"), "0%"
                ),
            },
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "syncFrequency": "5s",
        }
    )


def kubelet_arguments(place: Place, kubeconfig: Path) -> list[str]:
    """The kubelet of this one node."""
    return [
        f"--config={place.folder / 'kubelet.json'}",
        f"--kubeconfig={kubeconfig}",
        f"--root-dir={ROOT_DIR}",
        f"--cert-dir={ROOT_DIR}/pki",
        f"--hostname-override={NAME}",
        f"--node-ip={ADDRESS}",
        "--v=2",  # it names each pod that it is given
    ]


def kube_scheduler_arguments(kubeconfig: Path) -> list[str]:
    """The scheduler, alone and serving nothing."""
    return [f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0"]
